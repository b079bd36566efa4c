"""The larger and the smaller of two."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Elementwise
from calligrad.ops.elementwise import masked


class Maximum(Elementwise, of=np.maximum):
    """The larger of two; where they are equal each gets half the gradient, where one is NaN both get it."""

    def backward(self, g, a, b):
        return lambda: _share(g, ~np.less(a, b), np.equal(a, b)), lambda: _share(g, ~np.less(b, a), np.equal(a, b))


class Minimum(Elementwise, of=np.minimum):
    """The smaller of two; where they are equal each gets half the gradient, where one is NaN both get it."""

    def backward(self, g, a, b):
        return lambda: _share(g, ~np.less(b, a), np.equal(a, b)), lambda: _share(g, ~np.less(a, b), np.equal(a, b))


def _share(g: Any, chosen: Any, ties: Any) -> Any:
    """``g`` where ``chosen``, half of it where ``ties``, else 0."""
    whole = masked(g, chosen)
    return np.where(ties, 0.5 * whole, whole) if np.any(ties) else whole


class Fmax(Elementwise, of=np.fmax):
    """The larger of two, a number rather than NaN; where they are equal each gets half the gradient."""

    def backward(self, g, a, b):
        return _chosen(g, np.less(a, b), a, b), _chosen(g, np.less(b, a), b, a)


class Fmin(Elementwise, of=np.fmin):
    """The smaller of two, a number rather than NaN; where they are equal each gets half the gradient."""

    def backward(self, g, a, b):
        return _chosen(g, np.less(b, a), a, b), _chosen(g, np.less(a, b), b, a)


def _chosen(g: Any, beaten: Any, a: Any, b: Any) -> Any:
    """The gradient of ``a``, unless it was ``beaten`` by ``b`` or is NaN beside a number."""
    return lambda: _share(g, ~(beaten | (np.isnan(a) & ~np.isnan(b))), np.equal(a, b))
