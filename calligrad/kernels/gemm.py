"""Matrix products: C = A @ B + D, for a batch of matrices with any strides; the kernels of ``product.py``.

A block of panels of B stays in the second-level cache while all rows of A pass; the sums of a tile go to the result
after ``DEPTH`` terms. Every number of the result is made of the same sums in the same order, whatever the number of
threads.

Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import types

from calligrad.kernels.atomics import call
from calligrad.kernels.product import ACROSS, DEPTH, WORK
from calligrad.kernels.tiles import (
    LOW,
    TALL,
    WIDTH,
    add_row,
    add_rows,
    compiled,
    dots,
    finish,
    height,
    pack,
    row_of_dots,
    tile,
)
from calligrad.kernels.vectors import (
    add,
    broadcast,
    fma,
    load,
    load_first,
    offset,
    pointer,
    positive,
    store_first,
    width,
)

FEW_TERMS = 8  # of which a sum is made at once
UNPACKED = 48  # rows that are not worth it to lay out panels
BLOCK = 192  # rows that are finished before others begin, if another kernel waits for them


class Matrix(NamedTuple):
    """Where a matrix lies: its first number, and how far it is from there to the next row and to the next column."""

    at: Any
    row: int
    column: int


@compiled
def matrix(words, item, dtype):
    """The matrix of which four words tell: address, and strides of the batch, of rows and of columns."""
    return Matrix(offset(pointer(words[0], dtype), item * words[1]), words[2], words[3])


@compiled
def beyond(x, i, j):
    """What is left of a matrix from row i and column j on."""
    return Matrix(offset(x.at, i * x.row + j * x.column), x.row, x.column)


@compiled
def turned(x):
    """The transpose."""
    return Matrix(x.at, x.column, x.row)


@compiled
def put(sums, c, d, rows, columns, relu):
    """``finish`` for a result with any strides."""
    if c.column == 1 and d.column <= 1:
        finish(sums, c.at, c.row, d.at, d.row, d.column, rows, columns, relu)
        return
    for i in range(rows):
        for j in range(columns):
            v = sums[i * WIDTH * width(sums) + j]
            if d.column >= 0:
                v += d.at[i * d.row + j * d.column]
            c.at[i * c.row + j * c.column] = 0 if relu and v < 0 else v


@compiled
def rows_of_dots(a, b, c, d, m, k, n, relu, work):
    """At most ``LOW`` rows of the result, where the columns of B lie one number after the other."""
    sums, wide = work, WIDTH * width(work)
    if a.column != 1:
        copy = offset(work, TALL * wide)
        for i in range(m):
            for p in range(k):
                copy[i * k + p] = a.at[i * a.row + p * a.column]
        a = Matrix(copy, k, 1)
    for j in range(0, n, 2 * LOW if m == 1 else LOW):
        if m == 1:
            columns = min(2 * LOW, n - j)
            row_of_dots(a.at, a.row, m, offset(b.at, j * b.column), b.column, columns, k, sums, wide)
        else:
            columns = min(LOW, n - j)
            dots(a.at, a.row, m, offset(b.at, j * b.column), b.column, columns, k, sums, wide)
        put(sums, beyond(c, 0, j), beyond(d, 0, j), m, columns, relu)


@compiled
def row_of_sums(a, b, c, d, m, k, n, relu, sums):
    """A result of a single row, where B is read row by row."""
    for j in range(n + width(sums)):
        sums[j] = 0
    p = 0
    while p < k:
        if p + 4 <= k:
            add_rows(offset(a.at, p * a.column), a.column, offset(b.at, p * b.row), b.row, n, sums)
            p += 4
        else:
            add_row(offset(a.at, p * a.column), a.column, offset(b.at, p * b.row), b.row, n, sums)
            p += 1
    put(sums, c, d, m, n, relu)


@compiled
def narrow_rows(a, b, c, d, m, k, n, relu, rows):
    """A result whose rows are no longer than a vector, and sums of a few terms; a last row of zeros begins them."""
    lanes = width(rows)
    for p in range(k + 1):
        for j in range(lanes):
            rows[p * lanes + j] = b.at[p * b.row + j * b.column] if p < k and j < n else 0
    for i in range(m):
        v = load(rows, k * lanes)
        for p in range(k):
            v = fma(broadcast(a.at[i * a.row + p * a.column]), load(rows, p * lanes), v)
        if d.column == 1:
            v = add(v, load_first(d.at, i * d.row, n))
        elif d.column == 0:
            v = add(v, broadcast(d.at[i * d.row]))
        if relu:
            v = positive(v)
        store_first(c.at, i * c.row, v, n)


@compiled
def rows_of_tiles(a, b, panels, packed, c, d, m, k, n, relu, sums):
    """Rows of the result, from panels of B: from column ``packed`` on they are laid out, before that they are B's."""
    wide = WIDTH * width(sums)
    i = 0
    while i < m:
        rows = height(m - i)
        a_i = offset(a.at, i * a.row)
        for j in range(0, n, wide):
            c_ij, columns = beyond(c, i, j), min(wide, n - j)
            panel, step = (offset(b.at, j), b.row) if j < packed else (offset(panels, j * k), wide)
            straight = d.column < 0 and c.column == 1 and not relu and columns == wide and rows >= LOW
            out, out_row = (c_ij.at, c.row) if straight else (sums, wide)
            tile(a_i, a.row, a.column, rows, panel, step, k, out, out_row)
            if not straight:
                put(sums, c_ij, beyond(d, i, j), rows, columns, relu)
        i += rows


@compiled
def multiply(args, item, i, m, j, n, work, dtype):
    """Some rows and columns of ``C = A @ B + D`` for one item of the batch; ``work`` is the thread's workspace."""
    k, relu, wide = args[1], args[20] != 0, WIDTH * width(work)
    a, b = beyond(matrix(offset(args, 4), item, dtype), i, 0), beyond(matrix(offset(args, 8), item, dtype), 0, j)
    c, d = beyond(matrix(offset(args, 12), item, dtype), i, j), beyond(matrix(offset(args, 16), item, dtype), i, j)
    if args[16] == 0:
        d = Matrix(d.at, 0, -1)
    # What is chosen here must not depend on the thread's share, or the bits would.
    if k <= FEW_TERMS and args[2] <= width(work) and c.column == 1 and d.column <= 1:
        narrow_rows(a, b, c, d, m, k, n, relu, work)
        return
    if k <= FEW_TERMS and args[0] <= width(work) and c.row == 1 and d.row <= 1:
        narrow_rows(turned(b), turned(a), turned(c), turned(d) if args[16] else d, n, k, m, relu, work)
        return
    few = min(args[0], args[2]) <= LOW
    if (args[2] < args[0]) if few else (c.row == 1 and c.column != 1):
        a, b, c, d, m, n = turned(b), turned(a), turned(c), turned(d) if args[16] else d, n, m
    if few and b.row == 1 and (a.column == 1 or LOW * k <= ACROSS * DEPTH):
        rows_of_dots(a, b, c, d, m, k, n, relu, work)
        return
    if few and m == 1 and b.column == 1 and max(args[0], args[2]) <= ACROSS * DEPTH:
        row_of_sums(a, b, c, d, m, k, n, relu, work)
        return
    panels = offset(work, TALL * wide)
    blocks = max(1, -(-k // DEPTH))
    depth = -(-k // (16 * blocks)) * 16
    for j in range(0, n, ACROSS):
        columns = min(ACROSS, n - j)
        packed = columns // wide * wide if b.column == 1 and m <= UNPACKED else 0
        c_j, onto = beyond(c, 0, j), beyond(d, 0, j)
        for block in range(blocks):
            p = block * depth
            terms = max(0, min(depth, k - p))
            b_pj = beyond(b, p, j)
            for first in range(packed, columns, wide):
                panel = offset(panels, first * terms)
                pack(offset(b_pj.at, first * b.column), b.row, b.column, terms, min(wide, columns - first), panel)
            last = relu and block == blocks - 1
            rows_of_tiles(beyond(a, 0, p), b_pj, panels, packed, c_j, onto, m, terms, columns, last, work)
            onto = c_j


@compiled
def _product(thread, threads, args, dtype):
    m, n, batch, kernel = args[0], args[2], args[3], args[22]
    wide = WIDTH * width(pointer(0, dtype))
    work = offset(pointer(args[21], dtype), thread * WORK)
    by_columns = batch == 1 and n >= m and not kernel  # then no panel is laid out twice
    blocks = -(-n // wide) if by_columns else max(-(-m // BLOCK), min(m // LOW, 8)) if kernel else -(-m // LOW)
    blocks = max(blocks, 1)
    most = max(1, blocks * BLOCK // max(m, 1)) if kernel else blocks
    block, end = batch * blocks * thread // threads, batch * blocks * (thread + 1) // threads
    while block < end:
        item = block // blocks
        until = min(end, (item + 1) * blocks, block + most)
        first, last = block - item * blocks, until - item * blocks
        i, i_end, j, j_end = m * first // blocks, m * last // blocks, 0, n
        if by_columns:
            i, i_end, j, j_end = 0, m, first * wide, min(n, last * wide)
        multiply(args, item, i, i_end - i, j, j_end - j, work, dtype)
        while block < until:
            if kernel:
                call(kernel, (block, batch * blocks, args[23]))
            block += 1


@compiled
def product_float32(thread, threads, args):
    """``C = A @ B + D`` in float32, for any strides; the words are those of ``product.arguments``."""
    _product(thread, threads, args, types.float32)


@compiled
def product_float64(thread, threads, args):
    """``C = A @ B + D`` in float64."""
    _product(thread, threads, args, types.float64)
