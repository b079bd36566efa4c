"""The transformer: an encoder, a decoder, and both."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from calligrad.nn.init import xavier_uniform_
from calligrad.nn.layer_norm import LayerNorm
from calligrad.nn.module import Module
from calligrad.nn.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer


class TransformerEncoder(Module):
    """``num_layers`` copies of ``encoder_layer``, one after the other, and ``norm`` at the end, if there is one.

    The copies start with the same numbers.
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = copies(encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """As a ``TransformerEncoderLayer``."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """``num_layers`` copies of ``decoder_layer``, one after the other, and ``norm`` at the end, if there is one.

    The copies start with the same numbers.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = copies(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

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
        """As a ``TransformerDecoderLayer``."""
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal, memory_is_causal
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """Encoder and decoder: from a source sequence and a target sequence to what the target's positions make of both.

    The weights start as ``xavier_uniform_`` makes them. Vaswani et al., "Attention is all you need", arXiv:1706.03762.

    >>> import numpy as np
    >>> from calligrad.nn import Transformer
    >>> model = Transformer(d_model=8, nhead=2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16)
    >>> source, target = np.ones((5, 3, 8), np.float32), np.ones((4, 3, 8), np.float32)
    >>> model(source, target, tgt_mask=model.generate_square_subsequent_mask(4)).shape
    (4, 3, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable = "relu",
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        options = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm() -> Module:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(d_model, nhead, *options, dtype=dtype, rng=rng), num_encoder_layers, norm()
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(d_model, nhead, *options, dtype=dtype, rng=rng), num_decoder_layers, norm()
        )
        for parameter in self.parameters():
            if parameter.ndim > 1:
                xavier_uniform_(parameter, rng=rng)

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool = False,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """``src`` (S, N, d_model) and ``tgt`` (T, N, d_model), with ``batch_first`` N first, to the shape of tgt.

        The masks are those of ``MultiheadAttention``: (S, S), (T, T) and (T, S); for padding (N, S) and (N, T).
        """
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal, memory_is_causal
        return self.decoder(tgt, memory, *masks)

    @staticmethod
    def generate_square_subsequent_mask(size: int, *, dtype: Any = np.float32) -> np.ndarray:
        """A causal mask to add: 0 on and below the diagonal, -inf above.

        >>> from calligrad.nn import Transformer
        >>> Transformer.generate_square_subsequent_mask(2)
        array([[  0., -inf],
               [  0.,   0.]], dtype=float32)
        """
        return np.where(np.tri(size, dtype=bool), 0.0, -np.inf).astype(dtype)


def copies(module: Module, n: int) -> list[Module]:
    """``n`` modules like ``module`` with parameters of their own, which draw from the same generators."""
    if not isinstance(module, Module):
        raise TypeError(f"the layer is a module, not {module!r}")
    drawn_from = [x for m in module.modules() for x in vars(m).values() if isinstance(x, np.random.Generator)]
    return [deepcopy(module, {id(rng): rng for rng in drawn_from}) for _ in range(n)]
