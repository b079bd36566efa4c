"""Where every array of a program lies: in the program's memory, or in an input, a constant or an output."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from calligrad.compiler.operations import call_at, setitem
from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.program import Line, Program, Var, mapped, vars_in
from calligrad.memory import lying, untouched

VIEWS = frozenset(
    (
        np.transpose, np.reshape, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to, np.ravel,
        np.matrix_transpose, np.permute_dims, np.rollaxis, np.flip, np.fliplr, np.flipud, np.diagonal, np.real, np.imag,
        np.atleast_1d, np.atleast_2d, np.atleast_3d, np.lib.stride_tricks.sliding_window_view, operator.getitem,
        np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.unstack if hasattr(np, "unstack") else np.split,
    )
)  # fmt: skip
"""Functions whose results may be views of their argument."""

CHANGES = {setitem: 0, call_at: 1}
"""Which argument a line gives back with some numbers changed."""

ALIGN = 64  # bytes: a line of the cache


class Root:
    """Memory of its own, of which arrays are views; ``kind`` says whose: the program's, or an input's, a constant's or
    an output's, the ``index``-th."""

    def __init__(self, kind: str, index: int, whole: np.ndarray) -> None:
        self.kind, self.index, self.whole = kind, index, whole
        self.start = whole.__array_interface__["data"][0] if whole.size else 0  # of its first number
        self.offset = 0  # in the program's memory
        self.first = self.last = -1  # lines in which it is written first and needed last

    @property
    def nbytes(self) -> int:
        """The bytes from its first number to its last."""
        return 0 if not self.whole.size else _extent(self.whole)


@dataclass
class Location:
    """An array: how it lies in its root. ``like`` has its shape, strides and dtype; its contents mean nothing."""

    root: Root
    like: np.ndarray

    @property
    def offset(self) -> int:
        """How many bytes it begins behind the root."""
        return self.like.__array_interface__["data"][0] - self.root.start if self.like.size else 0


class Memory:
    """The locations of all arrays of a program, and the plan for its own memory."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.at: dict[Var, Location] = {}
        self.roots: list[Root] = []
        self.free: set[int] = set()  # lines that are views, so that nothing is to be done
        self.needed = {
            var: n for n, line in enumerate(program.lines) for var in line.ins
        }  # the line that reads it last
        self.needed.update(dict.fromkeys(program.outputs, len(program.lines)))
        for i, var in enumerate(program.inputs):
            self._new(var, "scalar" if var.weak or not var.shape else "input", i)
        for i, (var, x) in enumerate(program.constants.items()):
            self.at[var] = Location(root := Root("constant", i, np.asarray(x)), root.whole)
            assert root.whole.dtype == var.dtype
        for n, line in enumerate(program.lines):
            if not self._is_view(n, line) and not self._takes_over(n, line):
                for out in line.outs:
                    self._new(out, "own", n)
        self._find_lives()
        self._give_outputs()
        self.bytes = self._plan()
        self.unplanned = sum(root.nbytes for root in self.roots if root.kind == "own")

    def _new(self, var: Var, kind: str, index: int) -> None:
        root = Root(
            kind, index, lying(var.shape, var.strides, var.dtype) if kind == "input" else laid_out(var, _unread)
        )
        root.first = index if kind == "own" else -1
        self.roots.append(root)
        self.at[var] = Location(root, root.whole)

    def _is_view(self, n: int, line: Line) -> bool:
        """Whether the line gives views, whose locations are then known."""
        if line.op not in VIEWS:
            return False
        known = {var: self.program.constants[var] for var in line.ins[1:] if var in self.program.constants}  # the axes
        sources = [var for var in vars_in(line.args) if var not in known]
        if not sources or any(var.shape == () and var.weak for var in sources) or len(set(sources)) > 1:
            return False
        source = self.at[sources[0]]
        args = mapped(lambda x: known.get(x, source.like) if type(x) is Var else x, line.args)
        if line.op is operator.getitem:
            key = args[1] if isinstance(args[1], tuple) else (args[1],)
            if not any(part is Ellipsis for part in key):
                args = (args[0], (*key, ...))  # so that a single number, too, is a view
        result = line.op(*args, **line.kwargs)
        results = result if isinstance(result, (tuple, list)) else [result]
        for out, like in zip(line.outs, results, strict=True):
            if not isinstance(like, np.ndarray) or like.shape != out.shape or not _is_inside(like, source.root.whole):
                return False
        for out, like in zip(line.outs, results, strict=True):
            self.at[out] = Location(source.root, like)
        self.free.add(n)
        return True

    def _takes_over(self, n: int, line: Line) -> bool:
        """Whether the result is to lie where an argument did, which the line changes and nobody needs any more."""
        if line.op not in CHANGES:
            return False
        x = line.args[CHANGES[line.op]]
        if type(x) is not Var or line.ins.count(x) > 1:
            return False
        old, out = self.at[x], line.out
        if old.root.kind != "own" or (x.shape, x.dtype, x.strides) != (out.shape, out.dtype, out.strides):
            return False
        if old.like.strides != out.strides:
            return False
        sharing = [var for var, location in self.at.items() if location.root is old.root]
        if any(self.needed.get(var, -1) >= n for var in sharing if var is not x) or self.needed[x] > n:
            return False
        self.at[out] = old
        return True

    def _find_lives(self) -> None:
        for n, line in enumerate(self.program.lines):
            for var in (*line.ins, *line.outs):
                self.at[var].root.last = n
        for var in self.program.outputs:
            self.at[var].root.last = len(self.program.lines)

    def _give_outputs(self) -> None:
        """Let outputs be computed in the arrays that are handed out, or in the inputs that they are written into."""
        self.in_place: dict[int, int] = {}  # positions of outputs that are written into an input -> of the input
        self.fresh: dict[int, Var] = {}  # positions of outputs that are arrays of their own
        position = {var: i for i, var in enumerate(self.program.inputs)}
        written = {output: var for var, output in self.program.writes}
        for k, var in enumerate(self.program.outputs):
            location = self.at[var]
            if location.root.kind != "own" or not _is_whole(location):
                continue
            target = written.get(k)
            if target is not None and self._fits_in_place(var, target):
                location.root.kind, location.root.index = "input", position[target]
                location.root.whole = self.at[target].root.whole
                self.in_place[k] = position[target]
            elif target is None and var.shape:
                location.root.kind, location.root.index = "output", k
                self.fresh[k] = var

    def _fits_in_place(self, var: Var, target: Var) -> bool:
        """Whether nobody needs the old contents of the input once the output is computed."""
        old, new = self.at[target], self.at[var]
        if old.root.kind != "input" or old.like.strides != new.like.strides or var.dtype != target.dtype:
            return False
        n = new.root.first
        last = max((i for i, line in enumerate(self.program.lines) if self._reads(line, old.root)), default=-1)
        if last > n or any(self.at[out].root is old.root for out in self.program.outputs):
            return False
        return last < n or self._reads_in_step(self.program.lines[n], var, old)

    def _reads(self, line: Line, root: Root) -> bool:
        return any(self.at[var].root is root for var in line.ins)

    def _reads_in_step(self, line: Line, out: Var, old: Location) -> bool:
        """Whether the line is one pass over all numbers, and reads the input just ahead of where it writes."""
        group = line.op
        if not isinstance(group, Fused) or len(group.phases) != 1 or out not in line.outs:
            return False
        (phase,), mine = group.phases, group.program.outputs[line.outs.index(out)]
        if phase.reductions or any(mine is sums.out for sums in (*phase.columns, *phase.totals)):
            return False
        steps = group.strides[mine]
        readers = [
            inner for inner, var in zip(group.program.inputs, line.args, strict=True) if self.at[var].root is old.root
        ]
        return all(_same(self.at[var].like, old.like) for var in line.ins if self.at[var].root is old.root) and all(
            group.strides[inner] == steps for inner in readers
        )

    def _plan(self) -> int:
        """Give each root of the program's own a place, the places of dead ones again; how many bytes it takes."""
        own = sorted((root for root in self.roots if root.kind == "own"), key=lambda root: root.first)
        live: list[Root] = []
        total = 0
        for root in own:
            live = [other for other in live if other.last >= root.first]
            need, best, end = _rounded(root.nbytes), None, 0
            for other in sorted(live, key=lambda other: other.offset):
                gap = other.offset - end
                if gap >= need and (best is None or gap < best[0]):
                    best = gap, end
                end = max(end, other.offset + _rounded(other.nbytes))
            root.offset = end if best is None else best[1]
            live.append(root)
            total = max(total, root.offset + need)
        return total


def _is_whole(location: Location) -> bool:
    """Whether it is all of its memory, at most in another shape."""
    like, whole = location.like, location.root.whole
    same = (like.size, like.dtype) == (whole.size, whole.dtype)
    return like is whole or (same and like.flags.c_contiguous and whole.flags.c_contiguous)


def laid_out(var: Var, empty: Callable = np.empty) -> np.ndarray:
    """An array of the shape and layout of ``var``, dense; its contents mean nothing."""
    order = sorted(range(len(var.shape)), key=lambda i: -abs(var.strides[i]) if var.strides else 0)
    dense = empty([var.shape[i] for i in order], var.dtype)
    return dense.transpose(np.argsort(order)) if order != sorted(order) else dense  # a view is nobody's own


def _unread(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    return untouched(math.prod(shape) * dtype.itemsize).view(dtype).reshape(shape)


def _extent(x: np.ndarray) -> int:
    return sum((n - 1) * abs(s) for n, s in zip(x.shape, x.strides)) + x.itemsize


def _is_inside(like: np.ndarray, whole: np.ndarray) -> bool:
    return not like.size or np.may_share_memory(like, whole)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return (
        a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides and a.shape == b.shape
    )


def _rounded(n: int) -> int:
    return -(-n // ALIGN) * ALIGN
