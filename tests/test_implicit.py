"""Gradients through a root, a fixed point and a minimum, by the implicit function theorem."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from calligrad import Value, grad, hessian, implicit, jacobian, jvp, no_grad, vjp
from calligrad.testing import check_gradients

A = np.array([[3.0, 1.0], [1.0, 2.0]])
B = np.array([1.0, 2.0])


def newton(f, x, *params, steps=60):
    """A solver that takes plain arrays only, for the tests."""
    for p in params:
        assert not isinstance(p, Value)
    for _ in range(steps):
        x = x - np.linalg.solve(np.atleast_2d(jacobian(f)(x, *params)), np.atleast_1d(f(x, *params))).reshape(
            np.shape(x)
        )
    return x


def cubic(x, a):
    return x**3 + x - a


def spring(x, k, b):
    return k @ x + 0.1 * x**3 - b


cubic_root = implicit.root(cubic, lambda a: newton(cubic, 1.0, a))
rest = implicit.root(spring, lambda k, b: newton(spring, np.zeros(2), k, b))


# ---------------------------------------------------------------- right, to second order and beyond


def test_a_root_in_closed_form():
    square_root = implicit.root(lambda x, a: x**2 - a, math.sqrt)
    f = square_root
    for want in (0.5 * 4**-0.5, -0.25 * 4**-1.5, 0.375 * 4**-2.5):
        f = grad(f)
        np.testing.assert_allclose(f(4.0), want, rtol=1e-12)


def test_roots_pass_the_checker():
    check_gradients(cubic_root, np.array(2.0))
    check_gradients(rest, A, B)


def test_a_linear_system():
    solve = implicit.root(lambda x, a, b: a @ x - b, np.linalg.solve)
    for n in range(2):
        np.testing.assert_allclose(jacobian(solve, n)(A, B), jacobian(np.linalg.solve, n)(A, B), rtol=1e-12)
    H = hessian(lambda a: np.sum(solve(a, B)))(A)
    np.testing.assert_allclose(H, hessian(lambda a: np.sum(np.linalg.solve(a, B)))(A), rtol=1e-10)


def test_a_fixed_point():
    @implicit.fixed_point(lambda x, a: np.cos(a * x))
    def settle(a, x=1.0):
        for _ in range(300):
            x = math.cos(a * x)
        return x

    x = settle(0.9)
    np.testing.assert_allclose(grad(settle)(0.9), -x * np.sin(0.9 * x) / (1 + 0.9 * np.sin(0.9 * x)), rtol=1e-12)
    check_gradients(settle, np.array(0.9))


def test_a_fixed_point_of_a_nest():
    def f(x, a):
        return {"p": [0.5 * np.sin(x["q"]) * a], "q": 0.3 * x["p"][0] + a}

    def settle(a):
        x = {"p": [np.zeros(2)], "q": np.zeros(2)}
        for _ in range(100):
            x = f(x, a)
        return x

    check_gradients(implicit.fixed_point(f, settle), B)


def test_an_argmin_in_closed_form():
    ridge = implicit.argmin(
        lambda w, x, y, s: np.sum((x @ w - y) ** 2) + s * np.sum(w**2),
        lambda x, y, s: np.linalg.solve(x.T @ x + s * np.eye(2), x.T @ y),
    )

    def closed(x, y, s):
        return np.linalg.solve(x.T @ x + s * np.eye(2), x.T @ y)

    x, y = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.3]]), np.array([1.0, 2.0, -1.0])
    for n, (ours, theirs) in enumerate(zip(vjp(ridge, x, y, 0.5)[1](B), vjp(closed, x, y, 0.5)[1](B))):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, err_msg=str(n))
    check_gradients(ridge, x, y, np.array(0.5))


def test_an_argmin_beneath_another():
    def cost(x, a):
        return np.sum(np.cosh(x - a)) + 0.5 * np.sum(x) ** 2

    inner = implicit.argmin(cost, lambda a: newton(grad(cost), np.zeros(2), a))
    check_gradients(lambda a: np.sum(inner(a) ** 2), B)
    np.testing.assert_allclose(jacobian(inner)(B), np.linalg.solve(*_hessians(cost, inner(B), B)), rtol=1e-9)


def _hessians(cost, x, a):
    return hessian(cost)(x, a), -jacobian(grad(cost), 1)(x, a)


def test_complex_roots():
    f = implicit.root(lambda x, a: x**2 - a, lambda a: a**0.5)
    z = np.array([1 + 2j, -0.5 + 1j])
    np.testing.assert_allclose(
        grad(lambda a: np.sum(np.real(f(a) * (1 - 2j))))(z), grad(lambda a: np.sum(np.real(a**0.5 * (1 - 2j))))(z)
    )


def test_forwards():
    y, dy = jvp(rest, (A, B), (np.zeros((2, 2)), np.array([1.0, 0.0])))
    np.testing.assert_allclose(dy, jacobian(rest, 1)(A, B)[:, 0], rtol=1e-12)
    np.testing.assert_allclose(spring(y, A, B), 0, atol=1e-12)


def test_backward_on_values():
    b = Value(B)
    np.sum(rest(A, b) ** 2).backward()
    np.testing.assert_allclose(b.grad, grad(lambda b: np.sum(rest(A, b) ** 2))(B))


def test_single_precision():
    f = implicit.root(lambda x, a: x**2 - a, lambda a: np.sqrt(a))
    x = np.array([4.0, 9.0], np.float32)
    g = grad(lambda a: np.sum(f(a)))(x)
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, [1 / 4, 1 / 6], rtol=1e-6)


def test_nothing_to_solve():
    f = implicit.root(lambda x, a: x**2 - a, lambda a: np.sqrt(a))
    assert grad(lambda a: np.sum(f(a)))(np.zeros(0)).shape == (0,)


# ---------------------------------------------------------------- what goes in and out


def test_nests_and_settings():
    @dataclass
    class Problem:
        a: np.ndarray
        shift: float
        name: str = "problem"

    def f(x, p, power):
        assert p.name == "problem"
        return [x["u"] ** power - p.a, x["v"] - p.shift]

    @implicit.root(f)
    def solve(p, power):
        return {"u": p.a ** (1 / power), "v": p.shift, "steps": 3, "message": "done"}

    p = Problem(np.array([4.0, 9.0]), 2.0)
    assert solve(p, 2)["message"] == "done"
    g = grad(lambda p: np.sum(solve(p, 2)["u"]) * solve(p, 2)["v"])(p)
    np.testing.assert_allclose(g.a, 2 * 0.5 / np.sqrt(p.a))
    np.testing.assert_allclose(g.shift, 5.0)
    assert g.name == "problem"
    check_gradients(lambda p: [solve(p, 2)["u"], solve(p, 2)["v"]], p)


def test_options_are_for_the_solver_alone():
    seen = []

    @implicit.root(cubic)
    def solve(a, *, start=1.0, steps=60):
        seen.append(start)
        return newton(cubic, start, a, steps=steps)

    np.testing.assert_allclose(grad(lambda a: solve(a, start=5.0, steps=80))(2.0), 0.25)
    np.testing.assert_allclose(grad(lambda a: solve(a, start=a * 2.0))(2.0), 0.25)  # where to start does not matter
    assert seen == [5.0, 4.0]


def test_constants_give_constants():
    assert type(rest(A, B)) is np.ndarray
    assert not rest(A, Value(B, requires_grad=False)).requires_grad
    with no_grad():
        assert not rest(A, Value(B)).requires_grad
    assert rest(A, Value(B)).requires_grad


def test_the_solver_runs_once_and_the_condition_not_at_all_for_arrays():
    calls = []
    f = implicit.root(lambda x, a: calls.append("f") or x**2 - a, lambda a: calls.append("solve") or math.sqrt(a))
    f(4.0)
    assert calls == ["solve"]
    calls.clear()
    grad(f)(4.0)
    assert calls.count("solve") == 1


def test_it_says_what_it_is():
    assert repr(cubic_root) == "implicit.root(cubic, <lambda>)"
    assert repr(implicit.argmin(cubic, newton)) == "implicit.argmin(cubic, newton)"
    assert repr(implicit.fixed_point(cubic, newton)) == "implicit.fixed_point(cubic, newton)"
    assert "created_by=Implicit" in repr(cubic_root(Value(2.0)))


# ---------------------------------------------------------------- what is refused


def test_what_is_no_root_is_refused():
    f = implicit.root(cubic, lambda a: 0.9)
    assert f(2.0) == 0.9  # the value is the solver's business
    with pytest.raises(ValueError, match=r"what <lambda> returned is no solution: a Newton step moves it by 0.1"):
        grad(f)(2.0)


def test_what_is_no_minimum_is_refused():
    at_a_bound = implicit.argmin(lambda x, a: (x - a) ** 2, lambda a: min(a, 1.0))
    assert grad(at_a_bound)(0.5) == 1.0
    with pytest.raises(
        ValueError, match=r"implicit.argmin\(<lambda>, <lambda>\): what <lambda> returned is no solution"
    ):
        grad(at_a_bound)(2.0)


@pytest.mark.parametrize("unit", [1e-20, 1e20])
def test_the_units_of_the_equations_do_not_matter(unit):
    def f(x, a):
        return unit * np.stack([x[0] - a, 1e15 * (x[1] - a * x[0])])

    np.testing.assert_allclose(jacobian(implicit.root(f, lambda a: np.array([a, a**2])))(3.0), [1.0, 6.0])


@pytest.mark.parametrize(
    ("f", "solve", "a"),
    [
        (lambda x, a: x**2 - a, lambda a: 0.0, 0.0),  # a double root
        (lambda x, a: np.stack([x[0] + x[1] - a, 2 * (x[0] + x[1] - a)]), lambda a: np.array([a, 0.0]), 2.0),
        (lambda x, a: x * 0.0 + 0.0 * a, lambda a: 1.0, 2.0),
        (lambda x, a: np.where(x > 0, x - a, x - a) * np.inf, lambda a: a, 2.0),
    ],
)
def test_singular_jacobians_are_refused(f, solve, a):
    with np.errstate(all="ignore"), pytest.raises(np.linalg.LinAlgError, match="Jacobian at the solution is singular"):
        jacobian(implicit.root(f, solve))(a)


def test_more_equations_than_unknowns_are_refused():
    with pytest.raises(ValueError, match="the condition has 2 numbers, but the solution has 1"):
        grad(implicit.root(lambda x, a: np.stack([x - a, x + a]), lambda a: a))(1.0)
    with pytest.raises(ValueError, match="the condition has 1 numbers, but the solution has 2"):
        grad(implicit.root(lambda x, a: x[0] - a, lambda a: np.array([a, a])))(1.0)


def test_a_value_from_elsewhere_is_refused():
    def outer(a):
        def shifted(x, b):
            return x - a - b

        return implicit.root(shifted, lambda b: a.item() + b)(1.0 * a)

    with pytest.raises(TypeError, match="shifted computes with a Value that is not among its arguments"):
        grad(outer)(2.0)
    w = Value(2.0)
    with pytest.raises(TypeError, match="computes with a Value that is not among its arguments"):
        implicit.argmin(lambda x, a: (x - a * w) ** 2, lambda a: 2 * a)(Value(1.0))


def test_a_value_in_the_condition_is_found_without_one_among_the_arguments():
    def outer(b):
        return implicit.root(lambda x, a: x**3 - a * b, lambda a: 2.0)(8.0)

    with pytest.raises(TypeError, match="computes with a Value that is not among its arguments"):
        grad(outer)(1.0)
    with pytest.raises(TypeError, match="computes with a Value that is not among its arguments"):
        outer(Value(1.0))
    with pytest.raises(TypeError, match="computes with a Value that is not among its arguments"):
        grad(lambda b: implicit.argmin(lambda x, a: (x - a * b) ** 2, lambda a: 8.0)(8.0))(1.0)
    with pytest.raises(TypeError, match="computes with a Value that is not among its arguments"):
        grad(lambda b: implicit.fixed_point(lambda x, a: np.cos(x * a * b), lambda a: 0.7)(1.0))(1.0)
    assert grad(lambda b: b * implicit.root(cubic, lambda a: 1.0)(2.0))(3.0) == 1.0  # which has none


def test_a_solution_of_integers_is_refused():
    def two(a):
        return 2

    with pytest.raises(TypeError, match=r"two returned 2, which holds no floating-point number"):
        grad(implicit.root(lambda x, a: x**3 - a, two))(8.0)


def test_functions_are_needed():
    with pytest.raises(TypeError, match=r"implicit.root\(f, solve\) takes functions, not 3"):
        implicit.root(3, newton)
    with pytest.raises(TypeError, match="a black box is a function, not 3"):
        implicit.root(cubic, 3)
    with pytest.raises(TypeError, match=r"implicit.argmin\(f, solve\) takes functions, not 3"):
        implicit.argmin(3)


# ---------------------------------------------------------------- SciPy's solvers


def test_scipy_root():
    optimize = pytest.importorskip("scipy.optimize")
    f = implicit.root(
        spring, lambda k, b: optimize.root(spring, np.zeros(2), (k, b), jac=jacobian(spring), tol=1e-12).x
    )
    np.testing.assert_allclose(f(A, B), rest(A, B), rtol=1e-10)
    check_gradients(f, A, B)


def test_scipy_scalar_roots():
    optimize = pytest.importorskip("scipy.optimize")
    for solve in (
        lambda a: optimize.brentq(cubic, -10, 10, args=(a,), xtol=1e-14),
        lambda a: optimize.newton(cubic, 1.0, args=(a,), fprime=grad(cubic), tol=1e-14),
        lambda a: optimize.root_scalar(cubic, bracket=(-10, 10), args=(a,), xtol=1e-14).root,
    ):
        np.testing.assert_allclose(grad(implicit.root(cubic, solve))(2.0), 0.25)
        check_gradients(implicit.root(cubic, solve), np.array(2.0))


def test_scipy_minimize():
    optimize = pytest.importorskip("scipy.optimize")

    def cost(x, a):
        return np.sum((x - a) ** 4) + np.sum(x**2) + x[0] * x[1]

    def solve(a):
        return optimize.minimize(cost, np.zeros(2), (a,), "Newton-CG", grad(cost), hessian(cost), tol=1e-12).x

    check_gradients(implicit.argmin(cost, solve), B, rtol=1e-5, atol=1e-5)
