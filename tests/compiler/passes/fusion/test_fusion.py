"""Groups of lines: what goes together, and that a kernel which follows the plan gives what NumPy gives."""

import numpy as np
import pytest

import calligrad
from calligrad.compiler.passes import grouped
from calligrad.compiler.passes.fusion import Fused, fused
from calligrad.compiler.program import Line, Program, Var, mapped
from tests.compiler.passes.captured import captured, run
from tests.compiler.passes.fusion.interpreter import run_by_phases

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(2, 6, 5))
W, B = rng.normal(size=(5, 5)), rng.normal(size=5)
Z = rng.normal(size=(2, 3, 4, 5))


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def layer_norm(x, scale=1.5):
    centered = x - np.mean(x, axis=-1, keepdims=True)
    return scale * centered / np.sqrt(np.mean(centered**2, axis=-1, keepdims=True) + 1e-5)


def batch_norm(z):
    centered = z - np.mean(z, axis=(0, 2, 3), keepdims=True)
    return np.maximum(centered / np.sqrt(np.mean(centered * centered, axis=(0, 2, 3), keepdims=True) + 1e-5), 0)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(0.8 * (x + 0.04 * x**3)))


def cross_entropy(x, y):
    labels = np.argmax(y, axis=1)
    shifted = x - np.max(x, axis=1, keepdims=True)
    logs = np.log(np.einsum("ij->i", np.exp(shifted)))
    picked = shifted[np.arange(6), labels]
    return np.mean(logs - picked), softmax(x) - (labels[:, None] == np.arange(5))


ONE_GROUP = {
    "a run": (lambda x: np.exp(-x) * np.sin(x) + 1, X),
    "two outputs": (lambda x: (np.exp(x), np.exp(x) + 1), X),
    "a bias": (lambda x, b: np.maximum(x + b, 0), X, B),
    "a column": (lambda x, y: x * np.tanh(y), X, Y[:, :1]),
    "sum of all": (lambda x: np.sum(np.exp(x)), X),
    "sums of columns": (lambda x, y: (x * np.tanh(y), np.sum(x * np.tanh(y), axis=0)), X, Y),
    "sums of rows": (lambda x: np.sum(np.exp(x), axis=1), X),
    "softmax": (softmax, X),
    "log softmax": (lambda x: np.log(softmax(x)), X),
    "layer norm": (layer_norm, X),
    "layer norm of a cube": (layer_norm, Z),
    "layer norm and its columns": (lambda x, y: (layer_norm(x) * y, np.sum(layer_norm(x) * y, axis=0)), X, Y),
    "batch norm": (batch_norm, Z),
    "gelu": (gelu, X),
    "of an array in order F": (lambda x: np.exp(x) + 1, np.asfortranarray(X)),
    "of a transpose beside an array": (lambda x, y: np.exp(x.T) * y, X[:5], Y[:5]),
    "of every second row, backwards": (lambda x, y: np.exp(x) * y, X[::-2], Y[::2]),
    "rows and their reciprocals": (lambda x: (x / np.sum(np.abs(x), axis=1)[:, None]).T, X),
    "numbers": (lambda x: np.sin(x) * 2 + np.exp(x), np.array(0.5)),
    "whole numbers and truths": (lambda x: np.where(x > 0, np.astype(x > 1, np.int64) + 2, 7), X),
    "truths of all": (lambda x: np.any(np.exp(x) > 3, axis=1), X),
}
SEVERAL = {
    "a product between": (lambda x, w: np.exp(np.exp(x) @ w + 1), X, W),
    "x plus its transpose": (lambda w: np.exp(w) + np.exp(w).T, W),
    "sums of columns that are read": (lambda x: x - np.sum(np.exp(x), axis=0), X),
    "the sum of all that is read": (lambda x: np.exp(x) / np.sum(np.exp(x)), X),
    "cross-entropy": (cross_entropy, X, Y),
    "rows and then columns": (lambda x: np.exp(x) - np.sum(x, axis=1, keepdims=True) - np.sum(x, axis=0), X),
    "log of sums along an axis between": (lambda z: calligrad.logsumexp(-z, axis=1), Z),
    "around": (lambda x, w: np.exp(x) * (np.exp(x) @ w), X, W),
}


def groups(program):
    return [line for line in grouped(program).lines if isinstance(line.op, Fused)]


def run_as_kernels(program, arrays):
    """The program with every group run by its phases."""
    known = dict(zip(program.inputs, arrays, strict=True)) | program.constants
    for line in program.lines:
        args, kwargs = mapped(lambda x: known[x] if type(x) is Var else x, (line.args, line.kwargs))
        is_group = isinstance(line.op, Fused)
        result = run_by_phases(line.op, [np.asarray(x) for x in args]) if is_group else line.op(*args, **kwargs)
        several = is_group or isinstance(result, (tuple, list))
        known.update(zip(line.outs, result if several else [result], strict=True))
    return [known[var] for var in program.outputs]


@pytest.mark.parametrize("name", [*ONE_GROUP, *SEVERAL])
def test_a_kernel_gives_what_numpy_gives(name):
    f, *arrays = (ONE_GROUP | SEVERAL)[name]
    program = captured(f, *arrays)
    after = grouped(program)
    for x, y, z in zip(run(program, *arrays), run(after, *arrays), run_as_kernels(after, arrays), strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(z, x, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ONE_GROUP)
def test_what_goes_together(name):
    f, *arrays = ONE_GROUP[name]
    assert len(groups(captured(f, *arrays))) == 1


@pytest.mark.parametrize("name", SEVERAL)
def test_what_does_not(name):
    f, *arrays = SEVERAL[name]
    assert len(groups(captured(f, *arrays))) > 1


def test_phases_of_a_softmax():
    (line,) = groups(captured(softmax, X))
    first, second, third = line.op.phases
    assert [n.op for n in first.reductions] == [np.maximum.reduce]
    assert [n.op for n in second.elements] == [np.subtract, np.exp]
    assert [n.op for n in second.reductions] == [np.add.reduce]
    assert [n.op for n in third.elements] == [np.divide]
    assert second.kept == (second.elements[1].out,), "an exponential is not computed twice"


def test_cheap_values_are_computed_where_they_are_read():
    def f(x, g):
        y = np.maximum(x @ W, 0)
        return np.where(y > 0, g @ W, 0), y

    outputs = [out for line in groups(captured(f, X, Y)) for out in line.outs]
    assert not [out for out in outputs if out.dtype == bool]


def test_axes_that_are_one_walk_are_one_axis():
    (line,) = groups(captured(gelu, Z))
    assert line.op.shape == (Z.size,)
    (line,) = groups(captured(lambda z, b: np.exp(z + b), Z, rng.normal(size=(4, 5))))
    assert line.op.shape == (6, 20)
    (line,) = groups(captured(layer_norm, Z))
    assert (line.op.shape, line.op.rows) == ((24, 5), 1)
    (line,) = groups(captured(batch_norm, Z))
    assert (line.op.shape, line.op.rows) == ((3, 2, 20), 1)


def test_groups_of_one_kind_have_one_key():
    def keys(f, *arrays):
        return [line.op.key() for line in groups(captured(f, *arrays))]

    assert keys(gelu, X) == keys(gelu, Z) == keys(gelu, X[0])
    assert keys(gelu, X) != keys(gelu, X.astype(np.float32))
    assert keys(lambda x: np.exp(x + 1), X) != keys(lambda x: np.exp(x + 2), X)
    assert keys(lambda x, y: np.exp(x + y), X, Y) != keys(lambda x, y: np.exp(x + y), X, Y[0])


def test_nothing_is_computed_ahead_of_what_it_needs():
    """A line that reads from a group, by way of a line in none, cannot be in it."""
    x, a, b, c, d = (Var((4,), float, (8,)) for _ in range(5))
    lines = [
        Line(np.exp, (x,), {}, (a,)),
        Line(np.sort, (a,), {}, (b,)),
        Line(np.exp, (b,), {}, (c,)),
        Line(np.add, (a, c), {}, (d,)),
    ]
    after = fused(Program([x], {}, lines, [d]))
    assert [getattr(line.op, "__name__", "") for line in after.lines] == ["fused", "sort", "fused"]


def test_joined_groups_need_what_each_of_them_needed():
    x, y, z = (Var((64, 32), "float32") for _ in range(3))
    lines = []

    def made(op, *args, shape=(64, 32), **kwargs):
        lines.append(Line(op, args, kwargs, (Var(shape, "float32"),)))
        return lines[-1].out

    total = made(np.add.reduce, z, shape=(64, 1), axis=(1,), keepdims=True)
    square = made(np.multiply, y, y)
    made(np.divide, x, total)
    twice = made(np.add, x, x)
    in_order = made(np.sort, square)
    product = made(np.multiply, twice, y)
    ratio = made(np.divide, in_order, z)
    far = made(np.multiply, product, ratio)
    exp = made(np.exp, product)
    made(np.add, twice, exp)
    made(np.add, made(np.add, far, far), total)
    program = Program([x, y, z], {}, lines, [made(np.add, ratio, ratio), product, exp])
    assert fused(program, cheap=3) is not program  # which it is where groups need each other


def test_a_chain_of_numbers_is_one_group():
    def f(x):
        for _ in range(300):
            x = x * 1.01 + 0.5
        return x

    (line,) = groups(captured(f, np.array(2.0)))
    assert line.op.shape == ()
    assert len(line.op.numbers) == 600
