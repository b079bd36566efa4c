"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.rules import implements
from calligrad.value import unwrap


class Diagonal(Function, of=np.diagonal):
    """``np.diagonal``: the diagonal becomes the last axis."""

    views = True

    offset: int = 0
    axis1: int = 0
    axis2: int = 1

    def backward(self, g):
        return OnDiagonal(self.shapes[0], self.offset, self.axis1, self.axis2)(g)


class OnDiagonal(Function):
    """Zeros of ``shape`` with the last axis of the input on a diagonal: the adjoint of ``Diagonal``."""

    broadcasts = True

    shape: tuple[int, ...]
    offset: int = 0
    axis1: int = 0
    axis2: int = 1

    def forward(self, x):
        y = np.zeros_like(x, shape=self.shape, order="C")
        diagonal = np.diagonal(y, self.offset, self.axis1, self.axis2)
        diagonal.flags.writeable = True
        diagonal[...] = x
        return y

    def backward(self, g):
        return np.diagonal(g, self.offset, self.axis1, self.axis2)


class Trace(Function, of=np.trace):
    """``np.trace``."""

    offset: int = 0
    axis1: int = 0
    axis2: int = 1
    dtype: Any = None

    def backward(self, g):
        return OnDiagonal(self.shapes[0], self.offset, self.axis1, self.axis2)(g[..., np.newaxis])


class Tril(Function, of=np.tril):
    """``np.tril``: the lower triangle; a vector becomes the rows of a matrix."""

    broadcasts = True

    k: int = 0

    def backward(self, g):
        return np.tril(g, self.k)


class Triu(Function, of=np.triu):
    """``np.triu``: the upper triangle; a vector becomes the rows of a matrix."""

    broadcasts = True

    k: int = 0

    def backward(self, g):
        return np.triu(g, self.k)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """``np.diag``: a vector on the diagonal of a matrix, or the diagonal of a matrix."""
    if v.ndim == 1:
        n = len(v) + abs(k)
        return OnDiagonal((n, n), k)(v)
    return np.diagonal(v, k) if v.ndim == 2 else np.diag(unwrap(v), k)  # where NumPy says what is wrong


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """``np.diagflat``: all numbers on the diagonal of a matrix."""
    return np.diag(np.ravel(v), k)


@implements(np.linalg.diagonal)
def matrix_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """``np.linalg.diagonal``: of the last two axes."""
    return np.diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def matrix_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """``np.linalg.trace``: of the last two axes."""
    return np.trace(x, offset, -2, -1, dtype)
