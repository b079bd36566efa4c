"""Nests: what a kernel of elementwise arithmetic computes, and the words that tell it on which arrays.

A ``Nest`` says for every row, in one or several ``Phase``s that pass over it, which values are made of the numbers that
are read, which are written, and which are summed up. It knows no sizes: those are among a kernel's words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


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
    """One pass over a row: first ``before``, on numbers; then for each point ``steps``, ``stores`` and ``reductions``.

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
"""How many chunks the rows are in; how many numbers there are in all rows together, if these are pieces of one walk and
the last may be shorter, else 0; where each thread has memory of its own, and how many bytes; sizes from SIZES on."""


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
    return 8 * points * len(kept_in(nest))


def _operands(nest: Nest) -> int:
    return len(nest.inputs) + len(nest.outputs) + len(accumulators(nest))


def kept_in(nest: Nest) -> list[tuple]:
    """The values of steps that later phases read, and that are not among the outputs."""
    stored = {ref for phase in nest.phases for _, ref in phase.stores}
    found: dict[tuple, None] = {}
    for number, phase in enumerate(nest.phases):
        for ref in read_by(phase):
            if ref[0] == "step" and ref[1] < number and ref not in stored:
                found[ref] = None
    return list(found)


def read_by(phase: Phase) -> list[tuple]:
    """What a pass reads, each once, in order."""
    refs = [ref for step in phase.steps for ref in step.args]
    return list(dict.fromkeys([*refs, *(ref for _, ref in phase.stores), *(r.value for r in phase.reductions)]))


IDENTITY = {"add": 0, "multiply": 1, "maximum": -math.inf, "minimum": math.inf, "logical_or": 0, "logical_and": 1}
"""What changes nothing when it is joined to a sum, a largest number …"""
