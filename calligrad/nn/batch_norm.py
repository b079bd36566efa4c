"""BatchNorm: each channel over a whole batch."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.function import Function
from calligrad.modes import no_grad
from calligrad.nn.buffer import Buffer
from calligrad.nn.init import ones_, zeros_
from calligrad.nn.module import Module
from calligrad.nn.standardize import StandardizeChannels
from calligrad.ops.tiles import over_rows
from calligrad.primitive import is_captured
from calligrad.value import Value, as_arraylike, unwrap


def batch_norm(
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """``(x - mean) / sqrt(var + eps) * weight + bias``, with a mean and a variance for each channel.

    Shapes: ``x`` (N, C, …), all others (C,) or None. In training mean and variance are those of the batch, and
    ``running_mean`` and ``running_var``, Buffers or arrays, move towards them by ``momentum``; the variance that they
    keep is the unbiased one. Otherwise they are the running ones.

    Ioffe and Szegedy, "Batch normalization", arXiv:1502.03167.

    >>> import numpy as np
    >>> from calligrad.nn.functional import batch_norm
    >>> batch_norm(np.array([[1.0], [3.0]]), None, None, training=True, eps=0.0)
    array([[-1.],
           [ 1.]])
    """
    x = as_arraylike(x)
    check_channels("batch_norm", x, {"running_mean": running_mean, "running_var": running_var}, weight, bias)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: without training it needs running_mean and running_var")
        return with_statistics(x, running_mean, running_var, weight, bias, eps)
    batch, channels, length = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    if batch * length == 1:
        raise ValueError(f"batch_norm: more than 1 value per channel is needed in training; x has shape {x.shape}")
    view = batch, channels, length
    y, mean, var = StandardizeChannels(view, eps, statistics=True)(x, *affine(x, channels, weight, bias))
    if batch * length:
        move(running_mean, mean, momentum)
        move(running_var, unwrap(var) * (batch * length / (batch * length - 1)), momentum)
    return y


def affine(x: Any, channels: int, weight: Any, bias: Any) -> tuple[Any, ...]:
    """Those of ``weight`` and ``bias`` that there are; a bias does not come alone."""
    if weight is None and bias is not None:
        weight = np.ones(channels, x.dtype)
    return tuple(p for p in (weight, bias) if p is not None)


def with_statistics(x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    """``x`` scaled and shifted, channel by channel, with a mean and a variance that are given."""
    scale = (1 / np.sqrt(unwrap(var) + eps)).astype(x.dtype)
    shift = -unwrap(mean).astype(x.dtype) * scale
    if weight is not None:
        scale, shift = weight * scale, weight * shift
    if bias is not None:
        shift = shift + bias
    return ScaleAndShift((*x.shape[:2], math.prod(x.shape[2:])))(x, scale, shift)


class ScaleAndShift(Function):
    """``x * scale + shift``, with ``x`` (N, C, L), which is the ``view`` of it, and (C,) the others."""

    view: tuple[int, int, int]

    def forward(self, x, scale, shift):
        batch, channels, length = self.view
        if is_captured(x, scale, shift):
            met = (1, channels, *[1] * (x.ndim - 2))
            return x * np.reshape(scale, met) + np.reshape(shift, met)
        y = np.empty(x.shape, np.result_type(x, scale, shift))
        rows, out = (np.ascontiguousarray(a).reshape(batch, channels * length) for a in (x, y))
        scales, shifts = np.repeat(scale, length), np.repeat(shift, length)

        def work(tile: slice) -> None:
            np.multiply(rows[tile], scales, out=out[tile])
            out[tile] += shifts

        over_rows(work, rows)
        return y

    def backward(self, g, x, scale, _shift):
        g, x = np.reshape(g, self.view), np.reshape(x, self.view)
        return (
            lambda: np.reshape(g * np.reshape(scale, (-1, 1)), self.shapes[0]),
            lambda: np.einsum("ncl,ncl->c", g, x),
            lambda: np.sum(g, (0, 2)),
        )


def move(running: Any, new: Any, momentum: float) -> None:
    """Write into ``running`` a mixture of itself and ``momentum`` parts of ``new``."""
    if running is not None:
        array = unwrap(running)
        array[...] = (1 - momentum) * array + momentum * unwrap(new)


def check_channels(name: str, x: Any, statistics: dict[str, Any], weight: Any, bias: Any) -> None:
    """Raise unless ``x`` is (N, C, …), floating, and all others have shape (C,)."""
    if x.dtype.kind != "f":
        raise TypeError(f"{name}: x is floating, not {x.dtype}")
    if x.ndim < 2:
        raise ValueError(f"{name}: x is (N, C, …), not of shape {x.shape}")
    for what, p in (statistics | {"weight": weight, "bias": bias}).items():
        if p is not None and as_arraylike(p).shape != (x.shape[1],):
            raise ValueError(
                f"{name}: x of shape {x.shape} has {x.shape[1]} channels, but {what} has shape {np.shape(p)}"
            )


class ChannelNorm(Module):
    """A normalization with a weight, a bias, and running statistics for each of ``num_features`` channels."""

    ranks: ClassVar[dict[int, str]] = {}  # of the inputs that are taken, with their shapes

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        if isinstance(num_features, bool) or not isinstance(num_features, (int, np.integer)) or num_features < 0:
            raise ValueError(f"num_features is a number of channels, not {num_features!r}")
        dtype = parameter_dtype(dtype)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = ones_(Value(np.empty(num_features, dtype), "weight")) if affine else None
        self.bias = zeros_(Value(np.empty(num_features, dtype), "bias")) if affine and bias else None
        self.running_mean = self.running_var = self.num_batches_tracked = None
        if track_running_stats:
            self.running_mean = Buffer(np.zeros(num_features, dtype), "running_mean")
            self.running_var = Buffer(np.ones(num_features, dtype), "running_var")
            self.num_batches_tracked = Buffer(np.zeros((), np.int64), "num_batches_tracked")

    def _check(self, x: Any) -> Any:
        x = as_arraylike(x)
        if x.ndim not in self.ranks:
            raise ValueError(f"{type(self).__name__} takes {' or '.join(self.ranks.values())}, not shape {x.shape}")
        channels = x.shape[self.ranks[x.ndim].startswith("(N")]
        if channels != self.num_features:
            raise ValueError(
                f"{type(self).__name__} takes {self.ranks[x.ndim]} with C = {self.num_features} channels,"
                f" not {channels} as in shape {x.shape}"
            )
        if x.dtype.kind != "f":
            raise TypeError(f"{type(self).__name__} takes floating numbers, not {x.dtype}")
        return x

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine},"
            f" track_running_stats={self.track_running_stats}"
        )


class BatchNorm(ChannelNorm):
    """``batch_norm`` with statistics of the batch in training, and with running ones in evaluation.

    With ``momentum=None`` the running statistics are the plain averages of those of all batches so far; with
    ``track_running_stats=False`` there are none, and those of the batch are used in evaluation too.
    """

    def forward(self, x: Any) -> Any:
        """(N, C, …) to the same shape."""
        x = self._check(x)
        if not self.training or self.num_batches_tracked is None:
            training = self.training or self.running_mean is None
            return batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, training, 0.0, self.eps)
        batches = self.num_batches_tracked.data
        batches = (batches if is_captured(batches) else int(batches)) + 1
        momentum = 1 / batches if self.momentum is None else self.momentum
        y = batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, True, momentum, self.eps)
        with no_grad():
            self.num_batches_tracked[...] = batches
        return y


class BatchNorm1d(BatchNorm):
    """``batch_norm`` of (N, C) or (N, C, L).

    >>> import numpy as np
    >>> from calligrad.nn import BatchNorm1d
    >>> BatchNorm1d(3)(np.ones((5, 3), np.float32)).shape
    (5, 3)
    """

    ranks: ClassVar[dict[int, str]] = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(BatchNorm):
    """``batch_norm`` of (N, C, H, W).

    >>> import numpy as np
    >>> from calligrad.nn import BatchNorm2d
    >>> BatchNorm2d(3)(np.ones((5, 3, 2, 2), np.float32)).shape
    (5, 3, 2, 2)
    """

    ranks: ClassVar[dict[int, str]] = {4: "(N, C, H, W)"}


class BatchNorm3d(BatchNorm):
    """``batch_norm`` of (N, C, D, H, W).

    >>> import numpy as np
    >>> from calligrad.nn import BatchNorm3d
    >>> BatchNorm3d(3)(np.ones((5, 3, 2, 2, 2), np.float32)).shape
    (5, 3, 2, 2, 2)
    """

    ranks: ClassVar[dict[int, str]] = {5: "(N, C, D, H, W)"}
