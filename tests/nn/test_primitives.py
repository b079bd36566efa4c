"""Every primitive beside its reference, the few lines of plain NumPy that ``step.source()`` prints for it."""

import sys
from math import prod

import numpy as np
import pytest

from calligrad import nn
from calligrad.nn import correlation, embedding, embedding_bag, fold, gru, lstm, maxima, padding, pooling, resample, rnn
from calligrad.nn.grid import windows_of
from calligrad.nn.losses import ctc
from calligrad.nn.resize import weights
from calligrad.nn.windows import Sliding, Uneven
from calligrad.ops import curves, index

RNG = np.random.default_rng(0)
LAYOUTS = [  # size, kernel, stride, padding, dilation, groups
    windows_of((7,), (3,), (2,), ((1, 2),), (1,), 1),
    windows_of((7, 8), (3, 2), (2, 3), ((1, 1), (0, 2)), (2, 1), 2),
    windows_of((5, 6, 7), (2, 3, 1), (1, 2, 2), ((1, 1), (2, 1), (0, 0)), (1, 2, 1), 1),
    windows_of((7, 8), (2, 3), (1, 1), ((-1, 2), (0, -1)), (1, 1), 1),
]
AXES = [
    (Sliding(7, 3, 2, 1, 1, 4), Uneven(5, (0, 1, 3), (2, 4, 5))),
    (Sliding(6, 2, 1, 0, 2, 4), Sliding(4, 2, 2, 0, 1, 2)),
    (Sliding(3, 3, 3, 0, 1, 1), Sliding(2, 2, 2, 0, 1, 1)),
]


def draw(*shape):
    return RNG.standard_normal(shape)


def ties(*shape):
    """Small whole numbers with many equal ones, and NaN."""
    return np.where(RNG.random(shape) < 0.05, np.nan, RNG.integers(0, 3, shape))


def of_convolutions():
    for windows in LAYOUTS:
        g = windows.groups
        x, w, y = draw(3, 2 * g, *windows.size), draw(3 * g, 2, *windows.kernel), draw(3, 3 * g, *windows.out)
        yield correlation.convolve, (x, w, draw(3 * g)), {"windows": windows}
        yield correlation.convolve, (x[:0], w), {"windows": windows}
        yield correlation.spread, (y, w, draw(2 * g)), {"windows": windows}
        yield correlation.spread, (y, w), {"windows": windows}
        yield correlation.correlate, (x, y), {"windows": windows}
        if min(map(min, windows.padding)) >= 0:
            yield correlation.gradients, (y, x, w), {"windows": windows}
    windows = LAYOUTS[1]
    yield fold.columns, (draw(2, 3, *windows.size),), {"windows": windows}
    yield fold.overlaid, (draw(2, 3, *windows.kernel, *windows.out),), {"windows": windows}


def of_pools():
    for windows in AXES:
        size, out = tuple(w.size for w in windows), tuple(w.count for w in windows)
        for x in (ties(2, 3, *size), draw(3, *size)):
            yield maxima.maxima, (x,), {"windows": windows}
            yield maxima.indices, (x,), {"windows": windows}
            yield maxima.routed, (draw(*x.shape[:-2], *out), x), {"windows": windows}
        if all(isinstance(w, Sliding) for w in windows):
            yield pooling.sums, (draw(2, *size), 0.25), {"windows": windows}
            yield pooling.spread, (draw(2, *out), RNG.random(out)), {"windows": windows}


def of_images():
    bicubic = tuple(weights("bicubic", n, m, None, False) for n, m in ((5, 8), (6, 3)))
    yield resample.resample, (draw(2, 3, 5, 6),), {"weights": bicubic}
    pads = ((2, 1), (0, 3))
    for mode in padding.MODES:
        yield padding.bordered, (draw(2, 3, 4, 5), 0.5), {"pads": pads, "mode": mode}
        if mode != "constant":
            yield padding.unbordered, (draw(2, 3, 7, 8),), {"pads": pads, "mode": mode}


def of_sequences():
    steps, n, h, p = 4, 3, 2, 1
    for last, projection in ((h, ()), (p, (draw(p, h),))):
        z, first, c, weight = draw(4 * h, steps, n), draw(n, last), draw(n, h), draw(4 * h, last)
        yield lstm.lstm, (z, first, c, weight, *projection), {}
        hs, cs, gates = lstm.lstm(z, first, c, weight, *projection)
        yield lstm.lstm_gradient, (draw(*hs.shape), draw(*cs.shape), c, weight, cs, gates, *projection), {}
        yield lstm.lstm_gradient, (draw(*hs.shape), None, c, weight, cs, gates, *projection), {}
    yield gru.gru, (draw(steps, n, 3 * h), draw(n, h), draw(3 * h, h), draw(3 * h)), {}
    yield gru.gru_gradient, (draw(steps, n, h), draw(steps, n, 4 * h), draw(steps, n, h), draw(3 * h, h)), {}
    for nonlinearity in ("tanh", "relu"):
        yield rnn.rnn, (draw(steps, n, h), draw(n, h), draw(h, h)), {"nonlinearity": nonlinearity}
        yield rnn.rnn_gradient, (draw(steps, n, h), draw(steps, n, h), draw(h, h)), {"nonlinearity": nonlinearity}
    skips = np.where(RNG.random((n, 5)) < 0.5, 0, ctc.NEVER)
    yield ctc.alphas, (draw(steps, n, 5), skips), {}
    yield ctc.betas, (draw(steps, n, 5), skips, np.where(RNG.random((steps, n, 5)) < 0.3, 0, ctc.NEVER)), {}


def of_tables():
    indices = RNG.integers(0, 6, (4, 3))
    yield embedding.row_sums, (draw(4, 3, 2), indices), {"rows": 7}
    yield embedding.row_sums, (draw(0, 2), indices[:0, 0]), {"rows": 3}
    yield embedding.scaled_down, (draw(8, 3), indices), {"max_norm": 0.7, "norm_type": 2.0}
    yield embedding_bag.largest_places, (ties(12, 2), RNG.integers(0, 4, 12)), {"count": 5}
    yield index.added, (draw(5, 2), RNG.integers(0, 12, (5, 2))), {"shape": (3, 4)}
    yield index.added, (draw(5), RNG.permutation(12)[:5]), {"shape": (3, 4), "distinct": True}
    for kind in ("float64", "float32"):
        yield curves.erf, (3 * draw(50).astype(kind),), {}
        yield curves.sigmoid, (9 * draw(50).astype(kind),), {}


CALLS = [*of_convolutions(), *of_pools(), *of_images(), *of_sequences(), *of_tables()]


@pytest.mark.parametrize(
    ("primitive", "arrays", "settings"), CALLS, ids=[f"{f.__name__} {i}" for i, (f, _, _) in enumerate(CALLS)]
)
def test_a_primitive_is_its_reference(primitive, arrays, settings):
    before = [np.copy(x) for x in arrays if x is not None]
    got, expected = primitive(*arrays, **settings), primitive.reference(*arrays, **settings)
    assert type(got) is type(expected)
    for y, x in zip(*(y if isinstance(y, tuple) else (y,) for y in (got, expected)), strict=True):
        assert (y.shape, y.dtype) == (x.shape, x.dtype)
        digits = np.finfo(x.dtype).eps if x.dtype.kind == "f" else 0
        scale = np.max(np.abs(x), initial=0, where=np.isfinite(x))
        np.testing.assert_allclose(y, x, rtol=0, atol=20 * digits * scale * max(1, prod(x.shape[-1:])))
    for x, y in zip(before, (x for x in arrays if x is not None), strict=True):
        np.testing.assert_array_equal(x, y)


def test_every_primitive_is_among_them():
    assert nn
    modules = [m for name, m in sys.modules.items() if name.startswith(("calligrad.nn", "calligrad.ops"))]
    declared = {x for m in modules for x in vars(m).values() if callable(x) and hasattr(x, "reference")}
    assert {x.__name__ for x in declared if x.reference is not x.__wrapped__} == {f.__name__ for f, _, _ in CALLS}
