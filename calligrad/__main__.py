"""The command line: ``calligrad COMMAND``, or ``python -m calligrad COMMAND``."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

import calligrad
from calligrad.commands import digits, fit
from calligrad.commands.errors import UserError

COMMANDS = {
    "fit": (fit, "learn a function, or a CSV file, with a small network"),
    "digits": (digits, "learn to read handwritten digits"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 2 for a mistake in what was asked, 130 when interrupted.

    >>> main(["fit", "--f", "log(x - 5)"])  # on stderr: log(x - 5) is nan at x = 1; …
    2
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the name of a file or a column may not fit the terminal's encoding
    options = parser().parse_args(_joined(sys.argv[1:] if argv is None else argv))
    if options.command is None:
        parser().print_help(sys.stderr)
        return 2
    try:
        COMMANDS[options.command][0].run(options)
    except UserError as error:
        print(f"calligrad {options.command}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\ncalligrad {options.command}: stopped", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="calligrad", description="Deep learning written by hand, on NumPy.")
    top.add_argument("--version", action="version", version=f"calligrad {calligrad.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, (command, summary) in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=summary, allow_abbrev=False))
    return top


def _joined(argv: Sequence[str]) -> list[str]:
    """``--f -x`` as ``--f=-x``: argparse takes a value that begins with a minus for another option."""
    words: list[str] = []
    for word in argv:
        if words and words[-1] in ("--f", "--at") and word.startswith("-") and not word.startswith("--"):
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


if __name__ == "__main__":
    sys.exit(main())
