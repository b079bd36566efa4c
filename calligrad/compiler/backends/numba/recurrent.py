"""Recurrent layers, whole sequences of them, as kernels."""

from __future__ import annotations

import numpy as np

from calligrad import parallel
from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.backends.numba.memory import Location
from calligrad.compiler.backends.numba.moves import copy, point, scratch
from calligrad.compiler.program import Line, Var
from calligrad.kernels.cache import compile_kernel
from calligrad.kernels.registers import lanes
from calligrad.nn.gru import gru, gru_gradient
from calligrad.nn.lstm import lstm, lstm_gradient
from calligrad.nn.rnn import rnn, rnn_gradient

WIDTH = 2  # vectors of a panel of weights
FEW = 4  # examples, of which one vector would be too empty


@lowers(lstm)
def forward(lowering: Lowering, line: Line) -> bool:
    """``lstm``."""
    z, h, c, weight, *projection = line.args
    hs, cs, gates = (lowering.at(out) for out in line.outs)
    units, outputs, (_, steps, n) = c.shape[-1], h.shape[-1], z.shape
    if not _fits(line, n) or not (_is_dense(hs.like) and _is_dense(cs.like.mT) and _is_dense(gates.like.mT)):
        return False
    z = _dense(lowering, lowering.at(z))
    tasks = _Words(lowering, "lstm", weight.dtype, [steps, n, units, outputs])
    for var in (h, c, weight):
        tasks.strided(lowering.at(var))
    tasks.strided(lowering.at(projection[0]) if projection else None)
    tasks.array(z)
    for out in (hs, cs, gates):
        tasks.array(out, written=True)
    w = tasks.whole
    numbers = w(4 * units) * outputs + (w(outputs) * units if projection else 0)
    numbers += tasks.lanes * (w(4 * units) + units + w(units) + w(outputs))
    return tasks.done(numbers, 8 * units * outputs * n * steps)


@lowers(lstm_gradient)
def gradient(lowering: Lowering, line: Line) -> bool:
    """``lstm_gradient``."""
    gh_at, gc_at, c, weight, cs, gates, *projection = line.args
    gzs, gh, gc, *ghs = (lowering.at(out) for out in line.outs)
    steps, n, units = cs.shape
    outputs = weight.shape[1]
    if not _fits(line, n) or not (_is_dense(gzs.like) and all(_is_dense(part.like) for part in ghs)):
        return False
    cs, gates = (_dense(lowering, lowering.at(var), turned=True) for var in (cs, gates))
    at = [None if g is None else _with_dense_rows(lowering, lowering.at(g)) for g in (gh_at, gc_at)]
    tasks = _Words(lowering, "lstm_gradient", weight.dtype, [steps, n, units, outputs])
    tasks.words += [0, 0, 0]  # h before the first step is not needed
    for var in (c, weight):
        tasks.strided(lowering.at(var))
    tasks.strided(lowering.at(projection[0]) if projection else None)
    for place in at:
        tasks.strided(place)
    for place in (cs, gates):
        tasks.array(place)
    tasks.array(gzs, written=True)
    for place in (gh, gc):
        tasks.strided(place, written=True)
    tasks.array(ghs[0] if ghs else None, written=True)
    w = tasks.whole
    numbers = w(outputs) * 4 * units + (w(units) * outputs if projection else 0)
    numbers += tasks.lanes * (6 * units + max(units, outputs) + w(outputs) + w(units))
    return tasks.done(numbers, 8 * units * outputs * n * steps)


@lowers(gru)
def gru_forward(lowering: Lowering, line: Line) -> bool:
    """``gru``."""
    z, h, weight, bias = line.args
    n, units = h.shape
    if not _fits(line, n) or not all(_is_dense(lowering.at(out).like) for out in line.outs) or len(bias.shape) != 1:
        return False
    given = _with_dense_rows(lowering, lowering.at(z))
    tasks = _Words(lowering, "gru", weight.dtype, [z.shape[0], n, units])
    for place in (lowering.at(h), lowering.at(weight)):
        tasks.strided(place)
    tasks.strided(lowering.at(bias))
    tasks.strided(given)
    for out in line.outs:
        tasks.array(lowering.at(out), written=True)
    numbers = tasks.whole(3 * units) * (units + tasks.lanes) + 11 * units * tasks.lanes
    return tasks.done(numbers, 6 * units * units * n * z.shape[0])


@lowers(gru_gradient)
def gru_back(lowering: Lowering, line: Line) -> bool:
    """``gru_gradient``."""
    gh_at, slopes, u, weight = line.args
    steps, n, units = u.shape
    gs, gh = (lowering.at(out) for out in line.outs)
    if not _fits(line, n) or not _is_dense(gs.like):
        return False
    given = [_with_dense_rows(lowering, lowering.at(var)) for var in (gh_at, slopes, u)]
    tasks = _Words(lowering, "gru_gradient", weight.dtype, [steps, n, units])
    for place in (given[0], lowering.at(weight), *given[1:]):
        tasks.strided(place)
    tasks.array(gs, written=True)
    tasks.strided(gh, written=True)
    numbers = tasks.whole(units) * (3 * units + tasks.lanes) + 11 * units * tasks.lanes
    return tasks.done(numbers, 6 * units * units * n * steps)


@lowers(rnn, rnn_gradient)
def rnn_either_way(lowering: Lowering, line: Line) -> bool:
    """``rnn`` and ``rnn_gradient``."""
    back = line.op is rnn_gradient
    weight, (steps, n, units) = line.args[-1], line.args[0].shape
    results = [lowering.at(out) for out in line.outs]
    if not _fits(line, n) or not _is_dense(results[0].like):
        return False
    first, second = (lowering.at(var) for var in line.args[:2])  # z and h, or the gradient of h and h, at all steps
    name = "rnn_gradient" if back else "rnn"
    tasks = _Words(lowering, name, weight.dtype, [steps, n, units, line.kwargs["nonlinearity"] == "tanh"])
    around = (first, second) if back else (second, first)
    ends = [_with_dense_rows(lowering, place) if len(place.like.shape) == 3 else place for place in around]
    for place in (ends[0], lowering.at(weight), ends[1]):
        tasks.strided(place)
    tasks.array(results[0], written=True)
    if back:
        tasks.strided(results[1], written=True)
    numbers = tasks.whole(units) * (units + tasks.lanes) + 4 * units * tasks.lanes
    return tasks.done(numbers, 2 * units * units * n * steps)


def _fits(line: Line, n: int) -> bool:
    arrays = [x for x in (*line.args, *line.outs) if x is not None]
    known = all(type(x) is Var for x in arrays) and arrays[0].dtype.name in ("float32", "float64")
    return known and len({x.dtype for x in arrays}) == 1 and n >= FEW and all(0 not in x.shape for x in arrays)


def _is_dense(like: np.ndarray) -> bool:
    return like.flags.c_contiguous


def _dense(lowering: Lowering, location: Location, turned: bool = False) -> Location:
    """The array, or a copy of it, whose numbers lie in order; ``turned``, with the last two axes swapped."""
    like = location.like.mT if turned else location.like
    if _is_dense(like):
        return location
    made = scratch(lowering, like.shape, like.dtype)
    copy(lowering, Location(location.root, like), made)
    return made


def _with_dense_rows(lowering: Lowering, location: Location) -> Location:
    return location if location.like.strides[-1] == location.like.itemsize else _dense(lowering, location)


class _Words:
    """The words of a kernel, as they are put together, and the task of it."""

    def __init__(self, lowering: Lowering, name: str, dtype: np.dtype, words: list[int]) -> None:
        self.lowering, self.name, self.dtype, self.words = lowering, name, dtype, words
        self.lanes = lanes(dtype)
        self.places: list[tuple[int, Location, bool]] = []

    def array(self, location: Location | None, written: bool = False) -> None:
        """A word for where an array lies."""
        if location is not None:
            self.places.append((len(self.words), location, written))
        self.words.append(0)

    def strided(self, location: Location | None, written: bool = False) -> None:
        """The same, and words for the steps of two axes, but not of a last one of three."""
        self.array(location, written)
        like = np.empty((0, 0)) if location is None else location.like
        self.words += [stride // like.itemsize for stride in (*like.strides, 0)[:2]]

    def whole(self, rows: int) -> int:
        """So many rows, and as many more as panels of weights have."""
        wide = WIDTH * self.lanes
        return -(-rows // wide) * wide

    def done(self, numbers: int, flops: float) -> bool:
        """Add the task, whose threads have memory for so many numbers each."""
        size = -(-numbers * self.dtype.itemsize // 64) * 64
        key = f"recurrent {size}"
        spaces = self.lowering.spaces
        if key not in spaces:
            spaces[key] = self.lowering.space(size * parallel.MOST)
        words = np.array([*self.words, spaces[key], size], np.int64)
        reads = [location.root for _, location, written in self.places if not written]
        writes = [location.root for _, location, written in self.places if written]
        kernel = f"{self.name}_{self.dtype.name}"
        source = (
            f"from numba import types\nfrom calligrad.kernels.{self.name.split('_')[0]} import {self.name}\n"
            f"def {kernel}(thread, threads, args):\n    {self.name}(thread, threads, args, types.{self.dtype.name})\n"
        )
        task = Task(compile_kernel(source, kernel), words, reads, writes, weight=flops / 100)
        for word, location, _ in self.places:
            point(self.lowering, task, word, location)
        self.lowering.tasks.append(task)
        return True
