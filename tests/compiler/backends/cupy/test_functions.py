"""Primitives on a GPU: their references, and kernels in place of sums in no order, with a stand-in for CuPy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from calligrad.compiler.backends.cupy import functions
from calligrad.compiler.program import Line, Var
from calligrad.nn import correlation, embedding, maxima
from calligrad.nn.grid import Windows
from calligrad.nn.windows import Sliding
from calligrad.ops.index import added
from tests.compiler.backends.cupy.emulated import needs_compiler
from tests.compiler.backends.cupy.standin import Device, made

rng = np.random.default_rng(0)
pytestmark = needs_compiler


def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)


def with_nan(x):
    x[0, 0, 1:3, 2] = np.nan
    return x


POOLS = (Sliding(7, 3, 2, 1, 1, 4), Sliding(6, 2, 2, 0, 1, 3))
WINDOWS = {"windows": POOLS}
TAPS = {"windows": Windows((7, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1)}
CASES = {
    "row sums": (embedding.row_sums, (normal(4, 5, 3), rng.integers(0, 6, (4, 5))), {"rows": 6}),
    "added": (added, (normal(4, 5), rng.integers(0, 12, (4, 5))), {"shape": (3, 4)}),
    "maxima": (maxima.maxima, (with_nan(normal(2, 3, 7, 6)),), WINDOWS),
    "indices": (maxima.indices, (with_nan(normal(2, 3, 7, 6)),), WINDOWS),
    "routed": (maxima.routed, (normal(2, 3, 4, 3), normal(2, 3, 7, 6)), WINDOWS),
    "routed of images in another order": (
        maxima.routed, (normal(2, 4, 3, 3).transpose(0, 3, 1, 2), normal(7, 6, 3, 2).T.swapaxes(2, 3)), WINDOWS
    ),
    "convolution": (correlation.convolve, (normal(2, 3, 7, 6), normal(4, 3, 3, 3), normal(4)), TAPS),
    "its gradients": (correlation.gradients, (normal(2, 4, 7, 6), normal(2, 3, 7, 6), normal(4, 3, 3, 3)), TAPS),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_primitives_give(name):
    op, arrays, settings = CASES[name]
    device = Device()
    cupy = made(device)
    line = Line(op, tuple(map(Var.of, arrays)), settings, (Var((), float),))
    on_device = functions.functions_of(cupy, [line])[line]
    result = on_device(*map(cupy.asarray, arrays), **settings)
    assert device.counts["download"] == 0
    wanted = op.reference(*arrays, **settings)
    pairs = zip(wanted, result, strict=True) if isinstance(wanted, tuple) else [(wanted, result)]
    for x, y in pairs:
        assert y.dtype == x.dtype
        np.testing.assert_allclose(y.x, x, rtol=2e-5, atol=1e-5)


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="needs nvcc")
def test_the_compiler_of_cuda_takes_them(tmp_path):
    sizes = "".join(f"#define {name} 3LL\n" for name in ("SIZE", "ROWS", "COLUMNS", "COUNT"))
    text = Path(functions.__file__).with_name("gathers.cu").read_text()
    (tmp_path / "gathers.cu").write_text(f"#define TYPE float\n{sizes}{text}")
    command = ["nvcc", "-ptx", "-o", "gathers.ptx", "gathers.cu"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
