"""Attention: each position looks at all others, and takes what it finds, weighted by how well it fits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from calligrad import parallel
from calligrad.function import Function, broadcasts_to
from calligrad.ops.index import is_plain_array
from calligrad.primitive import is_captured
from calligrad.random import generator
from calligrad.value import Value, as_array, as_arraylike

_TILE = 32768  # numbers of the weights that are worked on at once, to stay in cache


class Attention(Function):
    """``softmax(q @ k.mT * scale + mask) @ v``, and the weights, which its gradient reads.

    Shapes: ``q`` (…, L, E), ``k`` (…, S, E), ``v`` (…, S, Ev), ``mask``, as a setting if it is constant and as a fourth
    input if it has a gradient, (…, L, S), and ``dropout``, what the weights are multiplied by, (…, L, S). A row that
    is masked out entirely, with -inf, gives 0.
    """

    broadcasts = True
    holds = ("mask", "dropout")

    scale: float
    mask: Any = None
    dropout: Any = None
    has_empty_rows: bool = False  # whether the mask may leave nothing of a row

    def forward(self, q, k, v, *masks):
        mask = masks[0] if masks else self.mask
        if is_captured(q, k, v):
            return self._openly(q, k, v, mask)
        batch = np.broadcast_shapes(*(x.shape[:-2] for x in (q, k, v, *masks)), () if mask is None else mask.shape[:-2])
        q, k, v = (np.broadcast_to(x, batch + x.shape[-2:]) if x.shape[:-2] != batch else x for x in (q, k, v))
        dtype = np.result_type(q, k, v)
        weights = np.empty((*q.shape[:-1], k.shape[-2]), dtype)
        if mask is not None:
            mask = np.broadcast_to(mask.astype(dtype, copy=False), weights.shape)
        y = np.empty_like(q, dtype, shape=(*q.shape[:-1], v.shape[-1]))  # laid out as q is

        def attend(tile: Any) -> None:
            p = np.matmul(q[tile] * self.scale, k[tile].mT, out=weights[tile])
            if mask is not None:
                p += mask[tile]
            top = np.max(p, axis=-1, keepdims=True, initial=-np.inf)
            if mask is not None:
                top[top == -np.inf] = 0
            p -= top
            np.exp(p, out=p)
            total = np.sum(p, axis=-1, keepdims=True)
            if mask is not None:
                total[total == 0] = 1
            p /= total
            np.matmul(p if self.dropout is None else p * self.dropout[tile], v[tile], out=y[tile])

        parallel.run(attend, tiles(weights.shape))
        return y, weights

    def _openly(self, q: Any, k: Any, v: Any, mask: Any) -> tuple[Any, Any]:
        """The same as operations of NumPy, one after the other."""
        p = (q * self.scale) @ k.mT
        if mask is not None:
            p = p + mask.astype(p.dtype, copy=False)
        top = np.max(p, axis=-1, keepdims=True, initial=-np.inf)
        if self.has_empty_rows:
            top = np.where(top == -np.inf, 0, top)
        e = np.exp(p - top)
        total = np.sum(e, axis=-1, keepdims=True)
        if self.has_empty_rows:
            total = np.where(total == 0, 1, total)
        weights = e / total
        return (weights if self.dropout is None else weights * self.dropout) @ v, weights

    def backward(self, gs, q, k, v, *masks, y):
        y, weights = y
        batches = {x.shape[:-2] for x in (q, k, v, y)}
        if gs[1] is None and not masks and len(batches) == 1 and all(map(is_plain_array, (gs[0], q, k, v, y))):
            return self._of_arrays(gs[0], q, k, v, y, weights)
        g = np.zeros_like(y) if gs[0] is None else gs[0]
        g_weights = g @ v.mT
        taken = weights
        if self.dropout is not None:
            g_weights, taken = g_weights * self.dropout, weights * self.dropout
        if gs[1] is not None:
            g_weights = g_weights + gs[1]
        g_scores = weights * (g_weights - np.sum(g_weights * weights, axis=-1, keepdims=True))
        g_inputs = (
            lambda: (g_scores @ k) * self.scale,
            lambda: g_scores.mT @ (q * self.scale),
            lambda: taken.mT @ g,
            lambda: g_scores,
        )
        return g_inputs[: 3 + len(masks)]

    def _of_arrays(self, g: Any, q: Any, k: Any, v: Any, y: Any, weights: Any) -> tuple[Any, Any, Any]:
        """The same, tile by tile."""
        gq, gk, gv = (np.empty_like(x, weights.dtype) for x in (q, k, v))

        def pull(tile: Any) -> None:
            p, at = weights[tile], g[tile]
            g_scores = at @ v[tile].mT
            if self.dropout is not None:
                g_scores *= self.dropout[tile]
            g_scores -= np.sum(at * y[tile], axis=-1, keepdims=True)
            g_scores *= p
            np.matmul(g_scores, k[tile] * self.scale, out=gq[tile])
            np.matmul(g_scores.mT, q[tile] * self.scale, out=gk[tile])
            np.matmul((p if self.dropout is None else p * self.dropout[tile]).mT, at, out=gv[tile])

        parallel.run(pull, tiles(weights.shape))
        return gq, gk, gv


def tiles(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Slices along all axes but the last two that cut an array of ``shape`` into tiles of about ``_TILE`` numbers."""
    if len(shape) == 2:
        yield ()
        return
    inner = math.prod(shape[1:])
    if inner > _TILE:
        yield from ((slice(i, i + 1), *rest) for i in range(shape[0]) for rest in tiles(shape[1:]))
        return
    many = max(1, _TILE // max(1, inner))
    yield from ((slice(i, i + many),) for i in range(0, shape[0], many))


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    rng: np.random.Generator | None = None,
) -> Any:
    """``softmax(query @ key.mT * scale + mask) @ value``: for each query a mean of the values, weighted by the keys.

    Shapes: ``query`` (…, L, E), ``key`` (…, S, E), ``value`` (…, S, Ev); the result is (…, L, Ev). ``attn_mask``, which
    broadcasts to (…, L, S), is True where a query may look at a key, or is a float that is added; ``is_causal`` lets
    query i look at the keys up to i. ``scale`` is ``1 / sqrt(E)`` unless it is given. With probability ``dropout_p`` a
    weight is dropped, always: there is no mode. With ``enable_gqa`` several heads (axis -3) of the query share one of
    key and value. A query that may look at no key gets 0.

    Vaswani et al., "Attention is all you need", arXiv:1706.03762; grouped queries: Ainslie et al., arXiv:2305.13245.

    >>> import numpy as np
    >>> from calligrad.nn.functional import scaled_dot_product_attention
    >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> scaled_dot_product_attention(x, x, x, is_causal=True).round(2)
    array([[1.  , 0.  ],
           [0.33, 0.67]])
    """
    return attend(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa, rng)[0]


def attend(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    rng: np.random.Generator | None = None,
) -> tuple[Any, Any, Any]:
    """``scaled_dot_product_attention``, the weights, and by what dropout multiplied them, if it did."""
    query, key, value = inputs = [as_arraylike(x) for x in (query, key, value)]
    if any(x.dtype.kind != "f" for x in inputs):
        raise TypeError(f"attention takes floats, not {', '.join(str(x.dtype) for x in inputs)}")
    shapes = query.shape, key.shape, value.shape
    if min(map(len, shapes)) < 2 or shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]:
        raise ValueError(_misfit(*shapes))
    if not 0 <= dropout_p <= 1:
        raise ValueError(f"dropout_p is a probability, from 0 to 1, not {dropout_p!r}")
    if enable_gqa:
        if min(map(len, shapes)) < 3:
            raise ValueError(_misfit(*shapes))
        key, value = (_shared_heads(x, shapes[0]) for x in (key, value))
    try:
        batch = np.broadcast_shapes(*(x.shape[:-2] for x in (query, key, value)))
    except ValueError as error:
        raise ValueError(_misfit(*shapes)) from error
    size = (*batch, shapes[0][-2], shapes[1][-2])
    if is_causal:
        if mask is not None:
            raise ValueError("attention takes is_causal or a mask, not both: put the one into the other")
        mask = np.tri(*size[-2:], dtype=bool)
    mask = additive(mask)
    if mask is not None and not broadcasts_to(mask.shape, size):
        raise ValueError(f"attention: a mask of shape {mask.shape} does not broadcast to (…, L, S), {size}")
    has_empty_rows = mask is not None and not is_causal
    scale = 1 / math.sqrt(max(1, shapes[0][-1])) if scale is None else float(scale)
    dropout = None
    if dropout_p:
        dtype = np.result_type(*(x.dtype for x in inputs))
        stays = generator(rng).random(size, np.float32) >= dropout_p
        dropout = stays.astype(dtype) * (0.0 if dropout_p == 1 else 1 / (1 - dropout_p))
    learned = isinstance(mask, Value)
    attention = Attention(scale, None if learned else mask, dropout, has_empty_rows)
    y, weights = attention(query, key, value, *([mask] if learned else []))
    return y, weights, dropout


def _misfit(*shapes: tuple[int, ...]) -> str:
    query, key, value = shapes
    return (
        "attention: query (…, L, E), key (…, S, E) and value (…, S, Ev) do not fit: they have the shapes"
        f" {query}, {key} and {value}"
    )


def _shared_heads(x: Any, query: tuple[int, ...]) -> Any:
    """``x`` (…, fewer heads, S, E), with each head repeated for the heads of the query that share it."""
    heads, shared = query[-3], np.shape(x)[-3]
    if shared == 0 or heads % shared:
        raise ValueError(f"attention: {heads} heads of the query cannot share {shared} heads evenly")
    return x if heads == shared else np.repeat(x, heads // shared, axis=-3)


def additive(mask: Any) -> Any:
    """``mask`` as numbers to add to the scores: 0 where it is True, -inf where it is False; floats stay."""
    if mask is None or (isinstance(mask, Value) and mask.requires_grad):
        return mask
    mask = as_array(mask)
    if mask.dtype.kind not in "bf":
        raise TypeError(f"a mask of attention is boolean or floating, not {mask.dtype}")
    return np.where(mask, np.float32(0), np.float32(-np.inf)) if mask.dtype.kind == "b" else mask
