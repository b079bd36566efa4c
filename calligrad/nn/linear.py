"""Linear and bilinear layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.function import Function
from calligrad.nn.init import kaiming_uniform_, uniform_
from calligrad.nn.module import Module
from calligrad.ops.contract import rows
from calligrad.value import Value, as_arraylike


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


def bilinear(x1: Any, x2: Any, weight: Any, bias: Any = None) -> Any:
    """``x1 @ weight[k] @ x2 + bias[k]`` for each output ``k``.

    Shapes: ``x1`` (…, in1), ``x2`` (…, in2), ``weight`` (out, in1, in2), ``bias`` (out,) or None; result (…, out).
    """
    (*lead, n), (*lead2, m), sizes = np.shape(x1), np.shape(x2), np.shape(weight)
    if lead != lead2 or len(sizes) != 3 or sizes[1:] != (n, m):
        shapes = f"{np.shape(x1)}, {np.shape(x2)} and {sizes}"
        raise ValueError(f"x1 (…, in1), x2 (…, in2) and weight (out, in1, in2) do not fit: they have shapes {shapes}")
    if bias is not None and np.shape(bias) != sizes[:1]:
        raise ValueError(f"bias (out,) and weight (out, in1, in2) do not fit: {np.shape(bias)} and {sizes}")
    pairs = as_arraylike(x1)[..., :, np.newaxis] * as_arraylike(x2)[..., np.newaxis, :]
    return linear(np.reshape(pairs, (*lead, n * m)), np.reshape(weight, (sizes[0], n * m)), bias)


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
        check_sizes(in_features=in_features, out_features=out_features)
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


class Bilinear(Module):
    """``x1 @ weight[k] @ x2 + bias[k]`` for each output ``k``.

    ``weight`` (out_features, in1_features, in2_features) and ``bias`` (out_features,) start uniform within
    ``1 / sqrt(in1_features)`` on either side of 0.

    >>> import numpy as np
    >>> from calligrad.nn import Bilinear
    >>> Bilinear(3, 4, 2)(np.ones((5, 3), np.float32), np.ones((5, 4), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        check_sizes(in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        dtype = parameter_dtype(dtype)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        bound = 1 / math.sqrt(max(1, in1_features))
        shape = out_features, in1_features, in2_features
        self.weight = uniform_(Value(np.empty(shape, dtype), "weight"), -bound, bound, rng)
        self.bias = uniform_(Value(np.empty(out_features, dtype), "bias"), -bound, bound, rng) if bias else None

    def forward(self, x1: Any, x2: Any) -> Any:
        """(…, in1_features) and (…, in2_features) to (…, out_features)."""
        return bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


def check_sizes(**sizes: Any) -> None:
    """Raise unless each of ``sizes`` is a number of features."""
    for name, n in sizes.items():
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 0:
            raise ValueError(f"{name} is a number of features, not {n!r}")
