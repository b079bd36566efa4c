"""exp and its kin in kernels: near the truth for any number, as NumPy at the ends, and in whole registers."""

import math
import re
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
import pytest

pytest.importorskip("numba")

import numba
from llvmlite import binding

from calligrad.kernels import math as functions
from calligrad.kernels import series, vectors
from tests.kernels.callable import function

NAMES = [
    "exp",
    "exp2",
    "expm1",
    "tanh",
    "sinh",
    "cosh",
    "sigmoid",
    "log",
    "log1p",
    "log2",
    "log10",
    "erf",
    "sin",
    "cos",
]
ULPS = {np.float32: 2, np.float64: 4}
ENDS = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-40, -1e-40, 5e-324, -5e-324, 3e38, -3e38, 1e300, -1e300]
ENDS += [88.7, 88.8, 89.4, 89.5, -87.5, -103.9, -104.0, 709.7, 709.8, 710.4, 710.5, -708.5, -745.1, -745.2]

numpy_raises_no_flags = np.errstate(all="ignore")


def exact(name, x):
    """What NumPy says, for the two that it lacks too."""
    if name == "sigmoid":
        small = np.exp(-np.abs(x))
        return np.where(x < 0, small, 1) / (1 + small) + 0 * np.where(np.isnan(x), x, 0)
    if name == "erf":
        return np.vectorize(math.erf, [np.float64])(x)
    return getattr(np, name)(x)


@cache
def loop(name):
    """A kernel that calls the function for each number."""
    f = function(getattr(functions, name))

    @numba.njit(error_model="numpy", fastmath={"contract"})
    def kernel(x, y):
        for i in range(x.size):
            y[i] = f(x[i])

    return kernel


def applied(kernel, *x):
    y = np.empty_like(x[0])
    kernel(*x, y)
    return y


def distance(y, true):
    """In units of the last place of y; the overflow and the underflow, NaN and signed zeros are to be the same."""
    rounded = true.astype(y.dtype)
    same = (y == rounded) & (np.signbit(y) == np.signbit(rounded)) | np.isnan(y) & np.isnan(rounded)
    with np.errstate(all="ignore"):
        ulps = np.abs(y - true) / np.spacing(np.abs(rounded)).astype(true.dtype)
    return np.where(same, 0, np.where(np.isfinite(ulps), ulps, np.inf))


@pytest.mark.parametrize("name", NAMES)
@numpy_raises_no_flags
def test_float32_of_every_kind(name):
    x = np.arange(0, 2**32, 49_999, dtype=np.uint64).astype(np.uint32).view(np.float32)
    assert distance(applied(loop(name), x), exact(name, x.astype(np.float64))).max() <= 2


def samples():
    rng = np.random.default_rng(0)
    anything = rng.integers(0, 2**64, 5_000, dtype=np.uint64).view(np.float64)
    return np.concatenate([anything, *(scale * rng.standard_normal(5_000) for scale in (1e-6, 1, 20, 300))])


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="long double is no longer than double here")
@pytest.mark.parametrize("name", [name for name in NAMES if name != "erf"])
@numpy_raises_no_flags
def test_float64_against_more_digits(name):
    x = samples()
    assert distance(applied(loop(name), x), exact(name, x.astype(np.longdouble))).max() <= 4


def test_erf_in_float64_against_its_series():
    x = np.linspace(0, 6.5, 300)
    y = applied(loop("erf"), x)
    with localcontext() as context:
        context.prec = 60
        true = [1 - series.erfc(Decimal(v)) for v in x]
        assert max(abs(Decimal(a) - b) / Decimal(np.spacing(a)) for a, b in zip(y, true)) <= 4
    np.testing.assert_array_equal(applied(loop("erf"), -x), -y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
@numpy_raises_no_flags
def test_the_ends(name, dtype):
    x = np.array(ENDS).astype(dtype)
    y, expected = applied(loop(name), x), exact(name, x).astype(dtype)
    finite = np.isfinite(expected) & (expected != 0)
    np.testing.assert_array_equal(y[~finite], expected[~finite])
    np.testing.assert_array_equal(np.signbit(y[~np.isnan(y)]), np.signbit(expected[~np.isnan(y)]))
    assert np.all(np.abs(y[finite] - expected[finite]) <= 2 * ULPS[dtype] * np.spacing(np.abs(expected[finite])))


# float64 numbers that come near to multiples of pi / 2, or are large, with sine and cosine
ANGLES = [
    (11.0, "-0.999990206550703457051564899025522", "0.00442569798805078574835502472394157"),
    (1e22, "-0.852200849767188801772705893753029", "0.523214785395138945497594473384709"),
    (6381956970095103 * 2.0**797, "0.999999999999999999999999999999999", "-4.68716592425462761112258280196388e-19"),
    (1.7976931348623157e308, "0.00496195478918406179050267119707471", "-0.999987689426559937464870066306934"),
]


@pytest.mark.parametrize(("x", "sine", "cosine"), ANGLES)
def test_sine_and_cosine_of_large_angles(x, sine, cosine):
    for name, true in (("sin", sine), ("cos", cosine)):
        y = applied(loop(name), np.array([x]))[0]
        assert abs(Decimal(y) - Decimal(true)) <= 4 * Decimal(np.spacing(abs(y)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@numpy_raises_no_flags
def test_power(dtype):
    power = function(functions.power)

    @numba.njit(error_model="numpy")
    def kernel(x, y, z):
        for i in range(x.size):
            z[i] = power(x[i], y[i])

    rng = np.random.default_rng(0)
    ends = np.array([*ENDS[:15], 2, -2, 0.5, -0.5, 3, -3, 2.5, 2**53 - 1, 1e17]).astype(dtype)
    bases, exponents = (part.ravel() for part in np.meshgrid(ends, ends))
    z = applied(kernel, bases, exponents)
    expected = np.power(bases, exponents)
    np.testing.assert_allclose(z, expected, rtol=4 * np.finfo(dtype).eps, atol=0)
    np.testing.assert_array_equal(np.signbit(z[~np.isnan(z)]), np.signbit(expected[~np.isnan(z)]))

    longer = np.longdouble if dtype == np.float64 else np.float64
    if np.finfo(longer).nmant > np.finfo(dtype).nmant + 10:
        x, y = np.exp(rng.uniform(-80, 80, 20_000)).astype(dtype), rng.uniform(-8, 8, 20_000).astype(dtype)
        true = np.power(x.astype(longer), y.astype(longer))
        assert distance(applied(kernel, x, y), true).max() <= ULPS[dtype]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
@numpy_raises_no_flags
def test_vectors_give_the_same_bits(name, dtype):
    f, kind = function(getattr(functions, name)), numba.from_dtype(np.dtype(dtype))

    @numba.njit(error_model="numpy")
    def kernel(x, y, n):
        p, q = vectors.pointer(x, kind), vectors.pointer(y, kind)
        for i in range(0, n, vectors.width(p)):
            vectors.store(q, i, f(vectors.load(p, i)))

    x = np.resize(np.concatenate([ENDS, np.linspace(-30, 30, 400)]).astype(dtype), 448)
    y = np.empty_like(x)
    kernel(x.ctypes.data, y.ctypes.data, x.size)
    np.testing.assert_array_equal(y.view(np.uint8), applied(loop(name), x).view(np.uint8))


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "erf", "sin"])
def test_loops_become_vectors(name):
    kernel = loop(name)
    applied(kernel, np.ones(3, np.float32))
    code = next(text for types, text in kernel.inspect_asm().items() if types[0].dtype == numba.float32)
    assert "expf" not in code
    if binding.get_host_cpu_features().get("fma"):
        assert re.search(r"vfn?m(add|sub)\w+p[sd]\s", code)


@pytest.mark.parametrize("name", NAMES)
@numpy_raises_no_flags
def test_the_flags_of_a_kernel_do_not_touch_them(name):
    f = function(getattr(functions, name))

    @numba.njit(error_model="numpy", fastmath={"reassoc", "arcp"})
    def kernel(x, y):
        for i in range(x.size):
            y[i] = f(x[i])

    x = np.concatenate([ENDS, np.linspace(-90, 90, 1001)]).astype(np.float32)
    np.testing.assert_array_equal(applied(kernel, x), applied(loop(name), x))


def test_they_refuse_ints():
    f = function(functions.exp)
    with pytest.raises(numba.core.errors.TypingError):
        numba.njit(lambda x: f(x))(1)
