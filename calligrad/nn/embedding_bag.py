"""EmbeddingBag: rows of a table, looked up by number and reduced bag by bag."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from calligrad.nn.embedding import (
    Lookup,
    RowSums,
    checked_indices,
    described,
    given_table,
    new_table,
    padding_row,
    rows_of,
    scale_down,
    scaling,
)
from calligrad.nn.module import Module
from calligrad.primitive import primitive
from calligrad.value import Value, as_array, as_arraylike, unwrap


def embedding_bag(
    x: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or maximum of the rows of each bag of indices; an empty bag gives zeros.

    Shapes: ``x`` (bags, k), or (m,) with ``offsets`` (bags,) where each bag begins; ``weight`` (rows, n); the result
    is (bags, n). With ``include_last_offset`` the last offset is where the last bag ends. ``per_sample_weights``, of
    the shape of ``x``, are factors, for ``mode="sum"`` alone. Indices equal to ``padding_idx`` do not count.

    >>> import numpy as np
    >>> from calligrad.nn.functional import embedding_bag
    >>> table = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> embedding_bag(np.array([0, 1, 1]), table, np.array([0, 2]), mode="sum")
    array([[4., 6.],
           [3., 4.]])
    """
    weight = as_arraylike(weight)
    rows = rows_of("embedding_bag", weight, sparse)
    indices = checked_indices("embedding_bag", x, rows)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f'embedding_bag: mode is "sum", "mean" or "max", not {mode!r}')
    if mode == "max" and scale_grad_by_freq:
        raise ValueError('embedding_bag: scale_grad_by_freq is not for mode="max"')
    if per_sample_weights is not None and mode != "sum":
        raise ValueError(f'embedding_bag: per_sample_weights are for mode="sum", not {mode!r}')
    if per_sample_weights is not None and np.shape(per_sample_weights) != indices.shape:
        raise ValueError(
            f"embedding_bag: per_sample_weights have shape {np.shape(per_sample_weights)}, the indices {indices.shape}"
        )
    bags, count = _bags(indices, offsets, include_last_offset)
    indices = indices.reshape(-1)
    scale_down(weight, indices, max_norm, norm_type)
    bag_count = count
    if padding_idx is not None:  # it goes into one bag more, which is left out in the end
        bag_count = count + 1
        bags = np.where(indices == padding_row("embedding_bag", padding_idx, rows), count, bags)
    chosen = Lookup(indices, scaling(indices, rows, None, scale_grad_by_freq))(weight)
    if mode == "max":
        return _within(_largest(chosen, bags, bag_count), count)
    if per_sample_weights is not None:
        chosen = chosen * np.reshape(as_arraylike(per_sample_weights), (-1, 1))
    total = _within(RowSums(bags, bag_count)(chosen), count)
    if mode == "sum":
        return total
    return total / np.maximum(np.bincount(bags, minlength=bag_count)[:count], 1).astype(weight.dtype)[:, None]


def _within(x: Any, count: int) -> Any:
    return x if len(x) == count else x[:count]


def _bags(indices: Any, offsets: Any, include_last: bool) -> tuple[Any, int]:
    """For each index its bag, and how many bags there are."""
    if indices.ndim == 2:
        if offsets is not None:
            raise ValueError("embedding_bag: of indices (bags, k) each row is a bag; offsets are for indices (m,)")
        return np.repeat(np.arange(indices.shape[0]), indices.shape[1]), indices.shape[0]
    if indices.ndim != 1:
        raise ValueError(f"embedding_bag: indices are (m,) or (bags, k), not of shape {indices.shape}")
    if offsets is None:
        raise ValueError("embedding_bag: indices (m,) need offsets, where each bag begins")
    starts = as_array(offsets)
    if starts.ndim != 1 or starts.dtype.kind not in "iu":
        raise ValueError(f"embedding_bag: offsets are integers (bags,), not {starts.dtype} of shape {starts.shape}")
    if include_last and not starts.size:
        raise ValueError("embedding_bag: include_last_offset needs at least one offset")
    _refuse_offsets(starts, indices.size, include_last)
    starts = starts[:-1] if include_last else starts
    return np.searchsorted(starts, np.arange(indices.size), side="right") - 1, len(starts)


@primitive(checks=True)
def _refuse_offsets(starts: np.ndarray, size: int, include_last: bool) -> None:
    """Raise unless the offsets cut ``size`` indices into bags."""
    ends = starts if include_last else np.append(starts, size)
    if ends[0] != 0 or ends[-1] != size or np.any(ends[1:] < ends[:-1]):
        raise ValueError(
            f"embedding_bag: offsets ascend from 0 to at most the number of indices, {size}; they are {starts.tolist()}"
        )


def _largest(rows: Any, bags: Any, count: int) -> Any:
    """The maximum of the rows of each bag, column by column; of equal ones the first has the gradient."""
    if not len(bags):
        return RowSums(bags, count)(rows)
    places = largest_places(unwrap(rows), bags, count=count)
    there = places < len(bags)
    return np.where(there, rows[np.where(there, places, 0), np.arange(rows.shape[1])], 0)


def largest_places_plainly(rows, bags, *, count):
    """``largest_places``, bag by bag."""
    places = np.full((count, rows.shape[1]), len(rows))
    for bag in np.unique(bags):
        (members,) = np.nonzero(bags == bag)
        places[bag] = members[np.argmax(rows[members], axis=0)]
    return places


@primitive(largest_places_plainly)
def largest_places(rows: np.ndarray, bags: np.ndarray, *, count: int) -> np.ndarray:
    """For each of ``count`` bags, and each column, which row is the first maximum or NaN; ``len(rows)`` if none is."""
    order = np.argsort(bags, kind="stable")
    rows, bags = rows[order], bags[order]
    first = np.flatnonzero(np.diff(bags, prepend=-1))
    top = np.repeat(np.maximum.reduceat(rows, first, axis=0), np.diff(first, append=len(bags)), axis=0)
    candidates = np.where((rows == top) | np.isnan(rows), order[:, np.newaxis], len(bags))
    places = np.full((count, rows.shape[1]), len(bags))
    places[bags[first]] = np.minimum.reduceat(candidates, first, axis=0)
    return places


class EmbeddingBag(Module):
    """``embedding_bag`` with a ``weight`` (num_embeddings, embedding_dim) that starts normal, and 0 at ``padding_idx``.

    >>> import numpy as np
    >>> from calligrad.nn import EmbeddingBag
    >>> EmbeddingBag(10, 3, mode="sum")(np.array([1, 2, 4]), np.array([0, 2])).shape
    (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_row("EmbeddingBag", padding_idx, num_embeddings)
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.mode, self.include_last_offset = mode, include_last_offset
        self.weight = _weight
        if _weight is None:
            self.weight = new_table(num_embeddings, embedding_dim, self.padding_idx, dtype, rng)
        self.sparse = sparse
        rows_of("EmbeddingBag", self.weight, sparse)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A module whose ``weight`` is ``embeddings`` (rows, n), which is not trained unless ``freeze`` is false."""
        table = Value(given_table(embeddings), "weight", requires_grad=not freeze)
        options = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, table, include_last_offset, padding_idx)
        rows, n = table.shape
        return cls(rows, n, *options)

    def forward(self, x: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """(bags, k), or (m,) with ``offsets``, to (bags, embedding_dim)."""
        return embedding_bag(
            x,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """The sizes, and what is not as usual."""
        usual = {"max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False, "padding_idx": None}
        return described(self, **usual, mode="")
