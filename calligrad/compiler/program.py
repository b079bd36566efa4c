"""Program: a straight line of NumPy calls in which every array is assigned once.

What the tracer writes, the passes turn into something better, and the backends run. Nothing here knows how an array
came to be an argument, a parameter or a random draw: to a program all of them are inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from calligrad.compiler.wording import call_of


class Var:
    """One array of a program, by its shape, dtype and layout. Two are the same only if they are one object.

    ``strides`` are those that the array had, in bytes: NumPy adds up in an order that follows them. A ``weak`` one is a
    Python number, which does not widen what it meets. One without axes ``is_scalar`` if NumPy gave a number for it.
    """

    __slots__ = ("dtype", "is_scalar", "shape", "strides", "weak")

    def __init__(self, shape: Sequence[int], dtype: Any, strides: Sequence[int] = (), weak: bool = False) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.strides = tuple(strides)
        self.weak = weak
        self.is_scalar = True

    @classmethod
    def of(cls, x: Any) -> Var:
        """What stands for the array ``x``."""
        var = cls(x.shape, x.dtype, x.strides)
        var.is_scalar = isinstance(x, np.generic)
        return var

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes they take."""
        return self.size * self.dtype.itemsize

    def __repr__(self) -> str:
        return self.kind()

    def kind(self) -> str:
        """Its dtype and shape in a word: float32[3, 4].

        >>> Var((3, 4), "float32").kind()
        'float32[3, 4]'
        """
        return "number" if self.weak else f"{self.dtype}{list(self.shape)}"


@dataclass(frozen=True, eq=False, slots=True)
class Line:
    """``outs = op(*args, **kwargs)``, where the arguments are nests of Vars, numbers and settings.

    ``where`` is the user's line that asked for it.
    """

    op: Callable
    args: tuple
    kwargs: dict[str, Any]
    outs: tuple[Var, ...]
    where: str = ""
    ins: tuple[Var, ...] = field(init=False, repr=False)
    """The Vars among the arguments."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ins", tuple(vars_in((self.args, self.kwargs))))

    @property
    def out(self) -> Var:
        """The one output."""
        (out,) = self.outs
        return out


@dataclass(frozen=True, eq=False)
class Program:
    """Lines that make ``outputs`` from ``inputs`` and ``constants``, arrays that nobody changes.

    >>> import numpy as np
    >>> x, y = Var((2,), float), Var((2,), float)
    >>> print(Program([x], {}, [Line(np.exp, (x,), {}, (y,))], [y]))
    inputs v0: float64[2]
    v1 = np.exp(v0)  # float64[2]
    return v1
    """

    inputs: list[Var]
    constants: dict[Var, Any]
    lines: list[Line]
    outputs: list[Var]
    writes: list[tuple[Var, int]] = field(default_factory=list)
    """Inputs whose memory is to hold an output afterwards, and the positions of those outputs."""

    notes: list[str] = field(default_factory=list)
    """What passes did and did not do, in words, for ``explain``."""

    def but(self, **parts: Any) -> Program:
        """The program with other ``lines`` or other parts."""
        return replace(self, **parts)

    def names(self) -> dict[Var, str]:
        """A name for each array, in the order in which they come up."""
        order = [*self.inputs, *self.constants, *(out for line in self.lines for out in line.outs)]
        return {var: f"v{i}" for i, var in enumerate(dict.fromkeys(order))}

    def __str__(self) -> str:
        names = self.names()
        heads = [f"inputs {', '.join(f'{names[v]}: {v.kind()}' for v in self.inputs)}"] if self.inputs else []
        heads += [f"constant {names[v]}: {v.kind()}" for v in self.constants]
        body = [
            f"{', '.join(names[out] for out in line.outs)} = {call_of(line.op, line.args, line.kwargs, names)}"
            f"  # {', '.join(out.kind() for out in line.outs)}" + (f"  {line.where}" if line.where else "")
            for line in self.lines
        ]
        return "\n".join([*heads, *body, f"return {', '.join(names[v] for v in self.outputs)}"])


# ---------------------------------------------------------------- nests of arguments


def vars_in(nest: Any) -> list[Var]:
    """Every Var in tuples, lists and dicts, in order, as often as it is there."""
    found: list[Var] = []
    _find(nest, found)
    return found


def _find(nest: Any, found: list[Var]) -> None:
    kind = type(nest)
    if kind is Var:
        found.append(nest)
    elif kind is dict:
        for part in nest.values():
            _find(part, found)
    elif isinstance(nest, (tuple, list)):
        for part in nest:
            _find(part, found)


def mapped(f: Callable[[Any], Any], nest: Any) -> Any:
    """The nest with ``f`` of every leaf in its place.

    >>> mapped(lambda x: -x, (1, [2, {"a": 3}]))
    (-1, [-2, {'a': -3}])
    """
    kind = type(nest)
    if kind is tuple or kind is list:
        return kind([mapped(f, part) for part in nest])
    if kind is dict:
        return {key: mapped(f, part) for key, part in nest.items()}
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return kind(*[mapped(f, part) for part in nest])
    return f(nest)


def renamed(line: Line, table: dict[Var, Any]) -> Line:
    """The line with other arguments in place of the Vars in ``table``."""
    if not any(var in table for var in line.ins):
        return line

    def other(x: Any) -> Any:
        return table.get(x, x) if type(x) is Var else x

    return Line(line.op, mapped(other, line.args), mapped(other, line.kwargs), line.outs, line.where)
