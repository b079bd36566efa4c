"""The gated recurrent unit, forward and back through all steps of a sequence, as two kernels.

The names and shapes are those of ``calligrad.nn.gru``; an example's numbers lie side by side there, and are turned into
panels here, one after the other in a thread's memory.
"""

from __future__ import annotations

from calligrad.kernels.math import sigmoid, tanh
from calligrad.kernels.recurrence import (
    add_turned,
    fill,
    gather_panel,
    lay_out,
    panelwise,
    product,
    scatter_panel,
    turn,
    whole_rows,
)
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import offset, pointer, width

# The words: steps, examples, units; then arrays with two steps each, in numbers: h before the first step, the weight,
# the bias (of which only the first step counts), z, or in their place the gradient of h at all steps, the weight, the
# slopes and u; the addresses of h at all steps and of the gates, or of what is given back and, with its steps, of the
# gradient of the first h. Last, each thread's memory.
STEPS, EXAMPLES, UNITS, H, WEIGHT, BIAS, Z, HS, GATES, SPACE, SPACE_SIZE = 0, 1, 2, 3, 6, 9, 12, 15, 16, 17, 18
GH_AT, SLOPES, U, GS, GH, SPACE_BACK, SPACE_BACK_SIZE = 3, 9, 12, 15, 16, 19, 20


def _step(z_r, z_u, z_n, b_r, b_u, b_n, h, s_r, s_u, s_n):
    r, u, m = sigmoid(z_r + (s_r + b_r)), sigmoid(z_u + (s_u + b_u)), s_n + b_n
    n = tanh(z_n + r * m)
    return r, u, n, m, n + u * (h - n)


def _step_back(a, b, c, d, gh):
    return gh * a, gh * b, gh * c, gh * d


def _rest(u, gh, through):
    return (gh * u + through,)


# panels: z of r, u and n, the biases, the gates, h, and the sums
step = panelwise("gru.step", (0, 1, 2, 3, 4, 5, 10, 11, 12, 13), (6, 7, 8, 9, 10), _step)
# panels: the slopes, what is given back, u, the gradient of h, spare ones, and what comes through the weight
step_back = panelwise("gru.back", (0, 1, 2, 3, 9), (4, 5, 6, 7), _step_back)
rest = panelwise("gru.rest", (8, 9, 11), (9,), _rest)


@compiled
def gru(thread, threads, args, dtype):
    """All steps, one block of examples after the other."""
    steps, n, units = args[STEPS], args[EXAMPLES], args[UNITS]
    weights = pointer(args[SPACE] + args[SPACE_SIZE] * thread, dtype)
    lanes = width(weights)
    lay_out(pointer(args[WEIGHT], dtype), args[WEIGHT + 1], args[WEIGHT + 2], 3 * units, units, weights)
    z = offset(weights, whole_rows(weights, 3 * units) * units)
    bias, gates, h = offset(z, 3 * units * lanes), offset(z, 6 * units * lanes), offset(z, 10 * units * lanes)
    for i in range(3 * units * lanes):
        bias[i] = pointer(args[BIAS], dtype)[i // lanes * args[BIAS + 1]]
        z[i] = 0
    blocks = (n + lanes - 1) // lanes
    for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
        first = block * lanes
        count = min(lanes, n - first)
        gather_panel(offset(pointer(args[H], dtype), first * args[H + 1]), args[H + 1], args[H + 2], count, units, h)
        for t in range(steps):
            product(weights, 3 * units, units, h, offset(h, units * lanes))
            given = offset(pointer(args[Z], dtype), t * args[Z + 1] + first * args[Z + 2])
            turn(given, args[Z + 2], count, 3 * units, z, lanes)
            step(units, z)
            example = t * n + first
            turn(gates, lanes, 4 * units, count, offset(pointer(args[GATES], dtype), example * 4 * units), 4 * units)
            turn(h, lanes, units, count, offset(pointer(args[HS], dtype), example * units), units)


@compiled
def gru_gradient(thread, threads, args, dtype):
    """Back through all steps, one block of examples after the other."""
    steps, n, units = args[STEPS], args[EXAMPLES], args[UNITS]
    weights = pointer(args[SPACE_BACK] + args[SPACE_BACK_SIZE] * thread, dtype)
    lanes = width(weights)
    lay_out(pointer(args[WEIGHT], dtype), args[WEIGHT + 2], args[WEIGHT + 1], units, 3 * units, weights)
    slopes = offset(weights, whole_rows(weights, units) * 3 * units)
    panel = units * lanes
    gs, u = offset(slopes, 4 * panel), offset(slopes, 8 * panel)
    gh, spare = offset(u, panel), offset(u, 2 * panel)
    blocks = (n + lanes - 1) // lanes
    for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
        first = block * lanes
        count = min(lanes, n - first)
        fill(slopes, 11 * panel)
        for t in range(steps - 1, -1, -1):
            at = offset(pointer(args[GH_AT], dtype), t * args[GH_AT + 1] + first * args[GH_AT + 2])
            add_turned(at, args[GH_AT + 2], count, units, gh, spare)
            at = offset(pointer(args[SLOPES], dtype), t * args[SLOPES + 1] + first * args[SLOPES + 2])
            turn(at, args[SLOPES + 2], count, 4 * units, slopes, lanes)
            at = offset(pointer(args[U], dtype), t * args[U + 1] + first * args[U + 2])
            turn(at, args[U + 2], count, units, u, lanes)
            step_back(units, slopes)
            turn(gs, lanes, 4 * units, count, offset(pointer(args[GS], dtype), (t * n + first) * 4 * units), 4 * units)
            product(weights, units, 3 * units, gs, offset(slopes, 11 * panel))
            rest(units, slopes)
        scatter_panel(
            gh, count, units, offset(pointer(args[GH], dtype), first * args[GH + 1]), args[GH + 1], args[GH + 2]
        )
