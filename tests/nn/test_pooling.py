"""Pooling: ties, NaN and infinity, empty batches, random windows, bad input."""

import numpy as np
import pytest

from calligrad import Value, gradients, nn
from calligrad.nn import functional as F
from calligrad.nn import maxima

IMAGES = np.random.default_rng(0).permutation(2 * 3 * 6 * 7).reshape(2, 3, 6, 7).astype(np.float32)


def gradient(f, x):
    """The gradient of the sum of ``f(x)``."""
    x = Value(x)
    return gradients(np.sum(f(x)), x)


def test_the_gradient_of_equal_numbers_goes_to_the_first():
    x = np.ones((1, 1, 4, 4))
    expected = np.zeros((4, 4))
    expected[::2, ::2] = 1
    np.testing.assert_array_equal(gradient(lambda x: F.max_pool2d(x, 2), x)[0, 0], expected)
    np.testing.assert_array_equal(np.nonzero(gradient(lambda x: F.adaptive_max_pool2d(x, 1), x)), [[0]] * 4)


def test_nan_is_the_maximum_and_the_last_of_them_gets_the_gradient():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    x[0, 0, 0, 1] = x[0, 0, 1, 0] = np.nan
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    np.testing.assert_array_equal(y, [[[[np.nan, 7], [13, 15]]]])
    np.testing.assert_array_equal(indices, [[[[4, 7], [13, 15]]]])
    np.testing.assert_array_equal(np.flatnonzero(gradient(lambda x: F.max_pool2d(x, 2), x)), [4, 7, 13, 15])
    np.testing.assert_array_equal(F.adaptive_max_pool2d(x, 1, return_indices=True)[1], [[[[4]]]])


def test_indices_in_planes_of_one_column():
    x = np.array([3.0, 1, 4, 1, 5, 9]).reshape(1, 1, 6, 1)
    for f in (lambda x: F.max_pool2d(x, (2, 1), return_indices=True), lambda x: F.adaptive_max_pool2d(x, (3, 2), True)):
        y, indices = f(x)
        np.testing.assert_array_equal(y[0, 0, :, 0], [3, 4, 9])
        np.testing.assert_array_equal(indices[0, 0, :, 0], [0, 2, 5])
    x[0, 0, 1] = np.nan
    np.testing.assert_array_equal(F.adaptive_max_pool2d(x, (3, 2), True)[1][0, 0, :, 1], [1, 2, 5])


def test_nan_stays_in_its_windows():
    x = IMAGES.copy()
    x[0, 0, 0, 0] = np.nan
    for f in (lambda x: F.avg_pool2d(x, 2), lambda x: F.adaptive_avg_pool2d(x, (4, 5)), lambda x: F.max_pool2d(x, 2)):
        assert np.isnan(f(x)).sum() == 1


def test_an_infinite_gradient_reaches_the_maximum_alone():
    x = Value(IMAGES)
    y = F.max_pool2d(x, 2)
    g = np.ones(y.shape, np.float32)
    g[0, 0, 0, 0] = np.inf
    gx = gradients(y, x, g)
    assert np.isinf(gx).sum() == 1
    assert not np.isnan(gx).any()


@pytest.mark.parametrize("pool", [lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: F.adaptive_max_pool2d(x, (3, 4))])
def test_many_planes_have_the_gradients_that_each_has_alone(pool):
    x = np.random.default_rng(0).standard_normal((2 * maxima.MANY, 7, 6))
    each = [gradient(lambda x: np.exp(pool(x)), plane[np.newaxis]) for plane in x]
    np.testing.assert_array_equal(gradient(lambda x: np.exp(pool(x)), x), np.concatenate(each))


def test_padding_is_never_the_maximum():
    np.testing.assert_array_equal(F.max_pool1d(np.full((1, 4), -np.inf), 3, 1, 1), np.full((1, 4), -np.inf))
    np.testing.assert_array_equal(F.max_pool1d(-np.arange(1, 5).reshape(1, 4), 3, 1, 1), [[-1, -1, -2, -3]])


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "ceil_mode"),
    [
        (2, 2, 0, 1, False),
        (3, 2, 1, 1, True),
        (3, 1, 1, 2, False),
        (2, 3, 1, 1, True),
        ((3, 1), (1, 2), (1, 0), 1, False),
    ],
)
def test_indices_are_where_the_maxima_are(kernel, stride, padding, dilation, ceil_mode):
    y, indices = F.max_pool2d(IMAGES, kernel, stride, padding, dilation, ceil_mode, return_indices=True)
    np.testing.assert_array_equal(
        np.take_along_axis(IMAGES.reshape(2, 3, -1), indices.reshape(2, 3, -1), -1), y.reshape(2, 3, -1)
    )
    np.testing.assert_array_equal(F.max_pool2d(IMAGES, kernel, stride, padding, dilation, ceil_mode), y)


@pytest.mark.parametrize(
    "module",
    [
        nn.MaxPool2d(2),
        nn.AvgPool2d(3, 2, 1),
        nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveAvgPool2d((4, 5)),
        nn.AdaptiveMaxPool2d(1),
        nn.AdaptiveMaxPool2d((4, 5)),
        nn.LPPool2d(2, 2),
        nn.FractionalMaxPool2d(2, output_ratio=0.5),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("error")
def test_a_batch_may_be_empty(module):
    x = Value(np.zeros((0, 3, 6, 7), np.float32))
    y = module(x)
    assert y.shape[:2] == (0, 3)
    assert gradients(np.sum(y), x).shape == x.shape


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_the_dtype_stays(dtype):
    x = IMAGES.astype(dtype)
    for f in (F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d):
        assert f(x, 4).dtype == dtype
        assert gradient(lambda x, f=f: f(x, 4), x).dtype == dtype


def test_inputs_are_not_written_into_and_may_be_strided():
    x = np.asfortranarray(IMAGES)[:, :, ::-1]
    x.flags.writeable = False
    for f in (
        lambda x: F.max_pool2d(x, 3, 2, 1),
        lambda x: F.avg_pool2d(x, 3, 2, 1),
        lambda x: F.adaptive_avg_pool2d(x, 4),
    ):
        np.testing.assert_array_equal(f(x), f(np.array(x, order="C")))
        np.testing.assert_array_equal(gradient(f, x), gradient(f, np.array(x, order="C")))


def test_integers_have_a_maximum_but_no_average():
    x = np.arange(8).reshape(1, 8)
    np.testing.assert_array_equal(F.max_pool1d(x, 3, 2, 1), [[1, 3, 5, 7]])
    with pytest.raises(TypeError, match="avg_pool1d takes floating numbers, not int"):
        F.avg_pool1d(x, 2)
    with pytest.raises(TypeError, match="floating"):
        F.adaptive_avg_pool1d(x, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.max_pool2d(np.ones((3, 3)), 2), r"x has 2 axes behind \(batch, channels\) or .* not shape \(3, 3\)"),
        (lambda: F.max_pool2d(np.ones((1, 3, 0, 4)), 2), "only the batch may be empty"),
        (lambda: F.max_pool2d(IMAGES, 0), "kernel_size is an integer from 1, or 2 of them, not 0"),
        (lambda: F.max_pool2d(IMAGES, (2, 2, 2)), "kernel_size"),
        (lambda: F.max_pool2d(IMAGES, 2.0), "kernel_size"),
        (lambda: F.max_pool2d(IMAGES, 2, stride=0), "stride"),
        (lambda: F.max_pool2d(IMAGES, 2, padding=-1), "padding is an integer from 0"),
        (lambda: F.max_pool2d(IMAGES, 2, padding=2), "padding 2 is more than half of a window"),
        (lambda: F.max_pool2d(IMAGES, 2, dilation=0), "dilation"),
        (lambda: F.avg_pool2d(IMAGES, 8), r"does not fit into 6 .* \(2, 3, 6, 7\)"),
        (lambda: F.avg_pool2d(IMAGES, 2, divisor_override=0), "divisor_override is 0"),
        (lambda: F.lp_pool2d(IMAGES, 0, 2), "norm_type is 0"),
        (lambda: F.adaptive_avg_pool2d(IMAGES, (1, 2, 3)), "output_size is one number or 2"),
        (lambda: F.adaptive_max_pool2d(IMAGES, 0), "output_size"),
        (lambda: F.max_unpool1d(np.ones((1, 2)), np.array([[0, 4]]), 2), r"index 4 at index \(0, 1\) is not within"),
        (lambda: F.max_unpool1d(np.ones((1, 2)), np.array([[0]]), 2), "indices are integers of the shape of x"),
        (lambda: F.max_unpool1d(np.ones((1, 2)), np.array([[0, 2]]), 2, output_size=(9,)), "less than a stride"),
        (lambda: nn.FractionalMaxPool2d(2), "either an output_size or an output_ratio"),
        (lambda: F.fractional_max_pool2d(IMAGES, 2, output_ratio=1.5), "between 0 and 1"),
        (lambda: F.fractional_max_pool2d(IMAGES, 3, output_size=5), "5 windows of 3 are too many for an axis of 6"),
        (lambda: F.fractional_max_pool2d(IMAGES, 2, 3, _random_samples=np.ones((1, 3, 2))), "random samples"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_error_names_the_module():
    with pytest.raises(ValueError, match="does not fit") as caught:
        nn.Sequential(nn.MaxPool2d(9))(IMAGES)
    assert any("MaxPool2d(kernel_size=9" in note for note in caught.value.__notes__)


# ---------------------------------------------------------------- windows that are drawn


def test_drawn_windows_repeat_from_an_rng_and_cover_both_ends():
    first, second = (nn.FractionalMaxPool2d(2, 4, rng=np.random.default_rng(3))(IMAGES) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    x = np.zeros((200, 1, 9, 9))
    x[:, :, 0, 0], x[:, :, -1, -1] = 1, 2
    y = F.fractional_max_pool2d(x, 2, output_size=5, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(y[:, 0, 0, 0], 1)
    np.testing.assert_array_equal(y[:, 0, -1, -1], 2)


def test_drawn_windows_begin_where_the_samples_say():
    x = np.arange(49.0).reshape(1, 1, 7, 7)
    y, indices = F.fractional_max_pool2d(x, 2, 4, return_indices=True, _random_samples=np.array([[[0.0, 0.9]]]))
    columns, rows = np.array([0, 1, 3, 5]) + 1, np.array([0, 2, 3, 5]) + 1  # α = 5/3: floor(α (i + u)) - floor(α u)
    np.testing.assert_array_equal(indices[0, 0], rows[:, None] * 7 + columns)
    np.testing.assert_array_equal(y, indices)
    along = Value(x)
    np.testing.assert_array_equal(
        np.flatnonzero(
            gradients(np.sum(F.fractional_max_pool2d(along, 2, 4, None, False, np.array([[[0.0, 0.9]]]))), along)
        ),
        indices.reshape(-1),
    )
    volume = F.fractional_max_pool3d(np.arange(64.0).reshape(1, 4, 4, 4), 2, output_ratio=0.5)
    assert volume.shape == (1, 2, 2, 2)


def test_sums_of_float16_do_not_overflow_on_the_way():
    x = np.full((1, 1, 4), 40000, np.float16)
    y = F.avg_pool1d(x, 4)
    assert (y.dtype, float(y[0, 0, 0])) == (np.float16, 40000.0)
