"""The columns of a table as numbers for a network: what kind each one is, and how its cells become numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from calligrad.commands.table import counted

MISSING = {"", "?", "na", "n/a", "#n/a", "nan", "null"}  # in any case; what else there is may be a category
TRUTHS = ({"false": 0.0, "true": 1.0}, {"no": 0.0, "yes": 1.0}, {"f": 0.0, "t": 1.0}, {"n": 0.0, "y": 1.0})
ENOUGH = 0.9  # the share of a column's cells that must be numbers, or dates, for it to be one of these
CATEGORIES = 50  # so many of a column are told apart, the most frequent ones
FARTHEST = 10.0  # standard deviations: a cell farther out counts as this far, so that one slip does not decide all
AMBIGUOUS_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](\d{2}|\d{4})\b.*")
IDENTIFIER = re.compile(r"|(.*[ _-])?(id|index|key|uuid|guid)", re.IGNORECASE)


def is_missing(cell: str) -> bool:
    """Whether a cell says that nothing is known.

    >>> is_missing("N/A"), is_missing("none")
    (True, False)
    """
    return cell.casefold() in MISSING


# ---------------------------------------------------------------- one cell


def number(cell: str) -> float:
    """A finite number, or else NaN.

    >>> number("-1e3"), number("12_000"), number("inf")
    (-1000.0, nan, nan)
    """
    try:
        x = float(cell)
    except ValueError:
        return math.nan
    return x if math.isfinite(x) and "_" not in cell else math.nan


def truth(cell: str) -> float:
    """1 for true, yes, t or y; 0 for their opposites; or else NaN."""
    return next((words[cell.casefold()] for words in TRUTHS if cell.casefold() in words), math.nan)


def days(cell: str) -> float:
    """The days from 1970 to a date such as 2024-01-31, 2024-01 or 2024-01-31T12:00, or else NaN.

    >>> days("1970-02-01 12:00"), days("31.1.2024")
    (31.5, nan)
    """
    try:
        moment = datetime.fromisoformat(f"{cell}-01" if re.fullmatch(r"\d{4}-\d{2}", cell) else cell)
    except ValueError:
        return math.nan
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86400


READERS = {"number": number, "boolean": truth, "date": days}


# ---------------------------------------------------------------- one column


@dataclass
class Numbers:
    """A column of numbers, booleans or dates: how far from its mean, in standard deviations.

    A cell that is missing counts as the median. Where there were such cells in training, a second number says whether
    this is one: that a cell is missing may mean something.
    """

    name: str
    kind: str
    mean: float
    deviation: float
    median: float
    marked: bool

    @classmethod
    def of(cls, name: str, kind: str, cells: list[str]) -> Numbers:
        """Learned from the ``cells`` of the training part."""
        x = np.array([READERS[kind](cell) for cell in cells])
        known = x[np.isfinite(x)]
        mean, deviation = moments(known) if known.size else (0.0, 1.0)
        # halves: NumPy's median adds two numbers, and the sum of the largest overflows
        median = 2 * float(np.median(known / 2)) if known.size else 0.0
        return cls(name, kind, mean, deviation, median, bool(known.size < x.size))

    @property
    def size(self) -> int:
        """How many numbers a cell becomes."""
        return 1 + self.marked

    def __call__(self, cells: list[str]) -> np.ndarray:
        """(rows,) cells to (rows, size) numbers."""
        x = np.array([READERS[self.kind](cell) for cell in cells], np.float64)
        missing = np.isnan(x)
        x = np.clip(standardised(np.where(missing, self.median, x), self.mean, self.deviation), -FARTHEST, FARTHEST)
        return np.stack([x, missing][: self.size], axis=1).astype(np.float32)

    def strange(self, cells: list[str]) -> tuple[int, str]:
        """How many cells say something that is no number, boolean or date, and the first of them."""
        return _counted_with_first(c for c in cells if not is_missing(c) and math.isnan(READERS[self.kind](c)))


@dataclass
class Categories:
    """A column of text: a number for each of its ``values``, which is 1 for the cell's own and 0 for the others.

    A missing cell is a value like any other, "". If ``others``, there is one number for all values that are rare in
    training, and for those never seen; if not, a value never seen is 0 everywhere.
    """

    name: str
    values: list[str]
    others: bool
    kind: str = field(default="text", init=False)

    @classmethod
    def of(cls, name: str, cells: list[str]) -> Categories:
        """Learned from the ``cells`` of the training part: the values that occur at least twice in it."""
        counts = Counter("" if is_missing(cell) else cell for cell in cells)
        frequent = sorted((value for value, n in counts.items() if n > 1), key=lambda value: (-counts[value], value))
        values = sorted(frequent[:CATEGORIES])
        return cls(name, values, others=len(values) < len(counts))

    @property
    def size(self) -> int:
        """How many numbers a cell becomes."""
        return len(self.values) + self.others

    def __call__(self, cells: list[str]) -> np.ndarray:
        """(rows,) cells to (rows, size) numbers."""
        place = {value: i for i, value in enumerate(self.values)}
        places = np.array([place.get("" if is_missing(c) else c, len(place)) for c in cells], np.intp)
        return (places[:, None] == np.arange(self.size)).astype(np.float32)

    def strange(self, cells: list[str]) -> tuple[int, str]:
        """How many cells have a value that has no number of its own, and the first of them."""
        known = set(self.values)
        return _counted_with_first(cell for cell in cells if not is_missing(cell) and cell not in known)


def moments(x: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation, of numbers as large as there are; the deviation of a constant is 1.

    >>> moments(np.array([1.0, 3.0])), moments(np.array([1e200, -1e200]))
    ((2.0, 1.0), (0.0, 1e+200))
    """
    scale = float(np.max(np.abs(x))) or 1.0
    deviation = float(np.std(x / scale)) * scale
    return float(np.mean(x / scale)) * scale, deviation if deviation > 1e-12 * scale else 1.0


def standardised(x: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """``x`` in standard deviations from the mean."""
    with np.errstate(over="ignore"):
        return (x - mean) / deviation


def _counted_with_first(cells: Any) -> tuple[int, str]:
    found = list(cells)
    return len(found), found[0] if found else ""


# ---------------------------------------------------------------- what kind it is


def recognise(name: str, cells: list[str]) -> tuple[str, str]:
    """The kind of a column, and what there is to tell about it.

    The kind is "number", "boolean", "date", "text", or "" for a column that cannot help.

    >>> recognise("age", ["31", "n/a", "40", "52"])
    ('number', '1 missing')
    >>> recognise("city", ["Rome", "Oslo", "Rome", "Rome"])
    ('text', '2 categories')
    >>> recognise("row_id", ["17", "3", "12", "99"])
    ('', 'an identifier: every cell is different')
    >>> recognise("planet", ["Earth"] * 4)
    ('', "every cell is 'Earth'")
    """
    known = [cell for cell in cells if not is_missing(cell)]
    if not known:
        return "", "every cell is missing"
    values = Counter(known)
    missing = [f"{len(cells) - len(known):,} missing"] * (len(known) < len(cells))
    if len(values) == 1:
        only = f"every cell is {_short(known[0])}"
        return ("text", f"{only}, or missing") if missing else ("", only)
    small = {value.casefold() for value in values}
    if any(small <= words.keys() for words in TRUTHS):
        return "boolean", ", ".join(missing)
    for kind, what in (("number", "no number"), ("date", "no date")):
        read = [READERS[kind](cell) for cell in known]
        strange = [cell for cell, x in zip(known, read) if math.isnan(x)]
        if len(strange) <= (1 - ENOUGH) * len(known):
            if kind == "number" and not missing and not strange and _identifies(name, np.array(read)):
                return "", "an identifier: every cell is different"
            if strange:
                cell_is = "cell is" if len(strange) == 1 else "cells are"
                missing.append(f"{len(strange):,} {cell_is} {what} and count as missing, such as {_short(strange[0])}")
            return kind, ", ".join(missing)
    if sum(bool(AMBIGUOUS_DATE.fullmatch(cell)) for cell in known) >= ENOUGH * len(known):
        return "", f"dates that can be read in two ways, such as {_short(known[0])}; 2024-01-31 would be understood"
    if 2 * len(values) > max(len(known), 10):
        return "", f"text with {len(values):,} different values in {counted(len(known), 'row')}"
    merged = [f"of which the {CATEGORIES} most frequent are told apart"] * (len(values) > CATEGORIES)
    return "text", ", ".join([f"{len(values):,} categories", *merged, *missing])


def learn(name: str, kind: str, cells: list[str]) -> Numbers | Categories:
    """A column of this ``kind``, from the ``cells`` of the training part."""
    return Categories.of(name, cells) if kind == "text" else Numbers.of(name, kind, cells)


def _identifies(name: str, x: np.ndarray) -> bool:
    """Whether whole numbers, all different, are called an identifier, or number the rows from 0 or 1 on."""
    if np.any(x != np.floor(x)) or len(np.unique(x)) < len(x):
        return False
    numbering = x.min() in (0, 1) and x.max() - x.min() == len(x) - 1
    return bool(numbering or IDENTIFIER.fullmatch(name))


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 30 else cell[:29] + "…")
