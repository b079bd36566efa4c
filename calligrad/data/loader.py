"""DataLoader: the batches of a dataset, epoch by epoch."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.data.collation import collate as join
from calligrad.data.datasets import Dataset, checked_indices, occurrence
from calligrad.data.samplers import RandomSampler, Sampler, SequentialSampler
from calligrad.random import generator

if TYPE_CHECKING:
    from calligrad.data import workers as pools


class DataLoader:
    """The items of ``dataset`` in batches of ``batch_size``, as NumPy arrays.

    - ``shuffle`` for another random order in each epoch, or a ``sampler`` for one of your own; ``drop_last`` leaves
      out the last batch where it is shorter.
    - ``collate`` joins a list of items to a batch; see ``calligrad.data.collate`` for what it does if not given. A
      dataset with a method ``batch_of(indices)``, such as ``ArrayDataset``, makes whole batches itself.
    - ``workers`` > 0 prepares batches ahead, ``prefetch`` of them for each worker, on threads or, with
      ``worker_kind="processes"``, in processes that have a copy of the dataset as it is when the epoch begins. They
      stay for the next epoch, and end with the loader.
    - ``seed`` decides all random draws; if it is not given it is drawn from ``rng`` or ``calligrad.random``.

    The batches are the same, bit for bit, for any number and kind of workers: the order of epoch ``e`` is drawn from
    a generator seeded by (seed, e), and what is random in item ``i`` (see ``Transformed``) from one seeded by (seed,
    e, i).

    ``for batch in loader`` goes through the next epoch. ``state_dict()`` says how far it has come, and a loader that is
    given that state goes on with the very next batch.

    >>> import numpy as np
    >>> from calligrad.data import ArrayDataset, DataLoader
    >>> loader = DataLoader(ArrayDataset(np.arange(5)), batch_size=2, shuffle=True, seed=0)
    >>> [x.tolist() for x, in loader]
    [[0, 3], [2, 1], [4]]
    >>> [x.tolist() for x, in loader]
    [[4, 3], [2, 0], [1]]
    >>> [x.tolist() for x, in loader.batches(epoch=0, start=1)]
    [[2, 1], [4]]
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 1,
        shuffle: bool = False,
        sampler: Sampler | None = None,
        *,
        drop_last: bool = False,
        collate: Callable[[list[Any]], Any] | None = None,
        workers: int = 0,
        worker_kind: str = "threads",
        prefetch: int = 2,
        seed: int | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.batch_size = _count("batch_size", batch_size, least=1)
        self.workers = _count("workers", workers, least=0)
        self.prefetch = _count("prefetch", prefetch, least=1)
        if worker_kind not in ("threads", "processes"):
            raise ValueError(f'worker_kind is "threads" or "processes", not {worker_kind!r}')
        if shuffle and sampler is not None:
            raise ValueError("a loader has shuffle=True or a sampler, which decides the order, not both")
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise TypeError(f"a dataset has a length and items by number, which {type(dataset).__name__} has not")
        if seed is not None and rng is not None:
            raise TypeError("give a seed or an rng, not both")
        if seed is None:
            seed = int(generator(rng).integers(2**32))
        self.seed = _count("seed", seed, least=0)
        self.dataset, self.drop_last, self.worker_kind = dataset, drop_last, worker_kind
        self.collate = collate
        self.sampler = sampler if sampler is not None else (RandomSampler if shuffle else SequentialSampler)(dataset)
        self._kept: list[pools.Pool] | None = None  # worker processes, between two epochs
        self._position = self._next = (0, 0)  # (epoch, batch): of the batch to come, and where a new `for` begins

    def __len__(self) -> int:
        """How many batches an epoch has."""
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        epoch, start = self._next
        self._position, self._next = (epoch, start), (epoch + 1, 0)
        for number, batch in enumerate(self.batches(epoch, start), start + 1):
            self._position = (epoch, number)
            yield batch
        self._position = (epoch + 1, 0)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of ``epoch`` from number ``start`` on, whatever was iterated before."""
        _count("epoch", epoch, least=0)
        order = self._order(epoch)
        total = len(order) // self.batch_size if self.drop_last else -(-len(order) // self.batch_size)
        if not 0 <= start <= total:
            raise ValueError(f"an epoch has {total} batches; it cannot start at number {start}")
        maker = Batches(self.dataset, self.collate, self.seed, epoch, order, self.batch_size)
        todo = range(start, total)
        if not self.workers:
            return (maker(number) for number in todo)  # no map: a StopIteration of the dataset would end it in silence
        from calligrad.data import workers as pools  # here, as few need what processes take

        count = min(self.workers, max(1, len(todo)))
        if self.worker_kind == "threads":
            return pools.threads(maker, todo, count, self.prefetch)
        if self._kept is None:
            self._kept = []
            weakref.finalize(self, pools.close, self._kept)
        return pools.processes(maker, todo, count, self.prefetch, self._kept)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_kept": None}  # a copy has processes of its own

    def _order(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(epoch,)))
        draw = getattr(self.sampler, "draw", None)
        order = draw(rng) if draw else list(self.sampler)  # any iterable of indices will do
        return checked_indices(order, len(self.dataset))

    # ---- where it is

    @property
    def epoch(self) -> int:
        """The epoch that is iterated, or if none is, the next one."""
        return self._position[0]

    def set_epoch(self, epoch: int) -> None:
        """Make ``epoch`` the one that ``for batch in loader`` goes through next."""
        self._position = self._next = (_count("epoch", epoch, least=0), 0)

    def state_dict(self) -> dict[str, int]:
        """Where it is: the epoch, how many of its batches have been handed out, and the seed."""
        epoch, batch = self._position
        return {"epoch": epoch, "batch": batch, "seed": self.seed}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, with the batch after the last one that had been handed out."""
        if set(state) != {"epoch", "batch", "seed"}:
            raise ValueError(
                f"a loader's state has epoch, batch and seed, not {', '.join(map(str, state)) or 'nothing'}"
            )
        epoch, batch, seed = (_count(name, state[name], least=0) for name in ("epoch", "batch", "seed"))
        if batch > len(self):
            raise ValueError(f"the state is at batch {batch}, and an epoch has {len(self)} here: another dataset?")
        self._position = self._next = (epoch, batch)
        self.seed = seed


class Batches:
    """Batch number ``n`` of one epoch, for any ``n``: it depends on nothing else, so any worker can make it."""

    def __init__(
        self, dataset: Any, collate: Callable | None, seed: int, epoch: int, order: np.ndarray, size: int
    ) -> None:
        self.dataset, self.collate, self.seed, self.epoch = dataset, collate, seed, epoch
        self.order, self.size = order, size
        self.whole = collate is None and hasattr(dataset, "batch_of")
        self.random = not self.whole and hasattr(dataset, "random_item")
        self.repeat = occurrence(order) if self.random else None

    def of_epoch(self) -> Callable[..., Batches]:
        """A function that makes the same of a dataset and a collate, and holds neither."""
        return partial(Batches, seed=self.seed, epoch=self.epoch, order=self.order, size=self.size)

    def __call__(self, number: int) -> Any:
        """The batch."""
        places = range(number * self.size, min((number + 1) * self.size, len(self.order)))
        indices = self.order[places.start : places.stop]
        try:
            if self.whole:
                return self.dataset.batch_of(indices)
            return (self.collate or join)([self._item(place) for place in places])
        except Exception as error:
            error.add_note(f"in batch {number} of epoch {self.epoch}, of the items {_some(indices.tolist())}")
            raise

    def _item(self, place: int) -> Any:
        i = int(self.order[place])
        try:
            return self.dataset.random_item(i, self._rng(i, place)) if self.random else self.dataset[i]
        except Exception as error:
            error.add_note(f"in item {i} of the dataset")
            raise

    def _rng(self, i: int, place: int) -> np.random.Generator:
        """Seeded by (seed, epoch, i); an item that comes again in the same epoch has its count as well."""
        repeat = self.repeat[place]  # type: ignore[index]
        key = (self.epoch, i, int(repeat)) if repeat else (self.epoch, i)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def _some(indices: list[int]) -> str:
    return ", ".join(map(str, indices[:6])) + (f", … ({len(indices)} in all)" if len(indices) > 6 else "")


def _count(name: str, n: Any, least: int) -> int:
    """``n`` as an int; an error if it is none or below ``least``."""
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"{name} is a whole number, not {n!r}") from None
    if n < least:
        raise ValueError(f"{name} is at least {least}, not {n}")
    return n
