"""Vectors: what is read, written and reckoned, and nothing beyond it."""

import numpy as np
import pytest

pytest.importorskip("numba")

from calligrad.kernels.cache import compile_kernel
from calligrad.kernels.registers import lanes


def run(lines, *arrays):
    """Run lines of Python on pointers p, q ... to arrays."""
    names = "pqr"[: len(arrays)]
    kind = arrays[0].dtype.name
    source = "from numba import types\nfrom calligrad.kernels.vectors import *\n\ndef lines(thread, threads, args):\n"
    source += "".join(f"    {name} = pointer(args[{i}], types.{kind})\n" for i, name in enumerate(names))
    source += "".join(f"    {line}\n" for line in lines.splitlines())
    compile_kernel(source, "lines")(np.array([array.ctypes.data for array in arrays]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arithmetic(dtype):
    n = lanes(dtype)
    x, y = np.linspace(-1, 2, n, dtype=dtype), np.zeros(4 * n, dtype)
    x[0] = np.nan
    run(
        """
store(q, 0, add(load(p, 0), broadcast(p[1])))
store(q, width(p), fma(load(p, 0), load(p, 0), load(p, 0)))
store(q, 2 * width(p), positive(load(p, 0)))
q[3 * width(p)] = total(load(offset(p, 1), -1))
q[3 * width(p) + 1] = total(load_first(p, 1, width(p) - 1))
""",
        x,
        y,
    )
    rows = y.reshape(4, n)
    np.testing.assert_array_equal(rows[0], x + x[1])
    np.testing.assert_allclose(rows[1], x * x + x, atol=1e-6)
    np.testing.assert_array_equal(rows[2], np.maximum(x, 0))
    np.testing.assert_allclose(rows[3, :2], [np.nan, x[1:].sum()], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_part_of_a_vector(dtype):
    n = lanes(dtype)
    for count in range(n + 1):
        x, y = np.arange(1, n + 1, dtype=dtype), np.full(n, -1, dtype)
        run(f"store_first(q, 0, add(load(p, 0), load_first(p, 0, {count})), {count})", x, y)
        np.testing.assert_array_equal(y, np.where(np.arange(n) < count, 2 * x, -1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transpose(dtype):
    n = lanes(dtype)
    x, y = np.arange(n * 50, dtype=dtype).reshape(n, 50), np.zeros((n, 70), dtype)
    run("transpose(offset(p, 3), 50, offset(q, 5), 70)", x, y)
    np.testing.assert_array_equal(y[:, 5 : 5 + n], x[:, 3 : 3 + n].T)
    assert y.sum() == y[:, 5 : 5 + n].sum()
