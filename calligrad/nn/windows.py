"""Windows that slide over images: where they lie, and what is computed in all of them at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from calligrad import parallel

IN_CACHE = 1 << 18  # numbers that are worked on at a time


@dataclass(frozen=True)
class Sliding:
    """The windows along one axis: ``count`` of them, ``stride`` apart, over ``size`` numbers and the padding.

    The numbers of a window, its taps, are ``dilation`` apart; the first window begins ``padding`` before the axis.
    """

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    count: int

    def taps(self) -> Iterator[tuple[slice, slice]]:
        """For each tap, in order: the windows in which it is no padding, and the numbers that it is there."""
        for tap in range(self.kernel):
            shift = tap * self.dilation - self.padding
            first = max(0, -(shift // self.stride))
            last = min(self.count - 1, (self.size - 1 - shift) // self.stride)
            if first <= last:
                begin, end = first * self.stride + shift, last * self.stride + shift
                yield slice(first, last + 1, 1), slice(begin, end + 1, self.stride)

    def rows(self) -> np.ndarray:
        """For each tap the number it is in each window, (kernel, outputs); for padding, the nearest of the window."""
        start = np.arange(self.count) * self.stride - self.padding
        first = start + np.maximum(0, -(start // self.dilation)) * self.dilation
        taps = np.minimum(self.kernel - 1, (self.size - 1 - start) // self.dilation)
        rows = start + self.dilation * np.arange(self.kernel)[:, None]
        return np.clip(rows, first, start + self.dilation * taps)

    def counts(self, with_padding: bool) -> np.ndarray:
        """How many numbers each window has, with those of the padding or without."""
        start = np.arange(self.count) * self.stride - self.padding
        end = np.minimum(start + self.kernel, self.size + self.padding)
        return end - start if with_padding else np.minimum(end, self.size) - np.maximum(start, 0)


@dataclass(frozen=True)
class Uneven:
    """Windows along one axis of which each has its own place, or even length: ``count`` over ``size`` numbers."""

    size: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many windows there are."""
        return len(self.starts)

    def taps(self) -> Iterator[tuple[Any, Any]]:
        """For each tap, in order: the windows that have it, and the numbers that it is there; no number twice."""
        starts, lengths = np.array(self.starts), self.counts()
        sharing = -(-self.count // self.size)  # so many windows may begin at the same number
        for tap in range(max(lengths)):
            for first in range(sharing):
                outputs = np.arange(first, self.count, sharing)
                outputs = outputs[lengths[outputs] > tap]
                if outputs.size:
                    yield as_slice(outputs), as_slice(starts[outputs] + tap)

    def counts(self, with_padding: bool = True) -> np.ndarray:
        """How many numbers each window has; there is no padding."""
        return np.array(self.ends) - np.array(self.starts)

    def rows(self) -> np.ndarray:
        """For each tap the number it is in each window; a window that is too short repeats its last."""
        starts, ends = np.array(self.starts), np.array(self.ends)
        taps = np.arange(max(ends - starts, default=1))[:, None]
        return np.minimum(starts + taps, ends - 1)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Windows of ``kernel`` numbers along one axis of ``size`` that begin elsewhere in each plane.

    ``starts`` has the windows along that axis, and along the other axes of the plane the length 1.
    """

    size: int
    kernel: int
    starts: np.ndarray

    def rows(self) -> np.ndarray:
        """For each tap the number it is in each window, (kernel, …)."""
        return np.stack([self.starts + tap for tap in range(self.kernel)])


def numbers_of(windows):
    """Of each window along one axis the numbers that it covers, padding left out."""
    if hasattr(windows, "ends"):
        return [np.arange(start, end) for start, end in zip(windows.starts, windows.ends)]
    taps = np.arange(windows.kernel) * windows.dilation - windows.padding
    numbers = [taps + i * windows.stride for i in range(windows.count)]
    return [n[(n >= 0) & (n < windows.size)] for n in numbers]


def adaptive(name: str, x: Any, n: int, output_size: Any) -> tuple[Sliding | Uneven, ...]:
    """``output_size`` windows along each of the last ``n`` axes of ``x``, of as equal a length as can be."""
    shape = sizes(name, x, n)
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
    wanted = tuple(wanted) * n if len(wanted) == 1 else wanted
    if len(wanted) != n:
        raise ValueError(f"{name}: output_size is one number or {n}, each an integer or None, not {output_size!r}")
    numbers = [size if outputs is None else outputs for size, outputs in zip(shape, wanted)]
    return tuple(map(_equal, shape, per_axis(name, "output_size", numbers, n)))


def _equal(size: int, outputs: int) -> Sliding | Uneven:
    if size % outputs == 0:
        return Sliding(size, size // outputs, size // outputs, 0, 1, outputs)
    at = range(outputs)
    return Uneven(size, tuple(i * size // outputs for i in at), tuple(-(-(i + 1) * size // outputs) for i in at))


def sliding(
    name: str, x: Any, n: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Sliding, ...]:
    """The windows along the last ``n`` axes of ``x``; a ``ValueError`` says what is wrong with them."""
    shape = sizes(name, x, n)
    kernels = per_axis(name, "kernel_size", kernel_size, n)
    strides = per_axis(name, "stride", kernel_size if stride is None or stride == () else stride, n)
    paddings = per_axis(name, "padding", padding, n, least=0)
    dilations = per_axis(name, "dilation", dilation, n)
    along = []
    for size, k, s, p, d in zip(shape, kernels, strides, paddings, dilations):
        reach = d * (k - 1) + 1
        if 2 * p > reach:
            raise ValueError(f"{name}: padding {p} is more than half of a window, which reaches over {reach}")
        outputs = (size + 2 * p - reach + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (outputs - 1) * s >= size + p:  # a window that would begin behind the padding
            outputs -= 1
        windows = Sliding(size, k, s, p, d, outputs)
        if outputs < 1:
            raise ValueError(
                f"{name}: a window that reaches over {reach} does not fit into {size} and a padding of {p} on each"
                f" side; x has shape {np.shape(x)}"
            )
        if d > 1 and sum(o.stop - o.start for o, _ in windows.taps()) == 0:
            raise ValueError(f"{name}: no window with dilation {d} and padding {p} meets any of the {size} numbers")
        along.append(windows)
    return tuple(along)


def sizes(name: str, x: Any, n: int) -> tuple[int, ...]:
    """The lengths of the last ``n`` axes of ``x``, which has those, channels, and perhaps a batch."""
    shape = np.shape(x)
    if len(shape) not in (n + 1, n + 2):
        raise ValueError(f"{name}: x has {n} axes behind (batch, channels) or (channels,), not shape {shape}")
    if 0 in shape[-n - 1 :]:
        raise ValueError(f"{name}: only the batch may be empty, and x has shape {shape}")
    return shape[-n:]


def per_axis(name: str, what: str, value: Any, n: int, least: int = 1) -> tuple[int, ...]:
    """``value`` for each of ``n`` axes, given as one integer or as ``n`` of them."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    values = values * n if len(values) == 1 else values
    whole = all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values)
    if len(values) != n or not whole or min(values) < least:
        raise ValueError(f"{name}: {what} is an integer from {least}, or {n} of them, not {value!r}")
    return values


def floating(name: str, x: Any) -> None:
    """Raise if ``x`` holds no floats."""
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    if dtype.kind != "f":
        raise TypeError(f"{name} takes floating numbers, not {dtype}")


def settings(module: Any) -> str:
    """The attributes of a module without parameters, for its repr."""
    shown = {name: value for name, value in vars(module).items() if name != "training" and name[0] != "_"}
    return ", ".join(f"{name}={value!r}" for name, value in shown.items())


# ---------------------------------------------------------------- in cache, and on several threads


def by_planes(f: Callable, spatial: tuple[int, ...], *arrays: np.ndarray) -> np.ndarray:
    """``f`` of a few planes of the arrays at a time, as (planes, …): (…, *spatial) altogether.

    The last ``len(spatial)`` axes of an array are a plane.
    """
    n = len(spatial)
    lead = arrays[0].shape[:-n]
    planes = math.prod(lead)
    flat = [x.reshape(planes, *x.shape[-n:]) for x in arrays]
    y = np.empty((planes, *spatial), arrays[0].dtype)
    largest = max(math.prod(x.shape[-n:]) for x in (*arrays, y))
    step = max(1, IN_CACHE // max(1, largest))

    def call(part: slice) -> None:
        y[part] = f(*(x[part] for x in flat))

    parallel.run(call, [slice(i, i + step) for i in range(0, planes, step)])
    return y.reshape(*lead, *spatial)


def over_windows(ufunc: np.ufunc, x: np.ndarray, windows: Sliding | Uneven, axis: int, empty: Any) -> np.ndarray:
    """``ufunc`` over each window along ``axis`` of an array; ``empty`` is what the padding holds."""
    first, *others = windows.taps()
    if first[0] == slice(0, windows.count, 1):
        y = np.array(at(x, first[1], axis), order="C")
    else:
        y = np.full((*x.shape[:axis], windows.count, *x.shape[axis + 1 :]), empty, x.dtype)
        others.append(first)
    for outputs, inputs in others:
        part = at(y, outputs, axis)
        ufunc(part, at(x, inputs, axis), out=part)
        if type(outputs) is not slice:
            y[(*_ALL[:axis], outputs)] = part
    return y


def as_slice(places: np.ndarray) -> Any:
    """The places themselves, or a slice if each is as far behind the one before."""
    step = int(places[1] - places[0]) if places.size > 1 else 1
    even = step > 0 and np.all(np.diff(places) == step)
    return slice(int(places[0]), int(places[-1]) + 1, step) if even else places


def at(x: np.ndarray, places: Any, axis: int) -> np.ndarray:
    """The numbers at places along ``axis``: a view if they are a slice."""
    return x[(*_ALL[:axis], places)] if type(places) is slice else x.take(places, axis)


def add_at(x: np.ndarray, places: Any, axis: int, y: np.ndarray) -> None:
    """Add ``y`` to the numbers at places along ``axis``."""
    x[(*_ALL[:axis], places)] += y


_ALL = (slice(None),) * 4
