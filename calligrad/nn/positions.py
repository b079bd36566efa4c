"""Where in a sequence something stands, told to a model that sees no order."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function, broadcasts_to
from calligrad.nn.module import Module
from calligrad.value import as_array, as_arraylike


def angles(positions: Any, features: int, base: float = 10000.0) -> np.ndarray:
    """``positions[…, None] * base ** (-2i / features)``, i from 0 to features / 2 - 1: clocks, from fast to slow."""
    if features < 2 or features % 2:
        raise ValueError(f"positions are told by an even number of features, not {features!r}")
    return as_array(positions)[..., None] * base ** (np.arange(0, features, 2) / -features)


def sinusoidal_positions(length: int, features: int, base: float = 10000.0, *, dtype: Any = np.float32) -> np.ndarray:
    """A vector for each position from 0 to ``length - 1``: sines at its even places, cosines at its odd ones.

    The result is (length, features). At 2i and 2i + 1 stand the sine and cosine of ``position / base^(2i / features)``.
    Vaswani et al., "Attention is all you need", arXiv:1706.03762, section 3.5.

    >>> from calligrad.nn.functional import sinusoidal_positions
    >>> sinusoidal_positions(2, 4).round(2)
    array([[0.  , 1.  , 0.  , 1.  ],
           [0.84, 0.54, 0.01, 1.  ]], dtype=float32)
    """
    phases = angles(np.arange(length), features, base)
    return np.stack((np.sin(phases), np.cos(phases)), axis=-1).reshape(length, features).astype(dtype)


class Rotation(Function):
    """Pairs of numbers along the last axis, each turned by the angle of which ``cos`` and ``sin`` are given.

    The pairs are neighbours if ``interleaved``, otherwise a number of the first half and one of the second.
    """

    holds = ("cos", "sin")

    cos: Any
    sin: Any
    interleaved: bool

    def forward(self, x):
        y = np.empty(x.shape, x.dtype)
        half = x.shape[-1] // 2
        first, second = (slice(0, None, 2), slice(1, None, 2)) if self.interleaved else (slice(half), slice(half, None))
        a, b = x[..., first], x[..., second]
        y[..., first] = a * self.cos - b * self.sin
        y[..., second] = a * self.sin + b * self.cos
        return y

    def backward(self, g):
        return Rotation(self.cos, -self.sin, self.interleaved)(g)


def rotary_embedding(x: Any, positions: Any = None, base: float = 10000.0, interleaved: bool = True) -> Any:
    """``x``, with pairs of its numbers turned by angles that grow with the position, each pair at its own speed.

    Turn queries and keys, and their products depend on their distance alone. Shapes: ``x`` (…, length, features), with
    an even number of features; ``positions``, 0 to length - 1 unless they are given, broadcast to (…, length). Pair i
    turns by ``position / base^(2i / features)``; it consists of the numbers 2i and 2i + 1, as in the paper, or without
    ``interleaved`` of i and i + features / 2, as in many published models.

    Su et al., "RoFormer: enhanced transformer with rotary position embedding", arXiv:2104.09864.

    >>> import numpy as np
    >>> from calligrad.nn.functional import rotary_embedding
    >>> rotary_embedding(np.array([[1.0, 0.0], [1.0, 0.0]])).round(2)
    array([[1.  , 0.  ],
           [0.54, 0.84]])
    """
    x = as_arraylike(x)
    if x.ndim < 2 or x.dtype.kind != "f":
        raise ValueError(f"rotary_embedding takes floats (…, length, features), not {x.dtype} of shape {x.shape}")
    if positions is None:
        positions = np.arange(x.shape[-2])
    phases = angles(positions, x.shape[-1], base)
    if not broadcasts_to(phases.shape[:-1], x.shape[:-1]):
        raise ValueError(f"positions of shape {phases.shape[:-1]} do not broadcast to those of x, {x.shape[:-1]}")
    return Rotation(np.cos(phases).astype(x.dtype), np.sin(phases).astype(x.dtype), interleaved)(x)


class SinusoidalPositions(Module):
    """Adds ``sinusoidal_positions`` to its input, whose positions run along ``axis``.

    >>> import numpy as np
    >>> from calligrad.nn import SinusoidalPositions
    >>> SinusoidalPositions(4)(np.zeros((1, 2, 4))).round(2)
    array([[[0.  , 1.  , 0.  , 1.  ],
            [0.84, 0.54, 0.01, 1.  ]]])
    """

    def __init__(self, features: int, base: float = 10000.0, axis: int = -2) -> None:
        angles(0, features, base)
        self.features, self.base, self.axis = features, base, axis

    def forward(self, x: Any) -> Any:
        """(…, features) to the same shape."""
        x = as_arraylike(x)
        if x.ndim < 2 or x.shape[-1] != self.features or x.dtype.kind != "f":
            raise ValueError(f"x is floating, (…, length, {self.features}), not {x.dtype} of shape {x.shape}")
        axis = self.axis % x.ndim
        where = sinusoidal_positions(x.shape[axis], self.features, self.base, dtype=x.dtype)
        return x + np.reshape(where, (-1, *(1,) * (x.ndim - 2 - axis), self.features))


class RotaryPositions(Module):
    """``rotary_embedding`` as a module: for queries and keys, not for values.

    >>> import numpy as np
    >>> from calligrad.nn import RotaryPositions
    >>> RotaryPositions()(np.ones((3, 8, 4))).shape
    (3, 8, 4)
    """

    def __init__(self, base: float = 10000.0, interleaved: bool = True) -> None:
        self.base, self.interleaved = base, interleaved

    def forward(self, x: Any, positions: Any = None) -> Any:
        """(…, length, features) to the same shape."""
        return rotary_embedding(x, positions, self.base, self.interleaved)
