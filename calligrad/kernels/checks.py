"""The kernel that ends a program where something is wrong."""

from __future__ import annotations

from numba import types

from calligrad.kernels import runtime
from calligrad.kernels.atomics import fail
from calligrad.kernels.vectors import pointer

STOP = runtime.CHECK


def stop(thread, threads, args):
    """Reports check ``args[3]`` at ``args[2]`` if any of ``args[1]`` truth values at ``args[0]`` holds."""
    if thread == 0:
        wrong = pointer(args[0], types.uint8)
        for i in range(args[1]):
            if wrong[i]:
                fail(args[2], STOP, args[3], 0, 0, 0)
                return


def stop_outside(thread, threads, args):
    """Reports check ``args[6]`` at ``args[5]`` if not all of ``args[1]`` whole numbers at ``args[0]`` are allowed.

    Those are from ``args[2]`` to ``args[3]``, and ``args[4]``. Every thread looks at all, so that none goes on to where
    the numbers are used as indices.
    """
    numbers, least, most, other = pointer(args[0], types.int64), args[2], args[3], args[4]
    wrong = 0
    for i in range(args[1]):
        wrong |= ((numbers[i] < least) | (numbers[i] > most)) & (numbers[i] != other)
    if wrong:
        fail(args[5], STOP, args[6], 0, 0, 0)
