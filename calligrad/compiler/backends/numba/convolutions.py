"""Convolutions as kernels."""

from __future__ import annotations

from typing import Any

from calligrad import parallel
from calligrad.compiler.backends.numba.lowering import Lowering, Task, lowers
from calligrad.compiler.program import Line, Var
from calligrad.kernels import convolving
from calligrad.nn import correlation

MOST = 2**25  # bytes of a thread's workspace
SPEED = 100  # products in a nanosecond


@lowers(correlation.convolve)
def convolve(lowering: Lowering, line: Line) -> bool:
    """``correlation.convolve``: images, a kernel and perhaps a bias."""
    return _lower(lowering, line, ("convolve", dict(zip(("x", "w", "bias"), line.args)), line.out))


@lowers(correlation.spread)
def spread(lowering: Lowering, line: Line) -> bool:
    """``correlation.spread``: outputs, a kernel and perhaps a bias."""
    return _lower(lowering, line, ("spread", dict(zip(("x", "w", "bias"), line.args)), line.out))


@lowers(correlation.correlate)
def correlate(lowering: Lowering, line: Line) -> bool:
    """``correlation.correlate``: images and outputs."""
    return _lower(lowering, line, ("correlate", dict(zip(("x", "g"), line.args)), line.out))


@lowers(correlation.gradients)
def gradients(lowering: Lowering, line: Line) -> bool:
    """``correlation.gradients``, one after the other."""
    g, x, w = line.args
    images, kernel = line.outs
    return _lower(lowering, line, ("spread", {"x": g, "w": w}, images), ("correlate", {"x": x, "g": g}, kernel))


def _lower(lowering: Lowering, line: Line, *maps: tuple[str, dict[str, Var], Var]) -> bool:
    """The tasks of some maps, each with the names of its arguments and its result."""
    dtype = line.outs[0].dtype
    arrays = [*line.args, *line.outs]
    if dtype.name not in ("float32", "float64") or not all(
        type(x) is Var and x.dtype == dtype and x.size for x in arrays
    ):
        return False
    plans = []
    for name, arguments, result in maps:
        named = {**arguments, "y": result}
        likes = {key: lowering.at(var).like for key, var in named.items()}
        plan = getattr(convolving, name)(line.kwargs["windows"], **likes)
        if plan.spaces.get("work", 0) > MOST * parallel.MOST:
            return False
        plans.append((plan, named))
    for plan, named in plans:
        _add(lowering, plan, named)
    return True


def _add(lowering: Lowering, plan: Any, named: dict[str, Var]) -> None:
    """The steps of a plan as tasks."""
    lowering.kept.append(plan.kept)
    roots = {name: lowering.at(var).root for name, var in named.items()}
    spaces = {}
    for name, size in plan.spaces.items():
        if name != "work":
            spaces[name] = lowering.space(size)
            roots[name] = lowering.part(spaces[name])
    for step in plan.steps:
        task = Task(
            step.kernel, step.words, [roots[name] for name in step.reads], [roots[name] for name in step.writes]
        )
        task.weight = step.products / SPEED
        for word, name, offset in step.points:
            if name in named:
                lowering.point(task, word, lowering.at(named[name]), offset)
            else:
                step.words[word] = (spaces[name] if name in spaces else _workspace(lowering, plan)) + offset
        lowering.tasks.append(task)


def _workspace(lowering: Lowering, plan: Any) -> int:
    """The address of the workspace, which convolutions share in which the threads' parts of it are the same."""
    size = plan.spaces["work"]
    key = f"convolutions {size}"
    if key not in lowering.spaces:
        lowering.spaces[key] = lowering.space(size)
    return lowering.spaces[key]
