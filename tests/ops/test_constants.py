"""Functions whose results are constants: they give NumPy's own results, without a Value in them."""

import io
import operator

import numpy as np
import pytest

from calligrad import Value
from calligrad.nests import leaves
from tests.cases import HAVE_SCIPY

X = np.array([[1.5, -2.0, 0.0], [3.0, -2.0, 7.25]])
Y = np.array([[1.5, 2.0, 0.0], [2.0, -3.0, 7.5]])
N = np.array([5, 2, 7])
M = np.array([3, 2, 1])


def saved(save, x):
    """What the function writes for ``x``, without the time of day that an archive holds."""
    file = io.BytesIO()
    save(file, x)
    file.seek(0)
    if save is np.savetxt:
        return np.loadtxt(file)
    return np.load(file) if save is np.save else np.load(file)["arr_0"]


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
    **{f"np.logical_{name}.{method}": (getattr(getattr(np, f"logical_{name}"), method), X)
       for name in ("and", "or", "xor") for method in ("reduce", "accumulate")},
    **{f"np.bitwise_{name}.{method}": (getattr(getattr(np, f"bitwise_{name}"), method), N)
       for name in ("and", "or", "xor") for method in ("reduce", "accumulate")},
    "np.can_cast": (np.can_cast, np.float32, np.float64),
    "np.argpartition": (np.argpartition, X[0], 1),
    "np.searchsorted": (np.searchsorted, np.sort(X[0]), Y),
    "np.digitize": (np.digitize, X, np.sort(Y[0])),
    "np.lexsort": (np.lexsort, X),
    "np.linalg.matrix_rank": (np.linalg.matrix_rank, X),
    "np.einsum_path": (np.einsum_path, "ij,ij", X, Y),
    **{f"np.{name}": (getattr(np, name), X[:, :2]) for name in (
        "diag_indices_from", "tril_indices_from", "triu_indices_from", "array2string", "array_repr", "array_str",
    )},
    "np.ravel_multi_index": (np.ravel_multi_index, (M, N), (4, 8)),
    "np.unravel_index": (np.unravel_index, N, (4, 8)),
    "np.packbits": (np.packbits, M),
    "np.unpackbits": (np.unpackbits, M.astype(np.uint8)),
    "np.shares_memory": (np.shares_memory, X, X[0]),
    "np.may_share_memory": (np.may_share_memory, X, Y),
    **{f"np.{name}": (saved, getattr(np, name), X) for name in ("save", "savez", "savez_compressed", "savetxt")},
}  # fmt: skip
if in1d := getattr(np, "in1d", None):  # in older versions
    CONSTANTS["np.in1d"] = (in1d, X, Y)
if HAVE_SCIPY:
    from scipy import special

    CONSTANTS |= {f"scipy.special.{name}": (getattr(special, name), X) for name in ("gammasgn", "round")}


def as_values(args):
    return [Value(x) if isinstance(x, np.ndarray) else x for x in args]


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated", "ignore:`in1d` is deprecated")
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
