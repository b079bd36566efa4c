"""Running results along an axis: ``np.cumsum`` and its kin, and the ``accumulate`` of ufuncs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from calligrad.function import Function
from calligrad.ops.elementary import share
from calligrad.ops.index import Scatter
from calligrad.ops.reduce import divides
from calligrad.rules import RULES, implements, numpy_name


class Accumulation(Function):
    """The ``accumulate`` of a ufunc along ``axis``; None is for all numbers in one row."""

    ufunc: ClassVar[Any]

    axis: int | None = None
    dtype: Any = None

    def __init_subclass__(cls, of: Any = (), ufunc: np.ufunc | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(of, **kwargs)
        if ufunc is not None:
            cls.ufunc = ufunc
            RULES[ufunc.accumulate] = _rule_for(cls, ufunc.accumulate, 0)
        if callable(of):
            RULES[of] = _rule_for(cls, of, None)

    def forward(self, a):
        if self.axis is None or not a.ndim:
            a = a.reshape(-1)
        return self.ufunc.accumulate(a, 0 if self.axis is None else self.axis, self.dtype)

    def rows(self, x: Any) -> Any:
        """``x``, of the shape of the input or of the output, with the running axis last."""
        if self.axis is None or not self.shapes[0]:
            return x.reshape(-1)
        return x.swapaxes(self.axis, -1) if x.ndim > 1 else x

    def from_rows(self, gx: Any) -> Any:
        """A gradient by rows in the shape of the input."""
        if self.axis is None or not self.shapes[0]:
            return gx.reshape(self.shapes[0])
        return gx.swapaxes(self.axis, -1) if gx.ndim > 1 else gx

    def behind(self, g: Any) -> Any:
        """For each number of the input the sum of ``g`` from there on."""
        if type(g) is not np.ndarray:
            return self.from_rows(_sums_from_behind(self.rows(g)))
        gx = np.empty(self.shapes[0], g.dtype)  # written from behind, which saves a copy
        np.add.accumulate(self.rows(g)[..., ::-1], -1, None, self.rows(gx)[..., ::-1])
        return gx


def _rule_for(cls: type[Accumulation], func: Callable, default: int | None) -> Callable:
    def rule(a: Any, axis: int | None = default, dtype: Any = None, out: Any = None) -> Any:
        if out is not None:
            raise TypeError(f"{numpy_name(func)} of a Value does not take out: the graph would be cut")
        if (type(axis) is not int and axis is not default) or (default == 0 and not a.ndim):
            func(a.data, axis, dtype)  # NumPy says what is wrong, if anything
            axis = axis[0] if isinstance(axis, tuple) else axis
        return cls(axis, dtype)(a)

    return rule


class CumSum(Accumulation, of=np.cumsum, ufunc=np.add):
    """``np.cumsum``: each number is in its own sum and in all behind it."""

    def backward(self, g):
        return self.behind(g)


def _sums_from_behind(g: Any) -> Any:
    return np.cumsum(g[..., ::-1], -1)[..., ::-1]


class SubtractAccumulate(Accumulation, ufunc=np.subtract):
    """``np.subtract.accumulate``: the first number less the sum of all the others so far."""

    def backward(self, g):
        sums = self.rows(self.behind(g))
        return self.from_rows(np.concatenate([sums[..., :1], -sums[..., 1:]], -1))


# ---------------------------------------------------------------- each from the one before


class Chain(Accumulation):
    """Running results of which each is the ufunc of the one before and the next number.

    The chain rule goes through them from behind. It is written as a sum over all later results of the
    slopes in between, which are multiplied in pairs, then in fours, and so on: exact at zeros, with n log n
    multiplications for n numbers, and NumPy all the way, so that it can be differentiated again.
    """

    def slopes(self, before: Any, x: Any, y: Any) -> tuple[Any, Any]:
        """The derivatives of ``y = ufunc(before, x)``."""
        raise NotImplementedError

    def backward(self, g, x, *, y):
        return self.from_rows(self.by_rows(self.rows(g), self.rows(x), self.rows(y)))

    def by_rows(self, g: Any, x: Any, y: Any) -> Any:
        along, into = self.slopes(y[..., :-1], x[..., 1:], y[..., 1:])
        g = _discounted(g, along)
        return np.concatenate([g[..., :1], g[..., 1:] * into], -1)


def _discounted(g: Any, slopes: Any) -> Any:
    """What is at stake in each: ``total[k] = g[k] + slopes[k] * total[k + 1]``."""
    step, n = 1, g.shape[-1]
    while step < n:
        g = np.concatenate([g[..., :-step] + slopes * g[..., step:], g[..., -step:]], -1)
        slopes = slopes[..., :-step] * slopes[..., step:]
        step *= 2
    return g


class CumProd(Chain, of=np.cumprod, ufunc=np.multiply):
    """``np.cumprod``; exact at zeros."""

    def slopes(self, before, x, y):
        return x, before

    def by_rows(self, g, x, y):
        if divides(y):
            return _sums_from_behind(g * y) / x
        return super().by_rows(g, x, y)


class DivideAccumulate(Chain, ufunc=np.divide):
    """``np.divide.accumulate``."""

    def slopes(self, before, x, y):
        return 1 / x, -y / x


class LogaddexpAccumulate(Chain, ufunc=np.logaddexp):
    """``np.logaddexp.accumulate``: running sums of what ``x`` are the logarithms of."""

    def slopes(self, before, x, y):
        return share(np.exp, before, x), share(np.exp, x, before)


class Logaddexp2Accumulate(Chain, ufunc=np.logaddexp2):
    """``np.logaddexp2.accumulate``."""

    def slopes(self, before, x, y):
        return share(np.exp2, before, x), share(np.exp2, x, before)


class HypotAccumulate(Chain, ufunc=np.hypot):
    """``np.hypot.accumulate``: running lengths; at the origin the gradient is 0 (a subgradient)."""

    def slopes(self, before, x, y):
        length = np.where(np.equal(y, 0), np.inf, y)
        return before / length, x / length


# ---------------------------------------------------------------- records


class MaximumAccumulate(Accumulation, ufunc=np.maximum):
    """``np.maximum.accumulate``: the gradient goes to the number that set the record, of equals the first."""

    def backward(self, g, *, y):
        y, g = self.rows(y), self.rows(g)
        stands = np.equal(y[..., 1:], y[..., :-1]) | (np.isnan(y[..., 1:]) & np.isnan(y[..., :-1]))
        if not g.size:
            return self.from_rows(g)
        first = np.ones((*y.shape[:-1], 1), bool)
        if hasattr(stands, "storage"):  # of a capture
            starts = np.reshape(np.concatenate([first, ~stands], -1), -1)
            which = np.cumsum(starts) - 1
            sums = np.take(Scatter((which,), (g.size,))(np.reshape(g, -1)), which)
            return self.from_rows(np.reshape(np.where(starts, sums, 0), g.shape))
        records = np.flatnonzero(np.concatenate([first, ~stands], -1))
        sums = np.add.reduceat(np.reshape(g, -1), records)
        return self.from_rows(np.reshape(Scatter((records,), (g.size,))(sums), g.shape))


class MinimumAccumulate(MaximumAccumulate, ufunc=np.minimum):
    """``np.minimum.accumulate``: as ``np.maximum.accumulate``."""


class FmaxAccumulate(MaximumAccumulate, ufunc=np.fmax):
    """``np.fmax.accumulate``: as ``np.maximum.accumulate``, past NaNs."""


class FminAccumulate(MaximumAccumulate, ufunc=np.fmin):
    """``np.fmin.accumulate``: as ``np.maximum.accumulate``, past NaNs."""


# ---------------------------------------------------------------- segments


class AddReduceat(Function, of=np.add.reduceat):
    """``np.add.reduceat``: the sums of segments, of which the adjoint gives each number the sums that it is in."""

    holds = ("indices",)

    indices: Any
    axis: int = 0
    dtype: Any = None

    def forward(self, array):
        return np.add.reduceat(array, self.indices, self.axis, self.dtype)

    def backward(self, g):
        shape = self.shapes[0]
        members, segments = _members(self.indices, shape[self.axis])
        key = (*(slice(None),) * (self.axis % len(shape)), members)
        return Scatter(key, shape)(np.take(g, segments, axis=self.axis))


def _members(indices: Any, n: int) -> tuple[Any, Any]:
    """Of every segment the positions in it, one segment after the other, and the number of each one's segment.

    A segment goes up to the next index; it is a single number where that lies further in front.
    """
    starts = np.asarray(indices, np.intp)
    ends = np.append(starts[1:], n)
    lengths = np.maximum(ends - starts, 1)
    segments = np.repeat(np.arange(starts.size), lengths)
    firsts = np.cumsum(lengths) - lengths
    members: Any = np.arange(segments.size) + (starts - firsts)[segments]
    if np.all(ends > starts):
        members = slice(starts[0], n) if starts.size else slice(0, 0)  # one after the other to the end: no search
    return members, segments


class MaximumReduceat(Function, of=np.maximum.reduceat):
    """``np.maximum.reduceat``; equal maxima of a segment share the gradient evenly (a subgradient)."""

    ufunc: ClassVar[Any] = np.maximum

    holds = ("indices",)

    indices: Any
    axis: int = 0
    dtype: Any = None

    def forward(self, array):
        return self.ufunc.reduceat(array, self.indices, self.axis, self.dtype)

    def backward(self, g, x, *, y):
        members, segments = _members(self.indices, x.shape[self.axis])
        key = (*(slice(None),) * (self.axis % x.ndim), members)
        best = np.take(y, segments, axis=self.axis)
        hits = np.equal(x[key], best) | (np.isnan(x[key]) & np.isnan(best))
        firsts = np.flatnonzero(np.diff(segments, prepend=-1))
        shares = (1 / np.add.reduceat(hits, firsts, axis=self.axis, dtype=np.intp)).astype(g.dtype)
        return Scatter(key, x.shape)(np.take(g * shares, segments, axis=self.axis) * hits)


class MinimumReduceat(MaximumReduceat, of=np.minimum.reduceat):
    """``np.minimum.reduceat``; equal minima of a segment share the gradient evenly (a subgradient)."""

    ufunc = np.minimum


# ---------------------------------------------------------------- the array API standard's names


def _cumulative(name: str, running: Callable, first: int) -> None:
    def rule(x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False) -> Any:
        x = np.atleast_1d(x)
        if axis is None:
            if x.ndim > 1:
                raise ValueError(f"np.{name} of an array with {x.ndim} axes needs axis=")
            axis = 0
        y = running(x, axis, dtype, out)
        if not include_initial:
            return y
        shape = list(y.shape)
        shape[axis] = 1
        return np.concatenate([np.full(shape, first, y.dtype), y], axis=axis)

    if hasattr(np, name):  # from NumPy 2.1
        implements(getattr(np, name))(rule)


_cumulative("cumulative_sum", np.cumsum, 0)
_cumulative("cumulative_prod", np.cumprod, 1)
