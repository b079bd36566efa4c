"""What the doctor says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

WIDTH = 110


@dataclass(frozen=True)
class Finding:
    """One thing that was found: an ``"error"`` spoils the training, a ``"warning"`` may."""

    kind: str
    what: str
    advice: str

    def __str__(self) -> str:
        body = textwrap.indent(textwrap.fill(self.advice, WIDTH - 2), "  ")
        return f"{textwrap.fill(f'{self.kind}: {self.what}', WIDTH, subsequent_indent='  ')}\n{body}"


@dataclass
class Report:
    """What was found, worst first, and what was looked at without finding anything; printed, it is a text.

    ``report.errors`` and ``report.warnings`` are lists of ``Finding``; ``report.healthy`` says that there are none.
    """

    findings: list[Finding] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """What spoils the training."""
        return [finding for finding in self.findings if finding.kind == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """What may spoil it."""
        return [finding for finding in self.findings if finding.kind == "warning"]

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def look(self, at: str, findings: Iterator[Finding]) -> list[Finding]:
        """Take in what a check found; if that is nothing, the check is passed."""
        found = list(findings)
        self.findings += found
        if not found:
            self.passed.append(at)
        return found

    def __str__(self) -> str:
        parts = [*map(str, self.errors), *map(str, self.warnings)]
        if self.passed:
            parts.append(textwrap.fill(f"in order: {', '.join(self.passed)}", WIDTH, subsequent_indent="  "))
        return "\n".join(parts)

    __repr__ = __str__


def error(what: str, advice: str) -> Finding:
    """Something that spoils the training."""
    return Finding("error", what, advice)


def warning(what: str, advice: str) -> Finding:
    """Something that may."""
    return Finding("warning", what, advice)


def some(names: list[str], count: int = 4) -> str:
    """The first few of ``names``."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
