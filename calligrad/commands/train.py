"""``calligrad train``: learn one column of a CSV file from the others."""

from __future__ import annotations

import argparse
import math
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from calligrad import optim, parallel
from calligrad.commands import outputs, report
from calligrad.commands.columns import learn, recognise
from calligrad.commands.errors import UserError
from calligrad.commands.options import rate, whole
from calligrad.commands.sheet import Sheet, read_sheet
from calligrad.commands.table import counted
from calligrad.commands.tabular import TableModel
from calligrad.commands.target import CLASSIFICATION, REGRESSION, Classes, Quantity, Question, ask
from calligrad.data import ArrayDataset, DataLoader, stratified_split
from calligrad.nn.functional import cross_entropy, mse_loss
from calligrad.progress import progress
from calligrad.train import Callback, Trainer

SHARES = (0.7, 0.15, 0.15)  # to learn from, to see when to stop, to test
BINS = 5  # of a number, so that small and large ones come into all three parts
PATIENCE = 20  # epochs
TOLD = 8  # names in a line

DESCRIPTION = """\
Learn to predict one column of a CSV file from the others: a class if it is text
or has few whole numbers, otherwise a number. The others may be numbers, text,
true or false, and dates; cells may be missing. What becomes of each column is
told, and how good the predictions are for rows that were held out.
"""

EXAMPLES = """\
examples:
  calligrad train houses.csv --target price
  calligrad predict houses.npz new-houses.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``calligrad train``."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("csv", metavar="FILE", help="a CSV file whose first line names the columns")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    parser.add_argument("--task", choices=(CLASSIFICATION, REGRESSION), help="if the target does not show it")
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="what all random draws start from (0)")
    parser.add_argument("--epochs", type=whole(1), default=200, metavar="N", help="at most so many (200)")
    parser.add_argument("--lr", type=rate, default=0.001, metavar="RATE", help="the learning rate (0.001)")
    parser.add_argument("--width", type=whole(1, 10_000), default=100, metavar="N", help="units of a layer (100)")
    outputs.add_arguments(parser, "the model (FILE's name with .npz)")


def run(options: argparse.Namespace) -> None:
    """Train, save the model, and report; the last line says how good it is on the rows that were held out."""
    path = outputs.prepare(options, f"{Path(options.csv).stem}.npz", ".npz", inputs=[options.csv])
    sheet = read_sheet(options.csv)
    sheet.require([options.target], "which is to be predicted")
    question = ask(sheet, options.target, options.task)
    kinds, told = kinds_of(sheet, options.target)
    parts = split(question, options.seed)
    print(f"{sheet.path}: {counted(len(sheet), 'row')}, {counted(len(sheet.cells), 'column')}")
    print(f"target {options.target}: {question.told[0]}", *question.told[1:], sep="\n  ")
    print("columns", *told, sep="\n  ")

    model, features = new(sheet, kinds, question, parts[0], options)
    sizes = [len(part) for part in parts]
    print(f"rows: {sizes[0]} to learn from, {sizes[1]} to see when to stop, {sizes[2]} to test")
    print(f"network {features.shape[1]}-{options.width}-{options.width}-{model.target.outputs}", flush=True)
    fit(model, [(features[part], question.y[part]) for part in parts[:2]], options)

    learned, test = question.y[parts[0]], question.y[parts[2]]
    ranked = report.importance(model, features[parts[2]], test, np.random.default_rng(options.seed))
    blind = report.guess(model.target, learned)
    *lines, last = report.lines(model.target, model(features[parts[2]]), test, blind)
    print("", *report.importance_lines(model, ranked), "", *lines, sep="\n")
    outputs.make_folder(path)
    model.save(str(path))
    print(f"model: {path}", f"test {last}", sep="\n")


def kinds_of(sheet: Sheet, target: str) -> tuple[dict[str, str], list[str]]:
    """The kind of each column that can help, and lines that tell what becomes of all."""
    found = {name: recognise(name, cells) for name, cells in sheet.cells.items() if name != target}
    told = []
    for kind, plural in (("number", "numbers"), ("boolean", "true or false"), ("date", "dates, as days")):
        plain = [name for name, (its, note) in found.items() if its == kind and not note]
        if plain:
            more = f" and {len(plain) - TOLD} more" if len(plain) > TOLD else ""
            told.append(f"{plural}: {', '.join(plain[:TOLD])}{more}")
    for name, (kind, note) in found.items():
        if note:
            told.append(f"{name or '(no name)'}: {kind or 'left out'}, {note}")
    kinds = {name: kind for name, (kind, _) in found.items() if kind}
    if not kinds:
        why = "; ".join(f"{name}: {note}" for name, (_, note) in list(found.items())[:3])
        raise UserError(f"{sheet.path} has no column to predict {target} from{f' ({why})' if why else ''}")
    return kinds, told


def split(question: Question, seed: int) -> list[np.ndarray]:
    """The rows to learn from, to stop by and to test with, each with all classes, or small and large numbers, alike."""
    y = question.y
    if isinstance(question.target, Quantity):
        y = np.argsort(np.argsort(y, kind="stable"), kind="stable") * BINS // len(y)
    return [part.indices for part in stratified_split(range(len(y)), y, SHARES, seed=seed)]


def new(
    sheet: Sheet, kinds: dict[str, str], question: Question, learned: np.ndarray, options: argparse.Namespace
) -> tuple[TableModel, np.ndarray]:
    """An untrained model that knows the rows to be ``learned``, and the features of all rows that have a target."""
    cells = {name: [sheet.cells[name][i] for i in question.rows] for name in kinds}
    columns = [learn(name, kind, [cells[name][i] for i in learned]) for name, kind in kinds.items()]
    if isinstance(question.target, Quantity):
        question.target.scale(question.y[learned])
    model = TableModel.new(columns, question.target, options.width, np.random.default_rng(options.seed))
    return model, model.features(cells)


def fit(model: TableModel, parts: list[tuple[np.ndarray, np.ndarray]], options: argparse.Namespace) -> None:
    """Train with AdamW until the validation loss no longer falls, and go back to where it was lowest."""
    if isinstance(model.target, Quantity):
        parts = [(x, model.target.scaled(y)[:, None].astype(np.float32)) for x, y in parts]
    training, validation = (ArrayDataset(x, y) for x, y in parts)
    rows = len(training)
    loader = DataLoader(training, min(256, max(16, rows // 20)), shuffle=True, seed=options.seed)
    with (
        progress("training", options.epochs) as shown,
        ctrl_c_at_once(),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.filterwarnings("ignore", "the loss is")  # not finite: told below
        trainer = Trainer(
            model.net,
            cross_entropy if isinstance(model.target, Classes) else mse_loss,
            optim.AdamW(model.net.parameters(), lr=options.lr),
            patience=PATIENCE,
            callbacks=[Shown(shown)],
            seed=options.seed,
            show=False,
        )
        with parallel.one_blas_thread():  # with matrices so small, several mostly wait: 60 ms a step in place of 0.6
            history = trainer.fit(loader, DataLoader(validation, 4096), options.epochs)
    if not trainer.best.epoch or not math.isfinite(history[-1]["loss"]):
        raise UserError(f"the training ran away: the loss is {history[-1]['loss']}; take an --lr below {options.lr:g}")
    why = f", as the last {PATIENCE} were no better" if len(history) < options.epochs else ""
    print(f"kept: epoch {trainer.best.epoch} of {len(history)}{why}; validation loss {trainer.best.value:.4f}")


@contextmanager
def ctrl_c_at_once() -> Iterator[None]:
    """Ctrl-C within ends the command, as anywhere else in it; the trainer, were it to, would speak of a run_folder.

    The trainer leaves the signal alone where the handler is not Python's own.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    ours = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class Shown(Callback):
    """Shows how far the training has come."""

    def __init__(self, shown: Any) -> None:
        self.shown = shown

    def on_epoch_end(self, trainer: Trainer) -> None:
        """One more step of the bar."""
        record = trainer.history[-1]
        self.shown.step(f"epoch {record['epoch']}  validation loss {record['validation_loss']:.4f}")
