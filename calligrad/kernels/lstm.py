"""The long short-term memory, forward and back through all steps of a sequence, as two kernels.

The names and shapes are those of ``calligrad.nn.lstm``. In memory the examples lie beside each other: z is
(4 units, steps, n), the gates (steps, 4 units, n) and the states c (steps, units, n).
"""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from calligrad.kernels.math import sigmoid, tanh
from calligrad.kernels.number import Number
from calligrad.kernels.recurrence import (
    add_turned,
    fill,
    gather_panel,
    lay_out,
    product,
    scatter_panel,
    turn,
    whole_rows,
)
from calligrad.kernels.registers import INT, own_function, read, read_first, repeat, vector_at, write, write_first
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import offset, pointer, width

# The words: steps, examples, units, and outputs, which are fewer than the units if there is a projection. Then arrays,
# each with its address and steps in numbers: h and c before the first step, the weight and the projection, of rows and
# columns. Then addresses: z and the states h, c and the gates at all steps. Last, each thread's memory.
STEPS, EXAMPLES, UNITS, OUTPUTS, H, C, WEIGHT, PROJECTION = 0, 1, 2, 3, 4, 7, 10, 13
Z, HS, CS, GATES, SPACE, SPACE_SIZE = 16, 17, 18, 19, 20, 21


def _gates(builder, at, gate):
    """The places of the four gates of a unit."""
    return [builder.gep(at, [builder.mul(gate, INT(k))]) for k in range(4)]


def _units_forward(builder, units, sums, sums_gate, z, z_row, c, h, gates, row, cs, count):
    """A step of all units: gates, the new c and what of it is let out."""
    vector = vector_at(sums)

    def step(now):
        sums, z, c, h, gates, cs = now

        def numbers(place):
            return Number(builder, read(builder, vector, place))

        before = [
            numbers(p) + Number(builder, read_first(builder, vector, q, count))
            for p, q in zip(_gates(builder, sums, sums_gate), _gates(builder, z, builder.mul(z_row, units)))
        ]
        i, f, g, o = (g(x) for g, x in zip((sigmoid, sigmoid, tanh, sigmoid), before))
        new = f * numbers(c) + i * g
        write(builder, new.value, c)
        write(builder, (o * tanh(new)).value, h)
        write_first(builder, new.value, cs, count)
        for place, x in zip(_gates(builder, gates, builder.mul(row, units)), (i, f, g, o)):
            write_first(builder, x.value, place, count)
        near = [builder.gep(p, [INT(vector.count)]) for p in (sums, c, h)]
        far = [builder.gep(z, [z_row]), *(builder.gep(p, [row]) for p in (gates, cs))]
        return [near[0], far[0], near[1], near[2], far[1], far[2]]

    repeat(builder, units, [sums, z, c, h, gates, cs], step)


@intrinsic
def units_forward(typing, units, sums, sums_gate, z, z_row, c, h, gates, row, cs, count):
    """Adds z to the sums of each gate; c, h, gates and cs are written, gates and cs only for the examples there are."""
    n = types.int64
    return types.void(n, sums, n, sums, n, sums, sums, sums, n, sums, n), own_function(
        f"lstm.forward.{sums.dtype}", _units_forward
    )


def _units_back(builder, units, gm, gc, gates, row, cs, before, before_row, gz, gz_gate, gzs, gzs_row, count):
    """A step back of all units: the gradients of what the gates were computed from, and of c before."""
    vector = vector_at(gm)

    def step(now):
        gm, gc, gates, cs, before, gz, gzs = now

        def numbers(place):
            return Number(builder, read(builder, vector, place))

        def seen(place):
            return Number(builder, read_first(builder, vector, place, count))

        i, f, g, o = (seen(place) for place in _gates(builder, gates, builder.mul(row, units)))
        tanh_c, gh = tanh(seen(cs)), numbers(gm)
        g_c = numbers(gc) + gh * o * (1 - tanh_c * tanh_c)
        write(builder, (g_c * f).value, gc)
        found = (
            g_c * g * (i - i * i),
            g_c * seen(before) * (f - f * f),
            g_c * i * (1 - g * g),
            gh * tanh_c * (o - o * o),
        )
        places = zip(_gates(builder, gz, gz_gate), _gates(builder, gzs, builder.mul(gzs_row, units)))
        for (near, far), x in zip(places, found):
            write(builder, x.value, near)
            write_first(builder, x.value, far, count)
        strides = [INT(vector.count), INT(vector.count), row, row, before_row, INT(vector.count), gzs_row]
        return [builder.gep(p, [stride]) for p, stride in zip(now, strides)]

    repeat(builder, units, [gm, gc, gates, cs, before, gz, gzs], step)


@intrinsic
def units_back(typing, units, gm, gc, gates, row, cs, before, before_row, gz, gz_gate, gzs, gzs_row, count):
    """From the gradients gm and gc to those of the gates' sums: gz in a panel, gzs only for the examples there are."""
    n = types.int64
    return types.void(n, gm, gm, gm, n, gm, gm, n, gm, n, gm, n, n), own_function(f"lstm.back.{gm.dtype}", _units_back)


@compiled
def lstm(thread, threads, args, dtype):
    """All steps, one block of examples after the other."""
    steps, n, units, outputs = args[STEPS], args[EXAMPLES], args[UNITS], args[OUTPUTS]
    weights = pointer(args[SPACE] + args[SPACE_SIZE] * thread, dtype)
    lanes = width(weights)
    lay_out(pointer(args[WEIGHT], dtype), args[WEIGHT + 1], args[WEIGHT + 2], 4 * units, outputs, weights)
    projection = offset(weights, whole_rows(weights, 4 * units) * outputs)
    sums = projection
    if args[PROJECTION]:
        lay_out(
            pointer(args[PROJECTION], dtype), args[PROJECTION + 1], args[PROJECTION + 2], outputs, units, projection
        )
        sums = offset(projection, whole_rows(weights, outputs) * units)
    c = offset(sums, whole_rows(weights, 4 * units) * lanes)
    let_out = offset(c, units * lanes)
    h = offset(let_out, whole_rows(weights, units) * lanes) if args[PROJECTION] else let_out
    blocks = (n + lanes - 1) // lanes
    for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
        first = block * lanes
        count = min(lanes, n - first)
        gather_panel(offset(pointer(args[H], dtype), first * args[H + 1]), args[H + 1], args[H + 2], count, outputs, h)
        gather_panel(offset(pointer(args[C], dtype), first * args[C + 1]), args[C + 1], args[C + 2], count, units, c)
        for t in range(steps):
            product(weights, 4 * units, outputs, h, sums)
            z = offset(pointer(args[Z], dtype), t * n + first)
            gates = offset(pointer(args[GATES], dtype), t * 4 * units * n + first)
            cs = offset(pointer(args[CS], dtype), t * units * n + first)
            units_forward(units, sums, units * lanes, z, steps * n, c, let_out, gates, n, cs, count)
            if args[PROJECTION]:
                product(projection, outputs, units, let_out, h)
            turn(h, lanes, outputs, count, offset(pointer(args[HS], dtype), (t * n + first) * outputs), outputs)


# What the gradient has after the projection: the gradient of h at all steps (or 0) and its steps, from step to step and
# from example to example, the same of c, the addresses of the states c, the gates, and the gradient of z, those of the
# first h and c with their steps, that of h at all steps (or 0), and each thread's memory.
GH_AT, GC_AT, CS_BACK, GATES_BACK, GZS, GH, GC, GHS, SPACE_BACK, SPACE_BACK_SIZE = (
    16,
    19,
    22,
    23,
    24,
    25,
    28,
    31,
    32,
    33,
)


@compiled
def lstm_gradient(thread, threads, args, dtype):
    """Back through all steps, one block of examples after the other."""
    steps, n, units, outputs = args[STEPS], args[EXAMPLES], args[UNITS], args[OUTPUTS]
    weights = pointer(args[SPACE_BACK] + args[SPACE_BACK_SIZE] * thread, dtype)
    lanes = width(weights)
    lay_out(pointer(args[WEIGHT], dtype), args[WEIGHT + 2], args[WEIGHT + 1], outputs, 4 * units, weights)
    projection = offset(weights, whole_rows(weights, outputs) * 4 * units)
    gz = projection
    if args[PROJECTION]:
        lay_out(
            pointer(args[PROJECTION], dtype), args[PROJECTION + 2], args[PROJECTION + 1], units, outputs, projection
        )
        gz = offset(projection, whole_rows(weights, units) * outputs)
    first_c = offset(gz, 4 * units * lanes)
    gc = offset(first_c, units * lanes)
    spare = offset(gc, units * lanes)
    gh = offset(spare, max(units, outputs) * lanes)
    gm = offset(gh, whole_rows(weights, outputs) * lanes) if args[PROJECTION] else gh
    blocks = (n + lanes - 1) // lanes
    for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
        first = block * lanes
        count = min(lanes, n - first)
        gather_panel(
            offset(pointer(args[C], dtype), first * args[C + 1]), args[C + 1], args[C + 2], count, units, first_c
        )
        fill(gh, outputs * lanes)
        fill(gc, units * lanes)
        fill(spare, max(units, outputs) * lanes)
        for t in range(steps - 1, -1, -1):
            if args[GH_AT]:
                at = offset(pointer(args[GH_AT], dtype), t * args[GH_AT + 1] + first * args[GH_AT + 2])
                add_turned(at, args[GH_AT + 2], count, outputs, gh, spare)
            if args[GC_AT]:
                at = offset(pointer(args[GC_AT], dtype), t * args[GC_AT + 1] + first * args[GC_AT + 2])
                add_turned(at, args[GC_AT + 2], count, units, gc, spare)
            if args[PROJECTION]:
                turn(gh, lanes, outputs, count, offset(pointer(args[GHS], dtype), (t * n + first) * outputs), outputs)
                product(projection, units, outputs, gh, gm)
            gates = offset(pointer(args[GATES_BACK], dtype), t * 4 * units * n + first)
            cs = offset(pointer(args[CS_BACK], dtype), t * units * n + first)
            before, row = (offset(cs, -units * n), n) if t else (first_c, lanes)
            gzs = offset(pointer(args[GZS], dtype), t * n + first)
            units_back(units, gm, gc, gates, n, cs, before, row, gz, units * lanes, gzs, steps * n, count)
            product(weights, outputs, 4 * units, gz, gh)
        scatter_panel(
            gh, count, outputs, offset(pointer(args[GH], dtype), first * args[GH + 1]), args[GH + 1], args[GH + 2]
        )
        scatter_panel(
            gc, count, units, offset(pointer(args[GC], dtype), first * args[GC + 1]), args[GC + 1], args[GC + 2]
        )
