"""Loops over rows: the machine code of elementwise arithmetic, and of the sums and largest numbers along the way.

A ``Nest`` says what is computed: for every row, in one or several ``Phase``s that pass over it, values from numbers that
are read, results that are written, and reductions. It is written down as LLVM's instructions on whole vectors, with
masks at the end of a row; numba is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from calligrad.kernels.arithmetic import OPERATIONS, TYPES, cast
from calligrad.kernels.number import Number, where
from calligrad.kernels.vectors import BYTES, call, splat

INT, BIT = ir.IntType(64), ir.IntType(1)


@dataclass(frozen=True)
class Operand:
    """An array that is read or written.

    ``level`` tells over what it varies: "element", "row" (it is the same along a row) or "number" (one for all).
    ``inner`` tells how the numbers of an element lie along the last axis: 1 beside each other, 0 one for all, 2 at a
    distance that is known only at run time.
    """

    dtype: str
    level: str
    inner: int


@dataclass(frozen=True)
class Step:
    """One operation, on references; ``"cast"`` is one too."""

    op: str
    args: tuple
    dtype: str


@dataclass(frozen=True)
class Reduction:
    """The sum, or with ``kind`` "maximum" … the largest, of ``value``.

    ``level`` says what there is one of: a "row", which later phases may read; a "column", each point of a row; or a
    "number" in all. The last two are accumulated, in each chunk of rows by itself.
    """

    kind: str
    value: tuple
    dtype: str
    level: str


@dataclass(frozen=True)
class Phase:
    """One pass over a row: ``before`` on numbers, once a row; then for every point ``steps``, ``stores``, ``reductions``.

    A store is a pair of an output and a reference.
    """

    before: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()
    stores: tuple[tuple[int, tuple], ...] = ()
    reductions: tuple[Reduction, ...] = ()


@dataclass(frozen=True)
class Nest:
    """What a kernel computes: for every row, of ``outer`` axes, some phases over its points, of ``inner`` axes.

    References are ``("in", i)`` for an input, ``("once", i)`` for a step ahead of everything, ``("before", phase, i)``,
    ``("step", phase, i)``, ``("reduction", phase, i)`` of a row, and ``("constant", text, dtype)``. ``stores`` are made
    after all, of numbers that there is one of in a row.
    """

    outer: int
    inner: int
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    once: tuple[Step, ...]
    phases: tuple[Phase, ...]
    stores: tuple[tuple[int, tuple], ...] = ()


# ---------------------------------------------------------------- words
#
# The table of a kernel's words: what follows, the sizes of all axes, and a block for each operand: its address, and its
# steps along each axis, in numbers. Operands are the inputs, the outputs, and the accumulators; of an accumulator there
# is one in each chunk, and a word more in the block is its size.

CHUNKS, TOTAL, SCRATCH, SCRATCH_SIZE, SIZES = range(5)
"""How many chunks the rows are in; how many numbers there are along the last axis in all rows together, if the last row
has fewer than the others, else 0; where each thread has memory of its own, and how many bytes; sizes from SIZES on."""


def words_of(nest: Nest) -> int:
    """How many words a kernel of this nest has."""
    return operand_at(nest, _operands(nest))


def operand_at(nest: Nest, i: int) -> int:
    """Where the block of operand ``i`` begins."""
    return SIZES + nest.outer + nest.inner + (nest.outer + nest.inner + 2) * i


def accumulators(nest: Nest) -> list[Reduction]:
    """The reductions over all rows: each chunk of rows has its own."""
    return [reduction for phase in nest.phases for reduction in phase.reductions if reduction.level != "row"]


def scratch_of(nest: Nest, points: int) -> int:
    """How many bytes of memory of its own each thread needs, for rows of so many points."""
    return 8 * points * len(_kept(nest))


def _operands(nest: Nest) -> int:
    return len(nest.inputs) + len(nest.outputs) + len(accumulators(nest))


def _kept(nest: Nest) -> list[tuple]:
    """The values of steps that later phases read, and that are not among the outputs."""
    stored = {ref for phase in nest.phases for _, ref in phase.stores}
    found: dict[tuple, None] = {}
    for number, phase in enumerate(nest.phases):
        for ref in _read_by(phase):
            if ref[0] == "step" and ref[1] < number and ref not in stored:
                found[ref] = None
    return list(found)


def _read_by(phase: Phase) -> list[tuple]:
    """What a pass reads, each once, in order."""
    refs = [ref for step in phase.steps for ref in step.args]
    return list(dict.fromkeys([*refs, *(ref for _, ref in phase.stores), *(r.value for r in phase.reductions)]))


# ---------------------------------------------------------------- writing

BLOCK = 64  # vectors that are added up before their sum goes to the sum of all, so that few digits are lost
IDENTITY = {"add": 0, "multiply": 1, "maximum": -np.inf, "minimum": np.inf, "logical_or": 0, "logical_and": 1}


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
        self.dtypes = [x.dtype for x in (*self.operands, *accumulators(nest))]
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
        self.at = [builder.inttoptr(self.word(i), _memory(dtype).as_pointer()) for i, dtype in zip(blocks, self.dtypes)]
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
            kind = _memory(reduction.dtype)
            size = self.steps[i][-1]
            self.chunk_at[i] = builder.gep(self.at[i], [builder.mul(chunk, size)])
            with self.each(INT(0), size) as j:
                builder.store(_constant(kind, IDENTITY[reduction.kind]), builder.gep(self.chunk_at[i], [j]))

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
            builder.store(_to_memory(builder, value.value), builder.gep(self.at[i], [self.starts[i]]))

    def _pass(self, number: int, phase: Phase) -> None:
        """One pass over the points of a row."""
        builder = self.builder
        if not (phase.stores or phase.reductions or any(ref[1] == number for ref in _kept(self.nest))):
            return
        sums = {}
        for i, reduction in enumerate(phase.reductions):
            if reduction.level != "column":
                empty = _constant(ir.VectorType(TYPES[reduction.dtype], self.lanes), IDENTITY[reduction.kind])
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
                old = _from_memory(builder, builder.load(place), reduction.dtype)
                builder.store(_to_memory(builder, self._joined(reduction, old, total)), place)

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
        for ref in _read_by(phase):
            if ref[0] == "in" and ref not in self.for_row:
                values[ref] = self._read(ref[1], j, mask)
            elif ref[0] == "step" and ref[1] < number:
                values[ref] = self._recalled(ref, j, mask)
        for i, step in enumerate(phase.steps):
            values["step", number, i] = _applied(step, [self.vector(ref, values) for ref in step.args])
        for output, ref in phase.stores:
            self._store(output, j, self.vector(ref, values), mask)
        for ref in _kept(nest):
            if ref[1] == number:
                _, place = self._scratch(ref, j)
                _write(builder, _to_memory(builder, values[ref].value), place, mask)
        for i, reduction in enumerate(phase.reductions):
            value = cast(self.vector(reduction.value, values), reduction.dtype)
            if mask is not None:
                value = where(Number(builder, mask), value, value.like(_limited(value, IDENTITY[reduction.kind])))
            if i in sums:
                place = sums[i][0]
                builder.store(self._joined(reduction, builder.load(place), value.value), place)
                continue
            at = self._accumulator(number, i)
            place = builder.gep(self.chunk_at[at], [builder.add(self.here[at], j)])
            old = _from_memory(
                builder, _read(builder, self._memory_vector(reduction.dtype), place, mask), reduction.dtype
            )
            _write(builder, _to_memory(builder, self._joined(reduction, old, value.value)), place, mask)

    # ---- values

    def one(self, ref: tuple) -> ir.Value:
        """What a reference stands for, as a number."""
        if ref[0] == "constant":
            return _constant(TYPES[ref[2]], _number_of(ref[1]))
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
        return ir.VectorType(_memory(dtype), self.lanes)

    def _read_one(self, i: int, offset: ir.Value | None = None) -> ir.Value:
        place = self.builder.gep(self.at[i], [self.starts[i] if offset is None else offset])
        return _from_memory(self.builder, self.builder.load(place), self.dtypes[i])

    def _read(self, i: int, j: ir.Value, mask: ir.Value | None) -> Number:
        """The numbers of operand ``i`` from the ``j``-th on."""
        builder, kind = self.builder, self._memory_vector(self.dtypes[i])
        if self.operands[i].inner == 1:
            value = _read(builder, kind, builder.gep(self.at[i], [builder.add(self.here[i], j)]), mask)
        else:
            align = ir.IntType(32)(np.dtype(self.dtypes[i]).itemsize)
            name = f"llvm.masked.gather.v{self.lanes}{kind.element.intrinsic_name}.v{self.lanes}p0"
            value = call(builder, name, kind, self._apart(i, j), align, mask or self._all(), ir.Constant(kind, None))
        return Number(builder, _from_memory(builder, value, self.dtypes[i]))

    def _store(self, output: int, j: ir.Value, value: Number, mask: ir.Value | None) -> None:
        builder, i = self.builder, len(self.nest.inputs) + output
        numbers = _to_memory(builder, cast(value, self.dtypes[i]).value)
        if self.operands[i].inner == 1:
            _write(builder, numbers, builder.gep(self.at[i], [builder.add(self.here[i], j)]), mask)
            return
        align = ir.IntType(32)(np.dtype(self.dtypes[i]).itemsize)
        name = f"llvm.masked.scatter.v{self.lanes}{numbers.type.element.intrinsic_name}.v{self.lanes}p0"
        call(builder, name, ir.VoidType(), numbers, self._apart(i, j), align, mask or self._all())

    def _apart(self, i: int, j: ir.Value) -> ir.Value:
        """The places of a vector whose numbers do not lie beside each other."""
        builder, lanes = self.builder, ir.VectorType(INT, self.lanes)
        far = builder.add(splat(builder, lanes, j), ir.Constant(lanes, list(range(self.lanes))))
        step = builder.mul(self.steps[i][self.nest.outer + self.nest.inner - 1], INT(_bytes(self.at[i].type.pointee)))
        start = builder.ptrtoint(builder.gep(self.at[i], [self.here[i]]), INT)
        places = builder.add(splat(builder, lanes, start), builder.mul(far, splat(builder, lanes, step)))
        return builder.inttoptr(places, ir.VectorType(self.at[i].type, self.lanes))

    def _all(self) -> ir.Constant:
        return ir.Constant(ir.VectorType(BIT, self.lanes), [1] * self.lanes)

    # ---- what a later phase needs of an earlier one

    def _scratch(self, ref: tuple, j: ir.Value) -> tuple[ir.VectorType, ir.Value]:
        builder, kind = self.builder, _memory(self.nest.phases[ref[1]].steps[ref[2]].dtype)
        points = self.product([*self.middle, self.length])
        far = builder.mul(points, INT(8 * _kept(self.nest).index(ref)))
        place = builder.inttoptr(builder.add(self.scratch, far), kind.as_pointer())
        return ir.VectorType(kind, self.lanes), builder.gep(place, [builder.add(self.scratch_here, j)])

    def _recalled(self, ref: tuple, j: ir.Value, mask: ir.Value | None) -> Number:
        dtype = self.nest.phases[ref[1]].steps[ref[2]].dtype
        for phase in self.nest.phases:
            for output, stored in phase.stores:
                if stored == ref:
                    return cast(self._read(len(self.nest.inputs) + output, j, mask), dtype)
        kind, place = self._scratch(ref, j)
        return Number(self.builder, _from_memory(self.builder, _read(self.builder, kind, place, mask), dtype))

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
            self.builder.store(_constant(block.type.pointee, IDENTITY[reduction.kind]), block)

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
    source, result = (builder.inttoptr(writer.word(i), _memory(dtype).as_pointer()) for i in (2, 3))
    first, last = (builder.sdiv(builder.mul(size, builder.add(writer.thread, INT(k))), writer.threads) for k in (0, 1))
    with writer.each(first, last) as j:
        total = writer.variable(TYPES[dtype], _from_memory(builder, builder.load(builder.gep(source, [j])), dtype))
        with writer.each(INT(1), chunks) as chunk:
            place = builder.gep(source, [builder.add(builder.mul(chunk, size), j)])
            one = _from_memory(builder, builder.load(place), dtype)
            joined = OPERATIONS[kind](Number(builder, builder.load(total)), Number(builder, one))
            builder.store(joined.value, total)
        builder.store(_to_memory(builder, builder.load(total)), builder.gep(result, [j]))
    builder.ret_void()
    with builder.goto_block(writer.entry):
        builder.branch(start)
    return str(module)


# ---------------------------------------------------------------- types and memory


def _dtypes(nest: Nest) -> set[str]:
    """The dtypes that decide on how many numbers a vector has: the floats, if there are any."""
    found = {x.dtype for x in (*nest.inputs, *nest.outputs)}
    found |= {x.dtype for phase in nest.phases for x in (*phase.steps, *phase.reductions)}
    return {dtype for dtype in found if dtype.startswith("float")} or found


def _memory(dtype: str) -> ir.Type:
    """How a number lies in memory: a truth value takes a byte."""
    return ir.IntType(8) if dtype == "bool" else TYPES[dtype]


def _from_memory(builder: ir.IRBuilder, value: ir.Value, dtype: str) -> ir.Value:
    return builder.icmp_signed("!=", value, ir.Constant(value.type, None)) if dtype == "bool" else value


def _to_memory(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    element = getattr(value.type, "element", value.type)
    if element != BIT:
        return value
    byte = ir.IntType(8)
    return builder.zext(value, ir.VectorType(byte, value.type.count) if element is not value.type else byte)


def _read(builder: ir.IRBuilder, kind: ir.VectorType, place: ir.Value, mask: ir.Value | None) -> ir.Value:
    place = builder.bitcast(place, kind.as_pointer())
    size = _bytes(kind.element)
    if mask is None:
        value = builder.load(place)
        value.align = size
        return value
    name = f"llvm.masked.load.v{kind.count}{kind.element.intrinsic_name}.p0"
    return call(builder, name, kind, place, ir.IntType(32)(size), mask, ir.Constant(kind, None))


def _write(builder: ir.IRBuilder, value: ir.Value, place: ir.Value, mask: ir.Value | None) -> None:
    kind = value.type
    place = builder.bitcast(place, kind.as_pointer())
    size = _bytes(kind.element)
    if mask is None:
        builder.store(value, place).align = size
        return
    name = f"llvm.masked.store.v{kind.count}{kind.element.intrinsic_name}.p0"
    call(builder, name, ir.VoidType(), value, place, ir.IntType(32)(size), mask)


def _bytes(element: ir.Type) -> int:
    return element.width // 8 if isinstance(element, ir.IntType) else 8 if isinstance(element, ir.DoubleType) else 4


def _limited(x: Number, number: float) -> float:
    """The number, or of an int the largest or smallest instead of an infinite one."""
    return _constant(x.element, number).constant


def _constant(kind: ir.Type, number: Any) -> ir.Constant:
    element = getattr(kind, "element", kind)
    if isinstance(element, ir.IntType):
        least, most = (0, 1) if element.width == 1 else (-(1 << element.width - 1), (1 << element.width - 1) - 1)
        number = least if number == -np.inf else most if number == np.inf else int(number)
    else:
        number = float(number)
    one = ir.Constant(element, number)
    return ir.Constant(kind, [one] * kind.count) if isinstance(kind, ir.VectorType) else one


def _number_of(text: str) -> float | int:
    """The number that a reference to a constant writes."""
    if text in ("True", "False"):
        return text == "True"
    return int(text) if text.lstrip("-").isdigit() else float(text)
