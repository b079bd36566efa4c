"""Joining and splitting."""

import numpy as np

from tests.cases.table import NUMPY, case, real

for words, axis, a, b in [
    ("", 0, (2, 3), (1, 3)),
    ("axis=1", 1, (2, 3), (2, 2)),
    ("axis=-1", -1, (2, 3), (2, 2)),
    ("axis=None", None, (2, 3), (2,)),
    ("with nothing", 0, (2, 3), (0, 3)),
    ("of nothing", 1, (0, 3), (0, 2)),
]:
    case(f"np.concatenate {words}", lambda a, b, axis=axis: np.concatenate([a, b], axis=axis), real(*a), real(*b))
case("np.concatenate of three", lambda a, b, c: np.concatenate((a, b, c)), real(1), real(2), real(3))
case("np.concatenate with a constant", lambda a: np.concatenate([np.ones(2, a.dtype), a]), real(3))
case("np.concatenate of the rows of an array", np.concatenate, real(3, 2))
case("np.concatenate dtype=", lambda a, b: np.concatenate([a, b], dtype=np.float64), real(1), real(2), own_dtype=True)
case("np.concatenate casting=", lambda a, b: np.concatenate([a, b], casting="unsafe", dtype=a.dtype), real(1), real(2))
case("np.concat", lambda a, b: np.concat([a, b]), real(1), real(2))
for words, axis, shape in [
    ("", 0, (2, 3)),
    ("axis=1", 1, (2, 3)),
    ("axis=-1", -1, (2, 3)),
    ("of 0-d arrays", 0, ()),
    ("of nothing", 0, (0, 2)),
]:
    case(f"np.stack {words}", lambda a, b, axis=axis: np.stack([a, b], axis=axis), real(*shape), real(*shape))
case("np.stack with a number", lambda a: np.stack([a, np.ones((), a.dtype)]), real())
case("np.stack of one array twice", lambda a: np.stack([a, a]), real(3))
case("np.stack dtype=", lambda a: np.stack([a, a], dtype=np.float64), real(3), own_dtype=True)
case("np.split", lambda x: np.split(x, 2), real(4, 3))
case("np.split np.int64", lambda x: np.split(x, np.int64(2)), real(4, 3))
case("np.split axis=-1", lambda x: np.split(x, 3, axis=-1), real(2, 3))
case("np.split at places", lambda x: np.split(x, [1, 3]), real(4))
case("np.split at an empty place", lambda x: np.split(x, [2, 2]), real(3))
case("np.split one piece used", lambda x: np.split(x, 3)[1], real(6))
case("np.split multiplied together", lambda x: np.multiply(*np.split(x, 2)), real(4))
case("np.split of nothing", lambda x: np.split(x, 2, axis=1), real(0, 4))
case("np.array_split", lambda x: np.array_split(x, 3), real(5, 2))
case("np.array_split axis=1", lambda x: np.array_split(x, 2, axis=1), real(2, 3))
case("np.array_split at places out of order", lambda x: np.array_split(x, [3, 1], axis=1), real(2, 5))
case("np.hsplit", lambda x: np.hsplit(x, 2), real(2, 4))
case("np.hsplit of a vector", lambda x: np.hsplit(x, [1, 2]), real(4))
case("np.vsplit", lambda x: np.vsplit(x, [1]), real(3, 2))
case("np.dsplit", lambda x: np.dsplit(x, 2)[1], real(1, 2, 4))
if NUMPY >= "2.1.0":
    case("np.unstack", np.unstack, real(2, 3))
    case("np.unstack axis=-1", lambda x: np.unstack(x, axis=-1), real(2, 1, 3))
    case("np.unstack one of them", lambda x: np.unstack(x)[1], real(3))

for name, *shapes in [
    ("np.hstack", (2,), (3,)),
    ("np.hstack of matrices", (2, 1), (2, 3)),
    ("np.hstack of 0-d arrays", (), ()),
    ("np.hstack of nothing", (0, 2), (0, 1)),
    ("np.vstack", (3,), (3,)),
    ("np.vstack of a row and a matrix", (3,), (2, 3)),
    ("np.vstack of 0-d arrays", (), ()),
    ("np.dstack", (2,), (2,)),
    ("np.dstack of matrices", (2, 3), (2, 3)),
    ("np.dstack of stacks", (2, 1, 2), (2, 1, 1)),
    ("np.column_stack", (3,), (3,)),
    ("np.column_stack of a column and a matrix", (3,), (3, 2)),
    ("np.column_stack of 0-d arrays", (), ()),
]:
    func = getattr(np, name.split()[0][3:])
    case(name, lambda a, b, func=func: func([a, b]), *(real(*shape) for shape in shapes))
case("np.hstack dtype=", lambda a, b: np.hstack([a, b], dtype=np.float64), real(1), real(2), own_dtype=True)
case("np.vstack dtype=", lambda a, b: np.vstack([a, b], dtype=np.float64), real(2), real(2), own_dtype=True)
case("np.hstack with a constant", lambda a: np.hstack([np.ones(2, a.dtype), a]), real(3))
case("np.vstack of the rows of an array", np.vstack, real(3, 2))

case("np.append", np.append, real(2, 2), real(3))
case("np.append axis=1", lambda a, b: np.append(a, b, axis=1), real(2, 2), real(2, 1))
case("np.append of a 0-d array", np.append, real(2), real())
case("np.append to a constant", lambda b: np.append(np.ones(2, b.dtype), b), real(2))

case("np.block", lambda a, b: np.block([a, b]), real(2), real(3))
case(
    "np.block of four",
    lambda a, b, c, d: np.block([[a, b], [c, d]]),
    *(real(2, 2), real(2, 3), real(1, 2), real(1, 3)),
)
case("np.block with zeros", lambda a, b: np.block([[a, np.zeros((2, 1), a.dtype)], [b]]), real(2, 2), real(3))
case("np.block in three dimensions", lambda a, b: np.block([[[a, a]], [[b, b]]]), real(2, 2), real(1, 2, 2))
case("np.block of what has more axes than lists", lambda a, b: np.block([a, b]), real(2, 3, 1), real(2, 3, 2))
case("np.block of numbers", lambda a, b: np.block([[a, b], [b, a]]), real(), real())
case("np.block without a list", np.block, real(2, 3))
case("np.block of nothing", lambda a, b: np.block([[a, b]]), real(0, 2), real(0, 1))
