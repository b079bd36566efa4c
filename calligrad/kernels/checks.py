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
                fail(args[2], STOP, args[3], 0, 0)
                return
