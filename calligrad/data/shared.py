"""Nests of arrays between processes: pickled, with the arrays' own bytes beside, which may lie in shared memory."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Sequence
from itertools import accumulate
from multiprocessing.shared_memory import SharedMemory
from typing import Any

LARGE = 1 << 16  # bytes; what is smaller goes through a pipe as fast
ALIGNED = 64  # bytes; arrays begin at multiples of it


def pickled(x: Any) -> tuple[bytes, list[memoryview]]:
    """``x`` as bytes, and apart from them the memory of its contiguous arrays."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(x, protocol=5, buffer_callback=buffers.append)
    return data, [buffer.raw() for buffer in buffers]


def total(sizes: Sequence[int]) -> int:
    """How many bytes a block needs for buffers of ``sizes``."""
    return sum(-(-size // ALIGNED) * ALIGNED for size in sizes)


def parts(block: SharedMemory, sizes: Sequence[int]) -> list[memoryview]:
    """The places in ``block`` of buffers of ``sizes``, one after the other."""
    starts = accumulate((total([size]) for size in sizes), initial=0)
    memory = memoryview(block.buf)  # type: ignore[arg-type]
    return [memory[start : start + size] for start, size in zip(starts, sizes)]


def write(block: SharedMemory, buffers: Sequence[memoryview]) -> None:
    """Copy ``buffers`` into their places."""
    for place, buffer in zip(parts(block, [buffer.nbytes for buffer in buffers]), buffers):
        place[:] = buffer


def create(size: int) -> SharedMemory | None:
    """A block of ``size`` bytes, or None where that much is not free.

    A system that promises memory it has not got, as containers with a small ``/dev/shm`` do, would kill whoever writes.
    """
    folder = "/dev/shm"
    if os.path.isdir(folder) and shutil.disk_usage(folder).free < size + (1 << 20):
        return None
    try:
        return SharedMemory(create=True, size=size)
    except OSError:
        return None


def discard(block: SharedMemory) -> None:
    """Give the block back to the system."""
    block.close()
    block.unlink()
