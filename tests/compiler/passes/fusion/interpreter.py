"""A kernel in slow motion: what a backend makes of a Fused, one row after the other, with NumPy on each row."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from calligrad.compiler.passes.fusion import Fused, loop_dtypes
from calligrad.compiler.program import Var


def run_by_phases(fused: Fused, arrays: list) -> list[np.ndarray]:
    """The outputs, by the walks, levels and phases alone. Elements that no phase keeps are forgotten after it."""
    program, rows = fused.program, fused.rows
    outputs = {v: _empty(v) for v in dict.fromkeys(program.outputs)}
    inputs = dict(zip(program.inputs, arrays, strict=True))
    walks = {v: _walked(fused, v, x) for v, x in {**inputs, **outputs}.items() if not v.weak}
    known: dict[Var, object] = {v: x for v, x in inputs.items() if v.weak}
    known |= {v: walks[v].reshape(-1)[0] for v in inputs if v in walks and fused.level[v] == "number"}
    sums: dict[Var, object] = {}

    def value(x):
        return known[fused.same.get(x, x)] if type(x) is Var else x

    def done(line):
        values = [value(x) for x in line.args if not isinstance(x, np.dtype)]
        if line.op is not np.astype:
            values = [np.asarray(x).astype(t, casting="unsafe") for x, t in zip(values, loop_dtypes(line), strict=True)]
        else:
            values = [np.asarray(*values), line.args[1]]
        known[line.out] = np.asarray(line.op(*values))
        assert known[line.out].dtype == line.out.dtype, line

    def reduced(line):
        ufunc, x = line.op.__self__, value(line.args[0])
        return ufunc.reduce(np.broadcast_to(x, fused.shape[rows:]), axis=None, dtype=line.out.dtype)

    def begun(line):
        return {"initial": line.kwargs["initial"]} if "initial" in line.kwargs else {}

    def add_up(line, x):
        sums[line.out] = [*sums.get(line.out, ()), x]

    for line in fused.numbers:
        done(line)
    for row in np.ndindex(fused.shape[:rows]):
        here = {v for v in inputs if v in walks and fused.level[v] != "number"}
        known |= {v: walks[v][row] if fused.level[v] == "element" else walks[v][row].reshape(-1)[0] for v in here}
        kept: set[Var] = set()
        for phase in fused.phases:
            for line in phase.rows:
                done(line)
            for line in phase.elements:
                done(line)
            for line in phase.reductions:
                known[line.out] = line.op.__self__.reduce(
                    np.stack([np.asarray(x) for x in (reduced(line), *begun(line).values())]), dtype=line.out.dtype
                )
            for line in phase.columns:
                add_up(line, np.broadcast_to(value(line.args[0]), fused.shape[rows:]))
            for line in phase.totals:
                add_up(line, reduced(line))
            for var in phase.stores:
                walks[var][row] = value(var)
            kept.update(phase.kept)
            for line in phase.elements:
                if line.out not in kept:
                    del known[line.out]
        for var in outputs:
            if fused.level[var] == "row":
                walks[var][row] = value(var)
    for phase in fused.phases:
        for line in (*phase.columns, *phase.totals):
            ufunc = line.op.__self__
            whole = ufunc.reduce(np.stack(sums[line.out]), axis=0, dtype=line.out.dtype, **begun(line))
            walks[line.out].reshape(-1, *fused.shape[rows:])[0] = whole
    for var in outputs:
        if fused.level[var] == "number" and var not in sums:
            outputs[var][...] = value(var)
    return [outputs[v] for v in program.outputs]


def _walked(fused: Fused, var: Var, x: np.ndarray) -> np.ndarray:
    return as_strided(x, fused.shape, [step * x.itemsize for step in fused.strides[var]])


def _empty(var: Var) -> np.ndarray:
    """An array of its shape, dtype and layout."""
    if not var.strides:
        return np.zeros(var.shape, var.dtype)
    order = sorted(range(len(var.shape)), key=lambda i: (-abs(var.strides[i]), i))
    made = np.zeros([var.shape[i] for i in order], var.dtype)
    return made.transpose(np.argsort(order))
