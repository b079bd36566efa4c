"""What a matrix product does beside."""

import numpy as np
import pytest

import calligrad
from calligrad.compiler.passes import grouped, optimized
from calligrad.compiler.passes.epilogues import Product, with_epilogues
from tests.compiler.passes.captured import captured

RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(5, 4)), RNG.normal(size=(4, 3)), RNG.normal(size=3)


def relu(x):
    return np.clip(x, 0, np.inf)


def products(f, *args):
    """The epilogues of a function's program."""
    program = with_epilogues(grouped(optimized(captured(f, *args), None)))
    return [line.op for line in program.lines if isinstance(line.op, Product)]


@pytest.mark.parametrize("d", [B, B[:, None].T, RNG.normal(size=(5, 3)), RNG.normal(size=(5, 1))])
def test_what_is_added_and_cut_off_is_part_of_the_product(d):
    assert products(lambda x, w, d: x @ w + d, X, W, d) == [Product(False)]
    assert products(lambda x, w, d: relu(d + x @ w), X, W, d) == [Product(True)]


def test_what_others_read_is_left_alone():
    assert products(lambda x, w, b: (x @ w + b, x @ w), X, W, B) == []
    assert products(lambda x, w, b: (relu(x @ w + b), x @ w + b), X, W, B) == []


def test_nor_does_another_function_fit():
    for f in (lambda x, w, b: np.clip(x @ w + b, 0, 6), lambda x, w, b: x @ w - b, lambda x, w, b: np.exp(x @ w + b)):
        assert products(f, X, W, B) == []
    assert products(lambda x, w: x @ w + x @ w, X, W) == []
    assert products(lambda x, w, d: x @ w + d, X, W, RNG.normal(size=(2, 5, 3))) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(5, 4), (3, 5, 4), (2, 3, 300, 40)])
@pytest.mark.parametrize("columns", [1, 3, 50])
def test_kernels_compute_it(dtype, shape, columns):
    pytest.importorskip("numba")
    from tests.compiler.backends.kernels import assert_same

    x, w = (RNG.normal(size=n).astype(dtype) for n in (shape, (columns, shape[-1])))
    for d in ((columns,), (*shape[:-1], columns), (shape[-2], 1)):
        d = RNG.normal(size=d).astype(dtype)
        tolerance = 1e-5 if dtype == "float32" else 1e-13
        assert_same(lambda x, w, d: relu(x @ w.T + d), x, w, d, rtol=tolerance, atol=20 * tolerance)
        assert_same(lambda x, w, d: x @ w.T + d[..., ::-1], x, w, d, rtol=tolerance, atol=20 * tolerance)


@pytest.mark.parametrize("seed", range(30))
def test_any_shapes_and_strides(seed):
    pytest.importorskip("numba")
    from tests.compiler.backends.kernels import assert_same

    rng = np.random.default_rng(seed)
    m, k, n = (int(size) for size in rng.choice([1, 2, 3, 5, 9, 40], 3))
    lead = tuple(int(size) for size in rng.choice([1, 2, 3], rng.integers(0, 3)))

    def array(*shape):
        """Normal numbers that lie in some order, backwards, or with gaps."""
        x = rng.normal(size=[2 * n for n in shape])[
            tuple(slice(None, None, 2) if rng.random() < 0.3 else slice(n) for n in shape)
        ]
        x = x[tuple(slice(None, None, -1) if rng.random() < 0.2 else slice(None) for _ in shape)]
        return x if rng.random() < 0.5 else np.copy(x, rng.choice(["C", "F"]))

    a = array(*lead, m, k) if rng.random() < 0.8 else array(k)
    b = array(*lead[rng.integers(0, len(lead) + 1) :], k, n) if rng.random() < 0.7 else array(k)
    c = a @ b
    d = array(*[1 if rng.random() < 0.2 else size for size in c.shape[rng.integers(0, c.ndim + 1) :]])
    assert_same(lambda a, b, d: relu(a @ b + d), a, b, d, rtol=1e-12, atol=1e-12)
    assert_same(lambda a, b, d: d + a @ b, a, b, d, rtol=1e-12, atol=1e-12)


def test_explain_tells():
    step = calligrad.compile(lambda x, w, b: relu(x @ w + b), backend="numba")
    for _ in range(3):
        step(X, W, B)
    assert "matmul add relu" in step.explain()
