"""One seeded source of random draws for everything that is not given an ``rng`` of its own.

>>> import calligrad
>>> calligrad.random.seed(0)
>>> float(calligrad.random.generator().random())
0.6369616873214543
"""

from __future__ import annotations

import numpy as np

_generator: np.random.Generator | None = None  # made when first drawn from: numpy.random is slow to import


def seed(n: int) -> None:
    """Start the draws anew from ``n``, so that they repeat."""
    global _generator
    _generator = np.random.default_rng(n)


def generator(rng: np.random.Generator | None = None) -> np.random.Generator:
    """``rng`` if there is one, otherwise the shared generator."""
    global _generator
    if rng is not None:
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng is a generator such as np.random.default_rng(0), not {rng!r}")
        return rng
    if _generator is None:
        _generator = np.random.default_rng()
    return _generator
