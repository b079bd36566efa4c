"""Resizing, sampling, borders and shuffles: what they are for, empty batches, bad input."""

import numpy as np
import pytest

from calligrad import Value, gradients, nn
from calligrad.nn import functional as F

IMAGES = np.random.default_rng(0).standard_normal((2, 4, 5, 6)).astype(np.float32)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])
def test_a_constant_stays_one_and_its_gradients_sum_up(mode):
    x = Value(np.full((1, 1, 5, 6), 3.0))
    y = F.interpolate(x, (7, 3), mode=mode)
    np.testing.assert_allclose(y.data, 3.0, rtol=1e-12)
    np.testing.assert_allclose(np.sum(gradients(np.sum(y), x)), y.size, rtol=1e-12)


def test_resizing_along_one_axis_leaves_the_other():
    np.testing.assert_array_equal(F.interpolate(IMAGES, (5, 6), mode="bilinear"), IMAGES)
    np.testing.assert_array_equal(F.interpolate(IMAGES, scale_factor=(1, 2))[..., ::2], IMAGES)


def test_nan_stays_near():
    x = IMAGES.copy()
    x[0, 0, 0, 0] = np.nan
    assert np.isnan(F.interpolate(x, scale_factor=2, mode="bilinear")).sum() == 9


def test_a_large_image_is_read_where_its_grid_says():
    theta = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]] * 2, np.float32)
    for corners in (True, False):
        grid = F.affine_grid(theta, IMAGES.shape, align_corners=corners)
        np.testing.assert_allclose(F.grid_sample(IMAGES, grid, align_corners=corners), IMAGES, atol=1e-5)


def test_pixels_come_back():
    np.testing.assert_array_equal(F.pixel_unshuffle(F.pixel_shuffle(IMAGES, 2), 2), IMAGES)
    np.testing.assert_array_equal(F.channel_shuffle(F.channel_shuffle(IMAGES, 2), 2), IMAGES)


@pytest.mark.parametrize(("mode", "name"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")])
def test_borders_are_those_of_numpy(mode, name):
    np.testing.assert_array_equal(
        F.pad(IMAGES, (1, 2, 3, 4), mode), np.pad(IMAGES, ((0, 0), (0, 0), (3, 4), (1, 2)), name)
    )


@pytest.mark.parametrize(
    "module",
    [
        nn.Upsample(scale_factor=2),
        nn.Upsample((3, 9), mode="bicubic"),
        nn.PixelShuffle(2),
        nn.PixelUnshuffle(1),
        nn.ChannelShuffle(2),
        nn.ReflectionPad2d(2),
        nn.ReplicationPad2d(2),
        nn.CircularPad2d(2),
        nn.ZeroPad2d(2),
    ],
    ids=repr,
)
def test_a_batch_may_be_empty(module):
    x = Value(np.zeros((0, 4, 5, 6), np.float32))
    y = module(x)
    assert y.shape == (0, *module(IMAGES).shape[1:])
    assert gradients(np.sum(y), x).shape == x.shape


def test_a_grid_of_an_empty_batch():
    assert F.grid_sample(np.zeros((0, 3, 4, 4)), np.zeros((0, 5, 6, 2))).shape == (0, 3, 5, 6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.interpolate(IMAGES, 2, mode="cubic"), "mode is one of nearest, .* not 'cubic'"),
        (
            lambda: F.interpolate(IMAGES, 2, mode="linear"),
            r"'linear' takes x as \(N, C, L\), not of shape \(2, 4, 5, 6\)",
        ),
        (lambda: F.interpolate(IMAGES), "either a size or a scale_factor"),
        (lambda: F.interpolate(IMAGES, 2, 2), "either a size or a scale_factor"),
        (lambda: F.interpolate(IMAGES, (2, 3, 4)), "size is an integer from 1, or 2"),
        (lambda: F.interpolate(IMAGES, scale_factor=-1), "scale_factor is a positive number"),
        (lambda: F.interpolate(IMAGES, scale_factor=0.1), "makes"),
        (lambda: F.interpolate(IMAGES, 2, align_corners=True), "align_corners is for linear and cubic modes"),
        (lambda: F.interpolate(IMAGES, 2, antialias=True), "antialias is for"),
        (lambda: F.interpolate(IMAGES, 2, recompute_scale_factor=True), "recompute_scale_factor needs a scale_factor"),
        (lambda: F.interpolate(IMAGES[:, :0], 2), "only the batch may be empty"),
        (lambda: F.pixel_shuffle(IMAGES, 3), "the 4 channels of x .* are no multiple of 3²"),
        (lambda: F.pixel_shuffle(IMAGES, 0), "upscale_factor is a positive integer, not 0"),
        (lambda: F.pixel_shuffle(IMAGES[0, 0], 2), r"x is \(…, C, H, W\)"),
        (lambda: F.pixel_unshuffle(IMAGES, 2), "no multiples of 2"),
        (lambda: F.channel_shuffle(IMAGES, 3), "no multiple of 3 groups"),
        (lambda: F.channel_shuffle(IMAGES[0, 0], 2), r"x is \(N, C, …\)"),
        (lambda: F.pad(IMAGES, (1, 2, 3)), "two numbers for each"),
        (lambda: F.pad(IMAGES, (1,) * 10), "up to 4 axes"),
        (lambda: F.pad(IMAGES, (1, 1), "mirror"), "mode is one of"),
        (lambda: F.pad(IMAGES, (6, 0, 0, 0), "reflect"), r"border of \(6, 0\) does not go around an axis of 6"),
        (lambda: F.pad(IMAGES, (7, 0, 0, 0), "circular"), "does not go around"),
        (lambda: F.pad(IMAGES, (1, 1), "reflect"), "behind"),
        (lambda: F.pad(IMAGES, (1, 1, 1, 1), "reflect", 2.0), "takes no value"),
        (lambda: F.pad(IMAGES, (-4, -3)), "cuts more off"),
        (lambda: nn.ZeroPad2d((1, 2, 3)), "padding is one integer or 4 of them"),
        (lambda: F.grid_sample(IMAGES, np.ones((2, 3, 3, 3), np.float32)), "grid"),
        (lambda: F.grid_sample(IMAGES, np.ones((2, 3, 3, 2), np.float32), "cubic"), "mode is one of"),
        (lambda: F.affine_grid(np.ones((2, 3, 3)), (2, 1, 4, 4)), r"has the shape \(2, 2, 3\), not \(2, 3, 3\)"),
        (lambda: F.affine_grid(np.ones((2, 2, 3)), (2, 1, 4)), r"size is \(N, C, H, W\)"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_not_floating_is_told():
    for call in (
        lambda: F.interpolate(np.ones((1, 1, 2, 2), int), 4),
        lambda: F.grid_sample(IMAGES, np.ones((2, 3, 3, 2))),
        lambda: F.pad(IMAGES, (1.0, 1.0)),
    ):
        with pytest.raises(TypeError):
            call()
