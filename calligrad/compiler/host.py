"""Number: a Python number that is another in every run, such as a learning rate or the count of steps.

What is computed from it stays a Python number, as exact and as weak (NEP 50) as in eager mode, and is computed anew
ahead of every run. Where Python asks how it compares, the answer is noted: in a run where it is another, the function
is captured anew.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from calligrad.compiler.program import Var

if TYPE_CHECKING:
    from calligrad.compiler.trace import Trace


class Number:
    """A Python number of a function that is being captured; ``value`` is what it is in this run."""

    __slots__ = ("host", "text", "value")

    is_host = True

    def __init__(self, value: Any, host: Host, text: str) -> None:
        self.value = value
        self.host = host
        self.text = text  # what it is called in the source of the host's part

    @property
    def var(self) -> Var:
        """What stands for it in the program."""
        return self.host.given(self)

    def as_array(self) -> Any:
        """The number as an array without axes."""
        return self.host.trace.array_of(self)

    # ---- with arrays

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(hasattr(x, "__array_function__") and not _is_ours(x) for x in inputs):
            return NotImplemented  # a Value: it knows what to do with a number
        return self.host.trace.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if any(t.__name__ in ("Value", "Batched") for t in types):
            return NotImplemented
        return self.host.trace.call(func, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse("np.array(x) or np.full(…, x)", "np.full_like(array, x), or x * np.ones(…)")

    # ---- where Python asks

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # so that isinstance(x, float) is what it would be
        return type(self.value)

    def __hash__(self) -> int:  # as a key of a dict it is this number and no other
        return hash(self.host.decided(self.text, self.value))

    def __bool__(self) -> bool:
        return self.host.decided(f"bool({self.text})", bool(self.value))

    def __index__(self) -> int:
        return self.host.decided(self.text, operator.index(self.value))

    def __int__(self) -> int:
        return self.host.decided(f"int({self.text})", int(self.value))

    def __round__(self, digits: int | None = None) -> Number:
        return self.host.made(round(self.value, digits), f"round({self.text}, {digits})")

    def __float__(self) -> float:
        self._refuse("math.… or float(x)", "it with + - * / ** alone, or np.… in place of math.…")

    def __complex__(self) -> complex:
        self._refuse("complex(x)", "x + 0j")

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __copy__(self) -> Number:
        return self

    def __deepcopy__(self, memo: dict) -> Number:
        return self

    def __repr__(self) -> str:
        return f"Number({self.value!r})"

    def _refuse(self, what: str, way_out: str) -> NoReturn:
        raise self.host.trace.error(
            f"{what} of a number that changes from call to call (an argument, or one in a list that is an argument; a"
            f" rate, a count of steps) would fix it. Write {way_out}"
        )


def _is_ours(x: Any) -> bool:
    return type(x) is Number or hasattr(x, "storage") or isinstance(x, (np.ndarray, np.generic))


def _binary(name: str, operation: Callable, symbol: str) -> None:
    def forwards(self: Number, other: Any) -> Any:
        return self.host.computed(operation, symbol, self, other)

    def reflected(self: Number, other: Any) -> Any:
        return self.host.computed(operation, symbol, other, self)

    setattr(Number, f"__{name}__", forwards)
    setattr(Number, f"__r{name}__", reflected)


def _unary(name: str, operation: Callable, symbol: str) -> None:
    def method(self: Number) -> Number:
        return self.host.made(operation(self.value), f"{symbol}({self.text})")

    setattr(Number, f"__{name}__", method)


def _comparison(name: str, operation: Callable, symbol: str) -> None:
    def method(self: Number, other: Any) -> Any:
        if not _is_plain(other):
            return self.host.computed(operation, symbol, self, other)
        right = other.text if type(other) is Number else repr(other)
        outcome = operation(self.value, other.value if type(other) is Number else other)
        return self.host.decided(f"({self.text} {symbol} {right})", outcome)

    setattr(Number, f"__{name}__", method)


_UFUNCS = {
    operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply, operator.truediv: np.divide,
    operator.floordiv: np.floor_divide, operator.mod: np.remainder, operator.pow: np.power, operator.lt: np.less,
    operator.le: np.less_equal, operator.gt: np.greater, operator.ge: np.greater_equal, operator.eq: np.equal,
    operator.ne: np.not_equal,
}  # fmt: skip

OPERATORS = {ufunc: operation for operation, ufunc in _UFUNCS.items()}
"""What Python does with its own numbers where NumPy's ufunc is for arrays."""

_BINARY = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**"}
_COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}

for _name, _symbol in _BINARY.items():
    _binary(_name, getattr(operator, _name), _symbol)
for _name, _symbol in _COMPARISONS.items():
    _comparison(_name, getattr(operator, _name), _symbol)
for _name, _symbol in {"neg": "-", "pos": "+", "abs": "abs"}.items():
    _unary(_name, getattr(operator, _name), _symbol)


class Host:
    """What is to be done on Python numbers ahead of every run, as lines of Python.

    ``numbers(readings)`` gives the numbers that the program takes, or None where a comparison has another outcome.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.lines: list[str] = []
        self.read = 0  # numbers so far that are read from outside
        self.results: list[Number] = []
        self._known: dict[str, str] = {}
        self._vars: dict[str, Var] = {}

    def input(self, value: Any) -> Number:
        """A number from outside."""
        self.read += 1
        return Number(value, self, f"r{self.read - 1}")

    def computed(self, operation: Callable, symbol: str, a: Any, b: Any) -> Any:
        """What the operator gives: a Number, or an array where one takes part."""
        if not (_is_plain(a) and _is_plain(b)):
            if not all(_is_plain(x) or _is_ours(x) for x in (a, b)):
                return NotImplemented  # a Value, or something that is no number
            return self.trace.call_ufunc(_UFUNCS[operation], "__call__", (a, b), {})
        values = [x.value if type(x) is Number else x for x in (a, b)]
        left, right = (x.text if type(x) is Number else repr(x) for x in (a, b))
        return self.made(operation(*values), f"{left} {symbol} {right}" if symbol != "**" else f"({left}) ** ({right})")

    def made(self, value: Any, text: str) -> Number:
        """A Number that the lines compute."""
        if text not in self._known:
            self._known[text] = f"n{len(self._known)}"
            self.lines.append(f"{self._known[text]} = {text}")
        return Number(value, self, self._known[text])

    def decided(self, text: str, outcome: Any) -> Any:
        """Note the outcome that this capture holds for."""
        line = f"if {text} != {outcome!r}: return None"
        if line not in self.lines:
            self.lines.append(line)
        return outcome

    def given(self, number: Number) -> Var:
        """The Var for the number, which the lines hand to the program."""
        if number.text not in self._vars:
            self.results.append(number)
            self._vars[number.text] = Var((), np.result_type(type(number.value)), (), weak=True)
            self.trace.inputs.append(self._vars[number.text])
        return self._vars[number.text]

    def function(self, results: list[Number]) -> Callable[[list], tuple | None]:
        """The lines as a function, from what is read from outside to ``results``."""
        names = "".join(f"r{i}, " for i in range(self.read))
        body = [f"{names}= readings"] if names else []
        body += [*self.lines, f"return ({''.join(f'{n.text}, ' for n in results)})"]
        scope: dict[str, Any] = {"inf": float("inf"), "nan": float("nan")}
        exec("def numbers(readings):\n    " + "\n    ".join(body), scope)
        return scope["numbers"]


def _is_plain(x: Any) -> bool:
    return type(x) is Number or type(x) in (int, float, bool, complex)
