"""Attention."""

from typing import Any

import numpy as np

from tests.cases.table import real
from tests.nn.cases.table import constant, function, layer

THREE = real(2, 3, 2), real(2, 4, 2), real(2, 4, 3)
CAUSAL = constant(*np.triu(np.ones((3, 3), bool), 1))  # where nobody may look
PADDING = constant([False, False, False, True], [False, True, True, False])

function("scaled_dot_product_attention", lambda F, *qkv: F.scaled_dot_product_attention(*qkv), *THREE)
function(
    "scaled_dot_product_attention of matrices",
    lambda F, *qkv: F.scaled_dot_product_attention(*qkv),
    real(3, 2),
    real(4, 2),
    real(4, 2),
)
function(
    "scaled_dot_product_attention of heads", lambda F, x: F.scaled_dot_product_attention(x, x, x), real(2, 2, 3, 2)
)
function(
    "scaled_dot_product_attention is_causal",
    lambda F, *qkv: F.scaled_dot_product_attention(*qkv, is_causal=True),
    *THREE,
)
function(
    "scaled_dot_product_attention with a scale",
    lambda F, *qkv: F.scaled_dot_product_attention(*qkv, scale=0.3),
    *THREE,
)
function(
    "scaled_dot_product_attention with a boolean mask",
    lambda F, q, k, v, mask: F.scaled_dot_product_attention(q, k, v, mask),
    *THREE,
    constant([True, False, True, True], [True, True, False, False], [False, False, False, True]),
)
function(
    "scaled_dot_product_attention with a row masked out",
    lambda F, q, k, v, mask: F.scaled_dot_product_attention(q, k, v, mask),
    *THREE,
    constant([True, False, True, True], [False, False, False, False], [False, False, False, True]),
)
function(
    "scaled_dot_product_attention with a mask that is added",
    lambda F, q, k, v, mask: F.scaled_dot_product_attention(q, k, v, attn_mask=mask),
    *THREE,
    real(2, 3, 4),
)
function(
    "scaled_dot_product_attention with one mask for all",
    lambda F, q, k, v, mask: F.scaled_dot_product_attention(q, k, v, attn_mask=mask),
    *THREE,
    real(1, 4),
)
function(
    "scaled_dot_product_attention enable_gqa",
    lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
    real(1, 4, 3, 2),
    real(1, 2, 3, 2),
    real(1, 2, 3, 2),
)
function(
    "scaled_dot_product_attention of no heads",
    lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v),
    real(0, 2, 3, 2),
    real(0, 2, 3, 2),
    real(0, 2, 3, 2),
)


def of_itself(*masks: str, **options: Any) -> Any:
    """A call with one input as query, key and value; further inputs are masks, of these names."""

    def call(module: Any, x: Any, *given: Any) -> Any:
        y, weights = module(x, x, x, **dict(zip(masks, given, strict=True)), **options)
        return y if weights is None else (y, weights)

    return call


def heads(**options: Any) -> Any:
    """What builds the layer, with two heads of two numbers."""
    return lambda nn: nn.MultiheadAttention(4, 2, **options)


layer("MultiheadAttention", heads(), real(3, 2, 4), call=of_itself())
layer("MultiheadAttention batch_first", heads(batch_first=True), real(2, 3, 4), call=of_itself())
layer("MultiheadAttention of one sequence", heads(), real(3, 4), call=of_itself())
layer("MultiheadAttention of no sequences", heads(), real(3, 0, 4), call=of_itself())
layer("MultiheadAttention bias=False", heads(bias=False), real(3, 2, 4), call=of_itself())
layer("MultiheadAttention of others", heads(), real(3, 2, 4), real(4, 2, 4), real(4, 2, 4))
layer("MultiheadAttention kdim vdim", heads(kdim=3, vdim=2), real(3, 2, 4), real(4, 2, 3), real(4, 2, 2))
layer(
    "MultiheadAttention kdim without a batch",
    heads(kdim=3, bias=False, batch_first=True),
    real(3, 4),
    real(2, 3),
    real(2, 4),
)
layer("MultiheadAttention need_weights=False", heads(), real(3, 2, 4), call=of_itself(need_weights=False))
layer("MultiheadAttention by head", heads(), real(3, 2, 4), call=of_itself(average_attn_weights=False))
layer("MultiheadAttention by head without a batch", heads(), real(3, 4), call=of_itself(average_attn_weights=False))
layer("MultiheadAttention causal", heads(), real(3, 2, 4), CAUSAL, call=of_itself("attn_mask"))
layer(
    "MultiheadAttention is_causal",
    heads(batch_first=True),
    real(2, 3, 4),
    CAUSAL,
    call=of_itself("attn_mask", is_causal=True, need_weights=False),
)
layer("MultiheadAttention with a mask that is added", heads(), real(3, 2, 4), real(3, 3), call=of_itself("attn_mask"))
layer(
    "MultiheadAttention with a mask for each head",
    heads(batch_first=True),
    real(2, 3, 4),
    real(4, 3, 3),
    call=of_itself("attn_mask"),
)
layer("MultiheadAttention with padding", heads(), real(4, 2, 4), PADDING, call=of_itself("key_padding_mask"))
layer(
    "MultiheadAttention with padding without a batch",
    heads(),
    real(3, 4),
    constant(False, True, False),
    call=of_itself("key_padding_mask"),
)
layer(
    "MultiheadAttention with both masks added",
    heads(batch_first=True),
    real(2, 3, 4),
    real(2, 3),
    real(3, 3),
    call=of_itself("key_padding_mask", "attn_mask"),
)
layer(
    "MultiheadAttention add_bias_kv add_zero_attn",
    heads(add_bias_kv=True, add_zero_attn=True),
    real(3, 2, 4),
    CAUSAL,
    call=of_itself("attn_mask"),
)
layer("MultiheadAttention add_bias_kv", heads(add_bias_kv=True, batch_first=True), real(2, 3, 4), call=of_itself())
layer("MultiheadAttention add_zero_attn", heads(add_zero_attn=True), real(3, 4), call=of_itself())
layer("MultiheadAttention dropout at rest", heads(dropout=0.5), real(3, 2, 4), call=of_itself(), training=False)
