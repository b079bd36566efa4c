"""Activations that look along an axis: the softmax family and the gated linear unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.nn.activations.curves import sigmoid
from calligrad.ops.softmax import softmax
from calligrad.random import generator
from calligrad.value import unwrap


def softmin(x: Any, axis: Any = -1) -> Any:
    """``softmax(-x)``."""
    return softmax(np.negative(x), axis)


def glu(x: Any, axis: int = -1) -> Any:
    """The gated linear unit: the first half along ``axis`` times the sigmoid of the second.

    Dauphin, Fan, Auli and Grangier, "Language modeling with gated convolutional networks", arXiv:1612.08083.

    >>> import numpy as np
    >>> from calligrad.nn.functional import glu
    >>> glu(np.array([3.0, 5.0, 0.0, 0.0]))
    array([1.5, 2.5])
    """
    shape = np.shape(x)
    if not -len(shape) <= axis < len(shape) or shape[axis] % 2:
        raise ValueError(f"glu takes an even length along axis {axis}, not shape {shape}")
    a, b = np.split(x, 2, axis)
    return np.multiply(a, sigmoid(b))


def gumbel_softmax(
    logits: Any, tau: float = 1.0, hard: bool = False, axis: int = -1, rng: np.random.Generator | None = None
) -> Any:
    """A random choice among ``logits`` along ``axis`` that has a gradient: the softmax of them with Gumbel noise.

    The smaller the temperature ``tau``, the nearer to one-hot. With ``hard`` the result is one-hot, and its gradient
    is that of the soft one. Jang, Gu and Poole, "Categorical reparameterization with Gumbel-Softmax", arXiv:1611.01144.

    >>> import numpy as np
    >>> from calligrad.nn.functional import gumbel_softmax
    >>> float(gumbel_softmax(np.zeros(5), hard=True).sum())
    1.0
    """
    if not tau > 0:
        raise ValueError(f"gumbel_softmax: tau is above 0, not {tau}")
    noise = generator(rng).gumbel(size=np.shape(logits)).astype(np.result_type(unwrap(logits), np.float16))
    soft = softmax(np.add(logits, noise) / tau, axis)
    if not hard:
        return soft
    known = unwrap(soft)
    hot = np.zeros_like(known)
    np.put_along_axis(hot, np.expand_dims(np.argmax(known, axis), axis), 1, axis)
    return hot + (soft - known)  # the one-hot numbers, to which the soft ones lend their gradient
