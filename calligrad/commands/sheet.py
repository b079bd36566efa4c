"""A CSV file of whatever cells, by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from calligrad.commands.errors import UserError
from calligrad.commands.table import read_rows


@dataclass
class Sheet:
    """The ``cells`` of a CSV file, a list for each column's name, and the numbers of the ``lines`` they stand in."""

    path: str
    cells: dict[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    def require(self, names: Iterable[str], why: str) -> None:
        """Raise ``UserError`` if there is no column of one of these names, with the closest name that there is."""
        lacking = [name for name in names if name not in self.cells]
        if lacking:
            lacks = f"has no column {lacking[0]!r}" if len(lacking) == 1 else f"lacks the columns {_listed(lacking)}"
            raise UserError(f"{self.path} {lacks}, {why}; {self._instead(lacking[0])}")

    def _instead(self, name: str) -> str:
        from difflib import get_close_matches

        by_small = {known.casefold(): known for known in self.cells}
        close = get_close_matches(name.casefold(), by_small, n=1)
        return (
            f"is {name!r} called {by_small[close[0]]!r} here?" if close else f"line 1 names {_listed(list(self.cells))}"
        )


def read_sheet(path: str) -> Sheet:
    """All columns of a CSV file, whose first line holds their names.

    Raises ``UserError`` for what is not such a table, for names that occur twice, and if there are no rows.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "pets.csv")
    ...     _ = file.write_text("name,age\\nRex,3\\n\\nTom,\\n")
    ...     read_sheet(str(file)).cells
    {'name': ['Rex', 'Tom'], 'age': ['3', '']}
    """
    header, rows = read_rows(path)
    name, times = Counter(header).most_common(1)[0]
    if times > 1:
        called = repr(name) if name else "without a name"
        raise UserError(f"{path}, line 1: there are {times} columns {called}; rename all but one")
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in header]
    for line, cells in rows:
        lines.append(line)
        for column, cell in zip(columns, cells):
            column.append(cell)
    if not lines:
        raise UserError(f"{path} has no rows after the names of its columns")
    return Sheet(path, dict(zip(header, columns)), lines)


def _listed(names: list[str], most: int = 8) -> str:
    """Names in quotes, as many as one can take in.

    >>> _listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    told = ", ".join(map(repr, names[:most]))
    return told if len(names) <= most else f"{told} and {len(names) - most} more"
