"""Max pools: the largest number of every window of a plane, and back. Planes are shared out among the threads."""

from __future__ import annotations

import math

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from calligrad.kernels.number import Number, where
from calligrad.kernels.registers import INT, read_first, vector_at, write_first
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import offset, pointer, width

# The words: how many planes; of rows and of columns the size of a plane, the kernel (0 if windows differ in length),
# stride, padding, dilation and count of the windows, and which word their table begins with: for each window, where in
# the plane it begins, and how many of its taps are there. Then where x and the maxima lie, and memory of each thread
# for a row of x; or, for the gradient, where x, the gradient of the maxima and that of x lie.
PLANES, ROWS, COLUMNS, ARRAYS = 0, 1, 8, 15


# ---------------------------------------------------------------- windows of 2 by 2, side by side


def _columns(builder, place, count):
    """The numbers in even and those in odd columns, so many of each, as two vectors."""
    kind = vector_at(place)
    lanes, both = kind.count, builder.add(count, count)
    first = read_first(builder, kind, place, both)
    second = read_first(builder, kind, builder.gep(place, [INT(lanes)]), builder.sub(both, INT(lanes)))
    masks = (ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(k, 2 * lanes, 2))) for k in (0, 1))
    return [Number(builder, builder.shuffle_vector(first, second, mask)) for mask in masks]


def _write_columns(builder, place, count, evens, odds):
    """Puts even and odd columns where they belong."""
    lanes, both = evens.value.type.count, builder.add(count, count)
    for k in (0, lanes):
        order = [(k + i) // 2 + (k + i) % 2 * lanes for i in range(lanes)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), order)
        row = builder.shuffle_vector(evens.value, odds.value, mask)
        write_first(builder, row, builder.gep(place, [INT(k)]), builder.sub(both, INT(k)))


def _largest(numbers):
    """The first of the largest, or the last NaN; and for each but the first whether it is larger than those before."""
    best, larger = numbers[0], []
    for x in numbers[1:]:
        larger.append((x > best) | x.differs(x))
        best = where(larger[-1], x, best)
    return best, larger


@intrinsic
def largest_of_squares(typing, upper, lower, out, count):
    """``largest_of_squares(upper, lower, out, count)``: at most a vector of squares, of two rows that lie there."""

    def emit(context, builder, signature, values):
        upper, lower, out, count = values
        best, _ = _largest([*_columns(builder, upper, count), *_columns(builder, lower, count)])
        write_first(builder, best.value, out, count)
        return context.get_dummy_value()

    return types.void(upper, upper, upper, types.int64), emit


@intrinsic
def route_to_squares(typing, upper, lower, g, upper_out, lower_out, count):
    """Puts each number of ``g`` where the largest of its square is, and 0 at the other three places."""

    def emit(context, builder, signature, values):
        upper, lower, g, upper_out, lower_out, count = values
        numbers = [*_columns(builder, upper, count), *_columns(builder, lower, count)]
        _, larger = _largest(numbers)
        left = Number(builder, read_first(builder, vector_at(g), g, count))
        routed: list[Number] = []
        for condition in reversed(larger):  # the last that is larger gets it
            routed.insert(0, where(condition, left, 0.0))
            left = where(condition, 0.0, left)
        routed.insert(0, left)
        _write_columns(builder, upper_out, count, *routed[:2])
        _write_columns(builder, lower_out, count, *routed[2:])
        return context.get_dummy_value()

    return types.void(upper, upper, upper, upper, upper, types.int64), emit


@compiled
def are_squares(args):
    """Whether all windows are two by two and lie side by side."""
    for along in (ROWS, COLUMNS):
        if args[along + 1] != 2 or args[along + 2] != 2 or args[along + 3] or args[along + 4] != 1:
            return False
        if 2 * args[along + 5] > args[along]:
            return False
    return True


# ---------------------------------------------------------------- any windows


@compiled
def first_and_last(args, along, tap):
    """From which window on, and until which, a tap is within the plane; and where it is in window 0."""
    size, stride, count = args[along], args[along + 2], args[along + 5]
    shift = tap * args[along + 4] - args[along + 3]
    first = 0 if shift >= 0 else (stride - 1 - shift) // stride
    last = count if shift + (count - 1) * stride < size else max(first, (size - 1 - shift + stride) // stride)
    return first, last, shift


@compiled
def taps(args, along, window):
    """Where a window begins within the plane, how far its taps are apart, and how many of them are within."""
    place = args[along + 6] + 2 * window
    return args[place], args[along + 4], args[place + 1]


@compiled
def place_of_largest(args, x, i, j):
    """Where in its plane the largest number of a window is, the first of them or the last NaN; -1 if it has none."""
    row, row_step, rows = taps(args, ROWS, i)
    column, step, columns = taps(args, COLUMNS, j)
    if not (rows and columns):
        return -1
    found = row * args[COLUMNS] + column
    best = x[found]
    for _ in range(rows):
        place = row * args[COLUMNS] + column
        for _ in range(columns):
            number = x[place]
            larger = (number > best) | (number != number)
            best = select(larger, number, best)
            found = select(larger, place, found)
            place += step
        row += row_step
    return found


@intrinsic
def select(typing, condition, a, b):
    """One or the other, without a branch that would be guessed wrong."""

    def emit(context, builder, signature, values):
        return builder.select(*values)

    return a(types.boolean, a, a), emit


@compiled
def largest_apart(x, stride, y, n):
    """Makes each of n numbers the larger of itself and one of others, which lie ``stride`` apart; NaN is larger."""
    if stride == 1:
        for j in range(n):
            y[j] = select((x[j] > y[j]) | (x[j] != x[j]), x[j], y[j])
    elif stride == 2:
        for j in range(n):
            y[j] = select((x[2 * j] > y[j]) | (x[2 * j] != x[2 * j]), x[2 * j], y[j])
    else:
        for j in range(n):
            y[j] = select((x[j * stride] > y[j]) | (x[j * stride] != x[j * stride]), x[j * stride], y[j])


@compiled
def largest_of_row(args, x, i, spare, y):
    """The largest numbers of a row of windows: first of each column that it covers, then of each window."""
    row, row_step, rows = taps(args, ROWS, i)
    for j in range(args[COLUMNS]):
        spare[j] = -math.inf
    for _ in range(rows):
        largest_apart(offset(x, row * args[COLUMNS]), 1, spare, args[COLUMNS])
        row += row_step
    for j in range(args[COLUMNS + 5]):
        y[j] = -math.inf
    if args[COLUMNS + 1] == 0:
        for j in range(args[COLUMNS + 5]):
            column, step, columns = taps(args, COLUMNS, j)
            for b in range(columns):
                largest_apart(offset(spare, column + b * step), 1, offset(y, j), 1)
    for b in range(args[COLUMNS + 1]):
        first, last, shift = first_and_last(args, COLUMNS, b)
        covered = offset(spare, first * args[COLUMNS + 2] + shift)
        largest_apart(covered, args[COLUMNS + 2], offset(y, first), last - first)


@compiled
def maxima(thread, threads, args, dtype):
    """The largest number of each window."""
    planes, squares = args[PLANES], are_squares(args)
    columns, height, wide = args[COLUMNS], args[ROWS + 5], args[COLUMNS + 5]
    spare = offset(pointer(args[ARRAYS + 2], dtype), thread * columns)
    for plane in range(planes * thread // threads, planes * (thread + 1) // threads):
        x = offset(pointer(args[ARRAYS], dtype), plane * args[ROWS] * columns)
        y = offset(pointer(args[ARRAYS + 1], dtype), plane * height * wide)
        for i in range(height):
            if squares:
                for j in range(0, wide, width(x)):
                    upper = offset(x, 2 * i * columns + 2 * j)
                    count = min(width(x), wide - j)
                    largest_of_squares(upper, offset(upper, columns), offset(y, i * wide + j), count)
            else:
                largest_of_row(args, x, i, spare, offset(y, i * wide))


@compiled
def routed(thread, threads, args, dtype):
    """The gradient of x: that of each window where its largest number is."""
    planes, squares = args[PLANES], are_squares(args)
    columns, height, wide = args[COLUMNS], args[ROWS + 5], args[COLUMNS + 5]
    for plane in range(planes * thread // threads, planes * (thread + 1) // threads):
        begin = plane * args[ROWS] * columns
        x = offset(pointer(args[ARRAYS], dtype), begin)
        g = offset(pointer(args[ARRAYS + 1], dtype), plane * height * wide)
        gx = offset(pointer(args[ARRAYS + 2], dtype), begin)
        if not (squares and 2 * height == args[ROWS] and 2 * wide == columns):
            for k in range(args[ROWS] * columns):
                gx[k] = 0
        for i in range(height):
            if squares:
                for j in range(0, wide, width(x)):
                    far = 2 * i * columns + 2 * j
                    upper, upper_out, count = offset(x, far), offset(gx, far), min(width(x), wide - j)
                    route_to_squares(
                        upper,
                        offset(upper, columns),
                        offset(g, i * wide + j),
                        upper_out,
                        offset(upper_out, columns),
                        count,
                    )
            else:
                for j in range(wide):
                    place = place_of_largest(args, x, i, j)
                    if place >= 0:
                        gx[place] += g[i * wide + j]
