"""Attention in several subspaces at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.nn.attention import additive, attend
from calligrad.nn.init import xavier_normal_, xavier_uniform_, zeros_
from calligrad.nn.linear import Linear, linear
from calligrad.nn.module import Module
from calligrad.ops.join import Unstack
from calligrad.value import Value, as_array, unwrap


class MultiheadAttention(Module):
    """Attention in ``num_heads`` subspaces at once, of projections of query, key and value, and projected at the end.

    Shapes: queries have ``embed_dim`` numbers, keys ``kdim`` and values ``vdim``, which are ``embed_dim`` unless they
    are given. ``in_proj_weight`` (3 embed_dim, embed_dim) holds the three projections, one after the other; where
    kdim or vdim differ they are ``q_proj_weight``, ``k_proj_weight`` and ``v_proj_weight``. ``in_proj_bias`` and
    ``out_proj``, a ``Linear``, follow. ``add_bias_kv`` adds a learned key ``bias_k`` and value ``bias_v`` to the
    sequence, ``add_zero_attn`` a key and value of 0.

    Vaswani et al., "Attention is all you need", arXiv:1706.03762.

    >>> import numpy as np
    >>> from calligrad.nn import MultiheadAttention
    >>> attention = MultiheadAttention(8, num_heads=2, batch_first=True)
    >>> x = np.ones((3, 5, 8), np.float32)
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"embed_dim is a multiple of num_heads, not {embed_dim} of {num_heads}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"dropout is a probability, from 0 to 1, not {dropout!r}")
        dtype = parameter_dtype(dtype)
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.add_zero_attn, self.batch_first, self.rng = add_zero_attn, batch_first, rng
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim

        def drawn(name: str, *shape: int, initialiser: Any = xavier_uniform_) -> Value:
            return initialiser(Value(np.empty(shape, dtype), name), rng=rng)

        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = drawn("in_proj_weight", 3 * embed_dim, embed_dim)
        else:
            self.q_proj_weight = drawn("q_proj_weight", embed_dim, embed_dim)
            self.k_proj_weight = drawn("k_proj_weight", embed_dim, self.kdim)
            self.v_proj_weight = drawn("v_proj_weight", embed_dim, self.vdim)
        self.in_proj_bias = Value(np.zeros(3 * embed_dim, dtype), "in_proj_bias") if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype, rng=rng)
        if self.out_proj.bias is not None:
            zeros_(self.out_proj.bias)
        self.bias_k = drawn("bias_k", 1, 1, embed_dim, initialiser=xavier_normal_) if add_bias_kv else None
        self.bias_v = drawn("bias_v", 1, 1, embed_dim, initialiser=xavier_normal_) if add_bias_kv else None

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """The attended values, and the weights (None unless ``need_weights``), by default the mean over the heads.

        Shapes: ``query`` (L, N, embed_dim), ``key`` (S, N, kdim), ``value`` (S, N, vdim), with ``batch_first`` N
        before L and S, or without N; the result is like the query. The weights are (N, L, S), or by head (N, heads,
        L, S). ``key_padding_mask`` (N, S) and ``attn_mask`` (L, S) or (N heads, L, S) are True where a query may
        *not* look, or floats that are added. ``is_causal`` says that attn_mask is a causal one, which must be given.
        A query that may look nowhere gets 0 and the weights 0, where PyTorch gives NaN if the weights are asked for.
        """
        if is_causal and attn_mask is None:
            raise ValueError("is_causal says that attn_mask is a causal mask, so it must be given")
        alone = self._check(query, key, value)
        q, k, v = self._projected(query, key, value, alone)
        n, _, length, _ = np.shape(q)
        masks = _blocking(key_padding_mask, "key_padding_mask"), _blocking(attn_mask, "attn_mask")
        mask = self._mask(*masks, (n, self.num_heads, length, np.shape(k)[2]), alone)
        if self.bias_k is not None:
            k, v = _appended(k, self.bias_k), _appended(v, self.bias_v)
        if self.add_zero_attn:
            nothing = np.zeros(self.embed_dim, unwrap(k).dtype)
            k, v = _appended(k, nothing), _appended(v, nothing)
        if mask is not None and (more := np.shape(k)[2] - mask.shape[-1]):
            mask = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, more)])
        y, weights, dropped = attend(q, k, v, mask, self.dropout if self.training else 0.0, rng=self.rng)

        y = np.transpose(y, (0, 2, 1, 3) if alone or self.batch_first else (2, 0, 1, 3))
        y = self.out_proj(np.reshape(y, (*np.shape(y)[:2], self.embed_dim)))
        if not need_weights:
            return (y[0] if alone else y), None
        if dropped is not None:
            weights = weights * dropped
        if average_attn_weights:
            weights = np.mean(weights, axis=1)
        return (y[0], weights[0]) if alone else (y, weights)

    def _check(self, query: Any, key: Any, value: Any) -> bool:
        """Whether the inputs come without a batch; they must fit each other."""
        shapes = np.shape(query), np.shape(key), np.shape(value)
        at = 0 if self.batch_first else 1
        fits = len(shapes[0]) in (2, 3) and shapes[1][:-1] == shapes[2][:-1] and len(shapes[1]) == len(shapes[0])
        fits = fits and tuple(shape[-1] for shape in shapes) == (self.embed_dim, self.kdim, self.vdim)
        if not fits or (len(shapes[0]) == 3 and shapes[0][at] != shapes[1][at]):
            first = "(N, L, {0}), (N, S, {1}), (N, S, {2})" if at == 0 else "(L, N, {0}), (S, N, {1}), (S, N, {2})"
            wanted = first.format(self.embed_dim, self.kdim, self.vdim)
            raise ValueError(f"query, key and value have the shapes {wanted}, or lack the N, not {shapes}")
        return len(shapes[0]) == 2

    def _projected(self, query: Any, key: Any, value: Any, alone: bool) -> list[Any]:
        """Query, key and value for each head, (N, heads, L, size); one product if they are the same."""
        bias = self.in_proj_bias
        if query is key and key is value and self.kdim == self.vdim == self.embed_dim:
            x = linear(query, self.in_proj_weight, bias)
            parts = Unstack(-2)(np.reshape(x, (*x.shape[:-1], 3, self.embed_dim)))
        else:
            if self.kdim == self.vdim == self.embed_dim:
                weights: Any = np.split(self.in_proj_weight, 3)
            else:
                weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
            biases = [None] * 3 if bias is None else np.split(bias, 3)
            parts = [linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]
        order = (0, 2, 1, 3) if alone or self.batch_first else (1, 2, 0, 3)
        heads = self.num_heads, self.embed_dim // self.num_heads
        return [np.transpose(np.reshape(x, ((1,) if alone else ()) + x.shape[:-1] + heads), order) for x in parts]

    def _mask(self, padding: Any, mask: Any, size: tuple[int, ...], alone: bool) -> Any:
        """Both masks as one to add, which broadcasts to ``size``, (N, heads, L, S)."""
        n, heads, length, s = size
        if padding is not None:
            if padding.shape != ((s,) if alone else (n, s)):
                raise ValueError(f"key_padding_mask has the shape (N, S), {(n, s)}, not {padding.shape}")
            padding = np.reshape(padding, (n, 1, 1, s))
        if mask is not None:
            if mask.shape not in ((length, s), (n * heads, length, s)):
                raise ValueError(
                    f"attn_mask has the shape (L, S), {(length, s)}, or (N heads, L, S), {(n * heads, length, s)},"
                    f" not {mask.shape}"
                )
            mask = mask if mask.ndim == 2 else np.reshape(mask, size)
        return padding if mask is None else mask if padding is None else mask + padding


def _blocking(mask: Any, name: str) -> Any:
    """A mask that is True where nobody may look, as numbers to add."""
    if mask is None or (isinstance(mask, Value) and mask.requires_grad):
        return mask
    mask = as_array(mask)
    if mask.dtype.kind not in "bf":
        raise TypeError(f"{name} is boolean or floating, not {mask.dtype}")
    return additive(~mask if mask.dtype.kind == "b" else mask)


def _appended(x: Any, item: Any) -> Any:
    """``x`` (N, heads, S, size) with ``item``, of heads times size numbers, at the end of each sequence."""
    n, heads, _, size = np.shape(x)
    return np.concatenate((x, np.broadcast_to(np.reshape(item, (1, heads, 1, size)), (n, heads, 1, size))), axis=2)
