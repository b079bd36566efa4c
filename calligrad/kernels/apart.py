"""Every second number of a row, by the register: what a stride of 2 takes from images, and gives to them."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from calligrad.kernels.registers import INT, call, first_lanes, overloaded, read_first, vector_at
from calligrad.kernels.vectors import Vector


def _mask(lanes: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)


@intrinsic
def load_apart(typing, p, count):
    """``load_apart(p, count)``: the vector of ``p[0], p[2], p[4] …``, of which there are ``count``, and zeros."""
    kind = Vector(p.dtype)

    def emit(context, builder, signature, values):
        place, count = values
        lanes = kind.llvm.count
        numbers = builder.sub(builder.mul(count, INT(2)), INT(1))  # the last is followed by none
        low = read_first(builder, kind.llvm, place, numbers)
        high = read_first(builder, kind.llvm, builder.gep(place, [INT(lanes)]), builder.sub(numbers, INT(lanes)))
        return builder.shuffle_vector(low, high, _mask(list(range(0, 2 * lanes, 2))))

    return kind(p, types.int64), emit


@intrinsic
def store_apart(typing, p, v, count):
    """``store_apart(p, v, count)``: puts the first numbers of a vector at ``p[0], p[2], p[4] …``, and no others."""

    def emit(context, builder, signature, values):
        place, vector, count = values
        kind = vector_at(place)
        lanes, align = kind.count, ir.IntType(32)(8 if isinstance(kind.element, ir.DoubleType) else 4)
        even = ir.Constant(ir.VectorType(ir.IntType(1), lanes), [lane % 2 == 0 for lane in range(lanes)])
        for begin in (0, lanes):
            spaced = builder.shuffle_vector(vector, vector, _mask([(begin + lane) // 2 for lane in range(lanes)]))
            left = builder.sub(builder.mul(count, INT(2)), INT(begin))
            mask = builder.and_(even, first_lanes(builder, kind, left))
            at = builder.bitcast(builder.gep(place, [INT(begin)]), kind.as_pointer())
            call(builder, overloaded("masked.store", kind) + ".p0", ir.VoidType(), spaced, at, align, mask)
        return context.get_dummy_value()

    return types.void(p, v, types.int64), emit
