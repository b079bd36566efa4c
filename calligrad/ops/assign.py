"""NumPy's functions that write into an array. On a Value they are item assignment, which rebinds it.

Into an ndarray no Value can be written: it would cut the graph.

>>> import numpy as np
>>> from calligrad import Value
>>> x = Value([1.0, 2.0, 3.0])
>>> y = x * 1
>>> np.put(y, [0, 2], 5 * x[1])
>>> y
Value([10.,  2., 10.], created_by=SetItem)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.index import getitem, gradient_of_broadcast
from calligrad.ops.refused import refusal
from calligrad.rules import implements
from calligrad.value import Value, as_arraylike, beside, unwrap, unwrap_all


def writes(func: Callable, way_out: str) -> Callable:
    """Declare a NumPy function that writes into an array.

    What is decorated has its signature, and says which array it writes into, what, and how.
    """

    def register(parts: Callable) -> Callable:
        @implements(func)
        @wraps(parts)
        def rule(*args: Any, **kwargs: Any) -> None:
            array, values, write = parts(*args, **kwargs)
            if isinstance(array, Value):
                _assign(array, as_arraylike(values), write)
            elif isinstance(values, Value):
                raise refusal(func, way_out)
            else:  # the Value was a mask or an index, which is a constant
                write(array, values)

        return rule

    return register


def _assign(array: Value, values: Any, write: Callable) -> None:
    """Let NumPy write the numbers' names, so that each place says which number it takes; then write those."""
    with np.errstate(all="ignore"):
        write(np.copy(array.data, order="C"), unwrap(values))  # NumPy's own checks, before anything is changed
    names = beside(array.data, beside(unwrap(values), np.arange(array.size).reshape(array.shape)))
    write(names, ~np.arange(values.size).reshape(values.shape))
    written = names < 0
    if hasattr(names, "storage"):  # of a capture
        array[...] = np.where(written, np.take(values, np.where(written, ~names, 0)), array)
    else:
        array[written] = np.take(values, ~names[written])


@writes(np.copyto, "y = np.where(mask, new, y)")
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> Any:
    """``np.copyto``: ``dst[where] = src``."""
    if isinstance(dst, Value):  # NumPy's own objection, if it has one
        np.copyto(np.empty(1, dst.dtype), np.empty(1, src.dtype) if hasattr(src, "dtype") else src, casting)
    return dst, src, lambda names, new: np.copyto(names, new, casting, where=unwrap_all(where))


@writes(np.place, "y = np.where(mask, new, y)")
def place(arr: Any, mask: Any, vals: Any) -> Any:
    """``np.place``: the first numbers of ``vals``, going round if they are too few, where the mask holds."""
    return arr, vals, lambda names, new: np.place(names, unwrap_all(mask), new)


@writes(np.putmask, "y = np.where(mask, new, y)")
def putmask(a: Any, mask: Any, values: Any) -> Any:
    """``np.putmask``: ``a.flat[n] = values.flat[n]``, going round if they are too few, where the mask holds."""
    return a, values, lambda names, new: np.putmask(names, unwrap_all(mask), new)


@writes(np.put, "y[indices] = new, where y is a Value")
def put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> Any:
    """``np.put``: ``a.flat[ind] = v``; where a place is named twice the last one stands."""
    return a, v, lambda names, new: np.put(names, unwrap_all(ind), new, mode)


@writes(np.put_along_axis, "y[indices] = new, where y is a Value")
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> Any:
    """``np.put_along_axis``; where a place is named twice the last one stands."""
    return arr, values, lambda names, new: np.put_along_axis(names, unwrap(indices), new, axis)


@writes(np.fill_diagonal, "y[i, i] = new, where y is a Value")
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> Any:
    """``np.fill_diagonal``: the main diagonal, from ``val`` and round again if it is too short."""
    return a, val, lambda names, new: np.fill_diagonal(names, new, wrap)


class AddAt(Function):
    """``np.add.at`` on a copy: ``a`` with ``b`` added at ``key``; what is named twice adds up."""

    holds = ("key",)

    key: Any

    def forward(self, a, b):
        y = np.copy(a)
        np.add.at(y, self.key, b)
        return y

    def backward(self, g):
        return g, lambda: gradient_of_broadcast(getitem(g, self.key), self.shapes[1])


class SubtractAt(AddAt):
    """``np.subtract.at`` on a copy: ``a`` with ``b`` subtracted at ``key``, as often as it is named."""

    def forward(self, a, b):
        y = np.copy(a)
        np.subtract.at(y, self.key, b)
        return y

    def backward(self, g):
        return g, lambda: -gradient_of_broadcast(getitem(g, self.key), self.shapes[1])


def _at(cls: type[AddAt], at: Callable) -> Callable:
    def rule(a: Any, indices: Any, b: Any) -> None:
        if isinstance(a, Value):
            a[...] = cls(unwrap_all(indices))(a, b)
        elif isinstance(b, Value):
            raise refusal(at, "y[indices] += new, where y is a Value, or call it on the Value")
        else:
            at(a, unwrap_all(indices), b)

    return rule


implements(np.add.at)(_at(AddAt, np.add.at))
implements(np.subtract.at)(_at(SubtractAt, np.subtract.at))
