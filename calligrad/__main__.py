"""The command line: ``calligrad COMMAND``, or ``python -m calligrad COMMAND``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

import calligrad
from calligrad.commands import digits, fit, predict, train
from calligrad.commands.errors import UserError

COMMANDS = {
    "fit": (fit, "learn a function, or a CSV file, with a small network"),
    "digits": (digits, "learn to read handwritten digits"),
    "train": (train, "learn one column of a CSV file from the others"),
    "predict": (predict, "predict that column for the rows of another CSV file"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 2 for a mistake in what was asked, 130 when interrupted.

    >>> main(["fit", "--f", "log(x - 5)"])  # on stderr: log(x - 5) is nan at x = 1; …
    2
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the name of a file or a column may not fit the terminal's encoding
    top, commands = parsers()
    options, rest = top.parse_known_args(_joined(sys.argv[1:] if argv is None else argv))
    if rest:
        commands.get(options.command, top).error(f"unrecognized arguments: {' '.join(rest)}")
    if options.command is None:
        top.print_help(sys.stderr)
        return 2
    try:
        COMMANDS[options.command][0].run(options)
        sys.stdout.flush()
    except UserError as error:
        print(f"calligrad {options.command}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\ncalligrad {options.command}: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the command line, and that of each command."""
    top = argparse.ArgumentParser(prog="calligrad", description="Deep learning written by hand, on NumPy.")
    top.add_argument("--version", action="version", version=f"calligrad {calligrad.__version__}")
    choice = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    commands = {}
    for name, (command, summary) in COMMANDS.items():
        commands[name] = choice.add_parser(name, help=summary, allow_abbrev=False)
        command.add_arguments(commands[name])
    return top, commands


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
