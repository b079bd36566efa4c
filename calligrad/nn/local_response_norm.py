"""LocalResponseNorm: each number beside the same place of the channels next to it; and vectors of length 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.nn.distance import norms, widened
from calligrad.nn.module import Module
from calligrad.value import as_arraylike


def local_response_norm(x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """``x / (k + alpha * m) ** beta``, where ``m`` is the mean of the squares in ``size`` channels around.

    Shapes: ``x`` (N, C, …) with at least three axes. Channels that are not there count as 0.

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012.

    >>> import numpy as np
    >>> from calligrad.nn.functional import local_response_norm
    >>> local_response_norm(np.full((1, 3, 1), 2.0), 3, alpha=3.0, beta=1.0, k=0.0).ravel()
    array([0.25      , 0.16666667, 0.25      ])
    """
    x = as_arraylike(x)
    if x.ndim < 3:
        raise ValueError(f"local_response_norm: x is (N, C, …) with at least three axes, not of shape {x.shape}")
    if size < 1:
        raise ValueError(f"local_response_norm: size is a number of channels, at least 1, not {size!r}")
    around = [(0, 0), (size // 2, (size - 1) // 2), *[(0, 0)] * (x.ndim - 2)]
    wide = widened(x)
    squares = np.pad(wide * wide, around)
    total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    y = wide / (k + (alpha / size) * total) ** beta
    return y.astype(np.float16) if x.dtype == np.float16 else y


def normalize(x: Any, p: float = 2.0, axis: int = 1, eps: float = 1e-12) -> Any:
    """``x`` divided by its ``p``-norm along ``axis``, or by ``eps`` where that is larger.

    >>> import numpy as np
    >>> from calligrad.nn.functional import normalize
    >>> normalize(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    x = as_arraylike(x)
    return x / np.maximum(norms(x, p, keepdims=True, axis=axis), eps)


class LocalResponseNorm(Module):
    """``local_response_norm`` as a module."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Any) -> Any:
        """(N, C, …) to the same shape."""
        return local_response_norm(x, self.size, self.alpha, self.beta, self.k)
