"""In a function that is being differentiated arrays are, for the gradient, what they were when they were used."""

import numpy as np
import pytest

from calligrad import Value, grad, hessian, jvp, vjp
from calligrad.still import SMALL
from calligrad.testing import check_gradients

X = np.array([0.5, -1.0, 2.0])


def a_buffer_filled_again(x):
    buffer, total = np.zeros(3), 0.0
    for i in range(3):
        buffer[:] = 0
        buffer[i] = i + 1
        total = total + np.sum(x * buffer)
    return total


def a_mask_that_grows(x):
    mask, total = np.zeros(3, bool), 0.0
    for i in range(3):
        mask[i] = True
        total = total + np.sum(np.where(mask, x, 0)) + np.sum(x[mask] ** 2) + np.sum(x, where=mask)
    return total


def places_that_move(x):
    places, total = np.array([0, 1]), 0.0
    for _ in range(2):
        total = total + np.sum(x[places] ** 2) + np.sum(np.take(x, places)) + np.sum(x[places, None])
        places += 1
    return total


def a_matrix_that_changes(x):
    a, y = np.eye(3), x
    for k in range(3):
        a[0, 1] = k
        y = a @ y
    return np.sum(y * y)


def adding_to_a_constant(x):
    c = np.ones(3)
    y = x * c
    c += 1
    return np.sum(y * x * c)


def spins(x):
    s, energy = np.array([1.0, -1.0, 1.0]), 0.0
    for k in range(3):
        energy = energy + np.sum(x * s * np.roll(s, 1))
        s[k] *= -1
    return energy


def writing_where_it_moves(x):
    y, places = 2 * x, np.array([0])
    for _ in range(2):
        y[places] = np.sum(x)
        places += 1
    return np.sum(y**2)


PROGRAMS = [
    a_buffer_filled_again,
    a_mask_that_grows,
    places_that_move,
    a_matrix_that_changes,
    adding_to_a_constant,
    spins,
    writing_where_it_moves,
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_constants_are_what_they_were(f):
    check_gradients(f, X)
    h = 1e-6
    np.testing.assert_allclose(jvp(f, (X,), (X,))[1], (f(X + h * X) - f(X - h * X)) / (2 * h), rtol=1e-7, atol=1e-7)


LARGE = SMALL // 8 + 100


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.__setitem__(3, 5.0),
        lambda c: c.__setitem__(slice(None), c[::-1].copy()),
        lambda c: c.__iadd__(1),
        lambda c: c.__setitem__(-1, np.nan),
    ],
    ids=["one number", "turned around", "all of them", "the last one"],
)
def test_a_large_constant_that_was_changed_is_noticed(change):
    c = np.arange(float(LARGE))

    def f(x):
        y = np.sum(x * c)
        change(c)
        return y

    with pytest.raises(
        RuntimeError, match=rf"an array of shape \({LARGE},\) was written into after Multiply\(\) had used it"
    ):
        grad(f)(np.ones(LARGE))


def test_a_large_constant_that_was_not_changed_is_not_copied():
    c = np.arange(float(LARGE))
    kept = []

    def f(x):
        y = x * c
        kept.append(y.created_by._kept[1])
        return np.sum(y)

    np.testing.assert_array_equal(grad(f)(np.ones(LARGE)), c)
    assert kept[0] is c


@pytest.mark.parametrize("turned", [lambda c: c.T, lambda c: c[:, ::2], lambda c: np.broadcast_to(c[:1], c.shape)])
def test_large_constants_that_lie_otherwise(turned):
    c = turned(np.arange(40000.0).reshape(200, 200))
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * c))(np.ones(c.shape)), c)


def test_a_pull_is_at_the_place_where_it_was_made():
    a = X.copy()
    _, pull = vjp(lambda x: x**2, a)
    a += 10
    np.testing.assert_array_equal(pull(np.ones(3))[0], 2 * X)


def test_second_derivatives():
    np.testing.assert_allclose(
        hessian(lambda x: a_matrix_that_changes(np.sin(x)))(X), hessian(lambda x: _unrolled(np.sin(x)))(X)
    )


def _unrolled(x):
    y = x
    for k in range(3):
        y = np.array([[1.0, k, 0], [0, 1, 0], [0, 0, 1]]) @ y
    return np.sum(y * y)


def test_arrays_of_a_training_loop_are_neither_copied_nor_checked():
    c = np.ones(3)
    y = Value(X) * c
    assert y.created_by._kept[1] is c
