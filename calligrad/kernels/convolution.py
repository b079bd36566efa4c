"""Convolution: the kernels of ``convolving.py``.

Images are laid out as a *grid*, one at a time, in memory that stays in the processor's cache: with zeros around them,
and split into the phases of the stride, so that what a tap of the kernel sees is a plain shift of one phase. Positions
are counted along the rows of the grid; ``seen.py`` adds up, for two vectors of them, what all taps see.

With fewer products: of each four rows of outputs, values of polynomials are reckoned instead, see ``rows.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from numba import types
from numba.extending import intrinsic

from calligrad.kernels.convolving import Packing, Work
from calligrad.kernels.registers import INT
from calligrad.kernels.rows import TILE, matrices
from calligrad.kernels.seen import TALL, TERMS, WIDTH, combine, dot, pair, see, turn
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import add, load, load_first, offset, pointer, store, store_first, total, width

POSITIONS = 160  # about so many are added up for all taps before others: their numbers stay in the first-level cache


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


_work, _packing = _words(len(Work._fields)), _words(len(Packing._fields))


# ---------------------------------------------------------------- grids


@compiled
def clear(p, count):
    """Writes zeros, in whole vectors."""
    zeros = load_first(p, 0, 0)
    for i in range(0, count, width(p)):
        store(p, i, zeros)


@compiled
def lay_row(x, step, out, start, end, cells):
    """Cells ``start`` to ``end`` of a row from ``x``, and zeros around them; less than a vector behind is written, too."""
    if end <= start:
        clear(out, cells)
        return
    lanes, count, done = width(x), end - start, end
    clear(out, start)
    if step == 1:
        for i in range(0, count, lanes):
            store(out, start + i, load(x, i) if i + lanes <= count else load_first(x, i, count - i))
        done = start + (count + lanes - 1) // lanes * lanes
    else:
        for i in range(count):
            out[start + i] = x[i * step]
    if done < cells:
        clear(offset(out, done), cells - done)


@compiled
def lay(c, x, plane, first, cell_rows, grid):
    """The grid for the rows of outputs from ``first`` on: all that they see of the channels of a group."""
    phases = pointer(c.phases, types.int64)
    for channel in range(c.inputs):
        for tap in range(c.taps):
            z = plane * c.plane_stride + tap * c.plane_dilation - c.plane_pad
            source = offset(x, channel * c.x_channel + z * c.x_plane)
            target = offset(grid, (channel * c.taps + tap) * c.pitch)
            for phase in range(c.phase_count):
                row, column, at = phases[3 * phase], phases[3 * phase + 1], phases[3 * phase + 2]
                row += first * c.row_stride - c.row_pad
                column -= c.column_pad
                start = max(0, -(column // c.column_stride))
                end = max(start, min(c.cells, -((column - c.columns) // c.column_stride)))
                column += start * c.column_stride
                for i in range(cell_rows):
                    inside = 0 <= row < c.rows and 0 <= z < c.planes
                    seen = offset(source, row * c.x_row + column * c.x_column)
                    step, out = c.column_stride * c.x_column, offset(target, at + i * c.cells)
                    lay_row(seen, step, out, start, end if inside else start, c.cells)
                    row += c.row_stride


# ---------------------------------------------------------------- outputs


PAIR = 4  # words for two vectors: the cells of their first positions, the first and the end of their pieces
PIECE = 4  # words


@compiled
def find_vectors(c, rows, lanes, table):
    """Lists pairs of vectors of positions, and from word ``PAIR * c.pairs`` on their pieces; how many pairs there are.

    Vectors go on along the grid, or begin anew with each row of outputs, whichever takes fewer.
    """
    wide, flat = (c.out_columns + lanes - 1) // lanes, ((rows - 1) * c.cells + c.out_columns + lanes - 1) // lanes
    wraps = flat < rows * wide
    vectors, pieces, count = flat if wraps else rows * wide, offset(table, PAIR * c.pairs), 0
    pairs = (vectors + WIDTH - 1) // WIDTH
    for i in range(pairs):
        pair = offset(table, PAIR * i)
        pair[2] = count
        for j in range(WIDTH):
            vector = min(WIDTH * i + j, vectors - 1)
            pair[j] = vector * lanes if wraps else vector // wide * c.cells + vector % wide * lanes
            if vector == WIDTH * i + j:
                count = find_pieces(c, pair[j], rows, wraps, j * lanes, lanes, pieces, count)
        pair[3] = count
    return pairs


@compiled
def find_pieces(c, start, rows, wraps, lane, lanes, pieces, count):
    """Adds to a list of ``count`` pieces those that a vector holds of rows of outputs: lane, length, row and column."""
    row = start // c.cells
    column, end = start - row * c.cells, lane + lanes
    while lane < end and row < rows:
        length = min(end - lane, c.out_columns - column)
        if length > 0:
            piece = offset(pieces, PIECE * count)
            piece[0], piece[1], piece[2], piece[3] = lane, length, row, column
            count += 1
        lane += c.cells - column if wraps else lanes
        row, column = row + 1, 0
    return count


@compiled
def put(c, sums, channels, pieces, count, y, of, rows):
    """The numbers of a tile to where they belong: its row i is row ``of * i`` of y, if y has so many rows."""
    lanes = width(sums)
    for piece in range(count):
        lane, length, row = pieces[PIECE * piece], pieces[PIECE * piece + 1], of * pieces[PIECE * piece + 2]
        if row >= rows:
            continue
        out = offset(y, row * c.y_row + pieces[PIECE * piece + 3] * c.y_column)
        for i in range(channels):
            if c.y_column == 1:
                store_first(out, i * c.y_channel, load(sums, i * WIDTH * lanes + lane), length)
            else:
                for j in range(length):
                    out[i * c.y_channel + j * c.y_column] = sums[i * WIDTH * lanes + lane + j]


# ---------------------------------------------------------------- kernels


def _transforms(taps: int) -> tuple:
    """How many rows of outputs are one row of tiles, how many values they have, and what makes those; 0: none."""
    if not taps:
        same = combine("same", [[1.0]])
        return 1, 1, same, same, same
    inputs, of_taps, outputs = matrices(taps)
    makers = (f"inputs.{taps}", inputs), (f"outputs.{taps}", outputs.T), (f"given.{taps}", outputs)
    return TILE, len(inputs), *(combine(name, matrix.tolist()) for name, matrix in makers)


def _taps(taps: int) -> tuple:
    """How many values each row of taps has, and the matrix that makes them."""
    of_taps = matrices(taps)[1].tolist() if taps else [[1.0]]
    return len(of_taps), tuple(tuple(row) for row in of_taps)


def convolve(taps: int, dtype: types.Float) -> Callable:
    """The kernel of convolutions; with ``taps``, the one with fewer products for so many taps along the rows."""
    of, values, to_values, to_rows, _ = _transforms(taps)

    def convolve(thread, threads, args):
        c = Work(*_work(args))
        table, known, pairs = pointer(c.work + thread * c.share, types.int64), 0, 0
        sums = pointer(c.work + thread * c.share + 8 * c.ints, dtype)
        lanes, size = width(sums), TALL * WIDTH * width(sums)
        laid = offset(sums, (values + of) * size + lanes)
        transformed = offset(laid, c.inputs * c.taps * c.pitch + 4 * lanes)
        grid = transformed if taps else laid
        value = c.inputs * c.taps * c.value_pitch
        tiles = (c.outputs + TALL - 1) // TALL
        panels, offsets = pointer(c.panels, dtype), pointer(c.offsets, types.int64)
        biases = offset(panels, c.groups * tiles * values * c.depth * TALL)
        tile_rows = (c.out_rows + of - 1) // of
        slabs = (tile_rows + c.slab - 1) // c.slab
        units = c.images * c.out_planes * slabs
        for unit in range(units * thread // threads, units * (thread + 1) // threads):
            image, plane, first = unit // (c.out_planes * slabs), unit // slabs % c.out_planes, unit % slabs * c.slab
            rows = min(c.slab, tile_rows - first)
            if rows != known:
                known, pairs = rows, find_vectors(c, rows, lanes, table)
            x0 = offset(pointer(c.x, dtype), image * c.x_image)
            y0 = offset(pointer(c.y, dtype), image * c.y_image + plane * c.y_plane + of * first * c.y_row)
            for group in range(c.groups):
                lay(c, offset(x0, group * c.inputs * c.x_channel), plane, of * first, of * rows + c.reach, laid)
                if taps:
                    for i in range(c.inputs * c.taps):
                        for row in range(rows):
                            for j in range(0, c.cells, lanes):
                                seen = offset(laid, i * c.pitch + of * row * c.cells + j)
                                to_values(seen, c.cells, offset(grid, i * c.value_pitch + row * c.cells + j), value)
                for i in range(pairs):
                    start, next, piece = table[PAIR * i], table[PAIR * i + 1], table[PAIR * i + 2]
                    pieces, count = offset(table, PAIR * c.pairs + PIECE * piece), table[PAIR * i + 3] - piece
                    whole = not taps and c.y_column == 1 and count == 2 and pieces[1] == lanes == pieces[PIECE + 1]
                    for tile in range(tiles):
                        channels = min(TALL, c.outputs - tile * TALL)
                        y = offset(y0, (group * c.outputs + tile * TALL) * c.y_channel)
                        here, there, row = sums, offset(sums, lanes), WIDTH * lanes
                        if whole and channels == TALL:
                            here = offset(y, pieces[2] * c.y_row + pieces[3])
                            there = offset(y, pieces[PIECE + 2] * c.y_row + pieces[PIECE + 3])
                            row = c.y_channel
                        for v in range(values):
                            at = (group * tiles + tile) * values + v
                            view, view_next = offset(grid, v * value + start), offset(grid, v * value + next)
                            panel, bias = offset(panels, at * c.depth * TALL), offset(biases, at * TALL)
                            out, out_next = offset(here, v * size), offset(there, v * size)
                            see(panel, bias, view, view_next, offsets, c.depth, out, out_next, row, channels)
                        if taps:
                            made = offset(sums, values * size)
                            for j in range(0, channels * WIDTH * lanes, lanes):
                                to_rows(offset(sums, j), size, offset(made, j), size)
                            for j in range(of):
                                left = c.out_rows - of * first - j
                                put(c, offset(made, j * size), channels, pieces, count, offset(y, j * c.y_row), of, left)
                        elif not (whole and channels == TALL):
                            put(c, sums, channels, pieces, count, y, 1, rows)

    return convolve


def correlate(taps: int, dtype: types.Float) -> Callable:
    """The kernel of sums over all images: of products of what each tap sees with each channel of ``y``."""
    of, values, to_values, _, to_given = _transforms(taps)

    def correlate(thread, threads, args):
        c = Work(*_work(args))
        far = pointer(c.work + thread * c.share, types.int64)
        dump = pointer(c.work + thread * c.share + 8 * c.ints, dtype)
        lanes, offsets = width(dump), pointer(c.offsets, types.int64)
        laid = offset(dump, TALL * lanes)
        transformed = offset(laid, c.inputs * c.taps * c.pitch + 4 * lanes)
        grid, pitch = (transformed, c.value_pitch) if taps else (laid, c.pitch)
        value = c.inputs * c.taps * pitch
        turned = offset(transformed, values * c.inputs * c.taps * c.value_pitch)
        blocks = ((c.inputs if c.shared else c.depth) + lanes - 1) // lanes
        columns = blocks * (c.depth // c.inputs) if c.shared else blocks
        if c.dotted:
            columns = (c.depth + TERMS - 1) // TERMS * TERMS
        for i in range(blocks * lanes):
            far[i] = min(i, c.inputs - 1) * pitch if c.shared else offsets[min(i, c.depth - 1)]
        tiles = (c.outputs + TALL - 1) // TALL
        tile_rows = (c.out_rows + of - 1) // of
        units = c.chunks * c.groups * c.parts
        for unit in range(units * thread // threads, units * (thread + 1) // threads):
            chunk, group, part = unit // (c.groups * c.parts), unit // c.parts % c.groups, unit % c.parts
            tile_first, tile_end = tiles * part // c.parts, tiles * (part + 1) // c.parts
            tall = tiles * TALL * lanes
            sums = offset(pointer(c.sums, dtype), (chunk * c.groups + group) * values * columns * tall)
            for i in range(values * columns):
                clear(offset(sums, i * tall + tile_first * TALL * lanes), (tile_end - tile_first) * TALL * lanes)
            for image in range(c.images * chunk // c.chunks, c.images * (chunk + 1) // c.chunks):
                for plane in range(c.out_planes):
                    for first in range(0, tile_rows, c.slab):
                        rows = min(c.slab, tile_rows - first)
                        x = offset(pointer(c.x, dtype), image * c.x_image + group * c.inputs * c.x_channel)
                        y = image * c.y_image + group * c.outputs * c.y_channel + plane * c.y_plane
                        g = offset(pointer(c.y, dtype), y + of * first * c.y_row)
                        g_channel, g_row, g_column, g_value = c.y_channel, c.y_row, c.y_column, 0
                        lay(c, x, plane, of * first, of * rows + c.reach, laid)
                        if not taps and c.dotted:
                            for channel in range(tile_first * TALL, min(c.outputs, tile_end * TALL)):
                                source = offset(g, channel * c.y_channel)
                                for k in range(0, c.depth, TERMS):
                                    out, terms = offset(sums, (channel * columns + k) * lanes), min(TERMS, c.depth - k)
                                    dot(source, c.y_row, laid, c.cells, offset(offsets, k), terms, c.out_columns, rows, out)
                            continue
                        run = c.pitch if c.shared else (rows - 1) * c.cells + c.out_columns
                        if taps:
                            run = rows * c.cells if c.shared else run
                            for i in range(c.inputs):
                                for row in range(rows):
                                    for j in range(0, c.cells, lanes):
                                        seen = offset(laid, i * c.pitch + of * row * c.cells + j)
                                        made = offset(grid, i * pitch + row * c.cells + j)
                                        to_values(seen, c.cells, made, value)
                        run = (run + lanes - 1) // lanes * lanes
                        for i in range(values):
                            for block in range(blocks):
                                out = offset(turned, (i * blocks + block) * run * lanes)
                                for q in range(0, run, lanes):
                                    turn(offset(grid, i * value + q), offset(far, block * lanes), offset(out, q * lanes))
                        if taps:
                            wide = (c.out_columns + lanes - 1) // lanes * lanes
                            some = offset(turned, values * blocks * run * lanes)
                            given = offset(some, of * wide + lanes)
                            g_size = rows * wide
                            for channel in range(tile_first * TALL, min(c.outputs, tile_end * TALL)):
                                for row in range(rows):
                                    for i in range(of):
                                        inside = of * (first + row) + i < c.out_rows
                                        source = offset(g, channel * c.y_channel + (of * row + i) * c.y_row)
                                        end = c.out_columns if inside else 0
                                        lay_row(source, c.y_column, offset(some, i * wide), 0, end, wide)
                                    for j in range(0, wide, lanes):
                                        made = offset(given, channel * g_size + row * wide + j)
                                        to_given(offset(some, j), wide, made, c.outputs * g_size)
                            g, g_channel, g_row, g_column, g_value = given, g_size, wide, 1, c.outputs * g_size
                        some_rows = max(1, POSITIONS // c.out_columns)
                        for i in range(values):
                            for row in range(0, rows, some_rows):
                                row_count = min(some_rows, rows - row)
                                for tile in range(tile_first, tile_end):
                                    channels = min(TALL, c.outputs - tile * TALL)
                                    here = offset(g, i * g_value + tile * TALL * g_channel + row * g_row)
                                    for column in range(0, columns, WIDTH):
                                        both = column + 1 < columns
                                        next = column + 1 if both else column
                                        block, block_next, shift, shift_next = column, next, 0, 0
                                        if c.shared:
                                            block, shift = column % blocks, offsets[column // blocks]
                                            block_next, shift_next = next % blocks, offsets[next // blocks]
                                        at = row * c.cells * lanes
                                        view = offset(turned, ((i * blocks + block) * run + shift) * lanes + at)
                                        view_next = offset(turned, ((i * blocks + block_next) * run + shift_next) * lanes + at)
                                        out = offset(sums, (i * columns + column) * tall + tile * TALL * lanes)
                                        out_next = offset(out, tall) if both else dump
                                        pair(here, g_channel, g_column, g_row - c.out_columns * g_column, channels,
                                             view, view_next, (c.cells - c.out_columns) * lanes, c.out_columns, row_count,
                                             out, out_next, lanes)  # fmt: skip

    return correlate


def pack(taps: int, dtype: types.Float) -> Callable:
    """The kernel that lays out kernels as panels (group, tile, value, term, row of the tile), and a bias behind them."""
    values, of_taps = _taps(taps)

    def pack(thread, threads, args):
        c = Packing(*_packing(args))
        w, terms, panels = pointer(c.w, dtype), pointer(c.terms, types.int64), pointer(c.panels, dtype)
        tiles = (c.outputs + TALL - 1) // TALL
        biases = offset(panels, c.groups * tiles * values * c.depth * TALL)
        bias = pointer(c.bias, dtype)
        for unit in range(c.groups * tiles * thread // threads, c.groups * tiles * (thread + 1) // threads):
            group, tile = unit // tiles, unit % tiles
            for i in range(TALL):
                row = tile * TALL + i
                exists = row < c.outputs
                source = offset(w, group * c.w_group + min(row, c.outputs - 1) * c.w_output)
                for value in range(values):
                    panel = offset(panels, (unit * values + value) * c.depth * TALL + i)
                    biases[(unit * values + value) * TALL + i] = (
                        bias[(group * c.outputs + row) * c.bias_step] if exists and c.bias and value == min(1, values - 1) else 0
                    )
                    for k in range(c.depth):
                        number = source[terms[k]] * of_taps[value][0]
                        for tap in range(1, max(taps, 1)):
                            number += source[terms[k] + tap * c.w_tap] * of_taps[value][tap]
                        panel[k * TALL] = number if exists else 0

    return pack


def join(taps: int, dtype: types.Float) -> Callable:
    """The kernel that adds up the sums of all chunks, and puts them where the kernel's gradient is wanted."""
    values, of_taps = _taps(taps)

    def join(thread, threads, args):
        c = Packing(*_packing(args))
        w, terms, sums = pointer(c.w, dtype), pointer(c.terms, types.int64), pointer(c.panels, dtype)
        lanes = width(w)
        far = pointer(c.far, dtype)
        far = offset(far, thread * c.far_share)
        tiles = (c.outputs + TALL - 1) // TALL
        inputs = c.inputs
        blocks = ((inputs if c.shared else c.depth) + lanes - 1) // lanes
        each = c.depth // inputs
        columns = blocks * each if c.shared else blocks
        if c.dotted:
            columns = (c.depth + TERMS - 1) // TERMS * TERMS
        size = tiles * TALL * lanes
        chunk_size = c.groups * values * columns * size
        for unit in range(c.groups * c.outputs * thread // threads, c.groups * c.outputs * (thread + 1) // threads):
            group, row = unit // c.outputs, unit % c.outputs
            target = offset(w, group * c.w_group + row * c.w_output)
            if not taps and c.dotted:
                for k in range(c.depth):
                    at = group * columns * size + (row * columns + k) * lanes
                    both = load(sums, at)
                    for chunk in range(1, c.chunks):
                        both = add(both, load(sums, at + chunk * chunk_size))
                    target[terms[k]] = total(both)
                continue
            for column in range(columns):
                for value in range(values):
                    at = ((group * values + value) * columns + column) * size + row * lanes
                    all_chunks = load(sums, at)
                    for chunk in range(1, c.chunks):
                        all_chunks = add(all_chunks, load(sums, at + chunk * chunk_size))
                    store(far, value * lanes, all_chunks)
                for lane in range(lanes):
                    if c.shared:
                        channel = column % blocks * lanes + lane
                        exists, k = channel < inputs, channel * each + column // blocks
                    else:
                        k = column * lanes + lane
                        exists = k < c.depth
                    if not exists:
                        continue
                    for tap in range(max(taps, 1)):
                        number = far[lane] * of_taps[0][tap]
                        for value in range(1, values):
                            number += far[value * lanes + lane] * of_taps[value][tap]
                        target[terms[k] + tap * c.w_tap] = number

    return join


def paint(taps: int, dtype: types.Float) -> Callable:
    """The kernel that fills ``y`` with a number for each channel, or with zeros."""

    def paint(thread, threads, args):
        c = Work(*_work(args))
        bias = pointer(c.panels, dtype)
        for image in range(c.images * thread // threads, c.images * (thread + 1) // threads):
            for channel in range(c.outputs):
                number = bias[channel * c.pitch] if c.panels else dtype(0)
                y = offset(pointer(c.y, dtype), image * c.y_image + channel * c.y_channel)
                for plane in range(c.out_planes):
                    for row in range(c.out_rows):
                        out = offset(y, plane * c.y_plane + row * c.y_row)
                        for column in range(c.out_columns):
                            out[column * c.y_column] = number

    return paint
