"""Products: what the table of cases cannot say."""

import warnings

import numpy as np
import pytest

from calligrad import Value
from calligrad.testing import check_gradients
from tests.cases import NUMPY

A, B = np.array([[1.0, 2.0], [-0.5, 3.0], [0.7, 0.2]]), np.array([[0.3, -1.0], [2.0, 0.1], [1.1, 4.0]])


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors are deprecated")
@pytest.mark.skipif(NUMPY >= "2.5.0.dev0", reason="NumPy has given up vectors in the plane")
def test_cross_of_vectors_in_the_plane():
    for a, b in ((A, B), (A, np.ones((3, 3))), (np.ones(3), B)):
        np.testing.assert_array_equal(np.cross(Value(a), Value(b)).data, np.cross(a, b), strict=True)
        check_gradients(np.cross, a, b)
    check_gradients(lambda a, b: np.cross(a, b, axisa=0, axisb=-1), A.T, B)


WRONG = {
    "outer of a matrix": lambda a, b: np.linalg.outer(a, b),
    "cross in the plane": lambda a, b: np.linalg.cross(a, b),
    "cross of four numbers": lambda a, b: np.cross(a[0], [1.0, 2.0, 3.0, 4.0]),
    "inner of other lengths": lambda a, b: np.inner(a, b[:, :1]),
    "vdot of other sizes": lambda a, b: np.vdot(a, b[:1]),
    "vecdot of other lengths": lambda a, b: np.vecdot(a, b.T),
    "matmul of other lengths": lambda a, b: np.matmul(a, b),
    "dot of other lengths": lambda a, b: np.dot(a, b),
    "tensordot of other lengths": lambda a, b: np.tensordot(a, b, 1),
    "tensordot over too many axes": lambda a, b: np.tensordot(a, b, 3),
    "tensordot over an axis twice": lambda a, b: np.tensordot(a, b, ([0, 0], [0, 0])),
    "einsum of too few inputs": lambda a, b: np.einsum("ij,jk,kl", a, b),
    "einsum of too many axes": lambda a, b: np.einsum("ijk,k", a, b),
    "einsum of other lengths": lambda a, b: np.einsum("ij,jk", a, b),
    "einsum with a letter that is not there": lambda a, b: np.einsum("ij,ij->k", a, b),
    "einsum with labels too large": lambda a, b: np.einsum(a, [0, 52], b, [0, 1]),
    "einsum that casts what it must not": lambda a, b: np.einsum("ij->i", a, dtype=np.float32),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_numpys_own_errors(wrong):
    f = WRONG[wrong]
    with warnings.catch_warnings(action="ignore"), pytest.raises(Exception) as expected:
        f(A, B)
    with warnings.catch_warnings(action="ignore"), pytest.raises(expected.type):
        f(Value(A), Value(B))


@pytest.mark.parametrize(
    "f",
    [
        lambda a, out: np.outer(a, a, out=out),
        lambda a, out: np.einsum("ij->ij", a, out=out),
        lambda a, out: np.dot(a, a.T, out=out),
        lambda a, out: np.vecdot(a, a, out=out),
        lambda a, out: np.matmul(a, a.T, out=out),
    ],
)
@pytest.mark.parametrize("kind", [np.asarray, Value])
def test_nothing_is_written_into_out(f, kind):
    with pytest.raises(TypeError, match=r"out|existing array"):
        f(Value(A), kind(np.zeros((3, 3))))


def test_out_of_none_is_none():
    assert np.outer(Value(A), A, None).shape == (6, 6)
    assert np.einsum("ij->i", Value(A), out=None).shape == (3,)
    assert np.matmul(Value(A), A.T, out=None).shape == (3, 3)


@pytest.mark.parametrize("n", [3, 40])
def test_matmul_with_axes_equals_numpys_bit_for_bit(n):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((n, 2, n + 1)), rng.standard_normal((n + 1, n, 2))
    axes = [(0, 2), (0, 1), (2, 0)]
    np.testing.assert_array_equal(np.matmul(Value(a), b, axes=axes).data, np.matmul(a, b, axes=axes), strict=True)


def test_a_product_with_keywords_can_be_differentiated_again():
    check_gradients(lambda a, b: np.vecdot(a, b, axis=0, keepdims=True) ** 2, A + 1j * B, B, order=3, rtol=1e-5)


def test_a_large_einsum_is_planned_and_a_small_one_is_not():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((30, 40)), rng.standard_normal((40, 30))
    check_gradients(lambda a, b: np.einsum("ij,jk->ik", a, b), a, b, rtol=1e-5)
