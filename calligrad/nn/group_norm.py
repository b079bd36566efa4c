"""GroupNorm: groups of channels of each example by themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.nn.batch_norm import affine as affine_of
from calligrad.nn.batch_norm import check_channels
from calligrad.nn.init import ones_, zeros_
from calligrad.nn.module import Module
from calligrad.nn.standardize import Standardize
from calligrad.value import Value, as_arraylike


def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """``(x - mean) / sqrt(var + eps) * weight + bias``, mean and variance over groups of channels of each example.

    Shapes: ``x`` (N, C, …), ``weight`` and ``bias`` (C,) or None.

    Wu and He, "Group normalization", arXiv:1803.08494.

    >>> import numpy as np
    >>> from calligrad.nn.functional import group_norm
    >>> group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    x = as_arraylike(x)
    check_channels("group_norm", x, {}, weight, bias)
    _check_groups(num_groups, x.shape[1])
    view = x.shape[0], num_groups, x.shape[1] // num_groups, math.prod(x.shape[2:])
    if math.prod(view) == x.shape[0] * num_groups == num_groups:
        raise ValueError(f"group_norm: more than 1 number per group is needed; x has shape {x.shape}")
    return Standardize(view, eps)(x, *affine_of(x, x.shape[1], weight, bias))


def _check_groups(groups: int, channels: int) -> None:
    if groups < 1 or channels % groups:
        raise ValueError(f"{channels} channels do not divide into num_groups = {groups} groups")


class GroupNorm(Module):
    """``group_norm`` with a ``weight`` (num_channels,) that starts at 1 and a ``bias`` that starts at 0.

    >>> import numpy as np
    >>> from calligrad.nn import GroupNorm
    >>> GroupNorm(2, 4)(np.ones((5, 4, 3, 3), np.float32)).shape
    (5, 4, 3, 3)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        _check_groups(num_groups, num_channels)
        dtype = parameter_dtype(dtype)
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight = ones_(Value(np.empty(num_channels, dtype), "weight")) if affine else None
        self.bias = zeros_(Value(np.empty(num_channels, dtype), "bias")) if affine and bias else None

    def forward(self, x: Any) -> Any:
        """(N, num_channels, …) to the same shape."""
        if np.ndim(x) < 2 or np.shape(x)[1] != self.num_channels:
            raise ValueError(f"GroupNorm takes (N, C, …) with C = {self.num_channels}, not shape {np.shape(x)}")
        return group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
