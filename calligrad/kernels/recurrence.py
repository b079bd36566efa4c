"""Products of weights and states for kernels that go through a sequence step by step.

The examples of a batch lie in the lanes of vectors: a *panel* has a row of one vector for each unit. Blocks of as many
examples as a vector has lanes are shared out among the threads; none ever waits for another. The weights are laid out
once, and stay in the cache of each processor for all steps.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from calligrad.kernels.number import Number
from calligrad.kernels.registers import (
    INT,
    REGISTERS,
    multiply_add,
    own_function,
    read,
    repeat,
    splat,
    vector_at,
    write,
)
from calligrad.kernels.tiles import WIDTH, compiled, pack
from calligrad.kernels.vectors import add, load, offset, store, transpose, width


def _height(lanes: int) -> int:
    """The rows of a tile: those of a whole panel of weights, or of half of one."""
    return WIDTH * lanes if WIDTH * lanes + 2 <= REGISTERS else lanes


def _rows_of_products(builder, weights, panel, depth, out):
    vector = vector_at(weights)
    lanes, height = vector.count, _height(vector.count)

    def step(now):
        weights, panel, *sums = now
        term = read(builder, vector, panel)
        for i in range(height):
            factor = splat(builder, vector, builder.load(builder.gep(weights, [INT(i)])))
            sums[i] = multiply_add(builder, factor, term, sums[i])
        return [builder.gep(weights, [INT(WIDTH * lanes)]), builder.gep(panel, [INT(lanes)]), *sums]

    _, _, *sums = repeat(builder, depth, [weights, panel, *[ir.Constant(vector, None)] * height], step)
    for i, each in enumerate(sums):
        write(builder, each, builder.gep(out, [INT(i * lanes)]))


@intrinsic
def rows_of_products(typing, weights, panel, depth, out):
    """The products of some rows of weights, laid out, and a panel of states, of so many rows."""
    signature = types.void(weights, panel, types.int64, out)
    return signature, own_function(f"recurrence.{weights.dtype}", _rows_of_products)


@intrinsic
def height(typing, p):
    """``height(p)``: how many rows ``rows_of_products`` computes."""

    def emit(context, builder, signature, values):
        return INT(_height(vector_at(values[0]).count))

    return types.int64(p), emit


def panelwise(name: str, ins: tuple[int, ...], outs: tuple[int, ...], formula: Callable) -> Callable:
    """The intrinsic ``f(units, p)`` that computes some panels from others by a formula; ``p`` points to panel 0.

    Panels of so many units lie one behind the other; ``ins`` and ``outs`` are their numbers.
    """

    def body(builder, units, p):
        vector = vector_at(p)
        panel = builder.mul(units, INT(vector.count))

        def step(now):
            def place(k):
                return builder.gep(now[0], [builder.mul(panel, INT(k))])

            numbers = [Number(builder, read(builder, vector, place(k))) for k in ins]
            for k, x in zip(outs, formula(*numbers), strict=True):
                write(builder, x.value, place(k))
            return [builder.gep(now[0], [INT(vector.count)])]

        repeat(builder, units, [p], step)

    @intrinsic
    def apply(typing, units, p):
        return types.void(types.int64, p), own_function(f"{name}.{p.dtype}", body)

    return apply


@compiled
def whole_rows(p, rows):
    """So many rows, and as many more as the last panel of weights has room for."""
    wide = WIDTH * width(p)
    return (rows + wide - 1) // wide * wide


@compiled
def lay_out(w, w_row, w_column, rows, depth, out):
    """The matrix ``w`` as ``product`` wants it: panels of rows, in which columns lie one behind the other."""
    wide = WIDTH * width(w)
    for i in range(0, rows, wide):
        pack(offset(w, i * w_row), w_column, w_row, depth, min(wide, rows - i), offset(out, i * depth))


@compiled
def product(weights, rows, depth, panel, out):
    """The panel of the products of ``rows`` of weights and a panel of ``depth`` rows."""
    lanes, tall = width(weights), height(weights)
    wide = WIDTH * lanes
    for i in range(0, whole_rows(weights, rows), tall):
        part = i // wide * wide
        rows_of_products(offset(weights, part * depth + i - part), panel, depth, offset(out, i * lanes))


@compiled
def turn(p, row, m, n, out, out_row):
    """``out[j, i] = p[i, j]`` for i < m and j < n, where the numbers of a row lie side by side in both."""
    lanes = width(p)
    for i in range(0, m, lanes):
        for j in range(0, n, lanes):
            if i + lanes <= m and j + lanes <= n:
                transpose(offset(p, i * row + j), row, offset(out, j * out_row + i), out_row)
            else:
                for k in range(i, min(m, i + lanes)):
                    for l in range(j, min(n, j + lanes)):
                        out[l * out_row + k] = p[k * row + l]


@compiled
def add_turned(p, row, m, n, panel, spare):
    """Adds to each row of a panel, of which there are n, a column of ``p``, of which there are m rows."""
    lanes = width(p)
    turn(p, row, m, n, spare, lanes)
    for j in range(n):
        store(panel, j * lanes, add(load(panel, j * lanes), load(spare, j * lanes)))


@compiled
def fill(p, n):
    """Zeros."""
    for i in range(n):
        p[i] = 0


@compiled
def gather_panel(p, row, column, m, n, panel):
    """A panel of n rows from the m rows of a matrix with any strides; zeros in the lanes that are left."""
    lanes = width(p)
    fill(panel, n * lanes)
    for i in range(m):
        for j in range(n):
            panel[j * lanes + i] = p[i * row + j * column]


@compiled
def scatter_panel(panel, m, n, p, row, column):
    """The other way round."""
    lanes = width(p)
    for i in range(m):
        for j in range(n):
            p[i * row + j * column] = panel[j * lanes + i]
