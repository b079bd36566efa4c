"""Sums over many rows, of which short ones are joined to longer ones. Whole numbers: their sums are exact."""

import numpy as np
import pytest

pytest.importorskip("numba")

import calligrad
from calligrad.compiler.backends.numba.groups import PIECE, WIDE, shape_of
from calligrad.compiler.passes import grouped
from calligrad.compiler.passes.fusion import Fused
from tests.compiler.backends.kernels import assert_same


def summed(x, y):
    z = np.where(x > 0, y, -x)
    largest, least, product = np.max(z, 0), np.min(z, 0), np.prod(np.sign(y), 0)
    return z, np.sum(z, 0), np.sum(z * y), largest, least, product, np.any(x > y, 0), np.all(x < 9, 0), np.max(x)


def shapes(f, *args):
    """The loops of the groups that a function becomes."""
    compiled = calligrad.compile(f, backend="numba")
    for _ in range(2):
        compiled(*args)
    groups = [line.op for line in grouped(compiled.program()).lines if isinstance(line.op, Fused)]
    return [shape_of(group) for group in groups]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, WIDE // 2, WIDE // 2 + 1, WIDE])
@pytest.mark.parametrize("rows", [1, 3, 97, 128, 5000])
def test_sums_over_rows(rows, length, dtype):
    rng = np.random.default_rng(0)
    x, y = (rng.integers(-9, 9, (rows, length)).astype(dtype) for _ in range(2))
    assert_same(summed, x, y)
    assert_same(lambda x, y: (np.sum(x + y, 0), np.max(y, 0)), x.astype(np.float32), y)


def test_which_rows_are_joined():
    x = np.ones((100, 4))
    (shape,) = shapes(lambda x: np.sum(x * 2, 0), x)
    assert (shape.outer, shape.inner, shape.total, shape.repeats) == ((7,), (64,), 400, 16)
    (shape,) = shapes(lambda x: np.sum(x * np.arange(4.0), 0), x)  # of what is the same in all rows there is one row
    assert shape.repeats == 1
    (shape,) = shapes(lambda x: np.exp(x) + 1, x)
    assert shape.repeats == 1


def test_one_long_row_is_cut():
    x = np.arange(5.0 * PIECE + 3)
    (shape,) = shapes(lambda x: x * 2 + x, x)
    assert (shape.outer, shape.inner, shape.total) == ((6,), (PIECE,), x.size)
    assert_same(lambda x: (x * 2 + x, np.where(x > 7, x, 0)), x)


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


def written(f, x, o):
    """What ``f`` leaves in its second argument, eagerly and compiled."""
    eager = o.copy()
    f(x, eager)
    compiled = calligrad.compile(f, backend="numba")
    for _ in range(4):
        ours = o.copy()
        compiled(x, ours)
        np.testing.assert_array_equal(ours, eager)


def test_sums_that_take_the_place_of_what_they_read():
    def into(f):
        def write(x, o):
            o[...] = f(x, o)

        return write

    x, o = np.arange(12.0).reshape(3, 4), np.full((1, 4), 2.0)
    written(into(lambda x, o: np.sum(x * o, axis=0, keepdims=True)), x, o)
    written(into(lambda x, o: np.max(x + o, axis=0, keepdims=True)), x, o)
    written(into(lambda x, o: np.maximum.reduce(np.maximum(x, o), axis=0, keepdims=True)), -x, o)
    written(lambda x, o: np.add.reduce(x * o, axis=0, keepdims=True, out=o), x, o)
    written(into(lambda x, o: np.sum(x * o, keepdims=True)), x, o[:, :1])


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (2, 3)])
def test_a_part_of_complex_numbers_that_is_handed_out_with_the_whole(shape):
    def f(x):
        z = np.multiply(x, 1j)
        return np.imag(z), z

    compiled = calligrad.compile(f, backend="numba")
    for _ in range(3):
        for x, y in zip(compiled(np.ones(shape)), f(np.ones(shape)), strict=True):
            assert (x.shape, x.dtype) == (y.shape, y.dtype)
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("rows", [1, 3, 200])
def test_sums_from_a_number_on(rows):
    whole, zeros = np.full((rows, 2), 4), np.full((rows, 2), -0.0)
    for f in (
        lambda x: np.sum(x, 0, initial=-2.5),
        lambda x: np.prod(x % 3, 0, initial=2.5),
        lambda x: np.add.reduce(x, dtype=bool, initial=-1),
    ):
        compiled = calligrad.compile(f, backend="numba")
        for _ in range(3):
            np.testing.assert_array_equal(compiled(whole), f(whole), strict=True)
    compiled = calligrad.compile(lambda x: np.sum(x, 0, initial=-0.0), backend="numba")
    for _ in range(3):
        assert np.all(np.signbit(compiled(zeros)) == np.signbit(np.sum(zeros, 0, initial=-0.0)))
