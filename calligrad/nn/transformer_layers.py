"""The layers of a transformer: attention and two linear layers, each added to what came in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.nn.activations import gelu, relu
from calligrad.nn.dropout import Dropout
from calligrad.nn.layer_norm import LayerNorm
from calligrad.nn.linear import Linear
from calligrad.nn.module import Module
from calligrad.nn.multihead import MultiheadAttention


class TransformerLayer(Module):
    """What the layers of encoder and decoder share: the pieces in their order, each normalised and added.

    With ``norm_first`` a piece f makes ``x + f(norm(x))``, which trains more easily when there are many layers;
    otherwise ``norm(x + f(x))``, as in the paper.
    """

    def __init__(
        self,
        attentions: tuple[str, ...],
        d_model: int,
        nhead: int,
        dim_feedforward: int,
        dropout: float,
        activation: str | Callable,
        layer_norm_eps: float,
        batch_first: bool,
        norm_first: bool,
        bias: bool,
        dtype: Any,
        rng: np.random.Generator | None,
    ) -> None:
        for name in attentions:
            attention = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, rng=rng)
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, rng=rng)
        self.norm_first, self.activation = norm_first, activation_called(activation)
        for i in range(1, len(attentions) + 2):
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype))
            setattr(self, f"dropout{i}", Dropout(dropout, rng=rng))

    def added(self, i: int, x: Any, piece: Callable) -> Any:
        """``x`` after piece number ``i``, from 1."""
        norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
        if self.norm_first:
            return x + dropout(piece(norm(x)))
        return norm(x + dropout(piece(x)))

    def feed_forward(self, x: Any) -> Any:
        """The two linear layers, position by position."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(TransformerLayer):
    """Attention of a sequence to itself, then two linear layers of ``dim_feedforward`` numbers between.

    ``activation`` is ``"relu"``, ``"gelu"`` or a function. Vaswani et al., "Attention is all you need",
    arXiv:1706.03762; ``norm_first``: Xiong et al., arXiv:2002.04745.

    >>> import numpy as np
    >>> from calligrad.nn import TransformerEncoderLayer
    >>> TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)(np.ones((5, 3, 8), np.float32)).shape
    (5, 3, 8)
    """

    self_attn: MultiheadAttention

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            ("self_attn",),
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
            dtype,
            rng,
        )

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """(L, N, d_model), with ``batch_first`` (N, L, d_model), or (L, d_model), to the same shape.

        The masks are those of ``MultiheadAttention``; ``is_causal`` says that src_mask is a causal one.
        """

        def attention(x: Any) -> Any:
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        x = self.added(1, src, attention)
        return self.added(2, x, self.feed_forward)


class TransformerDecoderLayer(TransformerLayer):
    """Attention of a sequence to itself, then to ``memory``, the encoder's output, then two linear layers.

    The arguments are those of ``TransformerEncoderLayer``.

    >>> import numpy as np
    >>> from calligrad.nn import TransformerDecoderLayer
    >>> target, memory = np.ones((4, 3, 8), np.float32), np.ones((5, 3, 8), np.float32)
    >>> TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)(target, memory).shape
    (4, 3, 8)
    """

    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            ("self_attn", "multihead_attn"),
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
            dtype,
            rng,
        )

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """``tgt`` (T, N, d_model) and ``memory`` (S, N, d_model), with ``batch_first`` N first, to the shape of tgt.

        The masks are those of ``MultiheadAttention``: (T, T) and (T, S); for padding (N, T) and (N, S).
        """

        def attention(x: Any) -> Any:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def attention_to_memory(x: Any) -> Any:
            masks = {"key_padding_mask": memory_key_padding_mask, "attn_mask": memory_mask}
            return self.multihead_attn(x, memory, memory, **masks, need_weights=False, is_causal=memory_is_causal)[0]

        x = self.added(1, tgt, attention)
        x = self.added(2, x, attention_to_memory)
        return self.added(3, x, self.feed_forward)


def activation_called(name: str | Callable) -> Callable:
    """The function that is called ``name``, or that is given."""
    known = {"relu": relu, "gelu": gelu}
    if callable(name):
        return name
    if name not in known:
        raise ValueError(f'activation is "relu", "gelu" or a function, not {name!r}')
    return known[name]
