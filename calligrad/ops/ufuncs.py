"""What every ufunc can do besides being called: keywords, and ``outer``.

A rule here stands in the table under the method of ``np.ufunc`` and takes the ufunc first, as the method
itself does: ``np.ufunc.outer(np.add, a, b)`` is ``np.add.outer(a, b)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.rules import implements, numpy_name
from calligrad.value import PLAIN, Value, as_arraylike, unwrap


@implements(np.ufunc.outer)
def outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    """``ufunc.outer``: the ufunc of every pair."""
    a, b = map(as_arraylike, (a, b))
    return ufunc(np.reshape(a, a.shape + (1,) * b.ndim), b, **kwargs)


@implements(np.ufunc.__call__)
def with_keywords(ufunc: np.ufunc, *xs: Any, **keywords: Any) -> Any:
    """A ufunc called with NumPy's keywords; ``out`` is a Value, which is written into as by ``out[...] = …``."""
    return computed(ufunc, ufunc, xs, **keywords)


def computed(
    rule: Callable,
    ufunc: np.ufunc,
    xs: tuple[Any, ...],
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    signature: Any = None,
    casting: Any = "same_kind",
    order: str = "K",
    subok: bool = True,
    **unknown: Any,
) -> Any:
    """What ``ufunc`` makes of ``xs``, by the ``rule``, with NumPy's keywords."""
    if order != "K":
        unknown["order"] = order
    if unknown:
        raise TypeError(f"{numpy_name(ufunc)} of a Value does not take {', '.join(f'{key}=' for key in unknown)}")
    outs = out if isinstance(out, tuple) else (out,) * ufunc.nout
    if not all(o is None or isinstance(o, Value) for o in outs):
        raise TypeError(f"{numpy_name(ufunc)} cannot write a Value into the array out=: the graph would be cut")
    if any(isinstance(unwrap(o), np.generic) for o in outs):
        raise TypeError("return arrays must be of ArrayType: where NumPy has a number, nothing can be written into")
    mask = as_arraylike(unwrap(where))
    if None not in outs:  # NumPy's own checks of shapes and dtypes, before anything is written
        asked = {"out": tuple(np.copy(unwrap(o)) for o in outs), "where": mask, "casting": casting}
        kinds = {"dtype": dtype} if signature is None else {"signature": signature}
        ufunc(*map(unwrap, xs), **asked, **kinds)
    xs = _cast(ufunc, xs, dtype, signature, casting)
    if where is True:
        ys = rule(*xs)
    else:  # only what the mask holds is computed, so that nothing else can spoil a gradient
        if mask.dtype != bool:
            raise TypeError(f"where is a mask of booleans, not of {mask.dtype}")
        shape = np.broadcast_shapes(mask.shape, *(np.shape(unwrap(x)) for x in (*xs, *outs) if x is not None))
        mask = np.broadcast_to(mask, shape)
        ys = rule(*(x if type(x) in PLAIN else np.broadcast_to(x, shape)[mask] for x in xs))
    ys = ys if isinstance(ys, tuple) else (ys,)
    results = tuple(_into(o, y, where, mask) for o, y in zip(outs, ys, strict=True))
    return results if ufunc.nout > 1 else results[0]


def _cast(ufunc: np.ufunc, xs: tuple[Any, ...], dtype: Any, signature: Any, casting: Any) -> tuple[Any, ...]:
    """The inputs in the dtypes that the ufunc computes in, if those were asked for."""
    if ufunc.signature is not None or (dtype is None and signature is None and casting == "same_kind"):
        return xs
    if signature is None:
        signature = None if dtype is None else (None,) * ufunc.nin + (np.dtype(dtype),) * ufunc.nout
    given = tuple(type(x) if type(x) in (int, float, complex) else as_arraylike(x).dtype for x in xs)
    kinds = {} if signature is None else {"signature": signature}
    loop = ufunc.resolve_dtypes((*given, *(None,) * ufunc.nout), casting=casting, **kinds)
    return tuple(
        x if isinstance(kind, type) else np.astype(as_arraylike(x), to) for x, kind, to in zip(xs, given, loop)
    )


def _into(out: Any, y: Any, where: Any, mask: Any) -> Any:
    """The result where it belongs: in ``out``, or among zeros where the mask left gaps."""
    if out is None:
        if where is True:
            return y
        out = np.zeros(mask.shape, y.dtype)
        out = Value(out, requires_grad=False) if isinstance(y, Value) else out
    out[... if where is True else mask] = y
    return out
