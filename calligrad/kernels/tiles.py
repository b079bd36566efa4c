"""Tiles of a matrix product, which fill the registers; panels, from which they are made; and rows for small ones.

A tile of the result, a few rows of two vectors, stays in the registers while the terms of its sums are added: each step
reads two vectors of B and one number of A for each row. The columns of B lie in *panels* as wide as a tile, so that the
steps read on and on. A kernel for convolutions may lay out its panels as it likes.

Van Zee and van de Geijn, "BLIS: a framework for rapidly instantiating BLAS functionality", ACM TOMS 41(3), 2015.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from calligrad.kernels.registers import (
    INT,
    REGISTERS,
    multiply_add,
    own_function,
    read,
    read_first,
    repeat,
    splat,
    sum_of,
    vector_at,
    write,
)
from calligrad.kernels.vectors import (
    add,
    broadcast,
    load,
    load_first,
    offset,
    positive,
    store,
    store_first,
    transpose,
    width,
)

compiled = njit(error_model="numpy", fastmath={"contract"}, no_cfunc_wrapper=True, no_cpython_wrapper=True)

TALL, LOW = (8, 4) if REGISTERS == 32 else (6, 2)  # rows of a tile: there must be registers left for A and B
WIDTH = 2  # vectors of its rows


def _tile(height: int, wide: int) -> Callable:
    """The intrinsic for tiles of so many rows and vectors; see ``tile``."""

    def body(builder, a, a_row, a_step, rows, b, b_step, depth, out, out_row):
        vector = vector_at(a)
        starts = []
        for i in range(height):
            exists = builder.icmp_signed("<", INT(i), rows) if height == LOW else ir.Constant(ir.IntType(1), 1)
            row = builder.select(exists, INT(i), builder.sub(rows, INT(1)))  # the last once more
            starts.append(builder.mul(a_row, row))

        def step(now):
            a, b, *sums = now
            terms = [read(builder, vector, builder.gep(b, [INT(j * vector.count)])) for j in range(wide)]
            for i, start in enumerate(starts):
                factor = splat(builder, vector, builder.load(builder.gep(a, [start])))
                for j in range(wide):
                    sums[i * wide + j] = multiply_add(builder, factor, terms[j], sums[i * wide + j])
            return [builder.gep(a, [a_step]), builder.gep(b, [b_step]), *sums]

        zeros = [ir.Constant(vector, None)] * (height * wide)
        _, _, *sums = repeat(builder, depth, [a, b, *zeros], step)
        for i in range(height):
            row = builder.gep(out, [builder.mul(out_row, INT(i))])
            for j in range(wide):
                write(builder, sums[i * wide + j], builder.gep(row, [INT(j * vector.count)]))

    @intrinsic
    def tile(typing, a, a_row, a_step, rows, b, b_step, depth, out, out_row):
        integer = types.int64
        signature = types.void(a, integer, integer, integer, b, integer, integer, out, integer)
        return signature, own_function(f"tile.{height}.{wide}.{a.dtype}", body)

    return tile


def _dots(height: int, wide: int) -> Callable:
    """The intrinsic for sums of products of so many rows of A and columns of B, in which numbers lie side by side."""

    def body(builder, a, a_row, rows, b, b_column, columns, depth, out, out_row):
        vector = vector_at(a)

        def starts(most, count, stride):
            numbers = [builder.icmp_signed("<", INT(i), count) for i in range(most)]
            numbers = [builder.select(exists, INT(i), builder.sub(count, INT(1))) for i, exists in enumerate(numbers)]
            return [builder.mul(stride, number) for number in numbers]

        a_starts, b_starts = starts(height, rows, a_row), starts(wide, columns, b_column)

        def added(a, b, sums, read_one):
            left = [read_one(builder.gep(a, [start])) for start in a_starts]
            right = [read_one(builder.gep(b, [start])) for start in b_starts]
            return [multiply_add(builder, left[i // wide], right[i % wide], sums[i]) for i in range(height * wide)]

        def step(now):
            a, b, *sums = now
            sums = added(a, b, sums, lambda place: read(builder, vector, place))
            return [builder.gep(p, [INT(vector.count)]) for p in (a, b)] + sums

        whole, left = builder.sdiv(depth, INT(vector.count)), builder.srem(depth, INT(vector.count))
        a, b, *sums = repeat(builder, whole, [a, b, *[ir.Constant(vector, None)] * (height * wide)], step)
        sums = added(a, b, sums, lambda place: read_first(builder, vector, place, left))
        for i, each in enumerate(sums):
            place = builder.add(builder.mul(out_row, INT(i // wide)), INT(i % wide))
            builder.store(sum_of(builder, each), builder.gep(out, [place]))

    @intrinsic
    def dots(typing, a, a_row, rows, b, b_column, columns, depth, out, out_row):
        integer = types.int64
        signature = types.void(a, integer, integer, b, integer, integer, integer, out, integer)
        return signature, own_function(f"dots.{height}.{wide}.{a.dtype}", body)

    return dots


def _add_rows(count: int) -> Callable:
    """The intrinsic that adds so many rows of B, each times its number of A, to the ``columns`` numbers at ``out``."""

    def body(builder, a, a_step, b, b_row, columns, out):
        vector = vector_at(a)
        rows = [builder.mul(b_row, INT(i)) for i in range(count)]
        factors = [
            splat(builder, vector, builder.load(builder.gep(a, [builder.mul(a_step, INT(i))]))) for i in range(count)
        ]

        def add_to(b, out, read_one):
            total = read(builder, vector, out)
            for row, factor in zip(rows, factors, strict=True):
                total = multiply_add(builder, factor, read_one(builder.gep(b, [row])), total)
            write(builder, total, out)

        def step(now):
            add_to(now[0], now[1], lambda place: read(builder, vector, place))
            return [builder.gep(p, [INT(vector.count)]) for p in now]

        whole, left = builder.sdiv(columns, INT(vector.count)), builder.srem(columns, INT(vector.count))
        b, out = repeat(builder, whole, [b, out], step)
        add_to(b, out, lambda place: read_first(builder, vector, place, left))

    @intrinsic
    def add_rows(typing, a, a_step, b, b_row, columns, out):
        signature = types.void(a, types.int64, b, types.int64, types.int64, out)
        return signature, own_function(f"rows.{count}.{a.dtype}", body)

    return add_rows


_tall, _low = _tile(TALL, WIDTH), _tile(LOW, WIDTH)
dots, row_of_dots = _dots(LOW, LOW), _dots(1, 2 * LOW)
add_rows, add_row = _add_rows(4), _add_rows(1)


@compiled
def height(rows):
    """The rows of the next tile, if so many are left."""
    return TALL if rows >= TALL else min(rows, LOW)


@compiled
def tile(a, a_row, a_step, rows, b, b_step, depth, out, out_row):
    """The product of ``rows`` rows of A and a panel of B: ``out[i, j] = Σ_p a[i, p] b[p, j]``.

    ``a[i, p]`` lies at ``a + i * a_row + p * a_step`` and ``b[p, j]`` at ``b + p * b_step + j``; the result at
    ``out + i * out_row + j``. The rows are as many as ``height`` says. All columns of a panel are written, and of a low
    tile all rows: the last once more in place of those that are none.
    """
    if rows == TALL:
        _tall(a, a_row, a_step, rows, b, b_step, depth, out, out_row)
    else:
        _low(a, a_row, a_step, rows, b, b_step, depth, out, out_row)


@compiled
def finish(sums, c, c_row, d, d_row, d_column, rows, columns, relu):
    """Puts a tile where it belongs: ``c = sums + d``, and zero instead of what is negative if ``relu``.

    ``sums`` are rows of ``WIDTH`` vectors. ``d[i, j]`` lies at ``d + i * d_row + j * d_column``, where ``d_column`` is
    1, or 0 for a number for each row, or -1 if there is no D.
    """
    lanes = width(sums)
    for i in range(rows):
        for j in range(0, columns, lanes):
            count = min(lanes, columns - j)
            v = load(sums, i * WIDTH * lanes + j)
            if d_column == 1:
                v = add(v, load_first(d, i * d_row + j, count))
            elif d_column == 0:
                v = add(v, broadcast(d[i * d_row]))
            if relu:
                v = positive(v)
            store_first(c, i * c_row + j, v, count)


@compiled
def pack(b, b_row, b_column, depth, columns, panel):
    """Lays out a panel: ``panel[p, j] = b[p, j]``, and zeros from column ``columns`` to the panel's last."""
    lanes = width(b)
    wide = WIDTH * lanes
    if b_column == 1:
        for p in range(depth):
            for j in range(0, wide, lanes):
                store(panel, p * wide + j, load_first(b, p * b_row + j, min(lanes, max(0, columns - j))))
        return
    whole_rows, whole_columns = (depth // lanes * lanes, columns // lanes * lanes) if b_row == 1 else (0, 0)
    for j in range(0, whole_columns, lanes):
        for p in range(0, whole_rows, lanes):
            transpose(offset(b, p + j * b_column), b_column, offset(panel, p * wide + j), wide)
    for p in range(depth):
        for j in range(whole_columns if p < whole_rows else 0, columns):
            panel[p * wide + j] = b[p * b_row + j * b_column]
        for j in range(columns, wide):
            panel[p * wide + j] = 0
