"""Elementwise operations: broadcasting of any shapes, and the points where a slope has to be chosen."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import calligrad as cg
from calligrad import Value, grad, gradients, hessian
from calligrad.testing import check_gradients
from tests.cases import NUMPY

# ---------------------------------------------------------------- broadcasting

BINARY = [np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum]


def numbers(shape, offset):
    """Positive numbers, none of which a number of another offset equals."""
    return 0.6 + 0.37 * offset + (np.arange(math.prod(shape)) * 0.619 % 1).reshape(shape)


@given(st.sampled_from(BINARY), mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0))
def test_any_two_shapes_that_broadcast(ufunc, shapes):
    a, b = (numbers(shape, i) for i, shape in enumerate(shapes.input_shapes))
    va, vb = Value(a), Value(b)
    y = ufunc(va, vb)
    np.testing.assert_array_equal(y.data, ufunc(a, b), strict=True)
    g = np.cos(np.arange(1.0, y.size + 1)).reshape(y.shape)
    y.grad = g
    y.backward()

    # Against the same without broadcasting, summed by hand.
    whole = [Value(np.broadcast_to(x, y.shape).copy()) for x in (a, b)]
    z = ufunc(*whole)
    z.grad = g
    z.backward()
    for v, w in zip((va, vb), whole, strict=True):
        np.testing.assert_allclose(v.grad, summed(w.grad, v.shape), rtol=1e-12, atol=1e-12)


def summed(g, shape):
    """``g`` summed down to ``shape``, number by number."""
    total = np.zeros(shape)
    for place in np.ndindex(g.shape):
        own = [i if n > 1 else 0 for i, n in zip(place[len(place) - len(shape) :], shape, strict=True)]
        total[tuple(own)] += g[place]
    return total


@given(mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3))
def test_any_three_shapes_that_broadcast(shapes):
    c, a, b = (numbers(shape, i) for i, shape in enumerate(shapes.input_shapes))
    check_gradients(lambda a, b: np.where(c > 0.9, a, b), a, b, order=1)
    check_gradients(lambda x, lo, hi: np.clip(x, lo - 0.9, hi + 0.2), c, a, b, order=1)


# ---------------------------------------------------------------- ties, bounds and zeros


@pytest.mark.parametrize("f", [np.maximum, np.minimum])
def test_equal_numbers_share_evenly(f):
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    ga, gb = grad(lambda a, b: np.sum(f(a, b) * np.array([1.0, 10.0, 100.0])), (0, 1))(a, b)
    wins = f(a, b) == a
    np.testing.assert_array_equal(ga[[0, 2]], (wins * [1.0, 10.0, 100.0])[[0, 2]])
    assert (ga[1], gb[1]) == (5, 5)
    np.testing.assert_array_equal(ga + gb, [1, 10, 100])


def test_a_number_against_itself_keeps_its_whole_gradient():
    x = Value(np.array([1.0, 2.0]))
    np.maximum(x, x).backward()
    np.testing.assert_array_equal(x.grad, [1, 1])


def test_abs_at_0_has_slope_0():
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.abs(x)))(np.array([-2.0, -0.0, 0.0, 3.0])), [-1, 0, 0, 1])


def test_relu_at_0_has_slope_0():
    np.testing.assert_array_equal(grad(lambda x: np.sum(cg.relu(x)))(np.array([-1.0, -0.0, 0.0, 2.0])), [0, 0, 0, 1])


def test_clip_on_its_bounds_gives_the_gradient_to_x():
    f = lambda x, lo, hi: np.sum(np.clip(x, lo, hi))
    gx, glo, ghi = grad(f, (0, 1, 2))(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), -1.0, 1.0)
    np.testing.assert_array_equal(gx, [0, 1, 1, 1, 0])
    assert (glo, ghi) == (1, 1)


def test_clip_with_crossed_bounds_is_the_upper_bound():
    f = lambda x, lo, hi: np.sum(np.clip(x, lo, hi))
    gx, glo, ghi = grad(f, (0, 1, 2))(np.array([-2.0, 0.0, 2.0]), 1.0, -1.0)
    np.testing.assert_array_equal(gx, [0, 0, 0])
    assert (glo, ghi) == (0, 3)


@pytest.mark.parametrize("wrap", [lambda b: b, np.array, lambda b: Value(b, requires_grad=False)])
@pytest.mark.parametrize(("b", "slopes"), [(0.0, [0, 0, 0]), (1.0, [1, 0, 0]), (2.0, [0, 2, 0]), (3.0, [0, 0, 6])])
def test_whole_powers_of_0(b, slopes, wrap):
    """At a = 0: to first, second and third order, without warnings."""
    f = lambda a: a ** wrap(b)
    for slope in slopes:
        f = grad(f)
        assert f(0.0) == slope


def test_power_0_of_anything_has_slope_0():
    a = np.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(grad(lambda a: np.sum(a**0))(a), [0, 0, 0])
    np.testing.assert_array_equal(grad(lambda a: np.sum(a ** np.zeros(3)))(a), [0, 0, 0])


def test_slope_in_the_exponent():
    ga, gb = grad(lambda a, b: np.sum(a**b), (0, 1))(np.array([0.0, 0.0, 2.0]), np.array([0.0, 2.0, 3.0]))
    np.testing.assert_allclose(ga, [0, 0, 12])
    np.testing.assert_allclose(gb, [0, 0, 8 * math.log(2)])


def test_negative_numbers_to_whole_powers():
    a = np.array([-2.0, -0.5])
    np.testing.assert_allclose(grad(lambda a: np.sum(a**3))(a), 3 * a**2)
    np.testing.assert_allclose(grad(lambda a: np.sum(a**-1.0))(a), -(a**-2.0))


def test_squares_are_exact():
    """``x ** 2`` is ``np.square``, as in NumPy, and not ``pow``."""
    x = np.random.default_rng(0).standard_normal(1000)
    np.testing.assert_array_equal((Value(x) ** 2).data, x**2)
    np.testing.assert_array_equal((Value(x) ** 2.0).data, x**2)


def test_remainder_of_negative_numbers():
    a, b = np.array([-5.3, 5.3]), np.array([2.1, -2.1])
    np.testing.assert_array_equal((Value(a) % Value(b)).data, a % b)
    check_gradients(np.remainder, a, b)


def test_where_gives_the_gradient_to_what_was_taken():
    """Even where the other would be infinite: the other's own gradient is the user's to mask."""
    x = Value(np.array([0.0, 1.0, 4.0]))
    safe = np.where(x.data > 0, x, 1.0)
    np.sum(np.where(x.data > 0, np.sqrt(safe), 0.0)).backward()
    np.testing.assert_array_equal(x.grad, [0, 0.5, 0.25])


def test_where_with_the_condition_alone_gives_places():
    x = np.array([0.0, 1.0, 2.0])
    np.testing.assert_array_equal(np.where(Value(x))[0], np.where(x)[0])


def test_where_by_a_value():
    c = Value(np.array([1.0, 0.0]))
    a, b = Value(np.array([1.0, 2.0])), Value(np.array([3.0, 4.0]))
    y = np.where(c, a, b)
    np.testing.assert_array_equal(y.data, [1, 4])
    y.backward()
    assert c.grad is None
    np.testing.assert_array_equal(a.grad, [1, 0])
    g = gradients(np.where(c, a * a, b), a, create_graph=True)
    np.testing.assert_array_equal(gradients(g, a), [2, 0])


@pytest.mark.parametrize("n", [4, 10_000])
def test_what_was_not_taken_gets_0_even_of_an_infinite_gradient(n):
    """Not inf · 0, which is NaN; for few numbers and for many."""
    x = np.linspace(-1, 1, n)
    for f in (cg.relu, lambda x: np.where(x.data > 0, x, 0), lambda x: np.maximum(x, 0), lambda x: np.clip(x, 0, 2)):
        v = Value(x)
        y = f(v)
        y.grad = np.full(n, np.inf)
        y.backward()
        np.testing.assert_array_equal(v.grad, np.where(x > 0, np.inf, 0))


@pytest.mark.parametrize("f", [cg.relu, np.abs, lambda x: np.clip(x, -1, 1), lambda x: np.where(x > 0, x, 0), np.max])
def test_large_arrays_go_the_same_way_as_small_ones(f):
    x = np.linspace(-3, 2.9, 9_000)
    whole, v = grad(lambda x: np.sum(f(x)))(x), Value(x)
    if f is not np.max:
        np.sum(np.stack([np.sum(f(part)) for part in np.split(v, 900)])).backward()
        np.testing.assert_array_equal(whole, v.grad)
    check_gradients(f, x, order=1, rtol=1e-4)


# ---------------------------------------------------------------- far out


def test_sigmoid_far_out_without_warnings():
    x = np.array([-1e300, -1000.0, -40.0, 0.0, 40.0, 1000.0, 1e300])
    np.testing.assert_allclose(cg.sigmoid(x), [0, 0, np.exp(-40), 0.5, 1, 1, 1], rtol=1e-15)
    np.testing.assert_allclose(
        grad(lambda x: np.sum(cg.sigmoid(x)))(x), [0, 0, np.exp(-40), 0.25, 0, 0, 0], rtol=1e-15, atol=1e-15
    )
    np.testing.assert_array_equal(cg.sigmoid(np.array([-np.inf, np.inf])), [0, 1])
    assert np.isnan(cg.sigmoid(np.nan))
    for dtype in ("f2", "f4"):
        far = np.array([-6e4, 6e4], dtype)
        np.testing.assert_array_equal(cg.sigmoid(far), np.array([0, 1], dtype), strict=True)


def test_tanh_gelu_and_relu_far_out_without_warnings():
    x = np.array([-1e3, -50.0, 50.0, 1e3])
    for f, slopes in ((np.tanh, [0, 0, 0, 0]), (cg.gelu, [0, 0, 1, 1]), (cg.relu, [0, 0, 1, 1])):
        np.testing.assert_allclose(grad(lambda x, f=f: np.sum(f(x)))(x), slopes, atol=1e-15)
    np.testing.assert_allclose(cg.gelu(x), [0, 0, 50, 1000])
    np.testing.assert_allclose(cg.gelu(x, "tanh"), [0, 0, 50, 1000])
    np.testing.assert_array_equal(cg.relu(np.array([-np.inf, np.inf])), [0, np.inf])


def test_nan_passes_through():
    for f in (np.exp, np.tanh, cg.relu, cg.gelu, cg.sigmoid, np.square, np.abs):
        assert np.isnan(f(Value(np.nan)).item())


# ---------------------------------------------------------------- NumPy's other spellings


def test_aliases_of_ufuncs():
    x = Value(np.array([0.5, 2.0]))
    assert type(np.abs(x).created_by).__name__ == "Absolute"
    assert type(np.true_divide(x, 2).created_by).__name__ == "Divide"
    assert type(np.mod(x, 2).created_by).__name__ == "Remainder"
    assert type(np.pow(x, 2).created_by).__name__ == "Power"
    assert type(np.atan(x).created_by).__name__ == "Arctan"


def test_out_none_is_no_out():
    x = Value(np.ones(2))
    assert np.add(x, 1, out=None).requires_grad
    assert np.sum(x, out=None).requires_grad


def test_a_bound_left_out_of_clip_is_no_number():
    """Filled with an infinite one, flags would be clipped as flags and complex numbers lose their imaginary part."""
    np.testing.assert_array_equal(np.clip(np.array([True, False]), Value([0.5, 3.0]), None).data, [1, 3])
    z = np.array([np.inf + 1j, -np.inf - 1j])
    for bounds in ((0, None), (None, 0)):
        np.testing.assert_array_equal(np.clip(Value(z), *bounds).data, np.clip(z, *bounds))
    for keywords in ({}, {"dtype": np.float64}):
        glo, gx = grad(lambda lo, x, kw=keywords: np.sum(np.clip(x, lo, None, **kw)), (0, 1))(
            1.0, np.array([0.0, 1.0, 2.0])
        )
        assert glo == 1
        np.testing.assert_array_equal(gx, [0, 1, 1])


@pytest.mark.skipif(NUMPY < "2.1.0", reason="min= and max= are from NumPy 2.1")
def test_the_bounds_of_clip_are_given_once():
    for x in (np.ones(2), Value(np.ones(2))):
        for args, keywords, error in (
            ((0,), {}, TypeError),
            ((0,), {"min": 1}, TypeError),
            ((0, 1), {"max": 1}, ValueError),
        ):
            with pytest.raises(error):
                np.clip(x, *args, **keywords)


def test_a_mask_leaves_numbers_weak():
    """A Python number must not widen float32, with where= as without."""
    mask = np.array([True, False, True])
    for dtype in ("f2", "f4"):
        x = np.ones(3, dtype)
        for f in (lambda x: np.add(x, 1.0, where=mask, out=None), lambda x: np.power(x, 2, where=mask, out=None)):
            assert f(Value(x)).dtype == dtype


@pytest.mark.parametrize(
    ("f", "points"),
    [
        (np.arcsin, [2 + 0j, -2 + 0j, complex(2, -0.0), complex(-2, -0.0)]),
        (np.arccos, [2 + 0j, -2 + 0j, complex(2, -0.0), complex(-2, -0.0)]),
        (np.arccosh, [0.5 + 0j, -2 + 0j, complex(0.5, -0.0), complex(-2, -0.0)]),
        (np.arcsinh, [2j, -2j, complex(-0.0, 2), complex(-0.0, -2)]),
        (np.arctanh, [2 + 0j, -2 + 0j, complex(2, -0.0), complex(-2, -0.0)]),
    ],
)
def test_on_a_cut_the_slope_is_that_of_the_side_that_the_sign_of_zero_says(f, points):
    for z in points:
        near = z + 1e-9 * complex(math.copysign(z.real == 0, z.real), math.copysign(z.imag == 0, z.imag))
        for part in (np.real, np.imag):
            slope = grad(lambda z, part=part: part(f(z)))
            np.testing.assert_allclose(slope(z), slope(near), rtol=1e-7, atol=1e-8)


def test_arcsinh_of_numbers_whose_square_overflows():
    assert grad(np.arcsinh)(1e200) == 1e-200
    np.testing.assert_allclose(grad(np.arcsinh)(np.float16(-300)), 1 / 300, rtol=1e-3)
    np.testing.assert_allclose(grad(lambda z: np.real(np.arcsinh(z)))(1e200 + 1e200j), 0.5e-200 + 0.5e-200j, rtol=1e-12)
    assert grad(grad(np.arcsinh))(1e200) == 0


@pytest.mark.parametrize("f", [np.hypot, np.arctan2])
def test_at_the_origin_the_second_derivatives_are_0_as_well(f):
    np.testing.assert_array_equal(hessian(lambda v: f(v[0], v[1]))(np.zeros(2)), np.zeros((2, 2)))


def test_clip_writes_into_a_value():
    def f(x, y):
        z = 2 * y
        np.clip(x, -1, 1, z[:2])
        return np.clip(x, -1, 1, where=x > 0, out=z[1:3].copy()) * z[1:]

    x, y = np.array([-0.5, 3.0]), np.array([1.0, 4.0, 5.0])
    np.testing.assert_array_equal(f(Value(x), Value(y)).data, f(x, y))
    check_gradients(f, x, y)
    with pytest.raises(TypeError, match="cannot write a Value into the array"):
        np.clip(Value(x), -1, 1, out=np.ones(2))
