"""Distances and similarities."""

from tests.cases.table import real
from tests.nn.cases.table import function, layer

layer("CosineSimilarity", lambda nn: nn.CosineSimilarity(), real(4, 3), real(4, 3))
layer("CosineSimilarity axis", lambda nn: nn.CosineSimilarity(axis=-1, eps=1e-4), real(4, 2, 3), real(4, 2, 3))
layer("PairwiseDistance", lambda nn: nn.PairwiseDistance(), real(4, 3), real(4, 3))
layer("PairwiseDistance keepdims", lambda nn: nn.PairwiseDistance(3.0, 1e-3, keepdims=True), real(4, 3), real(4, 3))
function("cosine_similarity", lambda F, x, y: F.cosine_similarity(x, y), real(4, 3), real(4, 3))
function("cosine_similarity of a vector", lambda F, x, y: F.cosine_similarity(x, y, axis=0), real(3), real(3))
function("cosine_similarity to one", lambda F, x, y: F.cosine_similarity(x, y), real(4, 3), real(1, 3))
function(  # the gradient is that of the function; PyTorch's is another where a norm is below eps
    "cosine_similarity of the short",
    lambda F, x, y: F.cosine_similarity(x.detach(), y.detach(), eps=2.5) + x.sum(),
    real(4, 3),
    real(4, 3),
)
for p in (1.0, 2.0, 3.5, float("inf")):
    function(f"pairwise_distance p={p}", lambda F, x, y, p=p: F.pairwise_distance(x, y, p), real(4, 3), real(4, 3))
    function(f"pdist p={p}", lambda F, x, p=p: F.pdist(x, p), real(4, 3))
function("pairwise_distance of vectors", lambda F, x, y: F.pairwise_distance(x, y), real(3), real(3))
function("pairwise_distance to one", lambda F, x, y: F.pairwise_distance(x, y), real(4, 3), real(1, 3))
