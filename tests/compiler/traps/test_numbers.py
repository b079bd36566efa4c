"""Numbers, lists and other state of Python's: right, or captured anew."""

import numpy as np
import pytest

from calligrad import Value, grad, nn
from tests.compiler.traps.checks import Training, X, Y, compiled, refused, same


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
    for n in 1, 2, 3, 1, 2, 3:
        depth = n
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


def test_a_number_that_is_read_is_taken_for_what_it_is():
    n = 1
    f = compiled(lambda x: x * {1: 10, 2: 20}.get(n, 7) + (n in {1, 3}))
    g = compiled(lambda x: x * n if isinstance(n, int) else x)
    h = compiled(lambda x: x * n if type(n) is int else x)
    for i in 1, 2, 3, 1, 2, 4:
        n = i
        assert same(f(X), X * {1: 10, 2: 20}.get(n, 7) + (n in {1, 3}))
        assert same(g(X), X * n)
        assert same(h(X), X * n)


def test_module_of_the_user(tmp_path, monkeypatch):
    (tmp_path / "settings_of_mine.py").write_text("import numpy as np\nscale = 2.0\nshift = np.ones(3)\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    settings = __import__("settings_of_mine")
    f = compiled(lambda x: x * settings.scale + settings.shift)
    for i in range(5):
        settings.scale, settings.shift = float(i), np.full(3, i + 1.0)
        assert same(f(X), X * settings.scale + settings.shift)


def test_attributes_of_a_function_and_a_property():
    class Half:
        def __init__(self):
            self._n = 1.0

        @property
        def n(self):
            return self._n

        @n.setter
        def n(self, x):
            self._n = x

    half = Half()

    def step(x):
        step.n += 1
        step.h = step.h * 0.5 + x
        half.n = half.n / 2
        return step.h * step.n * half.n

    step.n, step.h = 0, np.zeros((4, 3))
    check = []
    for f in step, compiled(step):
        step.n, step.h, half.n = 0, np.zeros((4, 3)), 1.0
        check.append([f(X) for _ in range(6)] + [step.n, half.n])
    assert same(*check)


def test_state_that_is_replaced_is_one_program():
    def make():
        state = {"p": {"w": np.ones((3, 2)), "b": [np.zeros(2)]}, "n": 0, "h": Value(np.zeros(2), requires_grad=False)}

        def loss(p, x):
            return np.sum(np.tanh(x @ p["w"] + p["b"][0]) ** 2)

        def step(x):
            g = grad(loss)(state["p"], x)
            state["p"] = {"w": state["p"]["w"] - g["w"], "b": [state["p"]["b"][0] - g["b"][0]]}
            state["h"] = state["h"] * 0.5 + state["p"]["b"][0]
            state["n"] += 1
            return state["h"]

        return step, state

    (f, a), (g, b) = make(), make()
    h = compiled(g)
    for i in range(6):
        if i == 4:
            for state in a, b:
                state["p"] = {"w": state["p"]["w"] * 2, "b": list(state["p"]["b"])}
        assert same(f(X.astype(float)), h(X.astype(float)))
        assert same(a, b)
    assert len(h.runs) == 1


def test_state_that_is_replaced_and_kept_elsewhere():
    state = {"now": {"w": np.ones(3)}}
    state["first"] = state["now"]

    def step(x):
        state["now"] = {"w": state["now"]["w"] * x + state["first"]["w"]}
        return state["now"]["w"]

    f = compiled(step)
    got = [float(f(np.full(3, 2.0))[0]) for _ in range(5)]
    assert got == [3, 7, 15, 31, 63]
