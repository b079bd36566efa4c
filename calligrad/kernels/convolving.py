"""Convolutions as lines of kernels: how arrays lie, in words that the kernels of ``convolution.py`` read.

Every convolution here is along planes, rows and columns, of which some may be one long. Nothing imports Numba.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from calligrad import parallel
from calligrad.kernels.cache import Kernel, compile_kernel
from calligrad.kernels.registers import REGISTERS, lanes
from calligrad.kernels.rows import TILE

TALL, WIDTH = 8 if REGISTERS == 32 else 4, 2  # of tiles: channels, and vectors of positions
CACHED = 5 * 2**15  # numbers that a thread works on at once
CHUNKS = 8  # of images, whose sums are added up apart
FEW = 2  # channels of outputs, for which nothing is worth to be turned over
TERMS = 9  # that are added up together then
SUMS = 2**21  # numbers of all of them
WORTH = 24  # products of a position, for each of its channels, that must be saved for the longer way


class Work(NamedTuple):
    """The words of ``convolve`` and ``correlate``: how a kernel goes over images, and where the arrays lie.

    Addresses count bytes, all else numbers.
    """

    images: int = 0
    groups: int = 0
    inputs: int = 0  # channels of a group
    outputs: int = 0
    out_planes: int = 0
    out_rows: int = 0
    out_columns: int = 0
    x: int = 0  # address
    x_image: int = 0  # how far it is to the next image, and so on
    x_channel: int = 0
    x_plane: int = 0
    x_row: int = 0
    x_column: int = 0
    planes: int = 0
    rows: int = 0
    image_columns: int = 0
    x_ahead: int = 0  # numbers of the next image that are asked for while one is worked on
    y: int = 0  # address
    y_image: int = 0
    y_channel: int = 0
    y_plane: int = 0
    y_row: int = 0
    y_column: int = 0
    y_ahead: int = 0
    taps: int = 0  # along planes
    plane_stride: int = 0
    plane_pad: int = 0
    plane_dilation: int = 0
    row_stride: int = 0
    row_pad: int = 0
    column_stride: int = 0
    column_pad: int = 0
    phases: int = 0  # address: of each phase its number along rows, along columns, and where its cells begin
    phase_count: int = 0
    reach: int = 0  # rows of cells that a position sees below its own
    cells: int = 0  # of a row
    pitch: int = 0  # from one plane of cells to the next
    value_pitch: int = 0  # from one plane of values to the next
    slab: int = 0  # rows (of tiles) that are laid out at once
    offsets: int = 0  # address: where each term is seen
    depth: int = 0  # terms
    panels: int = 0  # address of the packed kernel; behind it lies the bias
    work: int = 0  # address of the workspace
    share: int = 0  # bytes of it for each thread
    ints: int = 0  # of those, how many integers come first
    chunks: int = 0  # of images
    parts: int = 0  # of the outputs of a group
    shared: int = 0  # whether the taps share what is turned over of a channel
    dotted: int = 0  # whether nothing is turned over
    pairs: int = 0  # room for pairs of vectors of positions
    columns: int = 0  # vectors of sums for each channel of outputs
    sums: int = 0  # address of the sums of all chunks


class Packing(NamedTuple):
    """The words of ``pack`` and ``join``."""

    groups: int = 0
    inputs: int = 0
    outputs: int = 0
    depth: int = 0
    w: int = 0  # address
    w_group: int = 0
    w_output: int = 0
    w_tap: int = 0  # from row to row of the kernel, where rows have values
    terms: int = 0  # address: where in the kernel each term lies
    panels: int = 0  # address of the panels, or of the sums
    bias: int = 0  # address, or 0
    bias_step: int = 0
    chunks: int = 0
    shared: int = 0
    dotted: int = 0
    columns: int = 0
    work: int = 0  # address of the workspace
    share: int = 0  # bytes of it for each thread


class Step(NamedTuple):
    """A kernel, its words, and which of these are addresses: (word, name of the array, bytes from its first number)."""

    kernel: Kernel
    words: np.ndarray
    points: list[tuple[int, str, int]]
    reads: list[str]
    writes: list[str]
    products: int


@dataclass
class Plan:
    """The steps of a convolution; arrays go by the names of its arguments, spaces by names of their own."""

    steps: list[Step] = field(default_factory=list)
    spaces: dict[str, int] = field(default_factory=dict)  # bytes of memory that is needed meanwhile
    kept: list[np.ndarray] = field(default_factory=list)  # to which words point

    def space(self, name: str, numbers: int, dtype: np.dtype) -> str:
        """Ask for memory."""
        self.spaces[name] = max(self.spaces.get(name, 0), numbers * dtype.itemsize)
        return name

    def table(self, numbers: Any) -> int:
        """The address of integers."""
        self.kept.append(np.ascontiguousarray(numbers, np.int64))
        return self.kept[-1].ctypes.data

    def add(self, name: str, taps: int, dtype: np.dtype, words: NamedTuple, at: dict[str, tuple[str, int]], *, writes: str, products: int) -> None:
        """A step with the kernel of that name; ``at`` tells where the words that are addresses point to."""
        source = f"from numba import types\nfrom calligrad.kernels import convolution\n{name} = convolution.{name}({taps}, types.{dtype})\n"
        points = [(words._fields.index(word), array, offset) for word, (array, offset) in at.items()]
        names = dict.fromkeys(array for array, _ in at.values())
        reads = [array for array in names if array != writes and array != "work"]
        self.steps.append(Step(compile_kernel(source, name), np.array(words, np.int64), points, reads, [writes], products))


# ---------------------------------------------------------------- the three maps


def convolve(windows: Any, x: np.ndarray, w: np.ndarray, y: np.ndarray, bias: np.ndarray | None = None) -> Plan:
    """The plan of ``correlation.convolve``; of the arrays only shapes, strides and dtype matter."""
    plan = Plan()
    _multiply(plan, Geometry(windows), _spatial(x), _At("w", w), bias, _At("y", _spatial(y)), False)
    return plan


def spread(windows: Any, x: np.ndarray, w: np.ndarray, y: np.ndarray, bias: np.ndarray | None = None) -> Plan:
    """The plan of ``correlation.spread``, whose result is ``y``."""
    plan = Plan()
    if not windows.complete:
        _paint(plan, _spatial(y), bias)
    ones = (1,) * len(windows.out)
    for phase in windows.phases:
        _, taps, first, apart, cells, inside = zip(*phase, strict=True)
        part, seen = y[:, :, *inside], w[:, :, *taps]
        if not part.size:
            continue
        axes = zip(windows.out, part.shape[2:], seen.shape[2:], first, apart, cells, strict=True)
        padding = []
        for n, m, k, q, a, at in axes:
            before = q + (k - 1) * a - at.start
            padding.append((before, m - n - before + (k - 1) * a))
        reverse = type(windows)(windows.out, seen.shape[2:], ones, tuple(padding), apart, windows.groups)
        turned = np.flip(seen, range(2, seen.ndim))
        _multiply(plan, Geometry(reverse), _spatial(x), _At("w", turned, w), bias, _At("y", _spatial(part), y), True)
    return plan


def correlate(windows: Any, x: np.ndarray, g: np.ndarray, y: np.ndarray) -> Plan:
    """The plan of ``correlation.correlate``, whose result is ``y`` (out, in / groups, *kernel)."""
    plan, geometry, dtype = Plan(), Geometry(windows), y.dtype
    x, g = _spatial(x), _spatial(g)
    inputs, outputs = y.shape[1], y.shape[0] // windows.groups
    taps = geometry.rows_with_values(inputs, outputs)
    count = lanes(dtype)
    dotted = outputs <= FEW and not taps and g.strides[-1] == g.itemsize
    shared = geometry.taps == 1 and 2 * inputs >= count and not dotted
    work, depth = geometry.work(plan, taps, inputs, outputs, x, dtype, shared)
    blocks = -(-(inputs if shared else depth) // count)
    columns = blocks * depth // inputs if shared else blocks
    if dotted:
        columns = -(-depth // TERMS) * TERMS
    values = TILE + taps - 1 if taps else 1
    tiles = -(-outputs // TALL)
    numbers = windows.groups * values * columns * tiles * TALL * count
    chunks = max(1, min(len(x), CHUNKS, SUMS // numbers))
    parts = min(tiles, -(-CHUNKS // (chunks * windows.groups)))
    plan.space("sums", chunks * numbers, dtype)
    work = work._replace(x_ahead=_ahead(x, work, windows.groups), y_ahead=_ahead(g, work, windows.groups))
    work = work._replace(**_steps("y", g), chunks=chunks, parts=parts, shared=int(shared), dotted=int(dotted), columns=columns)
    products = g.size * inputs * math.prod(windows.kernel)
    at = {"x": ("x", 0), "y": ("g", 0), "sums": ("sums", 0), "work": ("work", 0)}
    plan.add("correlate", taps, dtype, work, at, writes="sums", products=products)
    packing = _packing(plan, _At("y", y), windows.groups, False, taps)._replace(
        chunks=chunks, shared=int(shared), dotted=int(dotted), columns=columns, share=work.share
    )
    at = {"w": ("y", 0), "panels": ("sums", 0), "work": ("work", 0)}
    plan.add("join", taps, dtype, packing, at, writes="y", products=chunks * numbers)
    return plan


# ---------------------------------------------------------------- words


class _At:
    """An array that is a view of another: how it lies, and where it begins."""

    def __init__(self, name: str, view: np.ndarray, whole: np.ndarray | None = None) -> None:
        self.name, self.view = name, view
        self.offset = 0 if whole is None else view.ctypes.data - whole.ctypes.data


def _spatial(x: np.ndarray) -> np.ndarray:
    """The view (image, channel, plane, row, column)."""
    return x.reshape(x.shape) if x.ndim == 5 else x[:, :, *[None] * (5 - x.ndim)]


def _ahead(x: np.ndarray, work: Work, groups: int = 1) -> int:
    """The numbers of an image (or of its group) that may be asked for ahead: if it is laid out at once, and dense."""
    at_once = work.planes == work.out_planes == 1 and work.slab >= work.out_rows // TILE
    dense = x.strides[1:] == np.empty(x.shape[1:], x.dtype).strides and x.strides[0] == x[0].nbytes
    return x[0].size // groups if at_once and dense else 0


def _strides(x: np.ndarray) -> list[int]:
    return [stride // x.itemsize for stride in x.strides]


def _steps(name: str, x: np.ndarray) -> dict[str, int]:
    axes = ("image", "channel", "plane", "row", "column")
    return {f"{name}_{axis}": step for axis, step in zip(axes, _strides(x), strict=True)}


class Geometry:
    """How a kernel goes over planes, rows and columns."""

    def __init__(self, windows: Any) -> None:
        self.windows, more = windows, 3 - len(windows.out)
        self.size = (*[1] * more, *windows.size)
        self.kernel = (*[1] * more, *windows.kernel)
        self.stride = (*[1] * more, *windows.stride)
        self.pad = (*[0] * more, *(before for before, _ in windows.padding))
        self.dilation = (*[1] * more, *windows.dilation)
        self.out = (*[1] * more, *windows.out)
        self.taps = self.kernel[0]

    def rows_with_values(self, inputs: int, outputs: int) -> int:
        """The taps along rows if fewer products, of values, pay; otherwise 0."""
        taps, rows = self.kernel[1], self.out[1]
        if self.taps > 1 or taps != 3 or max(self.stride) > 1 or self.dilation[1] > 1:
            return 0
        left = -(-rows // TILE) * (TILE + taps - 1) / (rows * taps)  # of the products
        saved = (1 - left) * inputs * outputs * math.prod(self.kernel)
        return taps if saved > WORTH * (inputs + outputs) else 0

    def phases(self) -> list[tuple[int, int]]:
        """The phases along rows and columns that some tap sees."""
        along = [
            sorted({t * d % s for t in range(k)})
            for k, s, d in zip(self.kernel[1:], self.stride[1:], self.dilation[1:], strict=True)
        ]
        return [(i, j) for i in along[0] for j in along[1]]

    def work(self, plan: Plan, taps: int, inputs: int, outputs: int, x: np.ndarray, dtype: np.dtype, turned: bool | None) -> tuple[Work, int]:
        """Most of the words, and the number of terms. ``turned`` tells whether taps share what is turned over, if it is."""
        phases, count = self.phases(), lanes(dtype)
        (_, k1, k2), (_, s1, s2), (_, d1, d2) = self.kernel, self.stride, self.dilation
        of, values = (TILE, TILE + taps - 1) if taps else (1, 1)
        rows, columns = -(-self.out[1] // of), self.out[2]
        reach, cells = d1 * (k1 - 1) // s1, columns + d2 * (k2 - 1) // s2
        planes = inputs * self.taps
        row = planes * len(phases) * cells * of + (planes * values * cells if taps else 0)  # numbers of a grid
        depth = planes * (k2 if taps else k1 * k2)
        if turned is not None:
            row += cells * (inputs if turned else depth) + (values * outputs * columns if taps else 0)
        slab = max(1, min(rows, CACHED // row))
        if len(x) * self.out[0] < CHUNKS:
            slab = min(slab, -(-rows // CHUNKS))
        slab = -(-rows // -(-rows // slab))
        height = of * slab + reach
        pitch, value_pitch = _apart(len(phases) * height * cells), _apart(slab * cells) if taps else 0
        offsets = np.arange(planes)[:, None, None] * (value_pitch if taps else pitch)
        if taps:
            offsets = offsets + np.arange(k2) * d2
        else:
            index = {phase: i * height * cells for i, phase in enumerate(phases)}
            far1, far2 = np.arange(k1) * d1, np.arange(k2) * d2
            begin = np.array([[index[i % s1, j % s2] for j in far2.tolist()] for i in far1.tolist()])
            offsets = offsets + begin + (far1 // s1 * cells)[:, None] + far2 // s2
        pairs = slab * -(-cells // count) + 1
        ints = 12 * pairs + 4 * slab + depth + 64
        ints = -(-ints // 8) * 8
        numbers = (values + of) * TALL * WIDTH * count + planes * (pitch + values * value_pitch) + 16 * count
        if turned is not None:
            run = (value_pitch if taps else pitch) if turned else slab * cells
            numbers += ((inputs if turned else depth) + count) * (run + count)
            if taps:
                numbers += (of + values * outputs * slab + 1) * (columns + count)
        share = 1 << (8 * ints + numbers * dtype.itemsize).bit_length()  # of few sizes, so that plans can share them
        plan.space("work", share * parallel.MOST, np.dtype(np.uint8))
        table = [(i, j, n * height * cells) for n, (i, j) in enumerate(phases)]
        return Work(
            images=len(x), groups=self.windows.groups, inputs=inputs, outputs=outputs,
            out_planes=self.out[0], out_rows=self.out[1], out_columns=columns, **_steps("x", x),
            planes=self.size[0], rows=self.size[1], image_columns=self.size[2],
            taps=self.taps, plane_stride=self.stride[0], plane_pad=self.pad[0], plane_dilation=self.dilation[0],
            row_stride=s1, row_pad=self.pad[1], column_stride=s2, column_pad=self.pad[2],
            phases=plan.table(table), phase_count=len(phases), reach=reach, cells=cells, pitch=pitch,
            value_pitch=value_pitch, slab=slab, offsets=plan.table(offsets.ravel()), depth=depth, share=share, ints=ints, pairs=pairs,
        ), depth  # fmt: skip


def _apart(numbers: int) -> int:
    """An odd number of lines of the cache, and some more numbers than are needed."""
    return ((numbers + 31) // 16 | 1) * 16


def _packing(plan: Plan, w: _At, groups: int, turned: bool, taps: int) -> Packing:
    """The words that tell how a kernel (out, in / groups, *kernel) lies; if ``turned``, its inputs are what is made."""
    view = w.view[:, :, *[None] * (5 - w.view.ndim)]
    steps = _strides(view)
    count = view.shape[0] // groups
    rows, terms = (view.shape[1], count) if turned else (count, view.shape[1])
    row, term = (steps[1], steps[0]) if turned else (steps[0], steps[1])
    kernel = view.shape[2:] if not taps else (1, 1, view.shape[4])
    far: Any = np.arange(terms)[:, None, None, None] * term
    for axis in range(3):
        far = far + (np.arange(kernel[axis]) * steps[2 + axis]).reshape([-1 if i == axis else 1 for i in range(3)])
    return Packing(
        groups=groups, inputs=terms, outputs=rows, depth=far.size, w_group=count * steps[0], w_output=row,
        w_tap=steps[3], terms=plan.table(far.ravel()),
    )  # fmt: skip


def _multiply(plan: Plan, geometry: Geometry, x: np.ndarray, w: _At, bias: np.ndarray | None, y: _At, turned: bool) -> None:
    """The steps of one convolution of ``x``."""
    groups, dtype = geometry.windows.groups, y.view.dtype
    inputs, outputs = x.shape[1] // groups, y.view.shape[1] // groups
    taps = geometry.rows_with_values(inputs, outputs)
    packing = _packing(plan, w, groups, turned, taps)
    values, tiles = TILE + taps - 1 if taps else 1, -(-outputs // TALL)
    panels = f"panels {len(plan.steps)}"
    numbers = groups * tiles * values * (packing.depth + 1) * TALL
    plan.space(panels, numbers, dtype)
    at = {"w": ("w", w.offset), "panels": (panels, 0)}
    if bias is not None:
        packing = packing._replace(bias_step=_strides(bias)[0])
        at["bias"] = ("bias", 0)
    plan.add("pack", taps, dtype, packing, at, writes=panels, products=numbers)
    work, _ = geometry.work(plan, taps, inputs, outputs, x, dtype, None)
    work = work._replace(**_steps("y", y.view), x_ahead=_ahead(x, work))
    at = {"x": ("x", 0), "y": ("y", y.offset), "panels": (panels, 0), "work": ("work", 0)}
    products = y.view.size * inputs * math.prod(geometry.kernel)
    plan.add("convolve", taps, dtype, work, at, writes="y", products=products)


def _paint(plan: Plan, y: np.ndarray, bias: np.ndarray | None) -> None:
    """A step that fills ``y`` with the bias, or with zeros."""
    images, channels, planes, rows, columns = y.shape
    work = Work(images=images, outputs=channels, out_planes=planes, out_rows=rows, out_columns=columns, **_steps("y", y))
    at = {"y": ("y", 0)}
    if bias is not None:
        at["panels"] = ("bias", 0)
        work = work._replace(pitch=_strides(bias)[0])
    plan.add("paint", 0, y.dtype, work, at, writes="y", products=y.size)
