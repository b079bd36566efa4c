"""The transformer and its layers."""

import numpy as np

from tests.cases.table import real
from tests.nn.cases.table import constant, layer

CAUSAL = constant(*np.triu(np.ones((3, 3), bool), 1))  # where nobody may look
ADDED = constant(*np.triu(np.full((3, 3), -np.inf), 1))
PADDING = constant([False, False, True], [False, True, True])
QUIET = {"dim_feedforward": 3, "dropout": 0.0}


def encoder(**options):
    """What builds an encoder's layer, of two heads of two numbers."""
    return lambda nn: nn.TransformerEncoderLayer(4, 2, **QUIET | options)


def decoder(**options):
    """What builds a decoder's layer, of two heads of two numbers."""
    return lambda nn: nn.TransformerDecoderLayer(4, 2, **QUIET | options)


layer("TransformerEncoderLayer", encoder(), real(3, 2, 4))
layer("TransformerEncoderLayer norm_first", encoder(norm_first=True, batch_first=True), real(2, 3, 4))
layer("TransformerEncoderLayer activation=gelu", encoder(activation="gelu", layer_norm_eps=0.1), real(3, 2, 4))
layer(
    "TransformerEncoderLayer activation=tanh",
    lambda nn: nn.TransformerEncoderLayer(4, 2, **QUIET, activation=nn.functional.tanh),
    real(3, 2, 4),
)
layer("TransformerEncoderLayer bias=False", encoder(bias=False), real(3, 2, 4))
layer("TransformerEncoderLayer of one sequence", encoder(batch_first=True), real(3, 4))
layer("TransformerEncoderLayer with masks", encoder(), real(3, 2, 4), CAUSAL, PADDING)
layer(
    "TransformerEncoderLayer is_causal",
    encoder(batch_first=True),
    real(2, 3, 4),
    CAUSAL,
    call=lambda module, x, mask: module(x, src_mask=mask, is_causal=True),
)
layer(
    "TransformerEncoderLayer dropout at rest",
    lambda nn: nn.TransformerEncoderLayer(4, 2, 3),
    real(3, 2, 4),
    training=False,
)
layer(
    "TransformerEncoder",
    lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, **QUIET, batch_first=True), 2),
    real(2, 3, 4),
    PADDING,
    call=lambda module, x, padding: module(x, src_key_padding_mask=padding),
)
layer(
    "TransformerEncoder with a norm",
    lambda nn: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, **QUIET), 2, norm=nn.LayerNorm(4)),
    real(3, 2, 4),
    CAUSAL,
)

layer("TransformerDecoderLayer", decoder(), real(3, 2, 4), real(2, 2, 4))
layer("TransformerDecoderLayer norm_first", decoder(norm_first=True), real(3, 2, 4), real(2, 2, 4))
layer(
    "TransformerDecoderLayer with masks",
    decoder(batch_first=True, activation="gelu", bias=False),
    real(2, 3, 4),
    real(2, 2, 4),
    CAUSAL,
    constant([False, True], [False, False], [True, False]),
    PADDING,
    constant([False, False], [False, True]),
)
layer(
    "TransformerDecoder",
    lambda nn: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, **QUIET), 2, nn.LayerNorm(4)),
    real(3, 2, 4),
    real(2, 2, 4),
    CAUSAL,
)
layer(
    "Transformer",
    lambda nn: nn.Transformer(4, 2, 1, 2, **QUIET),
    real(2, 2, 4),
    real(3, 2, 4),
    CAUSAL,
    call=lambda module, source, target, mask: module(source, target, tgt_mask=mask),
)
layer(
    "Transformer norm_first",
    lambda nn: nn.Transformer(4, 1, 1, 1, **QUIET, norm_first=True, batch_first=True, bias=False, activation="gelu"),
    real(2, 2, 4),
    real(2, 3, 4),
    call=lambda module, source, target: module(source, target),
)
