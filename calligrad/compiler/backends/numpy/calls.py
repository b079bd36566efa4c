"""Calls: how a line is written so that NumPy runs it with as little ado as possible, into memory that is there.

np.sum(x) asks ten questions ahead of np.add.reduce(x); a step of small arrays is made of such questions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.operations import setitem
from calligrad.compiler.passes.views import takes_all
from calligrad.compiler.program import Line, Var

REDUCTIONS: dict[Callable, Callable] = {
    np.sum: np.add.reduce, np.prod: np.multiply.reduce, np.max: np.maximum.reduce, np.min: np.minimum.reduce,
    np.amax: np.maximum.reduce, np.amin: np.minimum.reduce,
}  # fmt: skip
"""What functions of NumPy's call, with the same arguments by keyword, after a look at their arguments."""

OUT_KEYWORD = frozenset((np.concatenate, np.stack, np.einsum, np.cumsum, np.cumprod))
"""Functions that write where ``out=`` says, and give the same bits then."""

METHODS: dict[Callable, str] = {
    np.transpose: "transpose", np.permute_dims: "transpose", np.swapaxes: "swapaxes", np.reshape: "reshape",
    np.squeeze: "squeeze",
}  # fmt: skip
"""Functions that are methods of arrays, with the same arguments by position."""


def is_pointwise(line: Line) -> bool:
    """Whether it is a ufunc of its arguments, number by number, without settings."""
    op = line.op
    return isinstance(op, np.ufunc) and op.signature is None and op.nout == 1 and not line.kwargs


def is_reduction(line: Line) -> bool:
    """Whether it is a ufunc's ``reduce``, or a function that is nothing else."""
    owner = getattr(line.op, "__self__", None)
    known = line.op in REDUCTIONS or (isinstance(owner, np.ufunc) and line.op == owner.reduce)
    return known and len(line.args) <= 2 and line.kwargs.keys() <= {"axis", "keepdims", "initial", "dtype", "where"}


def is_mean(line: Line) -> bool:
    """Whether it is a plain np.mean of floats that are not halves."""
    settings = {"axis", "keepdims"}
    return (
        line.op is np.mean
        and len(line.args) == 1
        and line.kwargs.keys() <= settings
        and line.args[0].dtype.char in "fd"
    )


def can_be_given(line: Line) -> bool:
    """Whether the call writes its result where it is told to."""
    if len(line.outs) != 1:
        return getattr(line.op, "is_tiled", False)
    if is_pointwise(line) or is_reduction(line) or is_mean(line) or line.op in (np.matmul, setitem, np.copy, np.astype):
        return True
    if line.op in OUT_KEYWORD:
        return "dtype" not in line.kwargs  # np.concatenate takes one of the two
    return getattr(line.op, "is_tiled", False)


def can_overwrite(line: Line, argument: Var, out: Var) -> bool:
    """Whether the result may lie where an argument of its layout lies."""
    op: Any = line.op
    if getattr(op, "is_tiled", False):
        return op.can_overwrite(line.args.index(argument), line.outs.index(out))
    if line.op is setitem:
        return line.args[0] is argument and argument not in Line(setitem, line.args[1:], {}, ()).ins
    return is_pointwise(line)


def given(op: Any, out: str) -> str:
    """The argument that says where a ufunc writes: by position, which is faster, where NumPy does not warn of it."""
    return f"out={out}" if op in (np.maximum, np.minimum) else out


class Calls:
    """Writes calls; ``text(x)`` gives the source of an argument, ``name(x)`` a name for an object."""

    def __init__(self, text: Callable[[Any], str], name: Callable[[Any], str]) -> None:
        self.text = text
        self.name = name

    def expression(self, line: Line) -> str:
        """The call, which makes its result."""
        op, args, kwargs = line.op, line.args, line.kwargs
        if op is operator.getitem:
            return f"{self.text(args[0])}[{self.text(args[1])}]"
        if op in METHODS and not kwargs and args and type(args[0]) is Var:
            if op is np.transpose and len(args) == 1:
                return f"{self.text(args[0])}.T"
            return f"{self.text(args[0])}.{METHODS[op]}({', '.join(map(self.text, args[1:]))})"
        if op is np.matrix_transpose:
            return f"{self.text(args[0])}.mT"
        if op is np.moveaxis:
            return f"{self.text(args[0])}.transpose({self.text(_order(line))})"
        if op is np.astype and type(args[0]) is Var and args[0].shape and not kwargs:
            return f"{self.text(args[0])}.astype({self.text(args[1])})"
        if is_mean(line):
            return self._mean(line)
        return self.call(*_reduction(line)) if is_reduction(line) else self.call(op, args, kwargs)

    def statements(self, line: Line, out: str, is_there: bool) -> list[str]:
        """The call, which writes into the array called ``out``; if that ``is_there``, it holds the first argument."""
        op, args, kwargs = line.op, line.args, line.kwargs
        if is_pointwise(line) or op is np.matmul:
            return [f"{self.name(op)}({', '.join([*map(self.text, args), given(op, out)])})"]
        if op is np.copy or op is np.astype:
            return [f"{self.name(np.copyto)}({out}, {self.text(args[0])}, 'unsafe')"]
        if op is setitem:
            ahead = [] if is_there or takes_all(*args[:2]) else [f"{self.name(np.copyto)}({out}, {self.text(args[0])})"]
            return [*ahead, f"{out}[{self.text(args[1])}] = {self.text(args[2])}"]
        if is_mean(line):
            return self._mean_into(line, out)
        if is_reduction(line):
            op, args, kwargs = _reduction(line)
        return [self.call(op, args, {**kwargs, "out": Source(out)})]

    def call(self, op: Any, args: Any, kwargs: Any) -> str:
        """The call as it is."""
        inner = [*map(self.text, args), *(f"{key}={self.text(x)}" for key, x in kwargs.items())]
        return f"{self.name(op)}({', '.join(inner)})"

    def _mean(self, line: Line) -> str:
        """As np.mean does it: the sum over a count, which widens a float32 for the division."""
        total = self.call(np.add.reduce, line.args, {"axis": None} | line.kwargs)
        if line.out.shape:
            return f"{self.name(_divided)}({total}, {self.name(_count(line))})"
        return f"{self.name(line.out.dtype.type)}({total} / {self.name(_count(line))})"

    def _mean_into(self, line: Line, out: str) -> list[str]:
        total = self.call(np.add.reduce, line.args, {"axis": None} | line.kwargs | {"out": Source(out)})
        count = self.name(_count(line))
        return [total, f"{self.name(np.true_divide)}({out}, {count}, {out}, casting='unsafe')"]


class Source(str):
    """A piece of source among arguments."""


def _reduction(line: Line) -> tuple[Callable, tuple, dict[str, Any]]:
    """The call of the ufunc itself; np.sum is over everything unless it is told otherwise, np.add.reduce is not."""
    given = {key: x for key, x in line.kwargs.items() if x is not np._NoValue}
    if line.op not in REDUCTIONS:
        return line.op, line.args, given
    return REDUCTIONS[line.op], line.args, given if len(line.args) > 1 else {"axis": None} | given


def _divided(total: np.ndarray, count: Any) -> np.ndarray:
    return np.true_divide(total, count, total, casting="unsafe")


def _count(line: Line) -> Any:
    return np.intp(line.args[0].size // max(line.out.size, 1))


def _order(line: Line) -> tuple[int, ...]:
    """The axes as transpose takes them, of a line that permutes them."""
    sizes = (2, 3, 5, 7, 11, 13, 17)[: len(line.args[0].shape)]
    moved = line.op(np.broadcast_to(np.False_, sizes), *line.args[1:], **line.kwargs)
    return tuple(sizes.index(n) for n in moved.shape)
