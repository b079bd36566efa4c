"""One seeded source of random draws for everything that is not given an ``rng`` of its own.

>>> import calligrad
>>> calligrad.random.seed(0)
>>> float(calligrad.random.generator().random())
0.6369616873214543
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.modes import capture_here

_generator: np.random.Generator | None = None  # made when first drawn from: numpy.random is slow to import


def seed(n: int) -> None:
    """Start the draws anew from ``n``, so that they repeat."""
    global _generator
    _generator = np.random.default_rng(n)


def generator(rng: np.random.Generator | None = None) -> np.random.Generator:
    """``rng`` if there is one, otherwise the shared generator."""
    if rng is not None:
        if not isinstance(rng, np.random.Generator) and not hasattr(type(rng), "is_traced"):
            raise TypeError(f"rng is a generator such as np.random.default_rng(0), not {rng!r}")
        return rng
    if (capture := capture_here()) is not None:
        return capture.generator(_shared)
    return _shared()


def _shared() -> np.random.Generator:
    global _generator
    if _generator is None:
        _generator = np.random.default_rng()
    return _generator


def state(rng: np.random.Generator | None = None) -> dict[str, Any]:
    """Where the shared generator stands, or ``rng``, as a dict for JSON.

    >>> import calligrad
    >>> calligrad.random.seed(0)
    >>> before = calligrad.random.state()
    >>> first = calligrad.random.generator().random()
    >>> calligrad.random.restore(before)
    >>> calligrad.random.generator().random() == first
    True
    """
    return _plain(generator(rng).bit_generator.state)


def restore(state: dict[str, Any], rng: np.random.Generator | None = None) -> None:
    """Bring the shared generator, or ``rng``, back to where it stood when ``state`` was taken."""
    global _generator
    if rng is None:
        kind = getattr(np.random, str(state.get("bit_generator")), None)
        if kind is None:
            raise ValueError(f"a state of random.state() is needed, not {state!r}")
        if type(_shared().bit_generator) is not kind:
            _generator = np.random.Generator(kind())
    generator(rng).bit_generator.state = state


def _plain(x: Any) -> Any:
    if isinstance(x, dict):
        return {key: _plain(part) for key, part in x.items()}
    return x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x


def snapshot() -> Any:
    """Where the shared generator and NumPy's old one stand, for ``rewind``."""
    own = None if _generator is None else (_generator, _generator.bit_generator.state)
    return own, np.random.get_state()  # noqa: NPY002, users may draw from it


def rewind(snapshot: Any) -> None:
    """Bring them back to where they stood."""
    own, legacy = snapshot
    if own is not None:
        own[0].bit_generator.state = own[1]
    np.random.set_state(legacy)  # noqa: NPY002
