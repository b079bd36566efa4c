"""Conjugates and adjoints that cost nothing for real matrices, and the masks of spectral derivatives.

Within the graph a gradient is dL/dx - i dL/dy, so that rules of holomorphic functions need no conjugate. The rules of
decompositions are written down in books for its conjugate; those Functions take ``conj`` of the gradient
as it comes and of what they return.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def conj(x: Any) -> Any:
    """The complex conjugate; a real array as it is."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def real(x: Any) -> Any:
    """The real part; a real array as it is."""
    return np.real(x) if x.dtype.kind == "c" else x


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
    """Diagonal matrices with the last axis of ``x`` on them."""
    return x[..., None, :] * np.eye(x.shape[-1], dtype=x.dtype)


def inverse_or_zero(x: Any) -> Any:
    """1/x, and 0 where x is 0."""
    zero = np.equal(x, 0)
    return np.where(zero, 0, 1 / np.where(zero, 1, x)) if np.any(zero) else 1 / x


def gaps(x: Any) -> Any:
    """x[j] - x[i] at place (i, j), inverted; 0 for equal ones, whose vectors may turn freely into one another."""
    return inverse_or_zero(x[..., None, :] - x[..., :, None])
