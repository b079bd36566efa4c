"""Making groups: from lines that go together to the one line that stands for them."""

from __future__ import annotations

from calligrad.compiler.passes.fusion.arrangement import Arrangement, Task, arranged
from calligrad.compiler.passes.fusion.group import Fused, copied, strides_of
from calligrad.compiler.passes.fusion.phases import phases_of
from calligrad.compiler.program import Line, Var


def made(tasks: list[Task], outputs: list[Var]) -> Line:
    """One line that gives ``outputs`` as the tasks do, which are in order and go together."""
    plan = arranged(tasks)
    assert plan is not None
    lines = [task.line for task in tasks]
    inside = {task.out for task in tasks}
    inputs = list(dict.fromkeys(var for line in lines for var in line.ins if var not in inside))
    program, table = copied(lines, inputs, outputs)
    renames = {table[task.out]: table[task.line.args[0]] for task in tasks if task.kind == "rename"}
    same: dict[Var, Var] = {}
    for out, source in renames.items():
        same[out] = same.get(source, source)
    level = {table[var]: _level(var, plan) for var in plan.labels}
    level |= {table[var]: "number" for var in inputs if var not in plan.labels}
    for line in program.lines:
        if "axis" in line.kwargs and level[line.out] == "element":
            level[line.out] = "column"
    for out, source in same.items():
        level[out] = level[source]
    seen = [*inputs, *outputs]
    walks = {var: _walk(var, plan) for var in seen}
    rows, sizes, walks = _collapsed(plan, walks)
    where = next((line.where for line in lines if line.where), "")
    op = Fused(
        program=program,
        shape=sizes,
        rows=rows,
        strides={table[var]: walk for var, walk in walks.items()},
        level=level,
        numbers=tuple(
            n for n in program.lines if level[n.out] == "number" and "axis" not in n.kwargs and n.out not in same
        ),
        phases=phases_of(program, level, same),
        same=same,
    )
    return Line(op, tuple(inputs), {}, tuple(outputs), where)


def _level(var: Var, plan: Arrangement) -> str:
    axes = plan.axes(var)
    if not axes:
        return "number"
    return "row" if axes <= set(plan.outer) else "element"


def _walk(var: Var, plan: Arrangement) -> tuple[int, ...]:
    """The step of the Var along each axis of the nest."""
    steps = dict(zip(plan.labels.get(var, ()), strides_of(var)))
    return tuple(steps.get(axis, 0) for axis in (*plan.outer, *plan.inner))


def _collapsed(plan: Arrangement, walks: dict[Var, tuple[int, ...]]) -> tuple[int, tuple[int, ...], dict]:
    """Neighbouring axes as one where all arrays go from the end of the inner one to the next of the outer one."""
    axes = [*plan.outer, *plan.inner]
    sizes = [plan.sizes[axis] for axis in axes]
    rows = len(plan.outer)
    steps = {var: list(walk) for var, walk in walks.items()}
    for i in reversed(range(len(axes) - 1)):
        if i + 1 != rows and all(walk[i] == walk[i + 1] * sizes[i + 1] for walk in steps.values()):
            sizes[i : i + 2] = [sizes[i] * sizes[i + 1]]
            for walk in steps.values():
                del walk[i]
            rows -= i < rows
    if not plan.outer:
        rows = max(len(sizes) - 1, 0)
    return rows, tuple(sizes), {var: tuple(walk) for var, walk in steps.items()}
