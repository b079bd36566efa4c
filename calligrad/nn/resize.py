"""Images made larger or smaller."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from calligrad.nn import adaptive
from calligrad.nn.module import Module
from calligrad.nn.resample import Resample, Weights
from calligrad.nn.windows import floating, per_axis, settings

LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}  # by how many axes they are for
MODES = ("nearest", "nearest-exact", *LINEAR, "bicubic", "area")


def interpolate(
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """``x`` (N, C, …) with its axes behind the channels resized to ``size``, or to ``scale_factor`` times as much.

    A pixel is a square of side 1 that holds its number at the centre, so that pixel ``i`` of ``n`` comes from
    ``(i + 0.5) * scale - 0.5``, scale being ``1 / scale_factor`` where that is given, otherwise the ratio of the
    sizes. With ``align_corners`` the centres of the outermost pixels stay the outermost:
    ``i * (size_in - 1) / (size_out - 1)``.

    - "nearest" takes the number at ``floor(i * scale)``, "nearest-exact" that of the nearest centre; 1 to 3 axes;
    - "linear", "bilinear", "trilinear", for 1, 2, 3 axes, weigh the two neighbours on each;
    - "bicubic" weighs four on each of 2 axes, by the cubic convolution with a = -0.75 (Keys, "Cubic convolution
      interpolation for digital image processing", 1981);
    - "area" averages, as ``adaptive_avg_pool``.

    ``recompute_scale_factor`` takes the scale from the sizes also where a factor was given. ``antialias``, for
    "bilinear" and "bicubic" (then a = -0.5), widens the weights when the image shrinks.

    >>> import numpy as np
    >>> from calligrad.nn.functional import interpolate
    >>> interpolate(np.array([[[1.0, 3.0]]]), scale_factor=2, mode="linear")
    array([[[1. , 1.5, 2.5, 3. ]]])
    """
    shape, n = np.shape(x)[2:], np.ndim(x) - 2
    if mode not in MODES:
        raise ValueError(f"interpolate: mode is one of {', '.join(MODES)}, not {mode!r}")
    axes = LINEAR.get(mode, 2 if mode == "bicubic" else n)
    if n != axes or not 1 <= n <= 3:
        wanted = {1: "(N, C, L)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W)"}.get(axes, "(N, C, …) with 1 to 3 axes more")
        raise ValueError(f"interpolate: mode {mode!r} takes x as {wanted}, not of shape {np.shape(x)}")
    if 0 in np.shape(x)[1:]:
        raise ValueError(f"interpolate: only the batch may be empty, and x has shape {np.shape(x)}")
    floating("interpolate", x)
    smooth = mode in LINEAR or mode == "bicubic"
    if align_corners is not None and not smooth:
        raise ValueError(f"interpolate: align_corners is for linear and cubic modes, not for {mode!r}")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f'interpolate: antialias is for "bilinear" and "bicubic", not for {mode!r}')
    sizes, factors = _target(shape, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("interpolate: recompute_scale_factor needs a scale_factor, not a size")
    if recompute_scale_factor:
        factors = (None,) * n
    if mode == "area":
        return (adaptive.adaptive_avg_pool1d, adaptive.adaptive_avg_pool2d, adaptive.adaptive_avg_pool3d)[n - 1](
            x, sizes
        )
    kind = f"antialias {mode}" if antialias else mode
    by_sizes = {"linear": (1,), "bilinear": (1,), "trilinear": (1,), "nearest": (1, 2) if n == 2 else ()}.get(kind, ())
    factors = tuple(  # PyTorch leaves an axis alone whose length stays, whatever the factor, and doubles exactly
        None if any(wanted == times * size for times in by_sizes) else factor
        for size, wanted, factor in zip(shape, sizes, factors)
    )
    return Resample(tuple(weights(kind, *along, bool(align_corners)) for along in zip(shape, sizes, factors)))(x)


def _target(shape: tuple[int, ...], size: Any, scale_factor: Any) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """The size to come to, and the factors that were given."""
    n = len(shape)
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either a size or a scale_factor")
    if size is not None:
        return per_axis("interpolate", "size", size, n), (None,) * n
    factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * n
    if len(factors) != n or not all(f > 0 for f in factors):
        raise ValueError(f"interpolate: scale_factor is a positive number, or {n} of them, not {scale_factor!r}")
    factors = tuple(map(float, factors))
    sizes = tuple(math.floor(length * factor) for length, factor in zip(shape, factors))
    if 0 in sizes:
        raise ValueError(f"interpolate: scale_factor {scale_factor!r} makes {shape} to {sizes}")
    return sizes, factors


# ---------------------------------------------------------------- where each pixel comes from, along one axis


@lru_cache(maxsize=128)
def weights(kind: str, size: int, wanted: int, factor: float | None, align_corners: bool) -> Weights:
    """From which of ``size`` numbers each of the ``wanted`` ones comes."""
    scale = size / wanted if factor is None else 1 / factor
    if align_corners:
        scale = (size - 1) / (wanted - 1) if wanted > 1 else 0.0
    i = np.arange(wanted)
    if kind.startswith("nearest"):
        half = np.float32(0.5 if kind == "nearest-exact" else 0)  # in float32 also where x is float64: so PyTorch does
        places = np.floor((i.astype(np.float32) + half) * np.float32(scale)).astype(np.intp)
        return Weights(size, np.minimum(places, size - 1)[None], np.ones((1, wanted)))
    if kind == "antialias bilinear":
        return _wide(size, i, scale, 1, lambda t: np.maximum(0, 1 - np.abs(t)))
    if kind == "antialias bicubic":
        return _wide(size, i, scale, 2, lambda t: cubic(t, -0.5))
    source = i * scale if align_corners else (i + 0.5) * scale - 0.5
    if kind != "bicubic":
        source = np.maximum(source, 0)
        left = np.minimum(np.floor(source).astype(np.intp), size - 1)
        share = source - left
        return Weights(size, np.stack([left, np.minimum(left + 1, size - 1)]), np.stack([1 - share, share]))
    left = np.floor(source).astype(np.intp)
    taps = np.arange(-1, 3)[:, None]
    return Weights(size, np.clip(left + taps, 0, size - 1), cubic(source - left - taps, -0.75))


def cubic(t: np.ndarray, a: float) -> np.ndarray:
    """The kernel of the cubic convolution, at distance ``t``."""
    t = np.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = a * (((t - 5) * t + 8) * t - 4)
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))


def _wide(size: int, i: np.ndarray, scale: float, reach: int, kernel: Callable) -> Weights:
    """A kernel as wide as the pixels it makes, if these are larger than those it reads; its weights sum to 1."""
    width = max(scale, 1.0)
    centre = (i + 0.5) * scale
    first = np.maximum((centre - reach * width + 0.5).astype(np.intp), 0)
    last = np.minimum((centre + reach * width + 0.5).astype(np.intp), size) - 1
    places = first + np.arange(np.max(last - first) + 1)[:, None]
    w = np.where(places <= last, kernel((places - centre + 0.5) / width), 0.0)
    return Weights(size, np.minimum(places, last), w / np.sum(w, axis=0))


# ---------------------------------------------------------------- modules


class Upsample(Module):
    """``interpolate`` as a module.

    >>> import numpy as np
    >>> from calligrad.nn import Upsample
    >>> Upsample(scale_factor=2, mode="bilinear")(np.ones((1, 3, 4, 5))).shape
    (1, 3, 8, 10)
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size, self.scale_factor, self.mode = size, scale_factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, x):
        """The resized ``x``."""
        return interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor)

    def extra_repr(self) -> str:
        """The settings."""
        return settings(self)


class UpsamplingNearest2d(Upsample):
    """``Upsample`` of (N, C, H, W), to the nearest."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """``Upsample`` of (N, C, H, W), bilinear with ``align_corners``."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
