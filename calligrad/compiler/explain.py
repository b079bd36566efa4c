"""Explain: what was made of a program, as a table to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from calligrad.compiler.backends.numpy.calls import can_be_given, can_overwrite
from calligrad.compiler.backends.numpy.tiles import LARGE, Tiles, tiled
from calligrad.compiler.passes import PASSES, grouped
from calligrad.compiler.passes.epilogues import Product, with_epilogues
from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.passes.fusion.kinds import DTYPES, is_elementwise, is_reduction
from calligrad.compiler.passes.views import is_view
from calligrad.compiler.plan import planned
from calligrad.compiler.program import Line, Program
from calligrad.compiler.wording import name_of

WIDTH = 100


def explained(run: Any, name: str, backend: str) -> str:
    """What runs for a captured function: what the passes left out, what is fused and what is not, what it moves."""
    program = run.program
    parts = tiled(program) if backend == "numpy" else grouped(program)
    if backend == "numba":
        parts = with_epilogues(parts)
    rows = _rows(parts, backend)
    total, without = _memory(parts, backend)
    lines = [f"{name}, compiled with {backend}", "", *_passes(run.captured), ""]
    lines += _table(rows)
    lines += ["", *_why_not(rows)]
    lines += ["", f"Memory of the program's own: {_bytes(total)} planned, {_bytes(without)} without planning"]
    return "\n".join(line.rstrip() for line in lines)


def _memory(program: Program, backend: str) -> tuple[int, int]:
    """Bytes for what is neither an input nor an output: as planned, and if each array had memory of its own."""
    if backend != "numpy":
        from calligrad.compiler.backends.numba.memory import Memory

        memory = Memory(program)
        return memory.bytes, memory.unplanned
    plan = planned(program, can_be_given, can_overwrite)
    return plan.total, plan.without


def _passes(program: Program) -> list[str]:
    """How many lines each pass left."""
    counts = [("as captured", len(program.lines))]
    for improve in PASSES:
        program = improve(program)
        counts.append((improve.__name__.replace("_", " "), len(program.lines)))
    width = max(len(text) for text, _ in counts)
    return ["Lines of the program", *(f"  {text:<{width}}  {count:>6,}" for text, count in counts)]


@dataclass
class _Row:
    """A kind of line or group: how often it is there, what it does and moves."""

    what: str
    shape: str
    why: str
    """Why it is not fused; "" if it is."""
    count: int = 0
    flops: int = 0
    moved: int = 0
    where: str = ""


def _rows(program: Program, backend: str) -> list[_Row]:
    rows: dict[Any, _Row] = {}
    for line in program.lines:
        fused = line.op if isinstance(line.op, Fused) else line.op.op if isinstance(line.op, Tiles) else None
        what = _inside(fused.program.lines) if fused is not None else _name(line)
        shape = max(line.outs, key=lambda out: out.size).kind() if line.outs else ""
        row = rows.setdefault((what, shape), _Row(what, shape, _reason(line, backend) if fused is None else ""))
        row.count += 1
        row.flops += sum(map(_flops, fused.program.lines)) if fused is not None else _flops(line)
        if not is_view(line):
            row.moved += sum(var.nbytes for var in {*line.ins, *line.outs} if not var.weak)
        row.where = row.where or line.where
    return list(rows.values())


def _table(rows: list[_Row]) -> list[str]:
    """The rows that cost something, with a sum."""
    heads = ("times", "what", "of", "flops", "moved", "line")
    cells = [
        (f"{row.count}", row.what, row.shape, _number(row.flops), _bytes(row.moved), row.where)
        for row in rows
        if row.moved
    ]
    total = sum(row.flops for row in rows), sum(row.moved for row in rows)
    cells.append(
        (f"{sum(row.count for row in rows if row.moved)}", "in all", "", _number(total[0]), _bytes(total[1]), "")
    )
    widths = [max(len(cell[i]) for cell in (heads, *cells)) for i in range(len(heads))]
    widths[1] = max(12, min(widths[1], WIDTH - sum(widths) + widths[1] - 2 * (len(heads) - 1)))
    rule = "  ".join("-" * width for width in widths)
    return [
        _aligned(heads, widths),
        rule,
        *(_aligned(cell, widths) for cell in cells[:-1]),
        rule,
        _aligned(cells[-1], widths),
    ]


def _aligned(cell: tuple[str, ...], widths: list[int]) -> str:
    texts = [cell[1] if len(cell[1]) <= widths[1] else cell[1][: widths[1] - 1] + "…"]
    return "  ".join(
        (
            cell[0].rjust(widths[0]), texts[0].ljust(widths[1]), cell[2].ljust(widths[2]), cell[3].rjust(widths[3]),
            cell[4].rjust(widths[4]), cell[5],
        )
    )  # fmt: skip


def _why_not(rows: list[_Row]) -> list[str]:
    """What is not part of a group, by reason."""
    reasons: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.why:
            names = reasons.setdefault(row.why, {})
            names[row.what] = names.get(row.what, 0) + row.count
    if not reasons:
        return ["Everything is fused."]
    lines = ["Not fused"]
    for why, names in reasons.items():
        lines += _wrapped(f"{why}: ", [f"{name} {count}x" if count > 1 else name for name, count in names.items()])
    return lines


def _wrapped(head: str, words: list[str]) -> list[str]:
    lines, current = [], "  " + head
    for i, word in enumerate(words):
        word = word + (", " if i < len(words) - 1 else "")
        if len(current) + len(word.rstrip()) > WIDTH:
            lines.append(current)
            current = "    "
        current += word
    return [*lines, current]


def _reason(line: Line, backend: str) -> str:
    """Why a line is in no group."""
    if getattr(line.op, "checks", False):
        return "checks, which may raise"
    if is_view(line):
        return "views, which cost nothing"
    if isinstance(line.op, Product):
        return "products, which add and cut off what is negative by themselves"
    if line.op is np.matmul or getattr(line.op, "__name__", "") in ("dot", "einsum", "tensordot"):
        return "products, which have a kernel of their own"
    if isinstance(line.op, np.ufunc) and any(var.dtype not in DTYPES for var in (*line.ins, *line.outs)):
        return "dtypes that kernels do not know"
    if backend == "numpy" and (is_elementwise(line) or isinstance(line.op, np.ufunc)):
        return f"calls on arrays of less than {LARGE:,} numbers, which are in the cache anyway"
    if backend == "numpy" and (is_reduction(line) or "reduce" in _name(line) or line.op in (np.sum, np.mean, np.max)):
        return "sums, which NumPy adds up in an order of its own"
    if hasattr(line.op, "reference"):
        return "operations of calligrad's own, which are kernels already"
    return "no arithmetic number by number"


def _inside(lines: Iterable[Line]) -> str:
    """The operations of a group in a few words."""
    return " ".join(_name(line).removesuffix(".reduce") for line in lines if not is_view(line))


def _name(line: Line) -> str:
    return name_of(line.op).removeprefix("np.")


def _flops(line: Line) -> int:
    """How many operations on numbers the line is: two for each product that is added up."""
    if is_view(line) or not line.outs:
        return 0
    if line.op is np.matmul or isinstance(line.op, Product):
        more = 1 + line.op.relu if isinstance(line.op, Product) else 0
        return line.outs[0].size * (2 * line.args[0].shape[-1] + more)
    if (products := getattr(line.op, "products", None)) is not None:
        return 2 * products(*line.args, **line.kwargs)
    sizes = [var.size for var in (*line.ins, *line.outs)]
    return max(sizes) if isinstance(line.op, np.ufunc) or is_reduction(line) or "reduce" in _name(line) else 0


def _number(n: int) -> str:
    for size, unit in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if n >= size:
            return f"{n / size:.3g}{unit}"
    return f"{n} "


def _bytes(n: int) -> str:
    for size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n} B"
