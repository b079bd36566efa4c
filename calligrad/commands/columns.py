"""The columns of a table as numbers for a network: what kind each one is, and how its cells become numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np

from calligrad.commands.table import counted

MISSING = {"", "?", "na", "n/a", "#n/a", "<na>", "nan", "null"}  # in any case
UNSAID = {"-", "--", "none", "nil", "unknown", "missing"}  # missing too, but in text, where they may be a category
TRUTHS = ({"false": 0.0, "true": 1.0}, {"no": 0.0, "yes": 1.0}, {"f": 0.0, "t": 1.0}, {"n": 0.0, "y": 1.0})
ENOUGH = 0.9  # the share of a column's cells that must be numbers, or dates, for it to be one of these
MOST = 0.8  # the share that is enough where the others are at most so many words, over and over
WORDS = 3
SIGNS = "$€£¥₹%"  # that a number may have before or after it, if all of its column have it
AMOUNT = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d+)?")
SWAP = str.maketrans(",.", ".,")
CATEGORIES = 50  # so many of a column are told apart, the most frequent ones
FARTHEST = 10.0  # standard deviations: a cell farther out counts as this far, so that one slip does not decide all
AMBIGUOUS_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](\d{2}|\d{4})\b.*")
IDENTIFIER = re.compile(r"|(.*[ _-])?id", re.IGNORECASE)


def is_missing(cell: str, kind: str = "text") -> bool:
    """Whether a cell says that nothing is known, in a column of this ``kind``.

    >>> is_missing("N/A"), is_missing("none"), is_missing("none", "number")
    (True, False, True)
    """
    small = cell.casefold()
    return small in MISSING or (kind != "text" and small in UNSAID)


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


def amount(cell: str, sign: str = "", comma: bool = False) -> float:
    """A number as people write it, with commas between thousands, or else as decimal points; and with this ``sign``.

    >>> amount("157,949"), amount("-$1,050.10", "$"), amount("1,5 %", "%", comma=True), amount("15,79")
    (157949.0, -1050.1, 1.5, nan)
    """
    if sign:
        before, found, after = cell.partition(sign)
        if not found or (after and before.strip() not in ("", "+", "-")):
            return math.nan
        cell = before.strip() + after.strip()
    if comma:
        cell = cell.translate(SWAP)
    return number(cell.replace(",", "")) if AMOUNT.fullmatch(cell) else math.nan


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


READERS: dict[str, Callable[[str], float]] = {
    "number": number,
    "number with commas between thousands": amount,
    "number with a decimal comma": partial(amount, comma=True),
    **{f"number in {sign}": partial(amount, sign=sign) for sign in SIGNS},
    **{f"number in {sign} with a decimal comma": partial(amount, sign=sign, comma=True) for sign in SIGNS},
    "boolean": truth,
    "date": days,
}


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
        read = READERS[self.kind]
        return _counted_with_first(c for c in cells if not is_missing(c, self.kind) and math.isnan(read(c)))


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

    The kind is one of ``READERS``, "text", or "" for a column that cannot help.

    >>> recognise("age", ["31", "n/a", "40", "52"])
    ('number', '1 missing')
    >>> recognise("age", ["31", "unknown", "40", "52"])
    ('number', "1 missing, such as 'unknown'")
    >>> recognise("price", ["$31.50", "$1,040", "$5"])
    ('number in $', "'$31.50' is read as 31.5")
    >>> recognise("city", ["Rome", "Oslo", "Rome", "Rome"])
    ('text', '2 categories')
    >>> recognise("row_id", ["17", "3", "12", "99"])
    ('', 'an identifier: every cell is different')
    >>> recognise("planet", ["Earth"] * 4)
    ('', "every cell is 'Earth'")
    """
    said = [cell for cell in cells if not is_missing(cell)]
    if not said:
        return "", "every cell is missing"
    values = Counter(said)
    missing = _missing_note(cells, "text")
    if len(values) == 1:
        only = f"every cell is {_short(said[0])}"
        return ("text", f"{only}, or missing") if missing else ("", only)
    kind, strange = measured(said)
    if kind:
        notes, plain = _missing_note(cells, kind), kind == "number" and not strange
        known = [cell for cell in said if not is_missing(cell, kind)]
        if plain and not notes and _identifies(name, np.array([number(cell) for cell in known])):
            return "", "an identifier: every cell is different"
        if kind.startswith("number "):
            example = next(cell for cell in known if math.isnan(number(cell)) and not math.isnan(READERS[kind](cell)))
            notes.insert(0, f"{_short(example)} is read as {READERS[kind](example):.15g}")
        if strange:
            cell_is = "cell is" if len(strange) == 1 else "cells are"
            what = f"no {kind.partition(' ')[0]} and count as missing, such as {_short(strange[0])}"
            notes.append(f"{len(strange):,} {cell_is} {what}")
        return kind, ", ".join(notes)
    if sum(bool(AMBIGUOUS_DATE.fullmatch(cell)) for cell in said) >= ENOUGH * len(said):
        return "", f"dates that can be read in two ways, such as {_short(said[0])}; 2024-01-31 would be understood"
    if 2 * len(values) > max(len(said), 10):
        numbers = len(said) - len(strange)
        share = f"; {100 * numbers / len(said):.0f} % are numbers, but not {_short(strange[0])}" if numbers else ""
        return "", f"text with {len(values):,} different values in {counted(len(said), 'row')}{share}"
    merged = [f"of which the {CATEGORIES} most frequent are told apart"] * (len(values) > CATEGORIES)
    return "text", ", ".join([f"{len(values):,} categories", *merged, *missing])


def measured(cells: list[str]) -> tuple[str, list[str]]:
    """The kind of ``READERS`` that cells are, or "" for text; and those that are no numbers, or dates, all the same.

    >>> measured(["1", "2", "none"]), measured(["1,5", "2"]), measured(["1", "two"])
    (('number', []), ('number with a decimal comma', []), ('', ['two']))
    """
    known = [cell for cell in cells if not is_missing(cell, "number")]
    if known and is_boolean(known):
        return "boolean", []
    text = "".join(known)
    ways = [kind for kind in READERS if kind.startswith("number") and all(s in text for s in SIGNS if s in kind)]
    strange = {kind: [cell for cell in known if math.isnan(READERS[kind](cell))] for kind in (*ways, "date")}
    number_kind = min(ways, key=lambda kind: len(strange[kind]))  # the first of equals: plain numbers, if they are
    for kind in (number_kind, "date"):
        words = Counter(strange[kind])
        few = words.total() <= (1 - MOST) * len(known) and len(words) <= WORDS and min(words.values(), default=2) > 1
        if known and (few or words.total() <= (1 - ENOUGH) * len(known)):
            return kind, strange[kind]
    return "", [cell for cell in cells if math.isnan(READERS[number_kind](cell))]


def is_boolean(values: Iterable[str]) -> bool:
    """Whether these are true and false, yes and no, or their like, in any case."""
    small = {value.casefold() for value in values}
    return any(small <= words.keys() for words in TRUTHS)


def _missing_note(cells: list[str], kind: str) -> list[str]:
    """How many cells are missing in a column of this ``kind``, with a word that says so."""
    missing = [cell for cell in cells if is_missing(cell, kind)]
    word = next((f", such as {_short(cell)}" for cell in missing if not is_missing(cell)), "")
    return [f"{len(missing):,} missing{word}"] * bool(missing)


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
