import csv
import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from calligrad.__main__ import main


class Run:
    """What one command left behind."""

    def __init__(self, status, out, err, folder):
        self.status, self.out, self.err, self.folder = status, out, err, folder
        self.last = out.splitlines()[-1] if out else ""

    def files(self):
        return sorted(file.name for file in self.folder.iterdir())


@pytest.fixture
def calligrad(tmp_path, monkeypatch, capsys):
    """Run a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*argv):
        try:
            status = main([str(word) for word in argv])
        except SystemExit as end:  # argparse leaves this way
            status = end.code
        return Run(status, *capsys.readouterr(), tmp_path)

    return run


@pytest.fixture
def without(monkeypatch):
    """Have packages missing."""

    def without(*packages):
        for package in packages:
            for name in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
                monkeypatch.setitem(sys.modules, name, None)

    return without


class Terminal(io.StringIO):
    """What stderr is when a person looks at it."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Put a terminal in the place of stderr."""

    def terminal(kind="xterm"):
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setenv("TERM", kind)
        return sys.stderr

    return terminal


def png_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG file, in pixels."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert data.endswith(b"IEND\xaeB`\x82")
    return struct.unpack(">II", data[16:24])


def write_csv(path: Path, columns: dict[str, list]) -> Path:
    """A CSV file of these columns."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values()))
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def customers(n: int = 240, seed: int = 0) -> dict[str, list]:
    """A table of every kind of column: ``bought`` and ``spent`` follow from age, city and member."""
    rng = np.random.default_rng(seed)
    age, city, member = rng.integers(18, 80, n), rng.choice(["Rome", "Oslo", "Kyiv"], n), rng.random(n) < 0.5
    liking = (age - 50) / 15 + 2 * (city == "Oslo") + member - 1
    return {
        "customer_id": rng.permutation(10 * n)[:n].tolist(),
        "age": ["" if i % 9 == 0 else a for i, a in enumerate(age)],
        "city": ["N/A" if i % 20 == 0 else c for i, c in enumerate(city)],
        "member": ["yes" if m else "no" for m in member],
        "since": [str(np.datetime64("2020-01-01") + int(d)) for d in rng.integers(0, 1000, n)],
        "birthday": [f"{d}/0{m}/1990" for d, m in zip(rng.integers(1, 29, n), rng.integers(1, 10, n))],
        "planet": ["Earth"] * n,
        "note": [f"note {i}" for i in range(n)],
        "income": ["unknown" if i % 50 == 0 else x for i, x in enumerate(rng.lognormal(10, 1, n).round(2).tolist())],
        "bought": ["yes" if x > 0.5 else "no" for x in liking],
        "spent": (100 + 20 * liking).round(2).tolist(),
    }
