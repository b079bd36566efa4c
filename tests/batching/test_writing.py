"""Writing into arrays within vmap: every view sees it, as NumPy's views do of each example."""

import numpy as np
import pytest

from calligrad import Value, grad, vmap
from tests.test_views import PROGRAMS, X, random_program

pytestmark = pytest.mark.filterwarnings("ignore::calligrad.batching.BatchingWarning")

BATCH = np.stack([X, X + 1, X**2, X[::-1]])


def equals_its_array(x):
    y = 2 * x
    z = y
    z -= 3
    return y * y.real


def diagonal_by_einsum(x):
    y = (2 * x)[:, :2]
    np.einsum("ii->i", y)[...] = x[0, 0]
    return y


def raveled(x):
    y = 2 * x
    for order in "CFAK":
        flat = np.ravel(y, order=order)
        flat[1:3] *= 3
    return y


def a_product_reshaped(x):
    y = np.tensordot(np.ones((2, 2)), x, 1)
    flat = y.reshape(-1)
    flat[1] = 7
    return y


def made_within(x):
    y = np.full_like(x, 3.0, shape=4)
    y[1:] += x[0]
    tail = y[1:]
    tail *= x[1]
    return y


def overlapping_parts(x):
    y = np.copy(x[0])
    left, right = y[:2], y[1:]
    left *= 3
    right += left
    return y


def the_largest_row(x):
    y = 2 * x
    i = np.argmax(x[:, 0])
    row = y[i]
    row[0] = 9 * row[1]
    y *= 2
    y[i] += 1
    return y + row


def the_largest_column(x):
    y = 2 * x
    column = y[:, np.argmax(x[0])]
    column *= 3
    y[0] = x[1]
    return y * column[0]


PICKED = [the_largest_row, the_largest_column]
MORE = [equals_its_array, diagonal_by_einsum, raveled, a_product_reshaped, made_within, overlapping_parts, *PICKED]
every_program = pytest.mark.parametrize("f", [*PROGRAMS, *MORE], ids=lambda f: f.__name__)


@every_program
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_it_equals_the_loop(f, axis):
    expected = np.stack([f(x.copy()) for x in BATCH])
    np.testing.assert_allclose(vmap(f, in_axes=axis)(np.moveaxis(BATCH, 0, axis)), expected)
    np.testing.assert_allclose(vmap(vmap(f))(np.stack([BATCH, BATCH[::-1]])), np.stack([expected, expected[::-1]]))


def slope(f):
    return grad(lambda x: np.sum(np.sin(f(x))))


@every_program
def test_so_do_the_gradients(f):
    expected = np.stack([slope(f)(x) for x in BATCH])
    np.testing.assert_allclose(slope(vmap(f))(BATCH), expected)
    two, of_two = np.stack([BATCH, BATCH[::-1]]), np.stack([expected, expected[::-1]])
    np.testing.assert_allclose(slope(vmap(vmap(f)))(two), of_two)
    np.testing.assert_allclose(vmap(slope(vmap(f)))(two), of_two)
    np.testing.assert_allclose(vmap(slope(f))(BATCH), expected)


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed):
    f = random_program(np.random.default_rng(seed))
    np.testing.assert_allclose(vmap(f)(BATCH), [f(x.copy()) for x in BATCH])
    expected = np.stack([slope(f)(0.1 * x) for x in BATCH])
    np.testing.assert_allclose(slope(vmap(f))(0.1 * BATCH), expected)
    np.testing.assert_allclose(vmap(slope(f))(0.1 * BATCH), expected)


def with_masks(x):
    y = 2 * x
    y[y > 7] = 0.0
    y[y[:, 0] > 2] = x[1]
    return y


def test_a_mask_that_differs():
    np.testing.assert_allclose(vmap(with_masks)(BATCH), [with_masks(x) for x in BATCH])
    np.testing.assert_allclose(slope(vmap(with_masks))(BATCH), np.stack([slope(with_masks)(x) for x in BATCH]))


def test_into_a_constant_value():
    def f(x):
        y = Value(np.zeros(3), requires_grad=False)
        y[0], y[1:] = x[0, 0], x[1, 0] * 2
        tail = y[1:]
        tail *= x[0, 1]
        return y

    np.testing.assert_allclose(vmap(f)(BATCH), np.stack([f(x).data for x in BATCH]))
    expected = np.stack([slope(f)(x) for x in BATCH])
    np.testing.assert_allclose(vmap(slope(f))(BATCH), expected)
    np.testing.assert_allclose(slope(vmap(f))(BATCH), expected)


def test_what_a_view_cannot_hold_is_refused():
    """Numbers with a gradient do not fit into an array that others look at."""

    def f(x, n):
        y = np.zeros_like(n)
        row = y[1:]
        y[0] = x
        return np.sum(y) + np.sum(row)

    with pytest.raises(TypeError, match="is a view or has views"):
        grad(lambda x: np.sum(vmap(f)(x, np.ones((2, 3)))))(np.ones(2))


def test_a_view_of_picked_items_is_not_written_into():
    def f(x, i):
        y = np.copy(x)
        part = y[i][1:]
        whole = y[i]
        tail = whole[1:]
        tail *= 2
        return y + part

    with pytest.raises(TypeError, match=r"a view of items y\[i\]"):
        vmap(f)(BATCH, np.array([0, 1, 1, 0]))


def test_out_of_a_function():
    def f(x):
        y = np.zeros_like(x, shape=3)
        assert np.sum(x, axis=0, out=y) is y
        return y

    np.testing.assert_allclose(vmap(f)(BATCH), np.sum(BATCH, axis=1))
