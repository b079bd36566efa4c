"""Clipping: gradients that are too large are made smaller before the step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.settings import nonnegative
from calligrad.primitive import is_captured, primitive
from calligrad.value import Value, unwrap


def get_total_norm(tensors: Iterable[Any], norm_type: float = 2.0, error_if_nonfinite: bool = False) -> float:
    """The norm of arrays as if they were one long vector; of order ``norm_type``, which may be ``math.inf``.

    Raises ``RuntimeError`` where it is not finite, if asked to.

    >>> import numpy as np
    >>> from calligrad.optim import get_total_norm
    >>> get_total_norm([np.array([3.0]), np.array([[0.0, 4.0]])])
    5.0
    """
    alone = isinstance(tensors, (Value, np.ndarray)) or is_captured(tensors)
    arrays = [unwrap(x) if hasattr(x, "dtype") else np.asarray(x) for x in ([tensors] if alone else tensors)]
    if is_captured(*arrays):
        total = _norm_in_capture([x for x in arrays if x.size], float(norm_type))
        if error_if_nonfinite:
            _refuse_nonfinite(total)
        return total
    norms = [_norm(x.ravel(), float(norm_type)) for x in arrays if x.size]
    total = _norm(np.array(norms), float(norm_type)) if norms else 0.0
    if error_if_nonfinite:
        _refuse_nonfinite(total)
    return total


@primitive(checks=True)
def _refuse_nonfinite(total: Any) -> None:
    if not math.isfinite(total):
        raise RuntimeError(f"the norm of the gradients is {total}, so they cannot be clipped")


def _norm_in_capture(arrays: list[Any], order: float) -> Any:
    """The norm as an array, for a program."""
    wide = [np.reshape(x, (-1,)).astype(np.float64) for x in arrays]
    if order == 2:
        return np.sqrt(np.sum(np.stack([np.sum(np.square(x)) for x in wide])))
    return np.linalg.norm(np.stack([np.linalg.norm(x, order) for x in wide]), order)


def _norm(x: Any, order: float) -> float:
    if order == 2 and x.dtype.itemsize > 2:
        with np.errstate(over="ignore"):
            square = float(np.dot(x, x))
        if 1e-30 < square < math.inf:
            return math.sqrt(square)
    return float(np.linalg.norm(x.astype(np.float64), order))


def clip_grad_norm_(
    parameters: Value | Iterable[Value], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """Scale all gradients, in place, so that their norm together is at most ``max_norm``; gives the norm before.

    >>> import numpy as np
    >>> from calligrad import Value
    >>> from calligrad.optim import clip_grad_norm_
    >>> x = Value(np.zeros(2))
    >>> x.grad = np.array([30.0, 40.0])
    >>> clip_grad_norm_([x], max_norm=1.0)
    50.0
    >>> x.grad.round(4)
    array([0.6, 0.8])
    """
    max_norm = nonnegative("max_norm", max_norm)
    owners = _with_gradient(parameters)
    total = get_total_norm([p.grad for p in owners], norm_type, error_if_nonfinite)
    share = max_norm / (total + 1e-6)
    if is_captured(share):
        for p in owners:
            _replace(p, np.multiply, np.minimum(share, 1).astype(p.grad.dtype))
    elif not share >= 1:  # NaN is passed on
        for p in owners:
            _replace(p, np.multiply, share)
    return total


def clip_grad_value_(parameters: Value | Iterable[Value], clip_value: float) -> None:
    """Bring every number of the gradients, in place, to between ``-clip_value`` and ``clip_value``."""
    clip_value = nonnegative("clip_value", clip_value)
    for p in _with_gradient(parameters):
        _replace(p, np.clip, -clip_value, clip_value)


def _with_gradient(parameters: Value | Iterable[Value]) -> list[Value]:
    """Those of the parameters that have a gradient, each once."""
    if not isinstance(parameters, (Value, Iterable)):
        raise TypeError(f"clipping takes parameters, model.parameters() or [x], not a {type(parameters).__name__}")
    every = [parameters] if isinstance(parameters, Value) else list(parameters)
    for i, p in enumerate(every):
        if not isinstance(p, Value):
            raise TypeError(f"parameter {i} is {type(p).__name__}, not a Value")
    return [p for p in dict.fromkeys(every) if p.grad is not None]


def _replace(p: Value, function: Any, *args: Any) -> None:
    """Write what ``function`` makes of the gradient of ``p`` into it; a number, which is not an array, anew."""
    g = p.grad
    if isinstance(g, np.ndarray) and g.flags.writeable:
        function(g, *args, out=g)
    elif is_captured(g) and g.ndim:
        g[...] = function(g, *args)
    else:
        p.grad = function(g, *args)
