"""Results: what a function returns, or leaves where it was found, as what it is in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler.arguments import leaves_of, with_leaves
from calligrad.compiler.host import Number
from calligrad.compiler.storage import owner
from calligrad.compiler.traced import Traced
from calligrad.function import Function, computed
from calligrad.value import Value, as_result

if TYPE_CHECKING:
    from calligrad.compiler.capture import Capture
    from calligrad.compiler.program import Var


class Wanted:
    """A leaf of a result that is another in every run.

    It is the ``output`` of that position, the array from outside that ``outside`` stands for, a ``number`` of the
    host's, or a Value, which ``maker`` makes of ``inner`` ones.
    """

    __slots__ = ("inner", "maker", "now", "number", "output", "outside")

    def __init__(
        self,
        now: Any,
        *,
        output: int | None = None,
        outside: Var | None = None,
        number: str = "",
        maker: Any = None,
        inner: tuple[Wanted, ...] = (),
    ) -> None:
        self.now = now  # what it is in the run of the capture
        self.output, self.outside, self.number, self.maker, self.inner = output, outside, number, maker, inner

    def __repr__(self) -> str:
        return f"Wanted({self.output}, {self.outside}, {self.number!r}, {self.inner})"


class Results:
    """Collects the outputs of a program, each once."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.outputs: list[Var] = []
        self._known: dict[int, Wanted] = {}  # by id of a Traced or Value
        self._alive: list[Any] = []

    def of(self, nest: Any) -> Any:
        """The nest with a Wanted for each leaf that is another in every run."""
        if not any(isinstance(x, (Traced, Number, Value, np.ndarray)) for x in leaves_of(nest)):
            return nest
        return with_leaves(self.leaf, nest)

    def leaf(self, x: Any) -> Any:
        """The leaf, or a Wanted for it."""
        if type(x) is Number:
            return Wanted(x.value, number=x.text)
        if not isinstance(x, (Traced, Value, np.ndarray)) or id(x) in self.capture.values:
            return x
        if id(x) not in self._known:
            self._alive.append(x)
            self._known[id(x)] = self._value(x) if isinstance(x, Value) else self._array(x)
        return self._known[id(x)]

    def _array(self, x: Any) -> Wanted:
        trace = self.capture.trace
        if isinstance(x, np.ndarray):
            x = trace.lifted(x)
        storage = x.storage
        if storage.input is not None and not self.capture.is_drawn(storage.input):
            if x.taken is None and isinstance(x.data, np.ndarray):
                return Wanted(x.data, outside=storage.input)
            if isinstance(x.data, np.ndarray):
                x = np.copy(x, order="K")  # a view of an array from outside: it shall be one's own
        var = trace.var_of(x)
        is_view = x.taken is not None and owner(x).symbol in trace.shared
        if var in self.outputs or is_view:  # x[...] = y has made two arrays one Var
            var = trace.var_of(x.copy("K"))
        self.outputs.append(var)
        data = x.data.item() if x.symbol.weak else x.data
        return Wanted(data.copy() if getattr(data, "base", None) is not None else data, output=len(self.outputs) - 1)

    def _value(self, x: Value) -> Any:
        inner = self.leaf(x._array)
        array = now(inner)
        if x.created_by is None and x._requires_grad:
            grad = self.leaf(x._grad)
            leaf = Leaf(x.name)
            return Wanted(leaf(array, now(grad)), maker=leaf, inner=(inner, grad))
        maker: Any = Spent(self.capture.trace.name) if x.requires_grad else as_result
        return Wanted(maker(array), maker=maker, inner=(inner,))


def now(x: Any) -> Any:
    """The leaf as it is in the run of the capture."""
    return x.now if type(x) is Wanted else x


class Leaf:
    """Makes a leaf that requires a gradient."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, array: Any, grad: Any) -> Value:
        x = Value(array, self.name)
        x._grad = grad
        return x


class Spent:
    """Makes a Value that was computed by a compiled function, and whose graph is gone."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, array: Any) -> Value:
        return computed(array, Gone(self.name))


class Gone(Function):
    """What stands in the graph for a compiled function, through which no gradient comes."""

    generation = 0
    edges = ((None, (), None),)

    def __init__(self, name: str) -> None:
        self.name = name

    def pull(self, g: Any, create_graph: bool = False, release: bool = False) -> Any:
        """Raises: there is no graph."""
        raise RuntimeError(
            f"compiled {self.name} keeps no graph: call backward() within the function that is compiled, or take the"
            " result as a constant (call it under no_grad(), or detach() it)"
        )

    def __repr__(self) -> str:
        return f"compiled {self.name}"
