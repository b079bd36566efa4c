"""Conjugates and adjoints that cost nothing for real matrices, and what the rules of decompositions share.

Within the graph a gradient is dL/dx - i dL/dy, so that the rules of holomorphic functions need no conjugate. The
rules of decompositions are written in the books for the conjugate of that. Those Functions take ``conj`` of the
gradient that comes, and return ``conj`` of the one that goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.value import conj, unwrap

EPSILON = float(np.finfo(np.float64).eps)


def adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    return conj(x).mT


def hermitian(x: Any) -> Any:
    """The part of ``x`` that is its own adjoint."""
    return 0.5 * (x + adjoint(x))


def skew(x: Any) -> Any:
    """The part of ``x`` that is minus its own adjoint."""
    return 0.5 * (x - adjoint(x))


def diagonal(x: Any) -> Any:
    """Matrices with the last axis of ``x`` on the diagonal."""
    return x[..., None, :] * np.eye(x.shape[-1], dtype=x.dtype)


def lower(x: Any) -> Any:
    """The lower triangle, with half of the diagonal: it and its adjoint make a Hermitian matrix."""
    n, dtype = x.shape[-1], x.real.dtype
    return x * (np.tri(n, dtype=dtype) - 0.5 * np.eye(n, dtype=dtype))


def inverse_or_zero(x: Any) -> Any:
    """1/x, and 0 where x is 0."""
    zero = np.equal(x, 0)
    return np.where(zero, 0, 1 / np.where(zero, 1, x)) if np.any(zero) else 1 / x


def inverse_gaps(x: Any) -> Any:
    """1 / (x[j] - x[i]) at place (i, j), and 0 where they are equal to the last digits."""
    gaps = x[..., None, :] - x[..., :, None]
    largest = np.max(np.abs(unwrap(x)), axis=-1, initial=0)[..., None, None]
    rounding = 10 * x.shape[-1] * EPSILON + 2 * float(np.finfo(x.dtype).eps)  # NumPy computes in float64
    equal = np.abs(unwrap(gaps)) <= rounding * largest
    return np.where(equal, 0, 1 / np.where(equal, 1, gaps))


def thin(q: Any, g: Any, k: int) -> tuple[Any, Any]:
    """The first ``k`` columns of a unitary matrix, and their gradient.

    The other columns are only known to be orthogonal to them. A function that does not depend on which
    they are depends on these in their place.
    """
    if q.shape[-1] == k:
        return q, g
    if g is None:
        return q[..., :k], g
    q, others, g, g_others = q[..., :k], q[..., k:], g[..., :k], g[..., k:]
    return q, g - others @ (adjoint(g_others) @ q)
