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
    """A copy of ``x`` with the numbers of ``view`` at the ``places``, counted through in order C, that they are from."""
    y = np.copy(x, order="C")
    y.reshape(-1)[places] = view
    return y.reshape(x.shape)


def call_at(ufunc, x, key, *values):
    """``ufunc.at`` on a copy of ``x``."""
    y = np.copy(x, order="K")
    ufunc.at(y, key, *values)
    return y


def call_where(ufunc, mask, old, *args, **kwargs):
    """``ufunc`` where ``mask``, and ``old`` elsewhere."""
    y = np.copy(old, order="K")
    ufunc(*args, out=y, where=mask, **kwargs)
    return y


def changed(function, x, *args, **kwargs):
    """A copy of ``x`` after ``function(x, …)``, such as np.put or np.fill_diagonal, has changed it."""
    y = np.copy(x, order="K")
    function(y, *args, **kwargs)
    return y
