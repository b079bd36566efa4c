"""Arrays as indices, as kernels."""

import numpy as np
import pytest

import calligrad

pytest.importorskip("numba")

from tests.compiler.backends.kernels import assert_same, left_to_numpy

X = np.arange(60.0).reshape(3, 4, 5)
I = np.array([2, 0, -1, 2])
J = np.array([[1], [-4]])


@pytest.mark.parametrize(
    "f",
    [
        lambda x, i, j: x[i],
        lambda x, i, j: x[:, i],
        lambda x, i, j: x[i, 1:, i],
        lambda x, i, j: x[i, j],
        lambda x, i, j: x[..., i, None],
        lambda x, i, j: x[1, ::-1, i],
        lambda x, i, j: x[j, :, i],
        lambda x, i, j: x.T[i, :][:, j],
        lambda x, i, j: x[np.arange(3), i[:3], i[1:]],
        lambda x, i, j: np.take(x, i, axis=1),
        lambda x, i, j: np.take(x, j),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_what_is_taken_is_what_numpy_gives(f, dtype):
    j = J if dtype != np.bool_ else J.astype(np.int32)
    assert_same(f, X.astype(dtype), np.minimum(I, 2), np.clip(j, -3, 2))


@pytest.mark.parametrize("key", [lambda i, j: i, lambda i, j: (slice(None), i), lambda i, j: (j, 1, i)])
@pytest.mark.parametrize("add", [False, True])
def test_what_is_put_or_added_is_what_numpy_gives(key, add):
    def f(x, i, j, v):
        y = x * 1
        k = key(i, j)
        if add:
            np.add.at(y, k, v)
        else:
            y[k] = v
        return y

    j = np.clip(J, -3, 2)
    shape = X[key(I, j)].shape
    assert_same(f, X, I, j, 100.0)
    assert_same(f, X, I, j, np.arange(np.prod(shape), dtype=float).reshape(shape))


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_are_added_up_in_order(monkeypatch, threads):
    monkeypatch.setattr("calligrad.parallel.count", lambda: threads)
    rng = np.random.default_rng(0)
    indices, rows = rng.integers(0, 7, 500), rng.standard_normal((500, 300), np.float32)

    def f(x, i):
        y = np.zeros_like(x, shape=(7, 300))
        np.add.at(y, i, x)
        return y

    np.testing.assert_array_equal(calligrad.compile(f, backend="numba")(rows, indices), f(rows, indices))
    assert_same(f, rows, indices)


@pytest.mark.parametrize("index", [5, -6])
def test_an_index_out_of_bounds_is_named_as_numpy_names_it(index):
    step = calligrad.compile(lambda x, i: x[:, :, i] + 1, backend="numba")
    for _ in range(3):
        step(X, I)
    assert not left_to_numpy(step)
    with pytest.raises(IndexError, match=f"index {index} is out of bounds for axis 2 with size 5"):
        step(X, np.array([0, 1, index, 9]))
    np.testing.assert_array_equal(step(X, I), X[:, :, I] + 1)  # and nothing is broken


def test_no_indices_take_nothing():
    assert_same(lambda x, i: x[i], X, np.zeros(0, np.int64))
    assert_same(lambda x, i: np.take(x, i, axis=1), X, np.zeros((2, 0), np.int64))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_numbers_are_taken_along_an_axis(axis):
    rng = np.random.default_rng(0)
    i = rng.integers(-3, 3, tuple(2 if n == axis % 3 else size for n, size in enumerate(X.shape)))
    assert_same(lambda x, i: np.take_along_axis(x, i, axis), X, i)
    assert_same(lambda x, i: np.take_along_axis(x, i[:1], axis=axis), X[:1] if axis else X, i)


def test_an_index_out_of_bounds_says_which_line_asked_for_it():
    f = calligrad.compile(lambda x, i, j: np.exp(x[i]) + x[:, j].sum(), backend="numba")
    x, inside, columns = np.ones((3, 4)), np.array([0, 2]), np.array([0, 2])
    for _ in range(3):
        f(x, inside, columns)
    for i, j, message in ((inside + 1, columns, "index 3 .* axis 0 with size 3"), (inside, columns + 2, "4 .* 1 .* 4")):
        with pytest.raises(IndexError, match=message) as caught:
            f(x, i, j)
        assert "test_selection.py" in caught.value.__notes__[0]
