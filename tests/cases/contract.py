"""Contractions."""

import numpy as np

from tests.cases.table import case, real

for words, (a, b) in {
    "": ((2, 3), (3, 4)),
    "of vectors": ((3,), (3,)),
    "of a vector and a matrix": ((3,), (3, 2)),
    "of a matrix and a vector": ((2, 3), (3,)),
    "of a stack and a matrix": ((5, 2, 3), (3, 4)),
    "of a matrix and a stack": ((2, 3), (5, 3, 4)),
    "of stacks": ((5, 2, 3), (5, 3, 4)),
    "of broadcast stacks": ((5, 1, 2, 3), (4, 3, 2)),
    "of a stack of one": ((1, 2, 3), (4, 3, 2)),
    "of a vector and a stack": ((3,), (5, 3, 2)),
    "of a stack and a vector": ((5, 2, 3), (3,)),
    "of nothing within": ((2, 0), (0, 3)),
    "of nothing within a stack": ((2, 3, 0), (0, 4)),
    "of nothing around": ((0, 3), (3, 2)),
    "of a stack of nothing": ((0, 2, 3), (3, 2)),
    "of an empty stack and a stack": ((0, 2, 3), (0, 3, 2)),
}.items():
    case(f"np.matmul {words}", np.matmul, real(*a), real(*b))
for words, (a, b) in {
    "of vectors": ((3,), (3,)),
    "of matrices": ((2, 3), (3, 4)),
    "of a matrix and a vector": ((2, 3), (3,)),
    "of a vector and a matrix": ((3,), (3, 2)),
    "of a 0-d array": ((), (2, 3)),
    "by a 0-d array": ((2, 3), ()),
    "of three axes": ((2, 3), (4, 3, 2)),
    "of three axes and a vector": ((2, 4, 3), (3,)),
    "of a vector and three axes": ((3,), (2, 3, 4)),
}.items():
    case(f"np.dot {words}", np.dot, real(*a), real(*b))
case("np.dot with a list", lambda a: np.dot(a, [1, 2, 3]), real(2, 3), own_dtype=True)
for axes, a, b in [
    (0, (2,), (3,)),
    (1, (2, 3), (3, 4)),
    (2, (2, 3, 4), (3, 4, 5)),
    (((0, 2), (1, 0)), (3, 4, 2), (2, 3, 5)),
    (((-1, 0), (0, -1)), (3, 4, 2), (2, 5, 3)),
    ((1, 0), (2, 3), (3, 4)),
    (([0], [-1]), (3, 2), (2, 3)),
    (((0, 1), (0, 1)), (2, 3), (2, 3)),
    (1, (2, 0), (0, 3)),
    (0, (), (2,)),
]:
    case(f"np.tensordot {axes} of {a}, {b}", lambda a, b, axes=axes: np.tensordot(a, b, axes), real(*a), real(*b))
case("np.tensordot", np.tensordot, real(2, 3), real(2, 3))
case("np.tensordot axes=", lambda a, b: np.tensordot(a, b, axes=((1,), (0,))), real(2, 3), real(3, 2))
for spec, *shapes in [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ji", (2, 3)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ij", (3, 3, 2)),
    ("iii->i", (2, 2, 2)),
    ("i,j->ij", (2,), (3,)),
    ("i,i", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("ij,j->i", (2, 3), (3,)),
    ("ii,ij->ij", (3, 3), (3, 2)),
    ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)),
    ("ab,bc,cd->ad", (2, 3), (3, 2), (2, 4)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("...ij,jk", (5, 2, 3), (3, 4)),
    ("...,...->...", (2, 3), (3,)),
    ("i...->...", (2, 3, 4)),
    ("...i->i...", (2, 3, 4)),
    ("...", (2, 3)),
    ("b...,b...->b...", (2, 3), (2, 3)),
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    ("ij,j", (2, 0), (0,)),
    (",i->i", (), (3,)),
    ("->", ()),
    ("zZ,Za -> az", (2, 3), (3, 2)),
    ("ij,k->ik", (2, 3), (4,)),
]:  # fmt: skip
    case(
        f"np.einsum {spec} of {shapes}",
        lambda *xs, spec=spec: np.einsum(spec, *xs),
        *(real(*shape) for shape in shapes),
    )
case(
    "np.einsum optimize=True",
    lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c, optimize=True),
    real(2, 3),
    real(3, 2),
    real(2, 2),
)
case("np.einsum of lists", lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), real(2, 3), real(3, 4))
case("np.einsum of lists without an output", lambda a, b: np.einsum(a, [3, 1], b, [1, 2]), real(2, 3), real(3, 4))
case("np.einsum of lists with large labels", lambda a: np.einsum(a, [0, 30]), real(2, 3))
case("np.einsum of lists with ...", lambda a, b: np.einsum(a, [..., 0], b, [0], [...]), real(2, 3), real(3))
case("np.einsum with a constant", lambda a: np.einsum("ij,j->i", a, np.arange(3, dtype=a.dtype)), real(2, 3))
