"""Copies, fills and assignments at slices, as kernels."""

import numpy as np
import pytest

pytest.importorskip("numba")

from tests.compiler.backends.kernels import assert_same, run

X = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.copy(x.T),
        lambda x: np.reshape(np.swapaxes(x, 0, 2), (6, 4)),
        lambda x: np.ravel(x[:, ::-1]),
        lambda x: np.reshape(x[:, :, 1:3], (-1, 2)),
        lambda x: np.copy(np.moveaxis(x, 0, -1), order="C"),
        lambda x: np.concatenate((x, x[:1], 2 * x)),
        lambda x: np.concatenate((x, x[..., :1]), axis=-1),
        lambda x: np.concatenate((x[:, :0], x), axis=1),
        lambda x: np.stack((x, x + 1), axis=1),
        lambda x: np.stack((x[0, 0], x[1, 2]), axis=-1),
        lambda x: np.stack((x[0, 0, 0], x[1, 2, 3])),
        lambda x: np.zeros_like(x, shape=(5,)) + x[0, 0, 0],
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_what_is_copied_is_what_numpy_gives(f, dtype):
    assert_same(f, X.astype(dtype))


def put(key, value):
    def f(x):
        y = x * 1
        y[key] = value(x)
        return y

    return f


@pytest.mark.parametrize(
    "key", [0, -1, (slice(None), -1), (..., slice(None, None, -2)), (1, 2, 3), np.s_[:, None, 1:2]]
)
def test_numbers_are_put_at_slices(key):
    assert_same(put(key, lambda x: 7), X)
    assert_same(put(key, lambda x: np.sqrt(x[key])), X)


def test_the_old_array_stays_where_it_is_needed_again():
    def f(x):
        y = x + 1
        z = np.copy(y)
        z[0] = y[1]
        y[1] = z[0] * y[0]
        return y, z

    assert_same(f, X)


def test_numbers_are_put_among_others_of_the_same_array():
    def f(x):
        y = x + 1
        y[1:] = y[:-1]
        return y

    assert_same(f, X[0])


def test_long_rows_are_cut_and_each_number_is_copied():
    x = np.random.default_rng(0).standard_normal((3, 100_001), np.float32)
    assert_same(lambda x: np.concatenate((x[0], x[2])), x)
    assert_same(lambda x: np.copy(x.T), x[:, :5000])


def test_nothing_is_copied_from_empty_arrays():
    assert run(lambda x: np.concatenate((x, x)), np.zeros((0, 3))).shape == (0, 3)


def test_numbers_change_their_dtype():
    def f(x, y):
        z = x * 1
        z[0] = y
        return z

    assert_same(f, np.ones((2, 3), np.float32), np.arange(3))
    assert_same(f, np.ones((2, 3)), np.array([True, False, True]))
