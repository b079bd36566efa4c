"""Numbers and vectors in memory: how they lie there, and how LLVM reads and writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from calligrad.kernels.arithmetic import TYPES
from calligrad.kernels.number import Number
from calligrad.kernels.registers import call

BIT = ir.IntType(1)


def in_memory(dtype: str) -> ir.Type:
    """How a number lies in memory: a truth value takes a byte."""
    return ir.IntType(8) if dtype == "bool" else TYPES[dtype]


def from_memory(builder: ir.IRBuilder, value: ir.Value, dtype: str) -> ir.Value:
    """What was read, as it is computed with."""
    return builder.icmp_signed("!=", value, ir.Constant(value.type, None)) if dtype == "bool" else value


def to_memory(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """What was computed, as it is written."""
    element = getattr(value.type, "element", value.type)
    if element != BIT:
        return value
    byte = ir.IntType(8)
    return builder.zext(value, ir.VectorType(byte, value.type.count) if element is not value.type else byte)


def read(builder: ir.IRBuilder, kind: ir.VectorType, place: ir.Value, mask: ir.Value | None) -> ir.Value:
    """The vector at a place; under a mask, zeros instead of what is not to be read."""
    place = builder.bitcast(place, kind.as_pointer())
    size = bytes_of(kind.element)
    if mask is None:
        value = builder.load(place)
        value.align = size
        return value
    name = f"llvm.masked.load.v{kind.count}{kind.element.intrinsic_name}.p0"
    return call(builder, name, kind, place, ir.IntType(32)(size), mask, ir.Constant(kind, None))


def write(builder: ir.IRBuilder, value: ir.Value, place: ir.Value, mask: ir.Value | None) -> None:
    """Put a vector at a place, under a mask only part of it."""
    kind = value.type
    place = builder.bitcast(place, kind.as_pointer())
    size = bytes_of(kind.element)
    if mask is None:
        builder.store(value, place).align = size
        return
    name = f"llvm.masked.store.v{kind.count}{kind.element.intrinsic_name}.p0"
    call(builder, name, ir.VoidType(), value, place, ir.IntType(32)(size), mask)


def bytes_of(element: ir.Type) -> int:
    """The bytes of a number in memory."""
    return element.width // 8 if isinstance(element, ir.IntType) else 8 if isinstance(element, ir.DoubleType) else 4


def limited(x: Number, number: float) -> float:
    """The number, or of an int the largest or smallest instead of an infinite one."""
    return constant(x.element, number).constant


def constant(kind: ir.Type, number: Any) -> ir.Constant:
    """A number, or a vector of it; of ints, an infinite one is the largest or smallest there is."""
    element = getattr(kind, "element", kind)
    if isinstance(element, ir.IntType):
        least, most = (0, 1) if element.width == 1 else (-(1 << element.width - 1), (1 << element.width - 1) - 1)
        number = least if number == -np.inf else most if number == np.inf else int(number)
    else:
        number = float(number)
    one = ir.Constant(element, number)
    return ir.Constant(kind, [one] * kind.count) if isinstance(kind, ir.VectorType) else one


def number_of(text: str) -> float | int:
    """The number that a reference to a constant writes."""
    if text in ("True", "False"):
        return text == "True"
    return int(text) if text.lstrip("-").isdigit() else float(text)
