"""Every operation that kernels know, and nests of loops, beside NumPy."""

import math

import numpy as np
import pytest

pytest.importorskip("numba")

from calligrad.kernels import loops
from calligrad.kernels import nest as nests
from calligrad.kernels.arithmetic import OPERATIONS, knows
from calligrad.kernels.cache import compile_written
from calligrad.kernels.nest import Nest, Operand, Phase, Reduction, Step

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.5, 1e-30, -1e30, math.inf, -math.inf, math.nan, 60.0, -60.0]
ROUNDED = {"exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "tanh", "sinh", "cosh", "sin", "cos", "power"}


def run(nest: Nest, sizes: tuple, operands: list, chunks: int = 1, threads: int = 1, scratch: int = 0, total: int = 0):
    """Run the nest's kernel; each operand is an array and its strides in numbers, an accumulator's with its size."""
    kernel = compile_written(lambda symbol: loops.written(nest, symbol), repr(nest), "fused")
    memory = np.zeros(threads * scratch + 8, np.uint8)
    words = np.zeros(nests.words_of(nest), np.int64)
    words[nests.CHUNKS], words[nests.TOTAL] = chunks, total
    words[nests.SCRATCH], words[nests.SCRATCH_SIZE] = memory.ctypes.data, scratch
    words[nests.SIZES : nests.SIZES + len(sizes)] = sizes
    for i, (array, strides) in enumerate(operands):
        at = nests.operand_at(nest, i)
        words[at] = array.ctypes.data
        words[at + 1 : at + 1 + len(strides)] = strides
    for thread in range(threads):
        kernel(words, thread, threads)


def inputs(name: str, dtype: str) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    a, b = (np.array(list(x) * 5)[:63] for x in (SPECIAL, SPECIAL[::-1]))
    if dtype.startswith("float"):
        a[14:], b[14:] = rng.normal(size=(2, 49)) * 3
        return [x.astype(dtype) for x in (a, np.roll(b, 3))]
    if dtype == "bool":
        return [rng.integers(0, 2, 63).astype(bool) for _ in range(2)]
    return [rng.integers(-9, 9, 63).astype(dtype) for _ in range(2)]


KNOWN = [
    (name, dtype)
    for name in sorted(set(OPERATIONS) - {"copy", "where", "clip", "erf", "sigmoid"})
    for dtype in ("float32", "float64", "int64", "int32", "bool")
    if knows(name, dtype)
]


@pytest.mark.parametrize(("name", "dtype"), KNOWN)
def test_operation(name, dtype):
    ufunc = getattr(np, name)
    arity = ufunc.nin
    xs = inputs(name, dtype)[:arity]
    with np.errstate(all="ignore"):
        expected = ufunc(*xs)
    step = Step(name, tuple(("in", i) for i in range(arity)), expected.dtype.name)
    operands = tuple(Operand(dtype, "element", 1) for _ in xs)
    nest = Nest(0, 1, operands, (Operand(step.dtype, "element", 1),), (), (Phase((), (step,), ((0, ("step", 0, 0)),)),))
    got = np.empty_like(expected)
    run(nest, (63,), [*((x, (1,)) for x in xs), (got, (1,))])
    if name in ROUNDED:
        np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(dtype).eps, atol=0)
    else:
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (7, 65), (3, 1000), (40, 16), (2, 0)])
def test_row_after_row(shape, threads):
    rows, columns = shape
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    nest = Nest(
        1, 1, (Operand("float32", "element", 1),), (Operand("float32", "element", 1),), (),
        (
            Phase(reductions=(Reduction("maximum", ("in", 0), "float32", "row"),)),
            Phase(
                steps=(
                    Step("subtract", (("in", 0), ("reduction", 0, 0)), "float32"),
                    Step("exp", (("step", 1, 0),), "float32"),
                ),
                reductions=(Reduction("add", ("step", 1, 1), "float32", "row"),),
            ),
            Phase(
                (Step("divide", (("constant", "1.0", "float32"), ("reduction", 1, 0)), "float32"),),
                (Step("multiply", (("step", 1, 1), ("before", 2, 0)), "float32"),),
                ((0, ("step", 2, 0)),),
                (
                    Reduction("add", ("step", 2, 0), "float32", "column"),
                    Reduction("add", ("step", 2, 0), "float32", "number"),
                ),
            ),
        ),
    )  # fmt: skip
    softmax, chunks = np.empty_like(x), min(rows, 4)
    sums, total = np.empty((chunks, columns), "float32"), np.empty(chunks, "float32")
    operands = [(x, (columns, 1)), (softmax, (columns, 1)), (sums, (0, 1, columns)), (total, (0, 0, 1))]
    run(nest, shape, operands, chunks, threads, nests.scratch_of(nest, columns))
    e = np.exp(x - x.max(1, keepdims=True, initial=-np.inf))
    expected = e / e.sum(1, keepdims=True)
    np.testing.assert_allclose(softmax, expected, rtol=1e-6)
    np.testing.assert_allclose(sums.sum(0), expected.sum(0), rtol=1e-6)
    np.testing.assert_allclose(total.sum(), expected.sum(), rtol=1e-6)


def test_strides_and_middle_axes():
    x = np.random.default_rng(2).normal(size=(4, 6, 5, 7))[:, ::2, :, ::-1]
    y = np.empty((4, 3, 5, 7))
    bias = np.arange(3.0)
    nest = Nest(
        1, 3, (Operand("float64", "element", 2), Operand("float64", "element", 0)),
        (Operand("float64", "element", 1),), (),
        (Phase((), (Step("add", (("in", 0), ("in", 1)), "float64"),), ((0, ("step", 0, 0)),)),),
    )  # fmt: skip
    steps = tuple(stride // 8 for stride in x.strides)
    run(nest, x.shape, [(x, steps), (bias, (0, 1, 0, 0)), (y, (105, 35, 7, 1))], chunks=2, threads=2)
    np.testing.assert_array_equal(y, x + bias[:, None, None])


def test_a_last_row_that_is_shorter():
    x = np.arange(1000.0)
    y = np.empty_like(x)
    nest = Nest(
        1, 1, (Operand("float64", "element", 1),), (Operand("float64", "element", 1),), (),
        (Phase((), (Step("square", (("in", 0),), "float64"),), ((0, ("step", 0, 0)),)),),
    )  # fmt: skip
    run(nest, (4, 300), [(x, (300, 1)), (y, (300, 1))], chunks=4, total=1000)
    np.testing.assert_array_equal(y, x * x)
