"""Storage: which arrays of a capture share memory, and what a write into one of them does to the others.

In a program nothing is changed: a write makes a new array. So the array that covers a piece of memory, its ``owner``,
stands for another Var after each write. A view of it is taken anew, by the call that made it, when it is next read;
and what is written into a view is put where it stands in its source, and so on up to the owner.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler.operations import laid_out, put_back, set_imag, set_real, setitem
from calligrad.compiler.program import Line, Var, mapped

if TYPE_CHECKING:
    from calligrad.compiler.trace import Trace
    from calligrad.compiler.traced import Traced


class Storage:
    """A piece of memory: how often it was written into, and what it held before."""

    __slots__ = ("before", "input", "version")

    def __init__(self) -> None:
        self.version = 0
        self.input: Var | None = None  # what stands for it as it was at the beginning, if it came from outside
        self.before: np.ndarray | None = None  # of an array from outside that was written into


class View:
    """How an array came to be a view: result number ``index`` of a line that took its ``source``."""

    __slots__ = ("index", "line", "seen", "source")

    def __init__(self, source: Traced, seen: Var, line: Line, index: int) -> None:
        self.source = source
        self.seen = seen  # what stood for the source in that line
        self.line = line
        self.index = index

    def again(self, source: Var, where: str) -> Line:
        """The line on the source as it is now."""

        def now(x: Any) -> Any:
            return source if x is self.seen else x

        line = self.line
        outs = tuple(Var(out.shape, out.dtype, out.strides) for out in line.outs)
        return Line(line.op, mapped(now, line.args), mapped(now, line.kwargs), outs, where)


def owner(x: Traced) -> Traced:
    """The array that covers the memory of ``x``: ``x`` itself, if it is no view."""
    while x.taken is not None:
        x = x.taken.source
    return x


def var_of(trace: Trace, x: Traced) -> Var:
    """What stands for ``x`` as it is now."""
    if x.version != x.storage.version:
        view: Any = x.taken  # an owner is always up to date
        line = view.again(var_of(trace, view.source), trace.user_line())
        trace.lines.append(line)
        x.symbol, x.version = line.outs[view.index], x.storage.version
    return x.symbol


def write(trace: Trace, x: Traced, var: Var) -> None:
    """From now on ``x`` holds ``var``, and whatever shares its memory what follows from that."""
    storage = x.storage
    while x.taken is not None:
        source = x.taken.source
        while source.taken is not None and overlaps_itself(source.data):
            source = source.taken.source
        x, var = source, _source_with(trace, x, source, var)
    if x.data.strides != var.strides and x.data.size > 1:  # NumPy adds up in an order that follows the strides
        var = trace.line(laid_out, (var, x.data.strides), {}, Var.of(x.data))
    storage.version += 1
    x.symbol, x.version = var, storage.version


def copy_of(x: np.ndarray) -> Var:
    """A Var for a copy of ``x`` as ``np.copy(x, order="K")`` gives it."""
    return Var(x.shape, x.dtype, np.empty_like(x).strides)


def like(var: Var) -> np.ndarray:
    """An array that lies in memory as the one that the Var stands for; what it holds means nothing."""
    x = np.empty(var.shape, var.dtype)
    return laid_out(x, var.strides) if x.ndim and x.size and len(var.strides) == x.ndim else x


def _source_with(trace: Trace, x: Traced, source: Traced, var: Var) -> Var:
    """The array ``source`` with ``var`` in the place of its view ``x``."""
    view: Any = x.taken
    old, op, whole = var_of(trace, source), view.line.op, source.data
    if source is view.source:
        if op is operator.getitem:
            return trace.line(setitem, (old, view.line.args[1], var), {}, copy_of(whole))
        if op in (np.real, np.imag):
            return trace.line(set_real if op is np.real else set_imag, (old, var), {}, copy_of(whole))
    places = places_of(x.data, whole)
    if overlaps_itself(x.data):
        raise trace.error(
            "writes into a view in which one place in memory stands at several places. Write into the array itself"
        )
    axes = np.argsort([-_step(places, axis) for axis in range(places.ndim)], kind="stable")
    if np.array_equal(places.transpose(axes).ravel(), np.arange(whole.size)):  # all of it, in another order
        var = _rearranged(trace, var, axes.tolist())
        return var if var.shape == whole.shape else trace.line(np.reshape, (var, whole.shape), {}, None)
    return trace.line(put_back, (old, trace.var_of(trace.lifted(places)), var), {}, copy_of(whole))


def _rearranged(trace: Trace, var: Var, axes: list[int]) -> Var:
    if axes == sorted(axes):
        return var
    out = Var([var.shape[i] for i in axes], var.dtype, [var.strides[i] for i in axes])
    return trace.line(np.transpose, (var, tuple(axes)), {}, out)


def _step(places: np.ndarray, axis: int) -> int:
    """How far apart neighbours along the axis are; an axis of one number may stand anywhere."""
    if places.shape[axis] < 2:
        return 0
    first, second = (places[(0,) * axis + (i,) + (0,) * (places.ndim - axis - 1)] for i in (0, 1))
    return int(abs(second - first))


def places_of(view: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Where in ``whole``, counted through in order C, the numbers of its ``view`` stand."""
    at, start = addresses(view), addresses(whole).reshape(-1)
    order = np.argsort(start, kind="stable")
    return np.asarray(order[np.searchsorted(start[order], at)])


def overlaps_itself(x: Any) -> bool:
    """Whether two places of an array are one place in memory, as in sliding windows."""
    reach = x.itemsize
    for step, n in sorted((abs(step), n) for step, n in zip(x.strides, x.shape) if n > 1):
        if step < reach:
            return np.unique(addresses(x)).size < x.size
        reach += step * (n - 1)
    return False


def addresses(x: np.ndarray) -> np.ndarray:
    """The address of each number of an array."""
    steps = (np.arange(n).reshape(-1, *(1,) * (x.ndim - 1 - i)) * x.strides[i] for i, n in enumerate(x.shape))
    return sum(steps, np.full(x.shape, x.__array_interface__["data"][0]))


def source_of(data: np.ndarray, sources: list[Traced]) -> Traced | None:
    """The one of the ``sources`` of which the array is a view, or is itself."""
    near = []
    for source in sources:
        if source.data is data:
            return source
        if isinstance(source.data, np.ndarray) and np.may_share_memory(data, source.data):
            near.append(source)
    if len(near) < 2:
        return near[0] if near else None
    at = addresses(data)
    return next(source for source in near if np.isin(at, addresses(source.data)).all())
