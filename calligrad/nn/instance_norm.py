"""InstanceNorm: each channel of each example by itself."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from calligrad.nn.batch_norm import ChannelNorm, affine, check_channels, move, with_statistics
from calligrad.nn.standardize import Standardize
from calligrad.value import as_arraylike, unwrap


def instance_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """``(x - mean) / sqrt(var + eps) * weight + bias``, with a mean and a variance for each channel of each example.

    Shapes: ``x`` (N, C, …), all others (C,) or None. ``running_mean`` and ``running_var``, Buffers or arrays, move by
    ``momentum`` towards the averages over the batch of the means and of the unbiased variances. Without
    ``use_input_stats`` they take the place of the examples' own.

    Ulyanov, Vedaldi and Lempitsky, "Instance normalization", arXiv:1607.08022.

    >>> import numpy as np
    >>> from calligrad.nn.functional import instance_norm
    >>> instance_norm(np.array([[[1.0, 3.0], [10.0, 30.0]]]), eps=0.0)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    x = as_arraylike(x)
    check_channels("instance_norm", x, {"running_mean": running_mean, "running_var": running_var}, weight, bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ValueError("instance_norm: without use_input_stats it needs running_mean and running_var")
        return with_statistics(x, running_mean, running_var, weight, bias, eps)
    batch, channels, length = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    if length == 1:
        raise ValueError(f"instance_norm: more than 1 number per channel is needed; x has shape {x.shape}")
    tracked = running_mean is not None and batch * length > 0
    of_batch = Standardize((batch, channels, 1, length), eps, statistics=tracked)
    y = of_batch(x, *affine(x, channels, weight, bias))
    if tracked:
        y, mean, var = y
        move(running_mean, np.mean(np.reshape(unwrap(mean), (batch, channels)), 0), momentum)
        unbiased = np.mean(np.reshape(unwrap(var), (batch, channels)), 0) * (length / (length - 1))
        move(running_var, unbiased, momentum)
    return y


class InstanceNorm(ChannelNorm):
    """``instance_norm``; with ``track_running_stats`` it uses running statistics in evaluation."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias=bias, dtype=dtype)

    def forward(self, x: Any) -> Any:
        """(N, C, …) or (C, …) to the same shape."""
        x = self._check(x)
        batch = x if x.ndim == max(self.ranks) else x[None]
        own = self.training or self.running_mean is None
        y = instance_norm(
            batch, self.running_mean, self.running_var, self.weight, self.bias, own, self.momentum or 0.0, self.eps
        )
        return y if batch is x else y[0]


class InstanceNorm1d(InstanceNorm):
    """``instance_norm`` of (N, C, L) or (C, L).

    >>> import numpy as np
    >>> from calligrad.nn import InstanceNorm1d
    >>> InstanceNorm1d(3)(np.ones((5, 3, 4), np.float32)).shape
    (5, 3, 4)
    """

    ranks: ClassVar[dict[int, str]] = {2: "(C, L)", 3: "(N, C, L)"}


class InstanceNorm2d(InstanceNorm):
    """``instance_norm`` of (N, C, H, W) or (C, H, W).

    >>> import numpy as np
    >>> from calligrad.nn import InstanceNorm2d
    >>> InstanceNorm2d(3)(np.ones((5, 3, 2, 2), np.float32)).shape
    (5, 3, 2, 2)
    """

    ranks: ClassVar[dict[int, str]] = {3: "(C, H, W)", 4: "(N, C, H, W)"}


class InstanceNorm3d(InstanceNorm):
    """``instance_norm`` of (N, C, D, H, W) or (C, D, H, W).

    >>> import numpy as np
    >>> from calligrad.nn import InstanceNorm3d
    >>> InstanceNorm3d(3)(np.ones((5, 3, 2, 2, 2), np.float32)).shape
    (5, 3, 2, 2, 2)
    """

    ranks: ClassVar[dict[int, str]] = {4: "(C, D, H, W)", 5: "(N, C, D, H, W)"}
