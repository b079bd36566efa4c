"""Dropout: numbers, or whole channels, replaced at random in training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.module import Module
from calligrad.random import generator
from calligrad.value import as_arraylike

SATURATION = -1.7580993408473766  # what selu tends to on the left: minus its scale times its alpha


class Scaled(Function):
    """``x`` times an array of fixed ``factors``, which broadcasts."""

    holds = ("factors",)

    factors: Any

    def forward(self, x):
        return x * self.factors

    def backward(self, g):
        return g * self.factors


def dropout(x: Any, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None) -> Any:
    """Each number 0 with probability ``p``, and divided by ``1 - p`` otherwise; ``x`` itself without ``training``.

    Nothing is ever written into ``x``, so there is no ``inplace``.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    >>> import numpy as np
    >>> from calligrad.nn.functional import dropout
    >>> dropout(np.ones(6), 0.5, rng=np.random.default_rng(0))
    array([2., 2., 2., 0., 0., 0.])
    """
    x = _checked("dropout", x, p)
    return _drop(x, np.shape(x), p, rng) if training else x


def dropout1d(x: Any, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None) -> Any:
    """``dropout`` of whole channels; ``x`` is (N, C, L) or (C, L)."""
    return _drop_channels("dropout1d", x, p, training, {2: 1, 3: 2}, rng)


def dropout2d(x: Any, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None) -> Any:
    """``dropout`` of whole channels; ``x`` is (N, C, H, W) or (N, C, L), as in PyTorch.

    Tompson et al., "Efficient object localization using convolutional networks", arXiv:1411.4280.
    """
    return _drop_channels("dropout2d", x, p, training, {3: 2, 4: 2}, rng)


def dropout3d(x: Any, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None) -> Any:
    """``dropout`` of whole channels; ``x`` is (N, C, D, H, W) or (C, D, H, W)."""
    return _drop_channels("dropout3d", x, p, training, {4: 1, 5: 2}, rng)


def alpha_dropout(x: Any, p: float = 0.5, training: bool = False, *, rng: np.random.Generator | None = None) -> Any:
    """``dropout`` to where selu saturates, scaled and shifted so that mean 0 and variance 1 are kept.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", arXiv:1706.02515.
    """
    x = _checked("alpha_dropout", x, p)
    return _saturate(x, np.shape(x), p, rng) if training else x


def feature_alpha_dropout(
    x: Any, p: float = 0.5, training: bool = False, *, rng: np.random.Generator | None = None
) -> Any:
    """``alpha_dropout`` of whole channels; ``x`` is (N, C, …)."""
    x = _checked("feature_alpha_dropout", x, p)
    if np.ndim(x) < 2:
        raise ValueError(f"feature_alpha_dropout takes (N, C, …), not shape {np.shape(x)}")
    return _saturate(x, (*x.shape[:2], *(1,) * (x.ndim - 2)), p, rng) if training else x


def _checked(name: str, x: Any, p: float) -> Any:
    x = as_arraylike(x)
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is a probability from 0 to 1, not {p!r}")
    if x.dtype.kind not in "fc":
        raise TypeError(f"{name}: x is floating, not {x.dtype}")
    return x


def _drop_channels(
    name: str, x: Any, p: float, training: bool, lead: dict[int, int], rng: np.random.Generator | None
) -> Any:
    """``lead`` says, for each number of axes that is taken, how many of them there are up to the channels."""
    x = _checked(name, x, p)
    if x.ndim not in lead:
        raise ValueError(f"{name} takes {' or '.join(map(str, lead))} axes, not shape {x.shape}")
    n = lead[x.ndim]
    return _drop(x, (*x.shape[:n], *(1,) * (x.ndim - n)), p, rng) if training else x


def _kept(shape: tuple[int, ...], p: float, rng: np.random.Generator | None) -> np.ndarray:
    return generator(rng).random(shape, np.float32) >= p  # float32 takes half the time


def _drop(x: Any, shape: tuple[int, ...], p: float, rng: np.random.Generator | None) -> Any:
    if p == 0:
        return x
    return Scaled(np.multiply(_kept(shape, p, rng), 1 / (1 - p) if p < 1 else 0, dtype=x.dtype))(x)


def _saturate(x: Any, shape: tuple[int, ...], p: float, rng: np.random.Generator | None) -> Any:
    if p == 1:
        return Scaled(np.zeros(shape, x.dtype))(x)
    kept = _kept(shape, p, rng)
    scale = 1 / math.sqrt((SATURATION**2 * p + 1) * (1 - p))
    shift = np.where(kept, -SATURATION * scale * p, SATURATION * scale * (1 - p)).astype(x.dtype)
    return Scaled(np.multiply(kept, scale, dtype=x.dtype))(x) + shift


class Dropout(Module):
    """``dropout`` in training, nothing in evaluation.

    >>> import numpy as np
    >>> from calligrad.nn import Dropout
    >>> Dropout(0.5).eval()(np.ones(3))
    array([1., 1., 1.])
    """

    function = staticmethod(dropout)

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p is a probability from 0 to 1, not {p!r}")
        self.p, self.rng = p, rng

    def forward(self, x: Any) -> Any:
        """Any shape that the function takes, to the same shape."""
        return self.function(x, self.p, self.training, rng=self.rng)


class Dropout1d(Dropout):
    """``dropout1d`` in training, nothing in evaluation."""

    function = staticmethod(dropout1d)


class Dropout2d(Dropout):
    """``dropout2d`` in training, nothing in evaluation."""

    function = staticmethod(dropout2d)


class Dropout3d(Dropout):
    """``dropout3d`` in training, nothing in evaluation."""

    function = staticmethod(dropout3d)


class AlphaDropout(Dropout):
    """``alpha_dropout`` in training, nothing in evaluation."""

    function = staticmethod(alpha_dropout)


class FeatureAlphaDropout(Dropout):
    """``feature_alpha_dropout`` in training, nothing in evaluation."""

    function = staticmethod(feature_alpha_dropout)
