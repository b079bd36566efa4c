"""Writes: what NumPy has as a change of an array in place, recorded as a new array that takes its place."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler import contents, storage
from calligrad.compiler.operations import call_at, changed, filled, setitem
from calligrad.compiler.program import Var
from calligrad.compiler.traced import Traced
from calligrad.rules import numpy_name

if TYPE_CHECKING:
    from calligrad.compiler.trace import Trace


def at_key(trace: Trace, x: Traced, key: Any, value: Any) -> None:
    """``x[key] = value``."""
    key = contents.settled_key(trace, key)
    if storage.overlaps_itself(x.data) and key is not Ellipsis:
        parts = key if type(key) is tuple else (key,)
        part = trace.getitem(x, key if Ellipsis in parts else (*parts, ...))  # an array, also of one place
        if part.storage is x.storage:  # a view, of which no two places may be one
            at_key(trace, part, ..., value)
            return
    inner_key, inner_value, old = trace.nest(key), trace.nest(value), trace.var_of(x)
    _change(trace, x, operator.setitem, (x, key, value), {})
    var = None
    if key is Ellipsis and _fills(value, x):
        var = _whole(trace, value)
    elif _is_mask_of(x, key) and np.ndim(trace.held(value)) == 0 and x.data.flags.c_contiguous:
        mask = inner_key
        if key.ndim < x.ndim:
            mask = trace.line(np.reshape, (mask, key.shape + (1,) * (x.ndim - key.ndim)), {}, None)
        var = _chosen(trace, x, mask, value)
    if var is None:
        var = trace.line(setitem, (old, inner_key, inner_value), {}, storage.copy_of(x.data))
    storage.write(trace, x, var)


def by_ufunc(trace: Trace, ufunc: np.ufunc, x: Any, key: Any, *values: Any) -> None:
    """``np.add.at`` and its like."""
    x = _own(trace, x, f"np.{ufunc.__name__}.at(array, …)")
    key = contents.settled_key(trace, key)
    inner = (ufunc, trace.var_of(x), *trace.nest((key, *values)))
    _change(trace, x, ufunc.at, (x, key, *values), {})
    storage.write(trace, x, trace.line(call_at, inner, {}, storage.copy_of(x.data)))


def by_function(trace: Trace, func: Callable, args: tuple, kwargs: dict[str, Any]) -> None:
    """np.copyto, np.put and others that change their first argument."""
    x, *rest = args or (kwargs.pop(contents.WRITERS[func]),)
    x = _own(trace, x, f"{numpy_name(func)}(array, …)")
    inner, keywords, old = trace.nest(tuple(rest)), trace.nest(kwargs), trace.var_of(x)
    _change(trace, x, func, (x, *rest), kwargs)
    value: Any = kwargs.get("src", rest[0] if rest else None)
    mask = keywords.get("where", inner[2] if len(inner) > 2 else True)
    var = None
    if func is np.copyto and mask is True and _fills(value, x):
        var = _whole(trace, value)
    elif func is np.copyto and type(mask) is Var and x.data.flags.c_contiguous and x.ndim:
        var = _chosen(trace, x, mask, value)
    if var is None:
        var = trace.line(changed, (func, old, *inner), keywords, storage.copy_of(x.data))
    storage.write(trace, x, var)


def into(trace: Trace, out: Any, func: Callable, args: Any, kwargs: dict[str, Any]) -> Traced:
    """``out``, into which ``func(…, out=out)`` has written."""
    out = _own(trace, out, "out=array")
    inner, keywords, old = trace.nest(tuple(args)), trace.nest(kwargs), trace.var_of(out)
    natural = None if "where" in kwargs and isinstance(func, np.ufunc) else trace.concretely(func, args, kwargs)
    _change(trace, out, func, args, {**kwargs, "out": out})
    if _is_like(natural, out.data):
        var = trace.line(func, inner, keywords, natural)
    else:
        var = trace.line(filled, (func, old, *inner), keywords, storage.copy_of(out.data))
    storage.write(trace, out, var)
    return out


def stored(trace: Trace, x: Any, y: Traced, casting: Any = "unsafe") -> Traced:
    """``x``, which is given the contents ``y``."""
    x = _own(trace, x, "out=array")
    if x.shape != y.shape or not np.can_cast(y.dtype, x.dtype, casting):
        raise TypeError(f"out= of {x.dtype}{list(x.shape)} does not take a result of {y.dtype}{list(y.shape)}")
    at_key(trace, x, ..., y)
    return x


def _chosen(trace: Trace, x: Traced, mask: Var, value: Any) -> Var | None:
    """Lines with ``value`` where the mask is, and ``x`` elsewhere; None if the result would lie otherwise in memory."""
    new, old = trace.nest(value), trace.var_of(x)
    if type(new) is not Var:
        new = np.asarray(new).astype(x.dtype)[()]
    elif new.weak or new.dtype != x.dtype:
        new = trace.line(np.astype if new.shape else np.asarray, (new, x.dtype), {}, None)
    var = trace.line(np.where, (mask, new, old), {}, None)
    return var if var.strides == x.strides else None


def _own(trace: Trace, x: Any, what: str) -> Traced:
    """``x``, which is to be written into and has to be one of ours for that."""
    if type(x) is Traced:
        return x
    if isinstance(x, np.ndarray) and (known := trace.announced(x)) is not None:
        return known
    raise trace.error(
        f"{what} writes into an array of NumPy's own, which the program could not follow. Make it"
        " np.zeros_like(x, shape=…), or take the result instead"
    )


def _change(trace: Trace, x: Traced, func: Callable, args: Any, kwargs: Any) -> None:
    """Run a call that writes into ``x``; what an array from outside held before is remembered."""
    whole = storage.owner(x)
    if x.storage.before is None and id(whole.data) in trace.outside:
        x.storage.before = whole.data.copy()
        trace.overwritten.append(whole)
    trace.concretely(func, args, kwargs)


def _is_mask_of(x: Traced, key: Any) -> bool:
    return contents.is_mask(key) and key.shape == x.shape[: key.ndim]


def _fills(value: Any, x: Traced) -> bool:
    """Whether ``x[...] = value`` makes ``x`` nothing but the value."""
    return type(value) is Traced and _is_like(value.data, x.data)


def _whole(trace: Trace, value: Traced) -> Var:
    """What stands for an array that is given all of ``value``: the same, unless that is somebody else's."""
    var = trace.var_of(value)
    if value.storage.input is not None:
        return trace.line(np.copy, (var,), {"order": "K"}, storage.copy_of(value.data))
    trace.shared.add(var)
    return var


def _is_like(y: Any, x: Any) -> bool:
    """Whether the array ``y`` can stand in the place of ``x``: a number is no array without axes."""
    return type(y) is type(x) and y.shape == x.shape and y.dtype == x.dtype and y.strides == x.strides
