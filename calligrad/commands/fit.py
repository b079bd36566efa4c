"""``calligrad fit``: the article's network on the article's points, on a function of your own, or on a CSV file."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calligrad.commands import pictures, regression
from calligrad.commands.errors import UserError
from calligrad.commands.formula import Formula
from calligrad.commands.options import point, rate, whole
from calligrad.commands.table import read_table
from calligrad.progress import progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARTICLE = "x**2 + 2*x + 1"

DESCRIPTION = """\
Train a network with two hidden layers of ReLUs, draw the fit, and predict.
Without options: the network 1-4-4-1 on 100 points of y = x**2 + 2*x + 1, with
x from 1 to 10.
"""

EXAMPLES = """\
examples:
  calligrad fit
  calligrad fit --f "np.sin(x) * x" --width 16 --at 7.5
  calligrad fit --csv points.csv --at 1,2.5
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``calligrad fit``."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--f", default=ARTICLE, metavar="FORMULA", help="learn 100 points of this, with x from 1 to 10")
    data.add_argument("--csv", metavar="FILE", help="learn the rows of this file: from its columns x… to its column y")
    parser.add_argument("--at", type=point, metavar="X", help="where to predict; X1,X2,… for several inputs (6.0)")
    parser.add_argument("--seed", type=whole(0), default=3, metavar="N", help="what all random draws start from (3)")
    parser.add_argument("--epochs", type=whole(1), default=4000, metavar="N", help="steps from each start (4000)")
    parser.add_argument("--lr", type=rate, default=0.1, metavar="RATE", help="the highest learning rate (0.1)")
    parser.add_argument("--width", type=whole(1, 1000), default=4, metavar="N", help="units of a hidden layer (4)")
    parser.add_argument("--output", default="fit.png", metavar="PATH", help="the picture: .png, .pdf or .svg (fit.png)")


def run(options: argparse.Namespace) -> None:
    """Train, draw, and print how good the fit is; the last line is the prediction, where one is asked for."""
    task = from_formula(options.f, options.at) if options.csv is None else from_csv(options.csv, options.at)
    path = pictures.prepare(options.output)
    widths = (task.x.shape[1], options.width, options.width, 1)
    print(f"{task.title}, {len(task.x)} points")
    print(f"network {'-'.join(map(str, widths))}; {regression.STARTS} starts of {options.epochs} epochs each")
    with progress("training", regression.STARTS * options.epochs) as shown:
        fit = regression.fit(
            task.x,
            task.y,
            width=options.width,
            epochs=options.epochs,
            lr=options.lr,
            seed=options.seed,
            step=shown.step,
        )
    if path:
        pictures.save(draw(task, fit), path)
    print(f"picture: {options.output}" if path else pictures.HOW)
    print(quality(task.y, fit(task.x)))
    if task.at is not None:
        if np.any((task.at < task.x.min(axis=0)) | (task.at > task.x.max(axis=0))):
            print("the prediction lies outside the data, where the fit is a guess")
        print(prediction(task, task.at, fit))


# ---------------------------------------------------------------- what to learn


@dataclass
class Task:
    """Points to learn: ``x`` (rows, columns) and ``y`` (rows,); where to predict, and what is expected there."""

    title: str
    names: list[str]
    x: np.ndarray
    y: np.ndarray
    at: np.ndarray | None
    f: Callable | None = None


def from_formula(text: str, at: list[float] | None) -> Task:
    """100 points of a function of x, with x from 1 to 10.

    >>> from_formula("2*x", None).y[:2].round(3)
    array([2.   , 2.182])
    """
    f = Formula(text)
    x = np.linspace(1, 10, 100)
    y = f(x)
    if (bad := np.flatnonzero(~np.isfinite(y))).size:
        i = bad[0]
        raise UserError(f"{f} is {y[i]} at x = {x[i]:.4g}; a fit needs a finite number at every x from 1 to 10")
    at = [6.0] if at is None else at
    if len(at) != 1:
        raise UserError(f"--at: a function of x takes one number, not {len(at)}")
    return checked(Task(f"y = {f}", ["x"], x[:, None], y, np.array(at), f))


def from_csv(file: str, at: list[float] | None) -> Task:
    """The rows of a CSV file."""
    table = read_table(file)
    if at is not None and len(at) != len(table.names):
        raise UserError(
            f"--at takes one number for each of the columns {', '.join(table.names)} of {file}, not {len(at)}"
        )
    title = f"{Path(file).name}: y from {', '.join(table.names)}"
    return checked(Task(title, table.names, table.x, table.y, None if at is None else np.array(at)))


def checked(task: Task) -> Task:
    """``task``, unless the squares of its numbers overflow or vanish, so that they have no standard deviation."""
    columns = np.column_stack([task.x, task.y])
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = np.std(columns, axis=0)
    varies = np.max(columns, axis=0) > np.min(columns, axis=0)
    if not np.all(np.isfinite(deviation)):
        raise UserError("the numbers are too large: their squares overflow; divide them by a constant")
    if np.any(varies & (deviation == 0)):
        raise UserError("the numbers are too small: their squares vanish; multiply them by a constant")
    return task


# ---------------------------------------------------------------- what to say


def quality(y: np.ndarray, predicted: np.ndarray) -> str:
    """How close the predictions come to the points.

    >>> import numpy as np
    >>> quality(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    'mean squared error 0.5, largest error 1, R2 0.5'
    """
    error = predicted - y
    squared, largest, variance = np.mean(error**2), np.max(np.abs(error)), np.var(y)
    share = f", R2 {1 - squared / variance:.6g}" if variance > 0 else ""
    return f"mean squared error {squared:.4g}, largest error {largest:.4g}{share}"


def prediction(task: Task, at: np.ndarray, fit: regression.Fit) -> str:
    """The last line, as in ``prediction at 6.0: 49.02 (expected 49)``."""
    place = ", ".join(str(float(x)) for x in at)
    line = f"prediction at {place}: {number(fit(at[None])[0], np.std(task.y))}"
    expected = task.f(at)[0] if task.f else math.nan
    if math.isfinite(expected):
        line += f" (expected {expected:.6g})"
    return line


def number(x: float, scale: float) -> str:
    """``x`` with two decimals, or with as many more as its ``scale`` asks for.

    >>> number(49.0174, 34.0), number(0.0012345, 0.01), number(1.5e9, 1e9)
    ('49.02', '0.0012', '1.5e+09')
    """
    decimals = max(2, 2 - math.floor(math.log10(scale))) if scale > 0 else 2
    return f"{x:z.{decimals}f}" if decimals < 8 and abs(x) < 1e7 else f"{x:.4g}"


# ---------------------------------------------------------------- what to draw


def draw(task: Task, fit: regression.Fit) -> Figure:
    """The data and the fit, what is left between them, and the loss of every start."""
    figure = pictures.canvas(11, 5, task.title)
    [(left, right)] = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.15, 1))
    above, below = left.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    if len(task.names) == 1:
        x, axis, height = task.x[:, 0], task.names[0], "y"
        line = np.linspace(x.min(), x.max(), 1000)
        above.plot(x, task.y, "o", color=pictures.GREY, markersize=4, label="data")
        above.plot(line, fit(line[:, None]), color=pictures.BLUE, linewidth=2, label="fit")
        if task.at is not None:
            label = prediction(task, task.at, fit)
            above.plot(task.at, fit(task.at[None]), "D", color=pictures.ORANGE, markersize=8, label=label)
    else:  # several inputs have no common axis: the predictions are drawn over what they should be
        x, axis, height = task.y, "y in the data", "predicted y"
        above.axline((x.mean(), x.mean()), slope=1, color=pictures.GREY, linewidth=1, label="exact")
        above.plot(x, fit(task.x), "o", color=pictures.BLUE, markersize=4, label="rows of the data")
    above.legend(frameon=False)
    pictures.label(above, "the fit", "", height)
    below.axhline(0, color=pictures.GREY, linewidth=1)
    below.plot(x, fit(task.x) - task.y, ".", color=pictures.BLUE, markersize=4)
    pictures.label(below, "", axis, "fit − data")

    axes = right.subplots()
    kept = fit.losses[fit.best]
    axes.plot(*smooth(kept), color=pictures.BLUE, linewidth=2, zorder=3, label="the start that was kept, smoothed")
    axes.plot(kept, color=pictures.BLUE, linewidth=0.5, alpha=0.3, label="the same, every epoch")
    for i, losses in enumerate(fit.losses):
        axes.plot(*smooth(losses), color=pictures.GREY, linewidth=1, label=None if i else "the other starts, smoothed")
    axes.set_yscale("log" if max(kept) > 0 else "linear")
    axes.legend(frameon=False)
    pictures.label(axes, "the loss", "epoch", "mean squared error")
    return figure


def smooth(losses: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """The losses as about a hundred points, each the median of a stretch, with the epochs in their middle.

    >>> smooth([3.0, 1.0, 2.0])
    (array([0.5, 1.5, 2.5]), array([3., 1., 2.]))
    """
    stretch = max(1, len(losses) // 100)
    whole = len(losses) // stretch
    medians = np.median(np.reshape(losses[: whole * stretch], (whole, stretch)), axis=1)
    return (np.arange(whole) + 0.5) * stretch, medians
