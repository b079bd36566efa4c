"""Joining, splitting and padding."""

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
case("np.pad", lambda x: np.pad(x, 1), real(2, 3))
case("np.pad a pair", lambda x: np.pad(x, (1, 2)), real(2, 3))
case("np.pad pairs", lambda x: np.pad(x, ((1, 0), (0, 2))), real(2, 3))
if NUMPY >= "2.3.0":
    case("np.pad a dict", lambda x: np.pad(x, {-1: (1, 2)}), real(2, 3))
case("np.pad constant_values=", lambda x: np.pad(x, 1, constant_values=3), real(2, 3))
case(
    "np.pad constant_values= pairs",
    lambda x: np.pad(x, 1, mode="constant", constant_values=((1, 2), (3, 4))),
    real(2, 3),
)
case("np.pad by nothing", lambda x: np.pad(x, 0), real(2, 3))
case("np.pad of nothing", lambda x: np.pad(x, 1), real(0, 2))
