"""Clipping by norm and by value."""

import math

import numpy as np
import pytest

from calligrad import Value, optim

RNG = np.random.default_rng(0)


def with_gradients(*gradients, dtype=np.float64):
    values = [Value(np.zeros(np.shape(g), dtype)) for g in gradients]
    for value, g in zip(values, gradients, strict=True):
        value.grad = np.array(g, dtype)
    return values


@pytest.mark.parametrize("order", [1, 2, 2.0, 3, 0.5, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_norm_is_that_of_one_long_vector(order, dtype):
    gradients = [RNG.standard_normal(shape) for shape in [(), (3,), (2, 0), (4, 5)]]
    params = with_gradients(*gradients, dtype=dtype)
    expected = np.linalg.norm(np.concatenate([g.ravel() for g in gradients]), order)
    total = optim.clip_grad_norm_(params, 0.5 * expected, order)
    assert total == pytest.approx(expected, rel=1e-6)
    for p, g in zip(params, gradients, strict=True):
        assert p.grad.dtype == dtype
        np.testing.assert_allclose(p.grad, 0.5 * expected / (expected + 1e-6) * g, rtol=1e-5)


def test_small_gradients_are_left_alone():
    (p,) = with_gradients([0.3, 0.4])
    g = p.grad
    assert optim.clip_grad_norm_(p, 1.0) == 0.5
    assert p.grad is g
    np.testing.assert_array_equal(g, [0.3, 0.4])


def test_parameters_without_a_gradient_and_given_twice():
    a, b = with_gradients([3.0, 4.0], [0.0])
    assert optim.clip_grad_norm_([Value(1.0)], 1.0) == 0.0
    b.grad = None
    assert optim.clip_grad_norm_(iter([a, b, a]), 1.0) == 5.0
    np.testing.assert_allclose(a.grad, [0.6, 0.8], rtol=1e-6)
    assert b.grad is None


@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_float32_neither_overflows_nor_vanishes(scale):
    (p,) = with_gradients(np.full(4, scale), dtype=np.float32)
    assert optim.clip_grad_norm_(p, 1.0) == pytest.approx(2 * scale, rel=1e-6)


def test_what_is_not_finite():
    a, b = with_gradients([1.0, np.nan], [2.0])
    with pytest.raises(RuntimeError, match="is nan, so"):
        optim.clip_grad_norm_([a, b], 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(b.grad, [2.0])
    assert math.isnan(optim.clip_grad_norm_([a, b], 1.0))
    assert np.isnan(b.grad)


def test_values():
    a, b = with_gradients([-3.0, 0.5, 3.0], 2.0, dtype=np.float32)
    optim.clip_grad_value_([a, b], 1)
    np.testing.assert_array_equal(a.grad, np.float32([-1, 0.5, 1]))
    assert b.grad == 1
    assert b.grad.dtype == np.float32


def test_the_norm_of_arrays():
    assert optim.get_total_norm([]) == 0
    assert optim.get_total_norm(np.array([3.0, 4.0])) == 5
    assert optim.get_total_norm([Value([3.0]), np.array(4)]) == 5


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda p: optim.clip_grad_norm_([p], -1), "max_norm must be"),
        (lambda p: optim.clip_grad_value_([p], np.nan), "clip_value must be"),
        (lambda p: optim.clip_grad_norm_(None, 1), "takes parameters"),
        (lambda p: optim.clip_grad_norm_([np.ones(2)], 1), "parameter 0 is ndarray"),
    ],
)
def test_bad_arguments(call, match):
    (p,) = with_gradients([1.0])
    with pytest.raises((TypeError, ValueError), match=match):
        call(p)
