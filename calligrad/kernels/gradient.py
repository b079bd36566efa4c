"""The gradient of a convolution's kernel: sums, over all images and positions, of what each tap sees times outputs.

There, positions are the terms. So that vectors hold what several channels (or taps) see from one position, grids are
*turned over*: blocks of as many rows as a vector has lanes become rows of vectors. A tap sees a shift of them, too.
For a few channels of outputs that is not worth it; products of rows are added up in place then.

Images are summed in chunks that do not depend on the number of threads; ``join`` adds these up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import types

from calligrad.kernels.geometry import TALL, TERMS, WIDTH, Work
from calligrad.kernels.grids import clear, copy_row, fetch_part, lay, make_values, values_of_outputs, work_words
from calligrad.kernels.seen import dot, pair, turn
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import offset, pointer, width

POSITIONS = 160  # about so many are added up for all taps before others: their numbers stay in the first-level cache


class Given(NamedTuple):
    """Outputs, or values of them: where they lie, and how far it is to the next channel, row and column."""

    at: Any
    channel: int
    row: int
    column: int


@compiled
def turn_over(grid, far, blocks, run, out):
    """Blocks of rows of a grid, which begin at ``far``: (blocks, run, lanes)."""
    lanes = width(grid)
    for block in range(blocks):
        for i in range(0, run, lanes):
            turn(offset(grid, i), offset(far, block * lanes), offset(out, (block * run + i) * lanes))


@compiled
def add_dots(c, grid, rows, g, first, end, sums):
    """Adds to the sums (channel, term, lanes) of some channels of outputs the products of rows."""
    lanes, offsets = width(grid), pointer(c.offsets, types.int64)
    for channel in range(first, end):
        for k in range(0, c.depth, TERMS):
            out, seen = offset(sums, (channel * c.columns + k) * lanes), offset(offsets, k)
            given, count = offset(g, channel * c.y_channel), min(TERMS, c.depth - k)
            dot(given, c.y_row, grid, c.cells, seen, count, c.out_columns, rows, out)


@compiled
def make_given(c, g, rows, rows_left, first, end, out):
    """Values of outputs: (values, channels, rows of tiles, columns up to whole vectors), behind one row of tiles."""
    lanes, of = width(g), c.of
    wide = (c.out_columns + lanes - 1) // lanes * lanes
    row_of_tiles, given = out, offset(out, of * wide + lanes)
    for channel in range(first, end):
        for row in range(rows):
            for i in range(of):
                if of * row + i < rows_left:
                    source = offset(g, channel * c.y_channel + (of * row + i) * c.y_row)
                    copy_row(source, c.y_column, offset(row_of_tiles, i * wide), c.out_columns)
                else:
                    clear(offset(row_of_tiles, i * wide), wide)
            made = offset(given, (channel * rows + row) * wide)
            for i in range(0, wide, lanes):
                values_of_outputs(c.row_taps, offset(row_of_tiles, i), wide, offset(made, i), c.outputs * rows * wide)


@compiled
def add_pairs(c, turned, blocks, run, g, row, rows, first, end, sums, dump):
    """Adds to the sums (column, channel, lanes) the products of some rows, for the tiles from ``first`` to ``end``.

    A column is a vector of what lanes see: terms, or channels that one tap sees.
    """
    lanes, offsets = width(turned), pointer(c.offsets, types.int64)
    tall = (c.outputs + TALL - 1) // TALL * TALL * lanes
    columns, jump, g_jump = c.out_columns, (c.cells - c.out_columns) * lanes, g.row - c.out_columns * g.column
    start = offset(turned, row * c.cells * lanes)
    for tile in range(first, end):
        channels, at_g = min(TALL, c.outputs - tile * TALL), offset(g.at, tile * TALL * g.channel + row * g.row)
        for column in range(0, c.columns, WIDTH):
            next = min(column + 1, c.columns - 1)
            at, at_next = column * run, next * run
            if c.shared:
                at = column % blocks * run + offsets[column // blocks]
                at_next = next % blocks * run + offsets[next // blocks]
            out = offset(sums, column * tall + tile * TALL * lanes)
            out_next = offset(out, tall) if next > column else dump
            view, view_next = offset(start, at * lanes), offset(start, at_next * lanes)
            pair(
                at_g, g.channel, g.column, g_jump, channels, view, view_next, jump, columns, rows, out, out_next, lanes
            )  # fmt: skip


@compiled
def add_rows(c, x, y, plane, first, part, clean, far, blocks, sums, work):
    """Adds the products of a slab of rows of one image; ``work`` is the thread's."""
    lanes, tiles, of, values = width(work), (c.outputs + TALL - 1) // TALL, c.of, c.values
    tile, tile_end = tiles * part // c.parts, tiles * (part + 1) // c.parts
    channel, channel_end = tile * TALL, min(c.outputs, tile_end * TALL)
    rows = min(c.slab, (c.out_rows + of - 1) // of - first)
    dump, laid = work, offset(work, TALL * lanes)
    made = offset(laid, c.inputs * c.taps * c.pitch + 4 * lanes)
    lay(c, x, plane, of * first, of * rows + c.reach, laid, clean)
    if c.dotted:
        fetch_part(offset(x, c.x_image), c.x_ahead, 0, 1)
        fetch_part(offset(y, c.y_image), c.y_ahead, 0, 1)
        add_dots(c, laid, rows, y, channel, channel_end, sums)
        return
    g, g_value = Given(y, c.y_channel, c.y_row, c.y_column), 0
    grid, run = laid, c.pitch
    if c.row_taps:
        grid, run = made, rows * c.cells
        make_values(c, laid, rows, grid)
        made = offset(made, values * c.inputs * c.value_pitch)
        wide = (c.out_columns + lanes - 1) // lanes * lanes
        make_given(c, y, rows, c.out_rows - of * first, channel, channel_end, made)
        g, g_value = Given(offset(made, of * wide + lanes), rows * wide, wide, 1), c.outputs * rows * wide
        made = offset(g.at, values * g_value)
    if not c.shared:
        run = (rows - 1) * c.cells + c.out_columns
    run = (run + lanes - 1) // lanes * lanes
    some = max(1, POSITIONS // c.out_columns)
    parts = (rows + some - 1) // some
    for v in range(values):
        turn_over(offset(grid, v * c.inputs * c.value_pitch), far, blocks, run, made)
        given = Given(offset(g.at, v * g_value), g.channel, g.row, g.column)
        into = offset(sums, v * c.columns * tiles * TALL * lanes)
        for i in range(parts):
            count = min(some, rows - i * some)
            add_pairs(c, made, blocks, run, given, i * some, count, tile, tile_end, into, dump)
            if c.x_ahead:
                fetch_part(offset(x, c.x_image), c.x_ahead, v * parts + i, values * parts)
            if c.y_ahead:
                fetch_part(offset(y, c.y_image), c.y_ahead, v * parts + i, values * parts)


@compiled
def correlate(thread, threads, args, dtype):
    """These sums; the words are those of ``geometry.Work``."""
    c = Work(*work_words(args))
    of, values = c.of, c.values
    far, offsets = pointer(c.work + thread * c.share, types.int64), pointer(c.offsets, types.int64)
    work, clean = pointer(c.work + thread * c.share + 8 * c.ints, dtype), False
    lanes = width(work)
    blocks = ((c.inputs if c.shared else c.depth) + lanes - 1) // lanes
    for i in range(blocks * lanes):
        channel = min(i, c.inputs - 1) * (c.value_pitch if c.row_taps else c.pitch)
        far[i] = channel if c.shared else offsets[min(i, c.depth - 1)]
    tiles, tile_rows = (c.outputs + TALL - 1) // TALL, (c.out_rows + of - 1) // of
    size, units = tiles * TALL * lanes, c.chunks * c.groups * c.parts
    for unit in range(units * thread // threads, units * (thread + 1) // threads):
        chunk, group, part = unit // (c.groups * c.parts), unit // c.parts % c.groups, unit % c.parts
        sums = offset(pointer(c.sums, dtype), (chunk * c.groups + group) * values * c.columns * size)
        first, end = tiles * part // c.parts * TALL * lanes, tiles * (part + 1) // c.parts * TALL * lanes
        if c.dotted:
            first, end = first * c.columns, end * c.columns
            clear(offset(sums, first), end - first)
        else:
            for i in range(values * c.columns):
                clear(offset(sums, i * size + first), end - first)
        for image in range(c.images * chunk // c.chunks, c.images * (chunk + 1) // c.chunks):
            x = offset(pointer(c.x, dtype), image * c.x_image + group * c.inputs * c.x_channel)
            y = offset(pointer(c.y, dtype), image * c.y_image + group * c.outputs * c.y_channel)
            for plane in range(c.out_planes):
                for first_row in range(0, tile_rows, c.slab):
                    g = offset(y, plane * c.y_plane + of * first_row * c.y_row)
                    add_rows(c, x, g, plane, first_row, part, clean, far, blocks, sums, work)
                    clean = c.out_planes == 1 and tile_rows <= c.slab
