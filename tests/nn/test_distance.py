"""Distances where they have corners, and what they refuse."""

import numpy as np
import pytest

from calligrad import Value, grad
from calligrad.nn import functional as F


def test_equal_vectors_have_a_finite_gradient():
    x = np.array([[1.0, 2.0], [1.0, 2.0]])
    for p in (1.0, 2.0, 3.0, np.inf):
        np.testing.assert_array_equal(grad(lambda x, p=p: np.sum(F.pdist(x, p)))(x), np.zeros_like(x))
    np.testing.assert_allclose(F.pairwise_distance(x, x), np.full(2, 1e-6 * np.sqrt(2)))


def test_the_cosine_with_a_vector_of_zeros_is_zero():
    assert F.cosine_similarity(np.zeros((1, 2)), np.ones((1, 2))) == 0
    assert np.all(np.isfinite(grad(lambda x: np.sum(F.cosine_similarity(x, np.ones((1, 2)))))(np.zeros((1, 2)))))


@pytest.mark.parametrize(
    "f",
    [
        F.cosine_similarity,
        F.pairwise_distance,
        lambda x, y: F.pdist(x),
        lambda x, y: F.normalize(x),
        lambda x, y: F.local_response_norm(x[..., None], 3, alpha=1.0),
    ],
)
def test_squares_of_float16_do_not_overflow(f):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-3e3, 3e3, (2, 3, 8)).astype(np.float16)
    got = f(x, y)
    assert got.dtype == np.float16
    np.testing.assert_allclose(got, f(x.astype("f8"), y.astype("f8")), rtol=2e-3)
    v = Value(x)
    np.sum(f(v, y)).backward()
    assert v.grad.dtype == np.float16
    assert np.all(np.isfinite(v.grad))


def test_the_cosine_of_long_vectors():
    x = np.array([[3e10, 4e10]], np.float32)
    np.testing.assert_allclose(F.cosine_similarity(x, x), [1], rtol=1e-6)


def test_refusals():
    with pytest.raises(ValueError, match=r"\(3,\)"):
        F.pdist(np.ones(3))
    with pytest.raises(ValueError, match="-1"):
        F.pairwise_distance(np.ones(3), np.ones(3), -1)
