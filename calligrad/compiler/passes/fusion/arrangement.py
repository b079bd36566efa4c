"""Arrangements: whether lines can be one loop nest, and which axes of their arrays are walked together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from calligrad.compiler.passes.fusion.group import strides_of
from calligrad.compiler.program import Line, Var

Labels = tuple[int | None, ...]
"""For each axis of a Var, the axis of the nest that walks it; None for an axis of one number."""

ELEMENTWISE, REDUCTION, RENAME = "elementwise", "reduction", "rename"


@dataclass(frozen=True, eq=False)
class Task:
    """A line that may be part of a group, its place in the program and its kind; ``kept`` is of ``axes_kept``."""

    line: Line
    place: int
    kind: str
    kept: Labels = ()

    @property
    def out(self) -> Var:
        """What it gives."""
        return self.line.outs[0]


@dataclass(frozen=True, eq=False)
class Arrangement:
    """How lines are one nest: the axes of the rows and those within a row, from the outermost to the innermost."""

    outer: tuple[int, ...]
    inner: tuple[int, ...]
    labels: dict[Var, Labels]
    sizes: dict[int, int]

    def axes(self, var: Var) -> frozenset[int]:
        """The axes along which it varies."""
        return frozenset(label for label in self.labels[var] if label is not None)


def arranged(tasks: Iterable[Task]) -> Arrangement | None:
    """The tasks as one nest, or None if they do not go together.

    Every elementwise line must be over all axes, or over just those of the rows, or over none. What is reduced must be
    a row, or all rows for each place in the row, or everything; the last two must not be read here.
    """
    tasks = list(tasks)
    labels, sizes = _labelled(tasks)
    if labels is None:
        return None
    sets = {var: frozenset(label for label in mine if label is not None) for var, mine in labels.items()}
    everything = frozenset().union(*sets.values()) if sets else frozenset()
    read = {var for task in tasks for var in task.line.ins}
    order = _walk(labels, sets, everything)
    outers: set[frozenset[int]] = set()
    for task in tasks:
        if task.kind == REDUCTION:
            whole, left = sets[task.line.args[0]], sets[task.out]
            if whole != everything:
                return None
            columns = left and order and order[-1] in left
            if left:
                outers.add(everything - left if columns else left)
            if (columns or not left) and task.out in read:
                return None
            if columns and not _is_dense(task.out, labels[task.out], [axis for axis in order if axis in left]):
                return None
        elif task.kind == ELEMENTWISE and sets[task.out] != everything and sets[task.out]:
            if order and order[-1] in sets[task.out]:
                return None  # a row would be a column of the arrays, whose numbers lie far apart
            outers.add(sets[task.out])
    if len(outers) > 1:
        return None
    outer = outers.pop() if outers else frozenset()
    if any(task.kind == RENAME and sets[task.out] not in (everything, outer, frozenset()) for task in tasks):
        return None
    return Arrangement(
        tuple(axis for axis in order if axis in outer),
        tuple(axis for axis in order if axis not in outer),
        labels,
        sizes,
    )


def _is_dense(var: Var, labels: Labels, order: list[int]) -> bool:
    """Whether the numbers of the Var lie one after the other in the order of the axes."""
    steps = dict(zip(labels, zip(strides_of(var), var.shape)))
    expected = 1
    for axis in reversed(order):
        step, size = steps[axis]
        if step != expected:
            return False
        expected *= size
    return True


def _labelled(tasks: list[Task]) -> tuple[dict[Var, Labels] | None, dict[int, int]]:
    """Which axes of which arrays are walked together; None if that would walk two axes of one array together."""
    parent: list[int] = []
    sizes: list[int] = []
    first: dict[Var, list[int | None]] = {}

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    def of(var: Var) -> list[int | None]:
        if var not in first:
            mine: list[int | None] = []
            for n in var.shape:
                mine.append(len(parent) if n > 1 else None)
                if n > 1:
                    parent.append(len(parent))
                    sizes.append(n)
            first[var] = mine
        return first[var]

    for task in tasks:
        for a, b in _pairs(task, of):
            if a is not None and b is not None:
                parent[root(a)] = root(b)
    labels = {var: tuple(None if i is None else root(i) for i in mine) for var, mine in first.items()}
    for mine in set(labels.values()):
        known = [label for label in mine if label is not None]
        if len(set(known)) < len(known):
            return None, {}
    return labels, {i: sizes[i] for i in range(len(parent)) if parent[i] == i}


def _pairs(task: Task, of) -> Iterator[tuple[int | None, int | None]]:
    """Axes that are walked together because of this line."""
    out = of(task.out)
    if task.kind == RENAME:
        inner = of(task.line.args[0])
        yield from ((label, inner[i]) for label, i in zip(out, task.kept) if i is not None)
        return
    for var in task.line.ins:
        mine = of(var)
        yield from zip(out[len(out) - len(mine) :], mine)


def _walk(labels: dict[Var, Labels], sets: dict[Var, frozenset[int]], everything: frozenset[int]) -> list[int]:
    """All axes, the one with the largest steps first: as most of the arrays over all of them lie in memory."""
    votes: dict[tuple[int, ...], int] = {}
    for var, mine in labels.items():
        if sets[var] == everything:
            steps = dict(zip(mine, strides_of(var)))
            order = tuple(sorted(everything, key=lambda label: -abs(steps[label])))
            votes[order] = votes.get(order, 0) + 1
    return list(max(votes.items(), key=lambda vote: vote[1])[0]) if votes else sorted(everything)
