"""Freed memory stays with the process, so that the next array finds it warm.

The arrays of a backward pass live for microseconds. glibc gives the memory of a large one back to the system as soon as
it is free, and the next one costs a page fault for every 4 KiB, which takes longer than the arithmetic: the gradient of
``sum(u * tanh(x))`` at 100,000 numbers took 1.3 ms, and takes 0.26 ms without. glibc itself raises its limit when it
sees a large piece being freed, up to 32 MiB (``M_MMAP_THRESHOLD`` in its manual), and keeps up to twice as much. So one
piece is allocated and freed here. It is never touched, and where malloc is another, nothing happens.
"""

import numpy as np

_LARGEST = 32 * 2**20


def keep_freed() -> None:
    """Have malloc keep what is freed, as far as it is glibc's."""
    np.empty(_LARGEST - 2**16, np.uint8)  # less malloc's own bytes, and rounding to pages
