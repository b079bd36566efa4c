"""The linear layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.function import Function
from calligrad.nn.init import kaiming_uniform_, uniform_
from calligrad.nn.module import Module
from calligrad.ops.contract import rows
from calligrad.value import Value


class Affine(Function):
    """``x @ weight.T + bias``: the gradient of the weight comes in the weight's own layout."""

    def forward(self, x, weight, *bias):
        if weight.ndim != 2 or x.shape[-1:] != weight.shape[1:]:
            raise ValueError(
                f"x (…, in) and weight (out, in) do not fit: they have shapes {x.shape} and {weight.shape}"
            )
        if bias and bias[0].shape != weight.shape[:1]:
            raise ValueError(f"bias (out,) and weight (out, in) do not fit: {bias[0].shape} and {weight.shape}")
        y = x @ weight.T
        for b in bias:
            y = np.add(y, b, out=y if b.dtype == y.dtype else None)
        return y

    def backward(self, g, x, weight, *bias):
        gs = (
            lambda: g @ weight,
            lambda: rows(g).T @ rows(x),
            lambda: np.add.reduce(rows(g)),
        )
        return gs[: 2 + len(bias)]


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """``x @ weight.T + bias``.

    Shapes: ``x`` (…, in), ``weight`` (out, in), ``bias`` (out,) or None; the result is (…, out).
    """
    return Affine()(x, weight) if bias is None else Affine()(x, weight, bias)


class Linear(Module):
    """``x @ weight.T + bias``, with ``weight`` (out_features, in_features) and ``bias`` (out_features,).

    Both start uniform within ``1 / sqrt(in_features)`` on either side of 0, as in PyTorch.

    >>> import numpy as np
    >>> from calligrad.nn import Linear
    >>> Linear(3, 2)(np.ones((5, 3), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        for name, n in (("in_features", in_features), ("out_features", out_features)):
            if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 0:
                raise ValueError(f"{name} is a number of features, not {n!r}")
        dtype = parameter_dtype(dtype)
        self.in_features, self.out_features = in_features, out_features
        self.weight = kaiming_uniform_(
            Value(np.empty((out_features, in_features), dtype), "weight"), a=math.sqrt(5), rng=rng
        )
        bound = 1 / math.sqrt(max(1, in_features))
        self.bias = uniform_(Value(np.empty(out_features, dtype), "bias"), -bound, bound, rng) if bias else None

    def forward(self, x: Any) -> Any:
        """(…, in_features) to (…, out_features)."""
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
