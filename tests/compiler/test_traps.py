"""What could be silently frozen or wrong in a compiled function, and what happens instead."""

import copy
import dataclasses
import functools
import gc
import itertools
import os
import pickle
import random
import re
import threading
import time
import weakref
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import calligrad
from calligrad import Value, grad, nn, no_grad, optim, vmap
from calligrad.compiler.traced import CaptureError
from calligrad.nn import functional as F

compiled = functools.partial(calligrad.compile, backend="numpy")
X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
Y = np.array([0, 1, 0, 1])


def same(a, b):
    """Whether two results are the same, bit for bit."""
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, Value):
        return type(b) is type(a) and same(a.data, b.data)
    if a is None or isinstance(a, (int, float, str)):
        return type(a) is type(b) and a == b
    return np.asarray(a).dtype == np.asarray(b).dtype and np.array_equal(a, b, equal_nan=True)


class Training:
    """A model, its optimizer and a step, from the same start each time."""

    def __init__(self, make=optim.SGD, dropout=0.0, **settings):
        calligrad.random.seed(0)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(dropout), nn.Linear(4, 2))
        self.optimizer = make(self.model.parameters(), **{"lr": 0.1, **settings})

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self):
        arrays = [p.data for p in self.model.parameters()]
        return arrays + [p.grad for p in self.model.parameters()] + list(self.optimizer.state_dict().values())


def check_training(change=lambda training, i: None, calls=6, step=Training.step, programs=None, **settings):
    """Train eagerly and compiled, with ``change(training, i)`` ahead of call i: all is the same after every call."""
    eager, other = Training(**settings), Training(**settings)
    run = compiled(functools.partial(step, other))
    results = []
    for training, f in ((eager, functools.partial(step, eager)), (other, run)):
        calligrad.random.seed(7)
        results.append([])
        for i in range(calls):
            change(training, i)
            result = f(X, Y)
            results[-1].append(
                [copy.deepcopy(training.state()), np.copy(result.data if isinstance(result, Value) else 0)]
            )
    for i, (a, b) in enumerate(zip(*results)):
        for p, q in zip(a[0], b[0], strict=True):
            if p is None or q is None:
                assert p is q, i
            else:
                np.testing.assert_allclose(p, q, rtol=2e-6, atol=1e-7, err_msg=f"call {i}")
        np.testing.assert_allclose(a[1], b[1], rtol=2e-6, err_msg=f"call {i}")
    assert programs is None or len(run.runs) == programs, run
    return run


def check(f, *calls, programs=None):
    """Call f eagerly and compiled with each tuple of arguments, thrice: the results are the same."""
    run = compiled(f)
    for _ in range(3):
        for args in calls:
            expected = f(*copy.deepcopy(args))
            assert same(run(*copy.deepcopy(args)), expected), args
    assert programs is None or len(run.runs) == programs, run
    return run


def refused(f, *args, match):
    """The call is refused, with a line of this file and what to do, and the next call is refused as well."""
    run = compiled(f)
    for _ in range(2):
        with pytest.raises(CaptureError, match=match) as error:
            run(*args)
        assert f.__name__.split(".")[-1] in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------- training: what may change between calls


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad])
def test_step_of_optimizer_is_one_program(make):
    check_training(make=make, programs=1)


def test_eval_and_train_between_calls():
    check_training(lambda t, i: t.model.train(i % 2 == 0), dropout=0.5, calls=8, programs=2)


def test_dropout_draws_as_eager_does():
    check_training(dropout=0.5)
    check_training(lambda t, i: calligrad.random.seed(i // 2), dropout=0.5)


def test_own_generator_in_closure_attribute_and_argument():
    class Noise:
        def __init__(self):
            self.rng = np.random.default_rng(1)

        def __call__(self, x):
            return x + self.rng.normal(size=3)

    noise = Noise()
    a, b = noise.rng.bit_generator.state, compiled(noise)
    got = [b(np.zeros(3)) for _ in range(4)]
    noise.rng.bit_generator.state = a
    assert same(got, [noise(np.zeros(3)) for _ in range(4)])
    noise.rng = np.random.default_rng(5)  # another one
    assert same(b(np.zeros(3)), np.random.default_rng(5).normal(size=3))

    rng = np.random.default_rng(2)
    f = compiled(lambda x: x * rng.random(3))
    assert same([f(np.ones(3)) for _ in range(4)], [np.random.default_rng(2).random((4, 3))[i] for i in range(4)])

    g = compiled(lambda x, rng: x * rng.random(3))
    for seed in 0, 1, 2, 2:
        assert same(g(np.ones(3), np.random.default_rng(seed)), np.random.default_rng(seed).random(3))


def test_load_state_dict_between_calls():
    start = Training().model.state_dict()
    check_training(lambda t, i: i == 3 and t.model.load_state_dict(start))


def test_optimizer_loads_its_state():
    start = Training(make=optim.Adam).optimizer.state_dict()
    check_training(lambda t, i: i == 3 and t.optimizer.load_state_dict(start), make=optim.Adam)


def test_parameter_is_given_another_array():
    def rebind(t, i):
        for p in t.model.parameters():
            p.data = p.data * 0.5

    check_training(rebind, programs=1)

    def write(t, i):
        for p in t.model.parameters():
            p.data[...] = p.data * 0.5

    check_training(write, programs=1)


def test_parameter_in_another_layout_or_dtype():
    def change(t, i):
        w = t.model[0].weight
        if i == 3:
            w.data = np.asfortranarray(w.data)
        if i == 5:
            t.model.astype(np.float64)

    check_training(change, calls=8)


def test_requires_grad_between_calls():
    check_training(lambda t, i: t.model[0].requires_grad_(i not in (2, 3)), calls=7)


@pytest.mark.parametrize("make", [optim.Adam, optim.AdamW])
def test_settings_of_optimizer_are_read_anew(make):
    def change(t, i):
        t.optimizer.lr = 0.1 / (i + 1)
        t.optimizer.param_groups[0]["weight_decay"] = 0.01 * (i + 1)
        t.optimizer.param_groups[0]["betas"] = (0.9 - 0.01 * i, 0.99)

    check_training(change, make=make, programs=1)


def test_weight_decay_that_begins():
    check_training(lambda t, i: t.optimizer.param_groups[0].update(weight_decay=0.1 * (i > 2)), programs=2)


def test_added_param_group():
    class Two(Training):
        def __init__(self):
            super().__init__()
            self.optimizer = optim.Adam(self.model[0].parameters(), lr=0.1)

    runs = []
    for wrap in (lambda f: f), compiled:
        t = Two()
        step = wrap(t.step)
        for i in range(6):
            if i == 3:
                t.optimizer.add_param_group({"params": list(t.model[3].parameters()), "lr": 0.01})
            step(X, Y)
        runs.append(t.state())
    for a, b in zip(*runs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)


def scheduled(t, x, y):
    loss = t.step(x, y)
    t.schedule.step()
    return loss


class Scheduled(Training):
    def __init__(self):
        super().__init__()
        self.schedule = optim.StepLR(self.optimizer, step_size=2, gamma=0.5)


@pytest.mark.parametrize("inside", [True, False])
def test_schedule_inside_and_outside(inside):
    a, b = Scheduled(), Scheduled()
    step = compiled(functools.partial(scheduled, b) if inside else b.step)
    for _ in range(7):
        scheduled(a, X, Y)
        step(X, Y)
        if not inside:
            b.schedule.step()
        assert a.optimizer.lr == b.optimizer.lr
    for p, q in zip(a.state(), b.state(), strict=True):
        np.testing.assert_allclose(p, q, rtol=2e-6)
    assert len(step.runs) == 1


def test_schedule_ahead_of_the_optimizer_is_refused():
    t = Scheduled()

    def wrong(x, y):
        t.schedule.step()
        return t.step(x, y)

    before = t.state()
    assert "after optimizer.step()" in refused(wrong, X, Y, match=r"test_traps\.py:\d+")
    assert same(t.state(), before)
    assert t.optimizer.lr == 0.1


def test_two_optimizer_steps_in_one_function():
    def twice(t, x, y):
        t.step(x, y)
        return t.step(x, y)

    check_training(step=twice, make=optim.Adam, programs=1)


def accumulate(t, x, y):
    loss = F.cross_entropy(t.model(x), y)
    loss.backward()
    return loss


def test_gradients_add_up_over_calls():
    run = check_training(step=accumulate)
    assert len(run.runs) == 2  # without a gradient, and with one
    check_training(lambda t, i: i % 3 == 0 and t.optimizer.zero_grad(), step=accumulate, calls=8)


def test_gradient_is_not_overwritten_by_the_next_call():
    t = Training()
    step, kept, copies = compiled(t.step), [], []
    for _ in range(5):
        step(X, Y)
        kept.append(t.model[0].weight.grad)
        copies.append(kept[-1].copy())
    assert same(kept, copies)
    assert len(set(map(id, kept))) == 5


def test_zero_grad_needs_no_capture_more():
    check_training(programs=1)

    def forget(t, x, y):
        t.model.zero_grad()
        return accumulate(t, x, y)

    check_training(step=forget, programs=1)
    check_training(lambda t, i: t.model.zero_grad(), step=forget, programs=1)


def test_gradient_that_is_read():
    def clipped(t, x, y):
        loss = F.cross_entropy(t.model(x), y)
        loss.backward()
        for p in t.model.parameters():
            p.grad = np.clip(p.grad, -0.1, 0.1)
        t.optimizer.step()
        return loss

    check_training(step=clipped)


# ---------------------------------------------------------------- numbers and other state of Python


class Counter:
    def __init__(self):
        self.t = 0
        self.rate = 1.0
        self.seen = []

    def count(self, x):
        self.t += 1
        return x * self.t

    def decay(self, x):
        self.rate *= 0.5
        return x * self.rate

    def every_third(self, x):
        self.t += 1
        return x * 2 if self.t % 3 == 0 else x

    def label(self, x):
        self.t += 1
        return x + float(f"{self.t}")

    def remember(self, x):
        self.seen.append(np.sum(x))
        return x * 2


@pytest.mark.parametrize("name", ["count", "decay", "every_third"])
def test_python_counter_counts(name):
    a, b = Counter(), Counter()
    f, g = getattr(a, name), compiled(getattr(b, name))
    for _ in range(10):
        assert same(f(X), g(X))
        assert (a.t, a.rate) == (b.t, b.rate)
    assert len(g.runs) <= 2


def test_list_that_grows_is_refused():
    counter = Counter()
    refused(counter.remember, X, match="goes from 0 entries to 1")
    assert counter.seen == []


SCALE = 2.0
WORDS = {"scale": 3, "name": "a"}


def uses_global(x):
    return x * SCALE


def uses_dict(x):
    return x * WORDS["scale"] if WORDS["name"] == "a" else x


def test_numbers_outside_that_change():
    global SCALE
    f, g = compiled(uses_global), compiled(uses_dict)
    shift = 1

    def shifted(x, by=5):
        return x + shift + by

    h = compiled(shifted)
    for i in range(12):
        SCALE, WORDS["scale"], shift = 2.0 + i, i, i * i
        assert same(f(X), uses_global(X))
        assert same(g(X), uses_dict(X))
        assert same(h(X), shifted(X))
    assert max(len(f.runs), len(g.runs), len(h.runs)) <= 2  # at first a constant, then a number that is read
    WORDS["name"] = "b"
    assert same(g(X), X)
    WORDS.update(scale=3, name="a")
    shifted.__defaults__ = (100,)
    assert same(h(X), shifted(X))


def test_number_whose_type_changes():
    scale = 2
    f = compiled(lambda x: x * scale)
    for scale in 2, 2.0, np.float64(2), True, 2, 0.0, -0.0:
        expected = np.array([1, 2]) * scale
        got = f(np.array([1, 2]))
        assert same(got, expected)
        assert same(np.signbit(got), np.signbit(expected))


def test_a_number_that_no_program_can_hold_is_captured_anew():
    depth = 1

    def deep(x):
        for _ in range(depth):
            x = np.tanh(x)
        return x * np.zeros(depth).shape[0] + {1: 10, 2: 20, 3: 30}[depth]

    f = compiled(deep)
    for depth in 1, 2, 3, 1, 2, 3:
        assert same(f(X), deep(X))


def test_class_attribute_module_global_and_slots():
    class Slotted:
        __slots__ = ("w",)

    class Net:
        scale = 2.0

        def __init__(self):
            self.inner = Slotted()
            self.inner.w = np.ones(3)

        def __call__(self, x):
            return x * self.scale * self.inner.w

    net = Net()
    f = compiled(net)
    for i in range(4):
        Net.scale = float(i)
        net.inner.w = np.full(3, i + 1.0)
        assert same(f(X), net(X))


def test_what_is_replaced_between_calls():
    class Net:
        def __init__(self):
            self.act = np.tanh
            self.layers = [nn.Linear(3, 3), nn.Linear(3, 3)]
            self.sizes = (1, 2)

        def __call__(self, x):
            for layer in self.layers:
                x = self.act(layer(x))
            return x.data * sum(self.sizes)

    net = Net()
    f = compiled(net)
    changes = [
        lambda: None,
        lambda: setattr(net, "act", np.sin),
        lambda: net.layers.append(nn.Linear(3, 3)),
        lambda: net.layers.pop(0),
        lambda: net.layers.__setitem__(0, nn.Linear(3, 3)),
        lambda: setattr(net, "sizes", (3, 4)),
        lambda: setattr(net.layers[0], "bias", None),
    ]
    for change in changes:
        change()
        for _ in range(3):
            assert same(f(X), net(X))


def test_a_history_that_the_code_does_not_read_does_not_matter():
    class Trainer(Training):
        def __init__(self):
            super().__init__()
            self.history, self.epochs = [], 0
            self.step = compiled(super().step)

        def fit(self):
            for _ in range(6):
                self.history.append(float(self.step(X, Y).data))
                self.epochs += 1

    t = Trainer()
    t.fit()
    assert len(t.step.runs) == 1


def test_state_that_is_kept_from_call_to_call():
    class Memory:
        def __init__(self):
            self.h = np.zeros(3, np.float32)

        def __call__(self, x):
            self.h = np.tanh(self.h + x)
            self.last = self.h * 2
            return self.h

    a, b = Memory(), Memory()
    f = compiled(b)
    for i in range(6):
        assert same(a(X[i % 4]), f(X[i % 4]))
        assert same(a.h, b.h)
        assert same(a.last, b.last)


def test_state_of_values_in_a_dict():
    state = {"h": Value(np.zeros(3), requires_grad=False), "n": None}

    def remember(x):
        state["h"] = state["h"] * 0.5 + x
        state["n"] = (state["h"], "text")
        return state["h"].data

    f = compiled(remember)
    got = [np.copy(f(np.ones(3))) for _ in range(5)]
    assert [x[0] for x in got] == [1, 1.5, 1.75, 1.875, 1.9375]
    assert type(state["h"]._array) is np.ndarray
    assert state["n"][1] == "text"


# ---------------------------------------------------------------- draws and clocks that no program can follow


def test_draws_of_the_old_generators_are_refused():
    before = np.random.get_state()[1].copy(), random.getstate()

    def legacy(x):
        return x + np.random.rand(3)

    def python(x):
        return x + random.random()

    rng = np.random.RandomState(0)

    def state(x):
        return x + rng.rand(3)

    refused(legacy, X, match=r"np\.random.*default_rng")
    refused(python, X, match="Python's random")
    refused(state, X, match="RandomState")
    assert same(np.random.get_state()[1], before[0])
    assert random.getstate() == before[1]


def unseen(values):
    """A number from where no walk comes."""
    return lambda: next(values)


@pytest.mark.parametrize(
    "number",
    [
        time.perf_counter_ns,
        unseen(itertools.count(1)),
        lambda: np.random.default_rng().normal(size=3),
        lambda: object().__hash__() % 1000003,
    ],
    ids=["clock", "iterator", "unseeded", "address"],
)
def test_numbers_from_nowhere_are_found_in_the_second_capture(number):
    junk = []

    def f(x):
        junk_inside = [object() for _ in range(7)]
        n = number()
        del junk_inside
        return x + n

    run = compiled(f)
    run(np.zeros(3))
    junk.append(object())
    for _ in range(2):
        with pytest.raises(CaptureError, match=r"test_traps\.py:\d+.*Pass it as an argument"):
            run(np.zeros(3))


def test_batches_from_an_iterator_are_found_in_the_second_capture():
    batches = (np.full(3, float(i)) for i in range(10))
    run = compiled(lambda: np.tanh(Value(next(batches))))
    run()
    with pytest.raises(CaptureError, match=r"test_traps\.py"):
        run()


def test_result_from_nowhere_is_found_in_the_second_capture():
    numbers = itertools.count()
    run = compiled(lambda x: (x * 2, next(numbers)))
    run(X)
    with pytest.raises(CaptureError, match="returns something else"):
        run(X)


def test_object_that_is_made_anew_is_found_in_the_second_capture():
    run = compiled(lambda x: (x * 2, threading.Event()))
    run(X)
    with pytest.raises(CaptureError, match="returns something else"):
        run(X)


# ---------------------------------------------------------------- numbers that leave


def branch(x):
    return x if np.sum(x) > 0 else -x


def as_float(x):
    return x * float(np.sum(x))


def as_item(x):
    return x * np.sum(x).item()


def as_int(x):
    return np.zeros(int(np.sum(x)))


def with_format(x):
    return f"{np.sum(x):.3f}"


def member(x):
    return 1.0 in x


def as_index(x):
    return [1, 2, 3][np.argmax(x)]


def into_array(x):
    y = np.zeros(3)
    y[0] = np.sum(x)
    return y


def into_array_by_ufunc(x):
    y = np.zeros(x.shape, x.dtype)
    np.add(x, 1, out=y)
    return y


def as_array(x):
    return np.asarray(x)


def in_array(x):
    return np.array([x[0], x[1]])


def as_mask(x):
    return x[x > 0]


@pytest.mark.parametrize(
    "f",
    [branch, as_float, as_item, as_int, with_format, member, as_index, into_array, as_mask],
    ids=lambda f: f.__name__,
)
def test_what_leaves_is_refused_with_its_line(f):
    before = X.copy()
    line = f.__code__.co_firstlineno + 1
    message = refused(f, X, match=r"test_traps\.py:\d+")
    assert line <= int(re.search(r"test_traps\.py:(\d+)", message)[1]) <= line + 1
    assert same(X, before)


@pytest.mark.parametrize("f", [into_array_by_ufunc, as_array, in_array], ids=lambda f: f.__name__)
def test_what_leaves_is_refused_or_right(f):
    try:
        check(f, (X,), (X + 1,))
    except CaptureError as error:
        assert "test_traps.py:" in str(error)


def test_branch_on_a_shape_is_fine():
    check(lambda x: x * 2 if x.shape[0] > 3 else x, (X,), (X[:2],), programs=2)
    check(lambda x: x[: len(x) // 2] + x.ndim + x.size, (X,))


def test_print_shows_no_numbers_of_one_run(capsys):
    def show(x):
        print(x, f"{x}", [x])
        return x

    f = compiled(show)
    for _ in range(4):
        f(X)
    assert set(capsys.readouterr().out.split()) == {"Traced(float32[4,", "3])", "[Traced(float32[4,", "3])]"}


# ---------------------------------------------------------------- arrays from outside


A, B = np.arange(3.0), np.ones(3)
PAIR = (np.arange(3.0), np.ones(3))
NESTED = {"a": [np.arange(3.0)], "b": (np.ones(3), "text")}


def test_arrays_outside_are_read_where_they_are():
    global A
    b = np.ones(3)

    def f(x):
        scale = A * b  # of arrays from outside alone
        return x * scale + PAIR[0] * PAIR[1] + NESTED["a"][0] * NESTED["b"][0]

    run = compiled(f)
    for i in range(6):
        A[1] = b[0] = i
        PAIR[1][2] = NESTED["a"][0][1] = NESTED["b"][0][0] = i
        if i == 3:
            A, b, NESTED["a"][0] = A + 1, b * 2, np.full(3, 7.0)
        assert same(run(np.ones(3)), f(np.ones(3)))
    assert len(run.runs) == 1


def test_array_outside_of_another_shape():
    data = np.ones(3)
    f = compiled(lambda x: x * data.shape[0] + np.sum(data))
    for n in 3, 4, 5, 3:
        data = np.ones(n)
        assert same(f(X), X * n + np.float64(n))


def test_array_that_the_walk_does_not_see_is_held_by_reference():
    class Hidden(np.lib.mixins.NDArrayOperatorsMixin):  # an object of a library, say
        __module__ = "numpy"

        def __init__(self):
            self.array = np.ones(3)

        def get(self):
            return self.array

    hidden = Hidden()
    f = compiled(lambda x: x + hidden.get())
    for i in range(4):
        hidden.array[:] = i
        assert same(f(np.zeros(3)), np.full(3, float(i)))


def test_array_outside_that_is_written_into():
    total = np.zeros(3)

    def add(x):
        total[...] = total + x
        return np.sum(total)

    f = compiled(add)
    assert [float(f(np.ones(3))) for _ in range(4)] == [3, 6, 9, 12]
    total = np.full(3, 10.0)
    assert float(f(np.ones(3))) == 33
    assert same(total, np.full(3, 11.0))


def test_arrays_outside_that_come_to_share_memory():
    model = nn.Linear(3, 3), nn.Linear(3, 3)

    def step(x):
        for layer in model:
            layer.weight.data[...] = layer.weight.data + x
        return np.sum(model[0].weight.data)

    f = compiled(step)
    for _ in range(3):
        f(1.0)
    model[1].weight.data = model[0].weight.data
    before = model[0].weight.data.copy()
    f(1.0)
    assert same(model[0].weight.data, before + 1 + 1)
    f(1.0)
    f(1.0)
    np.testing.assert_allclose(model[0].weight.data, before + 6, rtol=1e-6)


def test_argument_that_is_a_parameter_which_is_written_into():
    w = np.ones(3)

    def step(x):
        w[...] = w * 2
        return x + w

    f = compiled(step)
    for x in (np.ones(3), np.ones(3), np.ones(3)):
        f(x)
    assert same(w, np.full(3, 8.0))
    assert same(f(w), np.full(3, 32.0))


# ---------------------------------------------------------------- arguments

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
    f = compiled(lambda a, b: a * b + a + w * v)
    x, y = X.copy(), X + 1
    for a, b, v in [(x, x, v), (x, y, v), (y, y, w), (x, y, w), (w, w, v), (x, y, v), (y, x, v), (x, w, x), (x, x, w)]:
        for _ in range(2):
            assert same(f(a, b), a * b + a + w * v)


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
    with pytest.warns(RuntimeWarning, match="9th time"):
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


# ---------------------------------------------------------------- results


def test_results_of_every_kind():
    layer = nn.Linear(3, 2)

    def f(x):
        y = x * 2
        return [y, (y, None), {"a": 3, "b": "text", "c": np.zeros(2)}, Value(y, requires_grad=False), x.shape, y[0]]

    check(f, (X,))
    g = compiled(lambda x: (x, x, layer.weight, layer.weight.data, layer))
    for _ in range(4):
        x = X.copy()
        a, b, w, data, same_layer = g(x)
        assert a is x
        assert b is x
        assert w is layer.weight
        assert data is layer.weight.data
        assert same_layer is layer


def test_results_are_never_overwritten():
    table = np.arange(3.0)

    def f(x):
        y = x * 2
        return y, y[:2], x[1:], table[1:], np.zeros(3), np.sum(x), Value(y)

    run = compiled(f)
    kept, copies = [], []
    for i in range(6):
        result = run(np.arange(3.0) + i)
        kept.append(result)
        copies.append(copy.deepcopy(result))
    assert same(kept, copies)
    for result in kept:
        result[4][:] = 9
        result[3][:] = 9  # a view in eager mode, an array of its own here
    assert same(run(np.arange(3.0))[3:5], (np.arange(3.0)[1:], np.zeros(3)))


def test_view_of_an_argument_is_a_copy():
    x = np.arange(3.0)
    f = compiled(lambda x: x[1:])
    for _ in range(3):
        y = f(x)
        y[0] = 9
    assert same(x, np.arange(3.0))


def test_same_result_twice_is_one_array():
    f = compiled(lambda x: [y := x * 2, y])
    for _ in range(3):
        a, b = f(X)
        assert a is b


def test_last_smaller_batch_and_many_shapes():
    t, other = Training(), Training()
    step = compiled(other.step)
    for _ in range(4):
        for n in 4, 4, 3:
            assert np.allclose(t.step(X[:n], Y[:n]).data, step(X[:n], Y[:n]).data, rtol=1e-6)
    assert len(step.runs) == 2
    f = compiled(lambda x: x * 2)
    for _ in range(2):
        for n in range(100):
            assert same(f(np.arange(float(n))), np.arange(float(n)) * 2)
    assert len(f.runs) == 64


def test_model_is_compiled():
    model = Training(dropout=0.5).model
    fast = compiled(model)
    forward = compiled(model.forward)
    fast.eval()
    assert model.training is False
    assert [p.shape for p in fast.parameters()] == [(4, 3), (4,), (2, 4), (2,)]
    for _ in range(4):
        with no_grad():
            assert same(fast(X).data, model(X).data)
            assert same(forward(X).data, model(X).data)
        model[0].weight.data[...] *= 2
    fast.train()
    for f in fast, model:
        calligrad.random.seed(3)
        fast.last = f(X).data
    assert same(model.last, fast.last)


def test_gradient_of_a_result_is_refused():
    model = Training().model
    fast = compiled(model)
    for _ in range(3):
        y = fast(X)
        assert y.requires_grad
        with pytest.raises(RuntimeError, match="call backward\\(\\) within"):
            np.sum(y * y).backward()
    with no_grad():
        assert not fast(X).requires_grad


# ---------------------------------------------------------------- errors


def test_function_that_raises_in_the_middle():
    t = Training(make=optim.Adam)
    fail = True

    def step(x, y):
        t.model[0].weight.data[...] = 0
        t.note = x
        t.optimizer.zero_grad()
        F.cross_entropy(t.model(x), y).backward()
        t.optimizer.step()
        if fail:
            raise RuntimeError("in the middle")

    f = compiled(step)
    t.optimizer.changing_numbers()
    before, draws = copy.deepcopy(t.state()), calligrad.random.state()
    with pytest.raises(RuntimeError, match="in the middle"):
        f(X, Y)
    assert same(before, t.state())
    assert calligrad.random.state() == draws
    assert not hasattr(t, "note")
    fail = False
    f(X, Y), f(X, Y), f(X, Y)
    assert type(t.model[0].weight._array) is np.ndarray


def test_label_out_of_range_in_a_later_run():
    t = Training()
    step = compiled(t.step)
    step(X, Y), step(X, Y), step(X, Y)
    before = [p.data.copy() for p in t.model.parameters()]
    with pytest.raises((ValueError, IndexError), match="label 5"):
        step(X, np.array([0, 5, 0, 1]))
    assert same(before, [p.data for p in t.model.parameters()])
    step(X, Y)


def test_interrupt():
    stop = True

    def f(x):
        t.model[0].weight.data[...] = 0
        if stop:
            raise KeyboardInterrupt
        return x * 2

    t = Training()
    before = copy.deepcopy(t.state())
    run = compiled(f)
    with pytest.raises(KeyboardInterrupt):
        run(X)
    assert same(before, t.state())
    stop = False
    assert same(run(X), X * 2)


def test_array_that_outlives_its_capture_is_refused():
    class Box:
        __slots__ = ("x",)
        __module__ = "numpy"  # of a library, so nobody looks into it

    box = Box()

    def f(x):
        box.x = x * 2
        return x

    compiled(f)(X)
    with pytest.raises(CaptureError, match="capture is over"):
        box.x + 1


# ---------------------------------------------------------------- modes, threads, processes, memory


def test_no_grad_and_detect_anomaly_around():
    f = compiled(lambda x: np.log(x))
    x = np.array([1.0, 0.0])
    with np.errstate(divide="ignore"):
        f(x), f(x), f(x)
        with pytest.raises(FloatingPointError), calligrad.detect_anomaly():
            compiled(lambda x: np.log(Value(x)))(x)
    model = Training().model
    run = compiled(lambda x: model(x))
    for _ in range(3):
        assert run(X).requires_grad
        with no_grad():
            assert not run(X).requires_grad


def test_default_dtype():
    f = compiled(lambda x: nn.Linear(3, 2).weight.dtype.itemsize + np.sum(x) * 0)
    try:
        for dtype in np.float32, np.float64, np.float32, np.float64:
            calligrad.set_default_dtype(dtype)
            assert f(X) == np.dtype(dtype).itemsize
    finally:
        calligrad.set_default_dtype(np.float32)


def test_two_threads_call_one_step():
    totals = np.zeros(3)

    @compiled
    def add(x, by):
        totals[...] = totals + x
        return x * by, np.sum(x)

    def work(n):
        for i in range(300):
            x = np.full(3, float(n))
            y, s = add(x, float(i))
            if not (same(y, x * i) and s == 3 * n):
                wrong.append((n, i))

    wrong = []
    threads = [threading.Thread(target=work, args=(n,)) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert same(totals, np.full(3, 1800.0))


def test_two_threads_with_one_model():
    model = Training().model.eval()
    steps = [compiled(lambda x, n=n: model(x).data * n) for n in (1.0, 2.0)]
    expected = model(X).data
    wrong = []

    def work(n):
        for _ in range(50):
            if not np.allclose(steps[n](X), expected * (n + 1)):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_after_the_capture():
    t = Training()
    step = compiled(t.step)
    step(X, Y), step(X, Y)
    held = threading.Event()
    go = threading.Event()

    def hold():
        with step._lock:
            held.set()
            go.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    pid = os.fork()
    if pid == 0:
        try:
            before = t.model[0].weight.data.copy()
            step(X, Y)
            os._exit(0 if not same(before, t.model[0].weight.data) else 1)
        except BaseException:
            os._exit(2)
    go.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_arguments_are_not_kept_alive():
    model = Training().model
    f = compiled(lambda x, v: np.sum(model(x).data) + np.sum(v.data))
    for _ in range(4):
        x, v = X.copy(), Value(X)
        alive = weakref.ref(x), weakref.ref(v)
        f(x, v)
        del x, v
        gc.collect()
        assert [ref() for ref in alive] == [None, None]


def test_runs_leave_no_cycles():
    t = Training()
    step = compiled(t.step)
    for _ in range(3):
        step(X, Y)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            step(X, Y)
        assert gc.collect() == 0
    finally:
        gc.enable()


@compiled
def module_level(x):
    return x * 2


def test_pickle_and_deepcopy():
    assert pickle.loads(pickle.dumps(module_level)) is module_level
    assert copy.deepcopy(module_level) is module_level
    model = Training().model
    fast = compiled(model)
    fast(X)
    for other in copy.deepcopy(fast), pickle.loads(pickle.dumps(fast)):
        assert same(other(X).data, fast(X).data)
        assert other.f is not model
        assert other.runs
        other.f[0].weight.data[...] = 0
        assert not same(other(X).data, fast(X).data)
