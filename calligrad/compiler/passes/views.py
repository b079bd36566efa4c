"""Views: lines that give an array's memory another shape, which costs nothing."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from calligrad.compiler.operations import flat, only
from calligrad.compiler.program import Line, Var

VIEWERS = frozenset(
    (
        np.transpose, np.permute_dims, np.swapaxes, np.moveaxis, np.rollaxis, np.matrix_transpose, np.expand_dims,
        np.squeeze, np.reshape, np.ravel, np.broadcast_to, np.broadcast_arrays, np.diagonal, np.diag, np.flip,
        np.flipud, np.fliplr, np.rot90, np.real, np.imag, np.real_if_close, np.split, np.array_split, np.hsplit,
        np.vsplit, np.dsplit, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.linalg.diagonal, np.meshgrid,
        np.linalg.matrix_transpose, np.lib.stride_tricks.sliding_window_view, np.asanyarray, np.asarray, np.require,
        np.ascontiguousarray, np.asfortranarray, *([np.unstack] if hasattr(np, "unstack") else []),
    )
)  # fmt: skip
"""What may give views. To take a copy for a view costs some memory; to take a view for a copy would be wrong."""


def is_view(line: Line) -> bool:
    """Whether what the line gives may share the memory of its arguments.

    >>> x = Var((2, 3), float, (24, 8))
    >>> is_view(Line(np.transpose, (x,), {}, (Var((3, 2), float, (8, 24)),))), is_view(Line(np.exp, (x,), {}, (x,)))
    (True, False)
    """
    if line.op is operator.getitem:
        return type(line.args[0]) is Var and not _picks(line.args[1])
    op = line.args[0] if line.op in (only, flat) else line.op
    return op in VIEWERS or (op is np.einsum and len(line.ins) == 1)


def takes_all(x: Var, key: Any) -> bool:
    """Whether ``x[key]`` has all numbers of ``x``, in their order."""
    parts = list(key) if type(key) is tuple else [key]
    if not all(part is None or part is Ellipsis or type(part) in (slice, int) for part in parts):
        return False
    given = [part for part in parts if part is not None and part is not Ellipsis]
    if Ellipsis in parts:
        at = len([part for part in parts[: parts.index(Ellipsis)] if part is not None])
        given[at:at] = [slice(None)] * (len(x.shape) - len(given))
    return all(n == 1 if type(part) is int else part.indices(n) == (0, n, 1) for part, n in zip(given, x.shape))


def _picks(key: Any) -> bool:
    """Whether ``x[key]`` picks numbers one by one, which are copied; an array without axes is a number here."""
    parts = key if type(key) is tuple else (key,)
    return any(type(part) is list or (isinstance(part, (Var, np.ndarray)) and part.shape != ()) for part in parts)
