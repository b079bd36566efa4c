"""What is written into an array is seen in every array that shares its memory: as in NumPy, and differentiated."""

import gc
import weakref

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from calligrad import Value, grad, no_grad, vmap
from calligrad.testing import check_gradients

X = np.arange(1.0, 7.0).reshape(2, 3)


def rows_in_a_loop(x):
    y = 2 * x
    for row in y:
        row *= 3
    return y


def a_row_kept(x):
    y = 2 * x
    row = y[0]
    row += 1
    row[1] = 7 * row[0]
    return y


def a_view_of_a_view_that_is_gone(x):
    y = 2 * x
    column = y.T[1]
    column *= column
    return y


def writing_into_the_whole_changes_its_views(x):
    y = 2 * x
    row, transposed = y[1], y.T
    y[1, 2] = 5 * y[0, 0]
    y *= 2
    return row * transposed[:2, 1][0]


def overlapping_views(x):
    y = np.ravel(2 * x)
    left, right = y[:4], y[2:]
    left *= 3
    right += left[0]
    left[3] = right[0] ** 2
    return np.concatenate([left, right, y])


def a_helper_that_changes_its_argument(x):
    def normalise(v):
        v /= np.sqrt(np.sum(v * v))

    y = 2 * x
    normalise(y[1])
    normalise(y)
    return y


def pieces_of_a_split(x):
    y = 2 * x
    left, right = np.split(y, [1], axis=1)
    right *= left
    return y


def reshaped_reversed_and_diagonal(x):
    y = np.concatenate([x, 3 * x])[:3]
    flat, back = y.reshape(-1), y[::-1]
    flat[::2] = 0
    back[0] = flat[1]
    return y + np.flip(back)


def a_written_array_stays_what_it_was_in_a_copy(x):
    y = 2 * x
    copy, picked = y.copy(), y[np.array([0, 0])]
    y[0] = 0
    return copy * picked * y[1]


def gauss(x):
    a = np.concatenate([x, x[:1] ** 2 + 1])
    for i in range(2):
        for j in range(i + 1, 3):
            row = a[j]
            row -= a[j, i] / a[i, i] * a[i]
    return a[2, 2] * a[1]


def parts_of_complex_numbers(x):
    z = x * (1 + 0.5j)
    real, imag = z.real, z[1].imag
    real *= 2
    imag[0] = real[0, 1]
    z.imag *= 1.5
    z.real[0] = z.imag[1]
    z[0, 2] = 3j * x[0, 2]
    return np.abs(z) * real + imag


def squeezed_to_itself(x):
    y = 2 * x
    same = np.squeeze(y)
    same[0] = 9 * x[1]
    return y


def windows_that_overlap(x):
    y = np.ravel(2 * x)
    windows = sliding_window_view(y, 3, writeable=True)
    windows[1] += windows[0]
    windows[0, 2] = 7 * x[0, 0]
    return windows * 2


def what_ravel_copies(x):
    y = np.ravel(2 * x)
    odd = y[::2].ravel()
    odd *= 3
    return np.concatenate([y, odd])


PROGRAMS = [
    windows_that_overlap,
    what_ravel_copies,
    parts_of_complex_numbers,
    squeezed_to_itself,
    rows_in_a_loop,
    a_row_kept,
    a_view_of_a_view_that_is_gone,
    writing_into_the_whole_changes_its_views,
    overlapping_views,
    a_helper_that_changes_its_argument,
    pieces_of_a_split,
    reshaped_reversed_and_diagonal,
    a_written_array_stays_what_it_was_in_a_copy,
    gauss,
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_a_value_is_what_the_array_would_be(f):
    np.testing.assert_array_equal(f(Value(X)).data, f(X.copy()))
    np.testing.assert_array_equal(f(Value(X, requires_grad=False)).data, f(X.copy()))
    check_gradients(f, X)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_an_argument_may_be_written_into(f):
    """And the caller's array is not."""

    def in_place(x):
        x *= 1.5
        return f(x)

    before = X.copy()
    ours = grad(lambda x: np.sum(np.sin(in_place(x))))(X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(ours, grad(lambda x: np.sum(np.sin(f(1.5 * x))))(X))


def random_program(rng):
    """Views of views, written into at random; returns the sum of what all of them are in the end."""
    makers = [
        lambda a, k: a[k[0] % len(a) :],
        lambda a, k: a.T,
        lambda a, k: a[::-1],
        lambda a, k: a.reshape(-1),
        lambda a, k: a[..., k[1] % a.shape[-1]],
        lambda a, k: np.ravel(a),
        lambda a, k: np.swapaxes(a, 0, -1),
        lambda a, k: a[None],
    ]
    steps = [(rng.integers(4), rng.integers(100, size=4)) for _ in range(12)]

    def program(x):
        arrays = [2 * x]
        for kind, k in steps:
            a = arrays[k[2] % len(arrays)]
            if kind == 0 and a.ndim and a.size > 1:
                arrays.append(makers[k[3] % len(makers)](a, k))
            elif kind == 1 and a.ndim:
                a[k[0] % len(a)] = 0.1 * k[1] + np.sum(arrays[k[3] % len(arrays)]) / 50
            elif kind == 2 and a.ndim:
                a *= 1.1 + 0.01 * k[0]
            elif kind == 3 and a.ndim and len(arrays) > 1:
                a += np.mean(arrays[k[3] % len(arrays)])
        return sum(np.sum(np.sin(a)) * (i + 1) for i, a in enumerate(arrays))

    return program


@pytest.mark.parametrize("seed", range(150))
def test_random_programs(seed):
    f = random_program(np.random.default_rng(seed))
    np.testing.assert_allclose(f(Value(X)).item(), f(X.copy()), rtol=1e-13)
    check_gradients(f, 0.3 * X, order=1, rtol=1e-5, atol=1e-5)


def test_a_leaf_is_not_written_into_through_a_view():
    w = Value(X.copy())
    with pytest.raises(RuntimeError, match="leaf that requires grad"):
        w[0][1] = 2.0
    with pytest.raises(RuntimeError, match="leaf that requires grad"):
        w.T[0] += 2.0
    np.testing.assert_array_equal(w.data, X)


def test_under_no_grad_a_view_of_a_leaf_is_its_memory():
    w = Value(X.copy())
    data = w.data
    with no_grad():
        w[0][1] = 9
        w.T[2] *= 2
    assert w.data is data
    np.testing.assert_array_equal(data, [[1, 9, 6], [4, 5, 12]])


def test_a_view_does_not_keep_its_source_alive():
    y = 2 * Value(X)
    view, gone = y[0], weakref.ref(y)
    del y
    gc.collect()
    assert gone() is None
    view += 1
    np.testing.assert_array_equal(view.data, 2 * X[0] + 1)


def test_views_that_are_gone_are_forgotten():
    y = 2 * Value(np.zeros((1000, 2)))
    for _ in range(3):
        for row in y:
            row.sum()
    assert len(y._views) < 2100


def test_a_batch_of_programs():
    batch = np.stack([X, X + 1, X**2])
    np.testing.assert_allclose(
        vmap(grad(lambda x: np.sum(a_row_kept(x) ** 2)))(batch),
        [grad(lambda x: np.sum(a_row_kept(x) ** 2))(x) for x in batch],
    )
