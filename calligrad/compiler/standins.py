"""What stands in for settings and gradients while a function is captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from calligrad.compiler.trace import Trace

UNREAD = type("Unread", (), {"__repr__": lambda self: "a gradient that nobody has asked for"})()
"""The gradient of a leaf as long as nobody has asked for it; see ``Capture.reads_gradients``."""


class Stale:
    """A setting of an optimizer in a function that has called ``schedule.step()`` already: to use it is an error."""

    __slots__ = ("name", "trace")

    def __init__(self, trace: Trace, name: str) -> None:
        self.trace, self.name = trace, name

    def refuse(self, *_: Any) -> NoReturn:
        """Raises."""
        raise self.trace.error(
            f"a setting of the optimizer is read after {self.name}.step(), which a program does at its very end. Call"
            " schedule.step() after optimizer.step(), or outside of the function"
        )


_UNARY = ("neg", "abs", "bool", "float", "int", "index", "hash", "array_ufunc", "iter", "getitem", "len")
_BINARY = ("add", "sub", "mul", "truediv", "pow")
for _name in (*_UNARY, *_BINARY, *(f"r{name}" for name in _BINARY), "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Stale, f"__{_name}__", Stale.refuse)
