"""Statistics and products as what kernels know."""

import numpy as np
import pytest

from calligrad.compiler.passes.dead import without_dead_code
from calligrad.compiler.passes.lowering import lowered
from tests.compiler.passes.captured import captured, ops, run

X = np.random.default_rng(0).normal(size=(3, 4, 5))

FUNCTIONS = {
    "sum": lambda x: np.sum(x, axis=1),
    "sum of all": np.sum,
    "sum of rows, axes kept": lambda x: np.sum(x, axis=(0, -1), keepdims=True),
    "sum of another layout": lambda x: np.sum(np.moveaxis(np.exp(x), 0, -1), axis=0),
    "sum of truths": lambda x: np.sum(x > 0, axis=0),
    "add.reduce": lambda x: np.add.reduce(x),
    "max": lambda x: np.max(x, axis=-1, initial=-np.inf),
    "any": lambda x: np.any(x, axis=0),
    "mean": lambda x: np.mean(x, axis=(1, 2)),
    "mean of whole numbers": lambda x: np.mean(np.astype(x, np.int64), axis=1),
    "var": lambda x: np.var(x, axis=0, keepdims=True),
    "var without bias": lambda x: np.var(x, axis=0, ddof=1),
    "std": lambda x: np.std(x),
    "sum by einsum": lambda x: np.einsum("ijk->ki", x),
    "dots of rows by einsum": lambda x: np.einsum("ijk,ijk->ij", x, np.sin(x)),
    "weighted by einsum": lambda x: np.einsum("ijk,kj,ik->j", x, np.sum(x, axis=0).T, np.sum(x, axis=1)),
    "clip": lambda x: np.clip(x, -0.5, None) + np.clip(x, -1, 1),
    "copy": lambda x: np.exp(np.copy(x, order="F")),
}
KNOWN = {
    "np.add.reduce", "np.multiply.reduce", "np.maximum.reduce", "np.minimum.reduce", "np.logical_or.reduce", "clip",
    "np.reshape", "np.transpose", "np.astype", "np.clip",
}  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_gives_the_same(f):
    before = captured(f, X)
    after = without_dead_code(lowered(before))
    for x, y in zip(run(before, X), run(after, X), strict=True):
        assert np.shape(x) == np.shape(y)
        assert x.dtype == y.dtype
        np.testing.assert_allclose(y, x, rtol=1e-13, atol=1e-14)
    assert all(hasattr(np, name.removeprefix("np.")) or name in KNOWN for name in ops(after))
    assert not {"np.mean", "np.var", "np.std", "np.einsum", "np.sum"} & set(ops(after))


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"copy"}))  # whose layout only a kernel keeps
def test_arrays_lie_as_the_program_says(name):
    program = lowered(captured(FUNCTIONS[name], X))
    outs = [out for line in program.lines for out in line.outs if out.shape]
    for var, x in zip(outs, run(program.but(outputs=outs, writes=[]), X), strict=True):
        assert x.shape == var.shape
        assert x.dtype == var.dtype
        assert all(n == 1 or s == t for n, s, t in zip(x.shape, x.strides, var.strides, strict=True))


def test_a_matrix_product_stays():
    assert ops(lowered(captured(lambda x: np.einsum("ij,jk->ik", x[0], x[0].T), X)))[-1] == "np.einsum"
