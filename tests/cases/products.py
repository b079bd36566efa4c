"""Products of vectors and of stacks of them."""

import numpy as np

from tests.cases.table import NUMPY, case, complexes, real

for words, (a, b) in {
    "": ((3,), (4,)),
    "of arrays": ((2, 3), (2, 2)),
    "of numbers": ((), ()),
    "of nothing": ((0,), (3,)),
}.items():
    case(f"np.outer {words}", np.outer, real(*a), real(*b))
case("np.outer of complex numbers", np.outer, complexes(3), complexes(2))
case("np.outer of real and complex numbers", np.outer, real(3), complexes(2))
case("np.linalg.outer", np.linalg.outer, real(3), real(4))

for words, (a, b) in {
    "": ((3,), (3,)),
    "of matrices": ((2, 3), (4, 3)),
    "of a matrix and a vector": ((2, 3), (3,)),
    "of a vector and three axes": ((3,), (2, 4, 3)),
    "of three axes and two": ((2, 4, 3), (5, 3)),
    "of a 0-d array": ((), (2, 3)),
    "of nothing within": ((2, 0), (3, 0)),
}.items():
    case(f"np.inner {words}", np.inner, real(*a), real(*b))
case("np.inner of complex numbers", np.inner, complexes(2, 3), complexes(4, 3))

for words, (a, b) in {
    "": ((2, 3), (4, 2)),
    "of vectors": ((3,), (4,)),
    "of a vector and a matrix": ((3,), (4, 2)),
    "of three axes and a matrix": ((2, 3, 2), (2, 3)),
    "of a 0-d array": ((), (2, 3)),
    "of 0-d arrays": ((), ()),
    "of nothing": ((0, 2), (3, 2)),
}.items():
    case(f"np.kron {words}", np.kron, real(*a), real(*b))
case("np.kron of complex numbers", np.kron, complexes(2, 2), complexes(3))

for words, a, b, settings in [
    ("", (3,), (3,), {}),
    ("of stacks", (4, 3), (4, 3), {}),
    ("of broadcast stacks", (5, 1, 3), (4, 3), {}),
    ("axis=0", (3, 4), (3, 4), {"axis": 0}),
    ("axisa, axisb, axisc", (3, 4), (5, 4, 3), {"axisa": 0, "axisb": -1, "axisc": 1}),
    ("of nothing", (0, 3), (0, 3), {}),
]:
    case(f"np.cross {words}", lambda a, b, settings=settings: np.cross(a, b, **settings), real(*a), real(*b))
case("np.cross of complex numbers", np.cross, complexes(3), complexes(2, 3))
case("np.linalg.cross", np.linalg.cross, real(2, 3), real(3))
case("np.linalg.cross axis=0", lambda a, b: np.linalg.cross(a, b, axis=0), real(3, 2), real(3, 2))

for words, (a, b) in {"": ((3,), (3,)), "of arrays": ((2, 3), (3, 2)), "of nothing": ((0,), (0,))}.items():
    case(f"np.vdot {words}", np.vdot, real(*a), real(*b))
case("np.vdot of complex numbers", np.vdot, complexes(2, 2), complexes(4))
case("np.vdot of complex and real numbers", np.vdot, complexes(3), real(3))

for words, a, b, settings in [
    ("", (3,), (3,), {}),
    ("of stacks", (2, 3), (2, 3), {}),
    ("of broadcast stacks", (4, 1, 3), (2, 3), {}),
    ("axis=0", (3, 2), (3, 2), {"axis": 0}),
    ("axis=0, keepdims", (3, 2), (3, 2), {"axis": 0, "keepdims": True}),
    ("keepdims", (2, 3), (3,), {"keepdims": True}),
    ("axes", (3, 2), (2, 3), {"axes": [0, 1]}),
    ("axes for all three", (3, 2), (2, 3), {"axes": [(0,), (1,), ()]}),
    ("of nothing", (2, 0), (2, 0), {}),
]:
    case(f"np.vecdot {words}", lambda a, b, settings=settings: np.vecdot(a, b, **settings), real(*a), real(*b))
case("np.vecdot of complex numbers", np.vecdot, complexes(2, 3), complexes(3))
case("np.vecdot dtype=", lambda a, b: np.vecdot(a, b, dtype=np.float64), real(2, 3), real(3), own_dtype=True)
case("np.linalg.vecdot", np.linalg.vecdot, real(2, 3), real(3))
case("np.linalg.vecdot axis=0", lambda a, b: np.linalg.vecdot(a, b, axis=0), complexes(3, 2), complexes(3, 2))

if NUMPY >= "2.2.0":
    for words, (a, b) in {
        "": ((2, 3), (3,)),
        "of a matrix and a stack": ((2, 3), (4, 3)),
        "of a stack and a vector": ((4, 2, 3), (3,)),
        "of broadcast stacks": ((4, 1, 2, 3), (5, 3)),
        "of nothing": ((2, 0), (0,)),
    }.items():
        case(f"np.matvec {words}", np.matvec, real(*a), real(*b))
        case(f"np.vecmat {words}", lambda a, b: np.vecmat(b, a.mT), real(*a), real(*b))
    case("np.matvec of complex numbers", np.matvec, complexes(4, 2, 3), complexes(4, 3))
    case("np.vecmat of complex numbers", np.vecmat, complexes(4, 3), complexes(3, 2))
    case("np.matvec axes", lambda a, b: np.matvec(a, b, axes=[(0, 1), 0, 1]), real(2, 3, 4), real(3, 4))

case("np.matmul of complex stacks", np.matmul, complexes(4, 2, 3), complexes(3, 2))
case("np.dot of complex matrices", np.dot, complexes(2, 3), complexes(3, 2))
case("np.matmul of real and complex numbers", np.matmul, real(2, 3), complexes(3))
case("np.matmul axes", lambda a, b: np.matmul(a, b, axes=[(2, 0), (0, 1), (0, -1)]), real(3, 4, 2), real(3, 5))
case("np.matmul axes of a vector", lambda a, b: np.matmul(a, b, axes=[(0,), (1, 0), (0,)]), real(3), real(2, 3))
case("np.matmul dtype=", lambda a, b: np.matmul(a, b, dtype=np.float64), real(2, 3), real(3, 2), own_dtype=True)
case("np.linalg.matmul", np.linalg.matmul, real(2, 3), real(3, 2))
case("np.linalg.tensordot", lambda a, b: np.linalg.tensordot(a, b, axes=1), real(2, 3), real(3, 2))
case("np.einsum of three complex inputs", lambda *xs: np.einsum("ij,ji,ii->j", *xs), *[complexes(2, 2)] * 3)
case("np.einsum order, casting", lambda a: np.einsum("ij->ji", a, order="F", casting="no"), real(2, 3))
case("np.einsum dtype", lambda a: np.einsum("ij->i", a, dtype=np.float64), real(2, 3), own_dtype=True)
for optimize in ("greedy", "optimal", ["einsum_path", (0, 2), (0, 1)], ("greedy", 100)):
    case(
        f"np.einsum optimize={optimize}",
        lambda *xs, optimize=optimize: np.einsum("ij,jk,kl", *xs, optimize=optimize),
        real(2, 3),
        real(3, 4),
        real(4, 2),
    )
