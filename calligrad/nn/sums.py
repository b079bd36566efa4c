"""Sums of the rows and of the columns of a matrix, by BLAS, which adds up faster than NumPy."""

from __future__ import annotations

import math

import numpy as np

BLOCK = 4096  # numbers that are added up in a row: sums of more are sums of such sums, which round less


def dots(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """The sum of each row of the matrix ``a``, or of ``a * b``."""
    n = a.shape[1]
    if n > BLOCK and (block := math.gcd(n, BLOCK)) > 32:
        parts = dots(a.reshape(-1, block), None if b is None else b.reshape(-1, block))
        return np.add.reduce(parts.reshape(len(a), -1), -1)
    return a @ np.ones(n, a.dtype) if b is None else np.vecdot(a, b)


def down(x: np.ndarray) -> np.ndarray:
    """The sum of each column of a matrix."""
    block = BLOCK // 4  # as BLAS adds them up one by one
    ones = np.ones(min(block, len(x)), x.dtype)
    if len(x) <= block:
        return ones @ x
    return np.add.reduce([ones[: len(x) - i] @ x[i : i + block] for i in range(0, len(x), block)])
