"""Kernels of convolutions: the definition and its adjoints, however arrays lie, on any number of threads."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("numba")

import calligrad
from calligrad import parallel
from calligrad.kernels import eager
from calligrad.kernels.geometry import Geometry
from calligrad.kernels.rows import TILE, matrices
from calligrad.nn import correlation, taps
from calligrad.nn.grid import Windows


@pytest.fixture
def kernels(monkeypatch):
    """Every convolution, however small, is a kernel."""
    monkeypatch.setattr(eager, "WORTH", 1)


def windows_of(size, kernel, stride=1, padding=0, dilation=1, groups=1):
    axes = len(size)
    each = [x if isinstance(x, tuple) else (x,) * axes for x in (kernel, stride, padding, dilation)]
    kernel, stride, padding, dilation = each
    return Windows(
        size, kernel, stride, tuple(p if isinstance(p, tuple) else (p, p) for p in padding), dilation, groups
    )


CASES = {
    "3x3": ((2, 3, 5), windows_of((7, 9), 3)),
    "one number": ((1, 1, 1), windows_of((1, 1), 1)),
    "rows as long as vectors": ((2, 3, 9), windows_of((5, 32), 3, padding=1)),
    "several tiles": ((2, 9, 21), windows_of((6, 40), (2, 3))),
    "stride, dilation": ((2, 5, 7), windows_of((13, 14), (5, 4), (3, 2), (2, 1), (1, 2))),
    "stride past the kernel": ((2, 4, 3), windows_of((8, 9), (1, 2), 3)),
    "uneven padding": ((2, 3, 2), windows_of((6, 5), 2, 1, ((3, 0), (0, 2)))),
    "groups": ((3, 4, 6), windows_of((8, 11), (3, 2), (2, 1), 1, groups=2)),
    "depthwise": ((3, 6, 6), windows_of((9, 20), 3, 1, 1, groups=6)),
    "depthwise, many taps": ((2, 4, 8), windows_of((9, 7), 5, 1, 2, groups=4)),
    "1x1": ((2, 24, 17), windows_of((4, 5), 1)),
    "one axis": ((2, 4, 4), windows_of((40,), 4, 1, 2, 2)),
    "three axes": ((2, 3, 4), windows_of((5, 6, 7), (2, 3, 2), (1, 2, 1), 1)),
    "three axes, groups": ((2, 4, 8), windows_of((6, 6, 6), 3, 2, 1, 1, 2)),
    "rows with values": ((9, 24, 39), windows_of((10, 11), 3, 1, 1)),
    "five taps with values": ((4, 20, 24), windows_of((9, 20), (5, 2), 1, 2)),
    "an image in slabs": ((1, 40, 36), windows_of((30, 40), 3, 1, 0)),
}


def drawn(shape, windows, dtype):
    """Images, a kernel, a bias for outputs and one for images, outputs."""
    n, inputs, outputs = shape
    rng = np.random.default_rng(0)
    shapes = (
        (n, inputs, *windows.size),
        (outputs, inputs // windows.groups, *windows.kernel),
        (outputs,),
        (inputs,),
        (n, outputs, *windows.out),
    )
    return [rng.standard_normal(s).astype(dtype) for s in shapes]


def agree(result, expected, tolerance):
    assert result.dtype == (np.float32 if tolerance > 1e-9 else np.float64)
    np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_the_three_maps_are_sums_over_taps(name, dtype, kernels):
    shape, windows = CASES[name]
    x, w, b, c, g = drawn(shape, windows, dtype)
    x64, w64, b64, c64, g64 = (a.astype(np.float64) for a in (x, w, b, c, g))
    fewer = Geometry(windows, shape[0], shape[1] // windows.groups, shape[2] // windows.groups).taps
    tolerance = 1e-14 if dtype == np.float64 else 5e-6 if fewer else 1e-6
    agree(correlation.convolve(x, w, b, windows=windows), taps.convolve_taps(x64, w64, b64, windows=windows), tolerance)
    agree(correlation.spread(g, w, c, windows=windows), taps.spread_taps(g64, w64, c64, windows=windows), tolerance)
    agree(correlation.spread(g, w, windows=windows), taps.spread_taps(g64, w64, windows=windows), tolerance)
    agree(correlation.correlate(x, g, windows=windows), taps.correlate_taps(x64, g64, windows=windows), tolerance)


def test_padding_may_cut_off(kernels, monkeypatch):
    windows = windows_of((9, 12), 3, 1, ((-1, 2), (-2, -1)))
    x, w, _, _, g = drawn((2, 3, 9), windows, np.float64)
    inner = windows_of((8, 9), 3, 1, ((0, 2), (0, 0)))
    agree(correlation.convolve(x, w, windows=windows), taps.convolve_taps(x[:, :, 1:, 2:-1], w, windows=inner), 1e-14)
    result = correlation.spread(g, w, windows=windows), correlation.correlate(x, g, windows=windows)
    monkeypatch.setattr(eager, "enabled", False)
    agree(result[0], correlation.spread(g, w, windows=windows), 1e-14)
    agree(result[1], correlation.correlate(x, g, windows=windows), 1e-14)


@pytest.mark.parametrize("name", ["3x3", "depthwise", "rows with values"])
def test_arrays_may_lie_as_they_like(name, kernels):
    shape, windows = CASES[name]
    x, w, b, _, g = drawn(shape, windows, np.float32)
    flipped = [a[::-1, :, ::-1].copy()[::-1, :, ::-1] for a in (x, w, g)]
    last = [np.ascontiguousarray(np.moveaxis(a, 1, -1)) for a in (x, w, g)]
    last = [np.moveaxis(a, -1, 1) for a in last]
    spaced = np.repeat(b, 2)[::2]
    for other, kernel, given in (flipped, last):
        np.testing.assert_array_equal(
            correlation.convolve(other, kernel, spaced, windows=windows), correlation.convolve(x, w, b, windows=windows)
        )
        np.testing.assert_array_equal(
            correlation.spread(given, kernel, windows=windows), correlation.spread(g, w, windows=windows)
        )
        agree(correlation.correlate(other, given, windows=windows), correlation.correlate(x, g, windows=windows), 1e-6)
    ones = np.broadcast_to(np.float32(1), g.shape)
    agree(
        correlation.correlate(x, ones, windows=windows),
        correlation.correlate(x, np.ascontiguousarray(ones), windows=windows),
        1e-6,
    )


@pytest.mark.parametrize("name", ["depthwise", "rows with values", "an image in slabs", "three axes"])
def test_the_bits_are_the_same_for_any_number_of_threads(name, kernels, monkeypatch):
    shape, windows = CASES[name]
    x, w, b, _, g = drawn(shape, windows, np.float32)

    def all_three():
        return (
            correlation.convolve(x, w, b, windows=windows),
            correlation.spread(g, w, windows=windows),
            correlation.correlate(x, g, windows=windows),
        )

    monkeypatch.setattr(parallel, "count", lambda: 1)
    alone = all_three()
    for threads in (2, 3):
        monkeypatch.setattr(parallel, "count", lambda threads=threads: threads)
        for a, b_ in zip(alone, all_three(), strict=True):
            np.testing.assert_array_equal(a, b_)


def test_what_is_not_a_number_stays_where_it_is_seen(kernels):
    windows = windows_of((6, 20), 3)
    x, w = np.ones((1, 2, 6, 20), np.float32), np.ones((3, 2, 3, 3), np.float32)
    x[0, 1, 0, 0], x[0, 0, 5, 19] = np.nan, np.inf
    np.testing.assert_array_equal(
        correlation.convolve(x, w, windows=windows), taps.convolve_taps(x, w, windows=windows)
    )
    g = np.ones((1, 3, *windows.out), np.float32)
    np.testing.assert_array_equal(
        correlation.correlate(x, g, windows=windows), taps.correlate_taps(x, g, windows=windows)
    )
    alone = windows_of((6, 20), 3, groups=2)
    g = np.ones((1, 2, *windows.out), np.float32)
    np.testing.assert_array_equal(correlation.correlate(x, g, windows=alone), taps.correlate_taps(x, g, windows=alone))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_rows_from_values(count):
    of_inputs, of_taps, of_outputs = matrices(count)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(TILE + count - 1), rng.standard_normal(count)
    y = of_outputs.T @ ((of_taps @ w) * (of_inputs @ x))
    np.testing.assert_allclose(y, [x[i : i + count] @ w for i in range(TILE)], atol=1e-12)


def test_kernels_can_be_turned_off(monkeypatch):
    windows = windows_of((40, 40), 3)
    x, w, *_ = drawn((8, 8, 8), windows, np.float32)
    assert eager.pays(windows, 8, 64, x.dtype)
    monkeypatch.setattr(eager, "run", lambda *args, **kwargs: pytest.fail("a kernel"))
    monkeypatch.setattr(eager, "enabled", False)
    agree(correlation.convolve(x, w, windows=windows), taps.convolve_taps(x, w, windows=windows), 1e-6)


def test_numba_is_not_imported_before_a_large_convolution():
    code = (
        "import sys, numpy as np, calligrad\n"
        "from calligrad import Value, nn\n"
        "nn.Conv2d(1, 4, 3)(Value(np.ones((1, 1, 9, 9), np.float32)))\n"
        "assert not {'numba', 'llvmlite'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_gradients_of_a_layer(kernels):
    from calligrad import Value, nn
    from calligrad.testing import check_gradients

    calligrad.set_default_dtype(np.float64)
    layer = nn.Conv2d(2, 4, 3, stride=(1, 2), padding=1, groups=2)
    x = Value(np.random.default_rng(0).standard_normal((2, 2, 5, 6)))
    check_gradients(lambda x: layer(x).sum(), x)
