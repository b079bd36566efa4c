"""The kernels of convolutions, laid out as panels of weights; and their gradients, from sums over chunks of images."""

from __future__ import annotations

from numba import types

from calligrad.kernels.geometry import TALL, Packing
from calligrad.kernels.grids import packing_words
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import add, load, offset, pointer, store, total, width


@compiled
def pack(thread, threads, args, dtype):
    """Lays out panels (group, tile, value, term, channel of the tile), and a bias behind them.

    The bias goes with the second value, that at the point 1: from there it comes to each row alike.
    """
    c = Packing(*packing_words(args))
    w, terms, matrix = pointer(c.w, dtype), pointer(c.terms, types.int64), pointer(c.matrix, types.float64)
    panels = pointer(c.panels, dtype)
    tiles = (c.outputs + TALL - 1) // TALL
    bias, biases = pointer(c.bias, dtype), offset(panels, c.groups * tiles * c.values * c.depth * TALL)
    for unit in range(c.groups * tiles * thread // threads, c.groups * tiles * (thread + 1) // threads):
        group, first = unit // tiles, unit % tiles * TALL
        for value in range(c.values):
            place = unit * c.values + value
            for i in range(TALL):
                exists = c.bias and first + i < c.outputs and value == min(1, c.values - 1)
                channel = group * c.outputs + first + i
                biases[place * TALL + i] = bias[channel * c.bias_step] if exists else 0
            for k in range(c.depth):
                panel = offset(panels, (place * c.depth + k) * TALL)
                for i in range(TALL):
                    source = offset(w, group * c.w_group + (first + i) * c.w_output + terms[k])
                    if first + i >= c.outputs:
                        panel[i] = 0
                    elif c.values == 1:
                        panel[i] = source[0]
                    else:
                        number = 0.0
                        for row in range(c.rows):
                            number += source[row * c.w_row] * matrix[value * c.rows + row]
                        panel[i] = number


@compiled
def all_chunks(sums, at, chunk_size, chunks):
    """The vector at a place, summed over all chunks."""
    result = load(sums, at)
    for chunk in range(1, chunks):
        result = add(result, load(sums, at + chunk * chunk_size))
    return result


@compiled
def join(thread, threads, args, dtype):
    """Adds up all chunks of the sums (chunk, group, value, column, channel, lane) of ``correlate``."""
    c = Packing(*packing_words(args))
    w, terms, matrix = pointer(c.w, dtype), pointer(c.terms, types.int64), pointer(c.matrix, types.float64)
    sums = pointer(c.panels, dtype)
    lanes, each = width(w), c.depth // c.inputs
    found = pointer(c.work + thread * c.share, dtype)
    blocks = (c.inputs + lanes - 1) // lanes
    size = (c.outputs + TALL - 1) // TALL * TALL * lanes
    chunk_size = c.groups * c.values * c.columns * size
    for unit in range(c.groups * c.outputs * thread // threads, c.groups * c.outputs * (thread + 1) // threads):
        group, channel = unit // c.outputs, unit % c.outputs
        target = offset(w, group * c.w_group + channel * c.w_output)
        if c.dotted:
            for k in range(c.depth):
                at = group * c.columns * size + (channel * c.columns + k) * lanes
                target[terms[k]] = total(all_chunks(sums, at, chunk_size, c.chunks))
            continue
        for column in range(c.columns):
            for value in range(c.values):
                at = ((group * c.values + value) * c.columns + column) * size + channel * lanes
                store(found, value * lanes, all_chunks(sums, at, chunk_size, c.chunks))
            first, step, count = column * lanes, 1, min(lanes, c.depth - column * lanes)
            if c.shared:
                block = column % blocks * lanes
                first, step, count = block * each + column // blocks, each, min(lanes, c.inputs - block)
            for lane in range(count):
                for row in range(c.rows):
                    number = 0.0
                    for value in range(c.values):
                        number += found[value * lanes + lane] * matrix[value * c.rows + row]
                    target[terms[first + lane * step] + row * c.w_row] = number
