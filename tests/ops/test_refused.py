"""The ``at`` of most ufuncs: refused, with a way out, and the array stays as it was."""

import numpy as np
import pytest

from calligrad import Value
from calligrad.ops.refused import WAYS_OUT
from calligrad.rules import numpy_name

ARGUMENTS = {
    np.multiply.at: lambda a, v: (a, [0, 1, 2], v),
    np.maximum.at: lambda a, v: (a, [0, 1, 2], v),
    np.exp.at: lambda a, v: (a, v.astype(int)),
}
every_function = pytest.mark.parametrize("func", ARGUMENTS, ids=numpy_name)  # three that stand for all


@every_function
def test_a_value_is_not_written_into_an_array(func):
    array = np.array([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="graph"):
        func(*ARGUMENTS[func](array, Value(np.array([0.0, 1.0, 2.0]))))
    np.testing.assert_array_equal(array, [1, 2, 3])


@every_function
def test_an_array_is_not_written_into_a_value(func):
    v = Value(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(TypeError, match="graph"):
        func(v, *ARGUMENTS[func](np.ones(3), np.array([0.0, 1.0, 2.0]))[1:])
    np.testing.assert_array_equal(v.data, [1, 2, 3])


@every_function
def test_it_says_what_to_write_instead(func):
    v = Value(np.ones((3, 3)))
    with pytest.raises(TypeError) as caught:
        func(v, *ARGUMENTS[func](np.ones(3), np.ones(3))[1:])
    assert WAYS_OUT[func] in str(caught.value)
    assert numpy_name(func) in str(caught.value)
