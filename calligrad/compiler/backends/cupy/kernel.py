"""Kernels: a fused group as CUDA C."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calligrad.compiler.backends.cupy.constants import C, literal, neutral_of, operation
from calligrad.compiler.backends.cupy.layout import Layout, layout_of, offset
from calligrad.compiler.passes.fusion import Fused, loop_dtypes
from calligrad.compiler.passes.fusion.kinds import name_of
from calligrad.compiler.program import Line, Var

_UNROLLED = 16  # points of a thread, up to which they are in registers


def knows(line: Line) -> bool:
    """Whether there is CUDA C for an operation of a group."""
    return name_of(line) not in ("power", "reciprocal") or line.out.dtype.kind == "f"


@dataclass(frozen=True)
class Launch:
    """One kernel, for how many blocks of how many threads, and what it is given."""

    name: str
    source: str
    grid: tuple[int, int]
    block: int
    args: tuple[Any, ...]
    """Vars of the group's program; a number stands for the partial sums of that place in ``Kernels.partial``."""


@dataclass
class Kernels:
    """What computes a group: a kernel, and for each sum over all rows one more that puts the teams' sums together."""

    launches: list[Launch] = field(default_factory=list)
    partial: list[tuple[int, np.dtype]] = field(default_factory=list)
    """The arrays between them: how many numbers, and of what dtype."""


def kernels_of(fused: Fused) -> Kernels:
    """The kernels of a group."""
    return _Writer(fused).kernels()


class _Writer:
    """Writes one group. ``value`` names what the number of a Var is called where it is known."""

    def __init__(self, fused: Fused) -> None:
        self.fused = fused
        self.layout: Layout = layout_of(fused)
        self.value: dict[Var, str] = fused.program.names()
        self.body: list[str] = []
        self.depth = 1
        self.made = Kernels()
        self.index = "int" if self._extent() < 2**31 else "long long"
        sums = [(line, p) for p in fused.phases for line in (*p.columns, *p.totals)]
        self.sums: list[Line] = [line for line, _ in sums]

    def kernels(self) -> Kernels:
        """All of them."""
        fused, layout = self.fused, self.layout
        self._begin()
        last = layout.rows + (-layout.rows) % layout.teams
        self._open(f"for ({self.index} first = 0; first < {last}; first += {layout.teams})")
        self._write(f"const {self.index} here = first + team;")
        self._write(f"const bool is_row = here < {layout.rows};")
        self._write(f"const {self.index} row = is_row ? here : {layout.rows - 1};")
        self._load(self._inputs("row"))
        for phase in fused.phases:
            self._phase(phase)
        self._store("row", "is_row && lane == 0 && blockIdx.y == 0")
        self._close()
        self._partial_sums()
        self._finish()
        return self.made

    # ---- a line of C after the other

    def _write(self, *texts: str) -> None:
        self.body += ["    " * self.depth + text for text in texts]

    def _open(self, text: str) -> None:
        self._write(text + " {")
        self.depth += 1

    def _close(self) -> None:
        self.depth -= 1
        self._write("}")

    def _declare(self, var: Var, text: str) -> None:
        self._write(f"const {C[var.dtype.name]} {self.value[var]} = {text};")

    def _compute(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._declare(line.out, self._call(line))

    def _call(self, line: Line) -> str:
        dtypes = loop_dtypes(line)
        args = [self._argument(x, dtype) for x, dtype in zip(line.args, dtypes)]
        if line.op is np.astype:
            return f"({C[line.out.dtype.name]}){args[0]}"
        return f"np::{name_of(line)}({', '.join(args)})"

    def _argument(self, x: Any, dtype: np.dtype) -> str:
        if type(x) is not Var:
            return literal(x, dtype)
        return self.value[self._same(x)] if x.dtype == dtype else f"({C[dtype.name]}){self.value[self._same(x)]}"

    # ---- the parts of the kernel

    def _begin(self) -> None:
        layout = self.layout
        self._write(f"const int lane = threadIdx.x % {layout.team};")
        self._write(
            f"const {self.index} team = blockIdx.x * {layout.block // layout.team} + threadIdx.x / {layout.team};"
        )
        if layout.pieces > 1:
            self._write(f"const {self.index} piece = blockIdx.y;")
        self._load(self._inputs("number"))
        self._compute(self.fused.numbers)
        self._store("number", "blockIdx.x == 0 && blockIdx.y == 0 && threadIdx.x == 0")
        for line in self.sums:
            dtype, neutral = C[line.out.dtype.name], neutral_of(line)
            if self._is_column(line):
                self._write(f"{dtype} {self._sum(line)}[{layout.each}];")
                self._write(f"for (int k = 0; k < {layout.each}; ++k) {self._sum(line)}[k] = {neutral};")
            else:
                self._write(f"{dtype} {self._sum(line)} = {neutral};")
        for var in dict.fromkeys(var for phase in self.fused.phases for var in phase.kept):
            self._write(f"{C[var.dtype.name]} kept_{self.value[var]}[{layout.each}];")

    def _phase(self, phase: Any) -> None:
        self._compute(phase.rows)
        lines = (*phase.elements, *phase.reductions, *phase.columns, *phase.totals)
        if not lines and not phase.stores:
            return
        for line in phase.reductions:
            self._write(f"{C[line.out.dtype.name]} {self._sum(line)} = {neutral_of(line)};")
        self._points("!is_row || ")
        computed = {line.out for line in phase.elements}
        read = dict.fromkeys(self._same(var) for line in lines for var in line.ins)
        read |= dict.fromkeys(self._stored(computed))
        inputs = self._inputs("element")
        self._load(var for var in read if var in inputs)
        for var in read:
            if self.fused.level[var] == "element" and var not in computed and var not in inputs:
                self._declare(var, f"kept_{self.value[var]}[k]")
        self._compute(phase.elements)
        for var in phase.kept:
            self._write(f"kept_{self.value[var]}[k] = {self.value[var]};")
        for out in self._outputs("element"):
            if self._same(out) in computed and (out in phase.stores or out in self.fused.same):
                self._write(f"{self._place(out)} = {self.value[self._same(out)]};")
        for line in (*phase.reductions, *phase.columns, *phase.totals):
            total = self._sum(line) + ("[k]" if self._is_column(line) else "")
            self._write(f"{total} = np::{operation(line)}({total}, {self.value[self._same(line.args[0])]});")
        self._close()
        for line in phase.reductions:
            dtype = C[line.out.dtype.name]
            text = f"np::across<{self.layout.team}, {dtype}>(np::{operation(line)}, {self._sum(line)})"
            if "initial" in line.kwargs:
                text = f"np::{operation(line)}({literal(line.kwargs['initial'], line.out.dtype)}, {text})"
            self._declare(line.out, text)

    def _points(self, condition: str = "") -> None:
        """Open the loop over the points of a row that are this thread's."""
        layout = self.layout
        if 1 < layout.each <= _UNROLLED:
            self._write("#pragma unroll")
        self._open(f"for (int k = 0; k < {layout.each}; ++k)")
        part = f"(k * {layout.pieces} + piece)" if layout.pieces > 1 else "k"
        self._write(f"const {self.index} point = {part} * {layout.team} + lane;")
        self._write(f"if ({condition}point >= {layout.points}) break;")

    def _partial_sums(self) -> None:
        """What each team has added up, and the kernels that go on with it."""
        layout = self.layout
        for line in self.sums:
            total = self._sum(line)
            if self._is_column(line):
                count, places = layout.teams, layout.points
                self._points()
                self._write(f"sums_{total}[team * {places} + point] = {total}[k];")
                self._close()
            else:
                count, places = layout.teams * layout.pieces, 1
                dtype = C[line.out.dtype.name]
                self._write(f"{total} = np::across<{layout.team}, {dtype}>(np::{operation(line)}, {total});")
                self._write(f"if (lane == 0) sums_{total}[team * {layout.pieces} + blockIdx.y] = {total};")
            self.made.partial.append((count * places, line.out.dtype))

    def _finish(self) -> None:
        """The kernel itself, and those that join its sums."""
        program, layout = self.fused.program, self.layout
        outputs = [var for var in dict.fromkeys(program.outputs) if var not in {line.out for line in self.sums}]
        heads = [f"const {C[var.dtype.name]} *from_{self.value[var]}" for var in program.inputs]
        heads += [f"{C[var.dtype.name]} *to_{self.value[var]}" for var in outputs]
        heads += [f"{C[line.out.dtype.name]} *sums_{self._sum(line)}" for line in self.sums]
        args = (*program.inputs, *outputs, *range(len(self.sums)))
        self.made.launches.append(launch("fused", heads, self.body, (layout.blocks, layout.pieces), layout.block, args))
        for i, line in enumerate(self.sums):
            self.made.launches.append(self._joining(i, line))

    def _joining(self, i: int, line: Line) -> Launch:
        """The kernel that puts the sums of the teams together, one after the other; for a single number, as a tree."""
        dtype, is_column = C[line.out.dtype.name], self._is_column(line)
        places, team = (self.layout.points, 1) if is_column else (1, 256)
        count = self.made.partial[i][0] // places
        f, index = f"np::{operation(line)}", self.index
        body = [
            f"const int lane = threadIdx.x % {team};",
            f"const {index} point = (blockIdx.x * 256 + threadIdx.x) / {team};",
            f"{dtype} sum = {neutral_of(line)};",
            f"if (point < {places})",
            f"    for (int i = lane; i < {count}; i += {team}) sum = {f}(sum, sums[({index})i * {places} + point]);",
            *([] if team == 1 else [f"sum = np::across<{team}, {dtype}>({f}, sum);"]),
        ]
        if "initial" in line.kwargs:
            body.append(f"sum = {f}({literal(line.kwargs['initial'], line.out.dtype)}, sum);")
        place = offset(self.fused, line.out, "0", "point")
        body.append(f"if (point < {places} && lane == 0) out[{place}] = sum;")
        blocks = -(-places * team // 256)
        heads = [f"const {dtype} *sums", f"{dtype} *out"]
        return launch("joined", heads, ["    " + text for text in body], (blocks, 1), 256, (i, line.out))

    # ---- Vars

    def _same(self, var: Var) -> Var:
        return self.fused.same.get(var, var)

    def _inputs(self, level: str) -> list[Var]:
        return [var for var in self.fused.program.inputs if self.fused.level[var] == level]

    def _outputs(self, level: str) -> list[Var]:
        sums = {line.out for line in self.sums}
        outputs = dict.fromkeys(self.fused.program.outputs)
        return [var for var in outputs if self.fused.level[var] == level and var not in sums]

    def _stored(self, computed: set[Var]) -> list[Var]:
        return [self._same(out) for out in self._outputs("element") if self._same(out) in computed]

    def _load(self, inputs: Iterable[Var]) -> None:
        for var in inputs:
            self._declare(var, f"from_{self.value[var]}[{offset(self.fused, var, 'row', 'point')}]")

    def _store(self, level: str, condition: str) -> None:
        for var in self._outputs(level):
            self._write(f"if ({condition}) {self._place(var)} = {self.value[self._same(var)]};")

    def _place(self, out: Var) -> str:
        return f"to_{self.value[out]}[{offset(self.fused, out, 'row', 'point')}]"

    def _is_column(self, line: Line) -> bool:
        return self.fused.level[line.out] == "column"

    def _sum(self, line: Line) -> str:
        return f"sum_{self.value[line.out]}"

    def _extent(self) -> int:
        """One more than the largest number that an index reaches."""
        layout = self.layout
        padded = layout.team * layout.pieces * (layout.each + 1)
        spans = [
            sum((n - 1) * abs(step) for n, step in zip(self.fused.shape, self.fused.strides[var]))
            for var in (*self.fused.program.inputs, *self.fused.program.outputs)
        ]
        return max([(layout.rows + layout.teams), padded, layout.teams * layout.points, *spans]) + 1


def launch(
    kind: str, heads: list[str], body: list[str], grid: tuple[int, int], block: int, args: tuple[Any, ...]
) -> Launch:
    """A kernel, by a name that says what it does: the same text has the same name."""
    text = f"({', '.join(heads)}) {{\n" + "\n".join(body) + "\n}\n"
    name = f"{kind}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return Launch(name, f'extern "C" __global__ void __launch_bounds__({block}) {name}{text}', grid, block, args)
