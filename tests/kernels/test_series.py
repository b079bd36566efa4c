"""Polynomials from power series: as near as they were asked to be."""

import math
from fractions import Fraction

import numpy as np
import pytest

from calligrad.kernels import series


def test_constants():
    assert float(series.pi(60)) == math.pi
    assert int(series.pi(200) * 10**40) == 31415926535897932384626433832795028841971
    assert int(series.LN2 * 10**40) == 6931471805599453094172321214581765680755
    assert int(series.LN10 * 10**40) == 23025850929940456840179914546843642076011
    assert float(series.TWO_OVER_ROOT_PI) == 2 / math.sqrt(math.pi)


def test_parts_have_their_digits_and_add_up():
    first, second, third = series.in_parts(series.LN2, 15, 24, 53)
    assert first * 2**15 == int(first * 2**15)
    assert np.float32(second) == second
    assert abs(series.LN2 - Fraction(first) - Fraction(second) - Fraction(third)) < Fraction(1, 2**90)


@pytest.mark.parametrize("error", [1e-3, 1e-6, 1e-9])
def test_economised_polynomials_are_short_and_near(error):
    taylor = [Fraction(1, math.factorial(k)) for k in range(25)]
    short = series.economised(taylor, Fraction(-1), Fraction(2), error)
    x = np.linspace(-1, 2, 1001)
    errors = np.abs(np.polynomial.Polynomial([float(c) for c in short])(x) - np.exp(x))
    assert error / 1000 < errors.max() < error + 1e-14
    kept = 2.0 ** len(short) / math.factorial(len(short))  # Taylor's first term that would be missing at 2
    assert kept > error


def test_the_terms_are_those_of_the_functions():
    def value(term, z):
        return float(sum(term(k) * Fraction(z) ** k for k in range(40)))

    x = 0.5
    assert math.isclose(1 + x + x**2 * value(series.exp_term, x), math.exp(x))
    assert math.isclose(2 * x + x**3 * value(series.log_term, x**2), math.log((1 + x) / (1 - x)))
    assert math.isclose(2 * x * (1 + x**2 / 3 + x**4 * value(series.late_log_term, x**2)), math.log((1 + x) / (1 - x)))
    assert math.isclose(x + x**3 * value(series.sinh_term, x**2), math.sinh(x))
    assert math.isclose(x + x**3 * value(series.sin_term, x**2), math.sin(x))
    assert math.isclose(1 - x**2 / 2 + x**4 * value(series.cos_term, x**2), math.cos(x))
    assert math.isclose(x + x**3 * value(series.tanh_term, x**2), math.tanh(x))
    assert math.isclose(x + x * value(series.erf_term, x**2), math.erf(x))


def test_the_logarithm_of_erfc():
    for x in np.linspace(0, 5, 50):
        log = np.polynomial.Polynomial(series.log_erfc(5.0, 24))(x)
        assert abs(math.exp(log) - math.erfc(1 + x)) < 2.0**-54
