"""Padding, as kernels that copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.compiler.backends.numba.lowering import Lowering, lowers
from calligrad.compiler.backends.numba.memory import Location
from calligrad.compiler.backends.numba.moves import copy, located
from calligrad.compiler.program import Line, Var
from calligrad.nn.padding import along, bordered, borders, inside


@lowers(bordered)
def with_border(lowering: Lowering, line: Line) -> bool:
    """``bordered``."""
    x, value = line.args
    return _pad(lowering, line, x, value, line.kwargs["pads"], line.kwargs["mode"])


@lowers(np.pad)
def padded(lowering: Lowering, line: Line) -> bool:
    """``np.pad`` with a number."""
    given = dict(zip(("array", "pad_width", "mode"), line.args)) | line.kwargs
    x, value = given["array"], given.get("constant_values", 0)
    widths = given["pad_width"]
    if given.get("mode", "constant") != "constant" or type(x) is not Var or isinstance(widths, (Var, dict)):
        return False
    if value.shape if type(value) is Var else np.ndim(value):
        return False
    pads = tuple(map(tuple, np.broadcast_to(widths, (len(x.shape), 2)).tolist()))
    return bool(pads) and _pad(lowering, line, x, value, pads, "constant")


def _pad(lowering: Lowering, line: Line, x: Any, value: Any, pads: tuple[tuple[int, int], ...], mode: str) -> bool:
    """The array with its border, whose corners come from borders that are there already."""
    out = lowering.at(line.out)
    source, number = (located(lowering, given, out.like.dtype) for given in (x, value))
    if source is None or number is None:
        return False
    part = out.like[inside(pads, source.like.shape)]
    if mode == "constant" and part.size < out.like.size:
        copy(lowering, number, out)
    copy(lowering, source, Location(out.root, part))
    for axis, (before, behind) in enumerate(pads, -len(pads)) if mode != "constant" else ():
        for edge, origin in borders(before, behind, out.like.shape[axis], mode):
            ends = (Location(out.root, out.like[along(axis, part)]) for part in (origin, edge))
            copy(lowering, *ends)
    return True
