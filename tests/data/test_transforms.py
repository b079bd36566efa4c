"""Transforms of images."""

import numpy as np
import pytest

from calligrad.data import transforms
from calligrad.data.transforms import (
    CenterCrop,
    Compose,
    Normalize,
    Pad,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
    ToFloat,
    rotated,
)

ALL = [
    CenterCrop(4),
    Compose(RandomCrop(6, padding=1), RandomHorizontalFlip()),
    Pad(1),
    RandomCrop((5, 3)),
    RandomErasing(1.0),
    RandomHorizontalFlip(),
    RandomRotation(30),
    RandomVerticalFlip(),
    Resize(9),
]


def rng(seed=0):
    return np.random.default_rng(seed)


def drawn(shape, dtype):
    return rng().integers(0, 256, shape).astype(dtype)


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_every_kind_of_image_keeps_its_dtype_and_stays_as_it_was(transform, dtype):
    image = drawn((3, 8, 7), dtype)
    before = image.copy()
    call = transform if transforms.draws(transform) else lambda x, rng: transform(x)
    changed = call(image, rng())
    assert changed.dtype == dtype
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(call(image, rng()), changed)  # the generator decides
    np.testing.assert_array_equal(call(image[0], rng()), changed[0])  # one channel, without its axis


def test_to_float_and_normalize():
    image = np.array([[[0, 255]], [[51, 102]]], np.uint8)
    x = Compose(ToFloat(), Normalize([0.5, 0.2], [0.5, 0.1]))(image)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, [[[-1, 1]], [[0, 2]]], atol=1e-6)
    assert Normalize(0.5, 0.5)(np.ones((4, 4))).shape == (4, 4)
    with pytest.raises(TypeError, match="as ToFloat makes them, not of uint8"):
        Normalize(0.5, 0.5)(image)
    with pytest.raises(TypeError, match="uint8, not float32"):
        ToFloat()(x)
    with pytest.raises(ValueError, match="Normalize has 3 channels, the image has 2"):
        Normalize([0, 0, 0], 1)(x)
    with pytest.raises(ValueError, match="std is above 0"):
        Normalize(0, [1, 0])


def test_pad():
    x = np.ones((1, 1, 1))
    np.testing.assert_array_equal(Pad((1, 0, 2, 1), value=7)(x), [[[7, 1, 7, 7], [7, 7, 7, 7]]])
    np.testing.assert_array_equal(Pad(1, mode="edge")(x), np.ones((1, 3, 3)))
    for padding in (-1, (1, 2), 1.5):
        with pytest.raises(ValueError, match="padding is a count"):
            Pad(padding)


def test_crops_are_pieces_of_the_image():
    x = np.arange(30).reshape(5, 6)
    np.testing.assert_array_equal(CenterCrop((3, 2))(x), x[1:4, 2:4])
    pieces = {RandomCrop(2)(x, rng(seed)).tobytes() for seed in range(300)}
    assert pieces == {x[i : i + 2, j : j + 2].tobytes() for i in range(4) for j in range(5)}
    padded = np.pad(x, 1)
    corner = [padded[i : i + 7, j : j + 8].tobytes() for i in range(1) for j in range(1)]
    assert [RandomCrop((7, 8), padding=1)(x, rng()).tobytes()] == corner
    with pytest.raises(ValueError, match=r"a crop of 6 by 6 does not fit into an image of shape \(5, 6\)"):
        RandomCrop(6)(x)
    with pytest.raises(ValueError, match=r"\(height, width\), not 0"):
        CenterCrop(0)(x)


@pytest.mark.parametrize(("flip", "axis"), [(RandomHorizontalFlip, -1), (RandomVerticalFlip, -2)])
def test_flips(flip, axis):
    x = drawn((3, 4, 5), np.uint8)
    np.testing.assert_array_equal(flip(1.0)(x), np.flip(x, axis))
    np.testing.assert_array_equal(flip(0.0)(x), x)
    flipped = [flip(0.25)(x, rng(seed)).tobytes() != x.tobytes() for seed in range(400)]
    assert 60 < sum(flipped) < 140


def test_resize_keeps_constants_and_lines():
    np.testing.assert_allclose(Resize((7, 3))(np.ones((2, 4, 9))), 1)
    line = np.arange(32.0)[None]
    doubled = Resize((1, 64))(line)[0]
    np.testing.assert_allclose(doubled[1:-1], (np.arange(64) + 0.5)[1:-1] / 2 - 0.5)
    assert Resize(8)(np.ones((3, 16, 20))).shape == (3, 8, 10)  # its shorter side
    np.testing.assert_array_equal(Resize((4, 5))(drawn((4, 5), np.uint8)), drawn((4, 5), np.uint8))
    assert Resize((1, 1))(np.array([[0, 255]], np.uint8)) == 128


def test_rotation_goes_against_the_clock():
    x = drawn((2, 6, 6), np.float64)
    np.testing.assert_allclose(rotated(x, 90), np.rot90(x, axes=(-2, -1)), atol=1e-9)
    np.testing.assert_allclose(rotated(x, -180), x[:, ::-1, ::-1], atol=1e-9)
    np.testing.assert_allclose(rotated(rotated(np.ones((9, 9)), 20), -20)[3:6, 3:6], 1)
    assert rotated(np.zeros((4, 4)), 45, value=5)[0, 0] > 1  # from outside
    np.testing.assert_array_equal(RandomRotation((90, 90))(x), rotated(x, 90))


def test_erasing_writes_one_rectangle_of_the_wanted_area():
    x = np.ones((3, 40, 50), np.float32)
    for seed in range(20):
        y = RandomErasing(1.0, scale=(0.1, 0.2))(x, rng(seed))
        rows, columns = np.nonzero(y[0] == 0)
        assert 0.08 < len(rows) / 2000 < 0.22
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        np.testing.assert_array_equal(y[0], y[2])
    assert RandomErasing(0.0)(x) is x


def test_functions_are_transforms():
    def shifted(x, rng):
        return x + rng.random()

    both = Compose(shifted, np.sqrt, lambda x, scale=2: scale * x)
    assert both(0.25, rng()) == 2 * np.sqrt(0.25 + rng().random())
    assert transforms.draws(shifted)
    assert not transforms.draws(np.sqrt)
    assert repr(Compose(Pad(1))) == "Compose(Pad(padding=1, value=0, mode='constant'))"
    with pytest.raises(TypeError, match="number 1 is 3"):
        Compose(shifted, 3)
