"""How a kernel goes over images, as its words tell: what ``convolution.py`` reads, and ``convolving.py`` fills in.

Every convolution is one along planes, rows and columns here, of which those that there are not are one long.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from calligrad.kernels.registers import REGISTERS, lanes
from calligrad.kernels.rows import TILE, matrices

TALL, WIDTH = 8 if REGISTERS == 32 else 4, 2  # of tiles: channels of outputs, and vectors of positions
TERMS = 9  # of a kernel, whose products with one channel are added up together
CACHED = 5 * 2**15  # numbers that a thread works on at once
LEAST = 128  # positions of a slab, if there are more
UNITS = 8  # of work, at least, for the threads
ROW_TAPS = (3, 5)  # of a column of a kernel, for which values of rows are used, see ``rows.py``
WORTH = 40  # products of a position, for each of its channels, that these must save
PACKED = 100  # products of all positions, for each number of the panels, that these must save


class Work(NamedTuple):
    """The words of ``convolve`` and ``correlate``. Addresses and shares count bytes, all else numbers."""

    images: int = 0
    groups: int = 0
    inputs: int = 0  # channels of a group
    outputs: int = 0
    out_planes: int = 0
    out_rows: int = 0
    out_columns: int = 0
    x: int = 0  # address of the images
    x_image: int = 0  # how far it is to the next image, and so on
    x_channel: int = 0
    x_plane: int = 0
    x_row: int = 0
    x_column: int = 0
    x_ahead: int = 0  # numbers of the next image that are asked for while one is worked on
    y: int = 0  # address of the outputs
    y_image: int = 0
    y_channel: int = 0
    y_plane: int = 0
    y_row: int = 0
    y_column: int = 0
    y_ahead: int = 0
    planes: int = 0  # of the images
    rows: int = 0
    image_columns: int = 0
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
    row_taps: int = 0  # for which values of rows are used, or 0: then a row is its only value
    values: int = 0
    of: int = 0  # rows of outputs that are a row of tiles
    slab: int = 0  # rows (of tiles) that are laid out at once
    offsets: int = 0  # address: where each term is seen
    depth: int = 0  # terms
    panels: int = 0  # address of the packed kernel; behind it lies the bias
    pairs: int = 0  # room for pairs of vectors of positions
    work: int = 0  # address of the workspace
    share: int = 0  # of it for each thread
    ints: int = 0  # integers at the beginning of a share
    chunks: int = 0  # of images, each with sums of its own
    parts: int = 0  # of the outputs of a group
    shared: int = 0  # whether the taps share what is turned over of a channel
    dotted: int = 0  # whether nothing is turned over
    columns: int = 0  # vectors of sums for each channel of outputs
    sums: int = 0  # address of the sums of all chunks


class Packing(NamedTuple):
    """The words of ``pack`` and ``join``."""

    groups: int = 0
    inputs: int = 0
    outputs: int = 0
    depth: int = 0
    w: int = 0  # address of the kernel
    w_group: int = 0  # how far it is to the next group, and so on
    w_output: int = 0
    w_row: int = 0
    rows: int = 0  # of taps that are made values
    values: int = 0
    matrix: int = 0  # address: how, in float64
    terms: int = 0  # address: where in the kernel each term lies
    panels: int = 0  # address of the panels, or of the sums
    bias: int = 0  # address, or 0
    bias_step: int = 0
    chunks: int = 0
    shared: int = 0
    dotted: int = 0
    columns: int = 0
    work: int = 0
    share: int = 0


def spatial(x: np.ndarray) -> np.ndarray:
    """The view (image, channel, plane, row, column)."""
    return x[:, :, *[None] * (5 - x.ndim)]


def strides(x: np.ndarray) -> list[int]:
    """The strides in numbers."""
    return [stride // x.itemsize for stride in x.strides]


def steps(name: str, x: np.ndarray) -> dict[str, int]:
    """The words that tell how an array (image, channel, plane, row, column) lies."""
    axes = ("image", "channel", "plane", "row", "column")
    return {f"{name}_{axis}": step for axis, step in zip(axes, strides(x), strict=True)}


def ahead(x: np.ndarray, work: Work, of: int, groups: int) -> int:
    """How many numbers of an image, or of a group, may be asked for ahead: all if it is laid out at once, and dense."""
    at_once = work.planes == work.out_planes == 1 and work.slab * of >= work.out_rows
    dense = x.strides[1:] == np.empty(x.shape[1:], x.dtype).strides and x.strides[0] == x[0].nbytes
    return x[0].size // groups if at_once and dense else 0


class Geometry:
    """How a kernel goes over so many images, with so many channels of a group."""

    def __init__(self, windows: Any, images: int, inputs: int, outputs: int) -> None:
        more = 3 - len(windows.out)
        ones = (1,) * more
        self.groups, self.inputs, self.outputs = windows.groups, inputs, outputs
        self.size, self.kernel, self.out = (*ones, *windows.size), (*ones, *windows.kernel), (*ones, *windows.out)
        self.stride, self.dilation = (*ones, *windows.stride), (*ones, *windows.dilation)
        self.pad = (*[0] * more, *(before for before, _ in windows.padding))
        self.products = inputs * outputs * math.prod(self.kernel)  # of a position, in a group
        self.taps = self.kernel[1] if self._values_pay(images * math.prod(self.out)) else 0
        self.of, self.values = (TILE, TILE + self.taps - 1) if self.taps else (1, 1)
        self.tiles = -(-outputs // TALL)

    def _values_pay(self, positions: int) -> bool:
        """Whether values of rows, and so fewer products, are worth it."""
        taps, rows = self.kernel[1], self.out[1]
        if self.kernel[0] > 1 or taps not in ROW_TAPS or max(self.stride) > 1 or self.dilation[1] > 1:
            return False
        left = -(-rows // TILE) * (TILE + taps - 1) / (rows * taps)  # of the products
        saved, panels = (1 - left) * self.products, self.products // taps * (TILE + taps - 1)
        return saved > WORTH * (self.inputs + self.outputs) and saved * positions > PACKED * panels

    @property
    def depth(self) -> int:
        """The terms of a sum."""
        return self.inputs * math.prod(self.kernel) // max(1, self.taps)

    def work(self, x: np.ndarray, table: Any, turned: int = 0) -> Work:
        """The words that do not depend on what is computed; ``table`` keeps tables and tells their addresses.

        For gradients, ``turned`` is how many rows of the grid are turned over.
        """
        _, k1, k2 = self.kernel
        _, s1, s2 = self.stride
        _, d1, d2 = self.dilation
        of, values, count = self.of, self.values, lanes(x.dtype)
        rows, columns, planes = -(-self.out[1] // of), self.out[2], self.inputs * self.kernel[0]
        reach, cells = d1 * (k1 - 1) // s1, columns + d2 * (k2 - 1) // s2
        phases = [(i, j) for i in _phases(k1, s1, d1) for j in _phases(k2, s2, d2)]
        row = planes * cells * len(phases) * of + turned * cells
        if self.taps:
            row += planes * cells * values + (values * self.outputs * columns if turned else 0)
        slab = max(1, min(rows, CACHED // row))
        if not turned:  # of a few images, several slabs, which are no less than some vectors
            parts = -(-UNITS // (len(x) * self.out[0]))
            slab = min(slab, max(-(-rows // parts), -(-LEAST // columns)))
        slab = -(-rows // -(-rows // slab))
        height = of * slab + reach
        pitch, value_pitch = _apart(len(phases) * height * cells), _apart(slab * cells) if self.taps else 0
        along = np.arange(k2) * d2
        if self.taps:
            seen = along
        else:
            begin = {phase: i * height * cells for i, phase in enumerate(phases)}
            down = np.arange(k1) * d1
            seen = np.array([[begin[i % s1, j % s2] for j in along.tolist()] for i in down.tolist()])
            seen = (seen + (down // s1 * cells)[:, None] + along // s2).ravel()
        offsets = np.arange(planes)[:, None] * (value_pitch if self.taps else pitch) + seen
        pairs = slab * -(-cells // count) + 1
        ints = -(-(12 * pairs + 4 * slab + self.depth + 64) // 8) * 8
        numbers = (values + of) * TALL * WIDTH * count + planes * (pitch + values * value_pitch) + 16 * count
        if turned:
            numbers += (turned + count) * (max(pitch, slab * cells) + count)
            numbers += (of + values * self.outputs * slab + 1) * (columns + count) if self.taps else 0
        share = 1 << (8 * ints + numbers * x.itemsize).bit_length()  # of few sizes, so that several can share them
        return Work(
            images=len(x), groups=self.groups, inputs=self.inputs, outputs=self.outputs,
            out_planes=self.out[0], out_rows=self.out[1], out_columns=columns, **steps("x", x),
            planes=self.size[0], rows=self.size[1], image_columns=self.size[2],
            taps=self.kernel[0], plane_stride=self.stride[0], plane_pad=self.pad[0], plane_dilation=self.dilation[0],
            row_stride=s1, row_pad=self.pad[1], column_stride=s2, column_pad=self.pad[2],
            phases=table([(i, j, n * height * cells) for n, (i, j) in enumerate(phases)]), phase_count=len(phases),
            reach=reach, cells=cells, pitch=pitch, value_pitch=value_pitch, slab=slab,
            row_taps=self.taps, values=values, of=of,
            offsets=table(offsets.ravel()), depth=self.depth, pairs=pairs, share=share, ints=ints,
        )  # fmt: skip

    def packing(self, w: np.ndarray, table: Any, turned: bool) -> Packing:
        """How a kernel (out, in / groups, *kernel) lies; if ``turned``, what are its inputs are the outputs here."""
        steps = strides(spatial(w))
        row, term = (steps[1], steps[0]) if turned else (steps[0], steps[1])
        planes, rows, columns = self.kernel
        matrix = matrices(self.taps)[1] if self.taps else np.ones((1, 1))
        near = (range(planes), range(1 if self.taps else rows), range(columns))
        places = [i * steps[2] + j * steps[3] + k * steps[4] for i in near[0] for j in near[1] for k in near[2]]
        return Packing(
            groups=self.groups, inputs=self.inputs, outputs=self.outputs, depth=self.depth,
            w_group=len(w) // self.groups * steps[0], w_output=row, w_row=steps[3],
            rows=max(1, self.taps), values=self.values, matrix=table(matrix.view(np.int64)),
            terms=table((np.arange(self.inputs)[:, None] * term + places).ravel()),
        )  # fmt: skip


def _phases(kernel: int, stride: int, dilation: int) -> list[int]:
    """The phases along one axis that some tap sees."""
    return sorted({tap * dilation % stride for tap in range(kernel)})


def _apart(numbers: int) -> int:
    """An odd number of lines of the cache, and some more numbers than are needed."""
    return ((numbers + 31) // 16 | 1) * 16
