"""Constants: dtypes, numbers and neutral elements as CUDA C."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from calligrad.compiler.program import Line

C = {"float32": "float", "float64": "double", "int64": "long long", "int32": "int", "bool": "bool"}
"""What C calls the dtypes."""


def operation(line: Line) -> str:
    """What a reduction does with two numbers, as CUDA C calls it."""
    name = cast(Any, line.op).__self__.__name__
    return f"{name}<bool, bool>" if name.startswith("logical") else name


def neutral_of(line: Line) -> str:
    """The number that changes nothing."""
    ufunc, dtype = cast(Any, line.op).__self__, line.out.dtype
    if ufunc in (np.maximum, np.minimum):
        if dtype.kind == "f":
            return literal(-math.inf if ufunc is np.maximum else math.inf, dtype)
        if dtype.kind == "b":
            return literal(ufunc is np.minimum, dtype)
        return literal(getattr(np.iinfo(dtype), "min" if ufunc is np.maximum else "max"), dtype)
    return literal(ufunc in (np.multiply, np.logical_and), dtype)


def literal(x: Any, dtype: np.dtype) -> str:
    """A number as C of that dtype.

    >>> literal(0.1, np.dtype("float32")), literal(True, np.dtype("int64"))
    ('0.10000000149011612f', '1LL')
    """
    number = np.asarray(x).astype(dtype).item()
    if dtype.kind == "b":
        return "true" if number else "false"
    if dtype.kind == "i":
        end = "LL" if dtype.itemsize == 8 else ""
        return f"{number}{end}" if number > np.iinfo(dtype).min else f"({number + 1}{end} - 1)"
    if not math.isfinite(number):
        bits = np.asarray(number, dtype).view(f"i{dtype.itemsize}").item() & (2 ** (8 * dtype.itemsize) - 1)
        return f"__longlong_as_double({bits:#x}LL)" if dtype.itemsize == 8 else f"__int_as_float({bits:#x})"
    return repr(number) + ("f" if dtype.itemsize == 4 else "")
