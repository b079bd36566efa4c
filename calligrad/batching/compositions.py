"""NumPy functions that are batched as compositions of others, which have rules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.lib.stride_tricks import sliding_window_view

from calligrad.batched import NoRule
from calligrad.batching.makers import batching, composed

# ---------------------------------------------------------------- comparing


@batching(np.allclose)
@composed
def allclose(*args: Any, **kwargs: Any) -> Any:
    """``np.allclose``."""
    return np.all(np.isclose(*args, **kwargs))


@batching(np.array_equal)
@composed
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """``np.array_equal``."""
    if np.shape(a1) != np.shape(a2):
        return False
    same = np.equal(a1, a2)
    return np.all(same | (np.isnan(a1) & np.isnan(a2)) if equal_nan else same)


@batching(np.array_equiv)
@composed
def array_equiv(a1: Any, a2: Any) -> Any:
    """``np.array_equiv``."""
    return np.all(np.equal(a1, a2))


# ---------------------------------------------------------------- polynomials and signals


@batching(np.polyval)
@composed
def polyval(p: Any, x: Any) -> Any:
    """``np.polyval``, by Horner's rule."""
    y = np.zeros_like(x)
    for i in range(len(p)):
        y = y * x + p[i]
    return y


@batching(np.polyder)
@composed
def polyder(p: Any, m: int = 1) -> Any:
    """``np.polyder``."""
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


def _of_coefficients(ufunc: np.ufunc) -> Any:
    """A sum or difference of polynomials: the highest powers of the longer one stand alone."""

    def rule(a1: Any, a2: Any) -> Any:
        n = max(np.size(a1), np.size(a2))
        return ufunc(*(np.pad(np.atleast_1d(a), (n - np.size(a), 0)) for a in (a1, a2)))

    return composed(rule)


batching(np.polyadd)(_of_coefficients(np.add))
batching(np.polysub)(_of_coefficients(np.subtract))


@batching(np.vander)
@composed
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """``np.vander``: powers side by side, each the one before times ``x``."""
    if np.ndim(x) != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    n = len(x) if N is None else N
    x = np.astype(x, np.promote_types(x.dtype, int))
    factors = [np.ones_like(x, shape=(len(x), 1)), np.broadcast_to(x[:, np.newaxis], (len(x), max(n - 1, 0)))]
    powers = np.cumprod(np.concatenate(factors, axis=1), axis=1)[:, :n]
    return powers if increasing else powers[:, ::-1]


@batching(np.convolve)
@composed
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """``np.convolve``: the shorter one, turned round, over each window of the longer one."""
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    if len(v) > len(a):
        a, v = v, a
    if not len(v) or a.ndim > 1 or v.ndim > 1:
        raise NoRule
    m = len(v)
    before, behind = {"full": (m - 1, m - 1), "same": (m - 1 - (m - 1) // 2, (m - 1) // 2), "valid": (0, 0)}[mode]
    return sliding_window_view(np.pad(a, (before, behind)), m) @ v[::-1]


@batching(np.correlate)
@composed
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """``np.correlate``: a convolution with the conjugate turned round."""
    if len(v) > len(a):
        return np.conjugate(np.correlate(v, a, mode))[::-1]
    return np.convolve(a, np.conjugate(v)[::-1], mode)


@batching(np.trapezoid)
@composed
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """``np.trapezoid``."""
    axis = normalize_axis_index(axis, np.ndim(y))
    if x is not None:
        dx = np.diff(x, axis=-1 if np.ndim(x) == 1 else axis)
        dx = np.reshape(dx, [-1 if i == axis else 1 for i in range(np.ndim(y))]) if np.ndim(dx) == 1 else dx
    cut = (slice(None),) * axis
    return np.sum(dx * (y[(*cut, slice(1, None))] + y[(*cut, slice(-1))]) / 2.0, axis)


@batching(np.sort_complex)
@composed
def sort_complex(a: Any) -> Any:
    """``np.sort_complex``."""
    return np.astype(np.sort(a), np.sort_complex(np.empty(0, a.dtype)).dtype)


# ---------------------------------------------------------------- tensors as matrices


@batching(np.linalg.tensorinv)
@composed
def tensorinv(a: Any, ind: int = 2) -> Any:
    """``np.linalg.tensorinv``."""
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    front, behind = a.shape[:ind], a.shape[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(front), math.prod(behind)))), (*behind, *front))


@batching(np.linalg.tensorsolve)
@composed
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """``np.linalg.tensorsolve``."""
    a = a if hasattr(a, "__array_function__") else np.asarray(a)
    for axis in axes or ():
        a = np.moveaxis(a, axis, -1)
    behind = a.shape[np.ndim(b) :]
    if a.size != math.prod(behind) ** 2:
        raise np.linalg.LinAlgError(f"an array of shape {a.shape} is no square matrix from {behind} to {np.shape(b)}")
    matrix = np.reshape(a, (math.prod(behind), math.prod(behind)))
    return np.reshape(np.linalg.solve(matrix, np.ravel(b)), behind)


@batching(np.ix_)
@composed
def ix_(*args: Any) -> Any:
    """``np.ix_`` of positions; masks go one by one."""
    if any(np.ndim(x) != 1 or np.result_type(x) == np.bool_ for x in args):
        raise NoRule
    return tuple(np.reshape(x, [-1 if i == n else 1 for i in range(len(args))]) for n, x in enumerate(args))


# ---------------------------------------------------------------- statistics


@batching(np.cov)
@composed
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, *weights: Any, **more: Any
) -> Any:
    """``np.cov`` without weights."""
    if weights or any(x is not None for x in more.values()) or np.ndim(m) > 2 or np.size(m) == 0:
        raise NoRule
    rows = [np.atleast_2d(x) for x in (m, y) if x is not None]
    rows = [x if rowvar or x.shape[0] == 1 else x.T for x in rows]
    x = np.concatenate(rows) if len(rows) > 1 else rows[0]
    freedom = x.shape[1] - (float(not bias) if ddof is None else ddof)
    if freedom <= 0:
        raise NoRule  # NumPy warns
    x = x - np.mean(x, axis=1, keepdims=True)
    return np.squeeze(x @ np.conjugate(x).T * (1 / freedom))


@batching(np.corrcoef)
@composed
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, **more: Any) -> Any:
    """``np.corrcoef``."""
    c = np.cov(x, y, rowvar, **more)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diag(c)))
    c = c / deviation[:, np.newaxis] / deviation
    return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1) if c.dtype.kind == "c" else np.clip(c, -1, 1)


def _triangle(upper: bool) -> Any:
    def rule(m: Any, k: int = 0) -> Any:
        shape = np.shape(m)[-2:] if np.ndim(m) > 1 else 2 * np.shape(m)
        kept = ~np.tri(*shape, k=k - 1, dtype=bool) if upper else np.tri(*shape, k=k, dtype=bool)
        return np.where(kept, m, np.zeros(1, m.dtype))

    return composed(rule)


batching(np.tril)(_triangle(False))
batching(np.triu)(_triangle(True))
