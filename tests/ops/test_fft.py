"""Fourier transforms: dtypes, errors, and what they are for."""

import warnings

import numpy as np
import pytest

from calligrad import Value, grad, vjp

LINES = [getattr(np.fft, name) for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")]
GRIDS = [getattr(np.fft, f"{name}{n}") for name in ("fft", "ifft", "rfft", "irfft") for n in "2n"]
ALL = [*LINES, *GRIDS]
PRECISIONS = [("f4", "f8"), ("c8", "c16")]
by_name = {"ids": lambda f: f.__name__}


@pytest.mark.parametrize("f", ALL, **by_name)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "?"])
def test_dtypes_are_numpys(f, dtype):
    x = np.arange(12).reshape(3, 4).astype(dtype)
    y, expected = f(Value(x)), f(x)
    np.testing.assert_array_equal(y.data, expected, strict=True)
    if x.dtype.kind == "f":
        (gx,) = vjp(f, x)[1](np.ones_like(expected))
        assert (gx.dtype, gx.shape) == (x.dtype, x.shape)


@pytest.mark.parametrize("f", ALL, **by_name)
def test_single_precision_is_kept_in_both_directions(f):
    numbers = np.random.default_rng(0).standard_normal((3, 4))
    for single, exact in [("f4", "f8")] if f.__name__ in ("rfft", "ihfft", "rfft2", "rfftn") else PRECISIONS:
        x = numbers.astype(single)
        y, pull = vjp(f, x)
        double, pull_double = vjp(f, x.astype(exact))
        assert y.dtype.itemsize * 2 == double.dtype.itemsize
        (gx,), (expected,) = pull(np.ones_like(y)), pull_double(np.ones_like(double))
        assert gx.dtype == x.dtype
        np.testing.assert_allclose(gx, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("f", ALL, **by_name)
@pytest.mark.parametrize(
    "wrong",
    [
        lambda f, x: f(x[:0]),
        lambda f, x: f(x, norm="orthogonal"),
        lambda f, x: f(x, **{"axis" if f in LINES else "axes": 7 if f in LINES else (7, 1)}),
        lambda f, x: f(x, **{"n": 0} if f in LINES else {"s": (0, 0), "axes": (0, 1)}),
        lambda f, x: f(x, **{"n": "a"} if f in LINES else {"s": (1, 2, 3), "axes": (0, 1)}),
        lambda f, x: f(x, size=3),
    ],
    ids=["no numbers", "no such norm", "no such axis", "length 0", "odd lengths", "no such keyword"],
)
def test_wrong_arguments_raise_numpys_error(f, wrong):
    x = np.ones((3, 4))
    try:
        wrong(f, x)
    except Exception as error:
        with pytest.raises(type(error)):
            wrong(f, Value(x))
    else:
        np.testing.assert_array_equal(wrong(f, Value(x)).data, wrong(f, x))


@pytest.mark.parametrize("f", GRIDS, **by_name)
def test_lengths_without_axes_are_deprecated_as_in_numpy(f):
    if f.__name__.endswith("2"):  # they have two axes unless told otherwise
        return
    x = np.ones((2, 3, 4))
    with pytest.warns(DeprecationWarning, match="`axes` should not be `None`"):
        y = f(Value(x), s=(2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(y.data, f(x, s=(2, 2)))
    np.sum(np.real(y)).backward()


@pytest.mark.parametrize("f", ALL, **by_name)
def test_out_is_refused(f):
    y = f(np.ones((3, 4)))
    with pytest.raises(TypeError, match=r"does not take out|cannot write"):
        f(Value(np.ones((3, 4))), out=np.empty_like(y))


@pytest.mark.parametrize("f", GRIDS, **by_name)
def test_an_axis_taken_twice_is_refused(f):
    with pytest.raises(NotImplementedError, match="takes each axis once"):
        f(Value(np.ones((3, 4))), axes=(0, -2))


def test_the_gradient_of_the_power_spectrum_is_the_signal():
    """Parseval: the sum of |fft(x)|² is n times that of x²."""
    x = np.random.default_rng(0).standard_normal(12)
    np.testing.assert_allclose(grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(x), 24 * x)


def test_imaginary_parts_that_numpy_ignores_get_no_gradient():
    """The mean of real numbers is real, and so is, for an even number of them, their fastest oscillation."""
    v = Value(np.ones(4) + 1j)
    np.sum(np.fft.irfft(v) * np.arange(6.0)).backward()
    np.testing.assert_array_equal(v.grad.imag[[0, -1]], 0)
    assert np.all(v.grad.imag[1:-1] != 0)


def test_frequencies_differentiate_in_the_spacing():
    for frequencies in (np.fft.fftfreq, np.fft.rfftfreq):
        slope = grad(lambda d, f=frequencies: np.sum(f(5, d) * np.arange(f(5).size)))(0.5)
        np.testing.assert_allclose(slope, -np.sum(frequencies(5) * np.arange(frequencies(5).size)) / 0.25)
