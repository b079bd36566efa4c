"""Every case of the engine's table as a compiled function: values, gradients, and second derivatives."""

import numpy as np
import pytest

import calligrad
from calligrad import hvp, vjp
from calligrad.compiler.traced import CaptureError
from calligrad.nests import leaves, like
from tests.cases import CASES, Case
from tests.test_laws import weights

DEPENDS = {
    "np.unique", "np.unique_all", "np.unique_counts", "np.unique_inverse", "np.unique_values", "np.union1d",
    "np.intersect1d", "np.setdiff1d", "np.setxor1d", "np.trim_zeros", "np.roots", "np.piecewise", "np.polydiv",
    "np.polymul", "np.arange", "np.fromiter", "np.linalg.eigvals",
}  # fmt: skip
"""What compile refuses: results whose shape depends on the contents, and branches on them."""

DEPEND = {
    "getitem mask", "getitem mask of rows", "getitem (mask, 1)", "getitem (slice, mask)", "getitem empty mask",
    "setitem mask", "setitem mask of rows", "setitem (mask, 1)", "setitem (mask, 1) to one number",
    "setitem (slice, mask)", "setitem (slice, mask) to one number", "setitem empty mask", "np.add.at by a mask",
    "np.bincount", "np.histogram_bin_edges sturges", "np.lib.scimath.arcsin", "np.log where=", "np.divide where= out=",
    "np.multiply where= broadcast", "np.pad linear_ramp end_values= a Value",
    "np.pad linear_ramp end_values= a row for each axis", "np.copyto of a constant",
}  # fmt: skip


def is_refused(case: Case) -> bool:
    return case.covers in DEPENDS or case.name in DEPEND


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


@pytest.mark.parametrize("case", CAPTURED[::25], ids=lambda case: case.name)
def test_values_and_gradients_in_single_precision(case):
    runs = [[x.astype(np.complex64 if x.dtype.kind == "c" else np.float32) for x in xs] for xs in numbers(case)]
    assert_compiled_is_eager(gradients(case.f), runs, 1e-6)


@pytest.mark.parametrize("case", [case for case in CAPTURED[7::25] if not case.is_complex], ids=lambda case: case.name)
def test_second_derivatives(case):
    def total(*xs):
        return sum(np.sum(np.sin(np.real(y))) for y in leaves(case.f(*xs)))

    assert_compiled_is_eager(lambda *xs: hvp(total, xs, xs), numbers(case))


@pytest.mark.parametrize("case", [case for case in CASES.values() if is_refused(case)], ids=lambda case: case.name)
def test_what_depends_on_the_contents_is_refused(case):
    compiled = calligrad.compile(gradients(case.f), backend="numpy")
    with pytest.raises(CaptureError, match=r"\.py:\d+"):
        [compiled(*xs) for xs in numbers(case)]
