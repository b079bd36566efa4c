"""Convolutions: the kernels of the steps of ``convolving.py``.

One image after the other is laid out as a grid (``grids.py``); ``seen.py`` adds up, for two vectors of positions and
some channels of outputs, what all taps see. Images are split over the threads.
"""

from __future__ import annotations

from numba import types

from calligrad.kernels.apart import store_apart
from calligrad.kernels.geometry import TALL, WIDTH, Work
from calligrad.kernels.gradient import correlate
from calligrad.kernels.grids import fetch_part, lay, make_values, rows_of_values, work_words
from calligrad.kernels.panels import join, pack
from calligrad.kernels.seen import see
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import load, offset, pointer, store_first, width

__all__ = ["convolve", "correlate", "join", "pack", "paint"]

PANELS = 2**16  # numbers of them that all positions of a slab pass before others
PAIR = 4  # words for two vectors: the cells of their first positions, the first and the end of their pieces
PIECE = 4  # words for a piece: lane, length, row and column


@compiled
def find_pieces(c, start, rows, wraps, lane, lanes, pieces, count):
    """Adds to a list of ``count`` pieces those that a vector holds of rows of outputs."""
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
            elif c.y_column == 2:
                store_apart(offset(out, i * c.y_channel), load(sums, i * WIDTH * lanes + lane), length)
            else:
                for j in range(length):
                    out[i * c.y_channel + j * c.y_column] = sums[i * WIDTH * lanes + lane + j]


@compiled
def convolve_tiles(c, grid, table, pair, group, first, end, y, rows, sums, dtype):
    """Some tiles of outputs of a group, at two vectors of positions."""
    lanes, size, value = width(sums), TALL * WIDTH * width(sums), c.inputs * c.value_pitch
    of, values, taps = c.of, c.values, c.row_taps
    tiles = (c.outputs + TALL - 1) // TALL
    panels, offsets = pointer(c.panels, dtype), pointer(c.offsets, types.int64)
    biases = offset(panels, c.groups * tiles * values * c.depth * TALL)
    start, next, piece = table[PAIR * pair], table[PAIR * pair + 1], table[PAIR * pair + 2]
    pieces, count = offset(table, PAIR * c.pairs + PIECE * piece), table[PAIR * pair + 3] - piece
    whole = not taps and c.y_column == 1 and count == 2 and pieces[1] == lanes == pieces[PIECE + 1]
    for tile in range(first, end):
        channels, out = min(TALL, c.outputs - tile * TALL), offset(y, tile * TALL * c.y_channel)
        straight = whole and channels == TALL
        here, there, step = sums, offset(sums, lanes), WIDTH * lanes
        if straight:
            here = offset(out, pieces[2] * c.y_row + pieces[3])
            there = offset(out, pieces[PIECE + 2] * c.y_row + pieces[PIECE + 3])
            step = c.y_channel
        for v in range(values):
            at = (group * tiles + tile) * values + v
            panel, bias = offset(panels, at * c.depth * TALL), offset(biases, at * TALL)
            view, view_next = offset(grid, v * value + start), offset(grid, v * value + next)
            sums_here, sums_there = offset(here, v * size), offset(there, v * size)
            see(panel, bias, view, view_next, offsets, c.depth, sums_here, sums_there, step, channels)
        if taps:
            made = offset(sums, values * size)
            for i in range(0, channels * WIDTH * lanes, lanes):
                rows_of_values(taps, offset(sums, i), size, offset(made, i), size)
            for i in range(of):
                put(c, offset(made, i * size), channels, pieces, count, offset(out, i * c.y_row), of, rows - i)
        elif not straight:
            put(c, sums, channels, pieces, count, out, 1, rows)


@compiled
def convolve(thread, threads, args, dtype):
    """Convolutions, or their adjoints in images: the words are those of ``geometry.Work``."""
    c = Work(*work_words(args))
    of, values, taps = c.of, c.values, c.row_taps
    table, known, pairs = pointer(c.work + thread * c.share, types.int64), 0, 0
    sums = pointer(c.work + thread * c.share + 8 * c.ints, dtype)
    laid = offset(sums, (values + of) * TALL * WIDTH * width(sums) + width(sums))
    grid = offset(laid, c.inputs * c.taps * c.pitch + 4 * width(sums)) if taps else laid
    tile_rows = (c.out_rows + of - 1) // of
    slabs = (tile_rows + c.slab - 1) // c.slab
    tiles = (c.outputs + TALL - 1) // TALL
    step = max(1, min(tiles, PANELS // (c.depth * values * TALL)))
    units, clean = c.images * c.out_planes * slabs, False
    for unit in range(units * thread // threads, units * (thread + 1) // threads):
        image, plane, first = unit // (c.out_planes * slabs), unit // slabs % c.out_planes, unit % slabs * c.slab
        rows = min(c.slab, tile_rows - first)
        if rows != known:
            known, pairs = rows, find_vectors(c, rows, width(sums), table)
        x = offset(pointer(c.x, dtype), image * c.x_image)
        y = offset(pointer(c.y, dtype), image * c.y_image + plane * c.y_plane + of * first * c.y_row)
        for group in range(c.groups):
            seen, out = offset(x, group * c.inputs * c.x_channel), offset(y, group * c.outputs * c.y_channel)
            lay(c, seen, plane, of * first, of * rows + c.reach, laid, clean)
            clean = c.out_planes * slabs == 1
            if taps:
                make_values(c, laid, rows, grid)
            rows_left, fetched = c.out_rows - of * first, c.x_ahead if image + 1 < c.images else 0
            for i in range(0, tiles, step):
                end = min(i + step, tiles)
                for pair in range(pairs):
                    convolve_tiles(c, grid, table, pair, group, i, end, out, rows_left, sums, dtype)
                    if i == 0:
                        fetch_part(offset(x, c.x_image), fetched, group * pairs + pair, c.groups * pairs)


@compiled
def paint(thread, threads, args, dtype):
    """Fills ``y`` with a number for each channel, or with zeros."""
    c = Work(*work_words(args))
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
