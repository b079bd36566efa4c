"""Arguments of every kind."""

import dataclasses
import functools
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

from calligrad import Value, grad, nn, vmap
from calligrad.compiler.traced import CaptureError
from tests.compiler.traps.checks import X, check, compiled, refused, same

Point = namedtuple("Point", "x y")


@dataclasses.dataclass(frozen=True)
class Batch:
    x: np.ndarray
    name: str = "batch"


@pytest.mark.parametrize(
    ("f", "calls"),
    {
        "twice": (lambda a, b: a * b + a, [(X, X), (X, X + 1), (X + 1, X + 1)]),
        "layouts": (lambda x: x * 2, [(X,), (X.T,), (X[::2],), (X[::-1],), (np.asfortranarray(X),)]),
        "views": (lambda a, b: a @ b, [(X, X.T), (X[:2], X.T[:, 1:])]),
        "zero axes": (lambda x: x * 2 + 1, [(np.array(3.0),), (np.float32(2),), (np.float64(2),), (np.array(1),)]),
        "empty": (lambda x: np.sum(x) + x, [(np.zeros((0, 3)),), (np.zeros(0, int),)]),
        "scalars": (lambda x, n: x * n, [(X, 2), (X, 2.0), (X, True), (X, np.float64(2)), (X, 1j), (X, np.int64(3))]),
        "words": (lambda x, how: x * 2 if how == "twice" else x, [(X, "twice"), (X, None), (X, "once")]),
        "nests": (lambda d: {"y": [d["x"][0] * 2, d["n"]]}, [({"x": (X, 1), "n": None},), ({"x": [X], "n": 3},)]),
        "namedtuple": (lambda p: Point(p.y, p.x * 2), [(Point(X, X + 1),)]),
        "ordered": (lambda d: OrderedDict(b=d["a"] * 2), [(OrderedDict(a=X),)]),
        "slices": (lambda x: (x[1:], x[None, ..., 0]), [(X,)]),
    }.values(),
)
def test_arguments_of_every_kind(f, calls):
    check(f, *calls)


def test_arrays_that_are_one_in_some_calls():
    w, v = np.ones((4, 3)), np.ones((4, 3))
    second = [v]
    f = compiled(lambda a, b: a * b + a + w * second[0])
    x, y = X.copy(), X + 1
    for a, b, second[0] in [
        (x, x, v),
        (x, y, v),
        (y, y, w),
        (x, y, w),
        (w, w, v),
        (x, y, v),
        (y, x, v),
        (x, w, x),
        (x, x, w),
    ]:
        for _ in range(2):
            assert same(f(a, b), a * b + a + w * second[0])


def test_dataclass_as_argument_and_result():
    f = compiled(lambda batch: Batch(batch.x * 2, batch.name + "!"))
    for i in range(4):
        y = f(Batch(X + i))
        assert type(y) is Batch
        assert same(y.x, (X + i) * 2)
        assert y.name == "batch!"
    assert len(f.runs) == 1


def test_read_only_argument():
    x = X.copy()
    x.flags.writeable = False
    check(lambda x: x + 1, (x,), (X,))

    def write(x):
        x[0] = 1
        return x

    f = compiled(write)
    f(X.copy()), f(X.copy()), f(X.copy())
    with pytest.raises(ValueError, match="read-only"):
        f(x)


def test_floats_are_one_program_and_whole_numbers_few():
    f = compiled(lambda x, n: x * n)
    for i in range(20):
        assert same(f(X, i / 2), X * (i / 2))
    assert len(f.runs) == 1
    g = compiled(lambda x, n: x * n)
    for i in range(8):
        assert same(g(X, i), X * i)
    with pytest.warns(RuntimeWarning, match="9th time"):
        assert same(g(X, 8), X * 8)
    for i in range(100):
        assert same(g(X, i), X * i)
    assert len(g.runs) <= 64


def test_keywords():
    f = compiled(lambda x, *, by=1, plus=0.0: x * by + plus)
    for _ in range(3):
        assert same(f(X, by=3), X * 3 + 0.0)
        assert same(f(X, plus=1.5, by=2), X * 2 + 1.5)
        assert same(f(x=X), X * 1 + 0.0)


def test_argument_that_is_written_into():
    def double(x):
        x *= 2
        return x

    f = compiled(double)
    for _ in range(4):
        x = X.copy()
        assert f(x) is x
        assert same(x, X * 2)


def test_arguments_that_share_memory_and_are_written_into():
    def swap(a, b):
        a[...], b[...] = b.copy(), a.copy()

    f = compiled(swap)
    for _ in range(3):
        a, b = np.zeros(3), np.ones(3)
        f(a, b)
        assert same((a, b), (np.ones(3), np.zeros(3)))
    whole = np.arange(4.0)
    with pytest.raises(CaptureError, match="shares its memory"):
        f(whole[:3], whole[1:])
    assert same(whole, np.arange(4.0))


def test_list_or_dict_that_is_changed_is_refused():
    def fill(x, found):
        found["y"] = x * 2

    found = {}
    refused(fill, X, found, match="Return it")
    assert found == {}


def test_value_as_argument():
    def f(v, by):
        y = np.sum(v * v) * by
        y.backward()
        return y.data

    run = compiled(f)
    for i in range(4):
        a, b = Value(X + i), Value(X + i)
        assert same(run(a, 2.0), f(b, 2.0))
        assert same(a.grad, b.grad)
    constant = Value(X, requires_grad=False)
    assert same(compiled(lambda v: v * 2)(constant), constant * 2)
    pair = compiled(lambda a, b: np.sum(a * b).backward())
    for _ in range(3):
        a, b, c = Value(X), Value(X + 1), Value(X + 2)
        pair(a, b)
        assert same((a.grad, b.grad), (X + 1, X))
        pair(c, c)
        assert same(c.grad, 2 * X + 4)


def test_argument_that_is_a_parameter():
    layer = nn.Linear(3, 2)

    def f(w, x):
        return np.sum(x @ layer.weight.data.T) + np.sum(w.data)

    run = compiled(f)
    for w in (layer.weight, layer.weight, layer.weight, Value(X), Value(X), Value(X), layer.weight):
        assert same(run(w, X), f(w, X))


def test_value_that_was_computed_makes_the_call_part_of_its_graph():
    run = compiled(lambda v: np.sum(v * v))
    x = Value(X)
    y = run(np.sin(x))
    y.backward()
    assert same(x.grad, grad(lambda x: np.sum(np.sin(x) ** 2))(X)) or np.allclose(x.grad, np.sin(2 * X))
    outside = np.sin(x)
    with pytest.raises(CaptureError, match="computed outside"):
        compiled(lambda x: np.sum(outside * x))(X)


def test_within_grad_and_vmap():
    f = compiled(lambda x: np.sum(np.tanh(x) ** 2))

    def plain(x):
        return np.sum(np.tanh(x) ** 2)

    f(X[0]), f(X[0])
    assert same(grad(f)(X[0]), grad(plain)(X[0]))
    assert same(vmap(f)(X), vmap(plain)(X))
    assert same(grad(lambda x: f(x) * f(X[0]))(X[0]), grad(lambda x: plain(x) * plain(X[0]))(X[0]))
    for g in (grad(plain), vmap(plain), vmap(grad(plain))):
        x = X if g is not grad(plain) and g is not None else X[0]
        h = compiled(g)
        for _ in range(3):
            np.testing.assert_allclose(h(x), g(x), rtol=1e-6)


def test_functions_of_every_kind():
    class Scale:
        def __init__(self, by):
            self.by = by

        @compiled
        def method(self, x):
            return x * self.by

        @staticmethod
        def static(x):
            return x + 1

    two, three = Scale(2.0), Scale(3.0)
    for _ in range(4):
        assert same(two.method(X), X * 2)
        assert same(three.method(X), X * 3)
    two.by = 5.0
    assert same(two.method(X), X * 5)
    check(functools.partial(lambda a, x, by: a * x * by, X + 1, by=2.0), (X,))
    check(Scale.static, (X,))
    check(two.method, (X,))
    check(np.tanh, (X,))

    inner = compiled(lambda x: np.tanh(x))
    check(lambda x: inner(x) * inner(x + 1), (X,), programs=1)

    @compiled
    def factorial(x, n):
        return x if n == 0 else factorial(x, n - 1) * n

    assert same([factorial(X, 3) for _ in range(3)], [X * 1 * 2 * 3] * 3)


def test_float_that_is_looked_at_by_its_type():
    f = compiled(lambda x, n: x * n if isinstance(n, float) else x)
    for i in range(4):
        assert same(f(X, i / 2), X * (i / 2))
    g = compiled(lambda x, n: x * n if type(n) is float else x)
    g(X, 1.5)
    with pytest.raises(CaptureError, match="isinstance"):
        g(X, 2.5)
