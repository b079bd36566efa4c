"""What is asked of the system: freed memory that stays, memory that is given back, and arrays that take none.

Freed memory stays with the process, so that the next array finds it warm: the arrays of a backward pass live for
microseconds. glibc gives the memory of a large one back to the system as soon as it is free, and the next one costs a
page fault for every 4 KiB, which takes longer than the arithmetic: the gradient of ``sum(u * tanh(x))`` at 100,000
numbers took 1.3 ms, and takes 0.26 ms without. glibc itself raises its limit when it sees a large piece being freed,
up to 32 MiB (``M_MMAP_THRESHOLD`` in its manual), and keeps up to twice as much. So one piece is allocated and freed
here. It is never touched, and where malloc is another, nothing happens.
"""

import ctypes
import mmap
import sys
from functools import cache
from typing import Any

import numpy as np

_LARGEST = 32 * 2**20
_WORTH = 2**16  # bytes from which on memory is worth being asked of the system
_PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}


def keep_freed() -> None:
    """Have malloc keep what is freed, as far as it is glibc's."""
    np.empty(_LARGEST - 2**16, np.uint8)  # less malloc's own bytes, and rounding to pages


def give_back() -> None:
    """Have malloc give back what it kept, as far as it is glibc's: after work that does not come again."""
    if trim := _trim():
        trim(0)


@cache
def _trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


def untouched(nbytes: int) -> np.ndarray:
    """Zeros, as bytes, that take no memory as long as nobody looks at them: for arrays that stand for others.

    >>> from calligrad.memory import untouched
    >>> untouched(2**30).nbytes
    1073741824
    """
    if nbytes < _WORTH:
        return np.zeros(nbytes, np.uint8)
    try:
        return np.frombuffer(mmap.mmap(-1, nbytes, **_PRIVATE), np.uint8)
    except (OSError, OverflowError) as error:
        raise MemoryError(f"there is no memory for an array of {nbytes:,} bytes") from error


def lying(shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An untouched array that lies so, with gaps or backwards.

    >>> from calligrad.memory import lying
    >>> lying((2, 3), (-32, 8), np.dtype(float)).strides
    (-32, 8)
    """
    if 0 in shape:
        return np.zeros(shape, dtype)
    spans = [(n - 1) * step for n, step in zip(shape, strides, strict=True)]
    before = -sum(min(0, span) for span in spans)
    memory = untouched(before + sum(max(0, span) for span in spans) + dtype.itemsize)
    return np.ndarray(shape, dtype, memory, before, strides)
