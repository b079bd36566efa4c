"""Normalization: errors, dtypes, layouts, zero sizes, precision, and what is too large for the table."""

import numpy as np
import pytest

from calligrad import Value, nn
from calligrad.nn import functional as F
from calligrad.nn import standardize

LAYERS = {
    "BatchNorm2d": (lambda dtype: nn.BatchNorm2d(6, dtype=dtype), (4, 6, 3, 5)),
    "InstanceNorm2d": (lambda dtype: nn.InstanceNorm2d(6, affine=True, dtype=dtype), (4, 6, 3, 5)),
    "GroupNorm": (lambda dtype: nn.GroupNorm(3, 6, dtype=dtype), (4, 6, 3, 5)),
    "LayerNorm": (lambda dtype: nn.LayerNorm(7, dtype=dtype), (5, 7)),
    "RMSNorm": (lambda dtype: nn.RMSNorm(7, eps=1e-5, dtype=dtype), (5, 7)),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def run(name, x, g, dtype):
    """Output and gradients."""
    layer = LAYERS[name][0](dtype)
    x = Value(x)
    y = layer(x)
    y.grad = g
    y.backward()
    return [y.data, x.grad, *(p.grad for p in layer.parameters())]


def drawn(name, dtype=np.float64):
    rng = np.random.default_rng(0)
    return (rng.standard_normal(LAYERS[name][1]).astype(dtype) for _ in range(2))


@every_layer
def test_the_size_of_the_tiles_does_not_matter(name, monkeypatch):
    x, g = drawn(name)
    whole = run(name, x, g, np.float64)
    monkeypatch.setattr(standardize, "TILE", 1)
    for a, b in zip(run(name, x, g, np.float64), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@every_layer
def test_layouts_and_precisions(name):
    x, g = drawn(name)
    expected = run(name, x, g, np.float64)
    turned = np.asarray(x.T.copy().T, order="F")
    for a, b in zip(run(name, turned, np.asfortranarray(g), np.float64), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    for dtype, atol in (("f2", 2e-2), (">f8", 1e-12)):
        for a, b in zip(run(name, x.astype(dtype), g.astype(dtype), dtype), expected, strict=True):
            assert a.dtype.itemsize == np.dtype(dtype).itemsize
            np.testing.assert_allclose(a, b, atol=atol * 10)


@every_layer
def test_the_input_is_left_alone(name):
    x, g = drawn(name, np.float32)
    kept = x.copy(), g.copy()
    run(name, x, g, np.float32)
    np.testing.assert_array_equal((x, g), kept)


@every_layer
def test_nothing_in_gives_nothing_out(name):
    make, shape = LAYERS[name]
    layer = make(np.float32)
    x = Value(np.zeros((0, *shape[1:]), np.float32))
    y = layer(x)
    np.sum(y).backward()
    assert y.shape == x.grad.shape == x.shape
    assert all(not np.any(p.grad) for p in layer.parameters())


@every_layer
def test_nan_stays_in_its_group(name):
    x, _ = drawn(name)
    x[(0,) * x.ndim] = np.nan
    y = LAYERS[name][0](np.float64)(x).data
    assert np.isnan(y[(0,) * x.ndim])
    assert np.isfinite(y[(-1,) * x.ndim])


@pytest.mark.parametrize("shape", [(64, 3, 64, 64), (3, 2, 101, 103)])
def test_float32_sums_of_many_numbers(shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32) + 100
    layers = nn.BatchNorm2d(shape[1]), nn.BatchNorm2d(shape[1], dtype=np.float64)
    y, exact = (layer(x.astype(layer.weight.dtype)).data for layer in layers)
    np.testing.assert_allclose(y, exact, atol=2e-5)
    np.testing.assert_allclose(layers[0].running_var.data, layers[1].running_var.data, rtol=1e-6)


def test_arrays_in_give_an_array_out():
    x, _ = drawn("LayerNorm")
    assert type(F.layer_norm(x, (7,))) is type(F.batch_norm(x, None, None, training=True)) is np.ndarray


# ---------------------------------------------------------------- running statistics


def test_running_statistics_stay_the_same_arrays():
    layer = nn.BatchNorm1d(3)
    arrays = [b.data for b in layer.buffers()]
    layer(np.ones((4, 3), np.float32))
    assert all(b.data is array for b, array in zip(layer.buffers(), arrays))
    assert layer.num_batches_tracked.data == 1
    assert layer.num_batches_tracked.dtype == np.int64


def test_running_statistics_of_the_function_are_written_into_arrays():
    mean, var = np.zeros(2), np.ones(2)
    F.batch_norm(np.array([[1.0, 2.0], [3.0, 6.0]]), mean, var, training=True, momentum=0.5)
    np.testing.assert_allclose(mean, [1, 2])
    np.testing.assert_allclose(var, [1.5, 4.5])


def test_evaluation_and_empty_batches_leave_the_running_statistics_alone():
    layer = nn.BatchNorm1d(3)
    before = layer.state_dict()
    layer.eval()(np.ones((4, 3), np.float32))
    layer.train()(np.ones((0, 3), np.float32))
    after = layer.state_dict()
    np.testing.assert_array_equal(after["running_mean"], before["running_mean"])
    np.testing.assert_array_equal(after["running_var"], before["running_var"])


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: nn.BatchNorm1d(3), (1, 3), r"more than 1 value per channel.*\(1, 3\)"),
        (lambda: nn.BatchNorm2d(3), (2, 4, 5, 5), r"C = 3 channels, not 4 as in shape \(2, 4, 5, 5\)"),
        (lambda: nn.BatchNorm2d(3), (2, 3, 5), r"BatchNorm2d takes \(N, C, H, W\), not shape \(2, 3, 5\)"),
        (lambda: nn.BatchNorm1d(3), (3,), r"\(N, C\) or \(N, C, L\), not shape \(3,\)"),
        (lambda: nn.InstanceNorm1d(3), (2, 3, 1), r"more than 1 number per channel.*\(2, 3, 1\)"),
        (lambda: nn.InstanceNorm1d(3), (4, 5), r"C = 3 channels, not 4 as in shape \(4, 5\)"),
        (lambda: nn.GroupNorm(2, 4), (2, 3, 5), r"C = 4, not shape \(2, 3, 5\)"),
        (lambda: nn.GroupNorm(4, 4), (1, 4), r"more than 1 number per group.*\(1, 4\)"),
        (lambda: nn.LayerNorm((3, 4)), (2, 4, 3), r"\(2, 4, 3\) does not end in normalized_shape, \(3, 4\)"),
        (lambda: nn.RMSNorm(4), (), r"shape \(\) does not end in normalized_shape, \(4,\)"),
        (lambda: nn.LocalResponseNorm(2), (2, 3), r"at least three axes, not of shape \(2, 3\)"),
    ],
)
def test_shapes_that_do_not_fit(make, shape, message):
    layer = make()
    before = layer.state_dict()
    with pytest.raises(ValueError, match=message):
        layer(np.ones(shape, np.float32))
    assert all(np.array_equal(x, before[path]) for path, x in layer.state_dict().items())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.GroupNorm(3, 7), "7 channels do not divide into num_groups = 3"),
        (lambda: nn.BatchNorm1d(-1), "num_features is a number of channels, not -1"),
        (lambda: nn.LayerNorm(()), r"normalized_shape is a size or a tuple of sizes, not \(\)"),
        (lambda: F.batch_norm(np.ones((2, 3)), None, None), "needs running_mean and running_var"),
        (
            lambda: F.batch_norm(np.ones((2, 3)), np.ones(2), np.ones(3)),
            r"3 channels, but running_mean has shape \(2,\)",
        ),
        (lambda: F.group_norm(np.ones((2, 4)), 2, np.ones(3)), r"4 channels, but weight has shape \(3,\)"),
        (lambda: F.instance_norm(np.ones((2, 3, 4)), use_input_stats=False), "needs running_mean and running_var"),
        (lambda: F.layer_norm(np.ones((2, 3)), 3, np.ones(2)), r"weight has shape \(2,\), not normalized_shape"),
        (lambda: F.local_response_norm(np.ones((1, 2, 3)), 0), "size is a number of channels"),
    ],
)
def test_arguments_that_do_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_integers_are_refused():
    for layer, shape in ((nn.BatchNorm1d(3), (2, 3)), (nn.LayerNorm(3), (2, 3)), (nn.GroupNorm(1, 3), (2, 3))):
        with pytest.raises(TypeError, match=r"floating.*int64"):
            layer(np.ones(shape, np.int64))


def test_looks():
    assert repr(nn.BatchNorm2d(3)) == "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"
    assert repr(nn.LayerNorm(3)) == "LayerNorm((3,), eps=1e-05, elementwise_affine=True)"
    assert repr(nn.GroupNorm(2, 4)) == "GroupNorm(2, 4, eps=1e-05, affine=True)"
