"""Convolutions: what is no row of the table: errors, starts, sizes around the blocks, threads, adjoints, vmap."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest

import calligrad as cg
from calligrad import Value, nn, parallel
from calligrad.nn import correlation, functional, grid, winograd
from calligrad.nn.grid import Windows
from calligrad.testing import check_gradients

# ---------------------------------------------------------------- the kernels against a plain sum over taps


def plainly(x, w, windows):
    """The definition, tap by tap."""
    x = np.pad(x, ((0, 0), (0, 0), *windows.padding))
    groups, per = windows.groups, w.shape[1]
    y = np.zeros((len(x), len(w), *windows.out))
    for tap in np.ndindex(windows.kernel):
        axes = zip(tap, windows.dilation, windows.out, windows.stride, strict=True)
        seen = x[:, :, *(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in axes)]
        seen = seen.reshape(len(x), groups, per, *windows.out)
        y += np.einsum("ngc...,goc->ngo...", seen, w[:, :, *tap].reshape(groups, -1, per)).reshape(y.shape)
    return y


def drawn(rng):
    """Windows of every kind, images and a kernel."""
    axes = int(rng.integers(1, 4))
    kernel, stride, dilation = (tuple(rng.integers(1, most, axes).tolist()) for most in (5, 4, 4))
    padding = tuple(map(tuple, rng.integers(0, 4, (axes, 2)).tolist()))
    least = [d * (k - 1) + 1 - sum(pad) for d, k, pad in zip(dilation, kernel, padding, strict=True)]
    size = tuple(max(1, n + int(rng.integers(0, 9 if axes > 1 else 90))) for n in least)
    n, groups, inputs, outputs = rng.integers(1, [11, 4, 4, 4]).tolist()
    windows = Windows(size, kernel, stride, padding, dilation, groups)
    return (
        windows,
        rng.standard_normal((n, groups * inputs, *size)),
        rng.standard_normal((groups * outputs, inputs, *kernel)),
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_three_maps_are_the_definition_and_its_adjoints_in_blocks_of_every_size(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    for cached, long in itertools.product((10, 1000, 2**18), (1, 64)):
        monkeypatch.setattr(correlation, "CACHED", cached)
        monkeypatch.setattr(correlation, "SMALL", cached)
        monkeypatch.setattr(grid, "LONG", long)
        compare(rng, *drawn(rng))


@pytest.mark.parametrize("taps", range(2, 6))
def test_so_they_are_by_tiles_of_rows(taps, monkeypatch):
    rng = np.random.default_rng(taps)
    monkeypatch.setattr(winograd, "WORTH", -math.inf)
    monkeypatch.setattr(winograd, "LEAST", -math.inf)
    for cached, n, more in itertools.product((1000, 2**18), (1, 3), range(5)):
        monkeypatch.setattr(correlation, "CACHED", cached)
        height, width, below, right = rng.integers(0, 4, 4).tolist()
        windows = Windows(
            (taps + more, 3 + width), (taps, 2), (1, 1), ((height, below), (width, right)), (1, 1 + n % 2), n
        )
        assert winograd.pays(windows, 2, 2)
        compare(rng, windows, rng.standard_normal((n, 2 * n, *windows.size)), rng.standard_normal((n, 2, taps, 2)))


@pytest.mark.parametrize("taps", range(2, 6))
def test_tiles_of_rows_lose_hardly_any_accuracy(taps, monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(winograd, "WORTH", 0)
    windows = Windows((20, 20), (taps, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    x, w = rng.standard_normal((4, 32, 20, 20)), rng.standard_normal((32, 32, taps, 3))
    assert winograd.pays(windows, 32, 32)
    y = correlation.convolve(x.astype("f"), w.astype("f"), windows=windows)
    np.testing.assert_allclose(y, plainly(x, w, windows), atol=1e-5 * np.abs(y).max())


def compare(rng, windows, x, w):
    """The three maps with what ``plainly`` says."""
    y = plainly(x, w, windows)
    np.testing.assert_allclose(correlation.convolve(x, w, windows=windows), y, atol=1e-10, err_msg=str(windows))
    g, dx, dw = (rng.standard_normal(a.shape) for a in (y, x, w))
    of_x, of_w = correlation.spread(g, w, windows=windows), correlation.correlate(x, g, windows=windows)
    for both, one in zip(correlation.gradients(g, x, w, windows=windows), (of_x, of_w), strict=True):
        np.testing.assert_allclose(both, one, atol=1e-10, err_msg=str(windows))
    for got, d, expected in ((of_x, dx, plainly(dx, w, windows)), (of_w, dw, plainly(x, dw, windows))):
        np.testing.assert_allclose(np.sum(got * d), np.sum(expected * g), rtol=1e-9, atol=1e-8, err_msg=str(windows))


def test_results_are_the_same_bits_on_any_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    windows = Windows((18, 18), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    maps = (
        correlation.convolve,
        correlation.spread,
        lambda x, w, windows: correlation.correlate(x, x, windows=windows),
    )
    for channels in (4, 32):  # directly, and by tiles of rows
        assert winograd.pays(windows, channels, channels) == (channels == 32)
        x, w = (rng.standard_normal((n, channels, k, k)).astype("f") for n, k in ((20, 18), (channels, 3)))
        with monkeypatch.context() as patched:
            several = [f(x, w, windows=windows) for f in maps]
            patched.setattr(parallel, "count", lambda: 3)
            for f, y in zip(maps, several, strict=True):
                np.testing.assert_array_equal(f(x, w, windows=windows), y)


def test_memory_stays_far_below_that_of_all_columns():
    layer, x = nn.Conv2d(8, 8, 5), np.ones((64, 8, 40, 40), np.float32)
    columns = x.nbytes * 25
    tracemalloc.start()
    np.sum(layer(Value(x))).backward()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < columns / 2


# ---------------------------------------------------------------- derivatives


def test_a_convolution_and_its_transpose_are_adjoint_to_any_order():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 4, 5, 4)), rng.standard_normal((4, 2, 2, 3))
    check_gradients(lambda x, w: functional.conv2d(x, w, None, (2, 1), 1, (1, 2), 2), x, w)
    check_gradients(lambda x, w: functional.conv_transpose2d(x, w, None, 2, 1, 1, 2), x, w)
    x, w = rng.standard_normal((1, 1, 3, 3)), rng.standard_normal((1, 1, 2, 2))
    third = cg.grad(
        lambda w: np.sum(cg.grad(lambda w: np.sum(cg.grad(lambda w: np.sum(functional.conv2d(x, w) ** 3))(w)))(w))
    )
    assert third(w).shape == w.shape


def test_vmap_over_images_and_over_kernels_and_over_their_gradients():
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((3, 2, 4, 5, 4)), rng.standard_normal((3, 4, 2, 2, 2)), rng.standard_normal((3, 4))

    def conv(x, w, b):
        return functional.conv2d(x, w, b, stride=2, padding=1, groups=2)

    def slope(x, w, b):
        return cg.grad(lambda x, w, b: np.sum(conv(x, w, b) ** 2), argnums=(0, 1, 2))(x, w, b)

    def transposed(x, w, b):
        return functional.conv_transpose2d(x, w, b, stride=2)

    for axes in ((0, 0, 0), (0, None, None), (None, 0, 0)):
        xs = [a if axis == 0 else a[0] for a, axis in zip((x, w, b), axes, strict=True)]
        examples = [[a[i] if axis == 0 else a for a, axis in zip(xs, axes, strict=True)] for i in range(3)]
        np.testing.assert_allclose(cg.vmap(conv, axes)(*xs), [conv(*one) for one in examples], atol=1e-12)
        for got, expected in zip(cg.vmap(slope, axes)(*xs), zip(*(slope(*one) for one in examples)), strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-10)
    bias = b[:, :2]
    expected = [transposed(*one) for one in zip(x, w, bias, strict=True)]
    np.testing.assert_allclose(cg.vmap(transposed)(x, w, bias), expected, atol=1e-12)


# ---------------------------------------------------------------- how layers start


@pytest.mark.parametrize(
    ("layer", "fan"),
    [
        (lambda rng: nn.Conv2d(20, 100, 5, groups=2, rng=rng), 250),
        (lambda rng: nn.ConvTranspose2d(100, 40, 5, groups=2, rng=rng), 500),
        (lambda rng: nn.Conv1d(64, 400, 4, rng=rng), 256),
    ],
)
def test_both_parameters_start_uniform_within_one_over_the_root_of_the_fan(layer, fan):
    layer = layer(np.random.default_rng(0))
    for p in (layer.weight.data, layer.bias.data):
        assert p.dtype == np.float32
        assert np.abs(p).max() <= 1 / math.sqrt(fan)
        np.testing.assert_allclose(p.std(), 1 / math.sqrt(3 * fan), rtol=0.15)


def test_layers_tell_their_settings():
    assert repr(nn.Conv2d(3, 4, 3)) == "Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1))"
    layer = nn.Conv1d(2, 4, 3, 2, 1, 2, 2, False, "circular")
    settings = "2, 4, kernel_size=(3,), stride=(2,), padding=(1,), dilation=(2,), groups=2, padding_mode='circular'"
    assert repr(layer) == f"Conv1d({settings}, bias=False)"
    assert "output_padding=(1, 1)" in repr(nn.ConvTranspose2d(3, 4, 3, 2, 1, 1))


# ---------------------------------------------------------------- what is refused

X, W = np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: functional.conv2d(np.ones((2, 4, 5, 5)), W), "x has 4 channels, the weight is for 3"),
        (lambda: functional.conv2d(np.ones((5, 5)), W), r"takes x with 4 axes.*got shape \(5, 5\)"),
        (lambda: functional.conv1d(X, W), "a weight has 3 axes"),
        (lambda: functional.conv2d(X, W, np.ones(3)), r"the bias has shape \(3,\), not \(4,\)"),
        (lambda: functional.conv2d(X, W, groups=3), "groups=3"),
        (lambda: functional.conv2d(X, W, dilation=3), "larger than the image"),
        (lambda: functional.conv2d(X, W, stride=0), "stride is a whole number of at least 1"),
        (lambda: functional.conv2d(X, W, stride=(1, 2, 3)), r"or 2 of them, not \(1, 2, 3\)"),
        (lambda: functional.conv2d(X, W, padding=-1), "padding is a whole number of at least 0"),
        (lambda: functional.conv2d(X, W, padding="full"), "'full'"),
        (lambda: functional.conv2d(X, W, padding="same", stride=2), "keeps the size"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "in_channels=3 cannot be divided into 2 groups"),
        (lambda: nn.Conv2d(3, 0, 3), "out_channels"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), "'mirror'"),
        (lambda: nn.Conv2d(3, 4, 3, padding=5, padding_mode="reflect", dtype="f8")(X), "cannot pad an image"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"), "padding_mode"),
        (lambda: functional.conv_transpose2d(X, W), "x has 3 channels, the weight is for 4"),
        (lambda: functional.conv_transpose2d(X, W[:3], None, 2, 0, 2), r"output_padding \(2, 2\) must be smaller"),
        (lambda: functional.conv_transpose2d(X[..., :1], W[:3], padding=2), "nothing is left"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, 2, dtype="f8")(X, (30, 30)), r"between \(11, 11\) and \(12, 12\)"),
        (lambda: functional.unfold(X, 6), "larger than"),
        (lambda: functional.unfold(np.ones((5, 5)), 2), r"got shape \(5, 5\)"),
        (lambda: functional.fold(np.ones((2, 12, 5)), (4, 3), 2), r"has 6 positions"),
        (lambda: functional.fold(np.ones((2, 11, 6)), (4, 3), 2), r"channels · 4"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_whole_numbers_are_refused_and_the_layer_is_named():
    with pytest.raises(TypeError, match="x holds uint8"):
        functional.conv2d(X.astype(np.uint8), W)
    with pytest.raises(TypeError, match=r"(?s)x holds int.*in module 0: Conv2d"):
        nn.Sequential(nn.Conv2d(3, 4, 3))(X.astype(int))
