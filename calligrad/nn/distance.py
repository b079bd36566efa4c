"""Distances and similarities of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.nn.module import Module
from calligrad.value import as_arraylike


def cosine_similarity(x1: Any, x2: Any, axis: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along ``axis``; a norm below ``eps`` counts as ``eps``.

    ``x1`` and ``x2`` broadcast.

    >>> import numpy as np
    >>> from calligrad.nn.functional import cosine_similarity
    >>> cosine_similarity(np.array([[1.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([0.6])
    """
    x1, x2 = np.broadcast_arrays(x1, x2)
    is_half = x1.dtype == x2.dtype == np.float16
    x1, x2 = widened(x1), widened(x2)
    a, b = (np.sqrt(np.maximum(np.sum(np.square(x), axis=axis), eps * eps)) for x in (x1, x2))
    cosine = np.sum(x1 * x2, axis=axis) / (a * b)
    return cosine.astype(np.float16) if is_half else cosine


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> Any:
    """The p-norm of ``x1 - x2 + eps`` along the last axis, where ``x1`` and ``x2`` broadcast.

    >>> import numpy as np
    >>> from calligrad.nn.functional import pairwise_distance
    >>> round(float(pairwise_distance(np.array([0.0, 0.0]), np.array([3.0, 4.0]))), 4)
    5.0
    """
    return norms(np.subtract(x1, x2) + eps, p, keepdims)


def pdist(x: Any, p: float = 2.0) -> Any:
    """The p-norm distances between rows of ``x``, all pairs of them: 0 and 1, 0 and 2, …, 1 and 2, and so on.

    Shapes: ``x`` (N, M); the result is (N (N - 1) / 2,).

    >>> import numpy as np
    >>> from calligrad.nn.functional import pdist
    >>> pdist(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])).round(3)
    array([5.   , 1.   , 4.243])
    """
    if np.ndim(x) != 2:
        raise ValueError(f"pdist takes rows (N, M), not shape {np.shape(x)}")
    first, second = np.triu_indices(len(x), 1)
    return norms(np.take(x, first, axis=0) - np.take(x, second, axis=0), p)


def norms(d: Any, p: float = 2.0, keepdims: bool = False, axis: int = -1) -> Any:
    """The p-norms of vectors along ``axis``; the slope at a vector of zeros is 0."""
    if not p >= 0:
        raise ValueError(f"the p of a norm is at least 0, not {p}")
    d = as_arraylike(d)
    lengths = np.linalg.norm(widened(d), p, axis=axis, keepdims=keepdims)
    return lengths.astype(np.float16) if d.dtype == np.float16 else lengths


def widened(x: Any) -> Any:
    """``x``, but float16 as float32: the squares of numbers above 255 would be infinite."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


class CosineSimilarity(Module):
    """``cosine_similarity`` as a module."""

    def __init__(self, axis: int = 1, eps: float = 1e-8) -> None:
        self.axis, self.eps = axis, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """``cosine_similarity(x1, x2)``."""
        return cosine_similarity(x1, x2, self.axis, self.eps)


class PairwiseDistance(Module):
    """``pairwise_distance`` as a module; ``norm`` is its p."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> None:
        self.norm, self.eps, self.keepdims = p, eps, keepdims

    def forward(self, x1: Any, x2: Any) -> Any:
        """``pairwise_distance(x1, x2)``."""
        return pairwise_distance(x1, x2, self.norm, self.eps, self.keepdims)
