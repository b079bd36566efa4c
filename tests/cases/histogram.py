"""Histograms."""

import numpy as np

from tests.cases.table import apart, case, positive, real

EDGES = np.array([-0.8, -0.3, 0.1, 0.45, 1.2])
X, Y = np.cos(np.arange(9.0)), np.sin(3 * np.arange(9.0))
for bins in (4, EDGES):
    words = "bins=4" if bins is not EDGES else "bins of edges"
    for density in (False, True):
        end = f"{words}{' density' if density else ''}"
        case(f"np.histogram {end}", lambda w, b=bins, d=density: np.histogram(X, b, density=d, weights=w)[0],
             positive(9), own_dtype=density)  # fmt: skip
        case(f"np.histogram2d {end}", lambda w, b=bins, d=density: np.histogram2d(X, Y, b, density=d, weights=w)[0],
             positive(9), own_dtype=True)  # fmt: skip
case("np.histogram range=", lambda w: np.histogram(X, 3, (-0.5, 0.5), weights=w)[0], positive(9))
case("np.histogram of edges", lambda x: np.histogram(x)[1], apart(9))
case("np.histogram density by the numbers", lambda x: np.histogram(x, 3, density=True), apart(9), own_dtype=True)
case("np.histogram density by the edges", lambda e: np.histogram(X, np.cumsum(e) - 1, density=True)[0], positive(3),
     own_dtype=True)  # fmt: skip
case("np.histogram_bin_edges", np.histogram_bin_edges, apart(9))
case("np.histogram_bin_edges sturges", lambda x: np.histogram_bin_edges(x, "sturges"), apart(9))
case("np.histogramdd", lambda w: np.histogramdd(np.stack([X, Y, X * Y], 1), [2, 3, 4], weights=w)[0], positive(9),
     own_dtype=True)  # fmt: skip
case("np.histogramdd density by the numbers", lambda x: np.histogramdd(x, 2, density=True), apart(9, 2), own_dtype=True)
case("np.histogramdd range=", lambda w: np.histogramdd([X, Y], 2, [(-1, 0.5), (0, 2)], True, w)[0], positive(9),
     own_dtype=True)  # fmt: skip
case("np.histogram2d by the numbers", lambda x, y: np.histogram2d(x, y, 2, density=True), apart(9), apart(9),
     own_dtype=True)  # fmt: skip
case("np.bincount", lambda w: np.bincount([0, 2, 2, 5], w), real(4), own_dtype=True)
case("np.bincount minlength=", lambda w: np.bincount(np.arange(4) % 2, weights=w, minlength=5), real(4), own_dtype=True)
