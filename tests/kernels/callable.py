"""Formulas of Numbers as functions that a kernel of numba calls: so they can be tried on any number."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from calligrad.kernels.number import Number


def function(write: Callable[..., Number]) -> Any:
    """A function of Numbers as one that a kernel may call, with float32 or float64, or with vectors of either."""

    def typed(_: Any, *args: Any) -> Any:
        kinds = [types.unliteral(arg) for arg in args]
        if any(isinstance(kind, (types.Integer, types.Boolean)) or kind != kinds[0] for kind in kinds):
            return None

        def generate(_: Any, builder: ir.IRBuilder, signature: Any, values: Sequence[ir.Value]) -> ir.Value:
            return write(*(Number(builder, value) for value in values)).value

        return kinds[0](*kinds), generate

    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = inspect.Signature([context, *inspect.signature(write).parameters.values()])
    typed.__signature__ = named  # numba wants to know how many there are
    typed.__name__ = typed.__qualname__ = write.__name__
    return intrinsic(typed)
