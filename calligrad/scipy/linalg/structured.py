"""Matrices made of fewer numbers: blocks on a diagonal, and the same number along each diagonal."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.scipy.offer import offer
from calligrad.scipy.originals import linalg
from calligrad.value import as_arraylike


class BlockDiag(Function):
    """``scipy.linalg.block_diag``: matrices along the diagonal; a vector is a matrix of one row."""

    broadcasts = True

    def forward(self, *xs):
        return linalg.block_diag(*xs)

    def backward(self, g):
        gradients, row, column = [], 0, 0
        for shape in self.shapes:
            m, n = (1, 1, *shape)[-2:]
            block = g[..., row : row + m, column : column + n]
            gradients.append(np.reshape(block, shape) if len(shape) < 2 and g.ndim == 2 else block)
            row, column = row + m, column + n
        return tuple(gradients)


@offer(linalg.block_diag)
def block_diag(*arrs: Any) -> Any:
    """``scipy.linalg.block_diag``: matrices along the diagonal of a larger one.

    >>> import numpy as np
    >>> from calligrad import Value
    >>> from calligrad.scipy.linalg import block_diag
    >>> print(block_diag(Value(np.ones((2, 2))), Value(3.0)).data)
    [[1. 1. 0.]
     [1. 1. 0.]
     [0. 0. 3.]]
    """
    return BlockDiag()(*arrs)


def _places(m: int, n: int) -> tuple[Any, Any]:
    """The row and the column of each place in a matrix."""
    return np.arange(m)[:, None], np.arange(n)


@offer(linalg.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """``scipy.linalg.toeplitz``: ``c`` is the first column and ``r`` the first row, the conjugate of ``c`` if left out.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> from calligrad.scipy.linalg import toeplitz
    >>> grad(lambda c: np.sum(toeplitz(c)))(np.ones(3))
    array([3., 4., 2.])
    """
    c = np.atleast_1d(c)
    r = np.conjugate(c) if r is None else np.atleast_1d(r)
    m, n = c.shape[-1], r.shape[-1]
    i, j = _places(m, n)
    return np.concatenate([c[..., ::-1], r[..., 1:]], -1)[..., m - 1 - i + j]


@offer(linalg.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """``scipy.linalg.hankel``: ``c`` is the first column and ``r`` the last row, zeros if left out."""
    c = as_arraylike(c)
    r = np.zeros(c.shape, c.dtype) if r is None else as_arraylike(r)
    of_c, of_r = np.arange(c.size), c.size + np.arange(r.size)
    places = linalg.hankel(np.reshape(of_c, c.shape), np.reshape(of_r, r.shape))  # versions differ in what has two axes
    return np.concatenate([np.ravel(c), np.ravel(r)])[places]


@offer(linalg.circulant)
def circulant(c: Any) -> Any:
    """``scipy.linalg.circulant``: ``c`` is the first column, and each further one is turned by one place."""
    c = np.atleast_1d(c)
    i, j = _places(c.shape[-1], c.shape[-1])
    return c[..., (i - j) % max(1, c.shape[-1])]
