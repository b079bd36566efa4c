"""How a function of SciPy that takes arrays only is offered for Values."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from calligrad.arraylike import ArrayLike


def offer(original: Callable) -> Callable[[Callable], Callable]:
    """Decorate what to do when an argument is a Value; with nothing but arrays SciPy's own function is called."""

    def decorate(rule: Callable) -> Callable:
        @wraps(rule)
        def either(*args: Any, **kwargs: Any) -> Any:
            return (rule if any(map(_holds_value, (*args, *kwargs.values()))) else original)(*args, **kwargs)

        return either

    return decorate


def native(x: Any) -> Any:
    """``x`` with its bytes in this machine's order: of others some of SciPy's functions make wrong numbers."""
    return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))


def in_precision_of(y: Any, x: Any) -> Any:
    """``x`` in the precision of the result ``y``: SciPy computes float16 in more, and NumPy's linalg refuses it."""
    return np.astype(x, dtype) if (dtype := np.promote_types(x.dtype, y.dtype)) != x.dtype else x


def _holds_value(x: Any) -> bool:
    if isinstance(x, (tuple, list)):
        return any(map(_holds_value, x))
    return isinstance(x, ArrayLike) and not hasattr(x, "storage")  # an array of a capture is as good as NumPy's
