"""What a table's model predicts: one of some classes, or a number."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from calligrad.commands.columns import (
    ENOUGH,
    READERS,
    is_boolean,
    is_missing,
    measured,
    moments,
    number,
    standardised,
)
from calligrad.commands.errors import UserError
from calligrad.commands.sheet import Sheet
from calligrad.commands.table import counted, one_line

CLASSIFICATION, REGRESSION = "classification", "regression"
FEW = 20  # at most so many different whole numbers are taken for classes
RARE = 5  # a class with fewer rows can be neither learned nor tested
LEAST = 20  # rows


@dataclass
class Classes:
    """A target that is one of the classes ``labels``."""

    name: str
    labels: list[str]
    task: str = field(default=CLASSIFICATION, init=False)

    @property
    def outputs(self) -> int:
        """How many numbers the network gives."""
        return len(self.labels)

    def __call__(self, cells: list[str]) -> np.ndarray:
        """(rows,) numbers of the classes; -1 for a cell that is none of them."""
        fold = str.casefold if is_boolean(self.labels) else str
        place = {fold(label): i for i, label in enumerate(self.labels)}
        return np.array([place.get(fold(_label(cell)), -1) for cell in cells], np.int64)

    def unknown(self, cells: list[str]) -> list[str]:
        """Those that are none of the classes, and not missing."""
        return [cell for cell, i in zip(cells, self(cells)) if i < 0 and not is_missing(cell)]


@dataclass
class Quantity:
    """A target that is a number; the network sees it in standard deviations from the mean of the training part."""

    name: str
    mean: float = 0.0
    deviation: float = 1.0
    task: str = field(default=REGRESSION, init=False)

    outputs = 1

    def __call__(self, cells: list[str]) -> np.ndarray:
        """(rows,) numbers, NaN for a cell that is none."""
        return np.array([number(cell) for cell in cells], np.float64)

    def unknown(self, cells: list[str]) -> list[str]:
        """Those that are no numbers, and not missing."""
        return [cell for cell in cells if math.isnan(number(cell)) and not is_missing(cell, "number")]

    def scale(self, y: np.ndarray) -> None:
        """Take mean and deviation from the ``y`` of the training part."""
        self.mean, self.deviation = moments(y)

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """As the network sees it."""
        return standardised(y, self.mean, self.deviation)

    def back(self, y: np.ndarray) -> np.ndarray:
        """In the units of the data."""
        return y * self.deviation + self.mean


@dataclass
class Question:
    """What is to be learned: the ``target``, the ``rows`` that have one, its ``y`` there, and what there is to tell."""

    target: Classes | Quantity
    rows: np.ndarray
    y: np.ndarray
    told: list[str]


def ask(sheet: Sheet, name: str, task: str | None) -> Question:
    """What the column ``name`` asks for: text and few whole numbers are classes, other numbers a quantity.

    Raises ``UserError`` for a column from which nothing can be learned.
    """
    cells = sheet.cells[name]
    kind = "text" if task == CLASSIFICATION else measured([c for c in cells if not is_missing(c)])[0] or "text"
    known = [i for i, cell in enumerate(cells) if not is_missing(cell, kind)]
    told = []
    if len(known) < len(cells):
        word = next((f", such as {c!r}" for c in cells if is_missing(c, kind) and not is_missing(c)), "")
        told.append(f"{counted(len(cells) - len(known), 'row')} without {name} left out{word}")
    if not known:
        raise UserError(f"{sheet.path}: every cell of the column {name!r} is missing")
    if len(known) < LEAST:
        raise UserError(f"{sheet.path} has {counted(len(known), 'row')} with {name}; training takes at least {LEAST}")
    values = Counter(_label(cells[i]) for i in known)
    if is_boolean(values):
        values = _folded(values)
    if len(values) == 1:
        raise UserError(f"{sheet.path}: every {name} is {next(iter(values))!r}; there is nothing to tell apart")

    few = len(values) <= min(FEW, len(known) // RARE)
    if kind.startswith("number ") and (task == REGRESSION or not few):
        i = next(i for i in known if math.isnan(number(cells[i])) and not math.isnan(READERS[kind](cells[i])))
        raise UserError(
            f"{sheet.path}, line {sheet.lines[i]}: {name} is not written in plain numbers; "
            f"write {cells[i]!r} as {READERS[kind](cells[i]):.15g}, and all others so"
        )
    strange = [i for i in known if math.isnan(number(cells[i]))]
    if task == REGRESSION or (kind == "number" and (not few or len(strange) <= (1 - ENOUGH) * len(known))):
        if strange:
            raise UserError(
                f"{sheet.path}, line {sheet.lines[strange[0]]}, column {name}: {cells[strange[0]]!r} is not a finite "
                f"number; correct it, or empty the cell to leave out the row"
            )
        x = np.array([number(cells[i]) for i in known])
        if task == REGRESSION or not few or np.any(x != np.floor(x)):
            with np.errstate(over="ignore", under="ignore"):
                variance = np.var(x)
            if not np.isfinite(variance) or variance == 0:
                what = (
                    "small: their squares vanish; multiply"
                    if variance == 0
                    else "large: their squares overflow; divide"
                )
                raise UserError(f"{sheet.path}: the numbers of {name} are too {what} them by a constant")
            why = "as asked for" if task else f"as {name} is a number; --task classification if it is not"
            return Question(Quantity(name), np.array(known), x, [f"regression, {why}", *told])
        why = f"as {name} has {len(values)} different whole numbers; --task regression if they are quantities"
    else:
        why = "as asked for" if task else f"as {name} is {'true or false' if is_boolean(values) else 'text'}"
    return _classes(sheet, name, known, values, [f"classification, {why}", *told])


def _classes(sheet: Sheet, name: str, known: list[int], values: Counter[str], told: list[str]) -> Question:
    rare = {label for label, n in values.items() if n < RARE}
    if 2 * len(values) > len(known) or len(values) - len(rare) < 2:
        frequent = ", ".join(f"{label!r} in {counted(n, 'row')}" for label, n in values.most_common(3))
        raise UserError(
            f"{sheet.path}: {name} has {len(values):,} different values in {counted(len(known), 'row')}, and of at "
            f"least two classes there must be {RARE} rows each; there are {frequent}{' …' * (len(values) > 3)}"
        )
    if rare:
        first = ", ".join(map(repr, sorted(rare)[:3])) + " …" * (len(rare) > 3)
        lost = sum(values[label] for label in rare)
        told.append(f"{counted(lost, 'row')} left out, of classes with fewer than {RARE} rows: {first}")
    target = Classes(name, sorted(values.keys() - rare, key=_order))
    y = target([sheet.cells[name][i] for i in known])
    rows, y = np.array(known)[y >= 0], y[y >= 0]
    if len(rows) < LEAST:
        raise UserError(f"{sheet.path}: {counted(len(rows), 'row')} are left, and training takes at least {LEAST}")
    ordered = sorted(target.labels, key=lambda label: -values[label])
    shares = [f"{label} {100 * values[label] / len(rows):.0f} %" for label in ordered[:8]]
    told.append(f"classes: {', '.join(shares)}{' …' * (len(ordered) > 8)}")
    if values[ordered[0]] >= 4 * values[ordered[-1]]:
        told.append("the classes are unbalanced: look at F1 and the table of what was taken for what, not at accuracy")
    return Question(target, rows, y, told)


def _label(cell: str) -> str:
    """A class by its name, in one line; a whole number is the same however it is written.

    >>> _label("1.0"), _label("1"), _label("yes")
    ('1', '1', 'yes')
    """
    x = number(cell)
    return str(int(x)) if x.is_integer() and abs(x) < 1e15 else one_line(cell)


def _folded(values: Counter[str]) -> Counter[str]:
    """Words counted in any case, each by its most frequent spelling.

    >>> _folded(Counter({"YES": 1, "yes": 3, "No": 2}))
    Counter({'yes': 4, 'No': 2})
    """
    spelling = {value.casefold(): value for value, _ in reversed(values.most_common())}
    folded: Counter[str] = Counter()
    for value, n in values.items():
        folded[spelling[value.casefold()]] += n
    return folded


def _order(label: str) -> tuple[bool, float, str]:
    """Numbers by size, then text by its letters."""
    x = number(label)
    return (math.isnan(x), 0.0 if math.isnan(x) else x, label)
