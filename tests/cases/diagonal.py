"""Diagonals and triangles."""

import numpy as np

from calligrad.ops.diagonal import OnDiagonal
from tests.cases.table import case, complexes, real

DIAGONALS = {
    "np.diagonal": (np.diagonal, real(3, 3)),
    "np.diagonal offset=1": (lambda x: np.diagonal(x, 1), real(3, 4)),
    "np.diagonal offset=-2": (lambda x: np.diagonal(x, offset=-2), real(4, 3)),
    "np.diagonal axes": (lambda x: np.diagonal(x, 0, -1, 0), real(3, 2, 4)),
    "np.diagonal outside": (lambda x: np.diagonal(x, 5), real(2, 3)),
    "x.diagonal": (lambda x: x.diagonal(1, 1, 2), real(2, 3, 3)),
    "np.linalg.diagonal": (np.linalg.diagonal, real(2, 3, 4)),
    "np.linalg.diagonal offset=": (lambda x: np.linalg.diagonal(x, offset=-1), real(2, 3, 3)),
    "np.diag": (np.diag, real(3)),
    "np.diag k=2": (lambda x: np.diag(x, 2), real(3)),
    "np.diag k=-1": (lambda x: np.diag(x, k=-1), real(3)),
    "np.diag of a matrix": (np.diag, real(3, 4)),
    "np.diag of a matrix k=1": (lambda x: np.diag(x, 1), real(3, 2)),
    "np.diag of nothing": (np.diag, real(0)),
    "np.diagflat": (np.diagflat, real(2, 2)),
    "np.diagflat k=": (lambda x: np.diagflat(x, -1), real(2)),
    "np.diagflat of a 0-d array": (np.diagflat, real()),
    "np.trace": (np.trace, real(3, 3)),
    "np.trace offset=1": (lambda x: np.trace(x, 1), real(3, 4)),
    "np.trace axes": (lambda x: np.trace(x, axis1=2, axis2=0), real(3, 2, 3)),
    "np.trace outside": (lambda x: np.trace(x, -7), real(2, 2)),
    "np.trace of complex numbers": (np.trace, complexes(2, 2)),
    "x.trace": (lambda x: x.trace(1, 1, 2), real(2, 3, 3)),
    "np.linalg.trace": (np.linalg.trace, real(2, 3, 3)),
    "np.linalg.trace offset=": (lambda x: np.linalg.trace(x, offset=1), real(3, 4)),
    "np.tril": (np.tril, real(3, 3)),
    "np.tril k=1": (lambda x: np.tril(x, 1), real(3, 4)),
    "np.tril of stacks": (lambda x: np.tril(x, k=-1), real(2, 3, 3)),
    "np.tril of a vector": (np.tril, real(3)),
    "np.triu": (np.triu, real(3, 3)),
    "np.triu k=-1": (lambda x: np.triu(x, -1), real(4, 3)),
    "np.triu of nothing": (np.triu, real(0, 2)),
}  # fmt: skip
for name, (f, *draws) in DIAGONALS.items():
    case(name, f, *draws)
case("np.trace dtype=", lambda x: np.trace(x, dtype=np.float64), real(2, 2), own_dtype=True)
case("np.linalg.trace dtype=", lambda x: np.linalg.trace(x, dtype=np.float64), real(2, 2), own_dtype=True)
case("ops.OnDiagonal", lambda x: OnDiagonal((4, 2, 3), -1, 0, 2)(x), real(2, 3))
case("ops.OnDiagonal of one number", lambda x: OnDiagonal((3, 3))(x), real(1))
