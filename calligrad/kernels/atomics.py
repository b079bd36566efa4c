"""Words of memory that several threads share, and calls by address: what kernels need to work together.

An *address* is an int64, and so is the word there. Every operation is sequentially consistent: all threads see all of
them in one order.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
ORDER = "seq_cst"
PAUSE = {  # LLVM's names of the instruction that says so, and what it is given
    "x86_64": ("llvm.x86.sse2.pause", []),
    "aarch64": ("llvm.aarch64.hint", [ir.Constant(ir.IntType(32), 1)]),
}


def _on_words(count: int, result: types.Type, write: Callable) -> tuple:
    """What an intrinsic of so many int64 returns to numba; ``write(builder, place, *numbers)`` writes instructions."""

    def generate(context, builder, signature, values):
        place = builder.inttoptr(values[0], WORD.as_pointer())
        written = write(builder, place, *values[1:])
        return context.get_dummy_value() if result is types.void else written

    return result(*[types.int64] * count), generate


@intrinsic
def load(typing, address):
    """The word at an address."""
    return _on_words(1, types.int64, lambda builder, place: builder.load_atomic(place, ORDER, 8))


@intrinsic
def store(typing, address, value):
    """Write a word."""
    return _on_words(2, types.void, lambda builder, place, value: builder.store_atomic(value, place, ORDER, 8))


@intrinsic
def add(typing, address, value):
    """Add to a word; what it was before."""
    return _on_words(2, types.int64, lambda builder, place, value: builder.atomic_rmw("add", place, value, ORDER))


@intrinsic
def exchange(typing, address, value):
    """Write a word; what it was before."""
    return _on_words(2, types.int64, lambda builder, place, value: builder.atomic_rmw("xchg", place, value, ORDER))


@intrinsic
def replace(typing, address, old, new):
    """Write a word if it is ``old``; whether it was."""

    def write(builder, place, old, new):
        return builder.extract_value(builder.cmpxchg(place, old, new, ORDER), 1)

    return _on_words(3, types.boolean, write)


@intrinsic
def pause(typing):
    """Tell the processor that this is a loop that waits."""

    def generate(context, builder, signature, values):
        if (processor := binding.get_process_triple().split("-")[0].replace("arm64", "aarch64")) in PAUSE:
            name, arguments = PAUSE[processor]
            kind = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def call(typing, address, arguments):
    """Call the C function at an address with a tuple of int64; what it returns is dropped."""

    def generate(context, builder, signature, values):
        numbers = cgutils.unpack_tuple(builder, values[1])
        kind = ir.FunctionType(ir.VoidType(), [WORD] * len(numbers))
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), numbers)
        return context.get_dummy_value()

    return types.void(types.int64, types.UniTuple(types.int64, len(arguments))), generate


@njit
def fail(errors, code, a, b, c, line):
    """Report an error to ``runtime.Errors`` at the address ``errors``; the first report is the one that counts."""
    if replace(errors, 0, -1):
        store(errors + 8, a)
        store(errors + 16, b)
        store(errors + 24, c)
        store(errors + 32, line)
        store(errors, code)
