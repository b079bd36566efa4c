"""Differences, slopes, areas and interpolation of sampled functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from calligrad.function import Function
from calligrad.ops.index import Scatter
from calligrad.rules import implements
from calligrad.value import as_arraylike, beside, unwrap, unwrap_all


def along(axis: int, ndim: int, key: Any, others: Any = slice(None)) -> tuple[Any, ...]:
    """``key`` for one axis and the same for all ``others``: everything."""
    axis = normalize_axis_index(axis, ndim)
    return (*(others,) * axis, key, *(others,) * (ndim - 1 - axis))


# ---------------------------------------------------------------- differences


class Diff(Function):
    """``np.diff``: each number less the one before it, ``n`` times over."""

    n: int = 1
    axis: int = -1

    def forward(self, a):
        return np.diff(a, self.n, self.axis)

    def backward(self, g):
        return DiffAdjoint(min(self.n, self.shapes[0][self.axis]), self.axis)(g)


class DiffAdjoint(Function):
    """What ``np.diff`` did, turned around: each number added to its place, taken from the place before."""

    n: int
    axis: int

    def forward(self, g):
        after, before = along(self.axis, g.ndim, slice(1, None)), along(self.axis, g.ndim, slice(None, -1))
        for _ in range(self.n):
            shape = list(g.shape)
            shape[self.axis] += 1
            y = np.zeros_like(g, shape=shape)
            y[after] = g
            y[before] -= g
            g = y
        return g

    def backward(self, g):
        return np.diff(g, self.n, self.axis)


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    """``np.diff``, differentiable also in what is put before and after."""
    a = as_arraylike(a)
    if n == 0:
        return a
    joined = [as_arraylike(part) for part in (prepend, a, append) if part is not np._NoValue]
    if len(joined) > 1:
        axis = normalize_axis_index(axis, a.ndim)
        edge = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
        a = np.concatenate([part if part.ndim else np.broadcast_to(part, edge) for part in joined], axis)
    return Diff(n, axis)(a)


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """``np.ediff1d``: the differences of the flattened array, with numbers before and after in its dtype."""
    ary = np.ravel(as_arraylike(ary))
    joined = []
    for name, part in (("to_begin", to_begin), ("ary", ary[1:] - ary[:-1]), ("to_end", to_end)):
        if part is not None:
            part = np.ravel(as_arraylike(part))
            if not np.can_cast(part.dtype, ary.dtype, casting="same_kind"):
                raise TypeError(f"{name} of {part.dtype} does not go into a result of {ary.dtype}")
            joined.append(part if part.dtype == ary.dtype else part.astype(ary.dtype))
    return joined[0] if len(joined) == 1 else np.concatenate(joined)


# ---------------------------------------------------------------- slopes


class Slope(Function):
    """``np.gradient`` along one axis, of values ``f`` that lie ``h`` apart, or at the places ``h``.

    With q the slope between two neighbours, d their distance, and r and e those of the next pair, the slope
    within is the mean (e q + d r) / (d + e). At an end it is the outermost q; with ``edge_order=2`` twice
    that, less the slope next to the end.
    """

    broadcasts = True  # h is a number, Python's own as it is

    axis: int
    edge_order: int = 1

    def forward(self, f, h):
        return np.gradient(f, h, axis=self.axis, edge_order=self.edge_order)

    def backward(self, g, f, h):
        if np.ndim(h) == 0:
            adjoint = SlopeAdjoint(self.axis, self.edge_order)
            return lambda: adjoint(g / h), lambda: -np.sum(g * Slope(self.axis, self.edge_order)(f, h)) / h
        d = np.reshape(np.diff(h), (-1, *(1,) * (f.ndim - 1 - self.axis)))
        both = self._part(d, None, -1, 0) + self._part(d, 1, None, 0)
        before, after = self._part(d, 1, None, 0) / both, self._part(d, None, -1, 0) / both  # of the mean
        of_q = self._of_slopes(g, before, after)

        def of_h():
            q = np.diff(f, axis=self.axis) / d
            bend = self._inner(g) * np.diff(q, axis=self.axis) / both
            none = np.zeros_like(self._part(q, None, 1))
            of_d = self._shared(bend, before, -after, none, none) - of_q * q / d
            return DiffAdjoint(1, 0)(np.sum(of_d, axis=tuple(i for i in range(f.ndim) if i != self.axis)))

        return lambda: DiffAdjoint(1, self.axis)(of_q / d), of_h

    def _of_slopes(self, g: Any, before: Any, after: Any) -> Any:
        """The gradient of the slopes between neighbours."""
        first, last = self._part(g, None, 1), self._part(g, -1, None)
        return self._shared(self._inner(g), before, after, self.edge_order * first, self.edge_order * last)

    def _inner(self, g: Any) -> Any:
        """The gradient of the slopes within, of which those at the ends of order 2 are made as well."""
        inner = self._part(g, 1, -1)
        if self.edge_order == 2:
            for end, place in ((self._part(g, None, 1), slice(None, 1)), (self._part(g, -1, None), slice(-1, None))):
                inner = inner - Scatter(along(self.axis, g.ndim, place), inner.shape)(end)
        return inner

    def _shared(self, inner: Any, before: Any, after: Any, first: Any, last: Any) -> Any:
        """Each of ``inner`` given to the pairs before it and after it, with the outermost pairs' own."""
        return np.concatenate([inner * before, last], self.axis) + np.concatenate([first, inner * after], self.axis)

    def _part(self, x: Any, start: int | None, stop: int | None, axis: int | None = None) -> Any:
        return x[along(self.axis if axis is None else axis, x.ndim, slice(start, stop))]


class SlopeAdjoint(Function):
    """What ``np.gradient`` with a spacing of 1 did, turned around."""

    axis: int
    edge_order: int

    def forward(self, g):
        half = 0.5 * g
        half[self._at(0)] = half[self._at(-1)] = 0
        y = np.empty_like(g)
        y[self._at(0)], y[self._at(-1)] = -half[self._at(1)], half[self._at(-2)]
        np.subtract(half[self._at(slice(None, -2))], half[self._at(slice(2, None))], out=y[self._at(slice(1, -1))])
        for i, weight in enumerate((-1, 1) if self.edge_order == 1 else (-1.5, 2, -0.5)):
            y[self._at(i)] += weight * g[self._at(0)]
            y[self._at(-1 - i)] -= weight * g[self._at(-1)]
        return y

    def backward(self, g):
        return np.gradient(g, axis=self.axis, edge_order=self.edge_order)

    def _at(self, key: Any) -> tuple[Any, ...]:
        return (slice(None),) * self.axis + (key,)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """``np.gradient``, differentiable in the values and in the spacing, a number or the places along an axis."""
    f = as_arraylike(f)
    axes = tuple(range(f.ndim)) if axis is None else normalize_axis_tuple(axis, f.ndim)
    spacing = varargs or (1.0,)
    if len(spacing) == 1 and np.ndim(spacing[0]) == 0:
        spacing *= len(axes)
    if len(spacing) != len(axes):
        raise TypeError(f"np.gradient takes a spacing for all axes or for each of {len(axes)}, not {len(spacing)}")
    slopes = tuple(Slope(i, edge_order)(f, h) for i, h in zip(axes, spacing, strict=True))
    return slopes[0] if len(axes) == 1 else slopes


# ---------------------------------------------------------------- areas


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """``np.trapezoid``: the area under straight lines, differentiable in heights, places and spacing."""
    y = as_arraylike(y)
    after, before = along(axis, y.ndim, slice(1, None)), along(axis, y.ndim, slice(None, -1))
    if x is not None:
        x = as_arraylike(x)
        dx = np.diff(x) if x.ndim == 1 else np.diff(x, axis=axis)
        if x.ndim == 1:
            dx = np.reshape(dx, along(axis, y.ndim, -1, others=1))
    return np.sum(dx * (y[after] + y[before]) / 2.0, axis)


# ---------------------------------------------------------------- between samples


class Interp(Function):
    """``np.interp`` at ``x``, through the points (``xp``, ``fp``) and level beyond them.

    At a point, where the line has a kink, the slope is that of the piece to its right.
    """

    def forward(self, x, xp, fp):
        return np.interp(x, xp, fp)

    def backward(self, g, x, xp, fp):
        if len(xp) < 2:
            return 0 * g, np.reshape(0 * np.sum(g), (1,)), np.reshape(np.sum(g), (1,))
        i = np.clip(np.searchsorted(xp, x, "right") - 1, 0, len(xp) - 2)
        xp, fp = beside(i, xp), beside(i, fp)
        width = xp[i + 1] - xp[i]
        beyond = np.less(x, xp[0]) | np.greater(x, xp[-1])
        at_end, step = np.greater_equal(x, xp[-1]), np.equal(width, 0)
        if np.any(step):  # the first or the last two points lie at the same place
            x, width, beyond = np.where(step, xp[i], x), np.where(step, 1, width), beyond | step
        share = np.clip((x - xp[i]) / width + (step & at_end), 0, 1)
        slope = np.where(beyond, 0, (fp[i + 1] - fp[i]) / width)

        def at_ends(weight: Any) -> Any:
            before = Scatter((i,), xp.shape)(weight * (1 - share))
            return before + Scatter((i + 1,), xp.shape)(weight * share)

        return lambda: g * slope, lambda: at_ends(-g * slope), lambda: at_ends(g)


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """``np.interp``, differentiable in ``x``, in the points, and in ``left`` and ``right``."""
    x, xp, fp = as_arraylike(x), as_arraylike(xp), as_arraylike(fp)
    if x.dtype.kind == "c":
        np.interp(*map(unwrap, (x, xp, fp)))  # NumPy's own objection
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period, left, right = abs(period), None, None
        if xp.ndim != 1 or fp.ndim != 1:
            raise ValueError("Data points must be 1-D sequences")
        if len(xp) != len(fp):
            raise ValueError("fp and xp are not of the same length")
        x, xp = x.astype(np.float64) % period, xp.astype(np.float64) % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    y = Interp()(x, xp, fp)
    y = y if left is None else np.where(np.less(x, xp[0]), left, y)
    return y if right is None else np.where(np.greater(x, xp[-1]), right, y)


class Unwrap(Function):
    """``np.unwrap``: whole periods added wherever the step from one number to the next is too long."""

    broadcasts = True  # the period is a number, Python's own as it is

    discont: Any = None
    axis: int = -1

    def forward(self, p, period):
        return np.unwrap(p, self.discont, self.axis, period=period)

    def backward(self, g, p, period, *, y):
        return g, lambda: g * np.round((y - p) / period)


@implements(np.unwrap)
def unwrapped(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """``np.unwrap``, differentiable in the numbers and in the period; where to jump is a constant."""
    return Unwrap(unwrap(discont), axis)(p, period)


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """``np.piecewise``: each function is called on a Value that holds what its condition selects."""
    x, conditions = as_arraylike(x), unwrap_all(condlist)
    if np.isscalar(conditions) or (not isinstance(conditions[0], (list, np.ndarray)) and x.ndim != 0):
        conditions = [conditions]
    conditions = np.asarray(conditions, dtype=bool)
    if len(conditions) == len(funclist) - 1:
        conditions = np.concatenate([conditions, ~np.any(conditions, axis=0, keepdims=True)])
    if len(conditions) != len(funclist):
        n = len(conditions)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    y: Any = np.zeros_like(x)
    for condition, f in zip(conditions, funclist, strict=True):
        if not callable(f):
            y[condition] = f
        elif (chosen := x[condition]).size > 0:
            y[condition] = f(chosen, *args, **kw)
    return y
