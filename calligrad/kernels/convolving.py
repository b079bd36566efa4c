"""Convolutions as steps of kernels, for ``calligrad.compile`` and for layers that run at once.

Numba is imported only where a kernel has to be compiled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from calligrad import parallel
from calligrad.kernels.cache import Kernel, compile_kernel
from calligrad.kernels.geometry import TALL, TERMS, UNITS, Geometry, Work, ahead, spatial, steps, strides
from calligrad.kernels.registers import lanes

SUMS = 2**21  # numbers of the sums of all chunks of images
FEW = 2  # channels of outputs, for which nothing is worth to be turned over


class Step(NamedTuple):
    """A kernel, its words, and which of these are addresses: (word, name of the array, bytes from its first number)."""

    kernel: Kernel
    words: np.ndarray
    points: list[tuple[int, str, int]]
    reads: list[str]
    writes: list[str]
    products: int  # about how many


@dataclass
class Plan:
    """The steps of a convolution; arrays go by the names of its arguments, spaces by names of their own."""

    dtype: np.dtype
    steps: list[Step] = field(default_factory=list)
    spaces: dict[str, int] = field(default_factory=dict)  # bytes of memory that is needed meanwhile
    kept: list[np.ndarray] = field(default_factory=list)  # to which words point

    def space(self, name: str, nbytes: int) -> None:
        """Ask for memory."""
        self.spaces[name] = max(self.spaces.get(name, 0), nbytes)

    def table(self, numbers: Any) -> int:
        """The address of integers, which are kept."""
        self.kept.append(np.ascontiguousarray(numbers, np.int64))
        return self.kept[-1].ctypes.data

    def add(self, name: str, words: Any, at: dict[str, Any], writes: str, products: int) -> None:
        """A step with the kernel of that name; ``at`` tells to which arrays words point, and how far behind."""
        kernel = compile_kernel(
            "from numba import types\n"
            f"from calligrad.kernels.convolution import {name} as work\n"
            f"def {name}(thread, threads, args):\n"
            f"    work(thread, threads, args, types.{self.dtype})\n",
            name,
        )
        places = {word: place if isinstance(place, tuple) else (place, 0) for word, place in at.items()}
        points = [(words._fields.index(word), array, offset) for word, (array, offset) in places.items()]
        reads = [array for _, array, _ in points if array not in (writes, "work")]
        self.steps.append(Step(kernel, np.array(words, np.int64), points, reads, [writes], products))


def convolve(windows: Any, x: np.ndarray, w: np.ndarray, y: np.ndarray, bias: np.ndarray | None = None) -> Plan:
    """The plan that fills ``y`` as ``correlation.convolve`` does; of the arrays only shapes, strides and dtype matter.

    >>> import numpy as np
    >>> from calligrad.kernels import convolving
    >>> from calligrad.nn.grid import Windows
    >>> windows = Windows((8, 8), (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1))
    >>> plan = convolving.convolve(windows, np.ones((2, 1, 8, 8)), np.ones((4, 1, 3, 3)), np.empty((2, 4, 6, 6)))
    >>> [(step.kernel.name, step.reads, step.writes) for step in plan.steps]
    [('pack', ['w'], ['panels 0']), ('convolve', ['x', 'panels 0'], ['y'])]
    """
    plan = Plan(y.dtype)
    _multiply(plan, windows, x, (w, 0), (y, 0), bias, turned=False)
    return plan


def spread(windows: Any, x: np.ndarray, w: np.ndarray, y: np.ndarray, bias: np.ndarray | None = None) -> Plan:
    """The plan that fills ``y`` with what ``correlation.spread`` makes of the outputs ``x``.

    Each phase of ``y`` is a convolution, without a stride, of ``x`` with the taps that see it, in reverse.
    """
    plan = Plan(y.dtype)
    if not windows.complete:
        _paint(plan, spatial(y), bias)
    for phase in windows.phases:
        _, taps, first, apart, cells, inside = zip(*phase, strict=True)
        part, seen = y[:, :, *inside], w[:, :, *taps]
        if not part.size:
            continue
        padding = []
        axes = zip(windows.out, part.shape[2:], seen.shape[2:], first, apart, cells, strict=True)
        for n, m, k, q, a, at in axes:
            before = q + (k - 1) * a - at.start
            padding.append((before, m - n - before + (k - 1) * a))
        ones = (1,) * len(apart)
        reverse = type(windows)(windows.out, seen.shape[2:], ones, tuple(padding), apart, windows.groups)
        turned = np.flip(seen, range(2, seen.ndim))
        _multiply(plan, reverse, x, _within(turned, w), _within(part, y), bias, turned=True)
    return plan


def correlate(windows: Any, x: np.ndarray, g: np.ndarray, y: np.ndarray) -> Plan:
    """The plan that fills ``y`` (out, in / groups, *kernel) as ``correlation.correlate`` does."""
    plan, groups, count = Plan(y.dtype), windows.groups, lanes(y.dtype)
    geometry = Geometry(windows, len(x), y.shape[1], len(y) // groups)
    x, g = spatial(x), spatial(g)
    inputs, taps, depth = geometry.inputs, geometry.taps, geometry.depth
    dotted = geometry.outputs <= FEW and not taps and g.strides[-1] == g.itemsize
    shared = geometry.kernel[0] == 1 and 2 * inputs >= count and not dotted
    columns = -(-inputs // count) * depth // inputs if shared else -(-depth // count)
    if dotted:
        columns = -(-depth // TERMS) * TERMS
    numbers = groups * geometry.values * columns * geometry.tiles * TALL * count
    chunks = max(1, min(len(x), UNITS, SUMS // numbers))
    plan.space("sums", chunks * numbers * y.itemsize)
    way = {"chunks": chunks, "columns": columns, "shared": int(shared), "dotted": int(dotted)}

    work = geometry.work(x, plan.table, turned=inputs if shared else depth)
    work = work._replace(
        **steps("y", g),
        **way,
        x_ahead=ahead(x, work, geometry.of, groups),
        y_ahead=ahead(g, work, geometry.of, groups),
        parts=min(geometry.tiles, -(-UNITS // (chunks * groups))),
    )
    plan.space("work", work.share * parallel.MOST)
    places = {"x": "x", "y": "g", "sums": "sums", "work": "work"}
    products = len(x) * groups * geometry.products * g[0, 0].size
    plan.add("correlate", work, places, writes="sums", products=products)

    packing = geometry.packing(y, plan.table, turned=False)._replace(**way, share=work.share)
    plan.add("join", packing, {"w": "y", "panels": "sums", "work": "work"}, writes="y", products=chunks * numbers)
    return plan


# ---------------------------------------------------------------- steps


def _within(view: np.ndarray, whole: np.ndarray) -> tuple[np.ndarray, int]:
    """A view, and how many bytes it begins behind the whole."""
    return view, view.ctypes.data - whole.ctypes.data


def _multiply(plan: Plan, windows: Any, x: np.ndarray, w: Any, y: Any, bias: np.ndarray | None, turned: bool) -> None:
    """The steps of one convolution of ``x``; ``w`` and ``y`` are views of the arrays of that name (``_within``)."""
    (w, w_offset), (y, y_offset) = w, y
    x, y = spatial(x), spatial(y)
    geometry = Geometry(windows, len(x), x.shape[1] // windows.groups, y.shape[1] // windows.groups)
    packing, panels = geometry.packing(w, plan.table, turned), f"panels {len(plan.steps)}"
    numbers = windows.groups * geometry.tiles * geometry.values * (packing.depth + 1) * TALL
    plan.space(panels, numbers * plan.dtype.itemsize)
    places = {"w": ("w", w_offset), "panels": panels}
    if bias is not None:
        places["bias"], packing = "bias", packing._replace(bias_step=strides(bias)[0])
    plan.add("pack", packing, places, writes=panels, products=numbers)

    work = geometry.work(x, plan.table)
    work = work._replace(**steps("y", y), x_ahead=ahead(x, work, geometry.of, 1))
    plan.space("work", work.share * parallel.MOST)
    places = {"x": "x", "y": ("y", y_offset), "panels": panels, "work": "work"}
    products = len(x) * windows.groups * geometry.products * y[0, 0].size
    plan.add("convolve", work, places, writes="y", products=products)


def _paint(plan: Plan, y: np.ndarray, bias: np.ndarray | None) -> None:
    """A step that fills ``y`` with the bias, or with zeros."""
    images, channels, planes, rows, columns = y.shape
    work = Work(images=images, outputs=channels, out_planes=planes, out_rows=rows, out_columns=columns, **steps("y", y))
    places = {"y": "y"}
    if bias is not None:
        places["panels"], work = "bias", work._replace(pitch=strides(bias)[0])
    plan.add("paint", work, places, writes="y", products=y.size)
