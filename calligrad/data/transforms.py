"""Transforms of images: NumPy arrays (channels, height, width), or (height, width) where there is one channel.

A transform is a function of the image, or of the image and a generator for what is random in it; any function of
yours is one too. ``Transformed`` applies it to the items of a dataset. None writes into the image it is given.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from calligrad.random import generator


def draws(transform: Callable) -> bool:
    """Whether it is called as ``transform(x, rng)``: its second argument is named rng, or has no default."""
    try:
        parameters = inspect.signature(transform).parameters.values()
    except ValueError:  # a built-in
        return False
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(places) > 1 and (places[1].default is inspect.Parameter.empty or places[1].name == "rng")


class Compose:
    """One transform after the other; plain functions may stand among them.

    >>> import numpy as np
    >>> from calligrad.data.transforms import Compose, Normalize, ToFloat
    >>> Compose(ToFloat(), Normalize(0.5, 0.25))(np.array([[0, 255]], np.uint8))
    array([[-2.,  2.]], dtype=float32)
    """

    def __init__(self, *transforms: Callable) -> None:
        for i, transform in enumerate(transforms):
            if not callable(transform):
                raise TypeError(f"Compose takes transforms and functions; number {i} is {transform!r}")
        self.transforms = transforms
        self.draws = [draws(transform) for transform in transforms]

    def __call__(self, x: Any, rng: np.random.Generator | None = None) -> Any:
        for transform, random in zip(self.transforms, self.draws):
            x = transform(x, generator(rng)) if random else transform(x)
        return x

    def __repr__(self) -> str:
        return f"Compose({', '.join(map(repr, self.transforms))})"


# ---------------------------------------------------------------- numbers


@dataclass(frozen=True)
class ToFloat:
    """From integers 0 to 255 to float32 from 0 to 1."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if x.dtype != np.uint8:
            raise TypeError(f"ToFloat takes an image of uint8, not {x.dtype}")
        return x / np.float32(255)


@dataclass(frozen=True)
class Normalize:
    """``(x - mean) / std``, with one number for all channels or a list of one for each."""

    mean: Any
    std: Any

    def __post_init__(self) -> None:
        if not np.all(np.asarray(self.std) > 0):
            raise ValueError(f"std is above 0, not {self.std}")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if x.dtype.kind != "f":
            raise TypeError(f"Normalize takes an image of floats, as ToFloat makes them, not of {x.dtype}")
        mean, std = (np.asarray(number, x.dtype) for number in (self.mean, self.std))
        if mean.ndim or std.ndim:
            channels = x.shape[-3] if x.ndim > 2 else 1
            if not {mean.size, std.size} <= {1, channels}:
                raise ValueError(
                    f"Normalize has {max(mean.size, std.size)} channels, the image has {channels}: {x.shape}"
                )
            mean, std = mean.reshape(-1, 1, 1), std.reshape(-1, 1, 1)
        return ((x - mean) / std).reshape(x.shape)


# ---------------------------------------------------------------- places


@dataclass(frozen=True)
class Pad:
    """Rows and columns around the image: as many on each side, or (left, top, right, bottom).

    ``mode`` is one of ``np.pad``'s: "constant", which is ``value``, "edge", "reflect", "symmetric" and "wrap" among
    them.
    """

    padding: int | Sequence[int]
    value: float = 0
    mode: str = "constant"

    def __post_init__(self) -> None:
        if len(_sides(self.padding)) != 4 or not all(isinstance(n, int) and n >= 0 for n in _sides(self.padding)):
            raise ValueError(f"padding is a count or (left, top, right, bottom), none below 0, not {self.padding!r}")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        left, top, right, bottom = _sides(self.padding)
        if self.mode != "constant":
            return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(top, bottom), (left, right)], self.mode)
        *channels, rows, columns = x.shape  # by hand: np.pad takes ten times as long for a small image
        padded = np.full((*channels, top + rows + bottom, left + columns + right), self.value, x.dtype)
        padded[..., top : top + rows, left : left + columns] = x
        return padded


def _sides(padding: int | Sequence[int]) -> tuple[int, ...]:
    return tuple(padding) if isinstance(padding, Sequence) else (padding,) * 4


@dataclass(frozen=True)
class CenterCrop:
    """The middle ``size`` of the image: one number for a square, or (height, width)."""

    size: int | Sequence[int]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return _cut(x, self.size, lambda spare: (spare + 1) // 2)


@dataclass(frozen=True)
class RandomCrop:
    """A random piece of ``size``, one number for a square, or (height, width), after ``Pad(padding, value, mode)``."""

    size: int | Sequence[int]
    padding: int | Sequence[int] = 0
    value: float = 0
    mode: str = "constant"

    def __call__(self, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        if self.padding:
            x = Pad(self.padding, self.value, self.mode)(x)
        return _cut(x, self.size, lambda spare: int(generator(rng).integers(spare + 1)))


def _cut(x: np.ndarray, size: int | Sequence[int], start: Callable[[int], int]) -> np.ndarray:
    height, width = _pair(size)
    if x.ndim < 2 or height > x.shape[-2] or width > x.shape[-1]:
        raise ValueError(f"a crop of {height} by {width} does not fit into an image of shape {x.shape}")
    top, left = start(x.shape[-2] - height), start(x.shape[-1] - width)
    return x[..., top : top + height, left : left + width]


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or not all(isinstance(n, int) and n > 0 for n in pair):
        raise ValueError(f"size is a number of pixels, or (height, width), not {size!r}")
    return pair


@dataclass(frozen=True)
class RandomHorizontalFlip:
    """Left and right exchanged, with probability ``p``."""

    p: float = 0.5

    def __call__(self, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return x[..., ::-1] if generator(rng).random() < self.p else x


@dataclass(frozen=True)
class RandomVerticalFlip:
    """Top and bottom exchanged, with probability ``p``."""

    p: float = 0.5

    def __call__(self, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        return x[..., ::-1, :] if generator(rng).random() < self.p else x


@dataclass(frozen=True)
class RandomErasing:
    """With probability ``p``, ``value`` in a rectangle of a random place, area and shape.

    The area is a share of the image's between the two of ``scale``, height to width between the two of ``ratio``.
    Zhong, Zheng, Kang, Li and Yang, "Random erasing data augmentation", arXiv:1708.04896.
    """

    p: float = 0.5
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    value: float = 0

    def __call__(self, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        rng = generator(rng)
        if rng.random() >= self.p:
            return x
        *_, rows, columns = x.shape
        for _ in range(10):  # a rectangle that does not fit is drawn again
            area = rng.uniform(*self.scale) * rows * columns
            shape = math.exp(rng.uniform(*np.log(self.ratio)))
            height, width = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
            if height < rows and width < columns:
                top, left = rng.integers(rows - height + 1), rng.integers(columns - width + 1)
                x = x.copy()
                x[..., top : top + height, left : left + width] = self.value
                break
        return x


# ---------------------------------------------------------------- between the pixels


@dataclass(frozen=True)
class Resize:
    """The image in another size, (height, width), or one number for its shorter side.

    Each new pixel is a mean of old ones, with weights that fall linearly with the distance: bilinear interpolation
    where the image grows, and without aliasing where it shrinks.

    >>> import numpy as np
    >>> from calligrad.data.transforms import Resize
    >>> Resize((1, 2))(np.array([[0.0, 0.0, 4.0, 4.0]]))
    array([[0.57142857, 3.42857143]])
    """

    size: int | Sequence[int]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        *_, rows, columns = x.shape
        height, width = _pair(self.size)
        if isinstance(self.size, int):
            shorter = min(rows, columns)
            height, width = self.size * rows // shorter, self.size * columns // shorter
        real = x if x.dtype.kind == "f" else x.astype(np.float32)
        weights = [_weights(n, m).astype(real.dtype) for n, m in ((rows, height), (columns, width))]
        return _as(x.dtype, weights[0] @ real @ weights[1].T)


@lru_cache(maxsize=64)
def _weights(n: int, m: int) -> np.ndarray:
    """(m, n): how much of each of ``n`` pixels in a line goes into each of ``m``."""
    scale = n / m
    middles = (np.arange(m) + 0.5) * scale - 0.5
    triangles = np.maximum(0, 1 - np.abs(np.arange(n) - middles[:, None]) / max(scale, 1))
    return triangles / triangles.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class RandomRotation:
    """Turned about its middle by a random angle, between ``-degrees`` and ``degrees`` or the two of a pair.

    Positive angles turn against the clock. New pixels are interpolated bilinearly; what comes in from outside is
    ``value``.
    """

    degrees: float | Sequence[float]
    value: float = 0

    def __call__(self, x: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        low, high = (-self.degrees, self.degrees) if isinstance(self.degrees, (int, float)) else self.degrees
        return rotated(x, generator(rng).uniform(low, high), self.value)


def rotated(x: np.ndarray, degrees: float, value: float = 0) -> np.ndarray:
    """The image turned about its middle against the clock, in its old size."""
    *_, rows, columns = x.shape
    angle = math.radians(degrees)
    middle, center = (rows - 1) / 2, (columns - 1) / 2
    down, right = np.arange(rows)[:, None] - middle, np.arange(columns) - center
    row = math.cos(angle) * down + math.sin(angle) * right + middle
    column = math.cos(angle) * right - math.sin(angle) * down + center
    return _as(x.dtype, _between(x, row, column, value))


def _between(x: np.ndarray, row: np.ndarray, column: np.ndarray, value: float) -> np.ndarray:
    """``x`` at places between its pixels; ``value`` is all around it."""
    *_, rows, columns = x.shape
    real = x if x.dtype.kind == "f" else x.astype(np.float32)
    framed = np.pad(real, [(0, 0)] * (x.ndim - 2) + [(1, 2)] * 2, constant_values=value)
    row, column = np.clip(row, -1, rows) + 1, np.clip(column, -1, columns) + 1
    top, left = row.astype(np.intp), column.astype(np.intp)
    down, right = (row - top).astype(real.dtype), (column - left).astype(real.dtype)
    above = framed[..., top, left] * (1 - right) + framed[..., top, left + 1] * right
    below = framed[..., top + 1, left] * (1 - right) + framed[..., top + 1, left + 1] * right
    return above * (1 - down) + below * down


def _as(dtype: np.dtype, x: np.ndarray) -> np.ndarray:
    """``x`` in ``dtype``, rounded and within bounds if that is one of integers."""
    if dtype.kind == "f":
        return x.astype(dtype, copy=False)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(x), limits.min, limits.max).astype(dtype)
