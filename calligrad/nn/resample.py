"""Linear operations along single axes in which each result comes from a few numbers: resizing, uneven averages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.windows import add_at, as_slice, at, by_planes
from calligrad.primitive import primitive


@dataclass(frozen=True, eq=False)
class Weights:
    """Of each result along one axis of ``size`` numbers: which numbers it comes from, and with what weights.

    ``places`` and ``weights`` have the shape (taps, outputs); a place may be named again with weight 0.
    """

    size: int
    places: np.ndarray
    weights: np.ndarray

    @property
    def count(self) -> int:
        """How many results there are."""
        return self.places.shape[1]

    @cached_property
    def transposed(self) -> Weights:
        """The way back: of each number, which results it went to."""
        taps, outputs = np.nonzero(self.weights)
        places = self.places[taps, outputs]
        order = np.argsort(places, kind="stable")
        places, outputs, weights = places[order], outputs[order], self.weights[taps, outputs][order]
        counts = np.bincount(places, minlength=self.size)
        rank = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        back = np.zeros((max(1, counts.max()), self.size), np.intp)
        back_weights = np.zeros(back.shape)
        back[:, places[rank == 0]] = outputs[rank == 0]
        back[rank, places], back_weights[rank, places] = outputs, weights
        return Weights(self.count, back, back_weights)

    @cached_property
    def taps(self) -> list[tuple[Any, Any, Any]]:
        """For each tap the results that have it, its places, and its weights, None if all of them are 1."""
        taps: list[tuple[Any, Any, Any]] = []
        for places, w in zip(self.places, self.weights):
            (has,) = np.nonzero(w) if taps else (np.arange(self.count),)  # the first is for all of them
            if has.size:
                taps.append((as_slice(has), as_slice(places[has]), None if np.all(w[has] == 1) else w[has]))
        return taps

    def along(self, x: np.ndarray, axis: int) -> np.ndarray:
        """The results for an array."""
        y: Any = None
        for results, places, weights in self.taps:
            part = at(x, places, axis)
            if weights is not None:
                part = part * weights.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - axis - 1))
            elif y is None and type(places) is slice:
                part = np.array(part)  # no longer a view
            if y is None:
                y = part
            else:
                add_at(y, results, axis, part)
        return y


def resample_plainly(x, *, weights):
    """``resample``: along each axis a product with a matrix, most of it 0."""
    for axis, along in enumerate(weights, x.ndim - len(weights)):
        matrix = np.zeros((along.size, along.places.shape[1]))
        for places, factors in zip(along.places, along.weights):
            np.add.at(matrix, (places, np.arange(len(places))), factors)
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.astype(x.dtype), -1, axis)
    return x


@primitive(resample_plainly)
def resample(x: np.ndarray, *, weights: tuple[Weights, ...]) -> np.ndarray:
    """``Weights`` along each of the last axes."""

    def along_all(x: np.ndarray) -> np.ndarray:
        # what shrinks goes first; the last axis, which is the slowest, when there is least of the others
        growth = [along.count / along.size for along in weights]
        for axis in sorted(range(len(weights)), key=lambda i: (growth[i], i if growth[i] < 1 else -i)):
            x = weights[axis].along(x, axis + 1)
        return x

    return by_planes(along_all, tuple(w.count for w in weights), x)


class Resample(Function):
    """``resample``; the gradient is the same with the transposed weights."""

    weights: tuple[Weights, ...]

    def forward(self, x):
        return resample(x, weights=self.weights)

    def backward(self, g):
        return Resample(tuple(weights.transposed for weights in self.weights))(g)
