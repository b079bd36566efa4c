"""Tiles of convolutions: sums of products that stay in the registers, with numbers that are read where they lie.

A tap of a kernel sees an image shifted. So what all taps see need not be laid out as a matrix: a tile of outputs, a few
channels at two vectors of positions, reads for each term the image from another *offset* on. Reading vectors that are
not aligned costs nothing as long as there are several products for each.

Dukhan, "The indirect convolution algorithm", arXiv:1907.02129, 2019.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from calligrad.kernels.geometry import TALL, TERMS, WIDTH
from calligrad.kernels.registers import (
    INT,
    interleave,
    multiply_add,
    own_function,
    read,
    read_first,
    repeat,
    splat,
    vector_at,
    write,
)
from calligrad.kernels.tiles import compiled

LOW = TALL // 2  # rows of lower tiles


def _seen(height: int) -> Callable:
    """The intrinsic for tiles of so many rows; see ``see``."""

    def body(builder, weights, first, x, y, offsets, depth, out, out_y, out_row):
        vector, views, outs = vector_at(weights), (x, y), (out, out_y)

        def step(now):
            weights, offsets, *sums = now
            far = builder.load(offsets)
            terms = [read(builder, vector, builder.gep(view, [far])) for view in views]
            for i in range(height):
                factor = splat(builder, vector, builder.load(builder.gep(weights, [INT(i)])))
                for j, term in enumerate(terms):
                    sums[i * WIDTH + j] = multiply_add(builder, factor, term, sums[i * WIDTH + j])
            return [builder.gep(weights, [INT(TALL)]), builder.gep(offsets, [INT(1)]), *sums]

        starts = [splat(builder, vector, builder.load(builder.gep(first, [INT(i)]))) for i in range(height)]
        _, _, *sums = repeat(builder, depth, [weights, offsets, *(s for s in starts for _ in views)], step)
        for i in range(height):
            for j, out in enumerate(outs):
                write(builder, sums[i * WIDTH + j], builder.gep(out, [builder.mul(out_row, INT(i))]))

    @intrinsic
    def seen(typing, weights, first, x, y, offsets, depth, out, out_y, out_row):
        signature = types.void(weights, first, x, y, offsets, types.int64, out, out_y, types.int64)
        return signature, own_function(f"seen.{height}.{weights.dtype}", body)

    return seen


def _paired(height: int) -> Callable:
    """The intrinsic for tiles of so many rows; see ``pair``."""

    def body(builder, g, g_channel, g_column, g_jump, channels, x, y, jump, columns, rows, out, out_y, out_row):
        vector = vector_at(g)
        starts = []
        for i in range(height):
            exists = builder.icmp_signed("<", INT(i), channels)
            starts.append(builder.mul(g_channel, builder.select(exists, INT(i), builder.sub(channels, INT(1)))))
        places = [builder.gep(o, [builder.mul(out_row, INT(i))]) for i in range(height) for o in (out, out_y)]

        def column(now):
            g, x, y, *sums = now
            terms = [read(builder, vector, view) for view in (x, y)]
            for i, start in enumerate(starts):
                factor = splat(builder, vector, builder.load(builder.gep(g, [start])))
                for j, term in enumerate(terms):
                    sums[i * WIDTH + j] = multiply_add(builder, factor, term, sums[i * WIDTH + j])
            return [builder.gep(g, [g_column]), *(builder.gep(view, [INT(vector.count)]) for view in (x, y)), *sums]

        def row(now):
            g, x, y, *sums = repeat(builder, columns, now, column)
            return [builder.gep(g, [g_jump]), builder.gep(x, [jump]), builder.gep(y, [jump]), *sums]

        sums = [read(builder, vector, place) for place in places]
        _, _, _, *sums = repeat(builder, rows, [g, x, y, *sums], row)
        for place, value in zip(places, sums, strict=True):
            write(builder, value, place)

    @intrinsic
    def paired(typing, g, g_channel, g_column, g_jump, channels, x, y, jump, columns, rows, out, out_y, out_row):
        i = types.int64
        signature = types.void(g, i, i, i, i, x, y, i, i, i, out, out_y, i)
        return signature, own_function(f"paired.{height}.{g.dtype}", body)

    return paired


_see_tall, _see_low, _see_one = map(_seen, (TALL, LOW, 1))
_pair_tall, _pair_low, _pair_one = map(_paired, (TALL, LOW, 1))


@compiled
def see(weights, first, x, y, offsets, depth, out, out_y, out_row, rows):
    """At most ``TALL`` channels of outputs at two vectors of positions: ``first[i] + Σ_k weights[k, i] x[offsets[k]]``.

    ``x`` and ``y`` are what the positions see through an offset of 0; the sums go to ``out`` and ``out_y``, the next
    channel ``out_row`` further on. Of a tile that has fewer rows than were asked for, those to the next height of tiles
    are written, too.
    """
    if rows > LOW:
        _see_tall(weights, first, x, y, offsets, depth, out, out_y, out_row)
    elif rows > 1:
        _see_low(weights, first, x, y, offsets, depth, out, out_y, out_row)
    else:
        _see_one(weights, first, x, y, offsets, depth, out, out_y, out_row)


@compiled
def pair(g, g_channel, g_column, g_jump, channels, x, y, jump, columns, rows, out, out_y, out_row):
    """Adds to a tile the products of all numbers of some channels of ``g`` with vectors of ``x``, and those of ``y``.

    There are ``rows`` of ``columns`` numbers in each channel, and one vector for each; at the end of a row ``g`` and
    the vectors jump on.
    """
    if channels > LOW:
        _pair_tall(g, g_channel, g_column, g_jump, channels, x, y, jump, columns, rows, out, out_y, out_row)
    elif channels > 1:
        _pair_low(g, g_channel, g_column, g_jump, channels, x, y, jump, columns, rows, out, out_y, out_row)
    else:
        _pair_one(g, g_channel, g_column, g_jump, channels, x, y, jump, columns, rows, out, out_y, out_row)


@intrinsic
def dot(typing, g, g_row, x, x_row, offsets, terms, columns, rows, out):
    """Adds to vectors, one for each of up to ``TERMS`` terms, the products of rows.

    ``out[i]`` gets those of ``rows`` rows of ``columns`` numbers of ``g`` with what ``x`` holds ``offsets[i]`` further
    on.
    """

    def body(builder, g, g_row, x, x_row, offsets, terms, columns, rows, out):
        kind = vector_at(g)
        last, starts = builder.sub(terms, INT(1)), []
        for i in range(TERMS):
            exists = builder.icmp_signed("<", INT(i), terms)
            starts.append(builder.load(builder.gep(offsets, [builder.select(exists, INT(i), last)])))
        places = [builder.gep(out, [INT(i * kind.count)]) for i in range(TERMS)]
        whole, left = builder.sdiv(columns, INT(kind.count)), builder.srem(columns, INT(kind.count))
        rest = builder.zext(builder.icmp_signed(">", left, INT(0)), INT)

        def added(read_one, now):
            g, x, *sums = now
            factor = read_one(g)
            sums = [
                multiply_add(builder, factor, read_one(builder.gep(x, [start])), total)
                for start, total in zip(starts, sums, strict=True)
            ]
            return [builder.gep(g, [INT(kind.count)]), builder.gep(x, [INT(kind.count)]), *sums]

        def row(now):
            g, x = now[:2]
            now = repeat(builder, whole, now, lambda now: added(lambda place: read(builder, kind, place), now))
            now = repeat(builder, rest, now, lambda now: added(lambda at: read_first(builder, kind, at, left), now))
            return [builder.gep(g, [g_row]), builder.gep(x, [x_row]), *now[2:]]

        _, _, *sums = repeat(builder, rows, [g, x, *(read(builder, kind, place) for place in places)], row)
        for place, total in zip(places, sums, strict=True):
            write(builder, total, place)

    i = types.int64
    return types.void(g, i, x, i, offsets, i, i, i, out), own_function(f"dot.{g.dtype}", body)


@intrinsic
def turn(typing, x, offsets, out):
    """``turn(x, offsets, out)``: as many rows of a vector as it has lanes, at ``x + offsets[i]``, become columns."""

    def body(builder, x, offsets, out):
        kind = vector_at(x)
        far = [builder.load(builder.gep(offsets, [INT(i)])) for i in range(kind.count)]
        rows = [read(builder, kind, builder.gep(x, [start])) for start in far]
        for i, turned in enumerate(interleave(builder, rows)):
            write(builder, turned, builder.gep(out, [INT(i * kind.count)]))

    return types.void(x, offsets, out), own_function(f"turn.{x.dtype}", body)


def combine(name: str, matrix: list[list[float]]) -> Callable:
    """The intrinsic ``combined(x, x_row, out, out_row)`` that makes vectors ``out[i] = Σ_j matrix[i][j] x[j]``.

    The numbers of the matrix are part of the code, and its zeros cost nothing.
    """

    def body(builder, x, x_row, out, out_row):
        kind = vector_at(x)
        rows = [read(builder, kind, builder.gep(x, [builder.mul(x_row, INT(j))])) for j in range(len(matrix[0]))]
        for i, factors in enumerate(matrix):
            total = None
            for row, factor in zip(rows, factors, strict=True):
                if not factor:
                    continue
                number = ir.Constant(kind, [ir.Constant(kind.element, factor)] * kind.count)
                if total is None:
                    total = row if factor == 1 else builder.fmul(row, number)
                elif factor in (1, -1):
                    total = (builder.fadd if factor == 1 else builder.fsub)(total, row)
                else:
                    total = multiply_add(builder, row, number, total)
            write(builder, total, builder.gep(out, [builder.mul(out_row, INT(i))]))

    @intrinsic
    def combined(typing, x, x_row, out, out_row):
        signature = types.void(x, types.int64, out, types.int64)
        return signature, own_function(f"{name}.{x.dtype}", body)

    return combined
