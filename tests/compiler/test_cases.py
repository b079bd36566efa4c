"""Every case of the engine's table as a compiled function: values, gradients, and gradients of gradients."""

import warnings
import zlib

import numpy as np
import pytest

import calligrad
from calligrad import vjp
from calligrad.nests import leaves
from tests.cases import CASES, Case
from tests.test_laws import inner, weights


def numbers(case: Case) -> list[list[np.ndarray]]:
    """The inputs of three runs: other numbers of the same shapes, at which the case is as regular."""
    xs = case.xs
    return [xs, [x * 1.0625 for x in xs], [x * 0.9375 for x in xs]]


def assert_compiled_is_eager(f, runs) -> None:
    """Bit for bit, or to 1e-13 of the scale where another way is taken than on plain arrays."""
    compiled = calligrad.compile(f, backend="numpy")
    for xs in runs:
        got, expected = compiled(*xs), f(*xs)
        for y, z in zip(leaves(got), leaves(expected), strict=True):
            assert type(y) is type(z)
            assert (np.shape(y), np.asarray(y).dtype) == (np.shape(z), np.asarray(z).dtype)
            scale = np.max(np.abs(z), initial=1e-3, where=np.isfinite(z))
            np.testing.assert_allclose(y, z, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_values_and_gradients(case):
    def both(*xs):
        y, pull = vjp(case.f, *xs)
        ys = leaves(y)
        return y, pull(y) if len(ys) == 1 else None

    assert_compiled_is_eager(case.f, numbers(case))
