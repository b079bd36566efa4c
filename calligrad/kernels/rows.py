"""Convolution with fewer products: four rows of outputs at a time, from values of polynomials.

Along one axis, four outputs of a kernel with r taps take 4r products. But a convolution is a product of polynomials,
and a polynomial of degree r + 2 is known by its values at r + 2 points and its leading coefficient: r + 3 products of
values are enough, 6 for the 12 of a kernel with three taps. What it costs is to go from rows to values and back, for
which small matrices are made here.

Toom (1963), Cook (1966); Winograd, "Arithmetic complexity of computations", 1980; Lavin and Gray, "Fast algorithms for
convolutional neural networks", arXiv:1509.09308.
"""

from __future__ import annotations

import math

import numpy as np

TILE = 4  # rows of outputs
POINTS = (0, 1, -1, 2, -2, 0.5, -0.5)  # the next ones would cost accuracy


def matrices(taps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What makes values of a tile's inputs (values, inputs), of the taps (values, taps), and of outputs (values, TILE).

    The outputs of a tile are ``of_outputs.T @ ((of_taps @ taps) * (of_inputs @ inputs))``.

    >>> import numpy as np
    >>> from calligrad.kernels.rows import matrices
    >>> of_inputs, of_taps, of_outputs = matrices(3)
    >>> x, w = np.arange(6.0), np.array([1.0, 0, 2])
    >>> np.round(of_outputs.T @ ((of_taps @ w) * (of_inputs @ x)), 9)
    array([ 4.,  7., 10., 13.])
    """
    points = POINTS[: TILE + taps - 2]
    others = [[q for q in points if q != p] for p in points]
    of_inputs = np.zeros((TILE + taps - 1,) * 2)
    of_inputs[:-1, :-1] = [np.poly(roots)[::-1] for roots in others]
    of_inputs[-1] = np.poly(points)[::-1]
    lengths = [math.prod(p - q for q in roots) for p, roots in zip(points, others, strict=True)]

    def values(terms: int) -> np.ndarray:
        leading = [0] * (terms - 1) + [1]
        return np.vstack([np.vander(points, terms, increasing=True), leading])

    return of_inputs, values(taps) / np.array([*lengths, 1])[:, None], values(TILE)
