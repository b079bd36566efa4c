"""What a user gets wrong, and what she is told: the exception, and words that must stand in its message.

Every row runs in the same small world of values, arrays, a model and an optimizer. Whatever the row
does there, it must raise, and the world must be as it was and still give the right gradients: no
half-changed state, and no silent wrong number.
"""

import copy
import math
import operator
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

import calligrad as cg
from calligrad import Elementwise, Function, Module, Value, grad, gradients, no_grad, optim
from calligrad.modes import paused
from calligrad.nn import CrossEntropyLoss, Linear, MSELoss, ReLU, Sequential, init
from calligrad.nn import functional as F
from calligrad.rules import RULES
from calligrad.testing import check_gradients

if find_spec("scipy"):  # an unknown ufunc would add SciPy's to the table, once
    import calligrad.scipy.ufuncs

# ---------------------------------------------------------------- the world


class Net(Module):
    def __init__(self):
        self.layers = [Linear(3, 4, dtype="f8"), Sequential(ReLU(), Linear(4, 2, dtype="f8"))]
        self.head = {"out": Linear(2, 1, dtype="f8")}

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.head["out"](x)


def world() -> SimpleNamespace:
    k = SimpleNamespace()
    k.x = Value([1.0, 2.0, 3.0], "x")  # a leaf
    k.w = Value(np.arange(6.0).reshape(2, 3), "w")  # a leaf
    k.s = Value(2.0, "s")  # a leaf of one number
    k.c = Value([4.0, 5.0, 6.0], "c", requires_grad=False)  # a constant
    k.n = Value([1, 2, 3], "n")  # integers
    k.y = np.exp(k.x) * k.w  # computed
    k.a = np.array([7.0, 8.0, 9.0])
    k.model = Net()
    k.sgd = optim.SGD([k.x, k.w], lr=0.1, momentum=0.9)
    k.adam = optim.Adam([k.x, k.w])
    return k


def snapshot(k: SimpleNamespace) -> dict:
    """All that a failed call might have changed."""
    values = {name: v for name, v in vars(k).items() if isinstance(v, Value)}
    return copy.deepcopy(
        {
            **{name: (v.data, v.grad, v.requires_grad, v.name, v.generation) for name, v in values.items()},
            **{f"creator of {name}": id(v.created_by) for name, v in values.items()},
            "a": k.a,
            "model": k.model.state_dict(),
            "gradients of the model": [p.grad for p in k.model.parameters()],
            "training": [module.training for module in k.model.modules()],
            **{
                f"{name} {what}": getattr(getattr(k, name), what)
                for name in ("sgd", "adam")
                for what in ("state", "lr", "steps")
                if hasattr(getattr(k, name), what)
            },
            "paused": paused.get(),
            "default dtype": cg.default_dtype(),
            "rules": set(RULES),
        }
    )


def text_of(error: BaseException) -> str:
    """The message, its notes, and what caused it: all that a traceback shows."""
    cause = [text_of(error.__cause__)] if error.__cause__ else []
    return "\n".join([str(error), *getattr(error, "__notes__", ()), *cause])


@contextmanager
def without_a_rule_for(func: Callable) -> Iterator[None]:
    """As if calligrad had never heard of ``func``."""
    rule = RULES.pop(func)
    try:
        yield
    finally:
        RULES[func] = rule


def run_without_a_rule(func: Callable, *args):
    with without_a_rule_for(func):
        func(*args)


def within_no_grad(f: Callable):
    with no_grad():
        f()


def assign(thing, name: str, new) -> None:
    setattr(thing, name, new)


def put(thing, key, new) -> None:
    thing[key] = new


def add_into(array, value) -> None:
    array += value


def unpack(value) -> None:
    _a, _b = value


# ---------------------------------------------------------------- Functions that are wrong


class NoForward(Function):
    def backward(self, g):
        return g


class NoBackward(Function):
    def forward(self, x):
        return x * 2


class TooFewGradients(Function):
    def forward(self, a, b):
        return a * b

    def backward(self, g, a, b):
        return g * b


class TooManyGradients(Function):
    def forward(self, a):
        return a * 2

    def backward(self, g):
        return g, g


class WrongShape(Function):
    def forward(self, x):
        return x * 2

    def backward(self, g):
        return np.append(g, 1.0)


class Transposed(Elementwise):
    def forward(self, x):
        return x * 2

    def backward(self, g):
        return g.T * 2


class Shrunk(Elementwise):
    def forward(self, x):
        return x * 2

    def backward(self, g):
        return np.sum(g)


class PythonNumber(Function):
    def forward(self, x):
        return np.sum(x)

    def backward(self, g):
        return 2.0


class Words(Function):
    def forward(self, x):
        return x * 2

    def backward(self, g):
        return "two"


class Objects(Function):
    def forward(self, x):
        return x * 2

    def backward(self, g):
        return np.array([None] * g.size).reshape(g.shape)


class ReturnsNone(Function):
    def forward(self, x):
        x * 2


class ReturnsWords(Function):
    def forward(self, x):
        return "two"


class ReturnsValue(Function):
    def forward(self, x):
        return Value(x)


class Stores(Function):
    def forward(self, x):
        self.x = x
        return x**3

    def backward(self, gy):
        return 3 * self.x**2 * gy


class Reads(Function):
    def forward(self, x):
        return x**3

    def backward(self, gy):
        return 3 * self.inputs[0].data ** 2 * gy


class Scale(Function):
    factor: float
    shift: float = 0.0

    def forward(self, x):
        return self.factor * x + self.shift

    def backward(self, g):
        return self.factor * g


def backward_of(f: Callable, *args) -> None:
    np.sum(f(*args)).backward()


def backward_twice(v: Value) -> None:
    y = np.sum(np.tanh(v * 1.0))
    before = v.grad
    y.backward()
    v.grad = before
    y.backward()


def backward_over_a_shared_part(v: Value) -> None:
    before, part = v.grad, np.exp(v * 1.0)
    np.sum(part).backward()
    v.grad = before
    np.sum(part * 2).backward()


def apply_twice(v: Value) -> None:
    f = Scale(2.0)
    f(v)
    f(v)


def read_inputs_of_a_freed(v: Value) -> None:
    y, before = Reads()(v), v.grad
    backward_of(lambda: y)
    v.grad = before
    _ = y.created_by.inputs


def with_factor(f: Callable):
    """``f`` of a Value that an outer function differentiates by."""
    return grad(f)(2.0)


class Nothing(Module):
    pass


class OnlyHead(Net):
    def forward(self, x):
        return self.head["out"](x)


class Rule(optim.Optimizer):
    pass


def step_into_read_only(k) -> None:
    """The second of two parameters cannot be written; the first must not have moved by then."""
    fixed = Value(np.array([1.0]))
    fixed.data.flags.writeable = False
    fixed.grad, k.s.grad = np.ones(1), np.ones(())
    try:
        optim.SGD([k.s, fixed], lr=0.1).step()
    finally:
        k.s.grad = None


def step_without_a_rule() -> None:
    v = Value(1.0)
    v.grad = np.ones(())
    Rule([v], lr=0.1).step()


def bad_state(k, change: Callable) -> None:
    state = k.model.state_dict()
    for array in state.values():
        array += 1
    change(state)
    k.model.load_state_dict(state)


# ---------------------------------------------------------------- the table: what is done, the exception, the words

VALUES = {
    "Value of None": (lambda k: Value(None), TypeError, "numbers", "None"),
    "Value of a string": (lambda k: Value("a"), TypeError, "numbers", "'a'"),
    "Value of bytes": (lambda k: Value(b"a"), TypeError, "numbers", "b'a'"),
    "Value of a Value": (lambda k: Value(k.x), TypeError, "Value already", "as_value"),
    "Value of a list of Values": (lambda k: Value([k.s, k.s]), TypeError, "np.stack"),
    "Value of nested lists of Values": (lambda k: Value([[k.s], [k.s]]), TypeError, "np.stack"),
    "Value of a ragged list": (lambda k: Value([[1.0], [1.0, 2.0]]), ValueError, "inhomogeneous"),
    "Value of objects": (lambda k: Value(np.array([1.0, None])), TypeError, "numbers", "object"),
    "Value of a dict": (lambda k: Value({"a": 1.0}), TypeError, "numbers", "object"),
    "Value of a set": (lambda k: Value({1.0}), TypeError, "numbers", "object"),
    "Value of a generator": (lambda k: Value(i for i in [1.0]), TypeError, "numbers", "object"),
    "Value of a function": (lambda k: Value(np.sin), TypeError, "numbers", "object"),
    "Value of strings": (lambda k: Value(np.array(["a", "b"])), TypeError, "numbers", "<U1"),
    "Value of a list with a string": (lambda k: Value([1.0, "a"]), TypeError, "numbers"),
    "Value of dates": (lambda k: Value(np.array(["2020-01-01"], "M8[D]")), TypeError, "numbers", "datetime64"),
    "Value of records": (lambda k: Value(np.zeros(2, [("a", "f8")])), TypeError, "numbers"),
    "Value of a masked array": (lambda k: Value(np.ma.array(k.a, mask=[0, 1, 0])), TypeError, "masked"),
    "data of another shape": (lambda k: assign(k.x, "data", np.zeros(4)), ValueError, "'x'", "(3,)", "(4,)"),
    "data None": (lambda k: assign(k.x, "data", None), TypeError, "numbers", "None"),
    "data a string": (lambda k: assign(k.x, "data", "abc"), TypeError, "numbers"),
    "data a Value": (lambda k: assign(k.x, "data", k.c), TypeError, "Value"),
    "data of integers": (lambda k: assign(k.x, "data", np.array([1, 2, 3])), TypeError, "'x'", "int64"),
    "data of a computed Value": (lambda k: assign(k.y, "data", np.zeros((2, 3))), RuntimeError, "computed", "Multiply"),
    "grad of another shape": (lambda k: assign(k.x, "grad", np.zeros(4)), ValueError, "'x'", "(3,)", "(4,)"),
    "grad of another shape, computed": (lambda k: assign(k.y, "grad", np.zeros(3)), ValueError, "(2, 3)", "(3,)"),
    "grad a Value": (lambda k: assign(k.x, "grad", k.c), TypeError, "array"),
    "grad a string": (lambda k: assign(k.x, "grad", "abc"), TypeError, "numbers"),
    "grad with None in it": (lambda k: assign(k.x, "grad", [1.0, None, 2.0]), TypeError, "numbers"),
    "grad complex": (lambda k: assign(k.x, "grad", np.array([1j, 1, 1])), TypeError, "complex"),
    "grad of integers": (lambda k: assign(k.n, "grad", [0.5, 0.5, 0.5]), TypeError, "'n'", "int64"),
    "shape assigned": (lambda k: assign(k.x, "shape", (3, 1)), AttributeError, "shape"),
    "dtype assigned": (lambda k: assign(k.x, "dtype", "f4"), AttributeError, "dtype"),
    "an attribute of one's own": (lambda k: assign(k.x, "colour", "red"), AttributeError, "colour"),
    "integers require grad": (lambda k: assign(k.n, "requires_grad", True), TypeError, "'n'", "int64", "floating"),
    "computed requires no grad": (lambda k: assign(k.y, "requires_grad", False), RuntimeError, "leaf", "detach"),
    "deepcopy of a computed Value": (lambda k: copy.deepcopy(k.y), RuntimeError, "computed", "Multiply", "detach"),
    "copy.copy of a computed Value": (lambda k: copy.copy(k.y), RuntimeError, "computed", "Multiply", "detach"),
    "pickle of a computed Value": (lambda k: pickle.dumps(k.y), TypeError, "computed", "Multiply", "detach"),
}

LEAVING_THE_GRAPH = {
    "np.asarray(value)": (lambda k: np.asarray(k.y), TypeError, "cut", "value.data"),
    "np.array(value)": (lambda k: np.array(k.y), TypeError, "cut", "value.data"),
    "np.array(value) of a constant": (lambda k: np.array(k.c), TypeError, "value.data"),
    "np.array of a list of Values": (lambda k: np.array([k.s, k.s]), TypeError, "np.stack"),
    "np.array of a list of long Values": (lambda k: np.array([k.x, k.x]), TypeError, "np.stack"),
    "np.array of a Value among numbers": (lambda k: np.array([1.0, k.s]), TypeError, "np.stack"),
    "np.float64(value)": (lambda k: np.float64(k.x), TypeError, "value.data"),
    "array[i] = value": (lambda k: put(k.a, 0, k.s), (TypeError, ValueError), "cut", "np.stack"),
    "array[i] = computed value": (lambda k: put(k.a, -1, k.y[0, 0]), (TypeError, ValueError), "cut", "item()"),
    "array[i, j] = value": (lambda k: put(k.a[None], (0, 1), k.s), (TypeError, ValueError), "cut", "np.stack"),
    "array[:] = value": (lambda k: put(k.a, slice(None), k.x), TypeError, "cut"),
    "array[:1] = value": (lambda k: put(k.a, slice(1), k.s), TypeError, "cut"),
    "array[mask] = value": (lambda k: put(k.a, k.a > 7, k.s), TypeError, "cut"),
    "array[:] = list of Values": (lambda k: put(k.a, slice(None), [k.s, k.s, k.s]), TypeError, "cut"),
    "array += value": (lambda k: add_into(k.a, k.x), TypeError, "cut", "array = array + value"),
    "out=array": (lambda k: np.add(k.x, 1, out=k.a), TypeError, "np.add", "existing array", "y = "),
    "out=array as an argument": (lambda k: np.exp(k.x, k.a), TypeError, "np.exp", "existing array", "y = "),
    "out=value, a leaf": (lambda k: np.add(k.a, 1, out=k.x), RuntimeError, "leaf", "copy"),
    "out=value of integers": (lambda k: np.add(k.a, 0.5, out=k.n), TypeError, "float64", "int64", "same_kind"),
    "out=value of another shape": (lambda k: np.add(k.w, 1, out=np.zeros_like(k.x)), ValueError, "(3,)"),
    "out=array beside a Value": (lambda k: np.add(k.x, 1, out=k.a), TypeError, "np.add", "existing array", "y = "),
    "out=array of a reduction": (lambda k: np.sum(k.x, out=np.zeros(())), TypeError, "np.sum", "out"),
    "out=value of a reduction": (lambda k: np.sum(k.a, out=k.s), TypeError, "np.sum", "out"),
    "out=array as a reduction's argument": (lambda k: np.max(k.w, 0, k.a), TypeError, "np.max", "out"),
    "out=array of the method": (lambda k: k.x.sum(out=np.zeros(())), TypeError, "out"),
    "out=array of concatenate": (lambda k: np.concatenate([k.x], out=k.a), TypeError, "existing array"),
    "out=array of clip": (lambda k: np.clip(k.x, 0, 1, out=k.a), TypeError, "out"),
    "np.copyto": (lambda k: np.copyto(k.a, k.x), TypeError, "np.copyto", "cut"),
    "np.put": (lambda k: np.put(k.a, [0], k.s), TypeError, "cut"),
    "np.add.at": (lambda k: np.add.at(k.a, [0], k.s), TypeError, "np.add.at", "cut"),
    "np.putmask": (lambda k: np.putmask(k.a, k.a > 0, k.x), TypeError, "np.putmask", "cut"),
    "np.fill_diagonal": (lambda k: np.fill_diagonal(np.zeros((2, 2)), k.s), TypeError, "cut"),
    "np.vectorize": (lambda k: np.vectorize(math.sin)(k.x), TypeError, "cut"),
    "np.frompyfunc": (lambda k: np.frompyfunc(abs, 1, 1)(k.x), NotImplementedError, "derivative"),
    "float of many": (lambda k: float(k.x), TypeError, "arrays can be converted to Python scalars"),
    "int of many": (lambda k: int(k.x), TypeError, "arrays can be converted to Python scalars"),
    "math.sin of many": (lambda k: math.sin(k.x), TypeError, "arrays can be converted to Python scalars"),
    "item() of many": (lambda k: k.x.item(), ValueError, "size 1"),
    "range(value)": (lambda k: range(k.s), TypeError, "integer"),
    "if value: of many": (lambda k: bool(k.x), ValueError, "ambiguous"),
    "value and value, of many": (lambda k: k.x and k.c, ValueError, "ambiguous"),
    "value in list": (lambda k: k.x in [k.c], ValueError, "ambiguous"),
    "0 < value < 1": (lambda k: 0 < k.x < 1, ValueError, "ambiguous"),
    "max() of Values of many": (lambda k: max(k.x, k.c), ValueError, "ambiguous"),
    "len of 0-d": (lambda k: len(k.s), TypeError, "len"),
    "iteration over 0-d": (lambda k: list(k.s), TypeError, "0-d"),
    "unpacking too many": (lambda k: unpack(k.x), ValueError, "unpack"),
    "format of many": (lambda k: f"{k.x:.2f}", TypeError, "format"),
    "math.sin within grad": (lambda k: with_factor(lambda x: math.sin(x)), TypeError, "cut", "np."),
    "float() within grad": (lambda k: with_factor(lambda x: float(x) ** 2), TypeError, "cut", "item()"),
    "array[i] = value within grad": (
        lambda k: with_factor(lambda x: put(k.a, 0, x)),
        (TypeError, ValueError),
        "cut",
        "np.stack",
    ),
}

ITEMS = {
    "index out of bounds": (lambda k: k.x[5], IndexError, "out of bounds", "GetItem", "float64[3]"),
    "negative index out of bounds": (lambda k: k.x[-4], IndexError, "out of bounds", "GetItem"),
    "too many indices": (lambda k: k.x[0, 0], IndexError, "too many indices", "GetItem"),
    "index into 0-d": (lambda k: k.s[0], IndexError, "index", "GetItem", "float64[]"),
    "string key": (lambda k: k.x["a"], IndexError, "integers", "'a'"),
    "float key": (lambda k: k.x[1.0], IndexError, "integers"),
    "list of floats": (lambda k: k.x[[0.5, 1.5]], IndexError, "integer"),
    "float Value as a key": (lambda k: k.x[k.s], IndexError, "integer"),
    "dict as a key": (lambda k: k.x[{}], IndexError, "integers"),
    "objects as a key": (lambda k: k.x[np.array([None])], IndexError, "integer"),
    "mask of another length": (lambda k: k.x[np.array([True, False])], IndexError, "boolean"),
    "places that do not broadcast": (lambda k: k.w[[0, 1], [0, 1, 2]], IndexError, "broadcast", "GetItem"),
    "deleting an item": (lambda k: k.x.__delitem__(0), TypeError, "deleted", "np.delete"),
    "writing into a leaf": (lambda k: put(k.x, 0, 9.0), RuntimeError, "'x'", "leaf", "copy", "no_grad"),
    "adding into an item of a leaf": (lambda k: put(k.x, 0, k.x[0] + 1), RuntimeError, "'x'", "leaf"),
    "writing None": (lambda k: put(k.y, 0, None), TypeError, "numbers", "None"),
    "writing a string": (lambda k: put(k.y, 0, "3"), TypeError, "numbers", "'3'"),
    "writing objects": (lambda k: put(k.y, 0, np.array([None, 1, 2])), TypeError, "object"),
    "writing a list of Values": (lambda k: put(k.y, 0, [k.s, k.s, k.s]), TypeError, "np.stack"),
    "writing another shape": (lambda k: put(k.y, 0, np.zeros(5)), ValueError, "SetItem", "float64[5]"),
    "writing a Value of another shape": (lambda k: put(k.y, (0, 0), k.x), ValueError, "SetItem"),
    "writing out of bounds": (lambda k: put(k.y, 9, 0.0), IndexError, "out of bounds", "SetItem"),
    "writing at a string": (lambda k: put(k.y, "a", 0.0), IndexError, "integers"),
    "writing None into a constant": (lambda k: put(k.c, 0, None), TypeError, "numbers", "None"),
    "writing a string into a constant": (lambda k: put(k.c, 0, "3"), TypeError, "numbers", "'3'"),
    "writing out of a constant's bounds": (lambda k: put(k.c, 9, 1.0), IndexError, "out of bounds"),
    "writing a gradient into integers": (lambda k: put(k.n, 0, k.s), TypeError, "'n'", "int64", "gradient"),
    "writing into a computed Value under no_grad": (
        lambda k: within_no_grad(lambda: put(k.y, 0, 0.0)), RuntimeError, "computed", "Multiply",
    ),
    "writing into a row of a leaf": (lambda k: put(k.w[0], 1, 0.0), RuntimeError, "'w'", "leaf", "copy"),
    "adding to a leaf": (lambda k: operator.iadd(k.x, 1.0), RuntimeError, "'x'", "leaf", "copy"),
    "adding to a row of a leaf": (lambda k: operator.iadd(k.w[0], 1.0), RuntimeError, "'w'", "leaf"),
    "adding another shape in place": (lambda k: operator.iadd(k.y, np.ones((4, 3))), ValueError, "broadcast"),
    "adding floats to integers in place": (lambda k: operator.iadd(k.n, 0.5), TypeError, "same_kind"),
    "writing into a broadcast array": (lambda k: put(np.broadcast_to(k.y, (2, 3)), 0, 0.0), ValueError, "read-only"),
    "writing another shape under no_grad": (lambda k: within_no_grad(lambda: put(k.x, 0, k.a)), ValueError, "sequence"),
    "writing None under no_grad": (lambda k: within_no_grad(lambda: put(k.x, 0, None)), TypeError, "numbers"),
}  # fmt: skip

ARITHMETIC = {
    "shapes that do not broadcast": (lambda k: k.x + np.zeros(4), ValueError, "Add", "float64[3]", "float64[4]"),
    "shapes that do not broadcast, Values": (lambda k: k.w * k.x[:2], ValueError, "Multiply", "float64[2, 3]", "[2]"),
    "+ None": (lambda k: k.x + None, TypeError, "NoneType"),
    "None +": (lambda k: None + k.x, TypeError, "NoneType"),
    "+ string": (lambda k: k.x + "a", TypeError, "str"),
    "** string": (lambda k: k.x ** "2", TypeError, "str"),
    "+ object()": (lambda k: k.x + object(), TypeError, "object"),
    "+ dict": (lambda k: k.x + {}, TypeError, "dict"),
    "+ Fraction": (lambda k: k.x + Fraction(1, 3), TypeError, "Fraction"),
    "* Decimal": (lambda k: k.x * Decimal(2), TypeError, "Decimal"),
    "+ objects": (lambda k: k.x + np.array([1, None, 2]), TypeError, "object", "Add"),
    "objects +": (lambda k: np.array([1, None, 2]) + k.x, TypeError, "object", "Add"),
    "+ dates": (lambda k: k.x + np.array(["2020-01-01"] * 3, "M8[D]"), TypeError, "datetime64", "Add"),
    "+ list with a string": (lambda k: operator.add(k.x, [1, "a", 2]), TypeError, "numbers", "Add"),
    "+ list with None": (lambda k: operator.add(k.x, [1, None, 2]), TypeError, "numbers", "Add"),
    "+ list of Values": (lambda k: operator.add(k.x, [k.s, k.s, k.s]), TypeError, "np.stack"),
    "+ ragged list": (lambda k: operator.add(k.x, [[1], [1, 2], [3]]), ValueError, "inhomogeneous", "Add"),
    "+ an enormous number": (lambda k: k.x + 10**400, OverflowError, "Add"),
    "< string": (lambda k: k.x < "a", TypeError, "str"),
    "np.add of None": (lambda k: np.add(k.x, None), TypeError, "NoneType"),
    "np.add of one": (lambda k: np.add(k.x), TypeError, "add"),
    "@ of unequal axes": (lambda k: k.w @ k.w, ValueError, "MatMul", "float64[2, 3], float64[2, 3]"),
    "@ a number": (lambda k: k.x @ 2.0, ValueError, "MatMul"),
    "@ 0-d": (lambda k: k.x @ k.s, ValueError, "MatMul"),
    "& of floats": (lambda k: k.x & 1, TypeError, "bitwise_and"),
    "~ of floats": (lambda k: ~k.x, TypeError, "invert"),
    "pow with a modulus": (lambda k: pow(k.x, 2, 5), TypeError, "pow"),
    "where= of numbers": (lambda k: np.add(k.x, 1, where=k.a), TypeError, "where", "booleans", "float64"),
    "where= of another shape": (lambda k: np.add(k.x, 1, where=np.ones(2, bool)), ValueError, "broadcast"),
    "dtype= of integers": (lambda k: np.add(k.x, 1, dtype=int), TypeError, "same_kind"),
    "dtype= that is none": (lambda k: np.add(k.x, 1, dtype="kg"), TypeError, "kg"),
    "casting= too narrow": (lambda k: np.exp(k.x, dtype="f4", casting="safe"), TypeError, "safe"),
    "order= of a ufunc": (lambda k: np.exp(k.x, order="F"), TypeError, "np.exp", "order"),
    "a misspelt keyword of a ufunc": (lambda k: np.exp(k.x, axes=1), TypeError, "axes"),
    "a ufunc without a rule": (
        lambda k: run_without_a_rule(np.tanh, k.x), NotImplementedError, "np.tanh", "derivative", "of=np.tanh",
    ),
    "a function without a rule": (
        lambda k: run_without_a_rule(np.sort, k.x), NotImplementedError, "np.sort", "derivative", "of=np.sort",
    ),
    "a function of np.linalg without a rule": (
        lambda k: run_without_a_rule(np.linalg.norm, k.x), NotImplementedError, "np.linalg.norm", "of=np.linalg.norm",
    ),
    "a ufunc's reduce without a rule": (
        lambda k: run_without_a_rule(np.add.reduce, k.x), NotImplementedError, "np.add.reduce",
    ),
    "np.add.accumulate of objects": (
        lambda k: np.frompyfunc(max, 2, 1).accumulate(k.x), NotImplementedError, "accumulate", "derivative",
    ),
    "initial= that flows": (lambda k: np.add.reduce(k.x, initial=k.s), TypeError, "np.add.reduce", "initial"),
    "a ufunc's reduce over a bad axis": (lambda k: np.add.reduce(k.x, axis=4), ValueError, "axis 4", "Sum"),
    "backward from a complex Value": (lambda k: (k.x * 1j).backward(), RuntimeError, "complex", "np.sum(np.abs("),
    "backward from a complex leaf": (lambda k: Value(1j).backward(), RuntimeError, "complex"),
    "gradients of a complex Value": (lambda k: cg.gradients(k.x * 1j, k.x), RuntimeError, "complex"),
    "complex data for a real leaf": (lambda k: assign(k.x, "data", np.ones(3, complex)), TypeError, "'x'", "complex"),
}  # fmt: skip

AXES_AND_SHAPES = {
    "np.sum of a far axis": (lambda k: np.sum(k.x, axis=3), ValueError, "axis 3", "Sum", "float64[3]"),
    "np.mean of a far axis": (lambda k: np.mean(k.x, axis=-2), ValueError, "axis -2", "Mean"),
    "np.max of a far axis": (lambda k: k.x.max(1), ValueError, "axis 1", "Max"),
    "axis a string": (lambda k: np.sum(k.x, axis="a"), TypeError, "str", "Sum"),
    "axis a float": (lambda k: np.prod(k.x, axis=0.5), TypeError, "float", "Prod"),
    "axis twice": (lambda k: np.var(k.w, axis=(0, 0)), ValueError, "axis", "Var"),
    "np.max of nothing": (lambda k: np.max(k.x[:0]), ValueError, "zero-size", "Max"),
    "where= of another shape": (lambda k: np.sum(k.x, where=[True, False]), ValueError, "broadcast"),
    "where= without initial=": (lambda k: np.max(k.x, where=[True, False, True]), ValueError, "initial"),
    "a misspelt keyword of a reduction": (lambda k: np.sum(k.x, axes=0), TypeError, "axes"),
    "an axis given twice": (lambda k: np.sum(k.x, 0, axis=0), TypeError, "axis"),
    "reshape to another size": (lambda k: k.x.reshape(4), ValueError, "Reshape", "float64[3]"),
    "reshape with two unknowns": (lambda k: k.x.reshape(-1, -1), ValueError, "Reshape"),
    "reshape to a string": (lambda k: k.x.reshape("a"), TypeError, "Reshape"),
    "reshape in no order": (lambda k: k.x.reshape(3, order="Z"), ValueError, "order"),
    "transpose with an axis twice": (lambda k: k.w.transpose(0, 0), ValueError, "axis", "Transpose"),
    "transpose with an axis too few": (lambda k: np.transpose(k.w, (0,)), ValueError, "axes", "Transpose"),
    "swapaxes with a far axis": (lambda k: np.swapaxes(k.w, 0, 5), ValueError, "5", "Swapaxes"),
    "moveaxis with a far axis": (lambda k: np.moveaxis(k.w, 4, 0), ValueError, "4", "Moveaxis"),
    "mT of a vector": (lambda k: k.x.mT, ValueError, "two", "(3,)"),
    "expand_dims at a far axis": (lambda k: np.expand_dims(k.x, 9), ValueError, "axis 9", "ExpandDims"),
    "squeeze of an axis of three": (lambda k: np.squeeze(k.x, 0), ValueError, "size not equal to one", "Squeeze"),
    "flip of a far axis": (lambda k: np.flip(k.x, 2), ValueError, "axis 2", "Flip"),
    "broadcast_to a smaller shape": (lambda k: np.broadcast_to(k.w, (3,)), ValueError, "BroadcastTo"),
    "concatenate along a far axis": (lambda k: np.concatenate([k.x, k.a], axis=3), ValueError, "axis 3", "Concatenate"),
    "concatenate of unequal shapes": (lambda k: np.concatenate([k.w, k.x]), ValueError, "Concatenate"),
    "concatenate of 0-d": (lambda k: np.concatenate([k.s, k.s]), ValueError, "zero-dimensional", "Concatenate"),
    "concatenate with None": (lambda k: np.concatenate([k.x, None]), TypeError, "None", "Concatenate"),
    "stack of unequal shapes": (lambda k: np.stack([k.x, k.x[:2]]), ValueError, "same shape", "Stack"),
    "stack with a string": (lambda k: np.stack([k.x, "abc"]), TypeError, "abc", "Stack"),
    "split into unequal parts": (lambda k: np.split(k.x, 2), ValueError, "3", "2", "equal"),
    "split along a far axis": (lambda k: np.split(k.x, 3, axis=2), (ValueError, IndexError), "out of"),
    "pad by a negative width": (lambda k: np.pad(k.x, -1), (TypeError, ValueError), "pad_width", "-1"),
    "pad by half": (lambda k: np.pad(k.x, 0.5), TypeError, "pad_width", "0.5"),
    "pad in another mode": (lambda k: np.pad(k.x, 1, mode="mirror"), ValueError, "mirror"),
    "pad of a far axis": (lambda k: np.pad(k.x, {5: 1}), (ValueError, IndexError, TypeError), "5"),
    "take_along_axis of a far axis": (lambda k: np.take_along_axis(k.x, np.array([0]), 5), ValueError, "axis 5"),
    "take_along_axis at floats": (lambda k: np.take_along_axis(k.x, k.a, 0), IndexError, "integer"),
    "take_along_axis at another ndim": (
        lambda k: np.take_along_axis(k.w, np.array([0]), 1), ValueError, "same number of dimensions", "axis=1",
    ),
    "sort along a far axis": (lambda k: np.sort(k.x, axis=4), ValueError, "axis 4"),
    "sort of 0-d": (lambda k: np.sort(k.s), ValueError, "axis"),
    "tensordot of unequal axes": (lambda k: np.tensordot(k.w, k.w, 1), ValueError, "Tensordot", "float64[2, 3]"),
    "tensordot over a far axis": (lambda k: np.tensordot(k.w, k.w, ([5], [0])), (ValueError, IndexError), "5"),
    "tensordot over too many axes": (
        lambda k: np.tensordot(k.x, k.x, 3), (ValueError, IndexError), "Tensordot", "range",
    ),
    "dot of unequal axes": (lambda k: np.dot(k.w, k.a[:2]), ValueError, "float64[2, 3]", "float64[2]"),
    "einsum of unequal axes": (lambda k: np.einsum("ij,jk", k.w, k.w), ValueError, "Einsum"),
    "einsum with too many letters": (lambda k: np.einsum("ijk->i", k.w), ValueError, "'ijk'", "2"),
    "einsum with too few inputs": (lambda k: np.einsum("ij,jk", k.w), ValueError, "2", "1"),
    "einsum to a letter of nowhere": (lambda k: np.einsum("ij->ik", k.w), ValueError, "Einsum"),
    "einsum to a letter twice": (lambda k: np.einsum("ij->ii", k.w), ValueError, "Einsum"),
    "einsum that loses its ...": (lambda k: np.einsum("...i->i", k.w), ValueError, "..."),
    "einsum with a sign": (lambda k: np.einsum("i!->i", k.w), ValueError, "!"),
    "einsum out=": (lambda k: np.einsum("i->i", k.x, out=k.a), TypeError, "out"),
    "norm of a string": (lambda k: np.linalg.norm(k.x, "max"), (NotImplementedError, ValueError), "'max'"),
    "norm of three axes by name": (lambda k: np.linalg.norm(k.w[None], "fro"), ValueError, "dim"),
    "norm over three axes": (lambda k: np.linalg.norm(k.w[None], axis=(0, 1, 2)), ValueError, "dim"),
    "norm over a far axis": (lambda k: np.linalg.norm(k.w, axis=3), ValueError, "axis 3"),
    "astype of no dtype": (lambda k: k.x.astype("foo"), TypeError, "foo"),
    "astype of dates": (lambda k: k.x.astype("M8[D]"), TypeError, "numbers", "datetime64"),
    "astype of objects": (lambda k: k.x.astype(object), TypeError, "numbers", "object"),
    "astype of strings": (lambda k: k.x.astype(str), TypeError, "numbers", "<U"),
    "clip against a string": (lambda k: np.clip(k.x, "a", None), TypeError, "'a'", "Clip"),
    "where with None": (lambda k: np.where(k.a > 7, k.x, None), TypeError, "None", "Where"),
    "where with one choice": (lambda k: np.where(k.a > 7, k.x), (TypeError, ValueError), "Where"),
    "where of unequal shapes": (lambda k: np.where(k.a > 7, k.x, np.zeros(4)), ValueError, "Where", "float64[4]"),
    "var with a string for ddof": (lambda k: np.var(k.x, ddof="1"), TypeError, "Var"),
    "softmax along a far axis": (lambda k: cg.softmax(k.x, axis=2), ValueError, "axis 2", "Softmax"),
    "logsumexp along a far axis": (lambda k: cg.logsumexp(k.x, axis=2), ValueError, "axis 2", "LogSumExp"),
}  # fmt: skip

GRADIENTS = {
    "backward from integers": (lambda k: (k.n * 2).backward(), RuntimeError, "int64", "constants"),
    "backward from a comparison of integers": (lambda k: k.n.backward(), RuntimeError, "'n'", "int64"),
    "backward from a constant": (lambda k: (k.c * 2).backward(), RuntimeError, "requires"),
    "backward from a detached Value": (lambda k: k.y.detach().backward(), RuntimeError, "detach()"),
    "backward from under no_grad": (lambda k: within_no_grad(lambda: (k.x * 2).backward()), RuntimeError, "no_grad()"),
    "backward of an argument": (lambda k: k.y.backward(np.ones((2, 3))), TypeError, "backward"),
    "backward twice": (lambda k: backward_twice(k.x), RuntimeError, "freed", "retain_graph=True", "Sum"),
    "backward over a shared part": (lambda k: backward_over_a_shared_part(k.x), RuntimeError, "freed", "Exp()"),
    "gradients of an array": (lambda k: gradients(k.a, k.x), TypeError, "Values", "ys", "array"),
    "gradients at an array": (lambda k: gradients(k.y, k.a), TypeError, "Values", "xs", "array"),
    "gradients of None": (lambda k: gradients(None, k.x), TypeError, "Values", "None"),
    "gradients at None": (lambda k: gradients(k.y, [k.x, None]), TypeError, "Values", "None"),
    "gradients at integers": (lambda k: gradients(k.y, k.n), RuntimeError, "'n'", "does not require"),
    "gradients from too many gys": (
        lambda k: gradients(k.y, k.x, [k.y.data, k.y.data]),
        (TypeError, ValueError),
        "list of 2",
    ),
    "gradients from too few gys": (
        lambda k: gradients([k.y, k.x], k.x, [k.y.data]),
        ValueError,
        "list of 2",
        "list of 1",
    ),
    "gradients from another shape": (lambda k: gradients(k.y, k.x, np.ones(4)), ValueError, "(4,)", "(2, 3)"),
    "gradients from a string": (lambda k: gradients(k.s * 2, k.s, "a"), (TypeError, ValueError), "'a'"),
}

FUNCTIONS = {
    "a Function used twice": (lambda k: apply_twice(k.x), RuntimeError, "Scale(factor=2.0)", "twice", "new one"),
    "without a forward": (lambda k: NoForward()(k.x), NotImplementedError, "NoForward", "forward"),
    "without a backward": (lambda k: backward_of(NoBackward(), k.x), NotImplementedError, "NoBackward", "backward"),
    "too few gradients": (lambda k: backward_of(TooFewGradients(), k.x, k.x), ValueError, "TooFewGradients", "2", "1"),
    "too many gradients": (lambda k: backward_of(TooManyGradients(), k.x), ValueError, "TooManyGradients", "1", "2"),
    "a gradient of another shape": (lambda k: backward_of(WrongShape(), k.x), ValueError, "WrongShape", "(4,)", "(3,)"),
    "a transposed gradient": (lambda k: backward_of(Transposed(), k.w), ValueError, "Transposed", "(3, 2)", "(2, 3)"),
    "a gradient of too few axes": (lambda k: backward_of(Shrunk(), k.x), ValueError, "Shrunk", "()", "(3,)"),
    "a gradient that is a Python number": (
        lambda k: backward_of(PythonNumber(), k.x), TypeError, "PythonNumber", "2.0",
    ),
    "a gradient that is a string": (lambda k: backward_of(Words(), k.x), TypeError, "Words", "'two'"),
    "a gradient of objects": (lambda k: backward_of(Objects(), k.x), TypeError, "Objects", "object"),
    "a backward that does not ask for the gradient": (
        lambda k: type("NoGradient", (Function,), {"backward": lambda self: None}), TypeError, "NoGradient", "backward",
    ),
    "a forward that returns None": (lambda k: ReturnsNone()(k.x), TypeError, "ReturnsNone", "None"),
    "a forward that returns a string": (lambda k: ReturnsWords()(k.x), TypeError, "ReturnsWords"),
    "a forward that returns a Value": (lambda k: ReturnsValue()(k.x), TypeError, "ReturnsValue"),
    "a setting missing": (lambda k: Scale(), TypeError, "Scale", "factor"),
    "a setting twice": (lambda k: Scale(2.0, factor=3.0), TypeError, "Scale", "factor"),
    "a setting unknown": (lambda k: Scale(2.0, scale=3.0), TypeError, "Scale", "scale"),
    "settings too many": (lambda k: Scale(2.0, 0.0, 1.0), TypeError, "Scale", "2", "3"),
    "no input": (lambda k: Scale(2.0)(), TypeError, "forward", "Scale"),
    "too many inputs": (lambda k: Scale(2.0)(k.x, k.x), TypeError, "forward", "Scale"),
    "an input of None": (lambda k: Scale(2.0)(None), TypeError, "Scale", "None"),
    "an input of strings": (lambda k: cg.relu("abc"), TypeError, "Relu", "'abc'"),
    "an input of objects": (lambda k: cg.relu(np.array([None])), TypeError, "Relu", "object"),
    "second order through stored arrays": (
        lambda k: grad(grad(lambda x: Stores()(x)))(2.0), RuntimeError, "Stores", "differentiated again", "signature",
    ),
    "second order through self.inputs": (
        lambda k: grad(grad(lambda x: Reads()(x)))(2.0), RuntimeError, "Reads", "differentiated again", "signature",
    ),
    "inputs of a Function that keeps none": (lambda k: k.y.created_by.inputs, RuntimeError, "Multiply", "inputs"),
    "inputs of a freed Function": (lambda k: read_inputs_of_a_freed(k.x), RuntimeError, "Reads", "inputs"),
    "inputs of a Function not called": (lambda k: Reads().inputs, RuntimeError, "Reads", "inputs"),
}  # fmt: skip


def product(x, y):
    return np.sum(x * y)


TRANSFORMS = {
    "argnums out of range": (lambda k: grad(product, 2)(1.0, 2.0), ValueError, "argnums=2", "product", "2"),
    "argnums far below": (lambda k: grad(product, -3)(1.0, 2.0), ValueError, "argnums=-3", "product"),
    "argnums twice": (lambda k: grad(product, (0, 0))(1.0, 2.0), ValueError, "argnums", "twice"),
    "argnums twice in disguise": (lambda k: grad(product, (1, -1))(1.0, 2.0), ValueError, "argnums", "twice"),
    "argnums a string": (lambda k: grad(product, "x")(1.0, 2.0), TypeError, "argnums", "'x'"),
    "argnums a float": (lambda k: grad(product, 1.0)(1.0, 2.0), TypeError, "argnums", "1.0"),
    "argnums None": (lambda k: grad(product, None)(1.0, 2.0), TypeError, "argnums", "None"),
    "grad without an argument": (lambda k: grad(product)(), ValueError, "argnums=0", "0 arguments"),
    "grad of keywords": (lambda k: grad(np.sum)(a=k.a), ValueError, "argnums=0", "0 arguments"),
    "grad of no function": (lambda k: grad(3.0)(k.a), TypeError, "callable"),
    "grad of a vector": (lambda k: grad(np.sin)(k.a), ValueError, "one number", "sin", "(3,)", "np.sum"),
    "grad of nothing": (lambda k: grad(lambda x: x[:0])(k.a), ValueError, "one number", "(0,)"),
    "grad of a list": (lambda k: grad(lambda x: [x])(1.0), ValueError, "one number", "list"),
    "grad of a dict": (lambda k: grad(lambda x: {"y": x})(1.0), ValueError, "one number", "dict"),
    "grad of None": (lambda k: grad(lambda x: None)(1.0), TypeError, "<lambda>", "None"),
    "grad of a string": (lambda k: grad(lambda x: "a")(1.0), TypeError, "'a'"),
    "grad of a complex number": (lambda k: grad(lambda x: x * 1j)(1.0), TypeError, "complex"),
    "grad at an integer array": (lambda k: grad(np.sum)(np.arange(3)), TypeError, "sum", "int64", "astype(float)"),
    "grad at booleans": (lambda k: grad(np.sum)(k.a > 7), TypeError, "bool", "astype(float)"),
    "grad at True": (lambda k: grad(np.sum)(True), TypeError, "bool"),
    "grad of a complex sum": (lambda k: grad(np.sum)(np.array([1j])), TypeError, "complex"),
    "jacobian of what is not holomorphic": (
        lambda k: cg.jacobian(np.conjugate)(np.array([1j])), TypeError, "conjugate", "holomorphic",
    ),
    "grad at a string": (lambda k: grad(np.sum)("a"), TypeError, "'a'"),
    "grad at None": (lambda k: grad(np.sum)(None), TypeError, "None"),
    "grad at a nest with None": (lambda k: grad(lambda p: p["a"])({"a": 1.0, "b": None}), TypeError, "None"),
    "grad at objects": (lambda k: grad(np.sum)(np.array([None])), TypeError, "object"),
    "grad at an integer Value": (lambda k: grad(np.sum)(k.n), TypeError, "int64"),
    "hessian of a vector": (lambda k: cg.hessian(np.sin)(k.a), ValueError, "one number", "(3,)"),
    "jacobian of None": (lambda k: cg.jacobian(lambda x: None)(k.a), TypeError, "None"),
    "jacobian at integers": (lambda k: cg.jacobian(np.square)(np.arange(3)), TypeError, "int64"),
    "vjp from another shape": (lambda k: cg.vjp(np.sin, k.a)[1](np.ones(4)), ValueError, "(4,)", "(3,)"),
    "vjp from another nest": (lambda k: cg.vjp(lambda x: [x, x], k.a)[1](k.a), (TypeError, ValueError), "list"),
    "vjp from other keys": (
        lambda k: cg.vjp(lambda x: {"p": x, "q": x}, k.a)[1]({"p": k.a, "r": k.a}), ValueError, "'q'", "'r'",
    ),
    "jvp of numbers": (lambda k: cg.jvp(np.sin, 0.0, 1.0), TypeError, "jvp", "tuples"),
    "jvp of an array": (lambda k: cg.jvp(np.sin, k.a, k.a), TypeError, "jvp", "tuples"),
    "jvp with a tangent too few": (lambda k: cg.jvp(product, (k.a, k.a), (k.a,)), ValueError, "2", "1"),
    "jvp with a tangent of another shape": (
        lambda k: cg.jvp(np.sin, (k.a,), (np.ones(4),)), ValueError, "(4,)", "(3,)",
    ),
    "jvp with a tangent of other keys": (
        lambda k: cg.jvp(lambda p: p["a"], ({"a": 1.0},), ({"b": 1.0},)), ValueError, "'a'", "'b'",
    ),
    "jvp with a tangent None": (lambda k: cg.jvp(np.sin, (1.0,), (None,)), TypeError, "None"),
    "hvp with a vector of another shape": (lambda k: cg.hvp(np.sum, (k.a,), (np.ones(4),)), ValueError, "(4,)", "(3,)"),
    "hvp of numbers": (lambda k: cg.hvp(np.sin, 1.0, 1.0), TypeError, "hvp", "tuples"),
    "hvp of a vector": (lambda k: cg.hvp(np.sin, (k.a,), (k.a,)), ValueError, "one number"),
    "check_gradients in float32": (
        lambda k: check_gradients(np.sin, np.ones(2, "f4")), TypeError, "float64", "float32",
    ),
    "check_gradients of integers": (lambda k: check_gradients(np.sin, np.arange(3)), TypeError, "float64", "int64"),
}  # fmt: skip

MODULES = {
    "a Module without forward": (lambda k: Nothing()(k.x), NotImplementedError, "Nothing", "forward"),
    "a nested Module without forward": (
        lambda k: Sequential(ReLU(), Nothing())(k.a), NotImplementedError, "Nothing", "module 1",
    ),
    "an input of another size": (
        lambda k: Linear(3, 2)(np.ones((5, 4))), ValueError, "(5, 4)", "(2, 3)", "in_features=3",
    ),
    "an input of another size, deep down": (
        lambda k: k.model(np.ones((5, 4))), ValueError, "(5, 4)", "(4, 3)", "in module layers.0: Linear(",
    ),
    "an input of another size, within a list within a module": (
        lambda k: k.model.layers[1](np.ones((5, 3))), ValueError, "in module 1: Linear(in_features=4",
    ),
    "an input of another size, two levels down": (
        lambda k: Sequential(ReLU(), k.model)(np.ones((5, 4))), ValueError, "in module 1.layers.0: Linear(",
    ),
    "an input of another size, within a dict": (
        lambda k: OnlyHead()(k.a), ValueError, "in module head.out: Linear(",
    ),
    "an input 0-d": (lambda k: Linear(3, 2)(1.0), (ValueError, TypeError), "Affine"),
    "an input of None": (lambda k: Linear(3, 2)(None), TypeError, "None", "in module", "Linear"),
    "an input of strings": (lambda k: Linear(3, 2)(np.array(["a", "b", "c"])), TypeError, "<U1", "Linear"),
    "no input": (lambda k: k.model(), TypeError, "forward", "Net"),
    "Linear of a negative size": (lambda k: Linear(-1, 2), ValueError, "in_features", "-1"),
    "Linear of half a size": (lambda k: Linear(3, 2.5), (TypeError, ValueError), "out_features", "2.5"),
    "Linear of a string": (lambda k: Linear("3", 2), (TypeError, ValueError), "in_features", "'3'"),
    "Linear of None": (lambda k: Linear(None, 2), (TypeError, ValueError), "in_features", "None"),
    "Linear of True": (lambda k: Linear(3, True), (TypeError, ValueError), "out_features", "True"),
    "Linear of integers": (lambda k: Linear(3, 2, dtype=int), TypeError, "floating", "int64"),
    "Linear of no dtype": (lambda k: Linear(3, 2, dtype="foo"), TypeError, "foo"),
    "Linear of complex numbers": (lambda k: Linear(3, 2, dtype=complex), TypeError, "floating", "complex"),
    "Linear with a seed for rng": (lambda k: Linear(3, 2, rng=0), TypeError, "rng", "default_rng", "0"),
    "linear with a bias of another size": (
        lambda k: F.linear(k.x, k.w, np.ones(3)), ValueError, "bias", "(3,)", "(2, 3)",
    ),
    "linear with a weight of one axis": (lambda k: F.linear(k.x, k.x), ValueError, "weight", "(3,)"),
    "Sequential of a number": (lambda k: Sequential(ReLU(), 3), TypeError, "Sequential", "1", "3"),
    "Sequential of a list": (lambda k: Sequential([ReLU()]), TypeError, "Sequential", "0"),
    "a state with keys missing": (
        lambda k: bad_state(k, lambda state: (state.pop("layers.0.weight"), state.pop("head.out.bias"))),
        ValueError, "missing", "layers.0.weight", "(4, 3)", "head.out.bias", "(1,)", "Net",
    ),
    "a state with keys unexpected": (
        lambda k: bad_state(k, lambda state: state.update(extra=k.a, other=np.zeros(()))),
        ValueError, "unexpected", "extra", "(3,)", "other", "()",
    ),
    "a state of other shapes": (
        lambda k: bad_state(k, lambda state: state.update({"layers.0.weight": k.a, "layers.1.1.bias": np.ones(9)})),
        ValueError, "layers.0.weight", "(4, 3)", "(3,)", "layers.1.1.bias", "(2,)", "(9,)",
    ),
    "a state with everything wrong": (
        lambda k: bad_state(k, lambda s: (s.pop("layers.0.bias"), s.update({"head.out.bias": k.a, "z": k.a}))),
        ValueError, "missing", "layers.0.bias", "unexpected", "z", "head.out.bias", "(1,)", "(3,)",
    ),
    "a state with None": (
        lambda k: bad_state(k, lambda s: s.update({"layers.0.bias": None})), ValueError, "layers.0.bias",
    ),
    "a state of strings": (
        lambda k: bad_state(k, lambda s: s.update({"head.out.bias": np.array(["a"])})),
        ValueError, "head.out.bias", "<U1",
    ),
    "a state of complex numbers": (
        lambda k: bad_state(k, lambda s: s.update({"head.out.bias": np.array([1j])})),
        ValueError, "head.out.bias", "complex",
    ),
    "a state that is a list": (lambda k: k.model.load_state_dict([k.a]), TypeError, "list"),
    "a state that is None": (lambda k: k.model.load_state_dict(None), TypeError, "None"),
    "an empty state": (
        lambda k: k.model.load_state_dict({}), ValueError, "missing", "layers.0.weight", "head.out.bias",
    ),
    "gelu of no kind": (lambda k: cg.gelu(k.x, "exact"), ValueError, "approximate", "'exact'", "tanh"),
    "mse_loss of unequal shapes": (lambda k: F.mse_loss(k.x, k.a[:, None]), ValueError, "(3,)", "(3, 1)"),
    "mse_loss of unequal shapes, summed": (lambda k: F.mse_loss(k.x, k.s, "sum"), ValueError, "(3,)", "()"),
    "mse_loss of unequal shapes, in a Module": (lambda k: MSELoss()(k.x, 1.0), ValueError, "(3,)", "()", "MSELoss"),
    "mse_loss of no kind": (lambda k: F.mse_loss(k.x, k.a, "max"), ValueError, "reduction", "'max'"),
    "mse_loss against None": (lambda k: F.mse_loss(k.x, None), TypeError, "None"),
    "cross_entropy of a label too high": (
        lambda k: F.cross_entropy(k.w, np.array([0, 3])), ValueError, "label 3", "index 1", "0 to 2",
    ),
    "cross_entropy of a label below 0": (
        lambda k: F.cross_entropy(k.w, np.array([-1, 0])), ValueError, "label -1", "index 0",
    ),
    "cross_entropy of float labels": (
        lambda k: F.cross_entropy(k.w, np.array([0.0, 1.0])), TypeError, "integers", "float64",
    ),
    "cross_entropy of a mask": (lambda k: F.cross_entropy(k.w, np.array([True, False])), TypeError, "integers", "bool"),
    "cross_entropy of too many labels": (
        lambda k: F.cross_entropy(k.w, np.zeros(3, int)), ValueError, "(2, 3)", "(3,)",
    ),
    "cross_entropy of one-hot labels": (lambda k: F.cross_entropy(k.w, np.zeros((2, 3), int)), ValueError, "(2, 3)"),
    "cross_entropy of a number": (lambda k: F.cross_entropy(k.s, 0), ValueError, "()"),
    "cross_entropy of None": (lambda k: F.cross_entropy(k.w, None), TypeError, "labels"),
    "cross_entropy of no kind": (
        lambda k: F.cross_entropy(k.w, np.array([0, 1]), reduction="max"), ValueError, "reduction", "'max'",
    ),
    "cross_entropy of one row, of no kind": (
        lambda k: F.cross_entropy(k.x, 0, reduction="max"), ValueError, "reduction", "'max'",
    ),
    "CrossEntropyLoss of no kind": (
        lambda k: CrossEntropyLoss(reduction="max")(k.w, np.array([0, 1])), ValueError, "'max'",
    ),
    "init in no mode": (lambda k: init.kaiming_normal_(k.w, mode="fan_up"), ValueError, "mode", "'fan_up'", "fan_in"),
    "init for no activation": (lambda k: init.kaiming_uniform_(k.w, nonlinearity="gelo"), ValueError, "'gelo'", "relu"),
    "init of a vector": (lambda k: init.xavier_uniform_(k.x), ValueError, "(3,)", "two axes"),
    "init of an array": (lambda k: init.zeros_(k.a), TypeError, "Value", "ndarray"),
    "init of integers": (lambda k: init.uniform_(k.n), (TypeError, ValueError), "'n'", "floating"),
    "init of a computed Value": (lambda k: init.ones_(k.y), (RuntimeError, TypeError, ValueError), "leaf", "Multiply"),
    "init to a string": (lambda k: init.constant_(k.x, "a"), (TypeError, ValueError), "a"),
    "init with a negative spread": (lambda k: init.normal_(k.x, std=-1.0), ValueError, "scale"),
    "init with a seed for rng": (lambda k: init.normal_(k.x, rng=0), TypeError, "rng", "default_rng"),
    "default dtype of integers": (lambda k: cg.set_default_dtype(int), TypeError, "floating", "int64"),
    "default dtype of no name": (lambda k: cg.set_default_dtype("foo"), TypeError, "foo"),
    "default dtype None": (lambda k: cg.set_default_dtype(None), TypeError, "None"),
    "default dtype complex": (lambda k: cg.set_default_dtype(complex), TypeError, "floating", "complex"),
    "a seed that is a string": (lambda k: cg.random.seed("a"), (TypeError, ValueError), "a"),
}  # fmt: skip

OPTIMIZERS = {
    "no parameters": (lambda k: optim.SGD([]), ValueError, "at least one parameter"),
    "a spent generator": (lambda k: optim.SGD(p for p in ()), ValueError, "at least one parameter"),
    "a single Value": (lambda k: optim.SGD(k.x), TypeError, "iterable", "[x]"),
    "a Module": (lambda k: optim.SGD(k.model), TypeError, "model.parameters()"),
    "None": (lambda k: optim.Adam(None), TypeError, "model.parameters()"),
    "an array": (lambda k: optim.SGD([k.a]), TypeError, "parameter 0", "ndarray", "Value"),
    "pairs that are none": (lambda k: optim.SGD([("x", k.a)]), TypeError, "parameter x", "ndarray", "Value"),
    "a parameter twice": (lambda k: optim.SGD([k.x, k.w, k.x]), ValueError, "twice"),
    "a computed Value": (lambda k: optim.SGD([k.x, k.y]), ValueError, "parameter 1", "leaf"),
    "integers": (lambda k: optim.SGD([k.n]), ValueError, "parameter 0", "floating"),
    "a negative lr": (lambda k: optim.SGD([k.x], lr=-0.1), ValueError, "lr", "-0.1"),
    "lr NaN": (lambda k: optim.SGD([k.x], lr=math.nan), ValueError, "lr", "nan"),
    "lr infinite": (lambda k: optim.Adam([k.x], lr=math.inf), ValueError, "lr", "inf"),
    "lr a string": (lambda k: optim.SGD([k.x], lr="0.1"), (TypeError, ValueError), "lr", "'0.1'"),
    "lr None": (lambda k: optim.SGD([k.x], lr=None), (TypeError, ValueError), "lr", "None"),
    "lr True": (lambda k: optim.SGD([k.x], lr=True), (TypeError, ValueError), "lr", "True"),
    "lr a Value": (lambda k: optim.SGD([k.x], lr=k.s), (TypeError, ValueError), "lr"),
    "a negative momentum": (lambda k: optim.SGD([k.x], momentum=-0.5), ValueError, "momentum", "-0.5"),
    "momentum NaN": (lambda k: optim.SGD([k.x], momentum=math.nan), ValueError, "momentum", "nan"),
    "a beta of 1": (lambda k: optim.Adam([k.x], betas=(0.9, 1.0)), ValueError, "betas", "1.0"),
    "a negative beta": (lambda k: optim.Adam([k.x], betas=(-0.1, 0.9)), ValueError, "beta", "-0.1"),
    "one beta": (lambda k: optim.Adam([k.x], betas=(0.9,)), ValueError, "betas", "two"),
    "betas a number": (lambda k: optim.Adam([k.x], betas=0.9), (TypeError, ValueError), "betas", "0.9"),
    "a negative eps": (lambda k: optim.Adam([k.x], eps=-1.0), ValueError, "eps", "-1.0"),
    "an Optimizer without a rule": (lambda k: step_without_a_rule(), NotImplementedError, "Rule", "rule"),
    "a parameter that cannot be written": (lambda k: step_into_read_only(k), ValueError, "read-only"),
    "an unknown setting": (lambda k: optim.SGD([k.x], rate=0.1), TypeError, "rate"),
}  # fmt: skip

TABLE = {
    f"{chapter}: {name}": row
    for chapter, rows in {
        "values": VALUES,
        "leaving the graph": LEAVING_THE_GRAPH,
        "items": ITEMS,
        "arithmetic": ARITHMETIC,
        "axes and shapes": AXES_AND_SHAPES,
        "gradients": GRADIENTS,
        "Functions": FUNCTIONS,
        "transforms": TRANSFORMS,
        "modules": MODULES,
        "optimizers": OPTIMIZERS,
    }.items()
    for name, row in rows.items()
}


def assert_unchanged(before, after, path: str = "the world") -> None:
    assert type(before) is type(after), path
    if isinstance(before, dict):
        assert before.keys() == after.keys(), path
        for key in before:
            assert_unchanged(before[key], after[key], f"{path}: {key}")
    elif isinstance(before, (list, tuple)):
        assert len(before) == len(after), path
        for i, (a, b) in enumerate(zip(before, after, strict=True)):
            assert_unchanged(a, b, f"{path}[{i}]")
    elif isinstance(before, np.ndarray):
        np.testing.assert_array_equal(before, after, strict=True, err_msg=path)
    else:
        assert before == after, path


@pytest.mark.parametrize("name", TABLE)
def test_misuse(name):
    do, exception, *words = TABLE[name]
    k = world()
    before = snapshot(k)
    with pytest.raises(exception) as caught:
        do(k)
    text = text_of(caught.value)
    missing = [word for word in words if word not in text]
    assert not missing, f"{missing} not in the message:\n{text}"

    assert_unchanged(before, snapshot(k))
    np.sum(k.y * k.s).backward()
    np.testing.assert_allclose(k.x.grad, np.sum(2 * k.w.data * np.exp(k.x.data), axis=0), rtol=2e-15)
    np.testing.assert_allclose(k.w.grad, 2 * np.broadcast_to(np.exp(k.x.data), (2, 3)), rtol=2e-15)
    np.testing.assert_allclose(k.s.grad, np.sum(k.y.data), rtol=2e-15)


def test_there_are_at_least_a_hundred():
    assert len(TABLE) >= 100
    assert len({id(do) for do, *_ in TABLE.values()}) == len(TABLE)


def test_the_world_notices_a_change():
    """The check itself: each of these would be a half-changed state."""
    for change in (
        lambda k: assign(k.x, "grad", k.a),
        lambda k: put(k.x.data, 0, 9.0),
        lambda k: put(k.a, 0, 9.0),
        lambda k: put(k.y, 0, 9.0),
        lambda k: k.model.eval(),
        lambda k: put(k.model.head["out"].bias.data, 0, 9.0),
        lambda k: k.sgd.steps.update({"0": 9}),
    ):
        k = world()
        before = snapshot(k)
        assert_unchanged(before, snapshot(k))
        change(k)
        with pytest.raises(AssertionError):
            assert_unchanged(before, snapshot(k))
