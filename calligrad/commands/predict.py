"""``calligrad predict``: what a model of ``calligrad train`` says about the rows of a CSV file."""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import numpy as np

from calligrad.commands import outputs, report
from calligrad.commands.columns import is_missing
from calligrad.commands.errors import UserError
from calligrad.commands.sheet import Sheet, read_sheet
from calligrad.commands.table import counted
from calligrad.commands.tabular import TableModel
from calligrad.commands.target import Classes

DESCRIPTION = """\
Predict with a model of calligrad train. The rows are written to a new CSV file,
with the prediction in further columns, and for classes the probability of each.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``calligrad predict``."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", metavar="MODEL", help="what calligrad train wrote, a .npz file")
    parser.add_argument("csv", metavar="FILE", help="a CSV file with the columns that the model learned from")
    outputs.add_arguments(parser, "the predictions (FILE's name with -predicted.csv)")


def run(options: argparse.Namespace) -> None:
    """Predict, and write; the last line says how good it is if the file knows what is right, or else where it is."""
    path = outputs.prepare(
        options, f"{Path(options.csv).stem}-predicted.csv", ".csv", inputs=[options.csv, options.model]
    )
    model = TableModel.load(options.model)
    sheet = read_sheet(options.csv)
    sheet.require([column.name for column in model.columns], f"which {options.model} needs")
    predicted = model(model.features(sheet.cells))
    columns = answers(model, predicted)
    for name in columns:
        if name in sheet.cells:
            raise UserError(f"{sheet.path} has a column {name!r} already, which is to be written; rename it")
    for line in surprises(model, sheet):
        print(line)
    write(path, sheet.cells | columns)
    print(f"{counted(len(sheet), 'row')} with {model.target.name} predicted: {path}")
    if model.target.name in sheet.cells:
        score(model, predicted, sheet.cells[model.target.name])


def surprises(model: TableModel, sheet: Sheet) -> list[str]:
    """What the cells say that the model has not learned, a line for each column."""
    lines = []
    for column in model.columns:
        cells = sheet.cells[column.name]
        strange, first = column.strange(cells)
        if strange:
            are = "rare in training, or unknown" if column.kind == "text" else f"no {column.kind}, taken as missing"
            lines.append(f"{column.name}: {counted(strange, 'cell')} {are}, such as {first!r}")
        if missing := sum(is_missing(cell, column.kind) for cell in cells):
            lines.append(f"{column.name}: {missing:,} missing")
    return lines


def answers(model: TableModel, predicted: np.ndarray) -> dict[str, list[str]]:
    """The columns to be written: the prediction, and the probability of each class."""
    name = f"predicted {model.target.name}"
    if not isinstance(model.target, Classes):
        return {name: [f"{x:.9g}" for x in predicted]}
    columns = {name: [model.target.labels[i] for i in np.argmax(predicted, axis=1)]}
    for label, probabilities in zip(model.target.labels, predicted.T):
        columns[f"probability of {label}"] = [f"{p:.6f}" for p in probabilities]
    return columns


def write(path: Path, columns: dict[str, list[str]]) -> None:
    """A CSV file, as a whole or not at all."""
    outputs.make_folder(path)
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values()))
        os.replace(part, path)
    except OSError as error:
        raise UserError(f"{path} could not be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def score(model: TableModel, predicted: np.ndarray, cells: list[str]) -> None:
    """Print how good the predictions are where the file knows what is right, and where it says what cannot be."""
    name = model.target.name
    unknown = model.target.unknown(cells)
    if unknown:
        have = "rows have" if len(unknown) > 1 else "row has"
        why = "that the model does not know" if isinstance(model.target, Classes) else "that is no number"
        print(f"{len(unknown):,} {have} a {name} {why}, such as {unknown[0]!r}")
    y = model.target(cells)
    known = y >= 0 if isinstance(model.target, Classes) else np.isfinite(y)
    if known.any():
        blind = report.guess(model.target, y[known])
        rows, which = counted(int(known.sum()), "row"), " that it knows" * bool(unknown)
        print(f"on the {rows} with {name}{which}, which says little if the model learned from them:")
        print(*report.lines(model.target, predicted[known], y[known], blind), sep="\n")
