"""A function that somebody typed: what it computes, and all that it refuses."""

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calligrad.commands.errors import UserError
from calligrad.commands.formula import ARGUMENTS, LONGEST, Formula

X = np.linspace(1, 10, 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x**2 + 2*x + 1", X**2 + 2 * X + 1),
        ("np.sin(x) * x", np.sin(X) * X),
        ("sin(x)*x", np.sin(X) * X),
        ("numpy.exp(-x / 2)", np.exp(-X / 2)),
        ("-x", -X),
        ("+x - -x", 2 * X),
        ("x // 2 + x % 3", X // 2 + X % 3),
        ("2 ** x / 3", 2**X / 3),
        ("np.pi * x + e", np.pi * X + np.e),
        ("np.where(x > 5, x, 0)", np.where(X > 5, X, 0)),
        ("(x >= 4) - (x < 2)", (X >= 4) * 1.0 - (X < 2)),
        ("maximum(x, 3) + clip(x, 2, 4) + hypot(x, 1)", np.maximum(X, 3) + np.clip(X, 2, 4) + np.hypot(X, 1)),
        ("  x\n + 1  ", X + 1),
        ("1_000 * x + 0x10", 1000 * X + 16),
        ("x - x", 0 * X),
    ],
)
def test_values(text, expected):
    y = Formula(text)(X)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_function_that_is_allowed_can_be_called(name):
    arguments = ["x"] + ["2"] * (ARGUMENTS[name] - 1)
    formula = f"{name}({', '.join(arguments)})"
    assert Formula(formula)(X).shape == X.shape
    with pytest.raises(UserError, match=f"{name} takes {ARGUMENTS[name]} argument"):
        Formula(f"{name}({', '.join(['x', *arguments])})")


MARKED = [
    ("__import__('os').system('id')", "only np. may stand before a name", "__import__('os').system"),
    ("__import__('os')", "there is no '__import__' here", "__import__"),
    ("x + open('f')", "there is no 'open' here", "open"),
    ("eval('x')", "there is no 'eval' here", "eval"),
    ("x.__class__", "only np. may stand", "x.__class__"),
    ("np.linalg.inv(x)", "only np. may stand", "np.linalg.inv"),
    ("np.load('f')", "there is no 'load' here", "np.load"),
    ("np.fromfile(x)", "there is no 'fromfile' here", "np.fromfile"),
    ("os.system(x)", "only np. may stand", "os.system"),
    ("(lambda: x)()", "not the name of a function", "lambda: x"),
    ("lambda x: x", "may stand here", "lambda x: x"),
    ("[x for x in x]", "may stand here", "[x for x in x]"),
    ("sum(x for _ in x)", "there is no 'sum' here", "sum"),
    ("{x}", "may stand here", "{x}"),
    ("{1: x}", "may stand here", "{1: x}"),
    ("(x, x)", "may stand here", "(x, x)"),
    ("x[0]", "may stand here", "x[0]"),
    ("x if x else 1", "may stand here", "x if x else 1"),
    ("x and 1", "may stand here", "x and 1"),
    ("not x", "may stand here", "not x"),
    ("~x", "may stand here", "~x"),
    ("x @ x", "may stand here", "x @ x"),
    ("x << 2", "may stand here", "x << 2"),
    ("x == 1", "may stand here", "x == 1"),
    ("1 < x < 2", "may stand here", "1 < x < 2"),
    ("(y := x)", "may stand here", "y := x"),
    ("'x' * x", "may stand here", "'x'"),
    ("f'{x}'", "may stand here", "f'{x}'"),
    ("b'x' * x", "may stand here", "b'x'"),
    ("1j * x", "may stand here", "1j"),
    ("True * x", "may stand here", "True"),
    ("None", "may stand here", "None"),
    ("...", "may stand here", "..."),
    ("sin(*x)", "may stand here", "*x"),
    ("sin(x, out=x)", "takes no named arguments", "out=x"),
    ("sin(**x)", "takes no named arguments", "**x"),
    ("where(x > 1)", "where takes 3 arguments, not 1", "where(x > 1)"),
    ("x^2", "write x**2", "x^2"),
    ("2 * sin", "write sin(x)", "sin"),
    ("np.sin + x", "write sin(x)", "np.sin"),
    ("x(3)", "x is a number", "x"),
    ("3(x)", "not the name of a function", "3"),
    ("sn(x)", "did you mean sin", "sn"),
    ("x + y", "there is no 'y' here", "y"),
    ("变 + α * x", "there is no '变' here", "变"),
    ("x * 变", "there is no '变' here", "变"),
    ("np", "there is no 'np' here", "np"),
    (f"x * {'9' * 400}", "too large for a float", "9" * 400),
]


@pytest.mark.parametrize(("text", "why", "part"), MARKED)
def test_refusals_mark_the_part(text, why, part):
    with pytest.raises(UserError) as caught:
        Formula(text)
    message, shown, mark = str(caught.value).split("\n")
    assert why in message
    assert shown == f"    {text}"
    assert shown[mark.index("^") : mark.rindex("^") + 1] == part
    assert set(mark) == {" ", "^"}


@pytest.mark.parametrize("text", ["x +", "(x", "x)", "x x", "2x", "x = 1", "import os", "x; x", "def f(): x", "x +* 2"])
def test_what_python_cannot_read_is_marked_too(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(UserError, match="this is not a formula") as caught:
            Formula(text)
    assert str(caught.value).endswith("^")


@pytest.mark.parametrize("text", ["3", "np.pi", "9**9**9", "2 + sin(1)"])
def test_a_function_uses_x(text):
    with pytest.raises(UserError, match="does not use x"):
        Formula(text)


@pytest.mark.parametrize("text", ["", "  ", "\n", "\0"])
def test_an_empty_function_is_refused(text):
    with pytest.raises(UserError, match="is empty"):
        Formula(text)


def test_huge_powers_are_infinite_at_once():
    np.testing.assert_array_equal(Formula("x * 9**9**9")(X), np.full(7, np.inf))
    np.testing.assert_array_equal(Formula("x - 10**400 * 0 + 2**9999")(X), np.full(7, np.nan))


def test_values_that_do_not_exist_are_nan_without_a_warning():
    assert np.isnan(Formula("log(x - 5)")(X)[0])
    assert np.isinf(Formula("1 / (x - 1)")(X)[0])


@pytest.mark.parametrize("text", ["(" * 100 + "x" + ")" * 100, "-" * 100 + "x", "+".join("x" * 100)])
def test_nesting(text):
    assert np.all(np.abs(Formula(text)(X)) >= X)


@pytest.mark.parametrize("text", ["(" * 400 + "x" + ")" * 400, "sin(" * 199 + "x" + ")" * 199, "-" * 999 + "x"])
def test_nesting_beyond_reason_is_computed_or_refused(text):
    with contextlib.suppress(UserError):
        assert Formula(text)(X).shape == X.shape


def test_a_book_is_refused():
    with pytest.raises(UserError, match=f"at most {LONGEST}"):
        Formula("x+" * LONGEST + "x")


@given(st.text(max_size=30) | st.text("x0123456789.e+-*/%()<>=, npsi'\"[]{}:_", max_size=20))
def test_any_text_is_a_function_or_a_user_error(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            formula = Formula(text)
        except UserError:
            return
    assert formula(X).shape == X.shape
