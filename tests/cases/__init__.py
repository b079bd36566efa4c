"""One row for each way of calling each operation; test_laws.py holds every row against every law.

A row has a name, a function, and how to draw its inputs. The name begins with what the row covers, as the
user writes it: "np.sum axis=1". A new operation needs new rows here and nothing else; test_coverage.py
says which are missing. Every module of this package adds rows of its chapter.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator

from tests.cases.table import CASES, NUMPY, Case

HAVE_SCIPY = importlib.util.find_spec("scipy") is not None

for _module in pkgutil.iter_modules(__path__):
    if _module.name.startswith("scipy") and not HAVE_SCIPY:
        continue  # an extra, which the newest Python may still lack
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["CASES", "NUMPY", "Case", "covering"]


def covering(word: str) -> Iterator[Case]:
    """The cases that cover ``word``."""
    return (case for case in CASES.values() if case.covers == word)
