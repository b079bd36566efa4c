"""What is the same in every run."""

import numpy as np
import pytest

from calligrad.compiler.passes.constants import with_constants
from calligrad.compiler.passes.dead import without_dead_code
from calligrad.compiler.program import Line, Program, Var
from tests.compiler.passes.captured import captured, ops, run, same_bits

X = np.array([[0.0, -0.0, np.inf], [np.nan, -1.5, 2.0]])


def kept(f, x=X):
    with np.errstate(all="ignore"):
        before = captured(f, x)
        after = without_dead_code(with_constants(before))
        assert same_bits(run(before, x), run(after, x))
    return ops(after)


def test_times_one_is_nothing():
    assert kept(lambda x: np.exp(np.ones_like(x) * x)) == ["np.exp"]
    assert kept(lambda x: np.exp(x * 1)) == ["np.exp"]
    assert kept(lambda x: np.exp(x / 1.0)) == ["np.exp"]
    assert kept(lambda x: np.exp(x - 0)) == ["np.exp"]


def test_plus_zero_is_something_for_minus_zero():
    assert kept(lambda x: np.exp(x + 0)) == ["np.add", "np.exp"]
    assert kept(lambda x: np.exp(x - (-0.0))) == ["np.subtract", "np.exp"]


def test_what_makes_another_dtype_or_shape_stays():
    x = np.arange(3, dtype=np.float32)
    assert kept(lambda x: np.exp(x * np.float64(1)), x) == ["np.multiply", "np.exp"]
    assert kept(lambda x: np.exp(np.ones_like(x, shape=(2, 3)) * x), x) == ["np.multiply", "np.exp"]


def test_numbers_are_computed_once():
    assert kept(lambda x: x * (0.5 * np.ones_like(x) + 1)) == ["np.multiply"]


def test_an_array_of_one_number_is_handed_out_anew_each_time():
    assert kept(lambda x: np.ones_like(x)) == ["np.ones_like"]
    program = with_constants(captured(lambda x: np.ones_like(x), X))
    assert run(program, X)[0] is not run(program, X)[0]


def test_what_numpy_warns_of_is_left_to_it():
    assert "np.divide" in kept(lambda x: x * (np.ones_like(x) / np.zeros_like(x)))


@pytest.mark.parametrize("f", [np.real, np.imag])
def test_parts_of_numbers(f):
    assert kept(lambda x: x * f(np.ones_like(x, dtype=complex)))


def test_a_number_becomes_one_of_another_dtype_by_a_line_only():
    x, ones, wide, y = Var((), float), Var((), np.float32), Var((), float), Var((), float)
    make = Line(np.ones_like, (x,), {"dtype": np.float32}, (ones,))
    lines = [make, Line(np.asarray, (ones, np.dtype(float)), {}, (wide,)), Line(np.exp, (wide,), {}, (y,))]
    program = with_constants(Program([x], {}, lines, [y]))
    assert all(np.result_type(number) == var.dtype for var, number in program.constants.items())
    assert run(program, np.float64(0)) == (np.exp(1.0),)
