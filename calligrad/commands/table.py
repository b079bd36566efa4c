"""CSV files: their rows, and those of numbers as columns x… in, column y out."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calligrad.commands.errors import UserError


@dataclass
class Table:
    """The numbers of a CSV file: ``x`` (rows, columns) with the columns' names, and ``y`` (rows,)."""

    names: list[str]
    x: np.ndarray
    y: np.ndarray


def read_table(path: str) -> Table:
    """The columns of a CSV file whose name begins with x, and the column y; the others are left alone.

    The first line holds the names. Empty lines are skipped. Raises ``UserError``, with the line and the
    column, for whatever is not such a table of finite numbers.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "points.csv")
    ...     _ = file.write_text("x1,x2,y,note\\n1,2,3,a\\n4,5,6,b\\n")
    ...     table = read_table(str(file))
    >>> table.names, table.x.shape, table.y
    (['x1', 'x2'], (2, 2), array([3., 6.]))
    """
    if not path:
        raise UserError("--csv needs the name of a file")
    header, rows = read_rows(path)
    inputs, output = _columns(path, header)
    numbers = [
        [_number(cells[i], f"{path}, line {line}, column {header[i]}") for i in (*inputs, output)]
        for line, cells in rows
    ]
    if len(numbers) < 2:
        raise UserError(f"{path} has {counted(len(numbers), 'row')} of numbers; a fit needs at least 2")
    table = np.array(numbers)
    return Table([header[i] for i in inputs], table[:, :-1], table[:, -1])


def read_rows(path: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names in the first line of a CSV file; and its rows: the number of the line, and a cell for each name.

    Cells are stripped, lines of nothing or blanks skipped, and a line break in a name counts as a blank. A row is
    at its first line. Raises ``UserError``, with the line, for whatever is not CSV in UTF-8, and for a row with more or
    fewer cells than there are names: at the latest when it is that row's turn.
    """
    rows = _rows(path, _text(path))
    header = [one_line(name) for name in next(rows, (0, []))[1]]
    if not header:
        raise UserError(f"{path} is empty; its first line must name the columns, such as x,y")
    if len(header) == 1 and (mark := next((mark for mark in ";\t|" if mark in header[0]), None)):
        raise UserError(f"{path}: the cells of a line are separated by commas, not by {mark!r}")
    return header, _even(path, header, rows)


def _even(path: str, header: list[str], rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """The rows, as long as they are of the header's length."""
    for line, cells in rows:
        if len(cells) != len(header):
            raise UserError(f"{path}, line {line}: {counted(len(cells), 'cell')}, but line 1 names {len(header)}")
        yield line, cells


def _text(path: str) -> str:
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        text = data.decode("utf-8-sig")  # a mark of byte order at the start, as Excel writes, is dropped
        wrong, why = data.find(b"\0"), "is no text"
    except UnicodeDecodeError as error:
        text, wrong, why = "", error.start, "is not UTF-8"
    if wrong >= 0:
        line, column = data[:wrong].count(b"\n") + 1, wrong - data.rfind(b"\n", 0, wrong)
        raise UserError(f"{path}, line {line}, byte {column}: 0x{data[wrong]:02x} {why}; save the file as UTF-8")
    return text


def _rows(path: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    first = 1
    try:
        for row in reader:
            blank = len(row) == 1 and row[0].isspace()
            if row and not blank:
                yield first, [cell.strip() for cell in row]
            first = reader.line_num + 1
    except csv.Error as error:
        open_end = reader.line_num > first or "end of data" in str(error)
        why = "; a quotation mark that opens in this row is not closed" if open_end else ""
        raise UserError(f"{path}, line {first}: {error}{why}") from None


def _columns(path: str, header: list[str]) -> tuple[list[int], int]:
    """Where the columns x… stand, and where y does."""
    names = [name.casefold() for name in header]
    inputs = [i for i, name in enumerate(names) if name.startswith("x")]
    there = f"line 1 names {', '.join(map(repr, header))}"
    for i in (*inputs, *(i for i, name in enumerate(names) if name == "y")):
        if names.count(names[i]) > 1:
            raise UserError(f"{path}, line 1: there are {names.count(names[i])} columns {header[i]!r}; rename one")
    if not inputs:
        raise UserError(f"{path} has no column whose name begins with x; {there}")
    if "y" not in names:
        raise UserError(f"{path} has no column y; {there}")
    return inputs, names.index("y")


def _number(cell: str, where: str) -> float:
    if not cell:
        raise UserError(f"{where}: the cell is empty")
    try:
        x = float(cell)
    except ValueError:
        raise UserError(f"{where}: {cell!r} is not a number") from None
    if not math.isfinite(x):
        raise UserError(f"{where}: {cell!r} is not a finite number")
    return x


def one_line(text: str) -> str:
    """``text`` with blanks in place of line breaks, which would tear a report apart."""
    return " ".join(text.splitlines())


def counted(n: int, thing: str) -> str:
    """As in "1 row" and "2 rows"."""
    return f"{n:,} {thing}{'s' * (n != 1)}"
