"""Data sets by name: ``load``."""

from __future__ import annotations

import gzip
import os
from importlib import resources
from pathlib import Path

import numpy as np


def load(name: str, split: str = "train", *, folder: str | os.PathLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    """``images, labels`` of the data set called ``name``.

    - ``"digits"``: 1,797 handwritten digits, as ``images`` (1797, 8, 8), float32 from 0 (paper) to 1 (ink)
      in steps of 1/16, and ``labels`` (1797,), int64 from 0 to 9. It is part of calligrad and of one piece, without
      a split into "train" and "test". E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI
      Machine Learning Repository, 1998; licence in ``calligrad/data/digits/LICENSE``.
    - ``"mnist"``: handwritten digits, ``images`` (60000, 28, 28), uint8 from 0 to 255, and ``labels`` (60000,), int64;
      the split "test" has 10,000. Y. LeCun, C. Cortes and C. J. C. Burges, 1998.
    - ``"fashion_mnist"``: clothes in ten classes, in the same form. H. Xiao, K. Rasul and R. Vollgraf,
      arXiv:1708.07747.
    - ``"cifar10"``: photographs in ten classes, ``images`` (50000, 3, 32, 32), uint8, and ``labels``; the split
      "test" has 10,000. A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    The last three are read from their official files. They are looked for in ``folder`` if it is given, otherwise in a
    folder called ``name`` in the cache (``$CALLIGRAD_CACHE``, or the system's place for caches), and where the system
    has a package of them. What is not there is downloaded into that folder.

    Raises ``ValueError`` for another name or split and for a file that is not the official one, ``ConnectionError``,
    which says what to put where, if a download fails.

    >>> import calligrad.data
    >>> images, labels = calligrad.data.load("digits")
    >>> images.shape, labels[:5]
    ((1797, 8, 8), array([0, 1, 2, 3, 4]))
    """
    if split not in ("train", "test"):
        raise ValueError(f'split is "train" or "test", not {split!r}')
    if name == "digits":
        if split != "train":
            raise ValueError('"digits" is of one piece: split it with calligrad.data.stratified_split')
        return _digits()
    from calligrad.data import official  # here, as it loads what downloads take

    if name not in official.SETS:
        raise ValueError(f"there is no data set {name!r}; there is 'digits', {', '.join(map(repr, official.SETS))}")
    return official.SETS[name].read(split, None if folder is None else Path(folder))


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Each line of the file is an image of 64 pixels, counts of ink from 0 to 16, and its label."""
    file = resources.files("calligrad.data") / "digits" / "digits.csv.gz"
    table = np.loadtxt(gzip.decompress(file.read_bytes()).decode("ascii").splitlines(), np.int64, delimiter=",")
    return table[:, :-1].reshape(-1, 8, 8).astype(np.float32) / 16, table[:, -1].copy()
