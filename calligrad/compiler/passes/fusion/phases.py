"""Phases: which lines of a group are computed in which pass over a row."""

from __future__ import annotations

from calligrad.compiler.passes.fusion.group import Phase
from calligrad.compiler.passes.fusion.kinds import cost
from calligrad.compiler.program import Line, Program, Var

AGAIN = 4
"""Up to this cost, in additions, a number is computed again in a later pass rather than kept."""


def phases_of(program: Program, level: dict[Var, str], same: dict[Var, Var]) -> tuple[Phase, ...]:
    """The passes that compute the lines, of which ``level`` says what varies how."""

    def ins(line: Line) -> list[Var]:
        return [same.get(var, var) for var in line.ins]

    lines = [line for line in program.lines if line.out not in same]
    maker = {line.out: line for line in lines}
    is_element = {line.out for line in lines if "axis" not in line.kwargs and level[line.out] == "element"}
    ready: dict[Var, int] = {}  # the first pass in which it can be computed, or read if it is of the rows
    for line in lines:
        begin = max((ready.get(var, 0) for var in ins(line)), default=0)
        ready[line.out] = begin + ("axis" in line.kwargs and level[line.out] == "row")
    count = max((ready[line.out] + 1 for line in lines), default=1)
    outputs = {same.get(var, var) for var in program.outputs}

    def cost_again(var: Var, p: int) -> int:
        """What it costs to compute an element anew in pass p, from inputs and what earlier passes have written."""
        total = cost(maker[var])
        for x in ins(maker[var]):
            if total <= AGAIN and x in is_element and not (x in outputs and ready[x] < p):
                total += cost_again(x, p)
        return total

    reductions = [
        [n for n in lines if "axis" in n.kwargs and ready[n.out] - (level[n.out] == "row") == p] for p in range(count)
    ]
    stores = [[v for v in outputs if v in is_element and ready[v] == p] for p in range(count)]
    kept: list[set[Var]] = [set() for _ in range(count)]
    needed: list[set[Var]] = [set() for _ in range(count)]
    for p in reversed(range(count)):
        todo = [*kept[p], *stores[p], *(x for line in reductions[p] for x in ins(line))]
        while todo:
            var = todo.pop()
            if var not in is_element or var in needed[p]:
                continue
            if ready[var] < p and (var in outputs or cost_again(var, p) > AGAIN):
                kept[ready[var]].add(var)
                continue
            needed[p].add(var)
            todo.extend(ins(maker[var]))
    found = []
    for p in range(count):
        sums = reductions[p]
        found.append(
            Phase(
                rows=tuple(n for n in lines if level[n.out] == "row" and "axis" not in n.kwargs and ready[n.out] == p),
                elements=tuple(n for n in lines if n.out in needed[p]),
                reductions=tuple(n for n in sums if level[n.out] == "row"),
                columns=tuple(n for n in sums if level[n.out] == "column"),
                totals=tuple(n for n in sums if level[n.out] == "number"),
                stores=tuple(v for v in program.outputs if v in stores[p]),
                kept=tuple(n.out for n in lines if n.out in kept[p]),
            )
        )
    return tuple(found)
