"""What is computed twice."""

import numpy as np

from calligrad.compiler.passes.repeats import without_repeats
from calligrad.compiler.program import Line, Program, Var
from tests.compiler.passes.captured import captured, ops, run, same_bits

X = np.arange(6.0).reshape(2, 3)


def kept(f):
    before = captured(f, X)
    after = without_repeats(before)
    assert same_bits(run(before, X), run(after, X))
    return ops(after)


def test_the_same_call_is_made_once():
    assert kept(lambda x: np.sin(x) * np.sin(x)) == ["np.sin", "np.multiply"]


def test_so_are_calls_of_what_is_the_same_only_now():
    assert kept(lambda x: np.exp(np.sin(x)) + np.exp(np.sin(x))) == ["np.sin", "np.exp", "np.add"]


def test_settings_count():
    assert kept(lambda x: np.sum(x, axis=0) + np.sum(x, axis=1)[0]).count("np.sum") == 2


def test_zero_is_not_minus_zero():
    assert kept(lambda x: np.copysign(x, 0.0) + np.copysign(x, -0.0)).count("np.copysign") == 2


def test_one_is_not_true_and_not_a_float():
    assert kept(lambda x: np.add(x, 1) + np.add(x, 1.0)).count("np.add") == 3


def test_two_outputs_are_two_arrays():
    assert kept(lambda x: (np.sin(x), np.sin(x))) == ["np.sin", "np.sin"]


def test_an_output_may_be_read_inside():
    assert kept(lambda x: (np.exp(np.sin(x)), np.sin(x))) == ["np.sin", "np.exp"]


def test_checks_are_not_joined():
    def check(x):
        return None

    check.checks = True
    x, a, b = Var((2,), float), Var((), bool), Var((), bool)
    program = Program([x], {}, [Line(check, (x,), {}, (a,)), Line(check, (x,), {}, (b,))], [a, b])
    assert len(without_repeats(program).lines) == 2
