"""Borders around images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.function import Function
from calligrad.nn.module import Module
from calligrad.nn.windows import IN_CACHE, settings
from calligrad.primitive import primitive
from calligrad.value import as_arraylike

MODES = ("constant", "reflect", "replicate", "circular")


def bordered_plainly(x, value, *, pads, mode):
    """``bordered``."""
    around = ((0, 0),) * (x.ndim - len(pads)) + pads
    if mode == "constant":
        return np.pad(x, around, constant_values=value)
    return np.pad(x, around, {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode])


def unbordered_plainly(x, *, pads, mode):
    """``unbordered``."""
    size = [n - before - behind for n, (before, behind) in zip(x.shape[-len(pads) :], pads)]
    places = np.arange(np.prod(size)).reshape(size)
    places = np.pad(places, pads, {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode])
    y = np.zeros((places.max() + 1, *x.shape[: -len(pads)]), x.dtype)
    np.add.at(y, places, np.moveaxis(x, range(-len(pads), 0), range(len(pads))))
    return np.moveaxis(y, 0, -1).reshape(*x.shape[: -len(pads)], *size)


@primitive(bordered_plainly)
def bordered(x: np.ndarray, value: Any, *, pads: tuple[tuple[int, int], ...], mode: str) -> np.ndarray:
    """The array with ``pads`` (before, behind) on each of its last axes, filled by ``mode``, or with ``value``."""
    grown = tuple(size + before + behind for size, (before, behind) in zip(x.shape[-len(pads) :], pads))
    planes = math.prod(x.shape[: -len(pads)])
    x_planes = x.reshape(planes, *x.shape[-len(pads) :])
    y = np.empty((planes, *grown), x.dtype)

    def fill(chunk: slice) -> None:
        part = y[chunk]
        part[inside(pads, x.shape)] = x_planes[chunk]
        for axis, (before, behind) in enumerate(pads, -len(pads)):  # with corners, which later axes correct
            for edge, source in borders(before, behind, y.shape[axis], mode):
                part[along(axis, edge)] = value if source is None else part[along(axis, source)]

    step = max(1, IN_CACHE // max(1, math.prod(grown)))
    parallel.run(fill, [slice(i, i + step) for i in range(0, planes, step)])
    return y.reshape(*x.shape[: -len(pads)], *grown)


@primitive(unbordered_plainly)
def unbordered(x: np.ndarray, *, pads: tuple[tuple[int, int], ...], mode: str) -> np.ndarray:
    """The array without its border, which is added where it was copied from: adjoint to ``bordered``."""
    shape = tuple(size - before - behind for size, (before, behind) in zip(x.shape[-len(pads) :], pads))
    x = np.array(x)
    for axis in range(-1, -len(pads) - 1, -1):
        for edge, source in borders(*pads[axis], x.shape[axis], mode):
            part = x[along(axis, edge)]
            if mode == "replicate":
                part = np.sum(part, axis, keepdims=True)
            x[along(axis, source)] += part
    return np.ascontiguousarray(x[inside(pads, shape)])


class Bordered(Function):
    """``bordered``."""

    pads: tuple[tuple[int, int], ...]
    mode: str
    value: Any = 0

    def forward(self, x):
        return bordered(x, self.value, pads=self.pads, mode=self.mode)

    def backward(self, g):
        if self.mode == "constant":
            return g[inside(self.pads, self.shapes[0])]
        return Unbordered(self.pads, self.mode)(g)


class Unbordered(Function):
    """``unbordered``."""

    pads: tuple[tuple[int, int], ...]
    mode: str

    def forward(self, x):
        return unbordered(x, pads=self.pads, mode=self.mode)

    def backward(self, g):
        return Bordered(self.pads, self.mode)(g)


def borders(before: int, behind: int, size: int, mode: str) -> list[tuple[slice, Any]]:
    """Both borders of an axis that is ``size`` long with them, and where each is copied from."""
    end = size - behind
    sources = {
        "constant": (None, None),
        "reflect": (slice(2 * before, before, -1), slice(end - 2, end - 2 - behind if end - 2 >= behind else None, -1)),
        "replicate": (slice(before, before + 1), slice(end - 1, end)),
        "circular": (slice(end - before, end), slice(before, before + behind)),
    }[mode]
    edges = slice(0, before), slice(end, size)
    return [(edge, source) for edge, source in zip(edges, sources) if edge.stop > edge.start]


def inside(pads: tuple[tuple[int, int], ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """The key of what is within the border, ``shape`` being that of the array without it."""
    return (..., *(slice(before, before + size) for (before, _), size in zip(pads, shape[-len(pads) :])))


def along(axis: int, part: slice) -> tuple[Any, ...]:
    """The key of a part along a negative axis."""
    return (..., part, *(slice(None),) * (-axis - 1))


def pad(x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """``x`` with a border, given as (before, behind) of the last axis, then of the last but one, and so on.

    ``mode`` is "constant" (``value``, by default 0), or, for the axes behind (N, C) or (C,), "reflect" (mirrored at
    the edge, which is not repeated), "replicate" (the edge again and again) or "circular" (from the other side).
    Negative numbers cut off; a "circular" border has none.

    >>> import numpy as np
    >>> from calligrad.nn.functional import pad
    >>> pad(np.array([[1.0, 2.0, 3.0]]), (2, 1), "reflect")
    array([[3., 2., 1., 2., 3., 2.]])
    >>> pad(np.array([[1.0, 2.0]]), (0, 1, 1, 0))
    array([[0., 0., 0.],
           [1., 2., 0.]])
    """
    x = as_arraylike(x)
    numbers = tuple(pad)
    n = len(numbers) // 2
    if not all(isinstance(p, (int, np.integer)) and not isinstance(p, bool) for p in numbers):
        raise TypeError(f"pad: the border is given in integers, not as {numbers!r}")
    if len(numbers) % 2 or n > x.ndim:
        raise ValueError(f"pad: the border is two numbers for each of up to {x.ndim} axes, not {numbers!r}")
    if mode not in MODES:
        raise ValueError(f"pad: mode is one of {', '.join(MODES)}, not {mode!r}")
    pads = tuple((int(numbers[i]), int(numbers[i + 1])) for i in range(0, 2 * n, 2))[::-1]
    if mode != "constant":
        _check_border(x.shape, pads, mode, value)
    if not any(numbers):
        return x[...]
    shape = x.shape[-n:]
    cut = tuple(slice(max(0, -before), size - max(0, -behind)) for size, (before, behind) in zip(shape, pads))
    if any(
        size + before + behind < 0 or part.start > part.stop for size, (before, behind), part in zip(shape, pads, cut)
    ):
        raise ValueError(f"pad: {numbers!r} cuts more off x {x.shape} than there is")
    if min(numbers) < 0:
        x = x[(..., *cut)]
        pads = tuple((max(0, before), max(0, behind)) for before, behind in pads)
    return Bordered(pads, mode, 0 if value is None else value)(x)


def _check_border(shape: tuple[int, ...], pads: tuple[tuple[int, int], ...], mode: str, value: Any) -> None:
    n = len(pads)
    if len(shape) not in (n + 1, n + 2) or not 1 <= n <= 3:
        raise ValueError(f"pad: a {mode!r} border is for 1 to 3 axes behind (N, C) or (C,), not for {n} of {shape}")
    if value:
        raise ValueError(f"pad: a {mode!r} border takes no value, and there is {value!r}")
    for size, both in zip(shape[-n:], pads):
        left = size + min(0, *both)
        most = {"reflect": left - 1, "circular": size, "replicate": max(both)}[mode]
        if left < 1 or max(both) > most or (mode == "circular" and min(both) < 0):
            raise ValueError(
                f"pad: a {mode!r} border of {both} does not go around an axis of {size}; x has shape {shape}"
            )


# ---------------------------------------------------------------- modules


class _Pad(Module):
    """What all borders of 1, 2 and 3 axes share."""

    axes: int
    mode: str

    def __init__(self, padding: Any) -> None:
        whole = isinstance(padding, (int, np.integer))
        self.padding = (padding,) * (2 * self.axes) if whole else tuple(padding)
        if len(self.padding) != 2 * self.axes:
            raise ValueError(
                f"{type(self).__name__}: padding is one integer or {2 * self.axes} of them, not {padding!r}"
            )

    def forward(self, x):
        """``x`` with its border."""
        return pad(x, self.padding, self.mode)

    def extra_repr(self) -> str:
        """The settings."""
        return settings(self)


class _ConstantPad(_Pad):
    """What the borders of one number share."""

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, x):
        """``x`` with its border."""
        return pad(x, self.padding, "constant", self.value)


class _ZeroPad(_Pad):
    """What the borders of zeros share."""

    mode = "constant"


class _ReflectionPad(_Pad):
    """What the borders that mirror share."""

    mode = "reflect"


class _ReplicationPad(_Pad):
    """What the borders that repeat the edge share."""

    mode = "replicate"


class _CircularPad(_Pad):
    """What the borders from the other side share."""

    mode = "circular"


class ConstantPad1d(_ConstantPad):
    """A border of ``value`` of L; ``padding`` is one number or (before, behind)."""

    axes = 1


class ConstantPad2d(_ConstantPad):
    """A border of ``value`` of H and W; ``padding`` is one number or (left, right, top, bottom).

    >>> import numpy as np
    >>> from calligrad.nn import ConstantPad2d
    >>> ConstantPad2d(1, 5.0)(np.ones((1, 3, 4, 5))).shape
    (1, 3, 6, 7)
    """

    axes = 2


class ConstantPad3d(_ConstantPad):
    """A border of ``value`` of D, H and W; ``padding`` is one number or (left, right, top, bottom, front, back)."""

    axes = 3


class ZeroPad1d(_ZeroPad):
    """A border of zeros of L; ``padding`` is one number or (before, behind)."""

    axes = 1


class ZeroPad2d(_ZeroPad):
    """A border of zeros of H and W; ``padding`` is one number or (left, right, top, bottom)."""

    axes = 2


class ZeroPad3d(_ZeroPad):
    """A border of zeros of D, H and W; ``padding`` is one number or (left, right, top, bottom, front, back)."""

    axes = 3


class ReflectionPad1d(_ReflectionPad):
    """A mirror image as border of L; ``padding`` is one number or (before, behind)."""

    axes = 1


class ReflectionPad2d(_ReflectionPad):
    """A mirror image as border of H and W; ``padding`` is one number or (left, right, top, bottom).

    >>> import numpy as np
    >>> from calligrad.nn import ReflectionPad2d
    >>> ReflectionPad2d(1)(np.ones((1, 3, 4, 5))).shape
    (1, 3, 6, 7)
    """

    axes = 2


class ReflectionPad3d(_ReflectionPad):
    """A mirror image as border of D, H and W; ``padding`` is one number or (left, right, top, bottom, front, back)."""

    axes = 3


class ReplicationPad1d(_ReplicationPad):
    """The edge as border of L; ``padding`` is one number or (before, behind)."""

    axes = 1


class ReplicationPad2d(_ReplicationPad):
    """The edge as border of H and W; ``padding`` is one number or (left, right, top, bottom)."""

    axes = 2


class ReplicationPad3d(_ReplicationPad):
    """The edge as border of D, H and W; ``padding`` is one number or (left, right, top, bottom, front, back)."""

    axes = 3


class CircularPad1d(_CircularPad):
    """The other side as border of L; ``padding`` is one number or (before, behind)."""

    axes = 1


class CircularPad2d(_CircularPad):
    """The other side as border of H and W; ``padding`` is one number or (left, right, top, bottom)."""

    axes = 2


class CircularPad3d(_CircularPad):
    """The other side as border of D, H and W; ``padding`` is one number or (left, right, top, bottom, front, back)."""

    axes = 3
