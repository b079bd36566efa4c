"""Activations made of straight pieces. Where two pieces meet, the slope is that of the flatter one."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Elementwise
from calligrad.ops.elementwise import CLIP, masked
from calligrad.ops.tiles import elementwise
from calligrad.random import generator
from calligrad.value import unwrap


class Relu(Elementwise):
    """``max(x, 0)``; the slope at 0 is 0."""

    def forward(self, x):
        return elementwise(self._above, x)

    def backward(self, g, *, y):
        return elementwise(self._gradient, g, y)

    @staticmethod
    def _gradient(g: Any, y: Any, out: Any = None) -> Any:
        return masked(g, y != 0, out)  # y is not negative; NaN passes, so that it is seen

    @staticmethod
    def _above(x: Any, out: Any = None) -> Any:
        return CLIP(x, 0, np.inf, out=out) if x.dtype.kind == "f" else np.maximum(x, 0, out=out)


class Clamp(Elementwise):
    """``x`` kept between ``low`` and ``high``; on them, the slope is 0."""

    low: float
    high: float

    def forward(self, x):
        return elementwise(self._clipped, x)

    def backward(self, g, *, y):
        return elementwise(self._gradient, g, y)

    def _clipped(self, x: Any, out: Any = None) -> Any:
        return CLIP(x, self.low, self.high, out=out)

    def _gradient(self, g: Any, y: Any, out: Any = None) -> Any:
        return masked(g, (y != self.low) & (y != self.high), out)


class LeakyRelu(Elementwise):
    """``x`` above 0 and ``slope * x`` below, with a slope from 0 to 1; at 0 the slope is the one below."""

    slope: float

    def forward(self, x):
        return elementwise(self._bent, x)

    def backward(self, g, x):
        return elementwise(self._gradient, g, x)

    def _bent(self, x: Any, out: Any = None) -> Any:
        return np.maximum(x, self.slope * x, out=out)

    def _gradient(self, g: Any, x: Any, out: Any = None) -> Any:
        return np.multiply(g, self._slopes(x), out=out)

    def _slopes(self, x: Any) -> Any:
        return CLIP((x > 0).astype(x.dtype), self.slope, 1)


class HardSigmoid(Elementwise):
    """``x / 6 + 1 / 2``, kept between 0 and 1."""

    def forward(self, x):
        return elementwise(self._gate, x)

    def backward(self, g, x):
        return elementwise(self._gradient, g, x)

    @staticmethod
    def _gradient(g: Any, x: Any, out: Any = None) -> Any:
        return masked(np.multiply(g, 1 / 6, out=out), np.abs(x) < 3, out)

    @staticmethod
    def _gate(x: Any, out: Any = None) -> Any:
        y = np.clip(x, -3, 3)
        y *= 1 / 6
        return np.add(y, 0.5, out=out)


class HardSwish(Elementwise):
    """``x * hardsigmoid(x)``."""

    def forward(self, x):
        return elementwise(self._gated, x)

    def backward(self, g, x):
        return elementwise(self._gradient, g, x)

    @staticmethod
    def _gated(x: Any, out: Any = None) -> Any:
        return np.multiply(x, HardSigmoid._gate(x), out=out)

    def _gradient(self, g: Any, x: Any, out: Any = None) -> Any:
        return np.multiply(g, self._slope(x), out=out)

    def _slope(self, x: Any) -> Any:
        y = masked(x, np.abs(x) < 3)
        y *= 1 / 6
        y += HardSigmoid._gate(x)
        return y


class Shrink(Elementwise):
    """``x`` where it is further than ``limit`` from 0, otherwise 0; ``moved`` by as much towards 0."""

    limit: float
    moved: bool

    def forward(self, x):
        return elementwise(self._shrunk, x)

    def backward(self, g, x):
        return elementwise(self._gradient, g, x)

    def _gradient(self, g: Any, x: Any, out: Any = None) -> Any:
        return masked(g, ~(np.abs(x) <= self.limit), out)

    def _shrunk(self, x: Any, out: Any = None) -> Any:
        if self.moved:
            return np.subtract(x, np.clip(x, -self.limit, self.limit), out=out)
        return np.multiply(x, np.abs(x) > self.limit, out=out)


class Leaky(Elementwise):
    """``x`` above 0 and ``slope * x`` below; at 0 the slope is the one below."""

    def forward(self, x, slope):
        return x * self._slopes(x, slope)

    def backward(self, g, x, slope):
        return lambda: g * self._slopes(x, slope), lambda: g * np.clip(x, -np.inf, 0)

    @staticmethod
    def _slopes(x: Any, slope: Any) -> Any:
        above = (x > 0).astype(x.dtype)
        return above + slope * (1 - above)


def relu(x: Any) -> Any:
    """``max(x, 0)``; the slope at 0 is 0. There is no ``inplace``, here or elsewhere: no array is overwritten.

    >>> import numpy as np
    >>> from calligrad import relu
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return Relu()(x)


def relu6(x: Any) -> Any:
    """``min(max(x, 0), 6)``."""
    return Clamp(0, 6)(x)


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """``x`` kept between ``min_val`` and ``max_val``."""
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    return Clamp(min_val, max_val)(x)


def hardsigmoid(x: Any) -> Any:
    """``min(max(x + 3, 0), 6) / 6``, a sigmoid of three straight pieces."""
    return HardSigmoid()(x)


def hardswish(x: Any) -> Any:
    """``x * hardsigmoid(x)``; Howard et al., "Searching for MobileNetV3", arXiv:1905.02244."""
    return HardSwish()(x)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """``x`` above 0 and ``negative_slope * x`` below.

    >>> import numpy as np
    >>> from calligrad.nn.functional import leaky_relu
    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    return LeakyRelu(negative_slope)(x) if 0 < negative_slope <= 1 else Leaky()(x, negative_slope)


def prelu(x: Any, weight: Any) -> Any:
    """``leaky_relu`` with a slope that is learned: one for all, or one for each channel, which are axis 1 of ``x``.

    Shapes: ``x`` (N, C, …), ``weight`` (1,) or (C,). He, Zhang, Ren and Sun, arXiv:1502.01852.
    """
    shape, slopes = np.shape(x), np.size(weight)
    if np.ndim(weight) > 1 or (slopes != 1 and (len(shape) < 2 or shape[1] != slopes)):
        raise ValueError(f"prelu takes a weight (1,) or (C,) for x (N, C, …), not {np.shape(weight)} for {shape}")
    return Leaky()(x, np.reshape(weight, (slopes,) + (1,) * max(0, len(shape) - 2) if shape else ()))


def rrelu(
    x: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    rng: np.random.Generator | None = None,
) -> Any:
    """``leaky_relu`` with slopes drawn between ``lower`` and ``upper``; their mean unless ``training``.

    Xu, Wang, Chen and Li, "Empirical evaluation of rectified activations", arXiv:1505.00853.
    """
    if not lower <= upper:
        raise ValueError(f"rrelu: lower {lower} is above upper {upper}")
    if not training:
        return leaky_relu(x, (lower + upper) / 2)
    slopes = generator(rng).uniform(lower, upper, np.shape(x))
    return Leaky()(x, slopes.astype(np.result_type(unwrap(x), np.float16)))


def threshold(x: Any, threshold: float, value: float) -> Any:
    """``x`` where it is above ``threshold``, otherwise ``value``."""
    return np.where(np.less_equal(x, threshold), value, x)  # NaN passes, so that it is seen


def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x`` where it is further than ``lambd`` from 0, otherwise 0."""
    return Shrink(lambd, False)(x)


def softshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x`` moved by ``lambd`` towards 0, and 0 where that is further than it is away."""
    if lambd < 0:
        raise ValueError(f"softshrink: lambd is at least 0, not {lambd}")
    return Shrink(lambd, True)(x)
