"""Checks for gradients, for your own Functions as for calligrad's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.nests import leaves, like
from calligrad.transforms import grad
from calligrad.value import unwrap


def check_gradients(
    f: Callable, *xs: Any, order: int = 2, eps: float = 1e-5, rtol: float = 1e-6, atol: float = 1e-6, seed: int = 0
) -> None:
    """Raise ``AssertionError`` unless the gradients of ``f`` at ``xs``, up to ``order``, equal central differences.

    ``f`` takes arrays of float64 or complex128 (or nests of them) and returns an array or a nest. Its output
    is projected on a random direction, and so is the gradient, which makes one number of each; then the gradient of
    that projected gradient is checked in the same way, to the given order. The error of a central
    difference is about ``eps ** 2`` plus rounding over ``eps``; ``rtol`` and ``atol`` must lie above.

    >>> import numpy as np
    >>> from calligrad.testing import check_gradients
    >>> check_gradients(np.multiply, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    """
    rng = np.random.default_rng(seed)
    for x in leaves(xs):
        if (dtype := np.asarray(unwrap(x)).dtype) not in (np.float64, np.complex128):
            raise TypeError(f"check_gradients needs float64 or complex128, not {dtype}")
    directions = [_direction(x, rng) for x in leaves(f(*xs))]

    def projected(*xs: Any) -> Any:
        return sum(_inner(u, y) for y, u in zip(leaves(f(*xs)), directions, strict=True))

    _check(projected, xs, order, 1, eps, rtol, atol, rng)


def _check(f: Callable, xs: tuple, order: int, level: int, eps: float, rtol: float, atol: float, rng: Any) -> None:
    tangents = [_direction(x, rng) for x in leaves(xs)]

    def at(h: float) -> float:
        return float(unwrap(f(*like(xs, (x + h * t for x, t in zip(leaves(xs), tangents))))))

    def along(*xs: Any) -> Any:
        gs = leaves(grad(f, tuple(range(len(xs))))(*xs))
        return sum(_inner(t, g) for g, t in zip(gs, tangents, strict=True))

    analytic, numeric = float(unwrap(along(*xs))), (at(eps) - at(-eps)) / (2 * eps)
    np.testing.assert_allclose(
        analytic,
        numeric,
        rtol=rtol,
        atol=atol,
        equal_nan=False,
        err_msg=f"gradient of order {level} (actual) and central difference",
    )
    if order > level:
        _check(along, xs, order, level + 1, eps, rtol, atol, rng)


def _direction(x: Any, rng: Any) -> Any:
    """Random numbers of the shape of ``x``, complex if it is."""
    u = rng.standard_normal(np.shape(x))
    return u + 1j * rng.standard_normal(np.shape(x)) if np.iscomplexobj(x) else u


def _inner(u: Any, y: Any) -> Any:
    """The sum of products, for complex numbers of the real parts and of the imaginary parts."""
    return np.real(np.sum(np.conjugate(u) * y)) if np.iscomplexobj(u) else np.sum(y * u)
