"""Matrix products by the BLAS that NumPy brings, for processors that it knows better than ``gemm.py`` does.

Each item of a batch is cut into slabs of rows or of columns, as its shape says: so the same bits come of any number of
threads. BLAS itself must work on one thread for each of them (``runtime.Table(..., blas=True)``).
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from calligrad.kernels.gemm import Matrix, beyond, matrix
from calligrad.kernels.tiles import compiled
from calligrad.kernels.vectors import offset

SLAB, SLABS = 64, 8  # rows or columns that are worth a call, and the most calls for a matrix
ROW_MAJOR, AS_IT_IS, TRANSPOSED = 101, 111, 112  # CBLAS's words


@intrinsic
def call_gemm(typing, address, m, n, k, a, a_turned, a_far, b, b_turned, b_far, c, c_far):
    """``cblas_sgemm`` or ``cblas_dgemm`` at an address: C = A @ B, row after row; the sizes are int64."""

    def emit(context, builder, signature, values):
        address, m, n, k, a, a_turned, a_far, b, b_turned, b_far, c, c_far = values
        word, number = ir.IntType(32), a.type.pointee
        turns = [builder.select(turned, word(TRANSPOSED), word(AS_IT_IS)) for turned in (a_turned, b_turned)]
        arguments = [word(ROW_MAJOR), *turns, m, n, k, number(1.0), a, a_far, b, b_far, number(0.0), c, c_far]
        kind = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments])
        builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)
        return context.get_dummy_value()

    size, truth = types.int64, types.boolean
    return types.void(size, size, size, size, a, truth, size, b, truth, size, c, size), emit


@compiled
def layout(x, rows, columns):
    """Whether a matrix lies there transposed, and how far it is from one line of numbers to the next."""
    if (x.column == 1 or columns <= 1) and (x.row >= columns or rows <= 1):
        return False, max(x.row, columns, 1)
    return True, max(x.column, rows, 1)


@compiled
def slab(gemm, a, b, c, d, m, k, n, relu):
    """C = A @ B + D by one call."""
    a_turned, a_far = layout(a, m, k)
    b_turned, b_far = layout(b, k, n)
    if m > 0 and n > 0:
        call_gemm(gemm, m, n, k, a.at, a_turned, a_far, b.at, b_turned, b_far, c.at, max(c.row, n))
    if d.column >= 0 or relu:
        for i in range(m):
            for j in range(n):
                v = c.at[i * c.row + j]
                if d.column >= 0:
                    v += d.at[i * d.row + j * d.column]
                c.at[i * c.row + j] = 0 if relu and v < 0 else v


@compiled
def _product(thread, threads, args, dtype):
    m, k, n, batch = args[0], args[1], args[2], args[3]
    parts = max(1, min(SLABS, max(m, n) // SLAB))
    for part in range(batch * parts * thread // threads, batch * parts * (thread + 1) // threads):
        item, i, i_end, j, j_end = part // parts, 0, m, 0, n
        if n > m:
            j, j_end = n * (part - item * parts) // parts, n * (part + 1 - item * parts) // parts
        else:
            i, i_end = m * (part - item * parts) // parts, m * (part + 1 - item * parts) // parts
        a, b = beyond(matrix(offset(args, 4), item, dtype), i, 0), beyond(matrix(offset(args, 8), item, dtype), 0, j)
        c, d = beyond(matrix(offset(args, 12), item, dtype), i, j), beyond(matrix(offset(args, 16), item, dtype), i, j)
        if args[16] == 0:
            d = Matrix(d.at, 0, -1)
        slab(args[24], a, b, c, d, i_end - i, k, j_end - j, args[20] != 0)


@compiled
def blas_float32(thread, threads, args):
    """``C = A @ B + D`` in float32, by ``cblas_sgemm``, whose address is the last of the words."""
    _product(thread, threads, args, types.float32)


@compiled
def blas_float64(thread, threads, args):
    """``C = A @ B + D`` in float64, by ``cblas_dgemm``."""
    _product(thread, threads, args, types.float64)
