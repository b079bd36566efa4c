"""Images laid out for convolutions, a group of channels at a time, in memory that stays in the processor's cache.

A *grid* holds all that some rows of outputs see: with zeros around the images, and split into the phases of the stride
(for a stride of 2: the even and the odd numbers), so that what a tap of the kernel sees is a plain shift of one phase.
Positions of the kernel are counted along the rows of the grid.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from calligrad.kernels.apart import load_apart
from calligrad.kernels.geometry import Packing, Work
from calligrad.kernels.registers import INT, function_of
from calligrad.kernels.rows import matrices
from calligrad.kernels.seen import combine
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import load, load_first, offset, pointer, store, width


def _words(count: int) -> Callable:
    """The intrinsic that reads so many words as a tuple."""

    @intrinsic
    def words(typing, args):
        result = types.UniTuple(types.int64, count)

        def emit(context, builder, signature, values):
            read = [builder.load(builder.gep(values[0], [INT(i)])) for i in range(count)]
            return context.make_tuple(builder, result, read)

        return result(args), emit

    return words


work_words, packing_words = _words(len(Work._fields)), _words(len(Packing._fields))


@intrinsic
def fetch(typing, p, i):
    """``fetch(p, i)``: asks for what lies at ``p + i``, so that it is in the cache when it is read."""

    def emit(context, builder, signature, values):
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.bitcast(builder.gep(values[0], [values[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        builder.call(function_of(builder.module, "llvm.prefetch.p0", kind), [place, number(0), number(2), number(1)])
        return context.get_dummy_value()

    return types.void(p, types.int64), emit


@compiled
def fetch_part(p, numbers, part, parts):
    """Asks for one of so many parts of the numbers at ``p``."""
    for i in range(numbers * part // parts, numbers * (part + 1) // parts, width(p)):
        fetch(p, i)


@compiled
def clear(p, count):
    """Writes zeros, in whole vectors."""
    zeros = load_first(p, 0, 0)
    for i in range(0, count, width(p)):
        store(p, i, zeros)


@compiled
def copy_row(x, step, out, count):
    """A row, with zeros behind it that fill the last vector."""
    lanes = width(x)
    if step == 1:
        for i in range(0, count - lanes + 1, lanes):
            store(out, i, load(x, i))
        if count % lanes:
            store(out, count - count % lanes, load_first(x, count - count % lanes, count % lanes))
    elif step == 2:
        for i in range(0, count, lanes):
            store(out, i, load_apart(offset(x, 2 * i), min(lanes, count - i)))
    else:
        for i in range(count):
            out[i] = x[i * step]
        clear(offset(out, count), -count % lanes)


@compiled
def lay(c, x, plane, first, height, grid, clean):
    """The grid for the rows of outputs from ``first`` on, ``height`` rows of cells; ``clean`` if zeros are there."""
    phases = pointer(c.phases, types.int64)
    if not clean:
        clear(grid, c.inputs * c.taps * c.pitch)
    for channel in range(c.inputs):
        for tap in range(c.taps):
            z = plane * c.plane_stride + tap * c.plane_dilation - c.plane_pad
            if not 0 <= z < c.planes:
                continue
            for phase in range(c.phase_count):
                row, column, at = phases[3 * phase], phases[3 * phase + 1], phases[3 * phase + 2]
                row += first * c.row_stride - c.row_pad
                column -= c.column_pad
                start, left = max(0, -(column // c.column_stride)), max(0, -(row // c.row_stride))
                end = min(c.cells, -((column - c.image_columns) // c.column_stride))
                bottom = min(height, -((row - c.rows) // c.row_stride))
                row, column = row + left * c.row_stride, column + start * c.column_stride
                seen = offset(x, channel * c.x_channel + z * c.x_plane + row * c.x_row + column * c.x_column)
                out = offset(grid, (channel * c.taps + tap) * c.pitch + at + left * c.cells + start)
                count, step, far = end - start, c.column_stride * c.x_column, c.row_stride * c.x_row
                if count == c.cells == far and step == 1:
                    copy_row(seen, 1, out, max(0, bottom - left) * count)
                elif count > 0:
                    for i in range(bottom - left):
                        copy_row(offset(seen, i * far), step, offset(out, i * c.cells), count)


# ---------------------------------------------------------------- values of rows


def _transforms(taps: int) -> tuple[Callable, Callable, Callable]:
    """What makes values of inputs, rows of values, and values of outputs."""
    of_inputs, _, of_outputs = matrices(taps)
    named = (f"inputs.{taps}", of_inputs), (f"rows.{taps}", of_outputs.T), (f"outputs.{taps}", of_outputs)
    inputs, rows, outputs = (combine(name, matrix.tolist()) for name, matrix in named)
    return inputs, rows, outputs


_inputs3, _rows3, _outputs3 = _transforms(3)
_inputs5, _rows5, _outputs5 = _transforms(5)


@compiled
def values_of_inputs(taps, x, x_row, out, out_row):
    """Makes vectors of values of a tile's rows of inputs."""
    if taps == 3:
        _inputs3(x, x_row, out, out_row)
    else:
        _inputs5(x, x_row, out, out_row)


@compiled
def rows_of_values(taps, x, x_row, out, out_row):
    """Makes vectors of a tile's rows of outputs of their values."""
    if taps == 3:
        _rows3(x, x_row, out, out_row)
    else:
        _rows5(x, x_row, out, out_row)


@compiled
def values_of_outputs(taps, x, x_row, out, out_row):
    """Makes vectors of values of a tile's rows of outputs."""
    if taps == 3:
        _outputs3(x, x_row, out, out_row)
    else:
        _outputs5(x, x_row, out, out_row)


@compiled
def make_values(c, grid, rows, out):
    """Grids of values of a grid: (values, channels, rows of tiles, cells)."""
    lanes = width(grid)
    for channel in range(c.inputs):
        for row in range(rows):
            seen = offset(grid, channel * c.pitch + c.of * row * c.cells)
            made = offset(out, channel * c.value_pitch + row * c.cells)
            for i in range(0, c.cells, lanes):
                values_of_inputs(c.row_taps, offset(seen, i), c.cells, offset(made, i), c.inputs * c.value_pitch)
