"""Value: an array to its users, a place in the graph to the engine."""

import copy
import math
import operator
import pickle
import threading

import numpy as np
import pytest

from calligrad import Value, as_array, as_value, grad, no_grad

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

# ---------------------------------------------------------------- what it wraps


def test_data_is_wrapped_not_copied():
    assert Value(X).data is X


@pytest.mark.parametrize(
    "data", [2.0, np.float32(2), 3, True, [1.0, 2.0], (1, 2), [[1.0], [2.0]], [], np.zeros((0, 3))]
)
def test_anything_numeric_becomes_an_array(data):
    v = Value(data)
    assert type(v.data) is np.ndarray
    np.testing.assert_array_equal(v.data, np.asarray(data), strict=True)


def test_floats_are_leaves_and_integers_and_booleans_are_constants():
    assert Value(1.0).requires_grad
    assert Value(np.float16(1)).requires_grad
    assert not Value(1).requires_grad
    assert not Value(True).requires_grad
    assert not Value(1.0, requires_grad=False).requires_grad
    assert not Value(1, requires_grad=True).requires_grad


def test_attributes_of_a_new_leaf():
    v = Value(X, "weight")
    assert (v.name, v.grad, v.created_by, v.generation) == ("weight", None, None, 0)


def test_it_has_the_attributes_of_an_array():
    v = Value(X.astype("f4"))
    for name in ("shape", "ndim", "size", "dtype", "itemsize", "nbytes", "device"):
        assert getattr(v, name) == getattr(v.data, name)
    assert len(v) == 2
    assert v.T.shape == (3, 2)
    assert v.mT.shape == (3, 2)
    assert v.__array_namespace__() is np
    assert [n.item() for n in v.flat] == [1, 2, 3, 4, 5, 6]
    assert v.tolist() == X.tolist()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Value(2.0), "Value(2.)"),
        (Value([1.0, 2.0]), "Value([1., 2.])"),
        (Value([1, 2]), "Value([1, 2])"),
        (Value([True]), "Value([ True])"),
        (Value(np.float32(1)), "Value(1., dtype=float32)"),
        (Value(1.0, "w"), "Value(1., name='w')"),
        (Value(1.0, requires_grad=False), "Value(1., requires_grad=False)"),
        (Value([1.0]) * 2, "Value([2.], created_by=Multiply)"),
    ],
)
def test_repr(value, text):
    assert repr(value) == text


def test_as_array_and_as_value():
    v = Value(X)
    assert as_array(v) is X
    assert as_array(X) is X
    np.testing.assert_array_equal(as_array([1.0, 2.0]), np.array([1.0, 2.0]), strict=True)
    assert as_value(v) is v
    assert as_value(X).data is X
    assert isinstance(as_array(3.0), np.ndarray)


# ---------------------------------------------------------------- dtypes: NumPy's rules


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g"])
@pytest.mark.parametrize("other", [2, 2.5, True, np.float16(2), np.ones(3, "f2"), np.ones(3, "i1"), [1, 2, 3]])
@pytest.mark.parametrize("operate", [operator.add, operator.mul, operator.truediv, operator.sub, operator.pow])
def test_dtypes_of_operators_are_numpys(dtype, other, operate):
    x = np.array([1.0, 2.0, 3.0], dtype)
    for shape in ((3,), (3, 1), (1, 3)):
        a = x.reshape(shape)
        np.testing.assert_array_equal(operate(Value(a), other).data, operate(a, other), strict=True)
        np.testing.assert_array_equal(operate(other, Value(a)).data, operate(other, a), strict=True)
    np.testing.assert_array_equal(operate(Value(x[1]), other).data, operate(np.array(x[1]), other), strict=True)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_python_numbers_do_not_widen(kind):
    v = Value(np.ones(2, kind))
    y = ((2 * v + 1) / 3 - 0.5) ** 2
    assert y.dtype == kind
    y.backward()
    assert v.grad.dtype == kind


def test_precisions_mix_as_numpys_and_gradients_come_back_in_their_own():
    a, b = Value(np.ones(2, "f4")), Value(np.ones(2, "f8"))
    y = a * b
    assert y.dtype == "f8"
    y.backward()
    assert (a.grad.dtype, b.grad.dtype) == ("f4", "f8")


# ---------------------------------------------------------------- operators


def test_augmented_assignment_changes_the_value_wherever_it_is_seen():
    x = Value(X)
    y = z = 1 * x
    y += 1
    y *= 2
    y /= 4
    y -= 1
    y **= 2
    y @= np.eye(3)
    assert y is z
    np.testing.assert_array_equal(x.data, X)
    np.testing.assert_allclose(z.data, ((X + 1) / 2 - 1) ** 2)
    z.backward()
    np.testing.assert_allclose(x.grad, (X + 1) / 2 - 1)


def test_augmented_assignment_under_no_grad_changes_the_parameter_itself():
    data = X.copy()
    x = Value(data)
    with no_grad():
        x -= 1
        x[0] *= 2
    assert x.data is data
    np.testing.assert_array_equal(data, (X - 1) * [[2], [1]])
    assert x.requires_grad


def test_augmented_assignment_of_a_number_that_is_a_parameter():
    w = before = Value(2.0)
    with no_grad():
        w -= 0.5
        w *= 2
    assert w is before
    assert (w.item(), w.requires_grad) == (3.0, True)


def test_augmented_assignment_of_a_number_makes_a_new_one():
    x = Value(X)
    y = z = np.sum(x)
    y += 1
    assert (z.item(), y.item()) == (21, 22)


def test_arrays_on_the_left():
    v = Value(X)
    for y in (
        X + v,
        X * v,
        X / v,
        X - v,
        X**v,
        X.T @ v,
        X % v,
        np.float64(2) * v,
        np.float32(2) * v,
        operator.add([1.0, 2.0, 3.0], v),
    ):
        assert isinstance(y, Value)
        assert y.requires_grad


def test_somebody_elses_type_gets_its_turn():
    class Friendly:
        def __radd__(self, other):
            return "radd"

        __array_ufunc__ = None

    assert Value(1.0) + Friendly() == "radd"


def test_equality_with_a_stranger_is_false_as_in_python():
    assert (Value(1.0) == "a") is False
    assert Value(1.0) != None  # noqa: E711


def test_values_are_hashable_by_identity():
    a, b = Value(1.0), Value(1.0)
    assert {a: 1, b: 2}[a] == 1
    assert len({a, b, a}) == 2


def test_membership_looks_at_the_numbers():
    assert 2.0 in Value(X)
    assert 7.0 not in Value(X)


# ---------------------------------------------------------------- leaving as a Python number


def test_one_number():
    v = Value(2.5)
    assert (float(v), int(v), complex(v), bool(v), v.item()) == (2.5, 2, 2.5 + 0j, True, 2.5)
    assert operator.index(Value(3)) == 3
    assert math.isclose(math.sin(v), math.sin(2.5))
    assert f"{v:.2f}" == "2.50"
    assert f"{v}" == "Value(2.5)"
    assert Value(X).item(5) == 6.0
    assert Value(X).item(1, 0) == 4.0
    assert not Value(0.0)
    assert range(Value(2)) == range(2)


def test_item_is_the_way_out_within_grad():
    assert grad(lambda x: x * x.item())(3.0) == 3.0


def test_iteration_and_unpacking():
    a, b = Value(X)
    np.testing.assert_array_equal(b.data, X[1])
    (a * 2 + b).backward()
    assert len(list(Value(X))) == 2


def test_collecting_values_in_a_list_is_the_way_to_build_an_array():
    x = Value(np.array([1.0, 2.0, 3.0]))
    y = np.stack([x[i] ** 2 for i in range(3)])
    y.backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data)


# ---------------------------------------------------------------- data and grad


def test_data_can_be_swapped_and_changed_in_place():
    p = Value(np.ones(2))
    other = np.array([3.0, 4.0])
    p.data = other
    assert p.data is other
    p.data -= 1.0
    np.testing.assert_array_equal(p.data, [2, 3])
    p.data = [5.0, 6.0]
    (p * p).backward()
    np.testing.assert_array_equal(p.grad, [10, 12])


def test_data_of_a_0d_leaf_can_be_changed_in_place():
    p = Value(2.0)
    p.data -= 0.5
    assert p.item() == 1.5
    p.data[...] = 7.0
    assert p.item() == 7.0


def test_grad_becomes_an_array_of_datas_dtype():
    v = Value(np.ones(2, "f4"))
    v.grad = [1, 2]
    np.testing.assert_array_equal(v.grad, np.array([1, 2], "f4"), strict=True)
    v.grad = None
    assert v.grad is None
    s = Value(2.0)
    s.grad = 3
    np.testing.assert_array_equal(s.grad, np.array(3.0), strict=True)


def test_requires_grad_can_be_switched():
    v = Value(X)
    v.requires_grad = False
    assert not (v * 2).requires_grad
    v.requires_grad = True
    assert (v * 2).requires_grad
    computed = v * 2
    computed.requires_grad = True  # it does already
    assert computed.requires_grad


def test_detach_shares_the_array_and_forgets_the_past():
    v = Value(X, "v")
    d = v.detach()
    assert d.data is X
    assert (d.requires_grad, d.created_by, d.name) == (False, None, "v")
    (v * (v * 2).detach()).backward()
    np.testing.assert_array_equal(v.grad, 2 * X)


# ---------------------------------------------------------------- writing items


def test_writing_into_a_computed_value_is_recorded():
    x, w = Value(X), Value(np.array([7.0, 8.0, 9.0]))
    y = x * 2
    before = y
    y[0] = w * 3
    assert y is before
    assert type(y.created_by).__name__ == "SetItem"
    np.testing.assert_array_equal(y.data, [[21, 24, 27], [8, 10, 12]])
    (y * y).backward()
    np.testing.assert_array_equal(x.grad, [[0, 0, 0], [32, 40, 48]])
    np.testing.assert_array_equal(w.grad, 18 * w.data)


def test_writing_leaves_those_who_saw_the_old_numbers_alone():
    x = Value(X)
    y = np.exp(x)
    z = y * 2
    y[0] = 0.0
    np.testing.assert_array_equal(z.data, 2 * np.exp(X))
    (z + y).backward()
    np.testing.assert_allclose(x.grad, np.exp(X) * [[2.0], [3.0]])


def test_writing_into_a_constant_makes_it_computed():
    w, c = Value(2.0), Value(np.zeros(3), requires_grad=False)
    array = c.data
    c[1] = w * 3
    assert c.requires_grad
    np.testing.assert_array_equal(c.data, [0, 6, 0])
    np.testing.assert_array_equal(array, [0, 0, 0])
    np.sum(c * c).backward()
    assert w.grad == 2 * 6 * 3


def test_writing_a_constant_into_a_constant_does_not_spoil_a_graph_that_saw_it():
    x, c = Value(np.ones(3)), Value(np.array([2.0, 3.0, 4.0]), requires_grad=False)
    y = x * c
    c[0] = 100.0
    np.testing.assert_array_equal(c.data, [100, 3, 4])
    assert not c.requires_grad
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 3, 4])


def test_writing_into_a_parameter_under_no_grad_is_in_place():
    array = np.array([1.0, 2.0])
    p = Value(array)
    with no_grad():
        p[0] = 5.0
        p[1] += 3.0
    assert p.data is array
    np.testing.assert_array_equal(array, [5, 5])
    assert p.requires_grad


def test_writing_itself_into_itself():
    x = Value(np.array([1.0, 2.0, 3.0]))
    y = x * 1
    y[0] = y[2] * y[1]
    y[1:] = y[:2]
    np.testing.assert_array_equal(y.data, [6, 6, 2])
    y.backward()
    np.testing.assert_array_equal(x.grad, [0, 1 + 2 * 3, 2 * 2])


def test_writing_integers_into_integers():
    n = Value([1, 2, 3])
    n[0] = 7
    np.testing.assert_array_equal(n.data, [7, 2, 3])


def test_masked_and_accumulating_writes():
    x = Value(X)
    y = x * 1
    y[X > 3] = 0.0
    y[0] += 1
    np.testing.assert_array_equal(y.data, [[2, 3, 4], [0, 0, 0]])
    y.backward()
    np.testing.assert_array_equal(x.grad, X <= 3)


# ---------------------------------------------------------------- no_grad


def test_no_grad_is_a_context_and_a_decorator_and_ends_with_an_error():
    x = Value(X)
    with no_grad():
        assert not (x * 2).requires_grad
        with no_grad():
            pass
        assert not (x * 2).requires_grad

    @no_grad()
    def double(x):
        return x * 2

    assert not double(x).requires_grad
    assert not double(x).requires_grad
    with pytest.raises(ZeroDivisionError), no_grad():
        _ = 1 / 0
    assert (x * 2).requires_grad


def test_no_grad_in_one_thread_does_not_leak_into_another():
    entered, leave, seen = threading.Event(), threading.Event(), []

    def quiet():
        with no_grad():
            entered.set()
            leave.wait(10)
            seen.append(("quiet", (Value(1.0) * 2).requires_grad))

    def loud():
        entered.wait(10)
        seen.append(("loud", (Value(1.0) * 2).requires_grad))
        leave.set()

    threads = [threading.Thread(target=quiet), threading.Thread(target=loud)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [("loud", True), ("quiet", False)]
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append((Value(1.0) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen[-1] is True


def test_two_threads_build_and_sweep_their_own_graphs():
    results = {}

    def work(n):
        x = Value(np.full(50, float(n)))
        for _ in range(50):
            x.grad = None
            y = x
            for _ in range(20):
                y = np.sin(y) * x
            np.sum(y).backward()
        results[n] = x.grad

    def alone(n):
        work(n)
        return results.pop(n)

    expected = {n: alone(n) for n in range(4)}
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(4):
        np.testing.assert_array_equal(results[n], expected[n])


# ---------------------------------------------------------------- copies


def test_deepcopy_of_a_leaf_copies_data_and_grad():
    v = Value(X.copy(), "v")
    (v * 2).backward()
    w = copy.deepcopy(v)
    assert (w.name, w.requires_grad) == ("v", True)
    np.testing.assert_array_equal(w.grad, v.grad)
    assert not np.shares_memory(w.data, v.data)
    assert not np.shares_memory(w.grad, v.grad)
    shared = copy.deepcopy([v, v])
    assert shared[0] is shared[1]


def test_pickle_of_a_leaf():
    v = pickle.loads(pickle.dumps(Value(X, "v", requires_grad=False)))
    assert (v.name, v.requires_grad) == ("v", False)
    np.testing.assert_array_equal(v.data, X, strict=True)


def test_there_is_no_room_for_stray_attributes():
    assert not hasattr(Value(1.0), "__dict__")


# ---------------------------------------------------------------- a function of NumPy that nobody taught


def test_a_function_of_ones_own_can_be_taught(monkeypatch):
    from calligrad import Function
    from calligrad.value import RULES

    cube = np.frompyfunc(lambda x: x**3, 1, 1)
    with pytest.raises(NotImplementedError, match="has no derivative"):
        cube(Value(X))

    class Cube(Function, of=cube):
        def forward(self, x):
            return x**3

        def backward(self, g, x):
            return 3 * g * x**2

    try:
        assert grad(grad(cube))(2.0) == 12.0
    finally:
        del RULES[cube]
