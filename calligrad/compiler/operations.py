"""What programs do that NumPy has only as a change of an array in place: here it is a new array.

The source of these functions is what ``step.source()`` prints ahead of a program, so they need NumPy alone.
"""

from __future__ import annotations

import numpy as np


def setitem(x, key, value):
    """A copy of ``x`` with ``value`` at ``key``."""
    y = np.copy(x, order="K")
    y[key] = value
    return y


def put_back(x, places, view):
    """A copy of ``x`` with the numbers of ``view`` at the ``places`` that they are from, counted through in order C."""
    y = np.copy(x, order="C")
    y.reshape(-1)[places] = view
    z = np.empty_like(x)
    z[...] = y
    return z


def set_real(x, part):
    """A copy of ``x`` with another real part."""
    y = np.copy(x, order="K")
    y.real = part
    return y


def set_imag(x, part):
    """A copy of ``x`` with another imaginary part."""
    y = np.copy(x, order="K")
    y.imag = part
    return y


def call_at(ufunc, x, key, *values):
    """``ufunc.at`` on a copy of ``x``."""
    y = np.copy(x, order="K")
    ufunc.at(y, key, *values)
    return y


def filled(function, x, *args, **kwargs):
    """A copy of ``x`` into which ``function(…, out=…)`` has written."""
    y = np.copy(x, order="K")
    function(*args, out=y, **kwargs)
    return y


def changed(function, x, *args, **kwargs):
    """A copy of ``x`` after ``function(x, …)``, such as np.put or np.fill_diagonal, has changed it."""
    y = np.copy(x, order="K")
    function(y, *args, **kwargs)
    return y


def only(function, *args, **kwargs):
    """The one array in the tuple or list that ``function`` gives."""
    (y,) = function(*args, **kwargs)
    return y


def flat(function, *args, **kwargs):
    """The arrays in the nest that ``function`` gives, in a row."""
    row = list(function(*args, **kwargs))
    while any(isinstance(x, (tuple, list)) for x in row):
        row = [part for x in row for part in (x if isinstance(x, (tuple, list)) else (x,))]
    return tuple(row)


def laid_out(x, strides):
    """A copy of ``x`` with gaps in memory, or backwards, as ``strides`` say: the order of sums follows them."""
    span = [(n - 1) * step for n, step in zip(x.shape, strides)]
    start = -sum(s for s in span if s < 0)
    y = np.ndarray(x.shape, x.dtype, np.empty(sum(map(abs, span)) + x.itemsize, np.uint8), start, strides)
    y[...] = x
    return y


def as_captured(x, shape, dtype):
    """``x``, whose contents decide on its shape or dtype: they must be what the program was made for."""
    if np.shape(x) != shape or x.dtype != dtype:
        raise ValueError(
            f"a result is {x.dtype}{list(np.shape(x))}, and was {dtype}{list(shape)} when the function was captured:"
            " it depends on the contents of the arrays, which a compiled function cannot follow"
        )
    return x
