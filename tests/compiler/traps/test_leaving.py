"""Arrays that leave as Python numbers: refused, with the line."""

import contextlib
import re

import numpy as np
import pytest

from calligrad.compiler.traced import CaptureError
from tests.compiler.traps.checks import X, check, compiled, refused, same


def branch(x):
    return x if np.sum(x) > 0 else -x


def as_float(x):
    return x * float(np.sum(x))


def as_item(x):
    return x * np.sum(x).item()


def as_int(x):
    return np.zeros(int(np.sum(x)))


def with_format(x):
    return f"{np.sum(x):.3f}"


def member(x):
    return 1.0 in x


def as_index(x):
    return [1, 2, 3][np.argmax(x)]


def into_array(x):
    y = np.zeros(3)
    y[0] = np.sum(x)
    return y


def into_array_by_ufunc(x):
    y = np.zeros(x.shape, x.dtype)
    np.add(x, 1, out=y)
    return y


def as_array(x):
    return np.asarray(x)


def in_array(x):
    return np.array([x[0], x[1]])


def as_mask(x):
    return x[x > 0]


@pytest.mark.parametrize(
    "f",
    [branch, as_float, as_item, as_int, with_format, member, as_index, into_array, as_mask],
    ids=lambda f: f.__name__,
)
def test_what_leaves_is_refused_with_its_line(f):
    before = X.copy()
    line = f.__code__.co_firstlineno + 1
    message = refused(f, X, match=r"test_\w+\.py:\d+")
    assert line <= int(re.search(r"test_\w+\.py:(\d+)", message)[1]) <= line + 1
    assert same(X, before)


@pytest.mark.parametrize("f", [into_array_by_ufunc, as_array, in_array], ids=lambda f: f.__name__)
def test_what_leaves_is_refused_or_right(f):
    with contextlib.suppress(CaptureError):
        check(f, (X,), (X + 1,))


def test_branch_on_a_shape_is_fine():
    check(lambda x: x * 2 if x.shape[0] > 3 else x, (X,), (X[:2],), programs=2)
    check(lambda x: x[: len(x) // 2] + x.ndim + x.size, (X,))


def test_print_shows_no_numbers_of_one_run(capsys):
    def show(x):
        print(x, f"{x}", [x])
        return x

    f = compiled(show)
    for _ in range(4):
        f(X)
    assert set(capsys.readouterr().out.split()) == {"Traced(float32[4,", "3])", "[Traced(float32[4,", "3])]"}
