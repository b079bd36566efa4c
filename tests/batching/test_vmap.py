"""What vmap takes, gives and refuses, and how it nests."""

import threading
from collections import namedtuple

import numpy as np
import pytest

import calligrad as cg
from calligrad import (
    Function,
    Value,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    nn,
    no_grad,
    value_and_grad,
    vjp,
    vmap,
)
from calligrad import batched as engine
from calligrad.batching import BatchingWarning, loop
from calligrad.nn import functional as F

one_by_one = pytest.mark.filterwarnings("ignore::calligrad.batching.BatchingWarning")


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    assert engine.running == []
    assert engine.lift(1.0) == 1.0


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---------------------------------------------------------------- axes


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3, np.int64(1)])
def test_in_axes_says_where_the_examples_lie(rng, axis):
    x = rng.standard_normal((2, 3, 4))
    expected = np.stack([np.sin(part).T for part in np.moveaxis(x, axis, 0)])
    np.testing.assert_array_equal(vmap(lambda x: np.sin(x).T, in_axes=axis)(x), expected)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.ravel(x.T, order="K"),
        lambda x: np.ravel(x.T, order="A"),
        lambda x: np.reshape(x.T, (2, -1), order="A"),
        lambda x: np.average(x, weights=np.arange(6.0).reshape(2, 3), keepdims=True),
        lambda x: np.insert(np.arange(3), 1, x[0]),
        lambda x: np.insert(np.astype(x, int), 1, 0.5),
        lambda x: np.cumsum(x[0, 0], axis=0),
        lambda x: np.add.reduceat(x, [0, 1], axis=1),
        lambda x: np.fft.fftn(x, s=(2, 2), axes=(0, 1)),
        lambda x: np.roll(x, (1, -1), axis=(0, 1)),
    ],
)
@one_by_one
def test_rare_ways_of_calling_equal_the_loop(rng, f):
    x = rng.standard_normal((4, 2, 3))
    np.testing.assert_allclose(vmap(f)(x), np.stack([f(part) for part in x]))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_out_axes_says_where_they_go(rng, axis):
    x = rng.standard_normal((5, 2, 3))
    np.testing.assert_array_equal(vmap(lambda x: 2 * x, out_axes=axis)(x), np.moveaxis(2 * x, 0, axis))


def test_an_argument_may_be_the_same_for_all(rng):
    a, b = rng.standard_normal((4, 3)), rng.standard_normal(3)
    np.testing.assert_allclose(vmap(np.dot, in_axes=(0, None))(a, b), a @ b)
    np.testing.assert_allclose(vmap(np.dot, in_axes=[None, 0])(b, a), a @ b)


def test_nests_go_in_and_come_out(rng):
    Point = namedtuple("Point", "x y")
    p = {"a": rng.standard_normal((3, 2)), "b": [rng.standard_normal((2, 3)), 5.0]}

    def f(p, q):
        return Point(p["a"] * p["b"][1], {"s": p["b"][0] + q.x, "t": [q.y]})

    got = vmap(f, in_axes=({"a": 0, "b": [1, None]}, 0), out_axes=(0, {"s": 1, "t": 0}))(
        p, Point(np.arange(3.0), np.ones((3, 1)))
    )
    assert type(got) is Point
    np.testing.assert_array_equal(got.x, 5 * p["a"])
    np.testing.assert_array_equal(got.y["s"], p["b"][0] + np.arange(3.0))
    np.testing.assert_array_equal(got.y["t"][0], np.ones((3, 1)))


def test_keyword_arguments_have_their_examples_in_front():
    np.testing.assert_array_equal(vmap(lambda x, *, k: x + k)(np.arange(3.0), k=np.ones(3)), np.arange(3.0) + 1)


@pytest.mark.parametrize(
    ("k", "words"), [(2.0, r"a keyword argument of shape \(\)"), (np.ones(4), r"4 along axis 0 of a keyword argument")]
)
def test_a_keyword_argument_without_examples_is_told_of_partial(k, words):
    with pytest.raises(ValueError, match=rf"{words}.*functools\.partial"):
        vmap(lambda x, k: x * k)(np.arange(3.0), k=k)


def test_what_does_not_depend_on_the_example_is_repeated():
    one, two, three = vmap(lambda x: (1, np.ones(2), np.zeros_like(x)))(np.arange(3.0))
    np.testing.assert_array_equal(one, [1, 1, 1], strict=False)
    np.testing.assert_array_equal(two, np.ones((3, 2)))
    np.testing.assert_array_equal(three, np.zeros(3))
    assert two.flags.writeable
    two[0] = 5
    assert two[1, 0] == 1


@pytest.mark.parametrize("f", [lambda x: x, lambda x: x[:2], lambda x: x.T, lambda x: np.ones(3), lambda x: 2 * x])
def test_the_result_is_an_array_of_its_own(f):
    x = np.ones((3, 4))
    y = vmap(f)(x)
    assert y.flags.writeable
    assert not np.shares_memory(x, y)


def test_a_result_the_same_for_all_needs_no_axis():
    assert vmap(lambda x: (x, 7), out_axes=(0, None))(np.arange(2.0))[1] == 7
    with pytest.raises(ValueError, match="out_axes is None for a result"):
        vmap(lambda x: x, out_axes=None)(np.arange(2.0))


def test_no_examples():
    assert vmap(lambda x: np.sum(np.sin(x) @ np.ones((2, 4))))(np.zeros((0, 3, 2))).shape == (0,)


@one_by_one
def test_no_examples_one_by_one():
    with pytest.raises(ValueError, match="a batch of no examples"):
        vmap(np.unique)(np.zeros((0, 3)))


def test_one_example(rng):
    x = rng.standard_normal((1, 3))
    np.testing.assert_allclose(vmap(np.sort)(x), np.sort(x))


def test_numbers_of_examples_that_differ_are_named():
    with pytest.raises(ValueError, match=r"of add: .*3 along axis 0 of .*\(3, 2\) and 4 along axis 1 of .*\(2, 4\)"):
        vmap(np.add, in_axes=(0, 1))(np.ones((3, 2)), np.ones((2, 4)))


@pytest.mark.parametrize(
    ("in_axes", "args", "error", "words"),
    [
        ((0,), (np.ones(2), np.ones(2)), ValueError, "in_axes has 1 entries, but add was called with 2 arguments"),
        (None, (np.ones(2), np.ones(2)), ValueError, "no argument has a batch"),
        (2, (np.ones(2), np.ones(2)), ValueError, r"shape \(2,\) has no axis 2"),
        (0, (1.0, np.ones(2)), ValueError, r"shape \(\) has no axis 0.*None in in_axes"),
        ((0, "x"), (np.ones(2), np.ones(2)), TypeError, "whole numbers and None, not 'x'"),
        ((True, 0), (np.ones(2), np.ones(2)), TypeError, "whole numbers and None, not True"),
        (((0, 0), 0), (np.ones(2), np.ones(2)), ValueError, "has not the form of"),
    ],
)
def test_wrong_axes(in_axes, args, error, words):
    with pytest.raises(error, match=words):
        vmap(np.add, in_axes=in_axes)(*args)


def test_none_is_no_result():
    def nothing(x):
        pass

    with pytest.raises(TypeError, match="nothing returned None"):
        vmap(nothing)(np.ones(2))


# ---------------------------------------------------------------- what the function sees


def test_a_batched_array_shows_one_example():
    seen = []

    def f(x):
        seen.append((repr(x), f"{x}", x.shape, x.ndim, x.size, len(x), x.dtype, x.itemsize, x.nbytes))
        return x

    vmap(f)(np.ones((7, 2, 3), np.float32))
    text = "Batched(7 of shape (2, 3), float32)"
    assert seen == [(text, text, (2, 3), 2, 6, 2, np.float32, 4, 24)]


def test_it_says_what_it_lies_over():
    seen = []
    grad(lambda x: np.sum(vmap(lambda x: seen.append(repr(x)) or x)(x)))(np.ones((2, 3)))
    assert seen == ["Batched(2 of shape (3,), float64, over Value)"]


def test_loops_over_rows_and_unpacking(rng):
    x = rng.standard_normal((4, 3))
    np.testing.assert_allclose(vmap(lambda x: sum(n * n for n in x))(x), np.sum(x * x, 1))
    np.testing.assert_allclose(vmap(lambda x: (lambda a, b, c: a - b * c)(*x))(x), x[:, 0] - x[:, 1] * x[:, 2])


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: x if x > 0 else -x, r"if, while.*3 arrays of shape \(\).*np\.where"),
        (lambda x: x if np.any(x > 0) else -x, "if, while"),
        (lambda x: 1.0 in x[np.newaxis], r"a in x.*np\.any"),
        (lambda x: max(x, 0 * x), "if, while"),
        (float, r"float\(x\)"),
        (int, r"int\(x\)"),
        (complex, r"complex\(x\)"),
        (lambda x: [1, 2][x], r"x as an index.*take_along_axis"),
        (lambda x: np.arange(3)[x], "vmap"),
        (lambda x: x.item(), r"x\.item\(\)"),
        (lambda x: x.tolist(), r"x\.tolist\(\)"),
        (lambda x: np.array([x, x]), r"np\.stack"),
        (np.nonzero, r"np\.nonzero.*np\.where"),
        (np.where, r"np\.where.*the examples may differ in how many"),
        (lambda x: np.dot(x, x, out=np.zeros(())), "cannot write into an existing array"),
        (lambda x: np.sum(x, out=np.zeros(())), "cannot write into an existing array"),
        (lambda x: np.stack([x, x], out=np.zeros(2)), "cannot write into an existing array"),
        (lambda x: np.add(x, x, out=np.zeros(())), "the same for all"),
        (lambda x: x[np.newaxis][x[np.newaxis] > 0], "a mask that differs.*np.where"),
        (
            lambda x: np.zeros_like(x, shape=2).__setitem__(np.stack([x, x]) > 0, [1.0, 2.0]),
            "one value for every place",
        ),
    ],
)
def test_what_has_no_one_answer_is_refused(f, words):
    with pytest.raises(TypeError, match=words):
        vmap(f)(np.array([1.0, -1.0, 2.0]))


def test_an_array_that_leaves_is_refused():
    kept = []
    vmap(lambda x: kept.append(x) or x)(np.ones(2))
    with pytest.raises(RuntimeError, match="of a vmap that has ended"):
        kept[0] + 1


def test_a_value_made_within_does_not_come_out():
    with pytest.raises(TypeError, match="returned a Value that was made within vmap"):
        vmap(lambda x: Value(x) * 2)(np.ones(3))
    np.testing.assert_array_equal(vmap(lambda x: Value(x, requires_grad=False) * 2)(np.ones(3)), [2, 2, 2])


def test_another_type_gets_its_chance():
    class Other:
        __array_ufunc__ = None

        def __radd__(self, x):
            return 5.0

    assert vmap(lambda x: x + Other())(np.ones(2)).tolist() == [5.0, 5.0]


# ---------------------------------------------------------------- items


@one_by_one
@pytest.mark.parametrize(
    "f",
    [
        lambda x, i: x[i],
        lambda x, i: x[:, i],
        lambda x, i: x[i, i % 2],
        lambda x, i: x[i, :, i],
        lambda x, i: x[:, 1, np.stack([i, i])],
        lambda x, i: x[..., np.stack([i, -i])],
        lambda x, i: x[i[np.newaxis], np.array([[0], [1]])],
        lambda x, i: x[1:, np.array([True, False, True]), i],
        lambda x, i: x[i, None, 1],
        lambda x, i: np.take(x, i),
        lambda x, i: np.take(x, np.stack([i, i + 50]), axis=1, mode="wrap"),
        lambda x, i: np.take(x, np.stack([i, i + 50]), axis=1, mode="clip"),
        lambda x, i: np.take_along_axis(x, np.broadcast_to(i, (1, 3, 3)), 0),
        lambda x, i: np.choose(i, [x[0], x[1], x[2]]),
    ],
)
def test_indices_that_differ(rng, f):
    x, i = rng.standard_normal((4, 3, 3, 3)), np.array([0, 2, 1, 2])
    np.testing.assert_array_equal(vmap(f)(x, i), np.stack([f(*pair) for pair in zip(x, i, strict=True)]))
    np.testing.assert_array_equal(
        vmap(lambda i: f(cg.as_value(x[0]), i))(i).data, np.stack([f(x[0], n) for n in i]), strict=True
    )

    def total(x):
        return np.sum(np.sin(vmap(f)(x, i)))

    expected = grad(lambda x: sum(np.sum(np.sin(f(x[n], i[n]))) for n in range(4)))(x)
    np.testing.assert_allclose(grad(total)(x), expected)
    np.testing.assert_allclose(vmap(grad(lambda x, i: np.sum(np.sin(f(x, i)))))(x, i), expected)


def test_indices_out_of_bounds():
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        vmap(lambda x, i: x[i])(np.ones((2, 3)), np.array([0, 3]))


@pytest.mark.parametrize(
    "write",
    [
        lambda y, x, i: y.__setitem__(0, x[1]),
        lambda y, x, i: y.__setitem__((slice(None), 1), 7.0),
        lambda y, x, i: y.__setitem__(i, x[i] * 2),
        lambda y, x, i: y.__setitem__((i, np.array([0, 1])), x[0, :2]),
        lambda y, x, i: y.__setitem__(np.array([True, False, True]), x[:2]),
        lambda y, x, i: y[1:].__setitem__(0, x[2]),
        lambda y, x, i: np.add.at(y, np.stack([i, i]), x[0]),
        lambda y, x, i: np.copyto(y, x[0]),
        lambda y, x, i: np.fill_diagonal(y, x[0, 0]),
        lambda y, x, i: np.put_along_axis(y, np.broadcast_to(i, (1, 3)), x[:1], 0),
        lambda y, x, i: np.multiply(x, 2, out=y),
    ],
)
def test_writing_into_an_array_made_within(rng, write):
    x, i = rng.standard_normal((4, 3, 3)), np.array([0, 2, 1, 2])

    def f(x, i):
        y = np.zeros_like(x)
        write(y, x, i)
        return y

    expected = np.stack([f(*pair) for pair in zip(x, i, strict=True)])
    np.testing.assert_array_equal(vmap(f)(x, i), expected)


@one_by_one
def test_writing_and_the_gradient(rng):
    x, i = rng.standard_normal((4, 3)), np.array([0, 2, 1, 2])

    def f(x, i):
        y = np.zeros_like(x)
        y[i] = x[0] * x[i]
        return np.sum(y)

    expected = np.stack([grad(f)(*pair) for pair in zip(x, i, strict=True)])
    np.testing.assert_allclose(vmap(grad(f))(x, i), expected)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(f)(x, i)))(x), expected)


@pytest.mark.parametrize(
    "write",
    [
        lambda y, v: y.__setitem__(0, v[1]),
        lambda y, v: np.copyto(y, v),
        lambda y, v: np.add.at(y, 0, v[0]),
        lambda y, v: np.fill_diagonal(y, v[0]),
        lambda y, v: np.multiply(v, 2, out=y),
    ],
)
def test_a_value_is_not_written_into_an_array_that_holds_none(write):
    def f(x):
        y = np.zeros_like(x)
        return np.sum(grad(lambda v: write(y, v) or np.sum(y))(x))

    with pytest.raises(TypeError, match=r"the graph would be cut|would cut the graph"):
        vmap(f)(np.ones((2, 3)))


def test_a_value_that_holds_indices_is_an_index():
    x, i = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0])
    np.testing.assert_array_equal(vmap(lambda x, i: x[Value(i)])(x, i), [2.0, 3.0])


def test_an_argument_is_not_written_into():
    x = np.ones((2, 3))
    with pytest.raises(TypeError, match=r"cannot be written into; write into np\.copy"):
        vmap(lambda x: x.__setitem__(0, 5) or x)(x)
    with pytest.raises(TypeError, match=r"zeros_like"):
        vmap(lambda x: np.zeros((3, 3)).__setitem__(0, x) or x)(x)
    assert (x == 1).all()
    assert x.flags.writeable


# ---------------------------------------------------------------- with the other transformations


def loss(w, x, y):
    return np.sum((np.tanh(w @ x) - y) ** 2)


@pytest.fixture
def problem(rng):
    return rng.standard_normal((2, 3)), rng.standard_normal((5, 3)), rng.standard_normal((5, 2))


def test_gradients_of_examples(problem):
    w, xs, ys = problem
    expected = np.stack([grad(loss)(w, x, y) for x, y in zip(xs, ys, strict=True)])
    np.testing.assert_allclose(vmap(grad(loss), in_axes=(None, 0, 0))(w, xs, ys), expected)
    values, gs = vmap(value_and_grad(loss), in_axes=(None, 0, 0))(w, xs, ys)
    np.testing.assert_allclose(gs, expected)
    np.testing.assert_allclose(values, [loss(w, x, y) for x, y in zip(xs, ys, strict=True)])
    total = grad(lambda w: np.sum(vmap(loss, in_axes=(None, 0, 0))(w, xs, ys)))(w)
    np.testing.assert_allclose(total, np.sum(expected, 0))


@pytest.mark.parametrize(
    "transformed",
    [
        lambda f: grad(f, (0, 1)),
        lambda f: lambda *args: vjp(f, *args)[1](np.float64(2.0)),
        lambda f: lambda *args: jvp(f, args, args)[1],
        lambda f: lambda *args: hvp(f, args, args),
        lambda f: jacobian(lambda w, x, y: np.tanh(w @ x) * y, (0, 1)),
        lambda f: hessian(f, 1),
        lambda f: jacobian(jacobian(lambda w, x, y: np.tanh(w @ x) * y), 1),
        lambda f: grad(lambda w, x, y: np.sum(grad(f)(w, x, y) ** 2), (0, 1, 2)),
        lambda f: lambda w, x, y: vmap(f, in_axes=(None, 0, None))(w, np.stack([x, 2 * x]), y),
        lambda f: grad(lambda w, x, y: np.sum(vmap(f, in_axes=(None, None, 0))(w, x, np.stack([y, 2 * y])))),
    ],
)
def test_vmap_of_every_transformation(problem, transformed):
    w, xs, ys = problem
    f = transformed(loss)
    got = vmap(f, in_axes=(None, 0, 0))(w, xs, ys)
    each = [f(w, x, y) for x, y in zip(xs, ys, strict=True)]
    for a, b in zip(
        got if isinstance(got, tuple) else [got],
        zip(*each, strict=True) if isinstance(got, tuple) else [each],
        strict=True,
    ):
        np.testing.assert_allclose(a, np.stack(b), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "transformed",
    [
        lambda f: grad(lambda w: np.sum(f(w) ** 2)),
        jacobian,
        lambda f: hessian(lambda w: np.sum(f(w) ** 2)),
        lambda f: lambda w: jvp(f, (w,), (w,))[1],
        lambda f: lambda w: vjp(f, w)[1](np.arange(5.0))[0],
        lambda f: lambda w: hvp(lambda w: np.sum(f(w) ** 2), (w,), (w,))[0],
    ],
)
def test_every_transformation_of_vmap(problem, transformed):
    w, xs, ys = problem
    got = transformed(lambda w: vmap(loss, in_axes=(None, 0, 0))(w, xs, ys))(w)
    expected = transformed(lambda w: np.stack([loss(w, x, y) for x, y in zip(xs, ys, strict=True)]))(w)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


def test_no_perturbation_is_confused():
    """What is outside is a constant to the derivative within: Siskind and Pearlmutter's example, batched."""

    def f(x):
        return x * vmap(grad(lambda y: x + y))(np.array([1.0, 2.0]))[0]

    assert grad(f)(1.0) == 1.0

    def g(x):
        return np.sum(vmap(lambda t: x * grad(lambda y: x * y * t)(x))(np.array([1.0, 10.0])))

    assert grad(g)(3.0) == 66.0  # g = 11 x**2
    assert grad(grad(g))(3.0) == 22.0
    swapped = vmap(lambda x: x * np.sum(vmap(lambda t: grad(lambda y: x * y * t)(t))(np.array([1.0, 2.0]))))
    np.testing.assert_array_equal(swapped(np.array([1.0, 3.0])), [3.0, 27.0])  # 3 x**2


def test_levels_mix_at_every_depth(rng):
    a, b, c = rng.standard_normal((2, 4)), rng.standard_normal((3, 4)), rng.standard_normal(4)

    def inner(a, b, c):
        return np.sum(np.sin(a * b) * c)

    def nested(a, b, c):
        over_b = vmap(lambda a, b: grad(lambda c: inner(a, b, c) ** 2)(c), in_axes=(None, 0))
        return vmap(lambda a: np.sum(over_b(a, b) ** 2, axis=0))(a)

    def loops(a, b, c):
        rows = [[grad(lambda z, x=x, y=y: inner(x, y, z) ** 2)(c) for y in b] for x in a]
        return np.stack([np.sum(np.stack(row) ** 2, axis=0) for row in rows])

    np.testing.assert_allclose(nested(a, b, c), loops(a, b, c))
    for n in range(3):
        got = grad(lambda *args: np.sum(np.cos(nested(*args))), n)(a, b, c)
        np.testing.assert_allclose(got, grad(lambda *args: np.sum(np.cos(loops(*args))), n)(a, b, c))


def test_values_from_outside_keep_their_graph(rng):
    w, xs = Value(rng.standard_normal(3)), rng.standard_normal((4, 3))
    y = vmap(lambda x: np.sum(w * np.sin(x * w)))(xs)
    assert isinstance(y, Value)
    assert y.shape == (4,)
    g = gradients(np.sum(y), w)
    np.testing.assert_allclose(g, sum(grad(lambda w, x=x: np.sum(w * np.sin(x * w)))(w.data) for x in xs))
    per_example = vmap(grad(lambda x: np.sum(w * np.sin(x * w))))(xs)
    np.testing.assert_allclose(per_example.data, w.data**2 * np.cos(xs * w.data))
    np.sum(per_example).backward()
    np.testing.assert_allclose(
        w.grad, np.sum(2 * w.data * np.cos(xs * w.data) - w.data**2 * xs * np.sin(xs * w.data), 0)
    )


def test_backward_within_the_function():
    def f(x):
        v = Value(x)
        np.sum(v**3).backward()
        return v.grad

    np.testing.assert_array_equal(vmap(f)(np.array([[1.0, 2.0], [3.0, 4.0]])), [[3, 12], [27, 48]])


def test_no_grad(rng):
    w = Value(rng.standard_normal(3))
    with no_grad():
        y = vmap(lambda x: w * x)(Value(rng.standard_normal((2, 3))))
        g = vmap(grad(lambda x: np.sum(w * x**2)))(rng.standard_normal((2, 3)))
    assert not y.requires_grad
    assert not getattr(g, "requires_grad", False)


# ---------------------------------------------------------------- calligrad's own functions and modules


def test_modules_within(rng):
    model = nn.Sequential(nn.Linear(3, 8), nn.GELU(), nn.Linear(8, 2))
    xs, labels = rng.standard_normal((6, 3)).astype(np.float32), np.array([0, 1, 1, 0, 1, 0])
    losses = vmap(lambda x, label: F.cross_entropy(model(x), label))(xs, labels)
    assert losses.dtype == np.float32
    np.mean(losses).backward()
    got = [p.grad for p in model.parameters()]
    for p in model.parameters():
        p.grad = None
    F.cross_entropy(model(xs), labels).backward()
    for g, p in zip(got, model.parameters(), strict=True):
        np.testing.assert_allclose(g, p.grad, atol=1e-6)


def test_a_function_of_ones_own(rng):
    class Cube(Function):
        def forward(self, x):
            return x**3

        def backward(self, g, x):
            return g * 3 * x**2

    class Leaves(Function):
        def forward(self, x):
            return np.asarray([float(n) ** 3 for n in x])

        def backward(self, g, x):
            return g * np.asarray([3 * float(n) ** 2 for n in x])

    class Double(Function):
        def forward(self, x):
            return x + x

        def backward(self, g):
            return g + g

    class Pair(Function):
        def forward(self, a, b):
            return a * b, a

        def backward(self, gs, _a, b):
            return gs[0] * b if gs[1] is None else gs[0] * b + gs[1], None

    x = rng.standard_normal((3, 2))
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(lambda x: Double()(x))(x) ** 2))(x), 8 * x)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(lambda x: Pair()(x, x)[0])(x)))(x), x)
    np.testing.assert_allclose(vmap(grad(lambda x: np.sum(sum(Pair()(x, x)))))(x), x + 1)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(lambda x: sum(Pair()(x, x)))(x)))(x), x + 1)
    np.testing.assert_allclose(vmap(lambda x: Cube()(x))(x), x**3)
    np.testing.assert_allclose(vmap(grad(lambda x: np.sum(Cube()(x))))(x), 3 * x**2)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(lambda x: Cube()(x))(x)))(x), 3 * x**2)
    second = hessian(lambda x: np.sum(vmap(lambda x: Cube()(x))(x)))(x[:1])
    np.testing.assert_allclose(second[0, :, 0], np.diag(6 * x[0]))
    with pytest.warns(BatchingWarning, match="Leaves has no batching rule"):
        np.testing.assert_allclose(vmap(grad(lambda x: np.sum(Leaves()(x))))(x), 3 * x**2)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(lambda x: Leaves()(x))(x)))(x), 3 * x**2)


def test_black_boxes(rng, monkeypatch):
    monkeypatch.setattr(loop, "_told", set())  # another test may have met the same function
    x = rng.standard_normal((3, 2))

    def squares(x):
        return np.asarray([float(n) ** 2 for n in x])

    f = cg.custom(squares, lambda g, x: (g * 2 * x,))
    with pytest.warns(BatchingWarning, match="^squares has no batching rule"):
        np.testing.assert_allclose(vmap(grad(lambda x: np.sum(f(x))))(x), 2 * x)


# ---------------------------------------------------------------- one by one


def test_a_function_without_a_rule_says_so_once(rng, monkeypatch):
    x = np.sort(rng.standard_normal((3, 5)))
    monkeypatch.setattr(loop, "_told", set())
    with pytest.warns(BatchingWarning, match=r"np\.unique has no batching rule.*docs/vmap\.md") as caught:
        np.testing.assert_array_equal(vmap(lambda x: np.unique(np.unique(x)))(x), x)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (np.median, "the gradient of np.median"),
        (np.maximum.accumulate, "the gradient of np.maximum.accumulate"),
        (lambda x: np.linalg.lstsq(np.diag(x), x)[0], "np.linalg.lstsq"),
    ],
)
def test_the_warning_names_what_the_user_wrote_and_where(rng, monkeypatch, f, name):
    monkeypatch.setattr(loop, "_told", set())
    with pytest.warns(BatchingWarning, match=f"^{name} has no batching rule") as caught:
        vmap(grad(lambda x: np.sum(f(x))))(rng.standard_normal((2, 5)))
    assert {w.filename for w in caught} == {__file__}


@one_by_one
def test_results_that_make_no_array():
    with pytest.raises(ValueError, match=r"results of different shapes for different examples, \(1,\) and \(2,\)"):
        vmap(np.unique)(np.array([[1.0, 1.0], [1.0, 2.0]]))


@one_by_one
def test_within_a_function_that_goes_one_by_one_examples_are_single(rng):
    x = rng.standard_normal((3, 4))
    got = vmap(lambda x: np.apply_along_axis(grad(lambda r: np.sum(r**2)), 0, x))(x)
    np.testing.assert_allclose(got, 2 * x)


# ---------------------------------------------------------------- rows of a Jacobian


def test_a_jacobian_of_many_rows_is_that_of_few(rng, monkeypatch):
    from calligrad import transforms

    a, x = rng.standard_normal((40, 3)), rng.standard_normal(3)

    def f(x):
        return {"y": np.tanh(a @ x), "z": np.outer(x, x)[0], "n": np.sort(x)}

    at_once = jacobian(f)(x), hessian(lambda a: np.sum(np.tanh(a @ x) ** 3))(a)
    chunked = [at_once]
    monkeypatch.setattr(transforms, "MANY_NUMBERS", 3000)
    chunked.append((jacobian(f)(x), hessian(lambda a: np.sum(np.tanh(a @ x) ** 3))(a)))
    monkeypatch.setattr(transforms, "FEW_ROWS", 10**9)
    for jac, hess in chunked:
        np.testing.assert_allclose(hess, hessian(lambda a: np.sum(np.tanh(a @ x) ** 3))(a), atol=1e-12)
        for name, block in jacobian(f)(x).items():
            np.testing.assert_allclose(jac[name], block, atol=1e-12)


def test_a_jacobian_of_what_no_batch_goes_through(rng):
    """It falls back to rows, without a word."""
    x = rng.standard_normal(40)
    middle = jacobian(lambda x: np.mean(np.sort(x)[19:21]) * x)(x)
    np.testing.assert_allclose(jacobian(lambda x: np.median(x) * x)(x), middle)
    np.testing.assert_allclose(vmap(jacobian(np.sin))(np.stack([x, 2 * x]))[1], np.diag(np.cos(2 * x)))
    np.testing.assert_allclose(jacobian(jacobian(lambda x: x**3))(x[:20])[3, 3, 3], 6 * x[3])


# ---------------------------------------------------------------- threads


def test_threads_do_not_meet(rng):
    xs = rng.standard_normal((8, 3))
    w = Value(np.ones(3))
    results = {}

    def work(n):
        for _ in range(20):
            results[n] = vmap(grad(lambda x: np.sum(np.sin(n * x))))(xs), np.sum(w * n).data

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, (g, s) in results.items():
        np.testing.assert_allclose(g, n * np.cos(n * xs))
        assert s == 3 * n


def test_what_every_example_would_overwrite_is_refused():
    def product(x):
        out = np.empty((2, 2))
        np.matmul(x, x, out=out)
        return out + 0

    with pytest.raises(TypeError, match=r"np.matmul within vmap cannot write into an existing array"):
        vmap(product)(np.ones((3, 2, 2)))


@pytest.mark.filterwarnings("ignore::calligrad.batching.BatchingWarning")
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_layers_that_fill_buffers_go_one_by_one(kind):
    layer = getattr(cg.nn, kind)(2, 4, dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((5, 3, 2))
    mapped = vmap(lambda x: layer(x)[0], in_axes=1, out_axes=1)(x)
    np.testing.assert_allclose(np.asarray(mapped.data), layer(x)[0].data, rtol=1e-12)


@pytest.mark.filterwarnings("ignore::calligrad.batching.BatchingWarning")
def test_attention_goes_one_by_one():
    q = np.random.default_rng(0).standard_normal((4, 3, 5, 2))
    attend = F.scaled_dot_product_attention
    mapped = vmap(lambda q: attend(q, q, q))(q)
    np.testing.assert_allclose(mapped, attend(q, q, q), rtol=1e-12)
