"""The checker is checked: with gradients that are a little wrong, wrong in one place, wrong at second order."""

import numpy as np
import pytest

from calligrad import Function, Value, gradients
from calligrad.testing import check_gradients
from calligrad.value import unwrap

X = np.array([0.5, 1.0, 2.0])
Y = np.array([1.5, -1.0, 0.7])


class Product(Function):
    """``a * b``, whose gradients are off by a factor each."""

    def __init__(self, of_a=1.0, of_b=1.0):
        self.of_a, self.of_b = of_a, of_b

    def forward(self, a, b):
        return a * b

    def backward(self, g, a, b):
        return self.of_a * g * b, self.of_b * g * a


class CubeWrongAtSecondOrder(Function):
    """Right at first order; the gradient looks constant to the second."""

    def forward(self, x):
        return x**3

    def backward(self, g, x):
        return g * (3 * unwrap(x) ** 2)


class CubeWrongAtThirdOrder(Function):
    def forward(self, x):
        return x**3

    def backward(self, g, x):
        return g * (3 * x * x + (unwrap(x) - x) ** 2)


class WrongShape(Function):
    def forward(self, x):
        return x * 2

    def backward(self, g):
        return np.append(g, 0.0) * 2


class WrongAtOnePlace(Function):
    def forward(self, x):
        return x * 2

    def backward(self, g):
        return 2 * g * (1 + 1e-3 * (np.arange(g.size) == 1))


class NotANumber(Function):
    def forward(self, x):
        return x * 2

    def backward(self, g):
        return g * np.nan


def test_what_is_right_passes():
    check_gradients(lambda a, b: Product()(a, b), X, Y, order=3, rtol=1e-5, atol=1e-5)
    check_gradients(lambda x: CubeWrongAtSecondOrder()(x), X, order=1)
    check_gradients(lambda x: CubeWrongAtThirdOrder()(x), X, order=2)


@pytest.mark.parametrize("wrong", [{"of_a": 1.001}, {"of_b": 1.001}, {"of_a": 0.999, "of_b": 1.001}, {"of_b": -1.0}])
@pytest.mark.parametrize("seed", range(5))
def test_a_gradient_wrong_by_a_thousandth(wrong, seed):
    """Of either input, along whatever direction is drawn."""
    with pytest.raises(AssertionError, match="gradient of order 1"):
        check_gradients(lambda a, b: Product(**wrong)(a, b), X, Y, seed=seed)


def test_a_gradient_wrong_at_one_place():
    with pytest.raises(AssertionError, match="gradient of order 1"):
        check_gradients(lambda x: WrongAtOnePlace()(x), X)


def test_a_gradient_wrong_at_second_order():
    with pytest.raises(AssertionError, match="gradient of order 2"):
        check_gradients(lambda x: CubeWrongAtSecondOrder()(x), X)


def test_a_gradient_wrong_at_third_order():
    with pytest.raises(AssertionError, match="gradient of order 3"):
        check_gradients(lambda x: CubeWrongAtThirdOrder()(x), X, order=3)


def test_a_gradient_of_a_wrong_shape():
    with pytest.raises((AssertionError, ValueError), match=r"\(4,\)"):
        check_gradients(lambda x: WrongShape()(x), X)


def test_a_gradient_that_is_not_a_number():
    with pytest.raises(AssertionError):
        check_gradients(lambda x: NotANumber()(x), X)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_not_a_number_on_both_sides_is_not_right():
    with pytest.raises(AssertionError):
        check_gradients(np.log, np.array([-1.0, 2.0]))
    with pytest.raises(AssertionError):
        check_gradients(lambda x: x * np.nan, X)


def test_a_function_that_does_not_differentiate_at_all():
    with pytest.raises(AssertionError, match="gradient of order 1"):
        check_gradients(lambda x: np.sin(Value(unwrap(x), requires_grad=False)), X)


def test_a_jump():
    with pytest.raises(AssertionError, match="gradient of order 1"):
        check_gradients(np.sign, np.array([0.0, 1.0]))


def test_a_kink():
    with pytest.raises(AssertionError, match="gradient of order"):
        check_gradients(np.abs, np.array([0.0, 1.0]))


def test_nests_in_and_out():
    check_gradients(lambda p: {"y": [p["a"] * p["b"][0]]}, {"a": X, "b": [Y]})


def test_nothing_and_0d_arrays():
    check_gradients(np.sin, np.zeros((0, 3)))
    check_gradients(np.sin, np.array(0.5))
    check_gradients(lambda x: np.sum(x), np.zeros(0))


def test_constants_have_gradient_zero():
    check_gradients(np.floor, X + 0.3)


def test_it_leaves_its_inputs_alone():
    x = X.copy()
    check_gradients(np.sin, x)
    np.testing.assert_array_equal(x, X)


def test_it_draws_the_same_directions_every_time_and_others_with_another_seed():
    seen = []

    def f(x):
        seen.append(np.array(unwrap(x)))
        return x * 2

    for seed in (0, 0, 1):
        seen.append(seed)
        check_gradients(f, X, order=1, seed=seed)
    runs, run = [], None
    for item in seen:
        if isinstance(item, int):
            runs.append(run := [])
        else:
            run.append(item)
    assert all(np.array_equal(a, b) for a, b in zip(runs[0], runs[1], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(runs[0], runs[2], strict=True))


def test_tolerances_are_the_callers():
    wrong = lambda a, b: Product(of_a=1.001)(a, b)
    check_gradients(wrong, X, Y, rtol=1e-2, atol=1e-2)
    with pytest.raises(AssertionError):
        check_gradients(wrong, X, Y, rtol=1e-6)


def test_large_and_small_numbers():
    check_gradients(np.square, np.array([1e6, 1e-6]), rtol=1e-5, eps=1e-2)


def test_it_works_on_what_gradients_gives():
    def penalty(x):
        v = x if isinstance(x, Value) else Value(x)
        return gradients(np.sum(v**3), v, create_graph=True)

    check_gradients(penalty, X, order=1)
