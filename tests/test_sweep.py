"""The backward sweep: order, accumulation, freeing, memory."""

import gc
import os
import sys
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest

from calligrad import Function, Value, gradients, nn, no_grad, optim
from calligrad.nn.functional import mse_loss
from calligrad.sweep import ancestors


class Counted(Function):
    """The identity; it notes when it is passed, and insists on being passed once."""

    def __init__(self, name, order):
        self.label, self.order = name, order

    def forward(self, *xs):
        return sum(xs)

    def backward(self, g):
        assert self.label not in self.order, f"{self.label} was passed twice"
        self.order.append(self.label)
        return (g,) * len(self.edges)


# ---------------------------------------------------------------- order


def test_a_diamond_is_passed_once_at_its_foot():
    """x -> a -> b and c -> d: depth first would pass a twice, once for each way."""
    order = []
    x = Value(3.0)
    a = Counted("a", order)(x)
    b = Counted("b", order)(a)
    c = Counted("c", order)(a)
    Counted("d", order)(b, c).backward()
    assert order[0] == "d"
    assert order[-1] == "a"
    assert sorted(order) == ["a", "b", "c", "d"]
    assert x.grad == 2.0


def test_a_short_way_waits_for_a_long_one():
    """a is used at once by d and, five Functions later, by d again: its turn comes after all of them."""
    order = []
    x = Value(1.0)
    a = Counted("a", order)(x)
    long = a
    for i in range(5):
        long = Counted(f"long {i}", order)(long)
    Counted("d", order)(a, long).backward()
    assert order == ["d", "long 4", "long 3", "long 2", "long 1", "long 0", "a"]
    assert x.grad == 2.0


def test_a_leaf_used_at_every_generation():
    x = Value(1.5)
    y = x
    for _ in range(6):
        y = y * x
    y.backward()
    np.testing.assert_allclose(x.grad, 7 * 1.5**6)


def test_ladders_are_passed_rung_by_rung():
    """2**60 ways lead from the top to the foot; 120 Functions are passed."""
    order = []
    x = Value(1.0)
    y = x
    for i in range(60):
        y = Counted(f"join {i}", order)(Counted(f"left {i}", order)(y), y)
    y.backward()
    assert x.grad == 2.0**60
    assert len(order) == 120


def test_generations():
    x, c = Value(1.0), Value(2.0, requires_grad=False)
    assert (x.generation, c.generation, (c * 2).generation) == (0, 0, 0)
    y = x * 2
    z = y + x
    assert (y.created_by.generation, y.generation) == (0, 1)
    assert (z.created_by.generation, z.generation) == (1, 2)
    assert (np.split(np.stack([x, z]), 2)[0]).generation > z.generation
    assert Counted("new", []).generation == -1


def test_generation_is_the_largest_of_the_inputs():
    x = Value(1.0)
    deep = x
    for _ in range(10):
        deep = deep * 2
    assert (x + deep).created_by.generation == deep.generation
    assert (deep + x).created_by.generation == deep.generation


def test_results_do_not_depend_on_the_order_of_building():
    for swap in (False, True):
        x = Value(0.7)
        a = np.sin(x)
        pair = [np.exp(a), a * a] if swap else list(reversed([a * a, np.exp(a)]))
        (pair[0] * pair[1]).backward()
        s = np.sin(0.7)
        np.testing.assert_allclose(x.grad, np.cos(0.7) * np.exp(s) * (s * s + 2 * s), rtol=1e-14)


# ---------------------------------------------------------------- length


def test_a_chain_of_a_hundred_thousand():
    """Forward, back and away again without recursion, from a shallow stack."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        x = Value(1.0)
        y = x
        for _ in range(100_000):
            y = y * 1.00001
        y.backward(retain_graph=True)
        np.testing.assert_allclose(x.grad, 1.00001**100_000)
        assert y.generation == 100_000
        np.testing.assert_allclose(gradients(y, x), x.grad)
        foot = weakref.ref(ancestors([y.created_by])[0])
        del y
        assert foot() is None
    finally:
        sys.setrecursionlimit(limit)


def test_a_chain_of_many_outputs():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        x = Value(np.ones(2))
        y = x
        for _ in range(20_000):
            y = np.concatenate(np.split(y, 2))
        y.backward()
        np.testing.assert_array_equal(x.grad, [1, 1])
        del y
    finally:
        sys.setrecursionlimit(limit)


def test_a_long_chain_of_written_items():
    x = Value(np.ones(3))
    y = x * 1
    for i in range(5_000):
        y[i % 3] = y[(i + 1) % 3] * 1.0
    y.backward()
    assert x.grad.sum() == 3.0


# ---------------------------------------------------------------- where gradients go


def test_seeds():
    x = Value(np.array([1.0, 2.0, 3.0]))
    y = x * x
    y.backward(retain_graph=True)
    np.testing.assert_array_equal(x.grad, [2, 4, 6])  # from ones
    x.grad = None
    y.grad = np.array([1.0, 10.0, 100.0])
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 40, 600])
    np.testing.assert_array_equal(y.grad, [1, 10, 100])


def test_a_seed_is_neither_changed_nor_shared():
    x = Value(np.zeros(3))
    g = np.array([1.0, 2.0, 3.0])
    y = x + 0.0
    y.grad = g
    y.backward()
    x.grad += 1
    np.testing.assert_array_equal(g, [1, 2, 3])


def test_gradients_accumulate_over_backwards():
    x = Value(np.ones(2))
    (x * 2).backward()
    first = x.grad
    (x * 3).backward()
    np.testing.assert_array_equal(x.grad, [5, 5])
    np.testing.assert_array_equal(first, [2, 2])  # nobody's array changes under their hands
    x.grad = None
    (x * 7).backward()
    np.testing.assert_array_equal(x.grad, [7, 7])


def test_a_leaf_used_twice_gets_both():
    x = Value(np.array([1.0, 2.0]))
    (x * x + x).backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data + 1)


def test_two_leaves_never_share_a_gradient():
    a, b, c = Value(np.ones(2)), Value(np.ones(2)), Value(np.ones(2))
    ((a + b) - c).backward()
    a.grad[0] = 100.0
    np.testing.assert_array_equal(b.grad, [1, 1])
    np.testing.assert_array_equal(c.grad, [-1, -1])


def test_a_gradient_is_never_an_array_that_a_function_kept():
    class Swap(Function):
        def forward(self, a, b):
            return np.sum(a * b)

        def backward(self, g, a, b):
            return b, a

    a, b = Value(np.array([1.0, 2.0])), Value(np.array([3.0, 4.0]))
    Swap()(a, b).backward()
    a.grad[:] = 0
    b.grad[:] = 0
    np.testing.assert_array_equal(a.data, [1, 2])
    np.testing.assert_array_equal(b.data, [3, 4])


def test_a_gradient_may_be_written_into_between_two_backwards():
    x = Value(np.ones(2))
    y = x * 2
    y.backward(retain_graph=True)
    x.grad *= 0
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 2])


def test_retain_grads():
    x = Value(2.0)
    h = x * 3
    y = h * h
    y.backward(retain_graph=True)
    assert (h.grad, y.grad) == (None, None)
    y.backward(retain_grads=True)
    assert h.grad == 12.0
    assert y.grad == 1.0
    assert x.grad == 72.0


def test_retain_grads_of_several_outputs():
    x = Value(np.arange(4.0))
    a, b = np.split(x, 2)
    np.sum(a * 2 + b * b).backward(retain_grads=True)
    np.testing.assert_array_equal(a.grad, [2, 2])
    np.testing.assert_array_equal(b.grad, [4, 6])


def test_a_leaf_goes_backward_to_itself():
    x = Value(np.zeros(2))
    x.backward()
    np.testing.assert_array_equal(x.grad, [1, 1])


def test_what_needs_no_gradient_gets_none():
    x, c, n = Value(1.0), Value(2.0, requires_grad=False), Value(3)
    (x * c * n).backward()
    assert (c.grad, n.grad) == (None, None)
    assert x.grad == 6.0


def test_constants_cost_nothing():
    """The gradient of a constant is not computed, and a constant's past is not remembered."""
    asked = []

    class Probe(Function):
        def forward(self, a, b):
            return a * b

        def backward(self, g, a, b):
            return lambda: asked.append("a") or g * b, lambda: asked.append("b") or g * a

    x = Value(2.0)
    for other in (3.0, np.float64(3), np.array(3.0), Value(3.0, requires_grad=False), Value(3)):
        Probe()(other, x).backward()
    assert set(asked) == {"b"}
    c = Value(2.0, requires_grad=False)
    assert (c * 3 + c).created_by is None


def test_gradients_computes_only_what_leads_to_the_inputs():
    asked = []

    class Probe(Function):
        def forward(self, x):
            return 2 * x

        def backward(self, g):
            asked.append(self)
            return 2 * g

    x, z = Value(1.0), Value(1.0)
    gradients(Probe()(x) * Probe()(z), x)
    assert len(asked) == 1


# ---------------------------------------------------------------- failing on the way


def test_a_failing_backward_gives_no_leaf_a_gradient():
    class Fails(Function):
        def forward(self, x):
            return x

        def backward(self, g):
            raise ZeroDivisionError("on purpose")

    a, b = Value(1.0), Value(2.0)
    y = a * 2 + Fails()(b * 3)
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        y.backward()
    assert (a.grad, b.grad) == (None, None)


def test_a_shared_part_can_be_passed_twice_if_retained():
    x = Value(2.0)
    part = np.exp(x)
    (part * 2).backward(retain_graph=True)
    (part * 3).backward()
    np.testing.assert_allclose(x.grad, 5 * np.exp(2.0))


# ---------------------------------------------------------------- memory


STATM = Path("/proc/self/statm")


@pytest.fixture
def resident():
    """A function that says how many bytes the process holds: to the system where it tells, to Python elsewhere."""
    if STATM.exists():
        page = os.sysconf("SC_PAGE_SIZE")
        yield lambda: int(STATM.read_text().split()[1]) * page
    else:
        tracemalloc.start()
        yield lambda: tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()


@pytest.fixture
def _without_the_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_without_the_collector")
class TestMemory:
    def test_a_graph_dies_with_its_result(self):
        x = Value(np.ones(3))
        y = np.sum(np.exp(x) * x)
        functions = [weakref.ref(function) for function in ancestors([y.created_by])]
        assert len(functions) == 3
        del y
        assert [function() for function in functions] == [None] * 3

    @pytest.mark.parametrize("settings", [{}, {"retain_graph": True}, {"retain_grads": True}])
    def test_a_graph_dies_with_its_result_after_a_backward(self, settings):
        x = Value(np.ones(4))
        a, b = np.split(np.exp(x), 2)
        y = np.sum(a * b)
        functions = [weakref.ref(function) for function in ancestors([y.created_by])]
        y.backward(**settings)
        del y, a, b
        assert [function() for function in functions] == [None] * len(functions)

    def test_a_graph_of_second_order_dies_with_its_result(self):
        x = Value(np.ones(4))
        a, b = np.split(np.exp(x), 2)
        y = np.sum(a * b)
        g = gradients(y, x, create_graph=True)
        functions = [weakref.ref(function) for function in ancestors([np.sum(g * g).created_by, y.created_by])]
        del y, a, b, g
        assert [function() for function in functions] == [None] * len(functions)

    def test_arrays_are_freed_as_the_sweep_passes(self):
        class Watched(Function):
            def forward(self, x):
                return x * 2

            def backward(self, g, x):
                return 2 * g + 0 * x

        x = Value(np.ones(3))
        h = x * 1
        array = weakref.ref(h.data)
        y = Watched()(h)
        del h
        assert array() is not None
        y.backward()
        assert array() is None
        assert y.created_by is not None

    def test_what_is_not_named_is_not_kept(self):
        class Linear(Function):
            def forward(self, x):
                return 2 * x

            def backward(self, g):
                return 2 * g

        class OnlySecond(Function):
            def forward(self, a, b):
                return a * b

            def backward(self, g, _a, b):
                assert _a is None
                return g * b, None

        class OnlyOutput(Function):
            def forward(self, x):
                return np.exp(x)

            def backward(self, g, *, y):
                return g * y

        for function in (Linear(), OnlySecond(), OnlyOutput()):
            x = Value(np.ones(3))
            h = x * 1
            array = weakref.ref(h.data)
            y = function(h, Value(np.ones(3))) if isinstance(function, OnlySecond) else function(h)
            del h
            assert array() is None
            y.backward()
            assert x.grad is not None

    def test_memory_is_flat_over_twenty_thousand_steps(self, resident):
        model = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1))
        optimizer = optim.Adam(model.parameters())
        x, y = np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32)

        def steps(n):
            for _ in range(n):
                optimizer.zero_grad()
                mse_loss(model(x), y).backward()
                optimizer.step()

        steps(500)

        def growth():
            before = resident()
            steps(20_000)
            return resident() - before

        assert any(growth() < 1_000_000 for _ in range(3))  # once: what earlier tests left may settle meanwhile

    def test_memory_is_flat_over_second_order_and_split(self, resident):
        x = Value(np.ones(4))

        def steps(n):
            for _ in range(n):
                a, b = np.split(np.tanh(x), 2)
                g = gradients(np.sum(a * b), x, create_graph=True)
                x.grad = None
                np.sum(g * g).backward()

        steps(50)
        before = resident()
        steps(1_000)
        assert resident() - before < 1_000_000

    def test_errors_hold_no_graph(self):
        x = Value(np.ones(3))
        y = np.exp(x)
        function = weakref.ref(y.created_by)
        with pytest.raises(ValueError, match="broadcast"):
            _ = y + np.ones(4)
        del y
        assert function() is None


def test_inference_keeps_nothing():
    x = Value(np.ones(3))
    with no_grad():
        y = np.exp(x)
        z = y * 2
        array = weakref.ref(y.data)
        del y
    assert array() is None
    assert z.created_by is None
