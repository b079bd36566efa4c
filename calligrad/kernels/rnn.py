"""The plain recurrent layer, forward and back through all steps of a sequence, as kernels.

The names and shapes are those of ``calligrad.nn.rnn``; panels are as in ``gru.py``.
"""

from __future__ import annotations

from calligrad.kernels.math import tanh
from calligrad.kernels.number import where
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

# The words: steps, examples, units, whether it is tanh; then arrays with two steps each, in numbers: h before the first
# step, the weight, z, or in their place the gradient of h at all steps, the weight and h at all steps; the address of h
# at all steps, or of the gradient of z and, with its steps, of that of the first h. Last, each thread's memory.
STEPS, EXAMPLES, UNITS, TANH, H, WEIGHT, Z, HS, SPACE, SPACE_SIZE = 0, 1, 2, 3, 4, 7, 10, 13, 14, 15
GH_AT, HS_BACK, GZS, GH, SPACE_BACK, SPACE_BACK_SIZE = 4, 10, 13, 14, 17, 18


def _rectified(z, total):
    x = z + total
    return (where((x > 0) | x.differs(x), x, 0.0),)


# panels: z, h, and the sums
by_tanh = panelwise("rnn.tanh", (0, 2), (1,), lambda z, total: (tanh(z + total),))
by_relu = panelwise("rnn.relu", (0, 2), (1,), _rectified)
# panels: h, the gradient of z, a spare one, and the gradient of h
tanh_back = panelwise("rnn.tanh.back", (0, 3), (1,), lambda h, gh: (gh * (1.0 - h * h),))
relu_back = panelwise("rnn.relu.back", (0, 3), (1,), lambda h, gh: (where(h.differs(0), gh, 0.0),))


@compiled
def rnn(thread, threads, args, dtype):
    """All steps, one block of examples after the other."""
    steps, n, units = args[STEPS], args[EXAMPLES], args[UNITS]
    weights = pointer(args[SPACE] + args[SPACE_SIZE] * thread, dtype)
    lanes = width(weights)
    lay_out(pointer(args[WEIGHT], dtype), args[WEIGHT + 1], args[WEIGHT + 2], units, units, weights)
    z = offset(weights, whole_rows(weights, units) * units)
    h = offset(z, units * lanes)
    fill(z, units * lanes)
    blocks = (n + lanes - 1) // lanes
    for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
        first = block * lanes
        count = min(lanes, n - first)
        gather_panel(offset(pointer(args[H], dtype), first * args[H + 1]), args[H + 1], args[H + 2], count, units, h)
        for t in range(steps):
            product(weights, units, units, h, offset(h, units * lanes))
            given = offset(pointer(args[Z], dtype), t * args[Z + 1] + first * args[Z + 2])
            turn(given, args[Z + 2], count, units, z, lanes)
            if args[TANH]:
                by_tanh(units, z)
            else:
                by_relu(units, z)
            turn(h, lanes, units, count, offset(pointer(args[HS], dtype), (t * n + first) * units), units)


@compiled
def rnn_gradient(thread, threads, args, dtype):
    """Back through all steps, one block of examples after the other."""
    steps, n, units = args[STEPS], args[EXAMPLES], args[UNITS]
    weights = pointer(args[SPACE_BACK] + args[SPACE_BACK_SIZE] * thread, dtype)
    lanes = width(weights)
    lay_out(pointer(args[WEIGHT], dtype), args[WEIGHT + 2], args[WEIGHT + 1], units, units, weights)
    h = offset(weights, whole_rows(weights, units) * units)
    panel = units * lanes
    gz, spare, gh = offset(h, panel), offset(h, 2 * panel), offset(h, 3 * panel)
    blocks = (n + lanes - 1) // lanes
    for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
        first = block * lanes
        count = min(lanes, n - first)
        fill(h, 4 * panel)
        for t in range(steps - 1, -1, -1):
            at = offset(pointer(args[GH_AT], dtype), t * args[GH_AT + 1] + first * args[GH_AT + 2])
            add_turned(at, args[GH_AT + 2], count, units, gh, spare)
            at = offset(pointer(args[HS_BACK], dtype), t * args[HS_BACK + 1] + first * args[HS_BACK + 2])
            turn(at, args[HS_BACK + 2], count, units, h, lanes)
            if args[TANH]:
                tanh_back(units, h)
            else:
                relu_back(units, h)
            turn(gz, lanes, units, count, offset(pointer(args[GZS], dtype), (t * n + first) * units), units)
            product(weights, units, units, gz, gh)
        scatter_panel(
            gh, count, units, offset(pointer(args[GH], dtype), first * args[GH + 1]), args[GH + 1], args[GH + 2]
        )
