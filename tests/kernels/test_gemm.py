"""Matrix products of any shape and strides: NumPy's values, and the same bits on any number of threads."""

import numpy as np
import pytest

pytest.importorskip("numba")

from calligrad.kernels.cache import compile_kernel
from calligrad.kernels.product import arguments, product, workspace
from calligrad.kernels.runtime import Line, Table

SIZES = [0, 1, 2, 3, 4, 5, 8, 13, 16, 17, 31, 32, 33, 64, 100, 256, 257, 400, 513]
TYPES = [np.float32, np.float64]


def computed(a, b, c, d=None, threads=1, **options):
    """C of the kernel, the threads one after the other, from garbage in C and in the workspace."""
    work = workspace(c.dtype, threads)
    c[...] = work[...] = np.nan
    for thread in range(threads):
        product(c.dtype)(arguments(a, b, c, work, d, **options), thread, threads)
    return c


def matrices(random, items, rows, columns, dtype):
    """A batch of matrices with strides that happen to be."""
    match random.integers(5):
        case 0:
            return random.normal(size=(items, rows, columns)).astype(dtype)
        case 1:
            return random.normal(size=(items, columns, rows)).astype(dtype).swapaxes(1, 2)
        case 2:
            return random.normal(size=(items, 2 * rows, 3 * columns)).astype(dtype)[:, ::2, ::3]
        case 3:
            return random.normal(size=(items, rows, columns)).astype(dtype)[:, ::-1, ::-1]
    return np.broadcast_to(random.normal(size=(rows, columns)).astype(dtype), (items, rows, columns))


def assert_near(c, a, b, d=0.0, relu=False):
    """Within what the roundings of k sums may cost."""
    a, b = a.astype(float), b.astype(float)
    scale = np.abs(a) @ np.abs(b) + np.abs(d) + 1
    expected = np.maximum(a @ b + d, 0) if relu else a @ b + d
    worst = (np.abs(c - expected) / scale).max(initial=0)
    assert worst < 40 * np.finfo(c.dtype).eps


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("seed", range(40))
def test_any_product_on_any_number_of_threads(dtype, seed):
    random = np.random.default_rng(seed)
    m, k, n = (int(size) for size in random.choice(SIZES, 3))
    items = int(random.integers(1, 4))
    a, b = matrices(random, items, m, k, dtype), matrices(random, items, k, n, dtype)
    shape = (items, m, n + 3) if seed % 4 else (items, n + 3, m)
    whole = np.zeros(shape, dtype) if seed % 4 else np.zeros(shape, dtype).swapaxes(1, 2)
    c = whole[:, :, :n]
    d = [None, random.normal(size=n), random.normal(size=(m, 1)), random.normal(size=(m, n))][random.integers(4)]
    d = None if d is None else d.astype(dtype)
    relu = bool(random.integers(2))
    first = computed(a, b, c, d, relu=relu).copy()
    assert_near(first, a, b, 0.0 if d is None else d, relu)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(computed(a, b, c, d, threads, relu=relu), first)
    assert not whole[:, :, n:].any()  # nothing else was written


@pytest.mark.parametrize("shape", [(40, 70, 50), (1, 70, 50), (50, 70, 1), (3, 70, 50)])
@pytest.mark.parametrize("turned", [False, True])
def test_nan_and_infinity_reach_their_rows_and_columns(shape, turned):
    m, k, n = shape
    a, b = np.ones((m, k), "f"), np.zeros((n, k), "f").T if turned else np.zeros((k, n), "f")
    a[m // 2, 5], b[9, n // 2] = np.inf, np.nan
    c = computed(a, b, np.empty((m, n), "f"), relu=True)
    expected = np.zeros((m, n), bool)
    expected[m // 2] = expected[:, n // 2] = True  # inf * 0 is nan
    np.testing.assert_array_equal(np.isnan(c), expected)


def test_it_adds_to_c_if_d_is_c():
    random = np.random.default_rng(0)
    a, b, c = (random.normal(size=shape).astype("f") for shape in ((30, 700), (700, 40), (30, 40)))
    before, work = c.copy(), workspace(c.dtype)
    product(c.dtype)(arguments(a, b, c, work, c))
    assert_near(c, a, b, before)


@pytest.mark.parametrize("k", [100, 3000])
def test_it_is_as_accurate_as_blas(k):
    random = np.random.default_rng(k)
    a, b = random.normal(size=(60, k)).astype("f"), random.normal(size=(k, 60)).astype("f")
    exact = a.astype(float) @ b.astype(float)
    ours = np.square(computed(a, b, np.empty((60, 60), "f")) - exact).mean() ** 0.5
    assert ours < 1.5 * np.square(a @ b - exact).mean() ** 0.5


@pytest.mark.parametrize("m", [1, 40, 500])
def test_another_kernel_follows_on_the_rows_that_are_done(m):
    halve = compile_kernel(
        """
from calligrad.kernels.vectors import pointer
from numba import types

def halve(part, parts, args):
    x, rows, columns = pointer(args[0], types.float32), args[1], args[2]
    for i in range(rows * part // parts, rows * (part + 1) // parts):
        for j in range(columns):
            x[i * columns + j] = x[i * columns + j] / 2
""",
        "halve",
    )
    random = np.random.default_rng(m)
    a, b = random.normal(size=(3, m, 20)).astype("f"), random.normal(size=(20, 600)).astype("f")
    c = np.empty((3, m, 600), "f")
    words = np.array([c.ctypes.data, 3 * m, 600])
    for threads in (1, 3):
        computed(a, b, c, threads=threads, then=(halve.address, words.ctypes.data))
        assert_near(2 * c, a, b)


def test_threads_side_by_side():
    random = np.random.default_rng(0)
    a, b = random.normal(size=(200, 300)), random.normal(size=(300, 100))
    c, d = np.empty((200, 100)), np.empty((100, 200))
    work = workspace(c.dtype, 2)
    table = Table([Line(product(c.dtype), arguments(*args, work)) for args in ((a, b, c), (b.T, a.T, d))])
    table.run(threads=2)
    assert_near(c, a, b)
    np.testing.assert_array_equal(c, d.T)
