"""Nothing that has a derivative goes without a case."""

import importlib
import pkgutil

import numpy as np
import pytest

import calligrad
import calligrad.compiler.results  # for its Function
from calligrad import Function, Value, gradients
from calligrad.nests import leaves
from calligrad.nn import functional
from calligrad.ops.creation import LIKE
from calligrad.ops.refused import NO_NUMBERS, WAYS_OUT
from calligrad.sweep import ancestors
from calligrad.value import RULES, numpy_name
from tests.cases import CASES, HAVE_SCIPY
from tests.nn.cases import CASES as LAYERS
from tests.nn.results import build, inputs, loss, state
from tests.ops.test_constants import CONSTANTS

# what others are made of
ABSTRACT = {
    "Accumulation",
    "Boxed",
    "Chain",
    "Complex",
    "Curve",
    "Deviations",
    "Elementwise",
    "Fold",
    "FromReal",
    "Opened",
    "OrderStatistic",
    "PartlyConstant",
    "Reduction",
    "Riccati",
    "Selective",
    "Solver",
    "Special",
    "ToReal",
    "Transform",
}
INTERNAL = {
    "Output",  # an entry of the graph that no user calls
    "Rotation",  # rotary_embedding, which PyTorch has not; see tests/nn/test_positions.py
    "Numeric",  # by differences, which keep no law to the last digit
    "Gone",  # what stands for the graph of a compiled function; see tests/compiler/traps
}
ELSEWHERE = {  # functionals that draw numbers, or that PyTorch has not: their tests are in tests/nn
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "gumbel_softmax",
    "pad_sequence",
    "rotary_embedding",
    "sinusoidal_positions",
}


def functions_of_calligrad() -> dict[str, type[Function]]:
    """Every Function in the package, by name."""
    for module in pkgutil.walk_packages(calligrad.__path__, "calligrad."):
        if not module.name.endswith("__main__") and (HAVE_SCIPY or not module.name.startswith("calligrad.scipy")):
            importlib.import_module(module.name)
    found, stack = {}, [Function]
    while stack:
        for cls in stack.pop().__subclasses__():
            stack.append(cls)
            if cls.__module__.split(".")[0] == "calligrad":
                found[cls.__name__] = cls
    return found


def functions_in_cases() -> set[type[Function]]:
    """Every Function that stands in the graph of a case."""
    seen = set()
    for case in CASES.values():
        ys = leaves(case.f(*(Value(x) for x in case.xs)))
        seen |= {type(function) for function in ancestors(y.created_by for y in ys)}
    for case in LAYERS.values():
        module, xs = build(case), inputs(case)
        total = loss(case, module, xs)
        wanted = [x for x in xs if isinstance(x, Value)] + [p for _, p in state(module) if p.requires_grad]
        if not wanted or not isinstance(total, Value):
            continue
        gs = gradients(total, wanted, create_graph=case.order > 1)  # some Functions are others' backward
        computed = [y.created_by for y in (total, *gs) if isinstance(y, Value) and y.created_by is not None]
        seen |= {type(function) for function in ancestors(computed)}
    return seen


def name_of(func) -> str:
    return {Value.__getitem__: "getitem", Value.__setitem__: "setitem", Value.__iter__: "getitem"}.get(
        func
    ) or numpy_name(func)


def is_constant(func) -> bool:
    return RULES[func].__qualname__.startswith(("constant.", "_like."))


def test_every_function_has_a_case():
    seen = functions_in_cases()
    missing = {name for name, cls in functions_of_calligrad().items() if cls not in seen}
    assert missing - ABSTRACT - INTERNAL == set(), "Functions without a case in tests/cases/ or tests/nn/cases/"


def test_the_exceptions_exist():
    assert functions_of_calligrad().keys() >= ABSTRACT | INTERNAL


def test_every_differentiable_numpy_function_has_a_case():
    covered = {case.covers for case in CASES.values()}
    methods = {np.ufunc.__call__, np.ufunc.outer}  # rules for every ufunc, with cases under the names of some
    differentiable = {f for f in RULES if f not in WAYS_OUT | NO_NUMBERS and f not in methods and not is_constant(f)}
    missing = {name_of(func) for func in differentiable} - covered
    assert missing == set(), "NumPy functions without a case in tests/cases/"


def test_every_constant_numpy_function_has_a_row():
    like = set(map(name_of, LIKE))  # constant Values, with a test of their own
    missing = {name_of(func) for func in RULES if is_constant(func)} - CONSTANTS.keys() - like
    assert missing == set(), "NumPy functions without a row in tests/ops/test_constants.py"


@pytest.mark.parametrize("name", functional.__all__)
def test_every_functional_has_a_case(name):
    covered = {case.covers.rpartition(".")[2] for case in (*CASES.values(), *LAYERS.values())}
    assert name in covered | ELSEWHERE


def func_called(name: str):
    """The NumPy function that a user writes as ``name``."""
    func = np
    for part in name.split(".")[1:]:
        func = getattr(func, part)
    return func


@pytest.mark.parametrize("case", [c for c in CASES.values() if c.covers.startswith("np.")], ids=lambda case: case.name)
def test_a_case_covers_what_it_says(case, monkeypatch):
    """The NumPy function in a case's name is the one it calls."""
    called = []
    on_ufunc, on_function = Value.__array_ufunc__, Value.__array_function__

    def array_ufunc(self, ufunc, method, *inputs, **kwargs):
        called.append(ufunc if method == "__call__" else getattr(ufunc, method))
        return on_ufunc(self, ufunc, method, *inputs, **kwargs)

    def array_function(self, func, types, args, kwargs):
        called.append(func)
        return on_function(self, func, types, args, kwargs)

    monkeypatch.setattr(Value, "__array_ufunc__", array_ufunc)
    monkeypatch.setattr(Value, "__array_function__", array_function)
    case.f(*map(Value, case.xs))
    assert func_called(case.covers) in called
