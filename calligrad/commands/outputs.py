"""Where a command writes: a name of its own, or the one that is asked for; what is there stays, unless one says so."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from calligrad.commands.errors import UserError


def add_arguments(parser: argparse.ArgumentParser, what: str) -> None:
    """The options ``--output``, ``--folder`` and ``--overwrite``."""
    parser.add_argument("--output", "--out", metavar="NAME", help=what)
    parser.add_argument("--folder", default=".", metavar="DIR", help="where it goes; it is made if need be (here)")
    parser.add_argument("--overwrite", action="store_true", help="replace a file of this name")


def prepare(options: argparse.Namespace, name: str, suffix: str, inputs: Iterable[str]) -> Path:
    """The file to be written: ``options.output``, or ``name``, in ``options.folder``.

    Raises ``UserError`` if it is there and may not be replaced, is one of the ``inputs``, or cannot be written: better
    now than after the work. Nothing is left behind.
    """
    if options.output == "" or "\0" in f"{options.output}{options.folder}":
        raise UserError("--output and --folder need the name of a file and of a folder")
    path = Path(options.folder, name if options.output is None else options.output)
    if path.suffix.lower() != suffix:
        raise UserError(f"--output {path}: its name must end in {suffix}")
    folder = path.parent
    try:
        if path.is_dir():
            raise UserError(f"--output {path}: there is a folder of this name")
        if path.exists():
            if any(os.path.exists(file) and os.path.samefile(path, file) for file in inputs):
                raise UserError(f"--output {path}: that is what is to be read")
            if not options.overwrite:
                raise UserError(f"{path} is there already; --overwrite replaces it, --output takes another name")
        while not folder.exists():
            folder = folder.parent
        if not folder.is_dir():
            raise UserError(f"--folder {path.parent}: {folder} is a file")
        try:
            tempfile.TemporaryFile(dir=folder).close()  # os.access grants the superuser all, and /proc nobody anything
        except OSError as error:
            raise UserError(f"--folder {path.parent}: nothing can be written in {folder}: {error.strerror}") from None
    except OSError as error:
        raise UserError(f"--output {path}: {error.strerror or error}") from None
    return path


def make_folder(path: Path) -> None:
    """Make the folder that ``path`` is to stand in."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--folder {path.parent}: {error.strerror or error}") from None
