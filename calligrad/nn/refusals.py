"""What is refused because of the numbers that an array holds. In a program these are lines of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.primitive import primitive


@primitive(checks=True)
def refuse(wrong: Any, numbers: Any, what: str) -> None:
    """Raise ``ValueError`` with the first of ``numbers`` that is ``wrong``; ``what`` says of it "{} is not …"."""
    if np.any(wrong):
        index = tuple(map(int, np.argwhere(wrong)[0]))
        where = f" at index {index[0] if len(index) == 1 else index}" if index else ""
        raise ValueError(what.format(f"{np.asarray(numbers)[index]}{where}"))


@primitive(checks=True)
def refuse_labels(labels: Any, classes: int, ignored: int, what: str) -> None:
    """Raise ``ValueError`` with the first label that is neither ``ignored`` nor from 0 to ``classes - 1``."""
    refuse(((labels < 0) | (labels >= classes)) & (labels != ignored), labels, what)


@primitive(checks=True)
def refuse_beyond(indices: Any, count: int, what: str) -> None:
    """Raise ``ValueError`` with the first of ``indices`` that is not from 0 to ``count - 1``; ``what`` is as above."""
    if indices.size and (indices.min() < 0 or indices.max() >= count):
        refuse((indices < 0) | (indices >= count), indices, what)
