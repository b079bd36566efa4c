"""Numbers by the register: what writers of LLVM's instructions say again and again.

A *vector* fills one register of the processor that this runs on: 16, 8 or 4 numbers of float32, half of it of float64.
Each of these functions writes instructions with a ``builder``, and returns the value that they compute.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from llvmlite import binding, ir

INT = ir.IntType(64)


def _registers() -> tuple[int, int]:
    """The bytes of a vector register, and how many of them there are."""
    features = binding.get_host_cpu_features()
    if all(features.get(name) for name in ("avx512f", "avx512vl", "avx512dq")):
        return 64, 32
    if features.get("avx2") and features.get("fma"):
        return 32, 16
    return 16, 32 if features.get("neon") else 16


BYTES, REGISTERS = _registers()


def lanes(dtype: type | np.dtype) -> int:
    """How many numbers a vector holds.

    >>> import numpy as np
    >>> from calligrad.kernels import registers
    >>> registers.lanes(np.float32) == 2 * registers.lanes(np.float64)
    True
    """
    return BYTES // np.dtype(dtype).itemsize


def vector_at(place: ir.Value) -> ir.VectorType:
    """The type of vectors of the numbers that a pointer points to."""
    number = place.type.pointee
    return ir.VectorType(number, BYTES // (4 if isinstance(number, ir.FloatType) else 8))


def read(builder: ir.IRBuilder, kind: ir.VectorType, place: ir.Value) -> ir.Value:
    """The vector at a place, which need not be aligned."""
    value = builder.load(builder.bitcast(place, kind.as_pointer()))
    value.align = BYTES // kind.count
    return value


def write(builder: ir.IRBuilder, value: ir.Value, place: ir.Value) -> None:
    """Put a vector at a place, which need not be aligned."""
    builder.store(value, builder.bitcast(place, value.type.as_pointer())).align = BYTES // value.type.count


def read_first(builder: ir.IRBuilder, kind: ir.VectorType, place: ir.Value, count: ir.Value) -> ir.Value:
    """The first numbers of the vector at a place, and zeros; no more is read."""
    align, place = ir.IntType(32)(BYTES // kind.count), builder.bitcast(place, kind.as_pointer())
    mask, zeros = first_lanes(builder, kind, count), ir.Constant(kind, None)
    return call(builder, overloaded("masked.load", kind) + ".p0", kind, place, align, mask, zeros)


def write_first(builder: ir.IRBuilder, value: ir.Value, place: ir.Value, count: ir.Value) -> None:
    """Put the first numbers of a vector at a place; no more is written."""
    kind = value.type
    align, place = ir.IntType(32)(BYTES // kind.count), builder.bitcast(place, kind.as_pointer())
    mask = first_lanes(builder, kind, count)
    call(builder, overloaded("masked.store", kind) + ".p0", ir.VoidType(), value, place, align, mask)


def first_lanes(builder: ir.IRBuilder, kind: ir.VectorType, count: ir.Value) -> ir.Value:
    """Which lanes are among the first ``count``."""
    numbers = ir.VectorType(INT, kind.count)
    return builder.icmp_signed("<", ir.Constant(numbers, list(range(kind.count))), splat(builder, numbers, count))


def sum_of(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The sum of a vector's numbers, half of them added to the other half, and so on."""
    while (count := value.type.count // 2) > 0:
        halves = (range(count), range(count, 2 * count))
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), count), list(half)) for half in halves]
        value = builder.fadd(*(builder.shuffle_vector(value, value, mask) for mask in masks))
    return builder.extract_element(value, ir.IntType(32)(0))


def splat(builder: ir.IRBuilder, kind: ir.VectorType, number: ir.Value) -> ir.Value:
    """The vector that holds a number in each lane."""
    nothing, first = ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
    return builder.shuffle_vector(builder.insert_element(nothing, number, ir.IntType(32)(0)), nothing, first)


def call(builder: ir.IRBuilder, name: str, result: ir.Type, *operands: ir.Value) -> ir.Value:
    """What one of LLVM's own functions makes of some values: ``call(builder, "llvm.fma.v16f32", ...)``."""
    signature = ir.FunctionType(result, [operand.type for operand in operands])
    return builder.call(function_of(builder.module, name, signature), operands)


def function_of(module: ir.Module, name: str, signature: ir.FunctionType) -> ir.Function:
    """A module's function of that name, declared if it is not there."""
    return module.globals.get(name) or ir.Function(module, signature, name)


def overloaded(name: str, kind: ir.VectorType) -> str:
    """The full name of one of LLVM's functions of vectors.

    >>> from llvmlite import ir
    >>> from calligrad.kernels import registers
    >>> registers.overloaded("fma", ir.VectorType(ir.FloatType(), 8))
    'llvm.fma.v8f32'
    """
    return f"llvm.{name}.v{kind.count}{kind.element.intrinsic_name}"


def multiply_add(builder: ir.IRBuilder, u: ir.Value, v: ir.Value, w: ir.Value) -> ir.Value:
    """``u * v + w``, rounded once if the processor has an instruction for it."""
    return call(builder, overloaded("fmuladd", u.type), u.type, u, v, w)


def interleave(builder: ir.IRBuilder, rows: list[ir.Value]) -> list[ir.Value]:
    """The transpose of a square of numbers, given as its rows: blocks of 1, 2, 4 … are swapped across the diagonal."""
    count, rows, d = len(rows), list(rows), 1
    while d < count:
        upper = [l if not l & d else l - d + count for l in range(count)]
        lower = [l + d if not l & d else l + count for l in range(count)]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), count), lanes) for lanes in (upper, lower)]
        for i in range(count):
            if not i & d:
                pair = rows[i], rows[i + d]
                rows[i], rows[i + d] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        d *= 2
    return rows


def repeat(builder: ir.IRBuilder, count: ir.Value, values: list[ir.Value], once: Callable) -> list[ir.Value]:
    """What becomes of some values in ``count`` rounds of ``values = once(values)``: in registers, as far as they go."""
    before, body, after = builder.block, builder.append_basic_block("round"), builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed(">", count, INT(0)), body, after)
    builder.position_at_end(body)
    left, *now = (builder.phi(value.type) for value in (count, *values))
    new = [builder.sub(left, INT(1)), *once(now)]
    for phi, first, later in zip((left, *now), (count, *values), new, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, builder.block)
    end = builder.block
    builder.cbranch(builder.icmp_signed(">", new[0], INT(0)), body, after)
    builder.position_at_end(after)
    results = [builder.phi(value.type) for value in values]
    for phi, first, later in zip(results, values, new[1:], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, end)
    return results


def own_function(name: str, body: Callable) -> Callable:
    """How an intrinsic is emitted that shall be a function of its own, which has all registers for itself.

    ``body(builder, *arguments)`` writes its instructions; it returns nothing.
    """

    def emit(context, builder, signature, values):
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
        function = function_of(builder.module, f"calligrad.{name}", kind)
        if function.is_declaration:
            function.linkage = "linkonce_odr"
            function.attributes.add("noinline")
            within = ir.IRBuilder(function.append_basic_block())
            body(within, *function.args)
            within.ret_void()
        builder.call(function, values)
        return context.get_dummy_value()

    return emit
