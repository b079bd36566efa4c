"""Channels and pixels that change places."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.batched import BATCHING, Level
from calligrad.formula import formula, is_open
from calligrad.function import Function
from calligrad.nn.module import Module
from calligrad.value import as_arraylike

LARGE = 2**16  # numbers that are worth several threads


class Reordered(Function):
    """``x`` seen in the shape ``parts``, with its axes in another order, as ``result``; copied on several threads."""

    parts: tuple[int, ...]
    order: tuple[int, ...]
    result: tuple[int, ...]

    def forward(self, x):
        if type(x) is not np.ndarray or (is_open(x) and self.order[-1] == len(self.order) - 1):  # whole runs of memory
            return reordered(x, parts=self.parts, order=self.order, result=self.result)
        seen = np.transpose(np.reshape(x, self.parts), self.order)
        y = np.empty(seen.shape, x.dtype)
        step = len(y) if y.size < LARGE else -(-len(y) // parallel.MOST)
        parallel.run(lambda i: np.copyto(y[i : i + step], seen[i : i + step]), range(0, len(y), step or 1))
        return y.reshape(self.result)

    def backward(self, g):
        parts = tuple(self.parts[axis] for axis in self.order)
        return Reordered(parts, tuple(map(self.order.index, range(len(parts)))), self.shapes[0])(g)


@formula
def reordered(x, *, parts, order, result):
    """What ``Reordered`` gives."""
    return np.reshape(np.transpose(np.reshape(x, parts), order), result)


def of_all_examples(level: Level, function: Any, x: Any) -> Any:
    """The rule of ``vmap``: the examples are one more axis in front."""
    n, order = level.size, (0, *(axis + 1 for axis in function.order))
    return level.wrap(Reordered((n, *function.parts), order, (n, *function.result))(level.spread(x)))


BATCHING[Reordered] = of_all_examples


def pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    """(…, C r², H, W) to (…, C, H r, W r): each r² channels become a square of r by r pixels, r = ``upscale_factor``.

    Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural
    network", arXiv:1609.05158.

    >>> import numpy as np
    >>> from calligrad.nn.functional import pixel_shuffle
    >>> pixel_shuffle(np.arange(4.0).reshape(4, 1, 1), 2)
    array([[[0., 1.],
            [2., 3.]]])
    """
    x, r = as_arraylike(x), _number("pixel_shuffle", "upscale_factor", upscale_factor)
    *lead, channels, height, width = _image("pixel_shuffle", x)
    if channels % r**2:
        raise ValueError(f"pixel_shuffle: the {channels} channels of x {x.shape} are no multiple of {r}²")
    n = len(lead)
    blocks = (*lead, channels // r**2, r, r, height, width)
    order = (*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    return Reordered(blocks, order, (*lead, channels // r**2, height * r, width * r))(x)


def pixel_unshuffle(x: Any, downscale_factor: int) -> Any:
    """(…, C, H r, W r) to (…, C r², H, W): the reverse of ``pixel_shuffle``, r = ``downscale_factor``.

    >>> import numpy as np
    >>> from calligrad.nn.functional import pixel_unshuffle
    >>> pixel_unshuffle(np.arange(4.0).reshape(1, 2, 2), 2).shape
    (4, 1, 1)
    """
    x, r = as_arraylike(x), _number("pixel_unshuffle", "downscale_factor", downscale_factor)
    *lead, channels, height, width = _image("pixel_unshuffle", x)
    if height % r or width % r:
        raise ValueError(f"pixel_unshuffle: height and width of x {x.shape} are no multiples of {r}")
    n = len(lead)
    blocks = (*lead, channels, height // r, r, width // r, r)
    order = (*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    return Reordered(blocks, order, (*lead, channels * r**2, height // r, width // r))(x)


def channel_shuffle(x: Any, groups: int) -> Any:
    """(N, C, …) with the channels dealt out anew: the first of each of the ``groups``, then the second of each.

    Zhang et al., "ShuffleNet", arXiv:1707.01083.

    >>> import numpy as np
    >>> from calligrad.nn.functional import channel_shuffle
    >>> channel_shuffle(np.arange(6.0).reshape(1, 6, 1), 2).reshape(-1)
    array([0., 3., 1., 4., 2., 5.])
    """
    x, groups = as_arraylike(x), _number("channel_shuffle", "groups", groups)
    if x.ndim < 3:
        raise ValueError(f"channel_shuffle: x is (N, C, …), not of shape {x.shape}")
    n, channels, *rest = x.shape
    if channels % groups:
        raise ValueError(f"channel_shuffle: the {channels} channels of x {x.shape} are no multiple of {groups} groups")
    order = (0, 2, 1, *range(3, 3 + len(rest)))
    return Reordered((n, groups, channels // groups, *rest), order, x.shape)(x)


def _number(name: str, what: str, value: Any) -> int:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}: {what} is a positive integer, not {value!r}")
    return int(value)


def _image(name: str, x: Any) -> tuple[int, ...]:
    if x.ndim < 3:
        raise ValueError(f"{name}: x is (…, C, H, W), not of shape {x.shape}")
    return x.shape


class PixelShuffle(Module):
    """``pixel_shuffle`` as a module."""

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = upscale_factor

    def forward(self, x):
        """(…, C r², H, W) to (…, C, H r, W r)."""
        return pixel_shuffle(x, self.upscale_factor)


class PixelUnshuffle(Module):
    """``pixel_unshuffle`` as a module."""

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = downscale_factor

    def forward(self, x):
        """(…, C, H r, W r) to (…, C r², H, W)."""
        return pixel_unshuffle(x, self.downscale_factor)


class ChannelShuffle(Module):
    """``channel_shuffle`` as a module."""

    def __init__(self, groups: int) -> None:
        self.groups = groups

    def forward(self, x):
        """(N, C, …) to the same shape."""
        return channel_shuffle(x, self.groups)
