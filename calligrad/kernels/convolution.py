"""Convolution."""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from calligrad.kernels.convolving import Work
from calligrad.kernels.registers import INT
from calligrad.kernels.seen import LOW, TALL, WIDTH, pair, see, turn
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import load, load_first, offset, pointer, store, store_first, width, broadcast, add

WORDS = len(Work._fields)
ALIGNED = 16  # numbers


@intrinsic
def words(typing, args):
    """All words as a tuple."""
    result = types.UniTuple(types.int64, WORDS)

    def emit(context, builder, signature, values):
        read = [builder.load(builder.gep(values[0], [INT(i)])) for i in range(WORDS)]
        return context.make_tuple(builder, result, read)

    return result(args), emit


# ---------------------------------------------------------------- images become grids


@compiled
def clear(p, count):
    """Zeros, and perhaps some more to a whole vector."""
    zero = broadcast(p[0] * 0) if False else load_first(p, 0, 0)
    for i in range(0, count, width(p)):
        store(p, i, zero)


@compiled
def lay_row(x, step, out, start, end, cells):
    """Cells ``start`` to ``end`` from x, and zeros around them; what lies behind may be overwritten with zeros."""
    if end <= start:
        clear(out, cells)
        return
    lanes = width(x)
    clear(out, start)
    count = end - start
    if step == 1:
        for i in range(0, count, lanes):
            if i + lanes <= count:
                store(out, start + i, load(x, i))
            else:
                store(out, start + i, load_first(x, i, count - i))
        done = start + (count + lanes - 1) // lanes * lanes
    else:
        for i in range(count):
            out[start + i] = x[i * step]
        done = end
    if done < cells:
        clear(offset(out, done), cells - done)


@compiled
def lay(c, x, plane, first, cell_rows, grid):
    """The cells that the positions of some rows see, of all channels of a group."""
    for channel in range(c.inputs):
        for tap in range(c.taps):
            z = plane * c.plane_stride + tap * c.plane_dilation - c.plane_pad
            source = offset(x, channel * c.x_channel + z * c.x_plane)
            target = offset(grid, (channel * c.taps + tap) * c.pitch)
            phases = pointer(c.phases, types.int64)
            for phase in range(c.phase_count):
                row_number, column_number, at = phases[3 * phase], phases[3 * phase + 1], phases[3 * phase + 2]
                left = column_number - c.column_pad
                start = max(0, -(left // c.column_stride))
                end = max(start, min(c.cells, -((left - c.columns) // c.column_stride)))
                left += start * c.column_stride
                for i in range(cell_rows):
                    row = (first + i) * c.row_stride + row_number - c.row_pad
                    out = offset(target, at + i * c.cells)
                    inside = 0 <= row < c.rows and 0 <= z < c.planes
                    lay_row(
                        offset(source, row * c.x_row + left * c.x_column), c.column_stride * c.x_column, out,
                        start, end if inside else start, c.cells,
                    )


# ---------------------------------------------------------------- outputs


@compiled
def find_pieces(start, lane, rows, cells, columns, wraps, lanes, pieces, count):
    """The pieces of output rows that a vector of positions along the grid holds: (lane, length, row, column) of each."""
    row = start // cells
    column = start - row * cells
    end = lane + lanes
    while lane < end and row < rows:
        length = min(end - lane, columns - column)
        if length > 0:
            pieces[4 * count] = lane
            pieces[4 * count + 1] = length
            pieces[4 * count + 2] = row
            pieces[4 * count + 3] = column
            count += 1
        if not wraps:
            break
        lane += cells - column
        row += 1
        column = 0
    return count


@compiled
def put(c, sums, rows, pieces, count, y):
    """The numbers of a tile to where they belong."""
    lanes = width(sums)
    for piece in range(count):
        lane, length = pieces[4 * piece], pieces[4 * piece + 1]
        at = pieces[4 * piece + 2] * c.y_row + pieces[4 * piece + 3] * c.y_column
        if c.y_column == 1:
            for i in range(rows):
                store_first(y, i * c.y_channel + at, load(sums, i * WIDTH * lanes + lane), length)
        else:
            for i in range(rows):
                for j in range(length):
                    y[i * c.y_channel + at + j * c.y_column] = sums[i * WIDTH * lanes + lane + j]


@compiled
def _convolve(thread, threads, args, dtype):
    c = Work(*words(args))
    work = c.work + thread * c.share
    pieces = pointer(work, types.int64)
    sums = offset(pointer(work, dtype), 2048)
    lanes = width(sums)
    grid = offset(sums, c.values * TALL * WIDTH * lanes + lanes)
    panels = pointer(c.panels, dtype)
    tiles = (c.outputs + TALL - 1) // TALL
    biases = offset(panels, c.groups * c.values * tiles * c.depth * TALL)
    offsets = pointer(c.offsets, types.int64)
    slabs = (c.out_rows + c.slab - 1) // c.slab
    units = c.images * c.out_planes * slabs
    for unit in range(units * thread // threads, units * (thread + 1) // threads):
        image, slab = unit // (c.out_planes * slabs), unit % slabs
        plane = unit // slabs % c.out_planes
        first = slab * c.slab
        rows = min(c.slab, c.out_rows - first)
        wide = (c.out_columns + lanes - 1) // lanes
        flat = ((rows - 1) * c.cells + c.out_columns + lanes - 1) // lanes
        wraps = flat < rows * wide
        vectors = flat if wraps else rows * wide
        for group in range(c.groups):
            x = offset(pointer(c.x, dtype), image * c.x_image + group * c.inputs * c.x_channel)
            y = offset(
                pointer(c.y, dtype),
                image * c.y_image + group * c.outputs * c.y_channel + plane * c.y_plane + first * c.y_row,
            )
            lay(c, x, plane, first, rows + c.reach, grid)
            for vector in range(0, vectors, WIDTH):
                next = min(vector + 1, vectors - 1)
                start = vector * lanes if wraps else vector // wide * c.cells + vector % wide * lanes
                start_next = next * lanes if wraps else next // wide * c.cells + next % wide * lanes
                count = find_pieces(start, 0, rows, c.cells, c.out_columns, wraps, lanes, pieces, 0)
                whole = count == 1 and pieces[1] == lanes and c.y_column == 1
                if next > vector:
                    count = find_pieces(start_next, lanes, rows, c.cells, c.out_columns, wraps, lanes, pieces, count)
                    whole = whole and count == 2 and pieces[5] == lanes
                for tile in range(tiles):
                    channels = min(TALL, c.outputs - tile * TALL)
                    weights = offset(panels, (group * tiles + tile) * c.depth * TALL)
                    bias = offset(biases, (group * tiles + tile) * TALL)
                    out = offset(y, tile * TALL * c.y_channel)
                    if whole and channels == TALL and next > vector:
                        see(weights, bias, offset(grid, start), offset(grid, start_next), offsets, c.depth,
                            offset(out, pieces[2] * c.y_row + pieces[3]), offset(out, pieces[6] * c.y_row + pieces[7]), c.y_channel, channels)
                    else:
                        see(weights, bias, offset(grid, start), offset(grid, start_next), offsets, c.depth,
                            sums, offset(sums, lanes), WIDTH * lanes, channels)
                        put(c, sums, channels, pieces, count, out)


@compiled
def convolve_float32(thread, threads, args):
    """Convolve."""
    _convolve(thread, threads, args, types.float32)
