"""The data set that comes with the package, and load."""

import hashlib
from importlib import resources

import numpy as np
import pytest

import calligrad.data


@pytest.fixture(scope="module")
def digits():
    return calligrad.data.load("digits")


def test_shapes_and_dtypes(digits):
    images, labels = digits
    assert (images.shape, images.dtype) == ((1797, 8, 8), np.float32)
    assert (labels.shape, labels.dtype) == ((1797,), np.int64)
    assert images.flags.c_contiguous
    assert images.flags.writeable
    assert labels.flags.writeable


def test_scale(digits):
    images, labels = digits
    assert images.min() == 0
    assert images.max() == 1
    np.testing.assert_array_equal(images * 16, np.round(images * 16))  # steps of 1/16
    assert sorted(set(labels.tolist())) == list(range(10))


def test_it_is_the_known_set(digits):
    images, labels = digits
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    np.testing.assert_array_equal(images[0, 0] * 16, [0, 0, 5, 13, 9, 1, 0, 0])
    file = resources.files("calligrad.data") / "digits" / "digits.csv.gz"
    licence = resources.files("calligrad.data") / "digits" / "LICENSE"
    assert hashlib.sha256(file.read_bytes()).hexdigest() in licence.read_text(encoding="utf-8")


def test_every_load_gives_arrays_of_its_own(digits):
    images, _ = calligrad.data.load("digits")
    images[...] = 2
    assert digits[0].max() == 1
    assert calligrad.data.load("digits")[0].max() == 1


@pytest.mark.parametrize("name", ["digit", "", "../digits", None])
def test_another_name_is_refused_with_those_there_are(name):
    with pytest.raises(ValueError, match="'digits'"):
        calligrad.data.load(name)


def test_the_licence_names_its_sources():
    text = (resources.files("calligrad.data") / "digits" / "LICENSE").read_text(encoding="utf-8")
    for words in ("scikit-learn developers", "Alpaydin", "Kaynak", "UCI", "BSD 3-Clause", "Redistribution"):
        assert words in text


def test_digits_are_of_one_piece():
    with pytest.raises(ValueError, match="one piece"):
        calligrad.data.load("digits", "test")


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_another_split_is_refused(name):
    with pytest.raises(ValueError, match='"train" or "test"'):
        calligrad.data.load(name, "valid")
