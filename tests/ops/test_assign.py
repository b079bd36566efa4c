"""NumPy's functions that write into an array: into a Value as item assignment does, into an array never a Value."""

import numpy as np
import pytest

from calligrad import Value, no_grad
from calligrad.rules import numpy_name

MASK = np.array([True, False, True])
WRITE = {
    np.copyto: lambda a, w: np.copyto(a, w),
    np.place: lambda a, w: np.place(a, MASK, w),
    np.putmask: lambda a, w: np.putmask(a, MASK, w),
    np.put: lambda a, w: np.put(a, [0, 1, 2], w),
    np.put_along_axis: lambda a, w: np.put_along_axis(a, np.array([0, 1, 2]), w, 0),
    np.fill_diagonal: lambda a, w: np.fill_diagonal(a, w),
    np.add.at: lambda a, w: np.add.at(a, [0, 0, 2], w),
    np.subtract.at: lambda a, w: np.subtract.at(a, [0, 0, 2], w),
}
every_function = pytest.mark.parametrize("func", WRITE, ids=numpy_name)


def some(func):
    """An array for ``func`` to write into."""
    return np.eye(3) if func is np.fill_diagonal else np.array([1.0, 2.0, 3.0])


@every_function
def test_a_value_is_not_written_into_an_array(func):
    array = some(func)
    with pytest.raises(TypeError, match="graph") as caught:
        WRITE[func](array, Value(np.array([0.0, 1.0, 2.0])))
    np.testing.assert_array_equal(array, some(func))
    if func is not np.fill_diagonal:  # NumPy asks nobody what the diagonal is filled with
        assert f"{numpy_name(func)} writes into an array" in str(caught.value)


@every_function
def test_a_leaf_that_requires_grad_is_written_into_within_no_grad_only(func):
    v = Value(some(func))
    before = v.data.copy()
    with pytest.raises(RuntimeError, match="leaf that requires grad"):
        WRITE[func](v, np.array([0.0, 5.0, 2.0]))
    np.testing.assert_array_equal(v.data, before)
    expected = before.copy()
    WRITE[func](expected, np.array([0.0, 5.0, 2.0]))
    with no_grad():
        WRITE[func](v, np.array([0.0, 5.0, 2.0]))
    np.testing.assert_array_equal(v.data, expected)


@every_function
def test_whoever_holds_the_old_array_keeps_it(func):
    x = Value(some(func))
    y = x * 1
    square = y**2
    WRITE[func](y, Value(np.array([7.0, 8.0, 9.0])))
    square.backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data)


def test_a_mask_or_an_index_may_be_a_value():
    for array in (np.zeros(3), Value(np.zeros(3), requires_grad=False)):
        np.putmask(array, Value(MASK), 5.0)
        np.put(array, Value([1]), 6.0)
        np.add.at(array, Value([1, 1]), 1.0)
        np.testing.assert_array_equal(array.data if isinstance(array, Value) else array, [5, 8, 5])


def test_what_is_added_at_one_place_adds_up():
    x, w = Value(np.zeros(3)), Value(np.array([1.0, 2.0, 3.0]))
    y = x * 1
    np.add.at(y, [0, 0, 2], w)
    np.testing.assert_array_equal(y.data, [3, 0, 3])
    y.grad = np.array([10.0, 20.0, 30.0])
    y.backward()
    np.testing.assert_array_equal(w.grad, [10, 10, 30])
    np.testing.assert_array_equal(x.grad, [10, 20, 30])


def test_the_last_that_is_put_at_one_place_stands():
    w = Value(np.array([1.0, 2.0, 3.0]))
    y = Value(np.zeros(3), requires_grad=False)
    np.put(y, [1, 1, 2], w)
    y.grad = np.array([10.0, 20.0, 30.0])
    y.backward()
    np.testing.assert_array_equal(w.grad, [0, 20, 30])


WRONG = {
    "np.copyto of complex": lambda a: np.copyto(a, np.ones(3, complex)),
    "np.copyto casting=no": lambda a: np.copyto(a, np.ones(3, np.float32), "no"),
    "np.copyto of another shape": lambda a: np.copyto(a, np.ones(2)),
    "np.place by another shape": lambda a: np.place(a, MASK[:2], 1.0),
    "np.place of nothing": lambda a: np.place(a, MASK, []),
    "np.putmask by another shape": lambda a: np.putmask(a, MASK[:2], 1.0),
    "np.put beyond the end": lambda a: np.put(a, [3], 1.0),
    "np.put_along_axis of other axes": lambda a: np.put_along_axis(a, np.array([[1]]), 1.0, 0),
    "np.fill_diagonal of one axis": lambda a: np.fill_diagonal(a, 1.0),
    "np.add.at beyond the end": lambda a: np.add.at(a, [3], 1.0),
}


@pytest.mark.parametrize("f", WRONG.values(), ids=WRONG)
def test_wrong_arguments_raise_numpys_own_error_and_nothing_is_written(f):
    with pytest.raises((TypeError, ValueError, IndexError)) as expected:
        f(np.zeros(3))
    v = Value(np.zeros(3), requires_grad=False)
    with pytest.raises(expected.type):
        f(v)
    np.testing.assert_array_equal(v.data, [0, 0, 0])


def test_methods():
    y = Value(np.zeros((2, 2)), requires_grad=False)
    w = Value(np.array([1.0, 2.0]))
    assert y.put([0, 3], w) is None
    np.testing.assert_array_equal(y.data, [[1, 0], [0, 2]])
    np.sum(y * y).backward()
    np.testing.assert_array_equal(w.grad, [2, 4])
    y = Value(np.zeros(2), requires_grad=False)
    y.fill(w[1])
    np.testing.assert_array_equal(y.data, [2, 2])


def test_flat_is_read_and_written():
    x = Value(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(x.flat[[4, 0]].data, [4, 0])
    assert len(x.flat) == 6
    assert next(x.flat).data == 0
    assert [n.item() for n in x.flat] == [0, 1, 2, 3, 4, 5]
    y = x * 1
    y.flat[1::2] = x[0, 1:]  # as an ndarray does, it goes round where there are too few
    np.testing.assert_array_equal(y.data, [[0, 1, 2], [2, 4, 1]])
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, [[1, 2, 2], [0, 1, 0]])
    y = x * 1
    y.flat = 7
    np.testing.assert_array_equal(y.data, np.full((2, 3), 7))
