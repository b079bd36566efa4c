"""Kernels that go where arrays of whole numbers point: they take numbers from there, put some there, or add to those.

Every *point* has an index in each of some arrays; they name a *slab* of the array ``x``, a few axes of it, and to
it belongs a slab of the *other* array: what is taken, or what is put or added. All strides are free.
"""

from __future__ import annotations

from numba import types

from calligrad.kernels.atomics import fail
from calligrad.kernels.runtime import OUT_OF_BOUNDS
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import offset, pointer

# The words: where errors are told, how many arrays of indices there are, and where x and the other array lie; sizes of
# the three axes of points and of the three of a slab; the steps of x and of the other array along these six; then for
# each array of indices where it lies, its steps along the axes of points, and of the axis into which it points the
# size, the number and the step; last, the line of the user's that errors tell.
ERRORS, COUNT, X, OTHER, SIZES, X_STEPS, OTHER_STEPS, INDICES = 0, 1, 2, 3, 4, 10, 16, 22
INDEX_WORDS = 7

TAKE, PUT, ADD = range(3)


@compiled
def at_point(args, steps, a, b, c):
    """How far from the first number a point is."""
    return a * args[steps] + b * args[steps + 1] + c * args[steps + 2]


@compiled
def index_at(args, word, a, b, c):
    """What an array of indices says at a point."""
    return pointer(args[word], types.int64)[at_point(args, word + 1, a, b, c)]


@compiled
def report(args):
    """Tell of the first index that is out of bounds, in the order in which NumPy looks."""
    for k in range(args[COUNT]):
        word = INDICES + INDEX_WORDS * k
        size = args[word + 4]
        for a in range(args[SIZES]):
            for b in range(args[SIZES + 1]):
                for c in range(args[SIZES + 2]):
                    index = index_at(args, word, a, b, c)
                    if index < -size or index >= size:
                        line = args[INDICES + INDEX_WORDS * args[COUNT]]
                        fail(args[ERRORS], OUT_OF_BOUNDS, index, args[word + 5], size, line)
                        return


@compiled
def move_slab(args, x, other, first, last, what):
    """Rows ``first`` to ``last`` of a slab."""
    xs, os = args[X_STEPS + 5], args[OTHER_STEPS + 5]
    n = args[SIZES + 5]
    for i in range(first, last):
        for j in range(args[SIZES + 4]):
            p = offset(x, i * args[X_STEPS + 3] + j * args[X_STEPS + 4])
            q = offset(other, i * args[OTHER_STEPS + 3] + j * args[OTHER_STEPS + 4])
            if xs == 1 and os == 1:
                for k in range(n):
                    move(p, k, q, k, what)
            else:
                for k in range(n):
                    move(p, k * xs, q, k * os, what)


@compiled
def move(p, i, q, j, what):
    """One number."""
    if what == TAKE:
        q[j] = p[i]
    elif what == PUT:
        p[i] = q[j]
    else:
        p[i] += q[j]


@compiled
def select(thread, threads, args, dtype, what):
    """All points and slabs of one thread.

    What is taken is shared out by points and the rows of slabs. Where something is put or added, the order of points
    matters: every thread goes through all of them, and each does those of its own part of the first axis.
    """
    rows = args[SIZES + 3]
    points = args[SIZES] * args[SIZES + 1] * args[SIZES + 2]
    begin, end, least, most = 0, points * rows, 0, args[INDICES + 4]
    if what == TAKE:
        begin, end = end * thread // threads, end * (thread + 1) // threads
    else:
        least, most = most * thread // threads, most * (thread + 1) // threads
    point = begin // rows
    line = point // args[SIZES + 2]
    c = point - line * args[SIZES + 2]
    a = line // args[SIZES + 1]
    b = line - a * args[SIZES + 1]
    while begin < end:
        until = min(end, (point + 1) * rows)
        far = at_point(args, X_STEPS, a, b, c)
        mine = True
        for k in range(args[COUNT]):
            word = INDICES + INDEX_WORDS * k
            index, size = index_at(args, word, a, b, c), args[word + 4]
            if index < -size or index >= size:
                report(args)
                return
            if index < 0:
                index += size
            if k == 0:
                mine = least <= index < most
            far += index * args[word + 6]
        if mine:
            x = offset(pointer(args[X], dtype), far)
            other = offset(pointer(args[OTHER], dtype), at_point(args, OTHER_STEPS, a, b, c))
            move_slab(args, x, other, begin - point * rows, until - point * rows, what)
        begin, point, c = until, point + 1, c + 1
        if c == args[SIZES + 2]:
            b, c = b + 1, 0
            if b == args[SIZES + 1]:
                a, b = a + 1, 0
