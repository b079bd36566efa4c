"""Black boxes: functions that know nothing of Values, with a gradient by central differences or by a given rule."""

import functools
import gc
import math
from dataclasses import dataclass

import numpy as np
import pytest

from calligrad import Value, custom, grad, hessian, hvp, jacobian, jvp, no_grad, numeric, value_and_grad, vjp, vmap
from calligrad.testing import check_gradients

X = np.array([0.5, 1.0, 2.0])
A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])


def black(x):
    """Something that refuses whatever is no plain array or NumPy number."""
    assert type(x) in (np.ndarray, np.float64, np.float32, np.complex128, float), type(x)
    return x


def cubes(x):
    return black(x) ** 3


# ---------------------------------------------------------------- numeric: derivatives


def test_numeric_gradients_are_right_to_ten_digits():
    np.testing.assert_allclose(grad(numeric(math.sin))(0.3), math.cos(0.3), rtol=1e-10)
    np.testing.assert_allclose(jacobian(numeric(cubes))(X), np.diag(3 * X**2), rtol=1e-9, atol=1e-9)


def test_numeric_derivatives_of_higher_order_lose_digits_and_no_more():
    sine = numeric(math.sin)
    np.testing.assert_allclose(grad(grad(sine))(0.3), -math.sin(0.3), rtol=1e-6)
    np.testing.assert_allclose(grad(grad(grad(sine)))(0.3), -math.cos(0.3), rtol=1e-4)
    np.testing.assert_allclose(hessian(lambda x: np.sum(numeric(cubes)(x)))(X), np.diag(6 * X), atol=1e-5)


def test_numeric_passes_the_checker():
    check_gradients(numeric(lambda a, b: np.sin(black(a)) @ black(b)), A, X, eps=1e-3, rtol=1e-4, atol=1e-4)


def test_numeric_goes_with_what_surrounds_it():
    def f(x):
        return np.sum(numeric(cubes)(np.sin(x)) * x)

    s, c = np.sin(X), np.cos(X)
    np.testing.assert_allclose(grad(f)(X), s**3 + 3 * s**2 * c * X, rtol=1e-9)
    x = Value(X)
    np.sum(numeric(cubes)(x)).backward()
    np.testing.assert_allclose(x.grad, 3 * X**2, rtol=1e-9)


def test_forwards_and_products():
    f = numeric(cubes)
    y, dy = jvp(f, (X,), (A[0],))
    np.testing.assert_array_equal(y, X**3)
    np.testing.assert_allclose(dy, 3 * X**2 * A[0], rtol=1e-9)
    (product,) = hvp(lambda x: np.sum(f(x)), (X,), (A[0],))
    np.testing.assert_allclose(product, 6 * X * A[0], atol=1e-5)


def test_numeric_of_nests_and_of_several_arguments():
    @dataclass
    class Pair:
        a: np.ndarray
        b: float
        name: str = "pair"

    @numeric
    def f(p, x, power=2):
        assert p.name == "pair"
        return {"sum": np.sum(black(p.a)) * p.b, "rest": [black(x) ** power]}

    y, pull = vjp(f, Pair(A, 2.0), X)
    assert y["sum"] == 2 * A.sum()
    gp, gx = pull({"sum": 1.5, "rest": [A[0]]})
    np.testing.assert_allclose(gp.a, np.full(A.shape, 3.0), rtol=1e-9)
    np.testing.assert_allclose(gp.b, 1.5 * A.sum(), rtol=1e-9)
    np.testing.assert_allclose(gx, 2 * X * A[0], rtol=1e-9)
    np.testing.assert_allclose(grad(lambda x: np.sum(f(Pair(A, 2.0), x, power=3)["rest"][0]))(X), 3 * X**2, rtol=1e-9)


def test_numeric_of_complex_numbers():
    z = np.array([1 + 2j, 0.5 - 1j])
    f = numeric(lambda z: np.abs(black(z)) ** 2)
    np.testing.assert_allclose(grad(lambda z: np.sum(f(z)))(z), 2 * z, rtol=1e-9)
    square = numeric(lambda z: black(z) ** 2)
    want = grad(lambda z: np.sum(np.real(z**2 * (2 - 1j))))(z)
    np.testing.assert_allclose(grad(lambda z: np.sum(np.real(square(z) * (2 - 1j))))(z), want, rtol=1e-9)


# ---------------------------------------------------------------- numeric: steps and costs


@pytest.mark.parametrize("x", [1e-12, 1e-6, 1.0, 1e8, -3e-9])
def test_the_step_goes_by_the_size_of_the_number(x):
    np.testing.assert_allclose(grad(numeric(lambda x: x**3))(x), 3 * x**2, rtol=1e-8)


def test_the_step_of_a_zero_goes_by_the_others_in_its_array():
    assert grad(numeric(math.sin))(0.0) == pytest.approx(1.0, rel=1e-9)
    f = numeric(lambda x: np.sum(np.exp(x / 1e-9)) * 1e-9)
    x = np.array([0.0, 1e-9])
    np.testing.assert_allclose(grad(f)(x), np.exp(x / 1e-9), rtol=1e-7)


@pytest.mark.parametrize("x", [0.0, 1e-300, 1e-12, 1e-10, 1e-8, 1e-4, 100.0])
def test_a_number_much_smaller_than_the_length_over_which_f_changes(x):
    exp = numeric(math.exp)
    np.testing.assert_allclose(grad(exp)(x), math.exp(x), rtol=1e-10)
    np.testing.assert_allclose(grad(grad(exp))(x), math.exp(x), rtol=1e-7)


@pytest.mark.parametrize("x", [1e3, 1e6, -1e9, 1e12])
def test_a_number_much_larger_than_the_length_over_which_f_changes(x):
    np.testing.assert_allclose(grad(numeric(math.sin))(x), math.cos(x), rtol=1e-9)


@pytest.mark.parametrize("x", [0.0, 0.3, 1.0])
def test_a_function_that_changes_over_a_length_of_its_own(x):
    np.testing.assert_allclose(grad(numeric(lambda x: math.sin(1e6 * x)))(x), 1e6 * math.cos(1e6 * x), rtol=1e-9)


@pytest.mark.parametrize("x", [np.array([1e-6, 1e6]), np.array([1e-6, 1.0, 1e3])])
def test_an_array_of_sizes_far_apart(x):
    np.testing.assert_allclose(grad(numeric(lambda x: np.sum(np.log(black(x)))))(x), 1 / x, rtol=1e-9)
    np.testing.assert_allclose(jacobian(numeric(lambda x: np.log(black(x))))(x), np.diag(1 / x), rtol=1e-9)


def test_numbers_of_different_kinds_in_one_array():
    decay = numeric(lambda v: math.exp(-1e6 * v[0]) * v[1])
    want = [-1e6 * 300 * math.exp(-1), math.exp(-1)]
    np.testing.assert_allclose(grad(decay)(np.array([1e-6, 300.0])), want, rtol=1e-9)


def test_no_step_leaves_the_domain_of_a_function_if_a_shorter_one_will_do():
    def f(x):
        assert x > 0
        return math.sqrt(x)

    np.testing.assert_allclose(grad(numeric(f))(1e-9), 0.5 / math.sqrt(1e-9), rtol=1e-9)
    # Here a longer one is tried, in vain, and the best of what is left is taken.
    np.testing.assert_allclose(grad(numeric(lambda x: f(x) + 1000))(1e-9), 0.5 / math.sqrt(1e-9), rtol=1e-4)


@pytest.mark.parametrize("f", [abs, lambda x: 3.0, lambda x: 0.0 * x, lambda x: x**2, lambda x: math.cos(1e6 * x)])
def test_a_slope_of_nothing(f):
    assert grad(numeric(f))(0.0) == 0


def test_a_kink_beside_x():
    assert grad(numeric(lambda x: abs(x - 1.0001)))(1.0) == pytest.approx(-1)


def test_a_step_too_short_to_be_one():
    assert abs(grad(numeric(math.sin))(1e15)) <= 1  # where floats are an eighth apart
    assert math.isnan(grad(numeric(lambda x: x * math.nan))(1.0))


def test_what_a_minimum_costs_and_is():
    calls = []

    @numeric
    def valley(x):
        calls.append(0)
        return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2

    np.testing.assert_allclose(grad(valley)(np.ones(2)), 0, atol=1e-9)
    assert len(calls) <= 50
    np.testing.assert_allclose(hessian(valley)(np.ones(2)), [[802, -400], [-400, 200]], rtol=1e-8)


def test_single_precision_gets_the_longer_step():
    x = X.astype(np.float32)
    g = grad(numeric(lambda x: np.sum(black(x) ** 3)))(x)
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, 3 * x**2, rtol=1e-3)
    g = grad(numeric(lambda x: np.sum(x.astype(np.float32) ** 3)))(X)  # what it gives is single
    assert g.dtype == np.float64
    np.testing.assert_allclose(g, 3 * X**2, rtol=1e-3)


def test_a_step_for_what_is_noisy():
    rough = numeric(lambda x: round(float(x) ** 2, 3), step=0.1)
    np.testing.assert_allclose(grad(rough)(1.0), 2.0, rtol=0.01)
    assert repr(rough) == "numeric(<lambda>): differentiated by central differences of step 0.1"


def test_a_step_for_each_number():
    steps = np.array([0.1, 0.2, 0.4])
    f = numeric(lambda x: black(x) ** 3, step=steps)
    np.testing.assert_allclose(jacobian(f)(X), np.diag(3 * X**2 + steps**2), atol=1e-12)
    np.testing.assert_allclose(grad(lambda x: np.sum(f(x)))(A[:, :3]), 3 * A**2 + steps**2, rtol=1e-12)
    assert repr(f) == "numeric(<lambda>): differentiated by central differences of given steps"
    g = grad(lambda z: np.sum(np.real(f(z))))(X + 1j)
    np.testing.assert_allclose(g, np.conj(3 * (X + 1j) ** 2) + steps**2, rtol=1e-12)
    with pytest.raises(ValueError, match=r"step has shape \(3,\), which does not broadcast to an argument of \(2,\)"):
        f(Value(X[:2]))


def test_a_constant_that_is_written_into_is_as_it_was_at_every_step():
    def f(x, b):
        b += 1
        return np.sum(x * b)

    b = np.zeros(3)
    np.testing.assert_array_equal(grad(numeric(f))(X, b), np.ones(3))
    np.testing.assert_array_equal(b, np.ones(3))  # by the one call that was asked for


@pytest.mark.parametrize("step", [0, -1.0, math.nan, [1.0, 0.0]])
def test_a_step_that_is_none_is_refused(step):
    with pytest.raises(ValueError, match="more than 0"):
        numeric(math.sin, step=step)


def test_the_cost_is_four_calls_for_each_number_that_needs_a_gradient():
    calls = []
    f = numeric(lambda a, b: calls.append(0) or np.outer(a, b))
    grad(lambda a: np.sum(f(a, X)))(np.ones(5))
    assert len(calls) == 1 + 4 * 5
    calls.clear()
    jacobian(f)(np.ones(2), X)
    assert len(calls) == 1 + 4 * 2
    calls.clear()
    hessian(lambda a: np.sum(f(a, X)))(np.ones(2))
    assert len(calls) == 1 + 4 * 2 + 4 * 2 * 4 * 2
    calls.clear()
    grad(numeric(lambda x: calls.append(0) or x**2, step=0.1))(1.0)
    assert len(calls) == 1 + 2


def test_it_says_what_it_is():
    assert repr(numeric(cubes)) == "numeric(cubes): differentiated by central differences"
    assert numeric(cubes).__name__ == "cubes"
    assert "created_by=" in repr(numeric(cubes)(Value(X)))


# ---------------------------------------------------------------- both: what goes in and out


def doubled(f):
    return custom(f, lambda g, x: 2 * g)


@pytest.fixture(params=[numeric, doubled], ids=["numeric", "custom"])
def boxed(request):
    return request.param


def double(x):
    return 2 * black(x)


def test_arrays_in_arrays_out(boxed):
    y = boxed(double)(X)
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, 2 * X)
    assert type(boxed(double)(0.5)) is float


def test_constants_give_constants(boxed):
    y = boxed(double)(Value(X, requires_grad=False))
    assert isinstance(y, Value)
    assert not y.requires_grad
    with no_grad():
        assert not boxed(double)(Value(X)).requires_grad
    np.testing.assert_array_equal(grad(lambda x: np.sum(boxed(double)(X)) * x)(2.0), 2 * X.sum())


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (2, 3)])
def test_all_shapes(boxed, shape):
    x = np.ones(shape)
    np.testing.assert_allclose(grad(lambda x: np.sum(boxed(double)(x)))(x), np.full(shape, 2.0), rtol=1e-9)
    assert jacobian(boxed(double))(x).shape == shape + shape


def test_arrays_of_every_layout(boxed):
    wide = np.arange(24.0).reshape(4, 6) + 1
    frozen = wide.copy()
    frozen.flags.writeable = False
    for x in (wide.T, wide[::-1, ::2], frozen, wide.astype(">f8"), np.asfortranarray(wide)):
        g = grad(lambda x: np.sum(boxed(double)(x)))(x)
        np.testing.assert_allclose(g, np.full(x.shape, 2.0), rtol=1e-7)


def test_what_is_no_array_passes_through(boxed):
    marker, seen = object(), []

    def f(x, *settings, **more):
        seen.append((settings, more))
        return 2 * x

    settings = (marker, "word", None, [1, "a"])
    if boxed is numeric:
        grad(numeric(f))(1.0, *settings, flag=True)
    else:
        grad(custom(f, lambda g, x, *settings, flag: 2 * g))(1.0, *settings, flag=True)
    assert all(got[0] is marker and got[3] is settings[3] and more == {"flag": True} for got, more in seen)


def test_a_value_from_elsewhere_is_refused(boxed):
    w = Value(3.0)

    def scaled(x):
        return x * w

    with pytest.raises(TypeError, match="scaled computes with a Value that is not among its arguments"):
        boxed(scaled)(Value(X))
    assert boxed(lambda x: x * w.detach())(Value(1.0)).item() == 3.0  # a constant is none of our business


def test_a_value_from_elsewhere_does_not_leave_as_a_number(boxed):
    def outer(w):
        f = boxed(lambda x: 2 * x * float(w))
        return f(w * 1.0) + f(1.0)

    with pytest.raises(TypeError, match="would cut the graph"):
        grad(outer)(2.0)
    with pytest.raises(TypeError, match="would cut the graph"):
        grad(lambda w: boxed(lambda x: 2 * x * float(w))(1.0))(2.0)
    with pytest.raises(TypeError, match="would cut the graph"):
        grad(lambda w: boxed(lambda x, more=(w,): 2 * x * float(more[0]))(1.0))(2.0)


def test_a_constant_that_changes_after_the_call(boxed):
    def f(x, b):
        return x * b["b"]

    b = np.array([1.0, 2.0, 3.0])
    f = numeric(f) if boxed is numeric else custom(f, lambda g, x, b: g * b["b"])
    _, pull = vjp(lambda x: f(x, {"b": b}), X)
    b[:] = 100.0
    np.testing.assert_allclose(pull(np.ones(3))[0], [1.0, 2.0, 3.0], rtol=1e-9)


def test_a_constant_value_is_as_it_was_at_the_call():
    c = Value(np.ones(3), requires_grad=False)
    _, pull = vjp(lambda x: numeric(np.multiply)(x, c), X)
    c.data[:] = 100.0
    np.testing.assert_allclose(pull(np.ones(3))[0], np.ones(3), rtol=1e-9)


def test_a_black_box_may_differentiate_within(boxed):
    f = boxed(lambda x: grad(lambda x: x**2)(x))
    np.testing.assert_allclose(grad(f)(3.0), 2.0, rtol=1e-9)
    g = boxed(lambda x: 2 * float(np.sum(Value(x) * 1.0)))  # and Values of its own may leave as numbers
    np.testing.assert_allclose(grad(g)(3.0), 2.0, rtol=1e-9)


def test_integers_and_words_in_the_result_are_constants(boxed):
    def f(x):
        return {"y": 2 * x, "steps": 17, "status": "done", "where": np.arange(2)}

    f = numeric(f) if boxed is numeric else custom(f, lambda g, x: 2 * g["y"])
    y = f(Value(X))
    assert (y["steps"], y["status"], type(y["where"])) == (17, "done", np.ndarray)
    np.testing.assert_allclose(grad(lambda x: np.sum(f(x)["y"]) * f(x)["steps"])(X), [34.0] * 3, rtol=1e-9)


def test_methods(boxed):
    class Lens:
        factor = 2

        @boxed
        def bend(self, x):
            return self.factor * black(x)

    if boxed is numeric:
        np.testing.assert_allclose(grad(Lens().bend)(3.0), 2.0, rtol=1e-9)
    assert "bend" in repr(Lens.bend)


def test_only_functions_are_black_boxes(boxed):
    with pytest.raises(TypeError, match="a black box is a function, not 3"):
        boxed(3)


def test_errors_within_are_the_black_boxs_own(boxed):
    with pytest.raises(ZeroDivisionError):
        boxed(lambda x: 1 / 0)(Value(1.0))


def test_a_result_that_is_nothing(boxed):
    with pytest.raises(TypeError, match="returned None"):
        grad(boxed(lambda x: None))(1.0)


def test_a_result_whose_shape_depends_on_x():
    @numeric
    def picked(x):
        return x[x >= 1]

    with pytest.raises(ValueError, match=r"picked returned shapes \[\(2,\)\] and, beside the same point, \[\(1,\)\]"):
        grad(lambda x: np.sum(picked(x)))(np.array([0.5, 1.0, 1.0]))


@pytest.mark.filterwarnings("ignore::calligrad.batching.BatchingWarning")
def test_within_vmap_one_example_after_another(boxed):
    f = boxed(lambda x: 2 * math.hypot(x, 0.0))  # math takes numbers only
    for h, want in ((f, 2 * X), (grad(f), 2 + 0 * X), (grad(grad(f)), 0 * X)):
        np.testing.assert_allclose(vmap(h)(X), want, rtol=1e-9, atol=1e-5)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(f)(x) * x))(X), 4 * X, rtol=1e-9)
    np.testing.assert_allclose(vmap(lambda p: f(p["a"]) * p["b"])({"a": X, "b": A[0]}), 2 * X * A[0])


def test_memory_is_given_back_without_the_garbage_collector(boxed):
    f = boxed(math.fabs)

    def objects():
        grad(grad(f))(2.0)
        return len(gc.get_objects())

    objects()
    gc.collect()
    gc.disable()
    try:
        assert objects() == objects()
    finally:
        gc.enable()


# ---------------------------------------------------------------- custom


def test_a_rule_that_takes_plain_arrays_only():
    def rule(g, x):
        return np.frombuffer(g.tobytes()).reshape(g.shape) * 2 * x

    f = custom(lambda x: black(x) ** 2, rule)
    np.testing.assert_array_equal(jacobian(f)(X), np.diag(2 * X))
    np.testing.assert_array_equal(jacobian(lambda x: f(x) * x)(X), np.diag(3 * X**2))


def test_a_rule_in_numpy_differentiates_to_any_order():
    sine = custom(math.sin, lambda g, x: g * np.cos(x))
    for order, want in enumerate([math.cos, lambda x: -math.sin(x), lambda x: -math.cos(x), math.sin]):
        f = sine
        for _ in range(order + 1):
            f = grad(f)
        assert f(0.3) == pytest.approx(want(0.3), abs=1e-15)
    check_gradients(custom(cubes, lambda g, x: 3 * g * x**2), X)


def test_the_result_as_a_keyword():
    exp = custom(lambda x: np.exp(black(x)), lambda g, x, *, y: g * y)
    check_gradients(exp, X, order=3, rtol=1e-5)


def test_a_rule_through_the_rule_itself():
    @custom(vjp=lambda g, x, *, y: g * y)
    def exp(x):
        return np.exp(black(x))

    assert grad(grad(exp))(1.0) == np.exp(1.0)
    assert repr(exp) == "custom(exp)"
    assert exp.__name__ == "exp"


def test_several_arguments():
    def rule(g, a, b):
        return lambda: g @ b.T, lambda: a.T @ g

    product = custom(lambda a, b: black(a) @ black(b), rule)
    check_gradients(product, A, A.T)
    np.testing.assert_array_equal(grad(lambda b: np.sum(product(A, b)))(A.T), grad(lambda b: np.sum(A @ b))(A.T))


def test_a_thunk_is_only_called_for_what_needs_a_gradient():
    called = []

    def rule(g, a, b):
        return lambda: called.append("a") or g * b, lambda: called.append("b") or g * a

    grad(custom(lambda a, b: a * b, rule))(2.0, 3.0)
    assert called == ["a"]


def test_settings_need_no_gradient():
    def power(x, n, scale=1.0):
        return scale * black(x) ** n

    f = custom(power, lambda g, x, n, scale=1.0: g * scale * n * x ** (n - 1))
    check_gradients(lambda x: f(x, 3), X)
    check_gradients(lambda x: f(x, n=3, scale=2.0), X)
    check_gradients(lambda x: f(n=3, x=x), X)
    with pytest.raises(ValueError, match="gave 1 gradients, but argument 3 needs one as well"):
        grad(f, 2)(X[0], 3, 2.0)


def test_none_is_no_gradient():
    f = custom(lambda a, b: a * b, lambda g, a, b: (None, g * a))
    assert grad(f, (0, 1))(2.0, 3.0) == (0.0, 2.0)


def test_nests_in_and_out():
    def f(p, x):
        return {"both": p["a"] * p["b"][0] * x, "first": 2.0 * p["a"]}

    def rule(g, p, x):
        a, b = p["a"], p["b"][0]
        ga = np.sum(g["both"] * b * x) + 2 * g["first"]
        return {"b": [np.sum(g["both"] * a * x), None], "a": ga}, g["both"] * a * b

    check_gradients(custom(f, rule), {"a": np.array(2.0), "b": [np.array(3.0), np.array(0.0)]}, X)
    both = custom(f, rule)
    p = {"a": 2.0, "b": [3.0, 0.0]}
    assert grad(lambda p: both(p, X)["first"])(p) == {"a": 2.0, "b": [0.0, 0.0]}
    y = both({"a": Value(2.0), "b": [3.0, "unused"]}, X)  # only some of them Values
    assert type(y["both"]) is Value
    y["first"].backward()


def test_a_tuple_as_the_one_argument():
    f = custom(lambda p: p[0] * p[1], lambda g, p: (g * p[1], g * p[0]))
    assert grad(f)((2.0, 3.0)) == (3.0, 2.0)


def test_keywords_that_cannot_be_placed():
    f = custom(lambda x, *, w: x * w, lambda g, x, *, w: g * w)
    assert grad(lambda x: f(x, w=5.0))(2.0) == 5.0
    with pytest.raises(TypeError, match="takes Values by position"):
        f(1.0, w=Value(2.0))


def test_numbers_and_lists_of_a_rule_become_arrays():
    assert grad(custom(math.sin, lambda g, x: math.cos(x) * float(g)))(0.0) == 1.0


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (
            lambda g, x: g[:2],
            ValueError,
            r"custom\(cubes\) gave a gradient of shape \(2,\) to an input of shape \(3,\)",
        ),
        (lambda g, x: (g, g), ValueError, "the rule gave 2 gradients for 1 arguments"),
        (lambda g, x: [g], ValueError, "an array is needed, not a list of 1"),
        (lambda g, x: {"x": g}, ValueError, "an array is needed, not a dict with keys 'x'"),
        (lambda g, x: "g", TypeError, "holds numbers, not 'g'"),
        (lambda g: g, TypeError, "positional argument"),
        (lambda g, x: (), ValueError, "argument 1 needs one"),
    ],
)
def test_wrong_rules_name_the_function(rule, error, message):
    with pytest.raises(error, match=message) as caught:
        grad(lambda x: np.sum(custom(cubes, rule)(x)))(X)
    assert "custom(cubes)" in str(caught.value) + "".join(getattr(caught.value, "__notes__", []))


def test_a_rule_is_needed():
    with pytest.raises(TypeError, match="needs the rule of its gradient"):
        custom(math.sin)


def test_a_rule_that_leaves_the_graph_is_of_first_order():
    f = custom(math.sin, lambda g, x: g * math.cos(x.item()))
    assert grad(f)(0.0) == 1.0
    with pytest.raises(RuntimeError, match=r"custom\(sin\) cannot be differentiated again: its rule takes .item"):
        grad(grad(f))(0.0)

    class Rule:
        __hash__ = None

        def __call__(self, g, x, more=1):
            return lambda: g * np.cos(x.data)

    for rule in (
        Rule(),
        functools.partial(Rule(), more=2),
        functools.partial(Rule().__call__, more=2),
        Rule().__call__,
    ):
        f = custom(math.sin, rule)
        assert grad(f)(0.0) == 1.0
        with pytest.raises(RuntimeError, match=r"custom\(sin\) cannot be differentiated again: its rule takes .data"):
            grad(grad(f))(0.0)
    with pytest.raises(TypeError, match="would cut the graph"):
        grad(grad(custom(math.sin, lambda g, x: g * math.cos(x))))(0.0)


def test_gradients_by_complex_numbers_are_those_of_the_user():
    z = np.array([1 + 2j, -0.5 + 1j])
    by_vjp = custom(np.sqrt, lambda g, z: vjp(np.sqrt, z)[1](g))
    by_hand = custom(np.sqrt, lambda g, z, *, y: g * np.conj(0.5 / y))
    modulus = custom(np.abs, lambda g, z, *, y: g * z / y)

    def loss(f):
        return lambda z: np.sum(np.real(f(z) * (1 - 2j)))

    for f in (by_vjp, by_hand):
        np.testing.assert_allclose(grad(loss(f))(z), grad(loss(np.sqrt))(z), rtol=1e-14)
        np.testing.assert_allclose(jacobian(f)(z), np.diag(0.5 / np.sqrt(z)), rtol=1e-14)
    np.testing.assert_allclose(grad(lambda z: np.sum(modulus(z)))(z), z / np.abs(z), rtol=1e-14)
    check_gradients(by_hand, z)
    check_gradients(modulus, z)


def test_the_wrong_rule_is_found_by_the_checker():
    with pytest.raises(AssertionError, match="gradient of order 1"):
        check_gradients(custom(cubes, lambda g, x: 3.003 * g * x**2), X)
    with pytest.raises(AssertionError, match="gradient of order 1"):
        check_gradients(custom(lambda x: np.sum(x**2), lambda g, x: g * x), X)


def test_value_and_grad_runs_it_once():
    calls = []
    value_and_grad(custom(lambda x: calls.append(0) or x**2, lambda g, x: 2 * g * x))(3.0)
    assert len(calls) == 1
