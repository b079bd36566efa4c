"""The ``at`` of most ufuncs: refused, with a way out, and the array stays as it was."""

import numpy as np
import pytest
from numpy.lib import recfunctions
from numpy.testing.overrides import get_overridable_numpy_array_functions

from calligrad import Value
from calligrad.ops.refused import WAYS_OUT
from calligrad.rules import numpy_name, rule_of

ARGUMENTS = {
    np.multiply.at: lambda a, v: (a, [0, 1, 2], v),
    np.maximum.at: lambda a, v: (a, [0, 1, 2], v),
    np.exp.at: lambda a, v: (a, v.astype(int)),
}
NUMBERLESS = {  # each of the others fails in the same way
    np.isnat: lambda v: np.isnat(v),
    np.busday_count: lambda v: np.busday_count(v, "2026-11-23"),
    np.busday_offset: lambda v: np.busday_offset("2026-11-23", v),
    np.is_busday: lambda v: np.is_busday(v),
    np.datetime_as_string: lambda v: np.datetime_as_string(v),
    recfunctions.structured_to_unstructured: lambda v: recfunctions.structured_to_unstructured(v),
    recfunctions.drop_fields: lambda v: recfunctions.drop_fields(v, "name"),
    recfunctions.stack_arrays: lambda v: recfunctions.stack_arrays([v, v]),
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


@pytest.mark.parametrize("func", NUMBERLESS, ids=numpy_name)
def test_what_takes_no_numbers_takes_no_value(func):
    with pytest.raises(TypeError, match="plain numbers"):
        NUMBERLESS[func](Value(np.ones(3)))


@pytest.mark.parametrize("module", [recfunctions, np.strings], ids=["records", "text"])
def test_everything_for_records_and_text_is_refused(module):
    for func in get_overridable_numpy_array_functions():
        if func.__module__ == module.__name__ and not func.__name__.startswith("_"):
            with pytest.raises(TypeError, match="plain numbers"):
                rule_of(func)
