"""Norms and condition numbers."""

import numpy as np
from numpy import inf, linalg

from tests.cases.linalg import complex_regular, regular
from tests.cases.table import apart, case, complexes, real

case("np.linalg.norm", linalg.norm, real(4))
case("np.linalg.norm of a matrix", linalg.norm, real(2, 3))
case("np.linalg.norm of three axes", linalg.norm, real(2, 3, 2))
case("np.linalg.norm of complex numbers", linalg.norm, complexes(2, 3))
case("np.linalg.norm axis=1", lambda x: linalg.norm(x, axis=1), real(2, 3))
case("np.linalg.norm ord=2 axis=-1 keepdims", lambda x: linalg.norm(x, 2, -1, True), real(2, 3))
case("np.linalg.norm axis=(0, 2)", lambda x: linalg.norm(x, axis=(0, 2)), real(2, 3, 2))
case("np.linalg.norm axis=(1,)", lambda x: linalg.norm(x, 2, axis=(1,)), real(2, 3))
case("np.linalg.norm axis=np.int64(0)", lambda x: linalg.norm(x, 2, axis=np.int64(0)), real(2, 3))
case("np.linalg.norm fro", lambda x: linalg.norm(x, "fro", keepdims=True), real(2, 3))
case("np.linalg.norm of nothing", lambda x: linalg.norm(x, axis=1), real(0, 3))
for p in (1, 3, 2.5, 0.5, -1, -2, inf, -inf):
    case(f"np.linalg.norm ord={p}", lambda x, p=p: linalg.norm(x, p), apart(4))
for p in (1, 3, 0.5, inf):
    case(f"np.linalg.norm ord={p} of complex numbers", lambda x, p=p: linalg.norm(x, p, axis=0), complexes(3, 2))
case("np.linalg.norm ord=3 axis=1 keepdims", lambda x: linalg.norm(x, 3, axis=1, keepdims=True), apart(2, 3))
case("np.linalg.norm ord=1 axis=-2 keepdims", lambda x: linalg.norm(x, 1, axis=-2, keepdims=True), apart(2, 3))
case("np.linalg.norm ord=1 of nothing", lambda x: linalg.norm(x, 1, axis=0), real(2, 0))
for p in (1, -1, inf, -inf, 2, -2, "nuc", "f"):
    case(f"np.linalg.norm ord={p} of a matrix", lambda x, p=p: linalg.norm(x, p), apart(3, 2))
for p in (1, inf, 2, "nuc"):
    case(f"np.linalg.norm ord={p} axis=(2, 0)", lambda x, p=p: linalg.norm(x, p, (2, 0)), apart(3, 2, 2))
    case(f"np.linalg.norm ord={p} of complex matrices", lambda x, p=p: linalg.norm(x, p, (-2, -1)), complexes(2, 2, 3))
case("np.linalg.norm ord=1 axis=(0, -1) keepdims", lambda x: linalg.norm(x, 1, (0, -1), True), apart(3, 2, 2))
case("np.linalg.norm ord=2 axis=(0, -1) keepdims", lambda x: linalg.norm(x, 2, (0, -1), True), apart(3, 2, 2))
case("np.linalg.norm ord=nuc of an empty stack", lambda x: linalg.norm(x, "nuc", (1, 2)), real(0, 3, 2))

case("np.linalg.vector_norm", linalg.vector_norm, real(2, 3))
case("np.linalg.vector_norm of a 0-d array", lambda x: linalg.vector_norm(x, keepdims=True), real())
case("np.linalg.vector_norm axis=1 keepdims", lambda x: linalg.vector_norm(x, axis=1, keepdims=True), real(2, 3))
case("np.linalg.vector_norm axis=(2, 0)", lambda x: linalg.vector_norm(x, axis=(2, 0), ord=3), apart(3, 2, 2))
case("np.linalg.vector_norm axis=(0, -1) keepdims", lambda x: linalg.vector_norm(x, axis=(0, -1), keepdims=True),
     complexes(3, 2, 2))  # fmt: skip
case("np.linalg.vector_norm ord=1", lambda x: linalg.vector_norm(x, ord=1), apart(2, 3))
case("np.linalg.vector_norm of nothing", lambda x: linalg.vector_norm(x, axis=(0, 1)), real(0, 3, 2))
case("np.linalg.matrix_norm", linalg.matrix_norm, real(2, 3, 2))
case("np.linalg.matrix_norm ord=nuc keepdims", lambda x: linalg.matrix_norm(x, keepdims=True, ord="nuc"), real(2, 3, 2))
case("np.linalg.matrix_norm ord=-1", lambda x: linalg.matrix_norm(x, ord=-1), complexes(3, 2))

for p in (1, -1, 2, -2, inf, -inf, "fro", "nuc"):
    case(f"np.linalg.cond p={p}", lambda x, p=p: linalg.cond(x, p), regular(2, 3, 3))
for p in (1, -2):
    case(f"np.linalg.cond p={p} of complex numbers", lambda x, p=p: linalg.cond(x, p=p), complex_regular(2, 2))
case("np.linalg.cond of a tall matrix", linalg.cond, real(4, 2))
