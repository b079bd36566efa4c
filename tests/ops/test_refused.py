"""Functions that write into an array they are given: refused, with a way out, and the array stays as it was."""

import numpy as np
import pytest

from calligrad import Value
from calligrad.ops.refused import WAYS_OUT
from calligrad.rules import numpy_name

ARGUMENTS = {
    np.copyto: lambda a, v: (a, v),
    np.place: lambda a, v: (a, a > 0, v),
    np.putmask: lambda a, v: (a, a > 0, v),
    np.put: lambda a, v: (a, [0, 1, 2], v),
    np.put_along_axis: lambda a, v: (a, np.array([0, 1, 2]), v, 0),
    np.fill_diagonal: lambda a, v: (a.reshape(1, 3), v),
    np.add.at: lambda a, v: (a, [0, 1, 2], v),
    np.maximum.at: lambda a, v: (a, [0, 1, 2], v),
    np.exp.at: lambda a, v: (a, v.astype(int)),
}
every_function = pytest.mark.parametrize("func", ARGUMENTS, ids=numpy_name)


def test_every_refused_function_has_arguments():
    """The ``at`` of every ufunc is refused in the same way; three of them stand for all."""
    assert {func for func in WAYS_OUT if func.__name__ != "at"} <= ARGUMENTS.keys()
    assert ARGUMENTS.keys() <= WAYS_OUT.keys()


@every_function
def test_a_value_is_not_written_into_an_array(func):
    array = np.array([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="graph"):
        func(*ARGUMENTS[func](array, Value(np.array([0.0, 1.0, 2.0]))))
    np.testing.assert_array_equal(array, [1, 2, 3])


@pytest.mark.parametrize("func", [func for func in ARGUMENTS if func is not np.fill_diagonal], ids=numpy_name)
def test_an_array_is_not_written_into_a_value(func):
    v = Value(np.array([1.0, 2.0, 3.0]))
    arguments = list(ARGUMENTS[func](np.ones(3), np.array([0.0, 1.0, 2.0])))
    arguments[0] = v
    with pytest.raises(TypeError, match="graph"):
        func(*arguments)
    np.testing.assert_array_equal(v.data, [1, 2, 3])


@every_function
def test_it_says_what_to_write_instead(func):
    v = Value(np.ones((3, 3)))
    with pytest.raises(TypeError) as caught:
        func(v, *ARGUMENTS[func](np.ones(3), np.ones(3))[1:])
    assert WAYS_OUT[func] in str(caught.value)
    assert numpy_name(func) in str(caught.value)
