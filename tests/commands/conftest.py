import io
import struct
import sys
from pathlib import Path

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
