"""Kernels for layers that run at once, without ``calligrad.compile``: where Numba is there, and it is worth it.

``import calligrad`` does not import Numba; the first convolution that takes more than about a millisecond loads its
kernels, from the disk if they were ever compiled on this machine. ``calligrad.kernels.eager.enabled = False``, or the
environment variable ``CALLIGRAD_KERNELS=0``, leaves everything to NumPy.
"""

from __future__ import annotations

import math
import os
import threading
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.memory import lying

enabled = os.environ.get("CALLIGRAD_KERNELS", "1") != "0"
WORTH = 2**22  # products, from which on a convolution is worth a kernel
MOST = 2**25  # bytes of a thread's workspace

_lock = threading.Lock()  # of the words of all plans, and of their memory
_memory = np.empty(0, np.uint8)


@cache
def available() -> bool:
    """Whether Numba is installed.

    >>> from calligrad.kernels import eager
    >>> isinstance(eager.available(), bool)
    True
    """
    return all(find_spec(name) is not None for name in ("numba", "llvmlite"))


def pays(windows: Any, images: int, channels: int, dtype: np.dtype) -> bool:
    """Whether convolutions (or their adjoints) of so many images with so many channels in and out should be kernels.

    ``channels`` is the product of the channels of images and outputs, both of a group, and of the groups.
    """
    products = images * channels * math.prod(windows.out) * math.prod(windows.kernel)
    return enabled and products >= WORTH and dtype.char in "fd" and available()


def run(name: str, windows: Any, **arrays: np.ndarray) -> bool:
    """Fill the array ``y`` by the plan of that name in ``convolving``, if this can be; ``arrays`` are its arguments."""
    layouts = []
    for key, x in arrays.items():
        fits = type(x) is np.ndarray and x.dtype == arrays["y"].dtype and x.dtype.isnative and x.flags.aligned
        if not fits or any(step % x.itemsize for step in x.strides):
            return False
        layouts.append((key, x.shape, x.strides))
    ready = _ready(name, windows, arrays["y"].dtype, tuple(layouts))
    if ready is not None:
        ready.run(arrays)
    return ready is not None


class _Ready:
    """A plan, and the table of its kernels."""

    def __init__(self, plan: Any) -> None:
        from calligrad.kernels.runtime import Line, Table

        self.steps = plan.steps
        self.kept = plan.kept
        self.begins, self.bytes = {}, 0
        for name, size in plan.spaces.items():
            self.begins[name] = self.bytes
            self.bytes += -(-size // 4096) * 4096 + 64
        self.table = Table([Line(step.kernel, step.words) for step in self.steps])

    def run(self, arrays: dict[str, np.ndarray]) -> None:
        """Run it on these arrays."""
        global _memory
        with _lock:
            if len(_memory) < self.bytes + 64:
                _memory = np.empty(self.bytes + 64, np.uint8)
            start = -(-_memory.ctypes.data // 64) * 64
            at = {name: start + begin for name, begin in self.begins.items()}
            at.update((name, x.ctypes.data) for name, x in arrays.items())
            for step in self.steps:
                for word, name, offset in step.points:
                    step.words[word] = at[name] + offset
            self.table.run(parallel.count())


@lru_cache(512)
def _ready(name: str, windows: Any, dtype: np.dtype, layouts: tuple) -> _Ready | None:
    """The plan for arrays that lie so, or None if it would take too much memory."""
    from calligrad.kernels import convolving

    likes = {key: lying(shape, strides, dtype) for key, shape, strides in layouts}
    plan = getattr(convolving, name)(windows, **likes)
    return _Ready(plan) if plan.spaces.get("work", 0) <= MOST * parallel.MOST else None


def _after_fork() -> None:
    """A child process has none of its parent's threads."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
