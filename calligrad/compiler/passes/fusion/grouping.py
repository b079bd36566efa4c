"""Grouping: which lines of a program go together."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

from calligrad.compiler.passes.fusion.arrangement import ELEMENTWISE, REDUCTION, RENAME, Task, arranged
from calligrad.compiler.passes.fusion.kinds import axes_kept, cost, is_elementwise, is_reduction
from calligrad.compiler.passes.fusion.making import made
from calligrad.compiler.program import Line, Program, Var

MOST_LINES = 64
"""Lines of a group of arrays: kernels that are larger take long to compile, and run out of registers."""

APART = 8
"""A line joins a group only if fewer lines that are in none lie between: what is far off would be kept in memory."""

CHEAP = 3
"""A value of this cost at most, in additions, that comes of one array is computed wherever it is read: NumPy's way."""

CHEAP_IN_REGISTERS = 30
"""The same for kernels: as much as an exp and what is around it, which takes them as long as writing and reading it."""


def fused(program: Program, knows: Callable[[Line], bool] = lambda line: True, cheap: int = CHEAP) -> Program:
    """The program with groups of lines in place of those that one loop nest can compute, of those a backend ``knows``.

    Elementwise runs are joined with the broadcasts between them and the reductions at their ends. It keeps the bits of
    each operation; those of sums depend on who computes the groups.

    >>> import numpy as np
    >>> x, y, z = (Var((300, 200), "float32") for _ in range(3))
    >>> lines = [Line(np.exp, (x,), {}, (y,)), Line(np.add, (y, 1.0), {}, (z,))]
    >>> print(fused(Program([x], {}, lines, [z])))
    inputs v0: float32[300, 200]
    v1 = fused(v0)  # float32[300, 200]
    return v1
    """
    return _Grouping(program, knows, cheap).program()


class _Node:
    """A group, or a line by itself."""

    __slots__ = ("above", "apart", "bits", "is_group", "is_numbers", "makes", "place", "tasks")

    def __init__(self, number: int, is_group: bool) -> None:
        self.bits = 1 << number  # its number, and those of all that were joined to it, as a set
        self.is_group = is_group
        self.is_numbers = False
        self.tasks: dict[Var, Task] = {}
        self.makes: set[Var] = set()  # what others find here; the rest is computed here for its own use
        self.above = 0  # the bits of all that it needs
        self.place = 0  # of its last line
        self.apart = 0  # how many lines by themselves lie ahead of that


class _Grouping:
    """Goes through the lines from the first to the last, and puts each to those that it can be computed with."""

    def __init__(self, program: Program, knows: Callable[[Line], bool], cheap: int) -> None:
        self.source = program
        self.cheap = cheap
        self.nodes: list[_Node] = []
        self.made_by: dict[Var, _Node] = {}
        self.waiting: dict[Var, Task] = {}  # computed where they are read
        self.readers: dict[Var, dict[_Node, None]] = {}  # the groups that read an array
        self.apart = 0
        self.count = 0
        self.needed = 0  # nodes that another needs
        self.barred = 0  # nodes that are waiting for what is being made: who needs one of them cannot make it
        for place, line in enumerate(program.lines):
            task = _task(line, place, knows)
            if task.kind == "":
                self.apart += 1
                self._alone(task)
            elif task.kind == RENAME or (task.kind == ELEMENTWISE and self._is_cheap(task)):
                self.waiting[task.out] = task
            else:
                self._join(task)
        for var in program.outputs:
            self._make(var)

    # ---- lines find their node

    def _node(self, is_group: bool) -> _Node:
        node = _Node(self.count, is_group)
        self.count += 1
        self.nodes.append(node)
        return node

    def _alone(self, task: Task) -> None:
        """A line that is in no group."""
        node = self._node(is_group=False)
        self._place(node, dict.fromkeys(task.line.outs, task), task, set(task.line.outs))

    def _place(self, node: _Node, tasks: dict[Var, Task], task: Task, makes: set[Var]) -> None:
        """The node has these tasks from now on, ``task`` the latest of them."""
        outside = dict.fromkeys(var for t in tasks.values() for var in t.line.ins if var not in tasks)
        barred, self.barred = self.barred, self.barred | node.bits
        for var in outside:
            self._make(var)
            if node.is_group and var.shape:
                self.readers.setdefault(var, {})[node] = None
        self.barred = barred
        node.tasks, node.place, node.apart = tasks, max(node.place, task.place), self.apart
        node.makes |= makes
        for var in makes:
            self.made_by[var] = node
        node.is_numbers = not any(t.line.outs[0].shape or t.kind == REDUCTION for t in tasks.values())
        self._need(node, {self.made_by[var] for var in outside if var in self.made_by})

    def _need(self, node: _Node, sources: set[_Node]) -> None:
        """The node, and all that needs it, needs these and what they need."""
        for source in sources:
            node.above |= source.above | source.bits
        self.needed |= node.above
        if not node.bits & self.needed:
            return
        new = node.above | node.bits
        for other in self.nodes:
            if other.above & node.bits:
                other.above |= new

    def _is_cheap(self, task: Task) -> bool:
        """Whether it costs next to nothing and comes of one array of its own size, or of none."""
        leaves: set[Var] = set()
        return bool(task.out.shape) and self._price(task, leaves) <= self.cheap and _are_one(leaves, task.out)

    def _price(self, task: Task, leaves: set[Var]) -> int:
        """What it costs with all that is waiting for it, whose ``leaves`` are noted."""
        price = cost(task.line) if task.kind == ELEMENTWISE else 0
        for var in task.line.ins:
            inner = self.waiting.get(var)
            if inner is not None and price <= self.cheap:
                price += self._price(inner, leaves)
            else:
                leaves.add(var)
        return price

    def _make(self, var: Var) -> None:
        """See to it that somebody computes what was waiting."""
        if var in self.waiting and var not in self.made_by:
            task = self.waiting[var]
            self._alone(task) if task.kind == RENAME else self._join(task)

    def _join(self, task: Task) -> None:
        """Put the line to groups that it reads from, or that read what it reads, as far as they go together."""
        if not task.out.shape and self._join_numbers(task):
            return
        tasks = self._completed({task.out: task})
        if arranged(tasks.values()) is None:
            tasks = {task.out: task}
            if arranged(tasks.values()) is None:
                self._alone(Task(task.line, task.place, ""))
                return
        groups: list[_Node] = []
        beside = (n for t in tasks.values() for var in t.line.ins if var.shape for n in self.readers.get(var, ()))
        found = dict.fromkeys((*self._sources(tasks), *beside))
        near = [n for n in found if n.is_group and self.apart - n.apart <= APART and not self._is_barred(n)]
        for node in sorted(near, key=lambda node: -node.place):
            joined = self._completed(tasks | node.tasks)
            if _fits(joined) and self._is_free(joined, [*groups, node]):
                tasks = joined
                groups.append(node)
        node = groups[0] if groups else self._node(is_group=True)
        makes = {task.out}
        for other in groups[1:]:
            node.bits |= other.bits
            node.above |= other.above
            makes |= other.makes
            self.nodes.remove(other)
            for group in self.readers.values():
                group.pop(other, None)
        node.above &= ~node.bits
        self._place(node, tasks, task, makes)

    def _is_barred(self, node: _Node) -> bool:
        return bool((node.above | node.bits) & self.barred)

    def _join_numbers(self, task: Task) -> bool:
        """The same for arithmetic of single numbers, of which there may be thousands: whether there is one group."""
        sources = self._sources({task.out: task})
        groups = [node for node in sources if node.is_group and node.is_numbers and not self._is_barred(node)]
        if (
            len(groups) != 1
            or not self._is_free({task.out: task}, groups)
            or not self.waiting.keys().isdisjoint(task.line.ins)
        ):
            return False
        (node,) = groups
        node.tasks[task.out] = task
        node.makes.add(task.out)
        node.place, node.apart = task.place, self.apart
        self.made_by[task.out] = node
        self._need(node, {source for source in sources if source is not node})
        return True

    def _completed(self, tasks: dict[Var, Task]) -> dict[Var, Task]:
        """The tasks with those waiting that they read; without shapes of what is not among them."""
        full = dict(tasks)
        todo = list(tasks.values())
        while todo:
            reader = todo.pop()
            for var in reader.line.ins:
                inner = self.waiting.get(var)
                if inner is None or var in full or _is_column(inner, reader):
                    continue
                if inner.kind == RENAME or var not in self.made_by:
                    full[var] = inner
                    todo.append(inner)
        in_order = sorted(full.values(), key=lambda t: t.place)
        inside: dict[Var, Task] = {}
        for t in in_order:
            if t.kind != RENAME or t.line.args[0] in inside:
                inside[t.out] = t
        return inside

    def _sources(self, tasks: dict[Var, Task]) -> dict[_Node, None]:
        """The nodes that make what the tasks read, in order."""
        found: dict[_Node, None] = {}
        todo = [var for t in tasks.values() for var in t.line.ins if var not in tasks]
        while todo:
            var = todo.pop()
            if var in self.made_by and (var not in self.waiting or self.waiting[var].kind != RENAME):
                found[self.made_by[var]] = None
            elif var in self.waiting:
                todo.extend(self.waiting[var].line.ins)
        return found

    def _is_free(self, tasks: dict[Var, Task], groups: list[_Node]) -> bool:
        """Whether nothing that the tasks read from elsewhere needs one of the groups that they would be part of."""
        bits = sum(node.bits for node in groups)
        todo = [var for t in tasks.values() for var in t.line.ins if var not in tasks]
        while todo:  # what is waiting outside is going to be made there
            inner = self.waiting.get(var := todo.pop())
            if inner is not None and (inner.kind == RENAME or var not in self.made_by):
                if any(x in tasks for x in inner.line.ins):
                    return False
                todo.extend(inner.line.ins)
        return not any(source.above & bits for source in self._sources(tasks) if not source.bits & bits)

    # ---- the new program

    def program(self) -> Program:
        """Each group as a line, behind all that it needs."""
        users: dict[_Node, list[_Node]] = {}
        lacks: dict[_Node, int] = {}
        read: set[Var] = set(self.source.outputs)
        for node in self.nodes:
            outside = {var for t in node.tasks.values() for var in t.line.ins if var not in node.tasks}
            read |= outside
            sources = {self.made_by[var] for var in outside if var in self.made_by}
            lacks[node] = len(sources)
            for source in sources:
                users.setdefault(source, []).append(node)
        queue = [(node.place, i, node) for i, node in enumerate(self.nodes) if not lacks[node]]
        heapq.heapify(queue)
        lines: list[Line] = []
        while queue:
            *_, node = heapq.heappop(queue)
            lines.append(_line(node, read))
            for user in users.get(node, ()):
                lacks[user] -= 1
                if not lacks[user]:
                    heapq.heappush(queue, (user.place, user.bits, user))
        if len(lines) < len(self.nodes):  # groups that need each other: better no groups than a wrong program
            return self.source
        return self.source.but(lines=lines)


def _task(line: Line, place: int, knows: Callable[[Line], bool]) -> Task:
    if is_elementwise(line):
        return Task(line, place, ELEMENTWISE if knows(line) else "")
    if is_reduction(line):
        return Task(line, place, REDUCTION if knows(line) else "")
    kept = axes_kept(line)
    return Task(line, place, "") if kept is None else Task(line, place, RENAME, kept)


def _are_one(leaves: Iterable[Var], out: Var) -> bool:
    """Whether one array at most is as large as ``out``; the others are met along some axes."""
    return sum(var.size == out.size for var in leaves if var.shape) <= 1


def _is_column(inner: Task, reader: Task) -> bool:
    """Whether the one gives a number for each place of a row, which would be no part of the reader's nest."""
    out = inner.out
    return inner.kind == ELEMENTWISE and out.size < reader.out.size and out.shape[-1:] not in ((), (1,))


def _fits(tasks: dict[Var, Task]) -> bool:
    is_small = len(tasks) <= MOST_LINES or not any(out.shape for out in tasks)
    return is_small and arranged(tasks.values()) is not None


def _line(node: _Node, read: set[Var]) -> Line:
    if not node.is_group:
        return next(iter(node.tasks.values())).line
    return made(list(node.tasks.values()), [out for out in node.tasks if out in node.makes and out in read])
