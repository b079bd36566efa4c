"""Histograms: counts are constants, sums of weights and edges that follow the numbers are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.elementwise import masked
from calligrad.rules import implements
from calligrad.value import Value, unwrap, unwrap_all


class Binned(Function):
    """The sums of weights in bins; each weight gets the gradient of its bin."""

    sums: Callable  # of the weights, by NumPy
    places: Any  # of each weight its bin, counted through all axes; negative for none

    def forward(self, weights):
        return self.sums(weights)

    def backward(self, g):
        return np.reshape(masked(np.take(np.reshape(g, -1), self.places), self.places >= 0), self.shapes[0])


class BinEdges(Function):
    """Edges in equal steps from the smallest number to the largest; of equal ones each gets an equal share."""

    edges: Any

    def forward(self, a):
        return np.copy(self.edges)

    def backward(self, g, a):
        x, way = unwrap(a), np.linspace(0, 1, g.size, dtype=g.dtype)
        ends = ((x == x.min(), np.sum(g * (1 - way))), (x == x.max(), np.sum(g * way)))
        low, high = (hits * (total * (1 / np.sum(hits)).astype(g.dtype)) for hits, total in ends)
        return low + high


def _edges(a: Any, bins: Any, span: Any, edges: Any) -> Any:
    """The edges that NumPy found, as Values where they are ``bins`` that are one or follow ``a``."""
    if isinstance(bins, Value):
        return bins
    follows = (isinstance(bins, str) or np.ndim(bins) == 0) and span is None
    return BinEdges(edges)(a) if follows and isinstance(a, Value) and a.size else edges


def _bins_of(samples: Sequence[Any], edges: Sequence[Any]) -> Any:
    """Of each sample its bin, counted through all axes; -1 for none. The last bin has its upper edge in it."""
    place, inside = 0, True
    for x, e in zip(samples, edges, strict=True):
        i = np.searchsorted(e, x, side="right") - 1 - (x == e[-1])
        inside = inside & (i >= 0) & (i < len(e) - 1)
        place = place * (len(e) - 1) + i
    return np.where(inside, place, -1)


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """``np.bincount``: differentiable in the weights; without them the counts are constants."""
    x = unwrap(x)
    if not isinstance(weights, Value):
        return np.bincount(x, weights, minlength)
    return Binned(lambda weights: np.bincount(x, weights, minlength), np.asarray(x, int))(weights)


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """``np.histogram_bin_edges``: the edges follow the smallest and the largest number, the bins' count is constant."""
    edges = np.histogram_bin_edges(unwrap(a), unwrap(bins), unwrap_all(range), unwrap(weights))
    return _edges(a, bins, range, edges)


@implements(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """``np.histogram``: differentiable in the weights, and as a density also in the edges."""
    x, how = unwrap(a), (unwrap(bins), unwrap_all(range))
    n, plain = np.histogram(x, *how, weights=unwrap(weights))
    if isinstance(weights, Value):
        places = _bins_of([np.ravel(x)], [plain])
        n = Binned(lambda weights: np.histogram(x, *how, weights=weights)[0], places)(weights)
    edges = _edges(a, bins, range, plain)
    return (n / np.astype(np.diff(edges), float) / np.sum(n) if density else n), edges


@implements(np.histogramdd)
def histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """``np.histogramdd``: differentiable in the weights, and as a density also in the edges."""
    x, how = unwrap_all(sample), (unwrap_all(bins), unwrap_all(range))
    n, plain = np.histogramdd(x, *how, weights=unwrap(weights))
    whole = getattr(sample, "ndim", 0) == 2
    columns = [sample[:, i] for i, _ in enumerate(plain)] if whole else [sample] if len(plain) == 1 else list(sample)
    if isinstance(weights, Value):
        places = _bins_of([np.ravel(unwrap(column)) for column in columns], plain)
        n = Binned(lambda weights: np.histogramdd(x, *how, weights=weights)[0], places)(weights)
    each = bins if hasattr(bins, "__len__") else [bins] * len(plain)
    spans = range or [None] * len(plain)
    edges = [_edges(*of) for of in zip(columns, each, spans, plain, strict=True)]
    if density:
        total = np.sum(n)
        for i, e in enumerate(edges):
            n = n / np.reshape(np.diff(e), [-1 if i == j else 1 for j, _ in enumerate(edges)])
        n = n / total
    return n, edges


@implements(np.histogram2d)
def histogram2d(x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """``np.histogram2d``: ``np.histogramdd`` of two rows of numbers."""
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, not {len(x)} and {len(y)}")
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):
        bins = [bins, bins]
    n, edges = np.histogramdd([x, y], bins, range, density, weights)
    return n, edges[0], edges[1]
