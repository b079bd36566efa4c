"""grad, value_and_grad, vjp, jvp, hvp, jacobian, hessian, gradients: on arrays, on nests, within one another."""

from collections import namedtuple

import numpy as np

from calligrad import (
    Value,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    value_and_grad,
    vjp,
)
from calligrad.testing import check_gradients

X = np.array([0.5, 1.0, 2.0])
A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])


def cubes(x):
    return np.sum(x**3)


# ---------------------------------------------------------------- grad


def test_grad_of_one_argument_of_several():
    def f(a, b, c=1.0):
        return np.sum(a * b**2) * c

    np.testing.assert_array_equal(grad(f)(X, A[0]), A[0] ** 2)
    np.testing.assert_array_equal(grad(f, 1)(X, A[0]), 2 * X * A[0])
    np.testing.assert_array_equal(grad(f, -1)(X, A[0]), 2 * X * A[0])
    both = grad(f, (1, 0))(X, A[0], c=3.0)
    assert type(both) is tuple
    np.testing.assert_array_equal(both[0], 6 * X * A[0])
    np.testing.assert_array_equal(both[1], 3 * A[0] ** 2)
    assert grad(f, ())(X, A[0]) == ()
    assert grad(f, np.int64(0))(X, A[0]).shape == (3,)


def test_numbers_in_numbers_out_and_arrays_in_arrays_out():
    assert type(grad(np.sin)(0.5)) is np.float64
    assert type(grad(np.sin)(np.float32(0.5))) is np.float32
    assert type(grad(np.sin)(np.array(0.5))) is np.ndarray
    assert type(grad(np.sum)(X)) is np.ndarray
    assert type(grad(lambda x: x[0] * x[1])([1.0, 2.0])) is list
    value, g = value_and_grad(cubes)(X)
    assert type(value) is np.float64
    assert value == cubes(X)
    np.testing.assert_array_equal(g, 3 * X**2)


def test_python_integers_are_taken_as_floats():
    assert grad(lambda x: x**3)(2) == 12.0


def test_precision_is_the_arguments():
    for dtype in ("f2", "f4", "f8"):
        assert grad(np.sum)(X.astype(dtype)).dtype == dtype
        assert grad(grad(lambda x: x**3))(np.array(2, dtype)).dtype == dtype
        assert jacobian(np.square)(X.astype(dtype)).dtype == dtype
        assert jacobian(np.square)(X[:0].astype(dtype)).dtype == dtype
        assert all(y.dtype == dtype for y in jvp(np.sin, (X.astype(dtype),), (X.astype(dtype),)))


def test_nests_of_every_kind():
    Pair = namedtuple("Pair", "w b")
    p = {"layers": [(A, X), [np.array(2.0)]], "pair": Pair(X, 3.0)}

    def f(p):
        (a, x), (s,) = p["layers"]
        return np.sum(a @ x) * s + np.sum(p["pair"].w) * p["pair"].b

    g = grad(f)(p)
    assert type(g["layers"][0]) is tuple
    assert type(g["layers"][1]) is list
    assert type(g["pair"]) is Pair
    np.testing.assert_array_equal(g["layers"][0][0], 2 * np.broadcast_to(X, (2, 3)))
    np.testing.assert_array_equal(g["layers"][0][1], 2 * A.sum(0))
    np.testing.assert_array_equal(g["layers"][1][0], np.array(np.sum(A @ X)), strict=True)
    np.testing.assert_array_equal(g["pair"].w, [3, 3, 3])
    assert g["pair"].b == X.sum()


def test_empty_nests():
    assert grad(lambda p, x: x**2, 0)([], 2.0) == []
    assert grad(lambda p: 1.0)({}) == {}


def test_what_is_not_depended_on_has_gradient_zero():
    assert grad(lambda x: 3.0)(2.0) == 0.0
    np.testing.assert_array_equal(grad(lambda a, b: np.sum(a), 1)(X, A), np.zeros((2, 3)), strict=True)
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.floor(x)))(X), np.zeros(3))
    np.testing.assert_array_equal(jacobian(lambda x: np.ones(2))(X), np.zeros((2, 3)))
    np.testing.assert_array_equal(hessian(np.sum)(X), np.zeros((3, 3)))


def test_one_number_may_have_axes():
    np.testing.assert_array_equal(grad(lambda x: np.sum(x, keepdims=True))(X), np.ones(3))
    np.testing.assert_array_equal(grad(lambda x: x)(np.ones((1, 1))), [[1]])


def test_the_identity_and_a_returned_argument():
    assert grad(lambda x: x)(3.0) == 1.0
    assert grad(lambda a, b: b, (0, 1))(3.0, 4.0) == (0.0, 1.0)


def test_the_function_is_wrapped_and_left_alone():
    assert grad(cubes).__name__ == "cubes"
    x = X.copy()
    grad(cubes)(x)
    np.testing.assert_array_equal(x, X)


def test_gradients_do_not_share_memory_with_arguments_or_one_another():
    a, b = grad(lambda a, b: np.sum(a + b), (0, 1))(X, X)
    assert not np.shares_memory(a, b)
    assert a.flags.writeable
    g = X.copy()
    y, pull = vjp(lambda x: x, X)
    (back,) = pull(g)
    assert not np.shares_memory(back, g)
    assert not np.shares_memory(y, back)


def test_methods_are_ordinary_functions():
    class Spring:
        stiffness = 3.0

        def energy(self, x):
            return 0.5 * self.stiffness * np.sum(x**2)

    np.testing.assert_array_equal(grad(Spring().energy)(X), 3 * X)


def test_arguments_that_are_not_differentiated_arrive_as_they_are():
    def f(x, words, n, flags):
        assert words == "words"
        assert type(n) is int
        assert type(flags) is np.ndarray
        return np.sum(np.where(flags, x, 0)) * n

    np.testing.assert_array_equal(grad(f)(X, "words", 2, np.array([True, False, True])), [2, 0, 2])


# ---------------------------------------------------------------- vjp, jvp, hvp


def test_vjp_and_jvp_of_a_linear_function_are_its_matrix():
    y, pull = vjp(lambda x: A @ x, X)
    np.testing.assert_array_equal(y, A @ X)
    np.testing.assert_array_equal(pull(np.array([1.0, 10.0]))[0], A.T @ [1, 10])
    np.testing.assert_array_equal(pull(np.array([0.0, 1.0]))[0], A[1])  # as often as one likes
    y, dy = jvp(lambda x: A @ x, (X,), (np.array([1.0, 0.0, 2.0]),))
    np.testing.assert_array_equal(y, A @ X)
    np.testing.assert_array_equal(dy, A @ [1, 0, 2])


def test_nests_in_and_out():
    def f(p, c):
        return {"sum": p["a"] + c, "both": [p["a"] * p["b"], c**2]}

    p, c = {"a": X, "b": np.array(2.0)}, np.array(3.0)
    y, pull = vjp(f, p, c)
    ones = {"sum": np.ones(3), "both": [np.ones(3), np.ones(())]}
    gp, gc = pull(ones)
    np.testing.assert_array_equal(gp["a"], [3, 3, 3])
    np.testing.assert_array_equal(gp["b"], X.sum())
    assert gc == 3 + 6
    y, dy = jvp(f, (p, c), ({"a": np.ones(3), "b": np.array(10.0)}, np.array(1.0)))
    np.testing.assert_array_equal(y["both"][0], 2 * X)
    np.testing.assert_array_equal(dy["sum"], [2, 2, 2])
    np.testing.assert_array_equal(dy["both"][0], 2 + 10 * X)
    assert dy["both"][1] == 6


def test_dicts_are_matched_by_key_whatever_their_order():
    def f(p):
        return 10 * p["a"] + p["b"]

    assert jvp(f, ({"a": 1.0, "b": 2.0},), ({"b": 0.0, "a": 1.0},))[1] == 10
    _, pull = vjp(lambda x: {"p": 2 * x, "q": 3 * x}, 1.0)
    assert pull({"q": 1.0, "p": 0.0}) == (3.0,)
    x = Value(1.0)
    assert gradients({"p": 2 * x, "q": 3 * x}, x, {"q": np.ones(()), "p": np.zeros(())}) == 3
    assert hvp(lambda p: p["a"] ** 2 * p["b"], ({"a": 1.0, "b": 2.0},), ({"b": 0.0, "a": 1.0},)) == (
        {"a": 4.0, "b": 2.0},
    )


def test_hvp_is_the_hessian_times_the_vector():
    def f(x):
        return np.sum(np.sin(x) * x[0] ** 2)

    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(hvp(f, (X,), (v,))[0], hessian(f)(X) @ v, rtol=1e-13)


def test_hvp_of_two_arguments():
    def f(a, b):
        return np.sum(a**2 * b)

    ga, gb = hvp(f, (X, X), (np.ones(3), np.zeros(3)))
    np.testing.assert_array_equal(ga, 2 * X)
    np.testing.assert_array_equal(gb, 2 * X)


def test_tangents_and_gradients_may_be_integers_and_lists_of_numbers():
    assert jvp(np.sin, (0.0,), (2,)) == (0.0, 2.0)
    assert vjp(np.sin, 0.0)[1](2) == (2.0,)


# ---------------------------------------------------------------- jacobian, hessian


def test_jacobian_of_shapes():
    f = lambda x: np.stack([np.sin(x), x**2])
    j = jacobian(f)(A)
    assert j.shape == (2, 2, 3, 2, 3)
    flat = j.reshape(12, 6)
    np.testing.assert_array_equal(flat[:6], np.diag(np.cos(A).ravel()))
    np.testing.assert_array_equal(flat[6:], np.diag(2 * A.ravel()))
    assert jacobian(np.sum)(A).shape == (2, 3)
    assert jacobian(lambda x: x[:0])(X).shape == (0, 3)
    assert jacobian(lambda x: np.zeros((2, 0)) * x[0])(X).shape == (2, 0, 3)
    assert jacobian(np.sin)(X[:0]).shape == (0, 0)
    assert jacobian(np.sin)(0.5) == np.cos(0.5)


def test_jacobian_of_nests():
    j = jacobian(lambda p: [p["a"] * p["b"], {"s": np.sum(p["a"])}])({"a": X, "b": np.array(2.0)})
    np.testing.assert_array_equal(j[0]["a"], 2 * np.eye(3))
    np.testing.assert_array_equal(j[0]["b"], X)
    np.testing.assert_array_equal(j[1]["s"]["a"], np.ones(3))
    assert j[1]["s"]["b"] == 0
    ja, jb = jacobian(lambda a, b: a * b, (0, 1))(X, 2.0)
    np.testing.assert_array_equal(ja, 2 * np.eye(3))
    np.testing.assert_array_equal(jb, X)


def test_hessian_of_a_quadratic_form():
    m = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 4.0]])
    np.testing.assert_array_equal(hessian(lambda x: 0.5 * x @ m @ x)(X), m)


def test_hessian_of_nests():
    h = hessian(lambda p: np.sum(p["a"] ** 2) * p["b"])({"a": X, "b": np.array(2.0)})
    np.testing.assert_array_equal(h["a"]["a"], 4 * np.eye(3))
    np.testing.assert_array_equal(h["a"]["b"], 2 * X)
    np.testing.assert_array_equal(h["b"]["a"], 2 * X)
    assert h["b"]["b"] == 0


# ---------------------------------------------------------------- nesting


def test_derivatives_of_any_order():
    f = np.sin
    for n in range(6):
        np.testing.assert_allclose(f(0.7), np.sin(0.7 + n * np.pi / 2), rtol=1e-14)
        f = grad(f)


def test_perturbations_are_not_confused():
    """d/dx (x · d/dy (x + y)): the inner derivative is 1, whatever x is (Siskind and Pearlmutter, 2005)."""
    assert grad(lambda x: x * grad(lambda y: x + y)(2.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: x * y)(x) * x)(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: y * grad(lambda z: x * y * z)(1.0))(x))(3.0) == 4 * 3.0
    assert jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,)) == (1.0, 1.0)
    assert jvp(lambda x: x * grad(lambda y: x * y**2)(x), (3.0,), (1.0,)) == (2 * 27.0, 6 * 9.0)


def test_every_transform_within_every_other():
    def f(x):
        return np.sum(np.exp(0.3 * x) * x[::-1])

    inner = {
        "grad": grad(f),
        "value_and_grad": lambda x: value_and_grad(f)(x)[1] * 2,
        "jvp": lambda x: jvp(f, (x,), (x,))[1],
        "vjp": lambda x: vjp(f, x)[1](np.array(2.0))[0],
        "vjp of x": lambda x: vjp(np.sin, x)[1](x)[0],
        "hvp": lambda x: hvp(f, (x,), (x,))[0],
        "jacobian": lambda x: jacobian(lambda x: np.sin(x) * x[0])(x),
        "hessian": hessian(f),
    }
    for g in inner.values():
        check_gradients(g, X)
        check_gradients(lambda x, g=g: jvp(g, (x,), (np.cos(x),))[1], X, order=1)


def test_a_closure_over_an_outer_argument():
    def outer(w):
        return np.sum(grad(lambda x: np.sum(np.sin(w * x)))(X) ** 2)

    check_gradients(outer, np.array([0.3, 0.2, 0.1]))


def test_a_closure_over_an_outer_value():
    """A Value that requires grad may still be asked for its gradient, so the inner result stays a Value."""
    w = Value(X)
    inner = grad(lambda x: np.sum(np.sin(w * x)))(X)
    assert isinstance(inner, Value)
    np.sum(inner).backward()
    np.testing.assert_allclose(w.grad, np.cos(X * X) - X * X * np.sin(X * X))
    with no_grad():
        assert type(grad(lambda x: np.sum(np.sin(w * x)))(X)) is np.ndarray


def test_a_closure_over_a_computed_outer_value():
    w = Value(X)
    h = np.exp(w)
    inner = grad(lambda x: np.sum(h * x**2))(X)
    np.sum(inner).backward()
    np.testing.assert_allclose(w.grad, 2 * X * np.exp(X))


def test_a_closure_over_a_constant():
    c = Value(X, requires_grad=False)
    assert type(grad(lambda x: np.sum(c * x))(X)) is np.ndarray
    assert type(grad(lambda x: np.sum(X * x))(X)) is np.ndarray


def test_called_on_a_value_a_transform_gives_a_value():
    x = Value(X)
    y = np.sum(grad(cubes)(x))
    y.backward()
    np.testing.assert_array_equal(x.grad, 6 * X)
    assert type(grad(cubes)(Value(X, requires_grad=False))) is np.ndarray


def test_a_transform_leaves_the_values_of_others_alone():
    w = Value(X)
    w.grad = np.ones(3)
    y = w * 2
    grad(lambda x: np.sum(x * y))(X)
    np.testing.assert_array_equal(w.grad, [1, 1, 1])
    y.backward()  # what was outside is not freed


def test_side_effects_keep_their_graph():
    kept = []

    def f(x):
        kept.append(x * 2)
        return np.sum(kept[-1] ** 2)

    np.testing.assert_array_equal(grad(f)(X), 8 * X)
    assert kept[-1].requires_grad


# ---------------------------------------------------------------- within no_grad


def test_transforms_differentiate_within_no_grad():
    """An outer no_grad is of those around; one within f is f's own."""
    with no_grad():
        assert grad(np.sin)(0.0) == 1.0
        assert grad(grad(np.sin))(0.5) == -np.sin(0.5)
        assert jvp(np.sin, (0.0,), (2.0,)) == (0.0, 2.0)
        np.testing.assert_array_equal(jacobian(np.square)(X), np.diag(2 * X))
        np.testing.assert_array_equal(hessian(cubes)(X), np.diag(6 * X))
        np.testing.assert_array_equal(hvp(cubes, (X,), (X,))[0], 6 * X * X)
        _, pull = vjp(np.sin, 0.0)
    assert pull(1.0) == (1.0,)
    with no_grad():
        assert pull(1.0) == (1.0,)


def test_no_grad_within_f_cuts():
    def f(x):
        with no_grad():
            c = x * 1
        return c * x

    assert grad(f)(3.0) == 3.0


def test_no_grad_around_the_inner_one_only():
    def f(x):
        with no_grad():
            slope = grad(lambda y: y**3)(x)
        return slope * x

    assert grad(f)(2.0) == 12.0  # the slope, 3 · 2², is a constant


# ---------------------------------------------------------------- gradients


def test_gradients_with_respect_to_leaves_and_intermediates():
    x = Value(X)
    h = np.exp(x)
    y = np.sum(h**2)
    gh, gx, gy = gradients(y, [h, x, y])
    np.testing.assert_array_equal(gh, 2 * np.exp(X))
    np.testing.assert_allclose(gx, 2 * np.exp(2 * X))
    assert gy == 1
    assert all(type(g) is np.ndarray for g in (gh, gx, gy))
    assert all(v.grad is None for v in (x, h, y))


def test_gradients_of_one_thing_twice_and_of_itself():
    x = Value(X)
    a, b = gradients(np.sum(x**2), [x, x])
    np.testing.assert_array_equal(a, b)
    assert not np.shares_memory(a, b)
    np.testing.assert_array_equal(gradients(x, x), np.ones(3))
    np.testing.assert_array_equal(gradients([x, x * 2], x), np.full(3, 3.0))


def test_gradients_in_the_form_of_xs():
    a, b = Value(1.0), Value(2.0)
    g = gradients(a * b, {"a": a, "more": (b, [a])})
    assert g == {"a": 2.0, "more": (1.0, [2.0])}


def test_gradients_from_gys_that_are_values():
    x, g = Value(X), Value(np.array([1.0, 2.0, 3.0]))
    back = gradients(x**2, x, g, create_graph=True)
    np.sum(back * back).backward()
    np.testing.assert_array_equal(g.grad, 2 * g.data * (2 * X) ** 2)
    np.testing.assert_array_equal(gradients(x**2, x, g), 2 * X * g.data)


def test_gradients_with_create_graph_are_values_even_where_they_are_zero():
    x, z = Value(X), Value(X)
    gx, gz = gradients(np.sum(x * 2), [x, z], create_graph=True)
    assert isinstance(gx, Value)
    assert isinstance(gz, Value)
    np.testing.assert_array_equal(gz.data, np.zeros(3))


def test_gradients_of_higher_order():
    x = Value(0.3)
    y = np.sin(x)
    for n in range(1, 6):
        y = gradients(y, x, create_graph=True)
        np.testing.assert_allclose(y.data, np.sin(0.3 + n * np.pi / 2), rtol=1e-14)


def test_gradient_penalty():
    """The square of a gradient as a loss: the everyday use of create_graph."""
    x, w = Value(X), Value(A)
    y = np.sum(np.tanh(w @ x))
    g = gradients(y, x, create_graph=True)
    np.sum(g**2).backward()
    expected = grad(lambda w: np.sum(grad(lambda x: np.sum(np.tanh(w @ x)))(X) ** 2))(A)
    np.testing.assert_allclose(w.grad, expected, rtol=1e-13)


def test_gradients_keep_the_graph():
    x = Value(X)
    y = np.sum(np.exp(x))
    for _ in range(3):
        gradients(y, x)
    y.backward()
    np.testing.assert_array_equal(x.grad, np.exp(X))


def test_gradients_through_written_items():
    x = Value(X)
    y = x * 2
    old = y[0] * 1
    y[0] = 5.0
    np.testing.assert_array_equal(gradients(np.sum(y) + old, x), [2, 2, 2])


def test_create_graph_within_no_grad_still_gives_what_can_be_differentiated():
    x = Value(2.0)
    y = x**3
    with no_grad():
        g = gradients(y, x, create_graph=True)
    assert gradients(g, x) == 12.0
