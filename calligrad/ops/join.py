"""Joining arrays, splitting them, and padding them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.function import Function
from calligrad.rules import implements


class Concatenate(Function):
    """``np.concatenate`` along an existing axis."""

    axis: int | None = 0

    def forward(self, *arrays):
        return np.concatenate(arrays, axis=self.axis)

    def backward(self, g):
        ends = np.cumsum([int(np.prod(s)) if self.axis is None else s[self.axis] for s in self.shapes])[:-1]
        parts = np.split(g, ends, axis=self.axis or 0)
        return tuple(np.reshape(part, shape) for part, shape in zip(parts, self.shapes, strict=True))


class Stack(Function):
    """``np.stack``: join along a new axis."""

    axis: int = 0

    def forward(self, *arrays):
        return np.stack(arrays, axis=self.axis)

    def backward(self, g):
        rows = np.moveaxis(g, self.axis, 0)
        return tuple((lambda i=i: rows[i]) for i in range(len(self.edges)))


class Split(Function):
    """``np.split`` and ``np.array_split``: pieces along ``axis``, each an output of its own."""

    views = True

    indices_or_sections: Any
    axis: int = 0

    def forward(self, ary):
        return np.array_split(ary, self.indices_or_sections, axis=self.axis)

    def backward(self, gs, *, y):
        return np.concatenate(
            [np.zeros_like(part) if g is None else g for g, part in zip(gs, y, strict=True)], axis=self.axis
        )


class Pad(Function):
    """``np.pad`` with a constant around; ``pad_width`` has a pair for each axis."""

    pad_width: tuple[tuple[int, int], ...]
    constant_values: Any = 0

    def forward(self, array):
        return np.pad(array, self.pad_width, constant_values=self.constant_values)

    def backward(self, g):
        return g[tuple(slice(lo, n - hi) for (lo, hi), n in zip(self.pad_width, g.shape, strict=True))]


@implements(np.concatenate, np.concat)
def concatenate(arrays: Any, axis: int | None = 0, *, dtype: Any = None) -> Any:
    """``np.concatenate``."""
    joined = Concatenate(axis)(*arrays)
    return joined if dtype is None else joined.astype(dtype)


@implements(np.stack)
def stack(arrays: Any, axis: int = 0, *, dtype: Any = None) -> Any:
    """``np.stack``."""
    joined = Stack(axis)(*arrays)
    return joined if dtype is None else joined.astype(dtype)


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.split``: the pieces must be equal where a number of them is given."""
    if np.ndim(indices_or_sections) == 0 and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"{ary.shape[axis]} items do not split into {indices_or_sections} equal parts; see np.array_split"
        )
    return array_split(ary, indices_or_sections, axis)


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.array_split``."""
    return list(Split(indices_or_sections, axis)(ary))


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """``np.pad`` with mode "constant"."""
    if mode != "constant":
        raise NotImplementedError(f"np.pad of a Value has mode 'constant' only, not {mode!r}")
    if isinstance(pad_width, dict):
        widths = {normalize_axis_index(axis, array.ndim): width for axis, width in pad_width.items()}
        pad_width = [np.broadcast_to(widths.get(i, 0), 2) for i in range(array.ndim)]
    pairs = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2))
    if pairs.dtype.kind not in "iu" or (pairs.size and pairs.min() < 0):
        raise TypeError(f"pad_width holds whole numbers of at least 0, not {pad_width!r}")
    return Pad(tuple((int(lo), int(hi)) for lo, hi in pairs), constant_values)(array)
