"""Eigenvalues and singular values: equal ones, zeros, free signs and phases, the order in which they come."""

import numpy as np
import pytest
from numpy import linalg

from calligrad import Value, grad, hessian
from calligrad.ops.linalg.spectra import nearest
from calligrad.testing import check_gradients

TURN = linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
TWICE = TURN @ np.diag([2.0, 2.0, 5.0]) @ TURN.T  # 2 is an eigenvalue twice, up to rounding
PHASES = np.exp(1j * np.array([0.3, 1.7, -2.0]))


def mirrored(a):
    return (a + np.conj(a).mT) / 2


# ---------------------------------------------------------------- equal values

EQUAL = {"identity": np.eye(3), "zeros": np.zeros((3, 3)), "twice": TWICE, "complex": TWICE * (1 + 0j)}
equal = pytest.mark.parametrize("a", EQUAL.values(), ids=EQUAL)


@equal
def test_functions_of_equal_eigenvalues_have_their_gradient(a):
    for f in (linalg.eigvalsh, lambda a: linalg.eigh(a).eigenvalues):
        np.testing.assert_allclose(grad(lambda a, f=f: np.sum(f(a)))(a), np.eye(3), atol=1e-14)
        np.testing.assert_allclose(grad(lambda a, f=f: np.sum(f(a) ** 2))(a), 2 * a, atol=1e-13)


@equal
def test_gradients_at_equal_values_are_finite(a):
    def of_eigh(a):
        w, v = linalg.eigh(a)
        return (v * np.exp(w)) @ np.conj(v).mT

    def of_svd(a):
        u, s, vh = linalg.svd(a)
        return (u * np.cos(s)) @ vh

    def of_eig(a):
        w, v = linalg.eig(a)
        return (v * np.exp(w)) @ linalg.inv(v)

    for f in (of_eigh, of_svd, of_eig, linalg.svdvals, linalg.eigvalsh):
        loss = lambda a, f=f: np.sum(np.abs(f(a)) ** 2)
        g = grad(loss)(a)
        assert np.isfinite(g).all()
        assert np.isfinite(grad(lambda a, loss=loss: np.sum(np.abs(grad(loss)(a)) ** 2))(a)).all()


def test_projectors_on_all_vectors_of_an_eigenvalue_have_their_gradient():
    def projector(a):
        _, v = linalg.eigh(mirrored(a))
        return v[:, :2] @ v[:, :2].mT

    check_gradients(projector, TWICE, order=1)
    check_gradients(projector, np.diag([2.0, 2.0, 5.0]), order=1)


def test_the_matrix_itself_from_its_singular_values_has_its_gradient():
    """Equal singular values of different vectors: what is known of U against V is used."""

    def polar(a):
        u, _, vh = linalg.svd(a, full_matrices=False)
        return u @ vh

    check_gradients(polar, TURN, order=1)
    check_gradients(polar, 2 * np.eye(3)[:, :2], order=1)
    check_gradients(polar, TURN * PHASES, order=1)


# ---------------------------------------------------------------- zeros


def test_singular_values_of_0_have_gradient_0():
    np.testing.assert_array_equal(grad(lambda a: np.sum(linalg.svdvals(a)))(np.zeros((3, 2))), np.zeros((3, 2)))
    g = grad(lambda a: np.sum(linalg.svdvals(a)))(np.diag([2.0, 0.0]))
    np.testing.assert_allclose(g, np.diag([1.0, 0.0]), atol=1e-15)


def test_the_largest_part_of_a_matrix_of_low_rank_has_its_gradient():
    def largest(a):
        u, s, vh = linalg.svd(a, full_matrices=False)
        return s[0] * u[:, :1] @ vh[:1]

    for a in (np.diag([2.0, 0.0, 0.0])[:, :2], np.diag([2.0, 0.0, 0.0])):
        g = grad(lambda a: np.sum(largest(a) * np.arange(1.0, a.size + 1).reshape(a.shape)))(a)
        assert np.isfinite(g).all()
        check_gradients(largest, a, order=1, eps=1e-6, rtol=1e-5, atol=1e-5)


def test_the_hessian_of_the_sum_of_squared_singular_values():
    h = hessian(lambda a: np.sum(linalg.svdvals(a) ** 2))(np.diag([2.0, 1.0]))
    np.testing.assert_allclose(h.reshape(4, 4), 2 * np.eye(4), atol=1e-13)


# ---------------------------------------------------------------- signs, phases and lengths


def test_gradients_do_not_depend_on_the_sign_of_vectors():
    """A loss in |v|² has the same gradient whichever sign LAPACK takes."""
    a = np.array([[2.0, 1.0], [0.5, 3.0]])

    def loss(a, sign):
        _, v = linalg.eigh(mirrored(a))
        return np.sum((v * sign)[0] ** 2 * [1.0, 2.0])

    np.testing.assert_allclose(grad(loss)(a, [1, 1]), grad(loss)(a, [-1, 1]))


def test_the_length_of_eigenvectors_is_fixed():
    a = np.array([[1.0, 2.0], [-3.0, 4.0]])
    g = grad(lambda a: np.sum(np.abs(linalg.eig(a).eigenvectors) ** 2))(a)
    np.testing.assert_allclose(g, np.zeros((2, 2)), atol=1e-14)


def test_the_sum_of_complex_eigenvalues_of_a_real_matrix_is_its_trace():
    a = np.array([[0.0, -1.0], [1.0, 0.0]])
    for f in (linalg.eigvals, lambda a: linalg.eig(a)[0]):
        assert f(Value(a)).dtype == np.complex128
        g = grad(lambda a, f=f: np.real(np.sum(f(a))))(a)
        assert g.dtype == np.float64
        np.testing.assert_allclose(g, np.eye(2), atol=1e-15)


# ---------------------------------------------------------------- order


def test_the_same_eigenvalues_are_found_in_another_order():
    rng = np.random.default_rng(1)
    w = rng.standard_normal((2, 5)) + 1j * rng.standard_normal((2, 5))
    w[:, 4] = w[:, 3]  # two equal ones
    order = np.stack([rng.permutation(5), rng.permutation(5)])
    x = np.take_along_axis(w, order, -1) * (1 + 1e-12)
    places = nearest(x, w)
    np.testing.assert_allclose(np.take_along_axis(w, places, -1), x)
    np.testing.assert_array_equal(np.sort(places, -1), [np.arange(5), np.arange(5)])


def test_eigenvalues_of_a_large_matrix():
    """Where LAPACK may give them in one order alone and in another with the vectors."""
    a = np.random.default_rng(2).standard_normal((120, 120))
    g = grad(lambda a: np.sum(np.abs(linalg.eigvals(a)) ** 2))(a)
    expected = grad(lambda a: np.sum(np.abs(linalg.eig(a)[0]) ** 2))(a)
    np.testing.assert_allclose(g, expected, rtol=1e-8, atol=1e-8)
