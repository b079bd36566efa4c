"""Lowering: NumPy's statistics and products as the operations that kernels know, for backends that generate code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.program import Line, Program, Var

CLIP: np.ufunc = np._core.umath.clip  # type: ignore[attr-defined]
"""What np.clip calls."""

_SUMS: dict[Callable, np.ufunc] = {
    np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.min: np.minimum, np.amax: np.maximum,
    np.amin: np.minimum, np.any: np.logical_or, np.all: np.logical_and,
}  # fmt: skip
_UFUNCS = (np.add, np.multiply, np.maximum, np.minimum, np.logical_or, np.logical_and)
_START = {np.add: 0, np.multiply: 1}  # from what NumPy goes on, even to a single number: it makes a -0 a 0
_NEUTRAL = {np.add: "0.0", np.maximum: "-inf", np.minimum: "inf"}  # a sum that begins with -0.0 may be -0.0
_FLOATS = (np.dtype("float32"), np.dtype("float64"))


def lowered(program: Program) -> Program:
    """The program with means, variances, sums by einsum and clips as ufuncs and ``ufunc.reduce(…, keepdims=True)``.

    It does not keep the bits: NumPy adds up in an order of its own.

    >>> x, y = Var((2, 3), float), Var((2,), float)
    >>> print(lowered(Program([x], {}, [Line(np.mean, (x,), {"axis": 1}, (y,))], [y])))
    inputs v0: float64[2, 3]
    v1 = np.add.reduce(v0, axis=(1,), keepdims=True)  # float64[2, 1]
    v2 = v1 / 3  # float64[2, 1]
    v3 = np.reshape(v2, (2,))  # float64[2]
    return v3
    """
    lines: list[Line] = []
    for line in program.lines:
        writer = _Writer(line)
        if len(line.outs) == 1 and not line.outs[0].weak and writer.write():
            lines.extend(writer.lines)
        else:
            lines.append(line)
    return program.but(lines=lines)


class _Writer:
    """Writes the lines that stand for one."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.lines: list[Line] = []

    def write(self) -> bool:
        """Whether there are such lines."""
        line, op = self.line, self.line.op
        owner = getattr(op, "__self__", None)
        if op in _SUMS:
            return self._sum(_SUMS[op], self._given())
        if isinstance(owner, np.ufunc) and owner in _UFUNCS and op == owner.reduce:
            return self._sum(owner, {"axis": 0} | dict(zip(("a", "axis", "dtype", "out"), line.args)) | line.kwargs)
        if op is np.mean:
            return self._mean(self._given())
        if op is np.var or op is np.std:
            return self._variance(self._given())
        if op is np.einsum:
            return self._einsum()
        if op is np.clip:
            return self._clip(self._given())
        if op is np.copy and line.args[0].dtype.kind != "b":
            return self._last(np.positive, line.args[0])
        if isinstance(op, np.ufunc) and line.kwargs and all(line.kwargs.get(k, x) == x for k, x in _DEFAULTS.items()):
            return line.kwargs.keys() <= _DEFAULTS.keys() and self._last(op, *line.args)
        return False

    # ---- what becomes of each

    def _sum(self, ufunc: np.ufunc, given: dict[str, Any]) -> bool:
        x, out = given["a"], self.line.out
        if not self._is_whole(given) or type(x) is not Var:
            return False
        if ufunc in (np.logical_or, np.logical_and) and x.dtype.kind != "b":
            x = self._add(np.not_equal, x, 0, dtype=np.dtype(bool))
        elif x.dtype != out.dtype:
            x = self._add(np.astype, x, out.dtype, dtype=out.dtype)
        axes = _axes(given.get("axis"), x)
        initial = given.get("initial", np._NoValue)
        if axes is None or isinstance(initial, Var):
            return False
        keeps = {} if initial is np._NoValue or initial is None else {"initial": initial}
        if keeps and self.line.out.dtype.kind == "f" and repr(float(initial)) == _NEUTRAL.get(ufunc):
            keeps = {}
        if keeps and _count(x, axes) == 1:
            return False
        return self._shaped(self._reduced(ufunc, x, axes, **keeps))

    def _mean(self, given: dict[str, Any]) -> bool:
        x, out = given["a"], self.line.out
        if not self._is_whole(given) or type(x) is not Var or out.dtype not in _FLOATS:
            return False
        axes = _axes(given.get("axis"), x)
        if axes is None:
            return False
        if x.dtype != out.dtype:
            x = self._add(np.astype, x, out.dtype, dtype=out.dtype)
        return self._shaped(self._add(np.divide, self._reduced(np.add, x, axes), _count(x, axes)))

    def _variance(self, given: dict[str, Any]) -> bool:
        x = given["a"]
        if not self._is_whole(given) or type(x) is not Var or x.dtype not in _FLOATS or x.dtype != self.line.out.dtype:
            return False
        axes = _axes(given.get("axis"), x)
        free = given.get("ddof", 0) or given.get("correction", 0)
        free = 0 if free is np._NoValue else free
        if axes is None or given.get("mean", np._NoValue) is not np._NoValue or type(free) is not int:
            return False
        count = _count(x, axes)
        center = self._add(np.divide, self._reduced(np.add, x, axes), count)
        away = self._add(np.subtract, x, center)
        squares = self._reduced(np.add, self._add(np.multiply, away, away), axes)
        y = self._add(np.divide, squares, max(count - free, 0))
        return self._shaped(self._add(np.sqrt, y) if self.line.op is np.std else y)

    def _einsum(self) -> bool:
        """A sum of one array, or of products that need no more places than one of the arrays has."""
        names, *arrays = self.line.args
        if type(names) is not str or not all(type(x) is Var and x.dtype == self.line.out.dtype != bool for x in arrays):
            return False
        inner, arrow, result = names.replace(" ", "").partition("->")
        parts = inner.split(",")
        if (
            not arrow
            or "." in names
            or any(len(set(part)) < len(part) for part in parts)
            or self.line.out.dtype.kind == "b"
        ):
            return False
        widest = max(parts, key=len)
        if any(set(part) - set(widest) for part in (*parts, result)) or not set(widest) - set(result):
            return False
        sizes = dict(zip(widest, arrays[parts.index(widest)].shape))
        if any(sizes[name] != n for part, x in zip(parts, arrays) for name, n in zip(part, x.shape)):
            return False  # an axis of one number, which einsum repeats
        product: Var | None = None
        for part, x in zip(parts, arrays):
            x = self._aligned(x, part, widest, sizes)
            product = x if product is None else self._add(np.multiply, product, x)
        assert product is not None
        axes = tuple(i for i, name in enumerate(widest) if name not in result)
        total = self._reduced(np.add, product, axes)
        left = [name for name in widest if name in result]
        total = self._add(np.reshape, total, tuple(sizes[name] for name in left), shape=tuple(sizes[n] for n in left))
        return self._last(np.transpose, total, tuple(left.index(name) for name in result))

    def _aligned(self, x: Var, names: str, widest: str, sizes: dict[str, int]) -> Var:
        """An operand with the axes of the widest, of size 1 where it has none."""
        order = sorted(range(len(names)), key=lambda i: widest.index(names[i]))
        if order != list(range(len(names))):
            shape = tuple(x.shape[i] for i in order)
            x = self._add(np.transpose, x, tuple(order), shape=shape, strides=tuple(x.strides[i] for i in order))
        shape = tuple(sizes[name] if name in names else 1 for name in widest)
        if shape == x.shape:
            return x
        rest = iter(x.strides)
        strides = tuple(next(rest) if name in names else 0 for name in widest) if x.strides else ()
        return self._add(np.reshape, x, shape, shape=shape, strides=strides)

    def _clip(self, given: dict[str, Any]) -> bool:
        given = {key: x for key, x in given.items() if x is not np._NoValue}
        low, high = given.get("a_min", given.get("min")), given.get("a_max", given.get("max"))
        if given.get("out") is not None or given.get("kwargs") or (low is None and high is None):
            return False
        if self.line.out.dtype.kind != "f":
            return False  # whole numbers have bounds that their dtype may not hold
        if low is None or high is None:
            return self._last(np.minimum, given["a"], high) if low is None else self._last(np.maximum, given["a"], low)
        return self._last(CLIP, given["a"], low, high)

    # ---- lines

    def _given(self) -> dict[str, Any]:
        """The arguments by NumPy's names."""
        return inspect.signature(self.line.op).bind(*self.line.args, **self.line.kwargs).arguments

    def _is_whole(self, given: dict[str, Any]) -> bool:
        """Whether nothing is left out of a sum, and it goes to no array that is there."""
        where = given.get("where", True)
        return given.get("out") is None and (where is True or where is np._NoValue)

    def _add(self, op: Callable, *args: Any, shape: Any = None, strides: Any = None, dtype: Any = None) -> Var:
        widest = max((x for x in args if type(x) is Var), key=lambda x: x.size)
        shape = widest.shape if shape is None else shape
        dtype = widest.dtype if dtype is None else dtype
        out = Var(shape, dtype, _dense(shape, dtype, widest) if strides is None else strides)
        self.lines.append(Line(op, args, {}, (out,), self.line.where))
        return out

    def _reduced(self, ufunc: np.ufunc, x: Var, axes: tuple[int, ...], **settings: Any) -> Var:
        if _count(x, axes) == 1:
            return self._add(ufunc, x, x.dtype.type(_START[ufunc]) if ufunc in _START else x)
        shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        out = Var(shape, self.line.out.dtype, _dense(shape, self.line.out.dtype))
        settings = {"axis": axes, "keepdims": True} | settings
        self.lines.append(Line(ufunc.reduce, (x,), settings, (out,), self.line.where))
        return out

    def _shaped(self, x: Var) -> bool:
        """The last of the lines: the result, with or without the axes that were summed up."""
        out = self.line.out
        *ahead, last = self.lines
        if x.shape != out.shape:
            if len(out.strides) == len(out.shape):  # so that it lies as the result does
                steps = iter([step for n, step in zip(out.shape, out.strides) if n > 1])
                x = Var(x.shape, x.dtype, tuple(next(steps) if n > 1 else x.dtype.itemsize for n in x.shape))
                self.lines = [*ahead, Line(last.op, last.args, last.kwargs, (x,), last.where)]
            return self._last(np.reshape, x, out.shape)
        self.lines = [*ahead, Line(last.op, last.args, last.kwargs, self.line.outs, last.where)]
        return True

    def _last(self, op: Callable, *args: Any) -> bool:
        self.lines.append(Line(op, args, {}, self.line.outs, self.line.where))
        return True


_DEFAULTS = {"dtype": None, "casting": "same_kind", "order": "K", "subok": True}


def _axes(axis: Any, x: Var) -> tuple[int, ...] | None:
    """The axes that are summed up, counted from 0, in order; None where there are no numbers."""
    if axis is None or axis is np._NoValue:
        axis = tuple(range(len(x.shape)))
    axes = tuple(sorted(i % len(x.shape) for i in (axis if type(axis) is tuple else (axis,)))) if x.shape else ()
    return axes if x.size else None


def _count(x: Var, axes: tuple[int, ...]) -> int:
    return int(np.prod([x.shape[i] for i in axes], dtype=np.int64))


def _dense(shape: tuple[int, ...], dtype: Any, like: Var | None = None) -> tuple[int, ...]:
    """The strides of an array without gaps, whose axes follow each other in memory as those of ``like`` do."""
    order = list(range(len(shape)))
    if like is not None and like.shape == tuple(shape) and like.strides:
        order.sort(key=lambda i: -abs(like.strides[i]))
    strides = [0] * len(shape)
    step = np.dtype(dtype).itemsize
    for i in reversed(order):
        strides[i] = step
        step *= shape[i]
    return tuple(strides)
