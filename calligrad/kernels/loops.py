"""Loops over rows: nests as LLVM's instructions on whole vectors, with masks at the end of a row.

Numba is not asked: what is written here is what runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from llvmlite import ir

from calligrad.kernels.arithmetic import OPERATIONS, TYPES, cast
from calligrad.kernels.lying import (
    BIT,
    bytes_of,
    constant,
    from_memory,
    in_memory,
    limited,
    number_of,
    read,
    to_memory,
    write,
)
from calligrad.kernels.nest import (
    CHUNKS,
    IDENTITY,
    SCRATCH,
    SCRATCH_SIZE,
    SIZES,
    TOTAL,
    Nest,
    Phase,
    Reduction,
    Step,
    accumulators,
    kept_in,
    operand_at,
    read_by,
)
from calligrad.kernels.number import Number, where
from calligrad.kernels.registers import BYTES, INT, call, splat

BLOCK = 64  # vectors that are added up before their sum goes to the sum of all, so that few digits are lost


def written(nest: Nest, name: str) -> str:
    """The kernel as LLVM's text, a function ``name(thread, threads, args)``."""
    module = ir.Module(name)
    kind = ir.FunctionType(ir.VoidType(), [INT, INT, INT.as_pointer()])
    _Writer(nest, ir.Function(module, kind, name)).write()
    return str(module)


class _Writer:
    """Writes the function of one nest."""

    def __init__(self, nest: Nest, function: ir.Function) -> None:
        self.nest = nest
        self.entry = function.append_basic_block("entry")
        self.builder = ir.IRBuilder(self.entry)
        self.thread, self.threads, self.args = function.args
        self.lanes = BYTES // max((np.dtype(kind).itemsize for kind in _dtypes(nest)), default=8)
        self.operands = [*nest.inputs, *nest.outputs]
        self.dtypes = [x.dtype for x in self.operands] + [x.dtype for x in accumulators(nest)]
        self.for_row: dict[tuple, ir.Value] = {}  # numbers that there is one of in a row, or in all

    # ---- words, loops, variables

    def word(self, i: int) -> ir.Value:
        return self.builder.load(self.builder.gep(self.args, [INT(i)]))

    def variable(self, kind: ir.Type, first: ir.Value) -> ir.Value:
        """A place on the stack, which LLVM turns into a register."""
        with self.builder.goto_block(self.entry):
            place = self.builder.alloca(kind)
        self.builder.store(first, place)
        return place

    @contextmanager
    def each(self, start: ir.Value, stop: ir.Value, step: int = 1) -> Iterator[ir.Value]:
        """A loop over whole numbers from ``start`` until below ``stop``."""
        builder = self.builder
        before = builder.block
        head, body, after = (builder.append_basic_block(word) for word in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        i = builder.phi(INT)
        i.add_incoming(start, before)
        builder.cbranch(builder.icmp_signed("<", i, stop), body, after)
        builder.position_at_end(body)
        yield i
        i.add_incoming(builder.add(i, INT(step)), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    def product(self, values: list[ir.Value]) -> ir.Value:
        whole: ir.Value = INT(1)
        for value in values:
            whole = self.builder.mul(whole, value)
        return whole

    def index(self, flat: ir.Value, sizes: list[ir.Value]) -> list[ir.Value]:
        """The position along each axis of the ``flat``-th point."""
        found: list[ir.Value] = []
        for size in reversed(sizes[1:]):
            found.insert(0, self.builder.srem(flat, size))
            flat = self.builder.sdiv(flat, size)
        return [flat, *found] if sizes else []

    def offset(self, operand: int, axes: range, index: list[ir.Value]) -> ir.Value:
        """How far, along these axes, a position is from the operand's first number."""
        far: ir.Value = INT(0)
        for axis, i in zip(axes, index, strict=True):
            far = self.builder.add(far, self.builder.mul(i, self.steps[operand][axis]))
        return far

    # ---- the kernel

    def write(self) -> None:
        builder, nest = self.builder, self.nest
        start = builder.append_basic_block("start")
        builder.position_at_end(start)
        chunks, self.total = self.word(CHUNKS), self.word(TOTAL)
        self.scratch = builder.add(self.word(SCRATCH), builder.mul(self.word(SCRATCH_SIZE), self.thread))
        axes = nest.outer + nest.inner
        self.sizes = [self.word(SIZES + i) for i in range(axes)]
        self.length: ir.Value = self.sizes[-1] if nest.inner else INT(1)
        self.middle = self.sizes[nest.outer : -1] if nest.inner else []
        blocks = [operand_at(nest, i) for i in range(len(self.dtypes))]
        self.at = [
            builder.inttoptr(self.word(i), in_memory(dtype).as_pointer()) for i, dtype in zip(blocks, self.dtypes)
        ]
        self.steps = [[self.word(i + 1 + axis) for axis in range(axes + 1)] for i in blocks]
        self.starts: list[ir.Value] = [INT(0)] * len(blocks)
        for i, operand in enumerate(nest.inputs):
            if operand.level == "number":
                self.for_row["in", i] = self._read_one(i)
        for i, step in enumerate(nest.once):
            self.for_row["once", i] = self._step_once(step)
        rows = self.product(self.sizes[: nest.outer])
        first, last = (
            builder.sdiv(builder.mul(chunks, builder.add(self.thread, INT(k))), self.threads) for k in (0, 1)
        )
        with self.each(first, last) as chunk:
            self._open_accumulators(chunk)
            first, last = (builder.sdiv(builder.mul(rows, builder.add(chunk, INT(k))), chunks) for k in (0, 1))
            with self.each(first, last) as row:
                self._row(row)
        builder.ret_void()
        with builder.goto_block(self.entry):
            builder.branch(start)

    def _open_accumulators(self, chunk: ir.Value) -> None:
        """Fill the accumulators of a chunk with what changes nothing."""
        builder = self.builder
        self.chunk_at = {}
        for i, reduction in enumerate(accumulators(self.nest), start=len(self.operands)):
            size = self.steps[i][-1]
            self.chunk_at[i] = builder.gep(self.at[i], [builder.mul(chunk, size)])
            with self.each(INT(0), size) as j:
                first = to_memory(builder, constant(TYPES[reduction.dtype], IDENTITY[reduction.kind]))
                builder.store(first, builder.gep(self.chunk_at[i], [j]))

    def _row(self, row: ir.Value) -> None:
        builder, nest = self.builder, self.nest
        index = self.index(row, self.sizes[: nest.outer])
        self.starts = [self.offset(i, range(nest.outer), index) for i in range(len(self.dtypes))]
        left = builder.sub(self.total, builder.mul(row, self.length))
        is_last = builder.and_(
            builder.icmp_signed(">", self.total, INT(0)), builder.icmp_signed("<", left, self.length)
        )
        self.count = builder.select(is_last, left, self.length)
        for i, operand in enumerate(nest.inputs):
            if operand.level == "row":
                self.for_row["in", i] = self._read_one(i)
        for number, phase in enumerate(nest.phases):
            for i, step in enumerate(phase.before):
                self.for_row["before", number, i] = self._step_once(step)
            self._pass(number, phase)
        for output, ref in nest.stores:
            i = len(nest.inputs) + output
            value = cast(Number(builder, self.one(ref)), nest.outputs[output].dtype)
            builder.store(to_memory(builder, value.value), builder.gep(self.at[i], [self.starts[i]]))

    def _pass(self, number: int, phase: Phase) -> None:
        """One pass over the points of a row."""
        builder = self.builder
        if not (phase.stores or phase.reductions or any(ref[1] == number for ref in kept_in(self.nest))):
            return
        sums = {}
        for i, reduction in enumerate(phase.reductions):
            if reduction.level != "column":
                empty = constant(ir.VectorType(TYPES[reduction.dtype], self.lanes), IDENTITY[reduction.kind])
                sums[i] = self.variable(empty.type, empty), self.variable(empty.type, empty)
        with self.each(INT(0), self.product(self.middle)) as m:
            index = self.index(m, self.middle)
            axes = range(self.nest.outer, self.nest.outer + len(self.middle))
            self.here = [builder.add(start, self.offset(i, axes, index)) for i, start in enumerate(self.starts)]
            self.scratch_here = builder.mul(m, self.length)
            self._along(number, phase, sums)
        for i, reduction in enumerate(phase.reductions):
            if i not in sums:
                continue
            total = self._folded(reduction, builder.load(sums[i][1]))
            if reduction.level == "row":
                self.for_row["reduction", number, i] = total
            else:
                place = self.chunk_at[self._accumulator(number, i)]
                old = from_memory(builder, builder.load(place), reduction.dtype)
                builder.store(to_memory(builder, self._joined(reduction, old, total)), place)

    def _along(self, number: int, phase: Phase, sums: dict) -> None:
        """The points along the last axis: whole vectors, and what is left under a mask."""
        builder = self.builder
        for i, operand in enumerate(self.nest.inputs):
            if operand.level == "element" and operand.inner == 0:
                self.for_row["in", i] = self._read_one(i, self.here[i])
        whole = builder.sub(self.count, builder.srem(self.count, INT(self.lanes)))
        if sums:
            block = INT(BLOCK * self.lanes)
            with self.each(INT(0), builder.sdiv(builder.add(whole, INT(BLOCK * self.lanes - 1)), block)) as b:
                start = builder.mul(b, block)
                stop = builder.add(start, block)
                stop = builder.select(builder.icmp_signed("<", stop, whole), stop, whole)
                with self.each(start, stop, self.lanes) as j:
                    self._points(number, phase, sums, j, None)
                self._flush(phase, sums)
        else:
            with self.each(INT(0), whole, self.lanes) as j:
                self._points(number, phase, sums, j, None)
        with builder.if_then(builder.icmp_signed("<", whole, self.count)):
            lanes = ir.VectorType(INT, self.lanes)
            left = splat(builder, lanes, builder.sub(self.count, whole))
            mask = builder.icmp_signed("<", ir.Constant(lanes, list(range(self.lanes))), left)
            self._points(number, phase, sums, whole, mask)
            self._flush(phase, sums)

    def _points(self, number: int, phase: Phase, sums: dict, j: ir.Value, mask: ir.Value | None) -> None:
        """A vector of points."""
        builder, nest = self.builder, self.nest
        values: dict[tuple, Number] = {}
        for ref in read_by(phase):
            if ref[0] == "in" and ref not in self.for_row:
                values[ref] = self._read(ref[1], j, mask)
            elif ref[0] == "step" and ref[1] < number:
                values[ref] = self._recalled(ref, j, mask)
        for i, step in enumerate(phase.steps):
            values["step", number, i] = _applied(step, [self.vector(ref, values) for ref in step.args])
        for output, ref in phase.stores:
            self._store(output, j, self.vector(ref, values), mask)
        for ref in kept_in(nest):
            if ref[1] == number:
                _, place = self._scratch(ref, j)
                write(builder, to_memory(builder, values[ref].value), place, mask)
        for i, reduction in enumerate(phase.reductions):
            value = cast(self.vector(reduction.value, values), reduction.dtype)
            if mask is not None:
                value = where(Number(builder, mask), value, value.like(limited(value, IDENTITY[reduction.kind])))
            if i in sums:
                place = sums[i][0]
                builder.store(self._joined(reduction, builder.load(place), value.value), place)
                continue
            at = self._accumulator(number, i)
            place = builder.gep(self.chunk_at[at], [builder.add(self.here[at], j)])
            old = from_memory(
                builder, read(builder, self._memory_vector(reduction.dtype), place, mask), reduction.dtype
            )
            write(builder, to_memory(builder, self._joined(reduction, old, value.value)), place, mask)

    # ---- values

    def one(self, ref: tuple) -> ir.Value:
        """What a reference stands for, as a number."""
        if ref[0] == "constant":
            return constant(TYPES[ref[2]], number_of(ref[1]))
        return self.for_row[ref]

    def vector(self, ref: tuple, values: dict[tuple, Number]) -> Number:
        """What a reference stands for, as a vector."""
        if ref not in values:
            one = self.one(ref)
            values[ref] = Number(self.builder, splat(self.builder, ir.VectorType(one.type, self.lanes), one))
        return values[ref]

    def _step_once(self, step: Step) -> ir.Value:
        return _applied(step, [Number(self.builder, self.one(ref)) for ref in step.args]).value

    def _memory_vector(self, dtype: str) -> ir.VectorType:
        return ir.VectorType(in_memory(dtype), self.lanes)

    def _read_one(self, i: int, offset: ir.Value | None = None) -> ir.Value:
        place = self.builder.gep(self.at[i], [self.starts[i] if offset is None else offset])
        return from_memory(self.builder, self.builder.load(place), self.dtypes[i])

    def _read(self, i: int, j: ir.Value, mask: ir.Value | None) -> Number:
        """The numbers of operand ``i`` from the ``j``-th on."""
        builder, kind = self.builder, self._memory_vector(self.dtypes[i])
        if self.operands[i].inner == 1:
            value = read(builder, kind, builder.gep(self.at[i], [builder.add(self.here[i], j)]), mask)
        else:
            align = ir.IntType(32)(np.dtype(self.dtypes[i]).itemsize)
            name = f"llvm.masked.gather.v{self.lanes}{kind.element.intrinsic_name}.v{self.lanes}p0"
            value = call(builder, name, kind, self._apart(i, j), align, mask or self._all(), ir.Constant(kind, None))
        return Number(builder, from_memory(builder, value, self.dtypes[i]))

    def _store(self, output: int, j: ir.Value, value: Number, mask: ir.Value | None) -> None:
        builder, i = self.builder, len(self.nest.inputs) + output
        numbers = to_memory(builder, cast(value, self.dtypes[i]).value)
        if self.operands[i].inner == 1:
            write(builder, numbers, builder.gep(self.at[i], [builder.add(self.here[i], j)]), mask)
            return
        align = ir.IntType(32)(np.dtype(self.dtypes[i]).itemsize)
        name = f"llvm.masked.scatter.v{self.lanes}{numbers.type.element.intrinsic_name}.v{self.lanes}p0"
        call(builder, name, ir.VoidType(), numbers, self._apart(i, j), align, mask or self._all())

    def _apart(self, i: int, j: ir.Value) -> ir.Value:
        """The places of a vector whose numbers do not lie beside each other."""
        builder, lanes = self.builder, ir.VectorType(INT, self.lanes)
        far = builder.add(splat(builder, lanes, j), ir.Constant(lanes, list(range(self.lanes))))
        step = builder.mul(self.steps[i][self.nest.outer + self.nest.inner - 1], INT(bytes_of(self.at[i].type.pointee)))
        start = builder.ptrtoint(builder.gep(self.at[i], [self.here[i]]), INT)
        places = builder.add(splat(builder, lanes, start), builder.mul(far, splat(builder, lanes, step)))
        return builder.inttoptr(places, ir.VectorType(self.at[i].type, self.lanes))

    def _all(self) -> ir.Constant:
        return ir.Constant(ir.VectorType(BIT, self.lanes), [1] * self.lanes)

    # ---- what a later phase needs of an earlier one

    def _scratch(self, ref: tuple, j: ir.Value) -> tuple[ir.VectorType, ir.Value]:
        builder, kind = self.builder, in_memory(self.nest.phases[ref[1]].steps[ref[2]].dtype)
        points = self.product([*self.middle, self.length])
        far = builder.mul(points, INT(8 * kept_in(self.nest).index(ref)))
        place = builder.inttoptr(builder.add(self.scratch, far), kind.as_pointer())
        return ir.VectorType(kind, self.lanes), builder.gep(place, [builder.add(self.scratch_here, j)])

    def _recalled(self, ref: tuple, j: ir.Value, mask: ir.Value | None) -> Number:
        dtype = self.nest.phases[ref[1]].steps[ref[2]].dtype
        for phase in self.nest.phases:
            for output, stored in phase.stores:
                if stored == ref:
                    return cast(self._read(len(self.nest.inputs) + output, j, mask), dtype)
        kind, place = self._scratch(ref, j)
        return Number(self.builder, from_memory(self.builder, read(self.builder, kind, place, mask), dtype))

    # ---- reductions

    def _accumulator(self, number: int, i: int) -> int:
        """Which operand accumulates reduction ``i`` of a phase."""
        before = [r for phase in self.nest.phases[:number] for r in phase.reductions]
        before += self.nest.phases[number].reductions[:i]
        return len(self.operands) + sum(r.level != "row" for r in before)

    def _joined(self, reduction: Reduction, a: ir.Value, b: ir.Value) -> ir.Value:
        return OPERATIONS[reduction.kind](Number(self.builder, a), Number(self.builder, b)).value

    def _flush(self, phase: Phase, sums: dict) -> None:
        """Add the sum of a block to the sum of all."""
        for i, (block, whole) in sums.items():
            reduction = phase.reductions[i]
            joined = self._joined(reduction, self.builder.load(whole), self.builder.load(block))
            self.builder.store(joined, whole)
            self.builder.store(constant(block.type.pointee, IDENTITY[reduction.kind]), block)

    def _folded(self, reduction: Reduction, value: ir.Value) -> ir.Value:
        """The numbers of a vector, joined: half of them with the other half, and so on."""
        count = self.lanes
        while count > 1:
            count //= 2
            masks = [ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(k, k + count))) for k in (0, count)]
            value = self._joined(reduction, *(self.builder.shuffle_vector(value, value, mask) for mask in masks))
        return self.builder.extract_element(value, ir.IntType(32)(0))


def _applied(step: Step, args: list[Number]) -> Number:
    return cast(args[0], step.dtype) if step.op == "cast" else OPERATIONS[step.op](*args)


def _dtypes(nest: Nest) -> set[str]:
    """The dtypes that decide on how many numbers a vector has: the floats, if there are any."""
    found = {x.dtype for x in (*nest.inputs, *nest.outputs)}
    for phase in nest.phases:
        found |= {step.dtype for step in phase.steps} | {reduction.dtype for reduction in phase.reductions}
    return {dtype for dtype in found if dtype.startswith("float")} or found


# ---------------------------------------------------------------- joining chunks


def joining(kind: str, dtype: str, name: str) -> str:
    """A kernel as LLVM's text that joins what the chunks accumulated.

    Its words are the chunks, the numbers of each, the address of the first chunk's, and where the result goes.
    """
    module = ir.Module(name)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT, INT, INT.as_pointer()]), name)
    writer = _Writer(Nest(0, 0, (), (), (), ()), function)
    builder = writer.builder
    start = builder.append_basic_block("start")
    builder.position_at_end(start)
    chunks, size = writer.word(0), writer.word(1)
    source, result = (builder.inttoptr(writer.word(i), in_memory(dtype).as_pointer()) for i in (2, 3))
    first, last = (builder.sdiv(builder.mul(size, builder.add(writer.thread, INT(k))), writer.threads) for k in (0, 1))
    with writer.each(first, last) as j:
        total = writer.variable(TYPES[dtype], from_memory(builder, builder.load(builder.gep(source, [j])), dtype))
        with writer.each(INT(1), chunks) as chunk:
            place = builder.gep(source, [builder.add(builder.mul(chunk, size), j)])
            one = from_memory(builder, builder.load(place), dtype)
            joined = OPERATIONS[kind](Number(builder, builder.load(total)), Number(builder, one))
            builder.store(joined.value, total)
        builder.store(to_memory(builder, builder.load(total)), builder.gep(result, [j]))
    builder.ret_void()
    with builder.goto_block(writer.entry):
        builder.branch(start)
    return str(module)
