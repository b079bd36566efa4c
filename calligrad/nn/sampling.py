"""Images read at points between their pixels."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from calligrad.nn.windows import floating
from calligrad.ops.index import Take
from calligrad.value import as_arraylike, unwrap

MODES = ("bilinear", "nearest", "bicubic")
BORDERS = ("zeros", "border", "reflection")


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """For each pixel of images of ``size``, where an affine map takes it, as ``grid_sample`` wants to know it.

    Shapes: ``theta`` (N, 2, 3) and ``size`` (N, C, H, W) to (N, H, W, 2); or (N, 3, 4) and (N, C, D, H, W) to
    (N, D, H, W, 3). The coordinates, x first, go from -1 to 1 over the image: from the outermost edges of its pixels,
    or, with ``align_corners``, from their centres.

    >>> import numpy as np
    >>> from calligrad.nn.functional import affine_grid
    >>> affine_grid(np.eye(2, 3)[None], (1, 1, 1, 2))
    array([[[[-0.5,  0. ],
             [ 0.5,  0. ]]]])
    """
    theta, size = as_arraylike(theta), tuple(size)
    floating("affine_grid", theta)
    n = len(size) - 2
    if n not in (2, 3) or min(size) < 1:
        raise ValueError(f"affine_grid: size is (N, C, H, W) or (N, C, D, H, W), all positive, not {size}")
    if theta.shape != (size[0], n, n + 1):
        raise ValueError(f"affine_grid: theta for {size} has the shape {(size[0], n, n + 1)}, not {theta.shape}")
    axes = []
    for length in size[2:]:
        axis = np.linspace(-1, 1, length) if length > 1 else np.zeros(1)
        axes.append(axis if align_corners else axis * ((length - 1) / length))
    points = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(size[2:])], axis=-1)  # x first, and 1
    points = points.astype(theta.dtype).reshape(1, -1, n + 1)
    return np.reshape(points @ np.swapaxes(theta, 1, 2), (size[0], *size[2:], n))


def grid_sample(
    x: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """``x`` read at the points of ``grid``; both have a gradient.

    Shapes: ``x`` (N, C, H, W), ``grid`` (N, …, 2) with two axes between, to (N, C, …); or (N, C, D, H, W) and
    (N, …, 3) with three. A point is (x, y) or (x, y, z), from -1 to 1 over the image as ``affine_grid`` has it.
    ``mode`` is "bilinear" (also for volumes), "nearest" or "bicubic" (images only); what lies outside is 0, the
    nearest pixel ("border") or the mirror image ("reflection").

    >>> import numpy as np
    >>> from calligrad.nn.functional import affine_grid, grid_sample
    >>> image = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> mirror = np.array([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> grid_sample(image, affine_grid(mirror, image.shape))
    array([[[[1., 0.],
             [3., 2.]]]])
    """
    x, grid = as_arraylike(x), as_arraylike(grid)
    n = x.ndim - 2
    _check(x, grid, mode, padding_mode, n)
    batch, channels, *shape = x.shape
    pixels = math.prod(shape)
    places, weights = [], []  # along each axis: of each tap, the pixel and its share, which is 0 outside
    for axis, size in enumerate(shape):
        at = grid[..., n - 1 - axis]
        at = (at + 1) * ((size - 1) / 2) if align_corners else ((at + 1) * size - 1) / 2
        taken, shares = _taps(at, size, mode, padding_mode, bool(align_corners))
        places.append(taken)
        weights.append(shares)
    flat = np.reshape(np.swapaxes(np.reshape(x, (batch, channels, pixels)), 1, 2), (batch * pixels, channels))
    first = np.arange(batch).reshape(-1, *(1,) * (grid.ndim - 2)) * pixels
    y: Any = 0
    for taps in product(*map(range, map(len, places))):
        position: Any = 0
        share: Any = 1
        for size, taken, shares, tap in zip(shape, places, weights, taps):
            position = position * size + taken[tap]
            share = share * shares[tap]
        y = y + Take(position + first, 0)(flat) * share[..., None]
    return np.moveaxis(y, -1, 1)


def _taps(at: Any, size: int, mode: str, border: str, align_corners: bool) -> tuple[list[Any], list[Any]]:
    """The pixels along one axis that make up the numbers at coordinates, and the share of each."""
    if mode != "bicubic":
        at = _within(at, size, border, align_corners)
    left = np.floor(unwrap(at))
    if mode == "nearest":
        pixels, shares = [np.rint(unwrap(at))], [np.ones_like(left)]
    elif mode == "bilinear":
        pixels, shares = [left, left + 1], [left + 1 - at, at - left]
    else:
        pixels = [left + tap for tap in range(-1, 3)]
        shares = [_cubic_share(at - pixel) for pixel in pixels]
        if border != "zeros":
            pixels = [unwrap(_within(pixel, size, border, align_corners)) for pixel in pixels]
    there = [(pixel >= 0) & (pixel < size) for pixel in pixels]
    shares = [share * is_there.astype(left.dtype) for share, is_there in zip(shares, there)]
    return [np.where(is_there, pixel, 0).astype(np.intp) for pixel, is_there in zip(pixels, there)], shares


def _within(at: Any, size: int, border: str, align_corners: bool) -> Any:
    """Coordinates brought into the image; where they are cut off they have no slope."""
    if border == "reflection":
        low, span = (0.0, size - 1) if align_corners else (-0.5, size)
        plain = unwrap(at)
        if span == 0:
            return np.zeros_like(plain)
        away = np.abs(plain - low)
        turned = np.floor(away / span) % 2 == 1
        rest = np.fmod(away, span)
        mirrored = np.where(turned, span - rest, rest) + low
        slope = np.where((plain < low) != turned, -1, 1).astype(plain.dtype)
        at = at * slope + (mirrored - plain * slope)
    if border != "zeros":
        plain = unwrap(at)
        at = np.where((plain > 0) & (plain < size - 1), at, np.clip(plain, 0, size - 1))
    return at


def _cubic_share(t: Any) -> Any:
    """The kernel of the cubic convolution with a = -0.75 at the distance ``t``."""
    t = t * np.where(unwrap(t) < 0, -1, 1).astype(t.dtype)
    near = (1.25 * t - 2.25) * t * t + 1
    far = -0.75 * (((t - 5) * t + 8) * t - 4)
    return np.where(unwrap(t) <= 1, near, far)


def _check(x: Any, grid: Any, mode: str, padding_mode: str, n: int) -> None:
    if mode not in MODES or padding_mode not in BORDERS:
        raise ValueError(
            f"grid_sample: mode is one of {', '.join(MODES)}, padding_mode one of {', '.join(BORDERS)},"
            f" not {mode!r} and {padding_mode!r}"
        )
    if n not in (2, 3) or grid.ndim != n + 2 or grid.shape[0] != x.shape[0] or grid.shape[-1] != n:
        raise ValueError(
            "grid_sample: x is (N, C, H, W) and grid (N, …, …, 2), or x (N, C, D, H, W) and grid (N, …, …, …, 3),"
            f" not {x.shape} and {grid.shape}"
        )
    if 0 in x.shape[1:]:
        raise ValueError(f"grid_sample: only the batch may be empty, and x has shape {x.shape}")
    if mode == "bicubic" and n == 3:
        raise ValueError("grid_sample: bicubic is for images (N, C, H, W), not for volumes")
    floating("grid_sample", x)
    if grid.dtype != x.dtype:
        raise TypeError(f"grid_sample: x and grid have one dtype, not {x.dtype} and {grid.dtype}")
