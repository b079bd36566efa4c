"""Function: a calculus by class, an entry of the graph by instance, in calligrad's form and in the article's."""

import numpy as np
import pytest

from calligrad import Elementwise, Function, Value, grad, gradients, hessian, implements, no_grad
from calligrad.function import constant
from calligrad.testing import check_gradients
from calligrad.value import RULES

X = np.array([0.5, 1.0, 2.0])


# ---------------------------------------------------------------- calligrad's form


class Cube(Function):
    def forward(self, x):
        return x**3

    def backward(self, g, x):
        return g * 3 * x**2


class Power(Function):
    """With settings: an annotation is a setting, a value its default."""

    exponent: float
    scale: float = 1.0

    def forward(self, x):
        return self.scale * x**self.exponent

    def backward(self, g, x):
        return g * self.scale * self.exponent * x ** (self.exponent - 1)


class Product(Function):
    def forward(self, a, b):
        return a * b

    def backward(self, g, a, b):
        return lambda: g * b, lambda: g * a


class Total(Function):
    """Of any number of inputs."""

    def forward(self, *xs):
        return sum(xs)

    def backward(self, g, *xs):
        return tuple(g for _ in xs)


class Exponential(Function):
    def forward(self, x):
        return np.exp(x)

    def backward(self, g, *, y):
        return g * y


@pytest.mark.parametrize(
    ("f", "xs"),
    [
        (lambda x: Cube()(x), [X]),
        (lambda x: Power(2.5)(x), [X]),
        (lambda x: Power(exponent=3, scale=2.0)(x), [X]),
        (lambda a, b: Product()(a, b), [X, X[::-1]]),
        (lambda a, b, c: Total()(a, b, c), [X, X, X]),
        (lambda x: Exponential()(x), [X]),
    ],
)
def test_a_function_is_differentiable_to_any_order(f, xs):
    check_gradients(f, *xs, order=3, rtol=1e-5, atol=1e-5)


def test_on_arrays_a_function_is_a_function():
    y = Cube()(X)
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, X**3)
    np.testing.assert_array_equal(Cube()([1.0, 2.0]), [1, 8])
    assert Cube()(2.0) == 8.0


def test_settings_stand_in_the_repr():
    assert repr(Power(2.0)) == "Power(exponent=2.0)"
    assert repr(Power(2.0, scale=3.0)) == "Power(exponent=2.0, scale=3.0)"
    assert repr(Cube()) == "Cube()"


def test_settings_are_inherited_and_may_be_given_a_default():
    class Squared(Power):
        exponent: float = 2.0

    np.testing.assert_array_equal(Squared()(X), X**2)
    np.testing.assert_array_equal(Squared(scale=3.0)(X), 3 * X**2)


def test_a_function_may_have_an_init_of_its_own():
    class Scaled(Function):
        def __init__(self, factor):
            self.factor = factor

        def forward(self, x):
            return self.factor * x

        def backward(self, g):
            return self.factor * g

    check_gradients(lambda x: Scaled(2.5)(x), X)


def test_edges_shapes_and_generation():
    x, c = Value(X), Value(np.ones((2, 1)), requires_grad=False)
    y = x * c
    function = y.created_by
    assert function.shapes == [(3,), (2, 1)]
    assert [origin for origin, *_ in function.edges] == [x, None]
    assert function.generation == 0
    assert ((y + 1).created_by).edges[0][0] is function


def test_one_gradient_may_stand_alone_or_in_a_tuple_or_a_list():
    class Double(Function):
        def __init__(self, wrap):
            self.wrap = wrap

        def forward(self, x):
            return 2 * x

        def backward(self, g):
            return self.wrap(2 * g)

    for wrap in (lambda g: g, lambda g: (g,), lambda g: [g], lambda g: lambda: g, lambda g: (lambda: g,)):
        assert grad(lambda x, wrap=wrap: np.sum(Double(wrap)(x)))(X).tolist() == [2, 2, 2]


def test_an_array_with_as_many_rows_as_inputs_is_one_gradient():
    """The article's engine iterates over it, row by row."""

    class Same(Function):
        def forward(self, x):
            return x * 1

        def backward(self, g):
            return g

    x = Value(np.ones((1, 4)))
    Same()(x).backward()
    assert x.grad.shape == (1, 4)


def test_none_is_no_gradient():
    class First(Function):
        def forward(self, a, b):
            return a * b

        def backward(self, g, a, b):
            return g * b, None

    a, b = Value(X), Value(X)
    First()(a, b).backward()
    np.testing.assert_array_equal(a.grad, X)
    assert b.grad is None
    np.testing.assert_array_equal(gradients(First()(a, b), b), np.zeros(3))


def test_a_default_keyword_is_not_an_input():
    class Shifted(Function):
        def forward(self, x, by=1.0):
            return x + by

        def backward(self, g):
            return g

    check_gradients(lambda x: Shifted()(x), X)


def test_gradients_are_brought_to_the_inputs_dtype():
    class Wide(Function):
        def forward(self, x):
            return x * 2

        def backward(self, g):
            return np.full(g.shape, 2.0)

    x = Value(X.astype("f4"))
    Wide()(x).backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 2, "f4"), strict=True)

    class Whole(Function):
        def forward(self, x):
            return x * 2

        def backward(self, g):
            return np.full(g.shape, 2)

    x = Value(X)
    Whole()(x).backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 2.0), strict=True)


# ---------------------------------------------------------------- broadcasting


class BroadcastProduct(Elementwise):
    def forward(self, a, b):
        return a * b

    def backward(self, g, a, b):
        return g * b, g * a


@pytest.mark.parametrize(
    "shapes", [((3,), (2, 3)), ((1, 3), (2, 1)), ((), (2, 3)), ((4, 1, 3), (2, 1)), ((0, 3), (3,)), ((1, 1), ())]
)
def test_broadcasting_is_undone_by_the_engine(shapes):
    xs = [np.arange(1.0, np.prod(s, dtype=int) + 1).reshape(s) for s in shapes]
    check_gradients(lambda a, b: BroadcastProduct()(a, b), *xs)


def test_a_function_that_does_not_say_so_does_not_broadcast():
    a, b = Value(np.ones(3)), Value(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"Product\(\).*\(2, 3\).*\(3,\)"):
        Product()(a, b).backward()


def test_an_error_in_forward_names_the_function_and_its_inputs():
    with pytest.raises(ValueError, match="broadcast") as caught:
        Product()(Value(X), np.ones((2, 4), "f4"))
    assert caught.value.__notes__ == ["in Product() of float64[3], float32[2, 4]"]


def test_after_an_error_the_function_can_be_called_again():
    f = Product()
    with pytest.raises(ValueError, match="broadcast"):
        f(Value(X), np.ones(4))
    assert f(Value(X), X).requires_grad


# ---------------------------------------------------------------- NumPy functions


def test_of_registers_a_ufunc_and_its_operator_spelling():
    hypotenuse = np.hypot
    known = RULES.get(hypotenuse)
    try:

        class Hypot(Elementwise, of=hypotenuse):
            def backward(self, g, a, b, *, y):
                return lambda: g * a / y, lambda: g * b / y

        check_gradients(np.hypot, X, np.ones((2, 1)))
        assert repr(Hypot()) == "Hypot()"
        masked = np.hypot(Value(X), X, where=X > 1)
        np.testing.assert_array_equal(masked.data, np.where(X > 1, np.hypot(X, X), 0))
    finally:
        RULES.pop(hypotenuse, None)
        if known:
            RULES[hypotenuse] = known


@pytest.fixture
def _rules_are_restored():
    known = dict(RULES)
    yield
    RULES.clear()
    RULES.update(known)


@pytest.mark.usefixtures("_rules_are_restored")
class TestTeachingNumPy:
    """The way out that "np.… has no derivative" names must work for every kind of NumPy function."""

    def test_a_function_written_in_c(self):
        class Vdot(Function, of=np.vdot):
            def forward(self, a, b):
                return np.vdot(a, b)

            def backward(self, g, a, b):
                return lambda: g * b, lambda: g * a

        check_gradients(np.vdot, X, X[::-1])

    def test_a_function_written_in_python_with_settings(self):
        class Cumsum(Function, of=np.cumsum):
            axis: int = 0

            def backward(self, g):
                return np.flip(np.cumsum(np.flip(g, self.axis), axis=self.axis), self.axis)

        check_gradients(lambda x: np.cumsum(x, axis=1), np.ones((2, 3)))
        check_gradients(lambda x: np.cumsum(x, 1), np.ones((2, 3)))
        with pytest.raises(TypeError, match=r"np\.cumsum of a Value does not take dtype; it takes axis"):
            np.cumsum(Value(X), dtype=float)

    def test_a_method_of_a_ufunc(self):
        class Outer(Function, of=np.multiply.outer):
            def forward(self, a, b):
                return np.multiply.outer(a, b)

            def backward(self, g, a, b):
                return lambda: g @ b, lambda: a @ g

        check_gradients(np.multiply.outer, X, X[:2])

    def test_a_ufunc_with_two_outputs(self):
        class Modf(Function, of=np.modf):
            def backward(self, gs):
                return 0 * gs[1] if gs[0] is None else gs[0]

        check_gradients(lambda x: np.modf(x), X + 0.1)


def test_settings_are_found_however_annotations_are_kept():
    """As objects, as here, or as strings, as under ``from __future__ import annotations``."""
    namespace = {"Function": Function}
    source = "class Scaled(Function):\n    factor: float\n    def forward(self, x):\n        return self.factor * x\n"
    for future in ("", "from __future__ import annotations\n"):
        exec(future + source, namespace)
        assert namespace["Scaled"].settings == ("factor",)
        np.testing.assert_array_equal(namespace["Scaled"](2.0)(X), 2 * X)


def test_implements_and_constant():
    def nobody(x):
        """Stands for a NumPy function."""

    @implements(nobody)
    def rule(x):
        return x * 2

    try:
        assert RULES[nobody] is rule
        constant(nobody)
        assert RULES[nobody](Value(X)) is None
    finally:
        del RULES[nobody]


# ---------------------------------------------------------------- several outputs


class ExpAndSin(Function):
    def forward(self, x):
        return np.exp(x), np.sin(x)

    def backward(self, gs, x, *, y):
        of_exp, of_sin = gs
        total = np.zeros_like(x)
        if of_exp is not None:
            total = total + of_exp * y[0]
        if of_sin is not None:
            total = total + of_sin * np.cos(x)
        return total


def test_several_outputs():
    check_gradients(lambda x: ExpAndSin()(x), X, order=3, rtol=1e-5, atol=1e-5)
    check_gradients(lambda x: ExpAndSin()(x)[0], X)
    check_gradients(lambda x: ExpAndSin()(x)[1], X)
    check_gradients(lambda x: np.multiply(*ExpAndSin()(x)), X)
    check_gradients(lambda x: ExpAndSin()(ExpAndSin()(x)[1])[0], X)


def test_an_unused_output_is_none():
    seen = []

    class Pair(Function):
        def forward(self, x):
            return [2 * x, 3 * x]

        def backward(self, gs):
            seen.append([g is None for g in gs])
            return sum(k * g for k, g in zip((2, 3), gs, strict=True) if g is not None)

    x = Value(X)
    _, second = Pair()(x)
    second.backward()
    first, _ = Pair()(x)
    first.backward()
    assert seen == [[True, False], [False, True]]
    np.testing.assert_array_equal(x.grad, [5, 5, 5])


def test_outputs_used_several_times():
    def f(x):
        a, b = ExpAndSin()(x)
        return a * b + a * a - b

    check_gradients(f, X, order=3, rtol=1e-5, atol=1e-5)


def test_an_output_and_its_gradient_in_one_expression():
    """The second sweep meets the outputs twice: as the first forward made them and as backward read them."""
    x = Value(0.5)
    a, b = ExpAndSin()(x)
    g = gradients(a, x, create_graph=True)
    (a * g + b).backward()
    np.testing.assert_allclose(x.grad, 2 * np.exp(1.0) + np.cos(0.5))
    np.testing.assert_allclose(grad(lambda x: ExpAndSin()(x)[0] * grad(lambda x: ExpAndSin()(x)[0])(x))(0.5), 2 * np.e)


def test_split_used_in_part_twice_and_whole():
    x = Value(np.arange(6.0))
    a, b, _ = np.split(x, 3)
    np.sum(a * a * b).backward()
    np.testing.assert_array_equal(x.grad, [0, 6, 0, 1, 0, 0])


def test_integer_outputs_are_constants():
    class WithPlaces(Function):
        def forward(self, x):
            return x * 2, np.argsort(x)

        def backward(self, gs):
            return 2 * gs[0]

    x = Value(X)
    y, places = WithPlaces()(x)
    assert (y.requires_grad, places.requires_grad) == (True, False)
    np.testing.assert_array_equal(y[places].data, np.sort(2 * X))
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])


def test_several_outputs_of_arrays_and_of_constants():
    assert [type(y) for y in ExpAndSin()(X)] == [np.ndarray, np.ndarray]
    ys = ExpAndSin()(Value(X, requires_grad=False))
    assert [y.requires_grad for y in ys] == [False, False]
    with no_grad():
        assert not any(y.requires_grad for y in ExpAndSin()(Value(X)))


def test_seeds_at_several_outputs():
    x = Value(X)
    ys = ExpAndSin()(x)
    g = gradients(ys, x, [np.ones(3), np.full(3, 2.0)])
    np.testing.assert_allclose(g, np.exp(X) + 2 * np.cos(X))


def test_repr_of_one_output():
    y = np.split(Value(np.ones(4)), 2)[1]
    assert repr(y.created_by).endswith("[1]")
    assert repr(y.created_by).startswith("Split(")


# ---------------------------------------------------------------- the article's form


class ArticleSquare(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        x = self.inputs[0].data
        return 2 * x * gy


class ArticleProduct(Function):
    def forward(self, a, b):
        return a * b

    def backward(self, gy):
        a, b = self.inputs
        return gy * b.data, gy * a.data


class ArticleTanh(Function):
    """Stores what it needs on itself."""

    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, gy):
        return gy * (1 - self.y**2)


class ArticleExp(Function):
    def forward(self, x):
        return np.exp(x)

    def backward(self, gy):
        return gy * self.outputs[0].data


class ArticleLazy(Function):
    """Reads its inputs where the compiler puts them out of sight: in a lambda, in a comprehension, in a helper."""

    def forward(self, a, b):
        return a * b

    def other(self, i):
        return self.inputs[1 - i].data

    def backward(self, gy):
        return tuple((lambda i=i: gy * self.other(i)) for i in range(2))


class ArticleInLambda(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        return lambda: 2 * gy * [x.data for x in self.inputs][0]  # noqa: RUF015


class ArticleWithoutData(Function):
    """Forgets .data: the gradient is a Value."""

    def forward(self, x):
        return x**2

    def backward(self, gy):
        return 2 * gy * self.inputs[0]


ONE_INPUT = [ArticleSquare, ArticleTanh, ArticleExp, ArticleInLambda, ArticleWithoutData]


@pytest.mark.parametrize("function", ONE_INPUT)
def test_the_articles_form_is_right_to_first_order(function):
    check_gradients(lambda x: function()(x), X, order=1)
    check_gradients(lambda x: function()(np.sin(x)) * x, X, order=1)


@pytest.mark.parametrize("function", [ArticleProduct, ArticleLazy])
def test_the_articles_form_with_two_inputs(function):
    check_gradients(lambda a, b: function()(a, b), X, X[::-1], order=1)
    x = Value(X)
    function()(x, 3.0).backward()
    np.testing.assert_array_equal(x.grad, [3, 3, 3])


@pytest.mark.parametrize("function", ONE_INPUT)
def test_the_articles_gradients_are_arrays(function):
    x = Value(X)
    function()(x).backward()
    assert type(x.grad) is np.ndarray


@pytest.mark.parametrize("function", [ArticleSquare, ArticleTanh, ArticleExp, ArticleInLambda])
def test_the_articles_form_refuses_a_second_order_that_would_be_wrong(function):
    for second in (
        lambda: grad(grad(lambda x: function()(x)))(0.5),
        lambda: hessian(lambda x: np.sum(function()(x)))(X),
        lambda: gradients(function()(v := Value(X)), v, create_graph=True),
    ):
        with pytest.raises(RuntimeError, match=rf"{function.__name__}\(\) cannot be differentiated again"):
            second()


def stored_in_a_list(self, x):
    self.saved.append(np.exp(x))
    return self.saved[-1]


def stored_in_a_tuple(self, x):
    self.kept = (x, np.exp(x))
    return self.kept[1]


def stored_in_a_dict(self, x):
    self.table["y"] = np.exp(x)
    return self.table["y"]


def stored_by_a_helper(self, x):
    return self.compute(x)


def stored_by_setattr(self, x):
    setattr(self, "kept", np.exp(x))  # noqa: B010
    return self.kept


def stored_as_a_python_number(self, x):
    self.kept = float(np.exp(x).sum())
    return np.exp(x)


def stored_in_a_closure(self, x):
    y = np.exp(x)
    self.slope = lambda gy: gy * y
    return y


READ = {
    stored_in_a_list: lambda self, gy: gy * self.saved[-1],
    stored_in_a_tuple: lambda self, gy: gy * self.kept[1],
    stored_in_a_dict: lambda self, gy: gy * self.table["y"],
    stored_by_a_helper: lambda self, gy: gy * self.kept,
    stored_by_setattr: lambda self, gy: gy * self.kept,
    stored_as_a_python_number: lambda self, gy: gy * self.kept,
    stored_in_a_closure: lambda self, gy: self.slope(gy),
}


@pytest.mark.parametrize("forward", READ)
def test_a_second_order_is_refused_wherever_the_first_was_stored(forward):
    """Otherwise it is 0, silently."""

    class Stored(Function):
        def __init__(self):
            self.saved, self.table = [], {}

        def compute(self, x):
            self.kept = np.exp(x)
            return self.kept

        backward = READ[forward]

    Stored.forward = forward
    assert grad(lambda x: Stored()(x))(0.5) == np.exp(0.5)
    with pytest.raises(RuntimeError, match=r"Stored\(\) cannot be differentiated again"):
        grad(grad(lambda x: Stored()(x)))(0.5)


def test_what_init_stores_does_not_stand_in_the_way_of_a_second_order():
    class Weighted(Function):
        def __init__(self, weights):
            self.weights = weights

        def forward(self, x):
            return self.weights * x**2

        def backward(self, g, x):
            return 2 * self.weights * x * g

    check_gradients(lambda x: Weighted(np.array([1.0, 2.0, 3.0]))(x), X)


def test_what_the_init_of_a_base_class_stores_does_not_either():
    class Base(Function):
        def __init__(self, weight):
            self.weight = weight

    class Weighted(Base):
        def __init__(self, weight):
            super().__init__(weight)
            self.scale = 2.0

        def forward(self, x):
            return self.scale * self.weight * x**2

        def backward(self, g, x):
            return 2 * self.scale * self.weight * x * g

    check_gradients(lambda x: Weighted(3.0)(x), X)


def test_storing_what_is_piecewise_constant_does_not_either():
    class Masked(Function):
        def forward(self, x):
            self.mask = x > 0.75
            self.shape = x.shape
            return np.where(self.mask, x, 0) ** 2

        def backward(self, g, x):
            return np.where(self.mask, 2 * x * g, 0)

    check_gradients(lambda x: Masked()(x), X)


def test_inputs_are_the_values_that_came_in():
    seen = []

    class Looks(Function):
        def forward(self, a, b, c):
            return a * b * c

        def backward(self, gy):
            seen.extend(self.inputs)
            a, b, c = (x.data for x in self.inputs)
            return gy * b * c, gy * a * c, gy * a * b

    leaf, computed = Value(X), Value(X) * 1
    Looks()(leaf, computed, 2.0).backward()
    assert seen[0] is leaf
    assert seen[1].created_by is computed.created_by
    assert seen[2].item() == 2.0
    assert all(isinstance(x, Value) for x in seen)


def test_a_function_may_be_asked_about_outputs_before_the_sweep():
    y = ArticleExp()(Value(X))
    np.testing.assert_array_equal(y.created_by.outputs[0].data, np.exp(X))
    assert y.created_by.outputs[0].created_by is y.created_by
