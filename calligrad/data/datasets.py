"""Small real data sets that are part of the package: nothing is downloaded."""

from __future__ import annotations

import gzip
from importlib import resources

import numpy as np


def load(name: str) -> tuple[np.ndarray, ...]:
    """The arrays of the data set called ``name``.

    - ``"digits"``: 1,797 handwritten digits, as ``images`` (1797, 8, 8), float32 from 0 (paper) to 1 (ink)
      in steps of 1/16, and ``labels`` (1797,), int64 from 0 to 9. E. Alpaydin and C. Kaynak, "Optical
      recognition of handwritten digits", UCI Machine Learning Repository, 1998; licence in
      ``calligrad/data/digits/LICENSE``.

    Raises ``ValueError`` with the names there are for any other name.

    >>> import calligrad.data
    >>> images, labels = calligrad.data.load("digits")
    >>> images.shape, labels[:5]
    ((1797, 8, 8), array([0, 1, 2, 3, 4]))
    """
    if name not in _READERS:
        raise ValueError(f"there is no data set {name!r}; there is {', '.join(map(repr, _READERS))}")
    return _READERS[name]()


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Each line of the file is an image of 64 pixels, counts of ink from 0 to 16, and its label."""
    file = resources.files("calligrad.data") / "digits" / "digits.csv.gz"
    table = np.loadtxt(gzip.decompress(file.read_bytes()).decode("ascii").splitlines(), np.int64, delimiter=",")
    return table[:, :-1].reshape(-1, 8, 8).astype(np.float32) / 16, table[:, -1].copy()


_READERS = {"digits": _digits}
