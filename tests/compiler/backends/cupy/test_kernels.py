"""Kernels for GPUs: what they compute, on the processor, and that CUDA's compiler takes them."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from calligrad.compiler.backends.cupy.constants import literal
from calligrad.compiler.backends.cupy.kernel import kernels_of, knows
from calligrad.compiler.backends.cupy.mirror import extent
from calligrad.compiler.backends.cupy.module import source_of
from calligrad.compiler.passes import grouped
from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.program import Var
from tests.compiler.backends.cupy.emulated import compiled, launch, needs_compiler
from tests.compiler.passes.captured import captured
from tests.compiler.passes.fusion.test_fusion import ONE_GROUP, SEVERAL, batch_norm, layer_norm, softmax

rng = np.random.default_rng(0)


def normal(*shape, dtype=np.float32):
    return rng.normal(size=shape).astype(dtype)


def norm_and_sums(x, y):
    return layer_norm(x) * y, np.sum(layer_norm(x) * y, axis=0)


LARGE = {
    "long rows": (softmax, normal(3, 2000)),
    "longer rows": (layer_norm, normal(2, 17000)),
    "rows of a warp": (softmax, normal(50, 300)),
    "many short rows": (softmax, normal(1000, 3)),
    "columns of many rows": (norm_and_sums, normal(700, 70), normal(700, 70)),
    "columns in pieces": (lambda x: np.sum(np.exp(x), axis=0), normal(3, 5000)),
    "the sum of many": (lambda x: np.sum(x * x), normal(70000)),
    "the largest of many": (lambda x: np.max(np.abs(x)), normal(300, 200)),
    "images": (batch_norm, normal(4, 3, 20, 20)),
    "many numbers": (lambda x, b: np.maximum(x, b) * 2, normal(100, 300), normal(300)),
    "many rows": (lambda x, b: np.tanh(x) + b, normal(3000, 40), normal(3000, 1)),
}  # fmt: skip
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.5, 1e-40, 3e38, -1.0], np.float32)
OTHERS = SPECIAL[::-1].copy()
WHOLE = np.array([-(2**31), 2**31 - 1, 0, 7, -7], np.int32)
EXACT = {
    "maximum": (lambda x, y: (np.maximum(x, y), np.minimum(x, y), np.fmax(x, y), np.fmin(x, y)), SPECIAL, OTHERS),
    "arithmetic": (lambda x, y: (x + y, x - y, x * y, x / y, -x, np.copysign(x, y)), SPECIAL, OTHERS),
    "comparisons": (lambda x, y: (x < y, x >= y, x == y, x != y, np.isnan(x), np.isinf(x)), SPECIAL, OTHERS),
    "signs": (lambda x: (np.sign(x), np.signbit(x), np.abs(x), np.heaviside(x, 0.25), np.rint(x)), SPECIAL),
    "choices": (lambda x, y: (np.where(x > y, x, 2), np.clip(x, -1, y), np.logical_and(x, y)), SPECIAL, OTHERS),
    "truths": (lambda x, y: (x & y, x | y, ~x, x + y, x * y, np.logical_xor(x, y)), SPECIAL > 0, OTHERS > 1),
    "whole numbers": (lambda x: (x + x, x * 3, -x, abs(x), x - 5, np.maximum(x, 1), x == 7, ~x), WHOLE),
    "long numbers": (lambda x: (x + x, x * 3, x / 3, x * 0.5, np.sign(x)), WHOLE.astype(np.int64)),
    "casts": (lambda x: (np.astype(x, np.float64) * 2, np.astype(x > 0, np.int32) + 1), SPECIAL),
    "weak numbers": (lambda x: (x * 0.1, x + 3, 1e-5 + np.astype(x, np.float64)), SPECIAL),
}


def groups(f, *arrays):
    with np.errstate(all="ignore"):
        return [line.op for line in grouped(captured(f, *arrays), knows).lines if isinstance(line.op, Fused)]


def laid_out(x, var):
    """``x`` with the strides that the program knows."""
    nbytes, start = extent(var)
    y = np.ndarray(var.shape, var.dtype, np.empty(nbytes, np.uint8), start, var.strides or None)
    y[...] = x
    return y


def emulate(library, kernels, fused, arrays):
    """The outputs of the group, by its kernels."""
    known = {var: laid_out(np.asarray(x), var) for var, x in zip(fused.program.inputs, arrays, strict=True)}
    known |= {var: laid_out(0, var) for var in fused.program.outputs if var not in known}
    partial = [np.empty(count, dtype) for count, dtype in kernels.partial]
    for one in kernels.launches:
        given = [known[x] if type(x) is Var else partial[x] for x in one.args]
        launch(library, one.name, one.grid, one.block, [x.ctypes.data for x in given])
    return [known[var] for var in fused.program.outputs]


def inputs_of(fused):
    """Random arrays for a group; those of whole numbers are small."""
    inputs = fused.program.inputs
    return [rng.integers(0, 2, v.shape) if v.dtype.kind in "ib" else rng.uniform(0.1, 1, v.shape) for v in inputs]


@pytest.fixture(scope="module")
def cases():
    """Every group by name, with its kernels, and one library with all of these."""
    found = {name: groups(f, *arrays) for name, (f, *arrays) in (ONE_GROUP | SEVERAL | LARGE | EXACT).items()}
    kernels = {fused: kernels_of(fused) for several in found.values() for fused in several}
    launches = [one for k in kernels.values() for one in k.launches]
    return found, kernels, compiled(source_of(launches), sorted({one.name for one in launches}))


@needs_compiler
@pytest.mark.parametrize("name", [*ONE_GROUP, *SEVERAL, *LARGE])
def test_a_kernel_gives_what_numpy_gives(cases, name):
    found, kernels, library = cases
    assert found[name]
    for fused in found[name]:
        arrays = [np.asarray(x, v.dtype) for x, v in zip(inputs_of(fused), fused.program.inputs)]
        wanted = fused(*arrays)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        once, again = (emulate(library, kernels[fused], fused, arrays) for _ in range(2))
        for x, y, z in zip(wanted, once, again, strict=True):
            close = 2e-6 if y.dtype == np.float32 else 1e-13
            np.testing.assert_allclose(y, x, rtol=close, atol=close * np.max(np.abs(x), initial=0))
            assert y.tobytes() == z.tobytes()


@needs_compiler
@pytest.mark.parametrize("name", EXACT)
def test_single_numbers_are_numpys_to_the_bit(cases, name):
    found, kernels, library = cases
    arrays = EXACT[name][1:]
    assert len(found[name]) == 1
    (fused,) = found[name]
    with np.errstate(all="ignore"):
        wanted = fused(*arrays)
    outputs = emulate(library, kernels[fused], fused, arrays)
    for x, y in zip(wanted if isinstance(wanted, tuple) else (wanted,), outputs, strict=True):
        np.testing.assert_array_equal(y, x)
        same = np.isnan(x) | (np.signbit(x) == np.signbit(y)) if x.dtype.kind == "f" else True
        assert np.all(same)


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="needs nvcc")
def test_the_compiler_of_cuda_takes_them(cases, tmp_path):
    _, kernels, _ = cases
    text = source_of([one for k in kernels.values() for one in k.launches])
    (tmp_path / "kernels.cu").write_text(text)
    command = ["nvcc", "-ptx", "-o", "kernels.ptx", "kernels.cu"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_numbers_in_the_text_are_exact():
    assert float(literal(0.1, np.dtype("float32"))[:-1]) == np.float32(0.1)
    assert literal(np.iinfo(np.int64).min, np.dtype("int64")) == "(-9223372036854775807LL - 1)"
    assert literal(-np.inf, np.dtype("float32")) == "__int_as_float(0xff800000)"
