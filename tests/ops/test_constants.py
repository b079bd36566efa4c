"""Functions whose results are constants: they give NumPy's own results, without a Value in them."""

import operator

import numpy as np
import pytest

from calligrad import Value
from calligrad.nests import leaves

X = np.array([[1.5, -2.0, 0.0], [3.0, -2.0, 7.25]])
Y = np.array([[1.5, 2.0, 0.0], [2.0, -3.0, 7.5]])
N = np.array([5, 2, 7])
M = np.array([3, 2, 1])

# name -> the function and arguments; whichever are arrays are passed as Values too
CONSTANTS = {
    **{f"np.{name}": (getattr(np, name), X, Y) for name in (
        "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or",
        "logical_xor", "allclose", "isclose", "array_equal", "array_equiv", "isin", "result_type", "common_type",
    )},
    **{f"np.{name}": (getattr(np, name), X) for name in (
        "isfinite", "isinf", "isnan", "isposinf", "isneginf", "signbit", "iscomplex", "isreal", "logical_not",
        "all", "any", "iscomplexobj", "isrealobj", "shape", "ndim", "size", "min_scalar_type",
        "argmax", "argmin", "nanargmax", "nanargmin", "argsort", "argwhere", "nonzero", "flatnonzero",
        "count_nonzero", "floor", "ceil", "trunc", "rint", "round", "around", "fix", "sign",
    )},
    **{f"np.{name}": (getattr(np, name), N, M) for name in (
        "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "gcd", "lcm",
    )},
    "np.floor_divide": (np.floor_divide, X, Y + 9),
    "np.bitwise_count": (np.bitwise_count, N),
    "np.invert": (np.invert, N),
    "np.spacing": (np.spacing, X),
    "np.logical_and.reduce": (np.logical_and.reduce, X),
    "np.logical_or.reduce": (np.logical_or.reduce, X),
    "np.can_cast": (np.can_cast, np.float32, np.float64),
    "np.argpartition": (np.argpartition, X[0], 1),
    "np.searchsorted": (np.searchsorted, np.sort(X[0]), Y),
    "np.digitize": (np.digitize, X, np.sort(Y[0])),
    "np.lexsort": (np.lexsort, X),
}  # fmt: skip


def as_values(args):
    return [Value(x) if isinstance(x, np.ndarray) else x for x in args]


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")
@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_equal_numpys(name):
    f, *args = CONSTANTS[name]
    got, expected = leaves(f(*as_values(args))), leaves(f(*args))
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert not isinstance(a, Value)
        assert type(a) is type(b)
        if isinstance(b, (np.ndarray, np.generic)):
            np.testing.assert_array_equal(a, b, strict=True)
        else:
            assert a == b


@pytest.mark.parametrize("name", ["np.argmax", "np.argmin", "np.all", "np.any", "np.count_nonzero"])
@pytest.mark.parametrize("keywords", [{"axis": 1}, {"axis": 0, "keepdims": True}])
def test_keywords_pass_through(name, keywords):
    f, *args = CONSTANTS[name]
    np.testing.assert_array_equal(f(*as_values(args), **keywords), f(*args, **keywords), strict=True)


COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
INTEGER_OPERATORS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift, operator.floordiv]


@pytest.mark.parametrize("compare", COMPARISONS)
def test_comparisons_give_plain_arrays(compare):
    for a, b in ((X, Y), (X, 1.5), (1.5, X)):
        expected = compare(a, b)
        for got in (compare(Value(a), b), compare(a, Value(b)), compare(Value(a), Value(b))):
            assert type(got) is np.ndarray
            np.testing.assert_array_equal(got, expected, strict=True)


@pytest.mark.parametrize("operate", INTEGER_OPERATORS)
def test_integer_operators(operate):
    for got in (operate(Value(N), M), operate(N, Value(M)), operate(Value(N), Value(M))):
        np.testing.assert_array_equal(got, operate(N, M), strict=True)


def test_steps_have_gradient_zero():
    x = Value(X)
    (np.sum(x * np.floor(x)) + np.sum(np.round(x) + np.sign(x) * 0)).backward()
    np.testing.assert_array_equal(x.grad, np.floor(X))


def test_masks_select():
    x = Value(X)
    np.sum(np.where(x > 0, x, 0)).backward()
    np.testing.assert_array_equal(x.grad, X > 0)


@pytest.mark.parametrize("func", [np.zeros_like, np.ones_like, np.empty_like, lambda x: np.full_like(x, 3)])
def test_an_array_like_a_value_is_a_constant_value_that_can_be_written_into(func):
    x = Value(np.array([1.0, 2.0, 3.0], np.float32))
    y = func(x)
    assert isinstance(y, Value)
    assert not y.requires_grad
    assert y.dtype == x.dtype
    for i in range(3):
        y[i] = x[i] ** 2
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, [2, 4, 6])
