"""Tables that are looked up."""

from tests.cases.table import real
from tests.nn.cases.table import constant, function, integers, layer

layer("Embedding", lambda nn: nn.Embedding(7, 3), integers(0, 7, 4, 5))
layer("Embedding of one index", lambda nn: nn.Embedding(7, 3), integers(0, 7))
layer("Embedding of nothing", lambda nn: nn.Embedding(7, 3), integers(0, 7, 0, 5))
layer("Embedding padding_idx=2", lambda nn: nn.Embedding(4, 3, padding_idx=2), integers(0, 4, 9))
layer("Embedding padding_idx=-1", lambda nn: nn.Embedding(4, 3, padding_idx=-1), integers(0, 4, 9))
layer("Embedding scale_grad_by_freq", lambda nn: nn.Embedding(4, 3, scale_grad_by_freq=True), integers(0, 4, 9))
layer(
    "Embedding padding_idx=1 scale_grad_by_freq",
    lambda nn: nn.Embedding(4, 3, 1, scale_grad_by_freq=True),
    integers(0, 4, 9),
)
layer("Embedding max_norm=0.5", lambda nn: nn.Embedding(7, 3, max_norm=0.5), integers(0, 7, 4), order=1)
layer("Embedding max_norm=0.5 norm_type=1", lambda nn: nn.Embedding(7, 3, None, 0.5, 1.0), integers(0, 7, 4), order=1)
function("embedding", lambda F, w, x: F.embedding(x, w), real(7, 3), integers(0, 7, 2, 3))
function("embedding padding_idx=2", lambda F, w, x: F.embedding(x, w, 2), real(4, 3), integers(0, 4, 9))

STARTS = constant(0, 3, 3, 4, 9)  # the second bag is empty
for mode in ("sum", "mean", "max"):
    layer(f"EmbeddingBag mode={mode}", lambda nn, mode=mode: nn.EmbeddingBag(7, 3, mode=mode), integers(0, 7, 4, 5))
    layer(
        f"EmbeddingBag mode={mode} with offsets",
        lambda nn, mode=mode: nn.EmbeddingBag(7, 3, mode=mode),
        integers(0, 7, 12),
        STARTS,
    )
    layer(
        f"EmbeddingBag mode={mode} padding_idx=1",
        lambda nn, mode=mode: nn.EmbeddingBag(4, 3, mode=mode, padding_idx=1),
        integers(0, 4, 12),
        STARTS,
    )
layer("EmbeddingBag", lambda nn: nn.EmbeddingBag(7, 3), integers(0, 7, 2, 4))
layer(
    "EmbeddingBag include_last_offset",
    lambda nn: nn.EmbeddingBag(7, 3, include_last_offset=True),
    integers(0, 7, 9),
    STARTS,
)
layer("EmbeddingBag max_norm=0.5", lambda nn: nn.EmbeddingBag(7, 3, max_norm=0.5), integers(0, 7, 2, 3), order=1)
layer(
    "EmbeddingBag per_sample_weights",
    lambda nn: nn.EmbeddingBag(7, 3, mode="sum"),
    integers(0, 7, 12),
    STARTS,
    real(12),
    call=lambda module, x, offsets, w: module(x, offsets, per_sample_weights=w),
)
layer(
    "EmbeddingBag per_sample_weights padding_idx=1",
    lambda nn: nn.EmbeddingBag(4, 3, mode="sum", padding_idx=1),
    integers(0, 4, 3, 4),
    real(3, 4),
    call=lambda module, x, w: module(x, per_sample_weights=w),
)
function("embedding_bag", lambda F, w, x: F.embedding_bag(x, w), real(7, 3), integers(0, 7, 2, 3))
function("one_hot", lambda F, w, x: F.embedding(F.one_hot(x, 5), w), real(2, 2), integers(0, 5, 2, 3))
function("one_hot of its own width", lambda F, w, x: F.embedding(F.one_hot(x), w), real(2, 2), integers(0, 5, 4))
