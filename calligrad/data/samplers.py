"""Samplers: in which order an epoch goes through a dataset.

A sampler has a length, and ``draw(rng)`` gives an array of that many indices. The loader passes a generator seeded by
its seed and the number of the epoch, so the order of any epoch can be found again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np

from calligrad.data.datasets import stratified
from calligrad.random import generator


class Sampler:
    """Subclass it and write ``draw(rng)`` and ``__len__``; iterating over it draws once from ``calligrad.random``."""

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """The indices of one epoch."""
        raise NotImplementedError(f"{type(self).__name__} defines no draw")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} defines no length")

    def __iter__(self) -> Iterator[int]:
        return iter(self.draw(generator()).tolist())


class SequentialSampler(Sampler):
    """From the first to the last.

    >>> from calligrad.data import SequentialSampler
    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, dataset: Sized) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """0, 1, 2, …"""  # noqa: D400
        return np.arange(len(self))


class RandomSampler(Sampler):
    """Every item once, in random order; with ``replacement``, ``num_samples`` items drawn one by one.

    >>> import numpy as np
    >>> from calligrad.data import RandomSampler
    >>> sorted(RandomSampler("abc").draw(np.random.default_rng(0)).tolist())
    [0, 1, 2]
    """

    def __init__(self, dataset: Sized, replacement: bool = False, num_samples: int | None = None) -> None:
        self.dataset, self.replacement, self.num_samples = dataset, replacement, num_samples
        possible = np.inf if replacement and len(dataset) else len(dataset)
        if num_samples is not None and not 0 <= num_samples <= possible:
            raise ValueError(f"num_samples={num_samples} cannot be drawn out of {len(dataset)} items")

    def __len__(self) -> int:
        return len(self.dataset) if self.num_samples is None else self.num_samples

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """A permutation, or draws with replacement."""
        if self.replacement:
            return rng.integers(len(self.dataset), size=len(self))
        return rng.permutation(len(self.dataset))[: len(self)]


class WeightedRandomSampler(Sampler):
    """``num_samples`` draws, in which item ``i`` comes with a probability proportional to ``weights[i]``.

    Weights are not negative and need not sum to 1. ``WeightedRandomSampler(1 / np.bincount(labels)[labels], n)``
    draws all classes alike often.

    >>> import numpy as np
    >>> from calligrad.data import WeightedRandomSampler
    >>> WeightedRandomSampler([0, 1, 0], 4).draw(np.random.default_rng(0))
    array([1, 1, 1, 1])
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True) -> None:
        self.weights = np.array(weights, np.float64)
        self.num_samples, self.replacement = num_samples, replacement
        bad = ~(np.isfinite(self.weights) & (self.weights >= 0))
        if self.weights.ndim != 1 or bad.any() or not self.weights.sum() > 0:
            first = f"; number {np.argmax(bad)} is {self.weights.flat[np.argmax(bad)]}" if bad.any() else ""
            raise ValueError(f"weights are a list of finite numbers, none below 0 and not all 0{first}")
        possible = np.inf if replacement else np.count_nonzero(self.weights)
        if not 0 <= num_samples <= possible:
            raise ValueError(f"num_samples={num_samples} cannot be drawn out of {possible} items with a weight")

    def __len__(self) -> int:
        return self.num_samples

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Weighted draws."""
        chances = self.weights / self.weights.sum()
        return rng.choice(len(chances), size=len(self), replace=self.replacement, p=chances)


class StratifiedSampler(Sampler):
    """Every item once, in a random order whose every stretch has the classes in the proportion of the whole.

    So each batch has nearly as many of each class as any other.

    >>> import numpy as np
    >>> from calligrad.data import StratifiedSampler
    >>> labels = np.repeat([0, 1], [60, 20])
    >>> order = StratifiedSampler(labels).draw(np.random.default_rng(0))
    >>> labels[order].reshape(-1, 8).sum(axis=1)
    array([2, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    """

    def __init__(self, labels: Any) -> None:
        self.labels = np.asarray(labels)
        if self.labels.ndim != 1:
            raise ValueError(f"labels have one axis, not shape {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.labels)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """A random order, evenly mixed."""
        return stratified(self.labels, rng)


class DistributedSampler(Sampler):
    """What process ``rank`` of ``world`` sees of another sampler's order: every ``world``-th index.

    All ranks get equally many: the last indices are dropped with ``drop_last``, and otherwise the first ones are seen
    twice. The loaders of all ranks must have the same seed.

    >>> from calligrad.data import DistributedSampler, SequentialSampler
    >>> [list(DistributedSampler(SequentialSampler(range(5)), rank, 2)) for rank in range(2)]
    [[0, 2, 4], [1, 3, 0]]
    """

    def __init__(self, sampler: Sampler, rank: int, world: int, drop_last: bool = False) -> None:
        if not 0 <= rank < world:
            raise ValueError(f"rank is from 0 to {world - 1} in a world of {world}, not {rank}")
        self.sampler, self.rank, self.world, self.drop_last = sampler, rank, world, drop_last

    def __len__(self) -> int:
        return (len(self.sampler) + (0 if self.drop_last else self.world - 1)) // self.world

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """This rank's share of the sampler's draw."""
        order = self.sampler.draw(rng)
        return np.resize(order, len(self) * self.world)[self.rank :: self.world]
