"""Embedding: rows of a table, looked up by number."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.function import Function
from calligrad.nn.init import normal_
from calligrad.nn.module import Module
from calligrad.nn.refusals import refuse_beyond
from calligrad.primitive import is_concrete, primitive
from calligrad.value import Value, as_array, as_arraylike, unwrap


class Lookup(Function):
    """``weight[indices]``; what goes back to a row is scaled by the ``factors`` of its places, if there are any."""

    holds = ("indices", "factors")

    indices: Any
    factors: Any = None

    def forward(self, weight):
        return weight.take(self.indices, axis=0)

    def backward(self, g):
        sums = RowSums(self.indices, self.shapes[0][0], self.factors)
        return sums.forward(g) if is_concrete(g) else sums(g)


def row_sums_plainly(x, indices, *, rows):
    """``row_sums``."""
    table = np.zeros((rows, *x.shape[indices.ndim :]), x.dtype)
    np.add.at(table, indices, x)
    return table


@primitive(row_sums_plainly, eager=True)
def row_sums(x: Any, indices: Any, *, rows: int) -> Any:
    """A table of ``rows`` rows, each the sum of those of ``x`` whose index it is."""
    indices, shape = indices.reshape(-1), x.shape[indices.ndim :]
    table = np.zeros((rows, *shape), x.dtype)
    if not indices.size:
        return table
    x = x.reshape(len(indices), *shape)
    order = np.argsort(indices, kind="stable")  # then equal ones lie together
    indices = indices.take(order)
    begins = np.append(True, indices[1:] != indices[:-1])
    alone = begins & np.append(begins[1:], True)  # as most are in a large table: those need no sum
    table[indices[alone]] = x.take(order[alone], axis=0)
    if not alone.all():
        several = ~alone
        first = begins[several].nonzero()[0]
        table[indices[several][first]] = np.add.reduceat(x.take(order[several], axis=0), first, axis=0)
    return table


class RowSums(Function):
    """A table of ``rows`` rows, each the sum of those of ``x`` whose index it is, times their ``factors``."""

    holds = ("indices", "factors")

    indices: Any
    rows: int
    factors: Any = None

    def forward(self, x):
        if self.factors is not None:
            x = x * np.expand_dims(self.factors, tuple(range(self.factors.ndim, x.ndim))).astype(x.dtype)
        return row_sums(x, self.indices, rows=self.rows)

    def backward(self, g):
        gx = Lookup(self.indices)(g)
        if self.factors is None:
            return gx
        axes = range(self.factors.ndim, gx.ndim)
        return gx * np.expand_dims(self.factors, tuple(axes)).astype(g.dtype)


def embedding(
    x: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows ``weight[x]``.

    Shapes: ``x`` (…) of integers, ``weight`` (rows, n); the result is (…, n). No gradient goes to the row
    ``padding_idx``. With ``max_norm`` the rows that are looked up and whose norm is larger are first scaled down, in
    ``weight`` itself. With ``scale_grad_by_freq`` the gradient of a row is divided by how often it was looked up.

    Raises ``ValueError`` with the first index that is out of range.

    >>> import numpy as np
    >>> from calligrad.nn.functional import embedding
    >>> embedding(np.array([1, 0, 1]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[3., 4.],
           [1., 2.],
           [3., 4.]])
    """
    weight = as_arraylike(weight)
    rows = rows_of("embedding", weight, sparse)
    indices = checked_indices("embedding", x, rows)
    scale_down(weight, indices, max_norm, norm_type)
    padding = None if padding_idx is None else padding_row("embedding", padding_idx, rows)
    return Lookup(indices, scaling(indices, rows, padding, scale_grad_by_freq))(weight)


def one_hot(x: Any, num_classes: int = -1) -> np.ndarray:
    """1 at the place of each index and 0 elsewhere: (…) to (…, num_classes).

    ``num_classes`` is the largest index + 1 if it is not given.

    >>> import numpy as np
    >>> from calligrad.nn.functional import one_hot
    >>> one_hot(np.array([2, 0]))
    array([[0, 0, 1],
           [1, 0, 0]])
    """
    indices = as_array(x)
    if num_classes == -1:
        if not indices.size:
            raise ValueError("one_hot: of no indices at all num_classes must be given")
        if not isinstance(indices, np.ndarray):
            raise indices.tracer.error("one_hot has as many columns as the largest index asks for: give num_classes")
        num_classes = int(indices.max()) + 1
    indices = checked_indices("one_hot", indices, num_classes)
    return (indices[..., None] == np.arange(num_classes)).astype(np.int64)


# ---------------------------------------------------------------- questions to the arguments


def rows_of(name: str, weight: Any, sparse: bool) -> int:
    """How many rows ``weight`` has; it must be a table, and ``sparse`` false."""
    if sparse:
        raise NotImplementedError(f"{name}: gradients are arrays here, there are no sparse ones; leave out sparse=True")
    if weight.ndim != 2:
        raise ValueError(f"{name}: weight is (rows, n), not of shape {weight.shape}")
    return weight.shape[0]


def checked_indices(name: str, x: Any, rows: int) -> Any:
    """``x`` as an array of indices into so many rows."""
    indices = as_array(x)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{name}: indices are integers, not {indices.dtype}")
    refuse_beyond(indices, rows, f"{name}: {{}} is not among the rows 0 to {rows - 1}")
    return indices.astype(np.intp, copy=False)


def padding_row(name: str, padding_idx: int, rows: int) -> int:
    """``padding_idx`` counted from the start."""
    if not -rows <= padding_idx < rows:
        raise ValueError(f"{name}: padding_idx {padding_idx} is not among the {rows} rows")
    return padding_idx % rows


def scaling(indices: np.ndarray, rows: int, padding: int | None, by_frequency: bool) -> np.ndarray | None:
    """By what to scale the gradient at each index, or None if by nothing."""
    if by_frequency and indices.size:
        factors = 1 / np.bincount(indices.reshape(-1), minlength=rows)[indices]
        return factors if padding is None else np.where(indices == padding, 0, factors)
    return None if padding is None else (indices != padding).astype(np.float32)


def scale_down(weight: Any, indices: np.ndarray, max_norm: float | None, norm_type: float) -> None:
    """Scale the rows at ``indices`` whose norm is above ``max_norm`` down to it, in place."""
    if max_norm is None:
        return
    table = unwrap(weight)
    if type(table) is np.ndarray:
        _scale_down(table, indices, max_norm, norm_type)
    else:
        table[...] = scaled_down(table, indices, max_norm=max_norm, norm_type=norm_type)


def scaled_down_plainly(table, indices, *, max_norm, norm_type):
    """``scaled_down``."""
    norms = np.linalg.norm(table, norm_type, axis=1, keepdims=True)
    large = np.isin(np.arange(len(table)), indices)[:, np.newaxis] & (norms > max_norm)
    return table * np.where(large, max_norm / (norms + 1e-7), 1)


@primitive(scaled_down_plainly)
def scaled_down(table: np.ndarray, indices: np.ndarray, *, max_norm: float, norm_type: float) -> np.ndarray:
    """``scale_down`` of a copy of the table."""
    table = table.copy()
    _scale_down(table, indices, max_norm, norm_type)
    return table


def _scale_down(table: np.ndarray, indices: np.ndarray, max_norm: float, norm_type: float) -> None:
    used = np.unique(indices)
    norms = np.linalg.norm(table[used], norm_type, axis=1)
    large = norms > max_norm
    table[used[large]] *= (max_norm / (norms[large] + 1e-7))[:, None]


# ---------------------------------------------------------------- modules


class Embedding(Module):
    """``embedding`` with a ``weight`` (num_embeddings, embedding_dim) that starts normal, and 0 at ``padding_idx``.

    >>> import numpy as np
    >>> from calligrad.nn import Embedding
    >>> Embedding(10, 3)(np.array([[1, 2], [4, 3]])).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        for name, n in (("num_embeddings", num_embeddings), ("embedding_dim", embedding_dim)):
            if not isinstance(n, (int, np.integer)) or n < 0:
                raise ValueError(f"{name} is a whole number of at least 0, not {n!r}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_row("Embedding", padding_idx, num_embeddings)
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.weight = _weight
        if _weight is None:
            self.weight = new_table(num_embeddings, embedding_dim, self.padding_idx, dtype, rng)
        self.sparse = sparse
        rows_of("Embedding", self.weight, sparse)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A module whose ``weight`` is ``embeddings`` (rows, n), which is not trained unless ``freeze`` is false."""
        table = Value(given_table(embeddings), "weight", requires_grad=not freeze)
        rows, n = table.shape
        return cls(rows, n, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, table)

    def forward(self, x: Any) -> Any:
        """(…) of integers to (…, embedding_dim)."""
        return embedding(
            x, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        """The sizes, and what is not as usual."""
        return described(self, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False)


def new_table(rows: int, n: int, padding: int | None, dtype: Any, rng: np.random.Generator | None) -> Value:
    """A table of normal numbers, with zeros in the row ``padding``."""
    table = normal_(Value(np.empty((rows, n), parameter_dtype(dtype)), "weight"), rng=rng)
    if padding is not None:
        table.data[padding] = 0
    return table


def given_table(embeddings: Any) -> np.ndarray:
    """``embeddings`` as an array, which must be a floating table."""
    table = as_array(embeddings)
    if table.ndim != 2 or table.dtype.kind != "f":
        raise ValueError(f"embeddings are floating (rows, n), not {table.dtype} of shape {table.shape}")
    return table


def described(module: Module, **usual: Any) -> str:
    """The sizes of ``module``, and those of the settings named that are not as usual."""
    unusual = [f"{name}={getattr(module, name)!r}" for name, x in usual.items() if getattr(module, name) != x]
    return ", ".join([str(module.num_embeddings), str(module.embedding_dim), *unusual])  # type: ignore[attr-defined]
