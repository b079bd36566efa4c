"""Which NumPy functions ask only for shapes, which write, and which give results whose shape hangs on the contents."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler.traced import Traced
from calligrad.rules import numpy_name

if TYPE_CHECKING:
    from calligrad.compiler.trace import Trace

STATIC: frozenset[Callable] = frozenset(
    (
        np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.min_scalar_type, np.iscomplexobj,
        np.isrealobj, np.may_share_memory, np.shares_memory, np.einsum_path, np.busday_count,
    )
)  # fmt: skip
"""What a program need not compute: shapes and dtypes are the same in every run."""

WRITERS: frozenset[Callable] = frozenset((np.copyto, np.place, np.put, np.putmask, np.put_along_axis, np.fill_diagonal))
"""What changes its first argument."""

_SHAPE = "gives an array whose shape depends on the contents, and a program has fixed shapes. Use np.where with a mask"
_TEXT = "gives a text with numbers of this run. Return the array, and print it outside"

REFUSED: dict[Callable, str] = dict.fromkeys(
    (
        np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.unique_all, np.unique_counts, np.unique_inverse,
        np.unique_values, np.extract, np.trim_zeros, np.setdiff1d, np.intersect1d, np.union1d, np.setxor1d, np.roots,
        np.ix_,
    ),
    _SHAPE,
) | dict.fromkeys(
    (np.array_repr, np.array_str, np.array2string, np.save, np.savez, np.savez_compressed, np.savetxt), _TEXT
)  # fmt: skip

COUNTS: dict[Callable, tuple[int, str]] = {
    np.compress: (0, "condition"),
    np.repeat: (1, "repeats"),
    np.delete: (1, "obj"),
    np.insert: (1, "obj"),
    np.split: (1, "indices_or_sections"),
    np.array_split: (1, "indices_or_sections"),
    np.tile: (1, "reps"),
    np.reshape: (1, "shape"),
    np.broadcast_to: (1, "shape"),
    np.transpose: (1, "axes"),
}
"""Functions with an argument that decides on the shape: its position and name."""


def refuse_counts(trace: Trace, func: Callable, args: Any, kwargs: Any) -> None:
    """Raise for an array in a place where its contents decide on the shape of the result."""
    if func is np.where and len(args) + len(kwargs) == 1:
        raise trace.error(f"np.where(condition) alone {_SHAPE}")
    if func is np.bincount and not kwargs.get("minlength", args[2] if len(args) > 2 else 0):
        raise trace.error("np.bincount has as many bins as the largest number asks for; use np.add.at on zeros")
    if func in COUNTS:
        position, name = COUNTS[func]
        given = kwargs.get(name, args[position] if len(args) > position else None)
        if _holds_traced(given):
            raise trace.error(f"{numpy_name(func)} with an array as {name} {_SHAPE}")


def is_mask(key: Any) -> bool:
    """Whether the key is one mask."""
    return hasattr(key, "dtype") and key.dtype == np.bool_


def refuse_mask(trace: Trace, key: Any) -> None:
    """Raise for a key with a mask that is computed: it picks another number of places in every run."""
    for part in key if isinstance(key, tuple) else (key,):
        if type(part) is Traced and is_mask(part):
            raise trace.error(f"x[mask] {_SHAPE}")


def _holds_traced(x: Any) -> bool:
    return type(x) is Traced or (isinstance(x, (tuple, list)) and any(map(_holds_traced, x)))
