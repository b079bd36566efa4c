"""What came of the contests, as a picture: a step's time beside the fastest peer's, shorter is better."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.training.contest import CONTESTANTS, fastest_peer, times_the_peer
from benchmarks.training.problems import PROBLEMS
from benchmarks.training.table import Report, results_of

COLOURS = {  # Okabe and Ito's, which the colour-blind can tell apart; ours are the strong ones
    "calligrad numba": "#D55E00",
    "calligrad numpy": "#E69F00",
    "calligrad": "#F0E442",
    "PyTorch": "#0072B2",
    "PyTorch channels last": "#56B4E9",
    "torch.compile": "#009E73",
    "JAX": "#CC79A7",
    "JAX pipelined": "#BBBBBB",
    "autograd": "#FFFFFF",
}
MOST = 4.0
"""Longer bars are cut here, and their number tells."""


def draw(report: Report, path: Path) -> None:
    """A panel a problem, a bar a contestant whose losses are right."""
    problems = [(PROBLEMS[int(number)].title, results_of(entry)) for number, entry in report["problems"].items()]
    problems = [(title, results) for title, results in problems if fastest_peer(results)]
    rows, columns = (len(problems) + 1) // 2, min(2, len(problems))
    figure = Figure((5 * columns, 0.4 + 1.8 * rows), dpi=150, layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    for axes, (title, results) in zip(panels, problems):
        names = [name for name in COLOURS if name in results and results[name].ms is not None]
        for place, name in enumerate(names):
            ms, times = results[name].ms, times_the_peer(results, name)
            length = min(times, MOST)
            axes.barh(place, length, 0.75, color=COLOURS[name], edgecolor="black", linewidth=0.4)
            told = f"{times:.2f}  ({ms:.3g} ms)"
            axes.text(length + 0.05, place, told, va="center", fontsize=7, bbox={"fc": "white", "ec": "none", "pad": 0})
        axes.set_yticks(range(len(names)), names, fontsize=7)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, MOST * 1.3)
        axes.set_title(title, fontsize=8, loc="left", weight="bold")
        axes.axvline(1, color="black", lw=0.8, ls=":", zorder=0)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.tick_params(left=False, bottom=False, labelbottom=False)
    for axes in panels[len(problems) :]:
        axes.set_axis_off()
    where = f"{report['machine']}, {report['date']}"
    figure.supxlabel(f"time of a training step, the fastest peer's being 1 (shorter is better)\n{where}", fontsize=7)
    figure.savefig(path)


assert set(COLOURS) == set(CONTESTANTS)
