"""Datasets: anything that has a length and gives its item number ``i`` for ``dataset[i]``.

Two methods are optional, and the loader uses them where they are:

- ``random_item(i, rng)``: item number ``i``, with what is random in it drawn from ``rng``;
- ``batch_of(indices)``: many items at once, already joined as a batch.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy as np

from calligrad.data.transforms import draws
from calligrad.random import generator


class Dataset(Protocol):
    """What a dataset has: a length, and an item for each number below it. A list is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Any: ...


def item(dataset: Dataset, i: int, rng: np.random.Generator) -> Any:
    """``dataset[i]``, with ``rng`` for what is random in it, if it can take one."""
    return dataset.random_item(i, rng) if hasattr(dataset, "random_item") else dataset[i]


class ArrayDataset:
    """Arrays of the same length, side by side: item ``i`` is the tuple of their rows ``i``.

    A dict of arrays gives dicts. The arrays are kept as they are, not copied; whole batches are cut out of them with
    one index. Raises ``ValueError`` if their lengths differ.

    >>> import numpy as np
    >>> from calligrad.data import ArrayDataset
    >>> data = ArrayDataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]))
    >>> len(data), data[1]
    (3, (array([2., 3.]), np.int64(1)))
    >>> ArrayDataset({"x": np.arange(3), "y": np.ones(3)})[2]
    {'x': np.int64(2), 'y': np.float64(1.0)}
    """

    def __init__(self, *arrays: Any) -> None:
        named = len(arrays) == 1 and isinstance(arrays[0], dict)
        columns = dict(arrays[0]) if named else dict(enumerate(arrays))
        if not columns:
            raise ValueError("ArrayDataset takes one array or more")
        self.columns = {key: np.asarray(column) for key, column in columns.items()}
        self.named = named
        lengths = {key: len(column) if column.ndim else None for key, column in self.columns.items()}
        if None in lengths.values() or len(set(lengths.values())) > 1:
            shapes = ", ".join(f"{key}: {column.shape}" for key, column in self.columns.items())
            raise ValueError(f"the arrays of a dataset have one length along their first axis, not {shapes}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, i: Any) -> Any:
        rows = {key: column[i] for key, column in self.columns.items()}
        return rows if self.named else tuple(rows.values())

    def batch_of(self, indices: np.ndarray) -> Any:
        """The rows ``indices`` of each array."""
        rows = {key: np.take(column, indices, axis=0) for key, column in self.columns.items()}
        return rows if self.named else tuple(rows.values())


class Subset:
    """The items ``indices`` of a dataset.

    >>> from calligrad.data import Subset
    >>> list(Subset("abcdef", [4, 0]))
    ['e', 'a']
    """

    def __init__(self, dataset: Dataset, indices: Any) -> None:
        self.dataset, self.indices = dataset, checked_indices(indices, len(dataset))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Any:
        return self.dataset[int(self.indices[i])]

    @property
    def random_item(self) -> Callable[[int, np.random.Generator], Any]:
        """The dataset's, if it has one."""
        drawn = self.dataset.random_item  # type: ignore[attr-defined]
        return lambda i, rng: drawn(int(self.indices[i]), rng)

    @property
    def batch_of(self) -> Callable[[np.ndarray], Any]:
        """The dataset's, if it has one."""
        whole = self.dataset.batch_of  # type: ignore[attr-defined]
        return lambda chosen: whole(self.indices[chosen])


class ConcatDataset:
    """Datasets one after the other.

    >>> from calligrad.data import ConcatDataset
    >>> list(ConcatDataset(["ab", "cde"]))
    ['a', 'b', 'c', 'd', 'e']
    """

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset takes a list of one dataset or more")
        self.ends = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.ends[-1]

    def _find(self, i: int) -> tuple[Dataset, int]:
        if not -len(self) <= i < len(self):
            raise IndexError(f"item {i} is not in a dataset of {len(self)} items")
        i = int(i) % len(self)
        part = bisect.bisect_right(self.ends, i)
        return self.datasets[part], i - (self.ends[part - 1] if part else 0)

    def __getitem__(self, i: int) -> Any:
        dataset, i = self._find(i)
        return dataset[i]

    def random_item(self, i: int, rng: np.random.Generator) -> Any:
        """Item ``i`` with ``rng`` for what is random in it."""
        dataset, i = self._find(i)
        return item(dataset, i, rng)


class Transformed:
    """A dataset whose items go through ``transform(x)``, or ``transform(x, rng)`` if it takes two arguments.

    ``part`` says what of an item is transformed: 0 for the first of a tuple, such as the image of (image, label), a
    key of a dict, or None for the whole of it. An item that is neither tuple, list nor dict is taken whole. In a
    ``DataLoader`` the ``rng`` is seeded by the loader's seed, the epoch and the index of the item, elsewhere it is
    ``calligrad.random``'s.

    >>> from calligrad.data import Transformed
    >>> Transformed([(1, "one"), (2, "two")], lambda x: 10 * x)[1]
    (20, 'two')
    """

    def __init__(self, dataset: Dataset, transform: Callable, part: Any = 0) -> None:
        self.dataset, self.transform, self.part = dataset, transform, part
        self.draws = draws(transform)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> Any:
        return self.random_item(i, generator())

    def random_item(self, i: int, rng: np.random.Generator) -> Any:
        """Item ``i``, transformed with draws from ``rng``."""
        whole = item(self.dataset, i, rng)
        if self.part is None or not isinstance(whole, (tuple, list, dict)):
            return self._changed(whole, rng)
        parts = dict(whole if isinstance(whole, dict) else enumerate(whole))
        if self.part not in parts:
            raise ValueError(f"an item has no part {self.part!r} to transform; it has {', '.join(map(repr, parts))}")
        parts[self.part] = self._changed(parts[self.part], rng)
        if isinstance(whole, dict):
            return parts
        return type(whole)(*parts.values()) if hasattr(whole, "_fields") else type(whole)(parts.values())

    def _changed(self, x: Any, rng: np.random.Generator) -> Any:
        return self.transform(x, rng) if self.draws else self.transform(x)


# ---------------------------------------------------------------- splits


def random_split(
    dataset: Dataset, lengths: Sequence[float], seed: int | None = None, rng: np.random.Generator | None = None
) -> list[Subset]:
    """The dataset dealt at random into subsets of ``lengths``: counts, or fractions that sum to 1.

    Drawn from ``seed``, or else from ``rng`` or ``calligrad.random``. What fractions leave over goes to the first
    subsets, one item each.

    >>> from calligrad.data import random_split
    >>> [len(part) for part in random_split(range(11), [0.8, 0.2], seed=0)]
    [9, 2]
    """
    counts = _counts(lengths, len(dataset))
    order = _generator(seed, rng).permutation(len(dataset))
    return [Subset(dataset, part) for part in np.split(order, np.cumsum(counts)[:-1])]


def stratified_split(
    dataset: Dataset,
    labels: Any,
    lengths: Sequence[float],
    seed: int | None = None,
    rng: np.random.Generator | None = None,
) -> list[Subset]:
    """As ``random_split``, with each class in every subset in nearly the proportion it has in the whole.

    ``labels`` has the class of each item.

    >>> import numpy as np
    >>> from calligrad.data import stratified_split
    >>> labels = np.repeat([0, 1], [90, 10])
    >>> _, test = stratified_split(range(100), labels, [0.8, 0.2], seed=0)
    >>> np.bincount(labels[test.indices])
    array([18,  2])
    """
    labels = np.asarray(labels)
    if labels.shape != (len(dataset),):
        raise ValueError(f"stratified_split takes one label for each of {len(dataset)} items, not {labels.shape}")
    counts = _counts(lengths, len(dataset))
    rng = _generator(seed, rng)
    order = stratified(labels, rng)  # any stretch of it has the classes in proportion
    return [Subset(dataset, rng.permutation(part)) for part in np.split(order, np.cumsum(counts)[:-1])]


def stratified(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order of all items in which each class is spread evenly.

    The items of a class of n stand at the places (k + u)/n of the way, with a u between 0 and 1 of its own.
    """
    order = rng.permutation(len(labels))
    _, kinds, counts = np.unique(labels[order], return_inverse=True, return_counts=True)
    places = (occurrence(kinds) + rng.random(len(counts))[kinds]) / counts[kinds]
    return order[np.argsort(places, kind="stable")]


def checked_indices(indices: Any, n: int) -> np.ndarray:
    """``indices`` as an array, if they are such of ``n`` items."""
    indices = np.asarray(indices)
    if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "iu"):
        raise ValueError(
            f"indices are a list of whole numbers, not {indices.dtype} of shape {indices.shape}"
            + ("; np.flatnonzero makes them of a mask" if indices.dtype == np.bool_ else "")
        )
    outside = (indices < 0) | (indices >= n)
    if outside.any():
        i = int(np.argmax(outside))
        raise ValueError(f"index {indices[i]} at {i} is not in a dataset of {n} items")
    return indices.astype(np.intp, copy=False)


def occurrence(x: np.ndarray) -> np.ndarray:
    """How often each number of ``x`` stands before its place.

    >>> import numpy as np
    >>> from calligrad.data.datasets import occurrence
    >>> occurrence(np.array([7, 5, 7, 7]))
    array([0, 0, 1, 2])
    """
    by_number = np.argsort(x, kind="stable")
    _, counts = np.unique(x, return_counts=True)
    nth = np.empty(len(x), np.intp)
    nth[by_number] = np.arange(len(x)) - np.repeat(np.cumsum(counts) - counts, counts)
    return nth


def _counts(lengths: Sequence[float], total: int) -> np.ndarray:
    wanted = np.asarray(lengths)
    if wanted.ndim != 1 or not wanted.size or not (wanted >= 0).all():
        raise ValueError(f"lengths are counts or fractions, none below 0, not {lengths!r}")
    if wanted.dtype.kind == "f" and abs(wanted.sum() - 1) < 1e-6:
        counts = np.floor(wanted * total + 1e-9).astype(np.intp)
        counts[: total - counts.sum()] += 1
        return counts
    if wanted.dtype.kind not in "iu" or wanted.sum() != total:
        raise ValueError(f"lengths {lengths!r} sum neither to the {total} items of the dataset nor, as fractions, to 1")
    return wanted


def _generator(seed: int | None, rng: np.random.Generator | None) -> np.random.Generator:
    if seed is not None and rng is not None:
        raise TypeError("give a seed or an rng, not both")
    return generator(rng) if seed is None else np.random.default_rng(seed)
