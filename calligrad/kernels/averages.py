"""The sums of all windows of a plane, times a scale, and back: what average pools do."""

from __future__ import annotations

from calligrad.kernels.pooling import ARRAYS, COLUMNS, PLANES, ROWS, first_and_last
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import offset, pointer

# After the words of windows, as in ``pooling.py``: where the scale, x and the sums lie, the scale's steps along the
# rows and the columns of windows and, back, memory of each thread for the numbers of a plane.


@compiled
def add_apart(x, stride, y, step, n):
    """Adds n numbers that lie ``stride`` apart to others that lie ``step`` apart."""
    if stride == 1 and step == 1:
        for j in range(n):
            y[j] += x[j]
    elif step == 1:
        for j in range(n):
            y[j] += x[j * stride]
    else:
        for j in range(n):
            y[j * step] += x[j]


@compiled
def pool(args, x, y, back):
    """The sums of the windows of one plane, or back: each number of ``y``, added to all that its window covers."""
    wide = args[COLUMNS + 5]
    for a in range(args[ROWS + 1]):
        top, bottom, row_shift = first_and_last(args, ROWS, a)
        for b in range(args[COLUMNS + 1]):
            first, last, shift = first_and_last(args, COLUMNS, b)
            for i in range(top, bottom):
                row = offset(x, (i * args[ROWS + 2] + row_shift) * args[COLUMNS])
                covered = offset(row, first * args[COLUMNS + 2] + shift)
                windows = offset(y, i * wide + first)
                if back:
                    add_apart(windows, 1, covered, args[COLUMNS + 2], last - first)
                else:
                    add_apart(covered, args[COLUMNS + 2], windows, 1, last - first)


@compiled
def sums(thread, threads, args, dtype):
    """The sum of each window, times the scale."""
    planes, size, count = args[PLANES], args[ROWS] * args[COLUMNS], args[ROWS + 5] * args[COLUMNS + 5]
    scale, wide = pointer(args[ARRAYS], dtype), args[COLUMNS + 5]
    for plane in range(planes * thread // threads, planes * (thread + 1) // threads):
        x = offset(pointer(args[ARRAYS + 1], dtype), plane * size)
        y = offset(pointer(args[ARRAYS + 2], dtype), plane * count)
        for k in range(count):
            y[k] = 0
        pool(args, x, y, False)
        for i in range(args[ROWS + 5]):
            for j in range(wide):
                y[i * wide + j] *= scale[i * args[ARRAYS + 3] + j * args[ARRAYS + 4]]


@compiled
def spread(thread, threads, args, dtype):
    """Each number, times the scale, added to all that its window covers."""
    planes, size, count = args[PLANES], args[ROWS] * args[COLUMNS], args[ROWS + 5] * args[COLUMNS + 5]
    scale, wide = pointer(args[ARRAYS], dtype), args[COLUMNS + 5]
    scaled = offset(pointer(args[ARRAYS + 5], dtype), thread * count)
    for plane in range(planes * thread // threads, planes * (thread + 1) // threads):
        x = offset(pointer(args[ARRAYS + 1], dtype), plane * count)
        y = offset(pointer(args[ARRAYS + 2], dtype), plane * size)
        for k in range(size):
            y[k] = 0
        for i in range(args[ROWS + 5]):
            for j in range(wide):
                scaled[i * wide + j] = x[i * wide + j] * scale[i * args[ARRAYS + 3] + j * args[ARRAYS + 4]]
        pool(args, y, scaled, True)
