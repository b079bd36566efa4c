"""Polynomials: trimming, poly1d, roots and errors."""

import numpy as np
import pytest

from calligrad import Value, grad, jacobian
from calligrad.testing import check_gradients

P, Q = np.array([1.0, -2.0, 0.5, 3.0]), np.array([2.0, 1.0, -1.0])


def test_poly1d_holds_values():
    """NumPy's class is made of functions that dispatch: all of it but the division differentiates."""

    def f(p, x):
        p = np.poly1d(p)
        return [(p * p - p.deriv() + 1)(x), p.integ(2)(x), np.polymul(p, x[:2]).coeffs]

    x = np.array([0.3, -1.0, 2.0])
    for got, expected in zip(f(Value(P), Value(x)), f(P, x), strict=True):
        np.testing.assert_array_equal(got.data, expected, strict=True)
    check_gradients(f, P, x)
    check_gradients(lambda p: np.poly1d(p).roots, P)


def test_leading_zeros_are_cut_off_a_product():
    p = np.array([0.0, 0.0, 1.0, 2.0])
    got = np.polymul(Value(p), Value(Q))
    np.testing.assert_array_equal(got.data, np.polymul(p, Q), strict=True)
    np.testing.assert_array_equal(grad(lambda p: np.sum(np.polymul(p, Q)))(p), [0, 0, 2, 2])


def test_division_by_a_longer_polynomial():
    quotient, remainder = np.polydiv(Value(Q), Value(P))
    np.testing.assert_array_equal(quotient, [0.0])
    np.testing.assert_array_equal(remainder.data, Q)


def test_division_without_a_remainder():
    got, expected = np.polydiv(Value(np.convolve(P, Q)), Value(Q)), np.polydiv(np.convolve(P, Q), Q)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a.data, b, strict=True)


def test_roots_at_0_and_at_infinity():
    """A leading 0 moves a root in from infinity; a trailing 0 moves the one at 0."""
    p = np.array([0.0, 1.0, -3.0, 2.0, 0.0])
    np.testing.assert_array_equal(np.roots(Value(p)).data, np.roots(p), strict=True)  # 2, 1, 0
    expected = [[-(z ** (4 - k)) / (3 * z**2 - 6 * z + 2) for k in range(5)] for z in np.roots(p)]
    np.testing.assert_allclose(jacobian(np.roots)(p), expected, rtol=1e-12)


def test_the_coefficients_of_a_matrix():
    a = np.array([[1.0, 2.0, 0.1], [0.3, -1.0, 0.5], [0.0, 0.7, 2.0]])
    np.testing.assert_array_equal(np.poly(Value(a)).data, np.poly(a), strict=True)
    check_gradients(np.poly, a, rtol=1e-5, atol=1e-5)


def test_conjugate_roots_have_real_coefficients():
    z = np.array([1.0 + 2.0j, 1.0 - 2.0j, 3.0])
    y = np.poly(Value(z))
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y.data, np.poly(z), strict=True)
    assert np.poly(Value(np.zeros(0))) == 1.0


def test_all_that_polyfit_reports():
    x, y = np.array([0.0, 1.0, 2.5, 4.0, 4.5]), np.array([1.0, 3.0, 2.0, 0.5, -1.0])
    got, expected = np.polyfit(Value(x), y, 2, full=True), np.polyfit(x, y, 2, full=True)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a.data if isinstance(a, Value) else a, b, strict=True)


def test_a_poor_fit_warns_as_numpys_does():
    x = np.array([1.0, 1.0, 2.0])
    with pytest.warns(np.exceptions.RankWarning, match="poorly conditioned") as caught:
        np.polyfit(x, Value(x), 2)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "f",
    [
        lambda p: np.polyfit(p, p, -1),
        lambda p: np.polyfit(p.reshape(2, 2), p, 1),
        lambda p: np.polyfit(p[:0], p[:0], 1),
        lambda p: np.polyfit(p, p.reshape(1, 2, 2), 1),
        lambda p: np.polyfit(p, p[1:], 1),
        lambda p: np.polyfit(p, p, 1, w=p.reshape(2, 2)),
        lambda p: np.polyfit(p, p, 1, w=p[1:]),
        lambda p: np.polyfit(p, p, 3, cov=True),
        lambda p: np.polyder(p, -1),
        lambda p: np.polyint(p, -1),
        lambda p: np.polyint(p, 3, [1.0, 2.0]),
        lambda p: np.polymul(p.reshape(2, 2), p),
        lambda p: np.vander(p.reshape(2, 2)),
        lambda p: np.vander(p, -1),
        lambda p: np.roots(p.reshape(2, 2)),
        lambda p: np.poly(p.reshape(1, 4)),
        lambda p: np.polydiv(p, p[:0]),
    ],
)
def test_numpys_own_errors(f):
    with pytest.raises(Exception) as expected:
        f(P)
    with pytest.raises(expected.type):
        f(Value(P))


def test_modules_of_numpy_polynomial_evaluate_at_a_value():
    """Their functions are plain Python on arrays: they take a Value as x, and refuse one as coefficients."""
    x = np.array([0.3, -1.0, 2.0])
    check_gradients(lambda x: np.polynomial.polynomial.polyval(x, Q), x)
    check_gradients(lambda x: np.polynomial.chebyshev.chebval(x, Q), x)
    with pytest.raises(TypeError, match=r"np\.stack"):
        np.polynomial.Polynomial(Value(Q))


def test_a_polynomial_of_a_polynomial_is_a_polynomial():
    y = np.polyval(Value([1.0, 2.0, 3.0]), np.poly1d([1.0, 1.0]))
    np.testing.assert_array_equal(y.coeffs.data, np.polyval([1.0, 2.0, 3.0], np.poly1d([1.0, 1.0])).coeffs)
    check_gradients(lambda p: np.polyval(p, np.poly1d([1.0, 1.0])).coeffs, np.array([1.0, 2.0, 3.0]))
