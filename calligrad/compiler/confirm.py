"""Confirm: two captures of a function are compared, before a program takes its place.

A number that was computed behind NumPy's back, by a clock, a counter in a file or a generator of batches, is written
into a program as it was. In the second capture it is another, and that tells.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler.arguments import opened
from calligrad.compiler.operations import setitem
from calligrad.compiler.program import Var
from calligrad.compiler.results import Wanted
from calligrad.compiler.traced import CaptureError
from calligrad.compiler.wording import call_of
from calligrad.still import SMALL

if TYPE_CHECKING:
    from calligrad.compiler.capture import Capture


class Record:
    """What a capture did, without the arrays that it was given."""

    def __init__(self, capture: Capture) -> None:
        trace = capture.trace
        self.program = capture.program
        self.inputs: dict[Var, Any] = {var: ("argument", i) for i, var in capture.given}
        for place, var in capture.arrays:
            self.inputs.setdefault(var, ("place", place.identity))
        for i, draw in enumerate(trace.draws):
            self.inputs[draw.var] = "draw", i, draw.name, repr(draw.args), repr(draw.kwargs)
        for number in trace.host.results:
            self.inputs[trace.host.given(number)] = "number", number.text, tuple(trace.host.lines)
        self.found: dict[int, Any] = {id(x.data): x.data for x in trace.found}
        self.found_by: dict[Any, Any] = {  # with what they hold, as the caller may write into those that are results
            x.storage.input: (x.data, x.data.copy() if x.data.nbytes <= SMALL else x.data) for x in trace.found
        }
        self.results = {
            "it returns": _form(capture.result, capture),
            "it leaves": [(place.identity, _form(nest, capture)) for place, nest in capture.rebinds],
            "it does afterwards": _form(capture.later, capture),
            "it writes": [("var", var, ("var", capture.outputs[i])) for var, i in capture.writes],
        }

    def numbered(self, other: Record, table: dict[Any, int]) -> dict[Var, int]:
        """A number for each array of the program, the same in both records for what is computed alike."""

        def number(key: Any) -> int:
            return table.setdefault(key, len(table))

        numbers = {var: number(key) for var, key in self.inputs.items()}
        for var, (x, held) in self.found_by.items():
            is_lasting = other.found.get(id(x)) is x
            numbers[var] = number(("outside", id(x)) if is_lasting else ("constant", *_content(held)))
        for line in self.program.lines:
            args = (
                line.args[1:] if line.op is setitem and line.args[1] is Ellipsis else line.args
            )  # all is written over
            key = _key(line.op, {}), _key((args, line.kwargs), numbers)
            for i, out in enumerate(line.outs):
                numbers[out] = number((i, out.dtype, out.shape, out.strides, key))
        return numbers


def confirm(first: Record, capture: Capture) -> dict[Var, Any]:
    """The arrays that are made anew in each capture, which are constants. ``CaptureError`` for another program."""
    second = Record(capture)
    table: dict[Any, int] = {}
    known, numbers = first.numbered(second, table), second.numbered(first, table)
    seen = {known[out] for line in first.program.lines for out in line.outs}
    before = {line.where: line for line in first.program.lines}
    for line in second.program.lines:
        if any(numbers[out] not in seen for out in line.outs):
            said = _said(line, second)
            if (other := before.get(line.where)) is not None and (then := _said(other, first)) != said:
                said += f" now, and {then} before"
            _refuse(capture, line.where, said)
    for what, form in first.results.items():
        if _key(form, known) != _key(second.results[what], numbers):
            _refuse(capture, "", f"{what} something else in every call")
    return {var: held.copy(order="K") for var, (x, held) in second.found_by.items() if first.found.get(id(x)) is not x}


def _refuse(capture: Capture, where: str, what: str) -> None:
    raise CaptureError(
        f"compile cannot capture this in {capture.trace.name}{where and f' ({where})'}: {what}, though nothing that"
        " compile looks at has changed. Is it a clock, a file, a draw, a counter? Pass it as an argument, or keep it"
        " where the function reaches it"
    )


def _said(line: Any, record: Record) -> str:
    text = call_of(line.op, line.args, line.kwargs, record.program.names())
    return text if len(text) < 120 else text[:110] + " …"


def _content(x: np.ndarray) -> tuple:
    return x.dtype, x.shape, x.strides, hashlib.blake2b(np.ascontiguousarray(x).tobytes()).digest()


def _key(x: Any, numbers: dict[Var, int]) -> Any:
    """Equal for nests that are the same to an operation."""
    kind = type(x)
    if kind is Var:
        return "var", numbers.get(x, -1)
    if kind is slice:
        return "slice", _key((x.start, x.stop, x.step), numbers)
    keys, parts = opened(x)
    if parts is not None:
        return kind, keys, tuple([_key(part, numbers) for part in parts])
    if isinstance(x, (bool, int, float, complex, str, bytes, type(None), np.generic)):
        return kind, repr(x)
    if isinstance(x, np.ndarray):
        return kind, _content(x)
    if isinstance(x, (np.dtype, type, np.ufunc)) or hasattr(x, "__qualname__"):
        return getattr(x, "__code__", x)
    return kind


def _form(nest: Any, capture: Capture) -> Any:
    """A result in a form that can be compared, without its arrays."""
    if type(nest) is Wanted:
        var = nest.outside if nest.output is None else capture.outputs[nest.output]
        return var, nest.number, type(nest.maker), [_form(x, capture) for x in nest.inner]
    keys, parts = opened(nest)
    if parts is not None:
        return type(nest), keys, [_form(part, capture) for part in parts]
    if isinstance(nest, (bool, int, float, complex, str, bytes, type(None), np.generic)):
        return nest
    return "object", id(getattr(nest, "__self__", nest))
