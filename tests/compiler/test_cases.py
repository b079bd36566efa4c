"""Every case of the engine's table as a compiled function: values, gradients, and second derivatives."""

import numpy as np
import pytest

import calligrad
from calligrad import hvp, vjp
from calligrad.compiler.traced import CaptureError
from calligrad.nests import leaves, like, map_leaves
from tests.cases import CASES, Case
from tests.test_laws import weights

DEPENDS = (
    "getitem mask", "getitem (mask, 1)", "getitem (slice, mask)", "getitem empty mask", "np.extract", "np.unique",
    "np.polydiv", "np.polymul", "np.arange", "np.lib.scimath.arcsin", "np.linalg.eigvals to complex", "implicit.",
    "np.pad linear_ramp end_values= a Value",
    "np.union1d", "np.intersect1d", "np.setdiff1d", "np.setxor1d", "np.trim_zeros", "np.roots", "np.bincount",
    "np.histogram_bin_edges sturges", "np.piecewise", "np.fromiter", "np.fromfunction", "setitem into a constant",
)  # fmt: skip
"""What compile refuses: results whose shape depends on the contents, and numbers written into arrays of NumPy's own."""


def is_refused(case: Case) -> bool:
    return case.name.startswith(DEPENDS) and case.name != "np.bincount minlength="


def numbers(case: Case) -> list[list[np.ndarray]]:
    """The inputs of three runs: other numbers of the same shapes, at which the case is as regular."""
    return [[x * factor for x in case.xs] for factor in (1.0, 1.0625, 0.9375)]


def assert_compiled_is_eager(f, runs, tolerance=1e-13) -> None:
    """Bit for bit but for rounding: for plain arrays some functions take another way, with the same result."""
    compiled = calligrad.compile(f, backend="numpy")
    for xs in runs:
        got, expected = leaves(compiled(*xs)), leaves(f(*xs))
        for y, z in zip(got, expected, strict=True):
            assert type(y) is type(z)
            assert (np.shape(y), np.asarray(y).dtype) == (np.shape(z), np.asarray(z).dtype)
            scale = np.max(np.abs(z), initial=1, where=np.isfinite(z))
            np.testing.assert_allclose(y, z, rtol=0, atol=tolerance * scale)


def gradients(f):
    """A function that returns ``f(*xs)`` and the gradients of its inputs, from numbers that differ."""

    def both(*xs):
        y, pull = vjp(f, *xs)
        return y, pull(like(y, iter([weights_of(part) for part in leaves(y)])))

    def weights_of(y):
        return weights(np.empty(np.shape(y), y.dtype))

    return both


CAPTURED = [case for case in CASES.values() if not is_refused(case)]


@pytest.mark.parametrize("case", CAPTURED, ids=lambda case: case.name)
def test_values_and_gradients(case):
    assert_compiled_is_eager(gradients(case.f), numbers(case))


@pytest.mark.parametrize("case", [case for case in CASES.values() if is_refused(case)], ids=lambda case: case.name)
def test_what_depends_on_the_contents_is_refused(case):
    with pytest.raises(CaptureError, match=r"\.py:\d+"):
        compiled = calligrad.compile(gradients(case.f), backend="numpy")
        for xs in numbers(case):
            compiled(*xs)
