"""What came of the contests, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.training.contest import OURS, WITH_CACHES, Result, fastest_peer, times_the_peer
from benchmarks.training.problems import PROBLEMS, Problem

Report = dict[str, Any]


def rows(columns: list[str], lines: Iterator[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [columns, ["---"] * len(columns), *lines])


def results_of(entry: Report) -> dict[str, Result]:
    return {name: Result(**result) for name, result in entry["results"].items()}


def summary(report: Report) -> str:
    """A problem a line: the fastest peer, calligrad, and the floor."""
    columns = ["step", "fastest peer", "ms", *OURS, "times the peer", "wanted", "NumPy alone times PyTorch", "wanted"]
    return rows([*columns, "floor ms", "times the floor"], map(_summary_line, report["problems"].items()))


def _summary_line(item: tuple[str, Report]) -> list[str]:
    number, entry = item
    problem, results = PROBLEMS[int(number)], results_of(entry)
    best = fastest_peer(results)
    times = {name: result.ms for name, result in results.items()}
    ours = ["failed" if name in results and results[name].error else _ms(results.get(name)) for name in OURS]
    wanted = problem.wanted or (None, None)
    ratios = [
        _ratio(times_the_peer(results, "calligrad numba"), 1),
        _most(wanted[0]),
        _ratio(times.get("calligrad numpy"), times.get("PyTorch")),
        _most(wanted[1]),
    ]
    floor = entry["floor"]["ms"]
    reached = min((ms for name in OURS if (ms := times.get(name))), default=None)
    return [
        f"({number}) {problem.title}",
        best or "",
        _number(times.get(best)),
        *ours,
        *ratios,
        _number(floor),
        _ratio(reached, floor),
    ]


def details(number: str, entry: Report) -> str:
    """A contestant a line, the fastest first."""
    problem: Problem = PROBLEMS[int(number)]
    columns = ["contestant", "ms", "first step s", "with full caches", "peak MiB", "losses off by", "quiet chunks"]
    results = sorted(results_of(entry).items(), key=lambda item: item[1].ms or float("inf"))
    lines = (
        [
            name,
            _ms(result),
            f"{result.starts[0]:.2f}" if result.starts else "",
            f"{result.starts[1]:.2f}" if name in WITH_CACHES and len(result.starts) > 1 else "",
            f"{result.peak / 2**20:.0f}" if result.peak else "",
            f"{result.off:.0e}" if result.starts else "",
            f"{len(result.quiet)} of {len(result.quiet) + len(result.noisy)}",
        ]
        for name, result in results
    )
    floor = entry["floor"]
    reckoning = (
        f"Floor {_number(floor['ms'])} ms: {floor['flops']:.2g} flops at {floor['flops/s'] / 1e9:.0f} Gflop/s,"
        f" {floor['bytes']:.2g} bytes at {floor['bytes/s'] / 1e9:.0f} GB/s."
        f" Losses of the first five steps may be off by {problem.tolerance:.0e} of the first."
    )
    return f"### ({number}) {problem.title}\n\n{rows(columns, lines)}\n\n{reckoning}\n"


def _number(ms: float | None) -> str:
    if ms is None:
        return ""
    return f"{ms:.5f}" if ms < 0.01 else f"{ms:.3f}" if ms < 10 else f"{ms:.1f}"


def _ms(result: Result | None) -> str:
    if result is None:
        return ""
    return result.error or _number(result.ms) + (" (busy)" if not result.quiet else "")


def _ratio(a: float | None, b: float | None) -> str:
    return f"**{a / b:.2f}**" if a and b else ""


def _most(wanted: float | None) -> str:
    return f"at most {wanted}" if wanted else ""
