"""What calligrad says of complex numbers at its doors: PyTorch's convention, dL/dx + i dL/dy."""

import numpy as np
import pytest

from calligrad import Value, grad, gradients, hvp, jacobian, jvp, value_and_grad, vjp
from calligrad.testing import check_gradients

Z = np.array([1 + 2j, -0.5 + 0.25j, 3 - 1j])
W = np.array([0.5 - 1j, 2 + 1j, -1 + 0j])


def power(z):
    """A real number that is not a function of |z| alone."""
    return np.sum(np.abs(z * W) ** 2 + np.real(z**2 * W))


def by_parts(f, z, h=1e-6):
    """dL/dx + i dL/dy by central differences."""
    g = np.empty_like(z)
    for i in np.ndindex(z.shape):
        e = np.zeros_like(z)
        e[i] = h
        g[i] = (f(z + e) - f(z - e) + 1j * (f(z + 1j * e) - f(z - 1j * e))) / (2 * h)
    return g


def test_the_gradient_of_the_squared_size_is_twice_the_number():
    np.testing.assert_allclose(grad(lambda z: np.sum(np.abs(z) ** 2))(Z), 2 * Z, rtol=1e-15)
    np.testing.assert_allclose(grad(lambda z: np.real(np.sum(np.conj(z) * z)))(Z), 2 * Z, rtol=1e-15)


def test_the_gradient_of_the_parts():
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.real(z)))(Z), np.ones(3))
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.imag(z)))(Z), 1j * np.ones(3))


def test_the_gradient_is_the_direction_of_steepest_ascent():
    np.testing.assert_allclose(grad(power)(Z), by_parts(power, Z), rtol=1e-8)


def test_backward_leaves_the_same_gradient():
    z = Value(Z)
    power(z).backward()
    np.testing.assert_allclose(z.grad, grad(power)(Z), rtol=1e-15)
    assert z.grad.dtype == np.complex128


def test_a_gradient_given_to_backward_is_in_the_same_convention():
    z = Value(Z)
    y = z * W
    y.grad = 1j * W
    y.backward()
    np.testing.assert_allclose(z.grad, np.conj(W) * 1j * W)
    np.testing.assert_array_equal(y.grad, 1j * W)


def test_gradients_on_the_way_are_in_the_same_convention():
    z = Value(Z)
    y = z * W
    loss = np.sum(np.abs(y) ** 2)
    loss.backward(retain_grads=True)
    np.testing.assert_allclose(y.grad, 2 * Z * W)
    np.testing.assert_allclose(gradients(np.sum(np.abs(z) ** 2), z), 2 * Z)


def test_vjp_of_a_product_conjugates_the_factor():
    y, pull = vjp(lambda z: z * W, Z)
    np.testing.assert_array_equal(y, Z * W)
    np.testing.assert_array_equal(pull(np.array([1, 1j, 2]))[0], np.array([1, 1j, 2]) * np.conj(W))


def test_jvp_is_the_derivative_along_the_tangent():
    _, dy = jvp(lambda z: np.exp(z) * np.conj(z), (Z,), (W,))
    h = 1e-6
    numeric = (np.exp(Z + h * W) * np.conj(Z + h * W) - np.exp(Z - h * W) * np.conj(Z - h * W)) / (2 * h)
    np.testing.assert_allclose(dy, numeric, rtol=1e-8)


def test_jacobian_of_a_holomorphic_function_is_its_derivative():
    np.testing.assert_allclose(jacobian(np.exp)(Z), np.diag(np.exp(Z)))
    a = np.array([[1 + 1j, 2], [0.5j, 1]])
    np.testing.assert_allclose(jacobian(lambda z: a @ z)(Z[:2]), a)


def test_jacobian_in_a_real_argument_holds_both_parts():
    x = np.array([0.5, 2.0])
    np.testing.assert_allclose(jacobian(lambda x: np.exp(1j * x))(x), np.diag(1j * np.exp(1j * x)))


def test_jacobian_of_a_real_number_is_the_gradient():
    np.testing.assert_allclose(jacobian(power)(Z), grad(power)(Z))


def test_jacobian_is_refused_where_there_is_no_complex_derivative():
    with pytest.raises(TypeError, match=r"conjugate is not holomorphic"):
        jacobian(np.conjugate)(Z)


def test_hvp_is_the_change_of_the_gradient():
    h = 1e-6
    numeric = (grad(power)(Z + h * W) - grad(power)(Z - h * W)) / (2 * h)
    np.testing.assert_allclose(hvp(power, (Z,), (W,))[0], numeric, rtol=1e-7)


def test_a_real_input_gets_a_real_gradient():
    x = np.array([1.0, 2.0, 3.0])
    _, g = value_and_grad(lambda x: np.sum(np.abs(x * Z + W) ** 2))(x)
    assert g.dtype == np.float64
    np.testing.assert_allclose(g, np.real(2 * np.conj(Z) * (x * Z + W)))


def test_precision_is_kept():
    g = grad(lambda z: np.sum(np.abs(z * 2.5) ** 2))(Z.astype(np.complex64))
    assert g.dtype == np.complex64
    z = Value(Z.astype(np.complex64))
    assert ((z * 1j + 2) / 3).dtype == np.complex64


def test_a_python_complex_number_is_an_argument():
    assert grad(lambda z: np.abs(z) ** 2)(1 + 2j) == 2 + 4j


def test_the_gradient_of_a_spectrum():
    check_gradients(lambda z: np.abs(z) ** 3 + np.angle(z) + np.real(np.sign(z)), Z, order=3, rtol=1e-5)


def test_at_zero_the_size_and_the_direction_have_a_gradient_of_zero():
    zero = np.zeros(2, complex)
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.abs(z)))(zero), zero)
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.real(np.sign(z))))(zero), zero)
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.angle(z)))(zero), zero)


def test_constants_of_real_numbers():
    x = Value(np.array([1.0, -2.0]))
    np.testing.assert_array_equal(np.angle(x), [0, np.pi])
    np.testing.assert_array_equal(np.angle(x, deg=True), [0, 180])
    np.testing.assert_array_equal(np.sign(x), [1, -1])
    assert np.real(x) is x
    assert not np.imag(x).requires_grad


def test_gradient_descent_in_the_complex_plane():
    z = np.array([3 + 4j, -2j])
    for _ in range(200):
        z = z - 0.1 * grad(lambda z: np.sum(np.abs(z - W[:2]) ** 2))(z)
    np.testing.assert_allclose(z, W[:2], atol=1e-9)
