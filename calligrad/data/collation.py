"""How the items of a batch are joined."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from calligrad.dtypes import default_dtype
from calligrad.value import Value


def collate(items: Sequence[Any]) -> Any:
    """The batch of ``items``: tuples of batches for tuples, dicts for dicts, and so for namedtuples and dataclasses.

    Arrays and NumPy's scalars are stacked along a new first axis and keep their dtype. Python's numbers, which have
    none, become an array: bools bool, ints int64, floats ``calligrad.default_dtype()``. Strings, bytes and None stay
    lists. Raises ``ValueError`` for shapes or nests that differ within the batch, ``TypeError`` for other things.

    >>> import numpy as np
    >>> from calligrad.data import collate
    >>> collate([(np.zeros(2, np.float32), 7, "a"), (np.ones(2, np.float32), 8, "b")])
    (array([[0., 0.],
           [1., 1.]], dtype=float32), array([7, 8]), ['a', 'b'])
    """
    return _joined(list(items), "item")


def _joined(items: list[Any], path: str) -> Any:
    first = items[0]
    if isinstance(first, (np.ndarray, np.generic)):
        return _stacked(items, path)
    if isinstance(first, Value):
        raise TypeError(f"{path} is a Value; a dataset gives arrays")
    kinds = {type(item) for item in items}
    if len(kinds) > 1 and not kinds <= {bool, int, float}:
        mixed = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(f"{path} is {mixed} in one batch; items of a batch are alike")
    if isinstance(first, (bool, int, float)):
        dtype = default_dtype() if float in kinds else np.int64 if int in kinds else np.bool_
        return np.array(items, dtype)
    if first is None or isinstance(first, (str, bytes)):
        return items
    if isinstance(first, dict):
        _alike(items, path, set, "keys")
        return {key: _joined([item[key] for item in items], f"{path}[{key!r}]") for key in first}
    if isinstance(first, (tuple, list)):
        _alike(items, path, len, "lengths")
        parts = [_joined(list(column), f"{path}[{i}]") for i, column in enumerate(zip(*items))]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    if dataclasses.is_dataclass(first):
        names = [field.name for field in dataclasses.fields(first)]
        return dataclasses.replace(
            first,  # type: ignore[type-var]
            **{name: _joined([getattr(item, name) for item in items], f"{path}.{name}") for name in names},
        )
    raise TypeError(
        f"{path} is a {type(first).__name__}, which the loader cannot join to a batch: "
        "give arrays, numbers, strings, or tuples, dicts and dataclasses of them, or pass collate="
    )


def _stacked(items: list[Any], path: str) -> np.ndarray:
    for i, item in enumerate(items):
        if np.shape(item) != np.shape(items[0]):
            raise ValueError(
                f"{path} has shape {np.shape(items[0])} in the first item of the batch and {np.shape(item)} "
                f"in number {i}: bring them to one shape, or pass collate= to join them in another way"
            )
    return np.stack(items)


def _alike(items: list[Any], path: str, of: Any, what: str) -> None:
    for i, item in enumerate(items):
        if of(item) != of(items[0]):
            raise ValueError(
                f"{path} has {what} {of(items[0])} in the first item of the batch, {of(item)} in number {i}"
            )
