"""The kernel of matrix products, as others call it; Numba is imported only where it has to be compiled."""

from __future__ import annotations

import numpy as np

from calligrad.kernels.cache import Kernel, compile_kernel

DEPTH = 256  # terms that are added up before they go to the result
ACROSS = 384  # columns of a block of panels
WORK = ACROSS * DEPTH + 4096  # numbers of a thread's workspace: a block, and a tile


def product(dtype: np.dtype | type) -> Kernel:
    """The kernel that computes ``C = A @ B + D`` in float32 or float64; its words are made by ``arguments``.

    >>> import numpy as np
    >>> from calligrad.kernels.product import arguments, product, workspace
    >>> a, b, c = np.eye(3), np.arange(6.0).reshape(3, 2), np.empty((3, 2))
    >>> work = workspace(c.dtype)
    >>> product(c.dtype)(arguments(a, b, c, work))
    >>> c.tolist()
    [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    """
    name = f"product_{np.dtype(dtype)}"
    return compile_kernel(f"from calligrad.kernels.gemm import {name}", name)


def workspace(dtype: np.dtype | type, threads: int = 1) -> np.ndarray:
    """Memory for so many threads, which products that run one after the other may share."""
    return np.empty(threads * WORK, dtype)


def arguments(
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    work: np.ndarray,
    d: np.ndarray | None = None,
    relu: bool = False,
    then: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """The words of ``C = A @ B + D``, or of its positive part if ``relu``.

    A (m, k) and B (k, n), or batches of them, broadcast to C's, may have any strides. D is broadcast to C (..., m, n):
    a bias, a residual, or C itself, to which the product is then added; its strides must not be negative. Of C, at most
    one axis may be the batch.

    ``then`` is the address of a kernel and that of its words, for what shall be done with rows of C while they are in
    the cache: as soon as rows ``m * i // parts`` to ``m * (i + 1) // parts`` are there (of all items, if C is a batch),
    it is called as ``kernel(i, parts, words)``.

    The words: m, k, n and the size of the batch; of A, B, C and D the address and the strides, in numbers, of the
    batch, of rows and of columns (D: 0 if there is none); relu; the workspace; the other kernel and its words. All
    these must live as long as the words are used.
    """
    m, n = c.shape[-2:]
    items = c.shape[0] if c.ndim == 3 else 1
    words = [m, a.shape[-1], n, items]
    for x, shape in (
        (a, (items, m, a.shape[-1])),
        (b, (items, a.shape[-1], n)),
        (c, (items, m, n)),
        (d, (items, m, n)),
    ):
        if x is None:
            words += [0] * 4
        else:
            words += [x.ctypes.data, *(stride // x.itemsize for stride in np.broadcast_to(x, shape).strides)]
    return np.array([*words, relu, work.ctypes.data, *then], np.int64)
