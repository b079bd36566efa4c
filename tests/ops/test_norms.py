"""Norms and condition numbers: at the origin, at ties, of nothing, and of singular matrices."""

import numpy as np
import pytest
from numpy import inf, linalg

from calligrad import Value, grad, hessian

VECTOR_ORDERS = [None, 1, 2, 3, 1.5, 0.5, inf]
MATRIX_ORDERS = [None, "fro", "nuc", 1, -1, 2, -2, inf, -inf]


# ---------------------------------------------------------------- zeros


@pytest.mark.parametrize("p", [*VECTOR_ORDERS, -inf])
def test_norm_of_vectors_at_the_origin_has_gradient_0(p):
    for zeros in (np.zeros(3), np.zeros(3, complex)):
        np.testing.assert_array_equal(grad(lambda x: linalg.norm(x, p))(zeros), zeros)
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    for keepdims in (False, True):
        g = grad(lambda x, keepdims=keepdims: np.sum(linalg.norm(x, p, axis=1, keepdims=keepdims)))(x)
        np.testing.assert_array_equal(g[1], [0, 0])
        assert g[0].any()


@pytest.mark.parametrize("p", MATRIX_ORDERS)
def test_norm_of_matrices_at_the_origin_has_gradient_0(p):
    np.testing.assert_array_equal(grad(lambda x: linalg.norm(x, p))(np.zeros((2, 2))), np.zeros((2, 2)))


@pytest.mark.parametrize("p", VECTOR_ORDERS)
def test_a_number_that_is_0_has_gradient_0(p):
    g = grad(lambda x: linalg.norm(x, p))(np.array([3.0, 0.0, -4.0]))
    assert g[1] == 0
    assert np.isfinite(g).all()


def test_norm_of_second_order_beside_the_origin():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    h = hessian(lambda x: np.sum(linalg.norm(x, axis=1)))(x)
    assert np.isfinite(h).all()
    np.testing.assert_allclose(h[0, :, 0, :], (np.eye(2) - np.outer([0.6, 0.8], [0.6, 0.8])) / 5)


@pytest.mark.parametrize("p", [3, 1.5, 1])
def test_other_orders_of_second_order_with_a_zero(p):
    h = hessian(lambda x: linalg.norm(x, p))(np.array([3.0, 0.0, -4.0]))
    assert np.isfinite(h).all()


def test_norm_of_one_number():
    np.testing.assert_array_equal(grad(linalg.norm)(np.array([-2.0])), [-1])


# ---------------------------------------------------------------- ties, and what is constant


def test_ties_share_evenly():
    np.testing.assert_array_equal(grad(lambda x: linalg.norm(x, inf))(np.array([2.0, -2.0, 1.0])), [0.5, -0.5, 0])
    np.testing.assert_array_equal(grad(lambda x: linalg.norm(x, -inf))(np.array([1.0, -1.0, 2.0])), [0.5, -0.5, 0])
    np.testing.assert_allclose(grad(lambda x: linalg.norm(x, 1))(np.ones((2, 2))), np.full((2, 2), 0.5))
    np.testing.assert_allclose(grad(lambda x: linalg.norm(x, 2))(np.eye(2)), np.eye(2) / 2, atol=1e-15)


def test_the_number_of_nonzeros_is_a_constant():
    x = np.array([[1.0, 0.0], [2.0, 3.0]])
    y = linalg.norm(Value(x), 0, axis=1)
    assert not isinstance(y, Value)
    np.testing.assert_array_equal(y, [1, 2])


def test_norms_of_integers_are_constants_of_numpys_dtype():
    x = np.array([[3, 4], [0, 5]])
    for p in (None, 1, inf, "nuc"):
        y = linalg.norm(Value(x), p)
        assert not y.requires_grad
        np.testing.assert_array_equal(y.data, linalg.norm(x, p), strict=True)


# ---------------------------------------------------------------- nothing, and wrong arguments


@pytest.mark.parametrize("shape", [(0,), (0, 2), (2, 0), (0, 0)])
@pytest.mark.parametrize("p", [None, 1, 2, inf, -inf, "nuc", "fro", 3])
def test_norm_of_nothing_is_what_numpy_says(shape, p):
    v = Value(np.zeros(shape))
    try:
        expected = linalg.norm(v.data, p)
    except ValueError as error:
        with pytest.raises(type(error)):
            linalg.norm(v, p)
        return
    y = linalg.norm(v, p)
    np.testing.assert_array_equal(y.data, expected)
    y.backward()
    assert v.grad.shape == shape


@pytest.mark.parametrize(
    ("shape", "arguments"),
    [
        ((2, 2), {"ord": "max"}),
        ((2, 2), {"ord": 3}),
        ((2, 2), {"ord": 0}),
        ((3,), {"ord": "fro"}),
        ((3,), {"ord": "nuc", "axis": 0}),
        ((2, 2, 2), {"ord": 1}),
        ((2, 2, 2), {"ord": "fro"}),
        ((2, 2), {"ord": 1, "axis": (0, 0)}),
        ((2, 2), {"ord": 1, "axis": (0, -2)}),
        ((2, 2), {"ord": 2, "axis": (0, 5)}),
        ((2, 2), {"ord": 1, "axis": 2}),
        ((2, 2), {"axis": 2}),
        ((2, 2), {"ord": 1, "axis": [0, 1]}),
        ((), {"ord": 2}),
    ],
)
def test_wrong_arguments_raise_numpys_errors(shape, arguments):
    with pytest.raises(Exception) as expected:
        linalg.norm(np.ones(shape), **arguments)
    with pytest.raises(type(expected.value)):
        linalg.norm(Value(np.ones(shape)), **arguments)


# ---------------------------------------------------------------- condition numbers


@pytest.mark.parametrize("p", [None, 1, 2, "fro"])
def test_a_singular_matrix_has_an_infinite_condition_and_leaves_the_others_alone(p):
    a = np.stack([np.zeros((2, 2)), np.array([[1.0, 2.0], [0.5, 4.0]])]).astype(np.float32)
    v = Value(a)
    y = linalg.cond(v, p)
    np.testing.assert_array_equal(y.data, linalg.cond(a, p), strict=True)
    np.sum(y).backward()
    alone = grad(lambda a: linalg.cond(a, p))(a[1])
    np.testing.assert_array_equal(v.grad, [np.zeros((2, 2)), alone])


@pytest.mark.parametrize(("p", "size"), [(-1, np.float32(1e-14)), (-1, 1e-150), (0.5, np.float32(1e-26)), (3, 1e200)])
def test_the_gradient_of_a_norm_does_not_depend_on_the_scale(p, size):
    x = np.array([1.0, 2.0], np.asarray(size).dtype)
    with np.errstate(over="ignore"):  # within NumPy's norm
        g = grad(lambda x: linalg.norm(x, p))(x * size if p < 3 else x * np.array([1e100]))
    np.testing.assert_allclose(g, grad(lambda x: linalg.norm(x, p))(x), rtol=1e-6)
