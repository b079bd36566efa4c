"""Convolutions of any lengths; sinc and Bessel functions to the last digits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calligrad import Value, grad
from calligrad.ops.signal import BesselI
from calligrad.testing import check_gradients


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from(["full", "same", "valid"]), st.booleans())
def test_convolutions_of_any_lengths(n, m, mode, imaginary):
    a, v = np.cos(np.arange(n) * 1.3), np.sin(np.arange(m) + 0.5)
    if imaginary:
        a, v = a + 1j * a[::-1], v * (1 - 2j)
    for f in (np.convolve, np.correlate):
        np.testing.assert_array_equal(f(Value(a), Value(v), mode).data, f(a, v, mode), strict=True)
        check_gradients(lambda a, v, f=f: f(a, v, mode), a, v)


@pytest.mark.parametrize("f", [np.convolve, np.correlate])
def test_wrong_input_raises_numpys_own_errors(f):
    for a, v, mode in (([], [1.0], "full"), ([1.0], [], "full"), ([1.0], [1.0], "whole"), ([[1.0]], [1.0], "full")):
        with pytest.raises(Exception) as expected:
            f(np.array(a), np.array(v), mode)
        with pytest.raises(expected.type):
            f(Value(a), Value(v), mode)


# To 17 digits by mpmath with 60: the n-th derivative of sinc, at x.
SINC_SLOPES = {
    (1, 1e-09): -3.2898681336964531e-9,
    (1, 0.001): -0.0032898648867278963,
    (1, 0.05): -0.16408789296847297,
    (1, 0.3): -0.90202813013888879,
    (1, 0.63): -1.3664236370522228,
    (1, 0.64): -1.3684427311721679,
    (1, 0.95): -1.0948460502244421,
    (1, 1.28): -0.34829145768265246,
    (1, 2.5): -0.050929581789406507,
    (2, 1e-09): -3.2898681336964529,
    (2, 0.001): -3.289858392793072,
    (2, 0.05): -3.2655516040338543,
    (2, 0.3): -2.4584852862661743,
    (2, 0.63): -0.23867288213079377,
    (2, 0.64): -0.16517587258158991,
    (2, 0.95): 1.7876197203265739,
    (2, 1.28): 2.4353294205963854,
    (2, 2.5): -1.2158933960043921,
    (3, 1e-09): 1.9481818206800489e-8,
    (3, 0.001): 0.019481795316590379,
    (3, 0.05): 0.97123237718292603,
    (3, 0.3): 5.2474931529243694,
    (3, 0.63): 7.3582717709282023,
    (3, 0.64): 7.3403137307314379,
    (3, 0.95): 4.6160358234344159,
    (3, 1.28): -0.79286378687933639,
    (3, 2.5): 1.4590720752052705,
}


@pytest.mark.parametrize(("order", "x"), SINC_SLOPES)
def test_slopes_of_sinc_to_the_last_digits(order, x):
    slope = np.sinc
    for _ in range(order):
        slope = grad(slope)
    np.testing.assert_allclose(slope(x), SINC_SLOPES[order, x], rtol=1e-13, atol=1e-15 * math.pi**order)


def test_slopes_of_sinc_at_0():
    assert np.sinc(Value(0.0)).data == 1
    check_gradients(np.sinc, np.array([0.0, 1e-9, -1e-4]), order=3, rtol=1e-4, atol=1e-4)
    slope = np.sinc
    for expected in (0, -(math.pi**2) / 3, 0, math.pi**4 / 5):
        slope = grad(slope)
        np.testing.assert_allclose(slope(0.0), expected, rtol=1e-15)


# To 17 digits by mpmath with 60: the modified Bessel function of order n at x.
BESSELS = {
    (0, 1e-09): 1.0,
    (0, 0.5): 1.0634833707413235,
    (0, 7.5): 268.16131151518936,
    (0, 8.5): 683.16192699011561,
    (0, 19.9): 39513376.520066824,
    (0, 20.1): 48017874.107136503,
    (0, 60.0): 5.8940770556098012e24,
    (0, 600.0): 6.1463054039368448e258,
    (1, 1e-09): 5.0000000000000003e-10,
    (1, 0.5): 0.25789430539089632,
    (1, 7.5): 249.58436542268814,
    (1, 8.5): 641.61990254006676,
    (1, 19.9): 38507423.874862283,
    (1, 20.1): 46807739.533029883,
    (1, 60.0): 5.8447515883904683e24,
    (1, 600.0): 6.1411813450668919e258,
    (2, 1e-09): 1.2500000000000002e-19,
    (2, 0.5): 0.031906149177738254,
    (2, 7.5): 201.60548073580586,
    (2, 8.5): 532.19253815715872,
    (2, 19.9): 35643283.66832187,
    (2, 20.1): 43360387.586437013,
    (2, 60.0): 5.6992520026634522e24,
    (2, 600.0): 6.1258347994532885e258,
    (3, 1e-09): 2.0833333333333337e-29,
    (3, 0.5): 0.0026451119689902859,
    (3, 7.5): 142.06144236359168,
    (3, 8.5): 391.17635517199207,
    (3, 19.9): 31342944.745551354,
    (3, 20.1): 38178806.680007592,
    (3, 60.0): 5.4648014548795715e24,
    (3, 600.0): 6.10034244640387e258,
}


@pytest.mark.parametrize(("order", "x"), BESSELS)
def test_bessel_functions_to_the_last_digits(order, x):
    expected = BESSELS[order, x]
    np.testing.assert_allclose(BesselI(order)(np.float64(x)), expected, rtol=5e-15)
    np.testing.assert_allclose(BesselI(order)(np.float64(-x)), (-1) ** order * expected, rtol=5e-15)


def test_slopes_of_i0():
    x = np.array([-25.0, -9.0, -0.3, 0.0, 1e-8, 3.0, 19.99, 20.01])
    check_gradients(lambda x: np.i0(x) * np.exp(-np.abs(x)), x[[0, 1, 2, 5, 6, 7]], order=3, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(grad(lambda x: np.sum(np.i0(x)))(x[3:5]), [0, 5e-9], rtol=1e-15)
    np.testing.assert_array_equal(grad(grad(np.i0))(0.0), 0.5)
