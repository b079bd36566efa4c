"""Products of many matrices."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.rules import implements


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Any:
    """``np.linalg.matrix_power``: by repeated squaring, of the inverse where ``n`` is negative."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"a power needs square matrices; this Value has shape {a.shape}")
    try:
        n = operator.index(n)
    except TypeError as error:
        raise TypeError("exponent must be an integer") from error
    if n == 0:
        return np.where(True, np.eye(a.shape[-1], dtype=a.dtype), a)  # a has a gradient, of 0
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:  # NumPy's order, for the same last digit
        return (a @ a) @ a
    power = None
    while True:
        n, bit = divmod(n, 2)
        if bit:
            power = a if power is None else power @ a
        if not n:
            return power
        a = a @ a


class MultiDot(Function):
    """The product of two or more matrices in the cheapest order; the first and the last may be vectors."""

    def forward(self, *arrays):
        return np.linalg.multi_dot(arrays)

    def backward(self, g, *arrays):
        first, *between, last = arrays
        first = first if first.ndim == 2 else first[None, :]
        last = last if last.ndim == 2 else last[:, None]
        turned = [x.mT for x in (first, *between, last)]
        g = np.reshape(g, (first.shape[0], last.shape[1]))

        def gradient(i: int) -> Any:
            factors = [*turned[:i][::-1], g, *turned[i + 1 :][::-1]]
            return np.reshape(np.linalg.multi_dot(factors), self.shapes[i])

        return tuple(lambda i=i: gradient(i) for i in range(len(arrays)))


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    """``np.linalg.multi_dot``."""
    if out is not None:
        raise TypeError("np.linalg.multi_dot of a Value does not take out=: the graph would be cut; take the result")
    return MultiDot()(*arrays)
