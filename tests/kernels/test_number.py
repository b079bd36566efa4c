"""Formulas of Numbers: the operations of the type they are given, rounded as NumPy rounds them."""

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

from calligrad.kernels.number import copysign, fma, polynomial, power_of_two, shifted, two_sum, where
from tests.kernels.callable import function


def called(f, *args):
    """What a compiled function makes of some numbers."""
    names = ", ".join(f"x{i}" for i in range(len(args)))
    return numba.njit(error_model="numpy")(eval(f"lambda {names}: f({names})", {"f": f}))(*args)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arithmetic_is_numpys_whatever_the_kernel_allows(dtype):
    @function
    def formula(x, y):
        return (2.5 * x + y) / (1.0 - x * y) - x * x

    @numba.njit(error_model="numpy", fastmath={"contract", "reassoc"})
    def kernel(x, y, z):
        for i in range(x.size):
            z[i] = formula(x[i], y[i])

    x, y = np.random.default_rng(0).standard_normal((2, 1000)).astype(dtype)
    z = np.empty_like(x)
    kernel(x, y, z)
    np.testing.assert_array_equal(z, (dtype(2.5) * x + y) / (dtype(1) - x * y) - x * x)


def test_ints_keep_their_width():
    @function
    def wraps_round(x):
        return (((x.bits() << 8) + 2**30) >> 4).from_bits()

    x = np.float32(1.7)
    whole = (np.array(x.view(np.int32)) << 8) + np.int32(2**30)
    assert called(wraps_round, x) == (whole >> 4).astype(np.int32).view(np.float32)


def test_bits_of_two_ints_side_by_side():
    @function
    def upper_half(x):
        ones = x.bits().like(-1)
        return shifted(ones * 0, ones, x.bits().like(3)).to_float()

    assert called(upper_half, 1.0) == 7.0


def test_choices_signs_and_powers():
    @function
    def f(x):
        return where((x > 1.0) | (x < -1.0), power_of_two(x.to_int()), copysign(abs(x), -x))

    assert [called(f, x) for x in (3.0, -2.0, 0.5, -0.25)] == [8.0, 0.25, -0.5, 0.25]
    assert np.isnan(called(f, np.nan))


def test_a_sum_and_what_it_lost():
    @function
    def lost(x, y):
        return two_sum(x, y)[1]

    assert called(lost, 1.0, 2.0**-60) == 2.0**-60


@pytest.mark.parametrize("length", [1, 2, 8, 9, 20])
def test_polynomials_of_any_length(length):
    coefficients = [float(k + 1) for k in range(length)]

    @function
    def value(x):
        return polynomial(x, coefficients)

    assert called(value, 0.5) == np.polynomial.Polynomial(coefficients)(0.5)


def test_fma_rounds_once():
    product_error = function(lambda x, y: fma(x, y, -(x * y)))
    x = 1 + 2.0**-30
    assert called(product_error, x, x) == 2.0**-60
