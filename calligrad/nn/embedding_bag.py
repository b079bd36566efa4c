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
    lengths = _bag_lengths(indices, offsets, include_last_offset)
    bags = np.repeat(np.arange(len(lengths)), lengths)
    indices = indices.reshape(-1)
    scale_down(weight, indices, max_norm, norm_type)
    factors = None if per_sample_weights is None else np.reshape(as_arraylike(per_sample_weights), (-1, 1))
    if padding_idx is not None:
        counts = indices != padding_row("embedding_bag", padding_idx, rows)
        bags, indices = bags[counts], indices[counts]
        factors = None if factors is None else factors[counts]
    chosen = Lookup(indices, scaling(indices, rows, None, scale_grad_by_freq))(weight)
    if mode == "max":
        return _largest(chosen, bags, len(lengths))
    total = RowSums(bags, len(lengths))(chosen if factors is None else chosen * factors)
    if mode == "sum":
        return total
    return total / np.maximum(np.bincount(bags, minlength=len(lengths)), 1).astype(weight.dtype)[:, None]


def _bag_lengths(indices: np.ndarray, offsets: Any, include_last: bool) -> np.ndarray:
    """How many indices each bag has."""
    if indices.ndim == 2:
        if offsets is not None:
            raise ValueError("embedding_bag: of indices (bags, k) each row is a bag; offsets are for indices (m,)")
        return np.full(indices.shape[0], indices.shape[1])
    if indices.ndim != 1:
        raise ValueError(f"embedding_bag: indices are (m,) or (bags, k), not of shape {indices.shape}")
    if offsets is None:
        raise ValueError("embedding_bag: indices (m,) need offsets, where each bag begins")
    starts = as_array(offsets)
    if starts.ndim != 1 or starts.dtype.kind not in "iu":
        raise ValueError(f"embedding_bag: offsets are integers (bags,), not {starts.dtype} of shape {starts.shape}")
    if include_last and not starts.size:
        raise ValueError("embedding_bag: include_last_offset needs at least one offset")
    ends = starts[1:] if include_last else np.append(starts[1:], indices.size)
    starts = starts[: len(ends)]
    whole = starts[:1].tolist() in ([], [0]) and ends[-1:].tolist() in ([], [indices.size])
    if not whole or np.any(ends < starts):
        raise ValueError(
            f"embedding_bag: offsets ascend from 0 to at most the number of indices, {indices.size};"
            f" they are {np.asarray(as_array(offsets)).tolist()}"
        )
    return np.asarray(ends - starts, np.intp)


def _largest(rows: Any, bags: np.ndarray, count: int) -> Any:
    """The maximum of the rows of each bag, column by column; of equal ones the first has the gradient."""
    n = rows.shape[1]
    if not len(bags):
        return RowSums(bags, count)(rows)
    first = np.flatnonzero(np.diff(bags, prepend=-1))
    data = unwrap(rows)
    top = np.repeat(np.maximum.reduceat(data, first, axis=0), np.diff(first, append=len(bags)), axis=0)
    places = np.where((data == top) | np.isnan(data), np.arange(len(bags))[:, None], len(bags) - 1)
    winners = np.minimum.reduceat(places, first, axis=0)
    return RowSums(bags[first], count)(rows[winners, np.arange(n)])


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
