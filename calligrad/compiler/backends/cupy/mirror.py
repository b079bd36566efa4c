"""Mirrors: arrays of a program on the GPU, and what they are outside of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.compiler.program import Var


def extent(var: Var) -> tuple[int, int]:
    """How many bytes an array with these strides needs, and at which of them it begins.

    >>> extent(Var((3, 2), "float32", (-8, 4)))
    (24, 16)
    """
    spans = [(n - 1) * step for n, step in zip(var.shape, var.strides) if var.size]
    start = -sum(span for span in spans if span < 0)
    return start + sum(span for span in spans if span > 0) + var.dtype.itemsize, start


def empty(cupy: Any, var: Var) -> Any:
    """An array on the GPU that lies as ``var`` does."""
    if len(var.strides) != len(var.shape):
        return cupy.empty(var.shape, var.dtype)
    nbytes, start = extent(var)
    return cupy.ndarray(var.shape, var.dtype, cupy.cuda.alloc(nbytes) + start, var.strides)


def lying(cupy: Any, x: Any, var: Var) -> Any:
    """``x`` on the GPU, or a copy of it that lies as ``var`` does."""
    alike = all(n == 1 or a == b for n, a, b in zip(var.shape, x.strides, var.strides))
    if alike and len(var.strides) == len(x.strides):
        return x
    y = empty(cupy, var)
    y[...] = x
    return y


class Mirror:
    """An input of a program: its place on the GPU, which stays where it is, and the same bytes on the host.

    Only what is not there yet goes over to the GPU: numbers that nobody has changed in the meantime stay.
    """

    def __init__(self, cupy: Any, var: Var) -> None:
        self.cupy = cupy
        nbytes, start = extent(var)
        strides = var.strides or None
        self._bytes = np.frombuffer(cupy.cuda.alloc_pinned_memory(nbytes), np.uint8, nbytes)
        self._host = np.ndarray(var.shape, var.dtype, self._bytes, start, strides)
        self._there = cupy.empty(nbytes, np.uint8)
        self.array = cupy.ndarray(var.shape, var.dtype, self._there.data + start, strides)
        self._is_known = False

    def take(self, x: Any) -> None:
        """Let the array on the GPU have the numbers of ``x``."""
        if isinstance(x, self.cupy.ndarray):
            self.array[...] = x
            self._is_known = False
            return
        x = np.asarray(x, self._host.dtype)
        if not (self._is_known and np.array_equal(_bits(self._host), _bits(x))):
            self._host[...] = x
            self._there.set(self._bytes)
            self._is_known = True

    def fetch(self) -> None:
        """Begin to bring over what is on the GPU, for ``put_back``."""
        self._there.get(out=self._bytes, blocking=False)

    def put_back(self, x: Any) -> None:
        """Write what was fetched, or is on the GPU, into ``x``, which the input came from."""
        x[...] = self.array if isinstance(x, self.cupy.ndarray) else self._host


def _bits(x: np.ndarray) -> np.ndarray:
    """The array as whole numbers, which are equal where the bits are: NaN too, and 0.0 is not -0.0."""
    return x.view(f"i{x.dtype.itemsize}") if x.dtype.itemsize <= 8 else x
