"""Sums over many rows, of which short ones are joined to longer ones. Whole numbers: their sums are exact."""

import numpy as np
import pytest

pytest.importorskip("numba")

import calligrad
from calligrad.compiler.backends.numba.groups import WIDE
from tests.compiler.backends.kernels import assert_same


def summed(x, y):
    z = np.where(x > 0, y, -x)
    return z, np.sum(z, 0), np.sum(z * y), np.max(z, 0), np.sum(y, 0, keepdims=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, WIDE // 2, WIDE // 2 + 1, WIDE])
@pytest.mark.parametrize("rows", [1, 3, 97, 128, 5000])
def test_sums_over_rows(rows, length, dtype):
    rng = np.random.default_rng(0)
    x, y = (rng.integers(-9, 9, (rows, length)).astype(dtype) for _ in range(2))
    assert_same(summed, x, y)


@pytest.mark.parametrize(
    "y", [np.ones((1, 4)), np.arange(400.0).reshape(100, 4).T.copy().T, np.arange(100.0)[:, None], np.float64(2)]
)
def test_sums_of_what_does_not_lie_in_one_walk(y):
    x = np.random.default_rng(0).integers(-9, 9, (100, 4)).astype(float)
    assert_same(lambda x, y: (x * y, np.sum(x * y, 0)), x, y)
    assert_same(lambda x, y: np.sum(x * y, 0), x[:, ::-1], y)
    assert_same(lambda x, y: np.sum(np.square(x * y) - np.sum(x, 1, keepdims=True), 0), x, y)


@pytest.mark.parametrize("f", [np.sum, np.mean, np.max, np.prod, np.std])
@pytest.mark.parametrize("axis", [0, (0, 2), None])
def test_sums_along_axes_of_one_number(f, axis):
    x = np.array([-0.0, 2.5]).reshape(1, 2, 1)
    assert_same(lambda x: f(x, axis=axis), x)
    assert_same(lambda x: np.sum(x > 0, axis=axis, dtype=bool), x)
    assert_same(lambda x: np.copysign(1.0, f(x, axis=axis, keepdims=True)), x)  # a sum of -0 is 0


@pytest.mark.filterwarnings("ignore:Casting complex")
def test_numpy_is_given_numbers_where_it_gave_some():
    def f(x):
        y = np.tanh(x)
        return np.interp(y, [0.0, 1.0], [1.0, 2.0]), y

    compiled = calligrad.compile(f, backend="numba")
    for _ in range(3):  # an array without axes of complex numbers it would refuse
        assert compiled(np.complex128(0.5)) == f(np.complex128(0.5))
