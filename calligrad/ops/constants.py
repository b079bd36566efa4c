"""Functions whose results are constants: comparisons, predicates, shapes, positions, steps."""

import numpy as np

from calligrad.function import constant

# Comparisons and predicates give plain boolean arrays.
constant(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
constant(np.isfinite, np.isinf, np.isnan, np.isposinf, np.isneginf, np.signbit, np.iscomplex, np.isreal)
constant(np.logical_and, np.logical_or, np.logical_xor, np.logical_not)
constant(np.allclose, np.isclose, np.array_equal, np.array_equiv, np.all, np.any)
constant(np.iscomplexobj, np.isrealobj, np.isin)

# Integer arithmetic: Values that hold integers are constants.
constant(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift)
constant(np.gcd, np.lcm, np.bitwise_count)

# Shapes and types.
constant(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.min_scalar_type, np.common_type)

# Positions.
constant(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.argwhere)
constant(np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted, np.digitize, np.lexsort)

# Steps: piecewise constant, so the derivative is 0 wherever there is one.
constant(np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.fix, np.floor_divide, np.spacing)

# Indices that depend on shapes alone, and numbers taken apart into bits or places.
constant(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.ravel_multi_index, np.unravel_index)
constant(np.packbits, np.unpackbits, np.shares_memory, np.may_share_memory)

# Text and files: they show and store the numbers.
constant(np.array2string, np.array_repr, np.array_str, np.save, np.savez, np.savez_compressed, np.savetxt)
