"""NumPy with Values for arrays, as a namespace for the array API standard's own test-suite.

With a checkout of https://github.com/data-apis/array-api-tests and its requirements::

    ARRAY_API_TESTS_MODULE=numpy python -m pytest array_api_tests -rf
    ARRAY_API_TESTS_MODULE=benchmarks.array_api python -m pytest array_api_tests -rf

What fails for the second and not for the first is calligrad's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad import Value
from calligrad.value import unwrap_all

CREATION = ("arange", "asarray", "empty", "eye", "from_dlpack", "full", "linspace", "ones", "zeros")


def creating(f: Callable) -> Callable:
    @functools.wraps(f)
    def create(*args: Any, **kwargs: Any) -> Any:
        x, dtype = args[0] if args else None, kwargs.get("dtype")
        if isinstance(x, Value) and not kwargs.get("copy") and dtype in (None, x.dtype):
            return x
        return Value(f(*map(unwrap_all, args), **kwargs), requires_grad=False)

    return create


def __getattr__(name: str) -> Any:
    x = getattr(np, name)
    return creating(x) if name in CREATION else x
