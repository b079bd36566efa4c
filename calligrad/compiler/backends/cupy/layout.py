"""Layouts: how the points of a group are shared out among the threads of a GPU."""

from __future__ import annotations

import math
from dataclasses import dataclass

from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.program import Var

WARP = 32
EACH = 4  # points of a thread, where nothing keeps a row together
MOST_SUMS = 512  # teams that add up columns, each on its own
MOST_BLOCKS = 1 << 16
MOST_PIECES = 1 << 12


@dataclass(frozen=True)
class Layout:
    """A team of threads goes over a row, together; rows that nothing is summed up over are cut into pieces.

    It follows from the sizes alone, never from the GPU: so sums are in the same order everywhere, and in every run.
    """

    rows: int
    points: int
    team: int
    """Threads that share a row: 1, 2, 4 … 32 of one warp, or a whole block."""
    block: int
    """Threads of a block."""
    blocks: int
    """Blocks that share the rows."""
    pieces: int
    """Parts of each row, which different blocks take."""

    @property
    def teams(self) -> int:
        """Rows that are gone over at the same time."""
        return self.blocks * self.block // self.team

    @property
    def each(self) -> int:
        """Points of a row that one thread takes."""
        return -(-self.points // (self.team * self.pieces))


def layout_of(fused: Fused) -> Layout:
    """The layout of a group."""
    rows, points = math.prod(fused.shape[: fused.rows]), math.prod(fused.shape[fused.rows :])
    keeps_rows = any(phase.reductions for phase in fused.phases)
    sums_up = any(phase.columns or phase.totals for phase in fused.phases)
    team = _team(points, keeps_rows)
    block = max(team, 4 * WARP)
    pieces = 1 if keeps_rows else min(-(-points // (EACH * team)), MOST_PIECES)
    teams = min(rows, MOST_SUMS) if sums_up else rows
    return Layout(rows, points, team, block, min(-(-teams * team // block), MOST_BLOCKS), pieces)


def _team(points: int, keeps_rows: bool) -> int:
    """Threads for a row: few for a short one, so that a block takes several rows."""
    if points <= WARP:
        return 1 << (points - 1).bit_length()
    if not keeps_rows:
        return 8 * WARP
    return WARP if points <= 32 * WARP else 8 * WARP if points <= 512 * WARP else 32 * WARP


def offset(fused: Fused, var: Var, row: str, point: str) -> str:
    """Where the number of ``var`` lies at a row and a point of it, as C.

    >>> offset(Fused(None, (2, 3, 4), 1, {"x": (0, 4, 1)}, {}, (), (), {}), "x", "row", "point")
    'point / 4 * 4 + point % 4'
    """
    outer, inner = fused.shape[: fused.rows], fused.shape[fused.rows :]
    steps = fused.strides[var]
    parts = [*_parts(outer, steps[: fused.rows], row), *_parts(inner, steps[fused.rows :], point)]
    return " + ".join(parts) or "0"


def _parts(sizes: tuple[int, ...], steps: tuple[int, ...], place: str) -> list[str]:
    parts = []
    for i, (size, step) in enumerate(zip(sizes, steps)):
        if step:
            after = math.prod(sizes[i + 1 :])
            index = (f"{place} / {after}" if after > 1 else place) + (f" % {size}" if i else "")
            parts.append(index if step == 1 else f"{index} * {step}" if step > 0 else f"{index} * ({step})")
    return parts
