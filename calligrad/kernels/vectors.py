"""Vectors of numbers in functions compiled by Numba, where LLVM's own vectors do not reach.

``load(p, i)`` reads a vector from the memory at ``p + i`` and ``store(p, i, v)`` writes it; ``add``, ``fma``,
``positive`` and ``total`` reckon. ``pointer(address, dtype)`` makes pointers of addresses. What a vector is, and how
intrinsics are written that need other words, see ``registers.py``.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

from calligrad.kernels.registers import (
    BYTES,
    INT,
    call,
    first_lanes,
    interleave,
    multiply_add,
    overloaded,
    read,
    read_first,
    splat,
    sum_of,
    write,
)


class Vector(types.Type):
    """Numba's type of a vector of ``types.float32`` or ``types.float64``."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")

    @property
    def llvm(self) -> ir.VectorType:
        """LLVM's type of it."""
        scalar = ir.FloatType() if self.dtype.bitwidth == 32 else ir.DoubleType()
        return ir.VectorType(scalar, 8 * BYTES // self.dtype.bitwidth)


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, vector: Vector) -> None:
        super().__init__(manager, vector, vector.llvm)


@intrinsic
def pointer(typing, address, dtype):
    """``pointer(address, types.float32)``: the pointer to the numbers at an address."""
    result = types.CPointer(dtype.dtype)

    def emit(context, builder, signature, values):
        return builder.inttoptr(values[0], context.get_value_type(result))

    return result(types.int64, dtype), emit


@intrinsic
def offset(typing, p, i):
    """``offset(p, i)``: the pointer to what lies ``i`` numbers further on."""

    def emit(context, builder, signature, values):
        return builder.gep(values[0], [values[1]])

    return p(p, types.int64), emit


@intrinsic
def load(typing, p, i):
    """``load(p, i)``: the vector at ``p + i``."""
    kind = Vector(p.dtype)

    def emit(context, builder, signature, values):
        return read(builder, kind.llvm, builder.gep(values[0], [values[1]]))

    return kind(p, types.int64), emit


@intrinsic
def store(typing, p, i, v):
    """``store(p, i, v)``: puts a vector at ``p + i``."""

    def emit(context, builder, signature, values):
        write(builder, values[2], builder.gep(values[0], [values[1]]))
        return context.get_dummy_value()

    return types.void(p, types.int64, v), emit


@intrinsic
def load_first(typing, p, i, count):
    """``load_first(p, i, count)``: the first numbers of a vector at ``p + i``, and zeros; no more is read."""
    kind = Vector(p.dtype)

    def emit(context, builder, signature, values):
        return read_first(builder, kind.llvm, builder.gep(values[0], [values[1]]), values[2])

    return kind(p, types.int64, types.int64), emit


@intrinsic
def store_first(typing, p, i, v, count):
    """``store_first(p, i, v, count)``: puts the first numbers of a vector at ``p + i``; no more is written."""
    kind = v.llvm

    def emit(context, builder, signature, values):
        place = builder.bitcast(builder.gep(values[0], [values[1]]), kind.as_pointer())
        align, mask = ir.IntType(32)(BYTES // kind.count), first_lanes(builder, kind, values[3])
        call(builder, overloaded("masked.store", kind) + ".p0", ir.VoidType(), values[2], place, align, mask)
        return context.get_dummy_value()

    return types.void(p, types.int64, v, types.int64), emit


@intrinsic
def broadcast(typing, number):
    """``broadcast(number)``: the vector that holds it in each lane."""
    kind = Vector(number)

    def emit(context, builder, signature, values):
        return splat(builder, kind.llvm, values[0])

    return kind(number), emit


@intrinsic
def add(typing, u, v):
    """``add(u, v)``: the sums."""

    def emit(context, builder, signature, values):
        return builder.fadd(*values)

    return u(u, v), emit


@intrinsic
def fma(typing, u, v, w):
    """``fma(u, v, w)``: ``u * v + w``, rounded once if the processor has an instruction for it."""

    def emit(context, builder, signature, values):
        return multiply_add(builder, *values)

    return u(u, v, w), emit


@intrinsic
def positive(typing, v):
    """``positive(v)``: zeros instead of what is negative; nan stays nan."""

    def emit(context, builder, signature, values):
        zero = ir.Constant(v.llvm, None)
        return builder.select(builder.fcmp_ordered(">", zero, values[0]), zero, values[0])

    return v(v), emit


@intrinsic
def total(typing, v):
    """``total(v)``: the sum of its numbers, half of them added to the other half, and so on."""

    def emit(context, builder, signature, values):
        return sum_of(builder, values[0])

    return v.dtype(v), emit


@intrinsic
def width(typing, p):
    """``width(p)``: how many of the numbers at ``p`` are a vector."""

    def emit(context, builder, signature, values):
        return INT(Vector(p.dtype).llvm.count)

    return types.int64(p), emit


@intrinsic
def transpose(typing, p, row, out, out_row):
    """``transpose(p, row, out, out_row)``: a square of numbers, of as many rows as a vector has lanes, turned over."""
    kind = Vector(p.dtype).llvm

    def emit(context, builder, signature, values):
        source, row, out, out_row = values
        rows = [read(builder, kind, builder.gep(source, [builder.mul(row, INT(i))])) for i in range(kind.count)]
        for i, column in enumerate(interleave(builder, rows)):
            write(builder, column, builder.gep(out, [builder.mul(out_row, INT(i))]))
        return context.get_dummy_value()

    return types.void(p, types.int64, p, types.int64), emit
