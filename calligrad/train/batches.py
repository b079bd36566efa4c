"""What comes from a loader: its batches from any place on, in the model's precision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from calligrad import random
from calligrad.nests import leaves, map_leaves
from calligrad.value import Value


def check_loader(loader: Any, what: str) -> None:
    """Raise ``TypeError`` for what cannot be gone through in every epoch."""
    advice = "it takes a DataLoader, a list of batches, or another iterable of them"
    if isinstance(loader, (np.ndarray, Value, dict)):
        raise TypeError(f"{what} is one {type(loader).__name__}; {advice}")
    if isinstance(loader, tuple) and any(isinstance(part, (np.ndarray, Value)) for part in loader):
        raise TypeError(f"{what} is a tuple of arrays; {advice}, such as DataLoader(ArrayDataset(x, y), batch_size=32)")
    if isinstance(loader, Iterator):
        raise TypeError(f"{what} is a {type(loader).__name__}, which can be gone through only once; {advice}")
    if not isinstance(loader, Iterable) and not hasattr(loader, "batches"):
        raise TypeError(f"{what} is a {type(loader).__name__}; {advice}")


def batches_of(loader: Any, epoch: int, start: int = 0, before: dict[str, Any] | None = None) -> Iterator[Any]:
    """The batches of an epoch from number ``start`` on.

    A DataLoader finds the place by itself. Anything else is gone through from the epoch's beginning, with the shared
    generator as it stood there, ``before``, so that a shuffle that drew from it is the same again.
    """
    if hasattr(loader, "batches"):
        return iter(loader.batches(epoch, start))
    if isinstance(loader, (list, tuple)):
        return islice(loader, start, None)
    if not start or before is None:
        return iter(loader)
    now = random.state()
    random.restore(before)
    batches = iter(loader)
    for _ in islice(batches, start):
        pass
    random.restore(now)
    return batches


def count(loader: Any) -> int | None:
    """The number of batches in an epoch, where the loader knows it."""
    try:
        return len(loader)
    except TypeError:
        return None


def rows(batch: Any) -> int:
    """The number of examples in a batch: the length of its first array that has one."""
    return next((len(leaf) for leaf in leaves(batch) if np.ndim(leaf)), 1)


def as_dtype(batch: Any, dtype: np.dtype) -> Any:
    """``batch`` with its floating arrays in ``dtype``; integers, bools and whatever is no array stay as they are.

    >>> import numpy as np
    >>> as_dtype((np.ones(2), np.array([0, 1])), np.dtype(np.float32))
    (array([1., 1.], dtype=float32), array([0, 1]))
    """

    def convert(x: Any) -> Any:
        if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.dtype != dtype:
            return x.astype(dtype)
        return x

    return map_leaves(convert, batch)


def split(batch: Any) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
    """What the model is called with, in order and by name, and the target, of a batch ``(x, …, y)`` or
    ``{"x": …, "y": …}``.

    >>> split((1, 2, 3))
    ((1, 2), {}, 3)
    >>> split({"x": 1, "y": 2})
    ((1,), {}, 2)
    >>> split({"tokens": 1, "mask": 2, "y": 3})
    ((), {'tokens': 1, 'mask': 2}, 3)
    """
    if isinstance(batch, dict):
        if "y" not in batch:
            raise ValueError(f'a batch needs its target under "y"; this one has {", ".join(map(repr, batch))}')
        return *_named(batch), batch["y"]
    if not isinstance(batch, (list, tuple)) or len(batch) < 2:
        kind = f"{type(batch).__name__}" + (f" of {len(batch)}" if isinstance(batch, (list, tuple)) else "")
        raise TypeError(f"a batch is a tuple (x, y) or a dict with x and y, not a {kind}; or write a step(batch)")
    return tuple(batch[:-1]), {}, batch[-1]


def inputs(batch: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the model is called with for a prediction: a batch may have a target, which is left out, or none."""
    if isinstance(batch, dict):
        return _named(batch)
    if isinstance(batch, (list, tuple)):
        return tuple(batch[:-1] if len(batch) > 1 else batch), {}
    return (batch,), {}


def _named(batch: dict) -> tuple[tuple[Any, ...], dict[str, Any]]:
    named = {key: part for key, part in batch.items() if key != "y"}
    return ((named["x"],), {}) if named.keys() == {"x"} else ((), named)
