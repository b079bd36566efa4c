"""Losses of numbers, of probabilities, with margins, and of sequences."""

import numpy as np

from tests.cases.table import apart, positive, real
from tests.nn.cases.table import constant, function, integers, layer

REDUCTIONS = ("mean", "sum", "none")


def signs(*shape):
    return lambda rng: rng.choice((-1, 1), shape)


def unit(*shape):
    return lambda rng: rng.uniform(0.05, 0.95, shape)


def as_weight(w, x):
    """Integers as constants of the dtype of ``x``."""
    return (w + 0 * x.detach().reshape(-1)[:1]) / 4


# ---------------------------------------------------------------- one prediction and one target

for name, draws in {
    "L1Loss": (apart(3, 4), apart(3, 4)),
    "MSELoss": (real(3, 4), real(3, 4)),
    "HuberLoss": (real(3, 4), real(3, 4)),
    "SmoothL1Loss": (real(3, 4), real(3, 4)),
    "PoissonNLLLoss": (real(3, 4), positive(3, 4)),
    "BCELoss": (unit(3, 4), unit(3, 4)),
    "BCEWithLogitsLoss": (real(3, 4), unit(3, 4)),
    "KLDivLoss": (real(3, 4), positive(3, 4)),
    "SoftMarginLoss": (real(3, 4), signs(3, 4)),
    "HingeEmbeddingLoss": (apart(3, 4), signs(3, 4)),
    "MultiMarginLoss": (real(3, 4), integers(0, 4, 3)),
    "MultiLabelMarginLoss": (real(3, 4), lambda rng: np.array([[2, 1, -1, 3], [-1, 0, 0, 0], [0, 1, 2, 3]])),
    "MultiLabelSoftMarginLoss": (real(3, 4), unit(3, 4)),
    "CosineEmbeddingLoss": (real(3, 4), real(3, 4), signs(3)),
    "MarginRankingLoss": (real(3, 4), real(3, 4), signs(3, 4)),
    "TripletMarginLoss": (real(3, 4), real(3, 4), real(3, 4)),
    "TripletMarginWithDistanceLoss": (real(3, 4), real(3, 4), real(3, 4)),
    "GaussianNLLLoss": (real(3, 4), real(3, 4), positive(3, 4)),
}.items():
    for reduction in REDUCTIONS:
        layer(
            f"{name} {reduction}",
            lambda nn, name=name, reduction=reduction: getattr(nn, name)(reduction=reduction),
            *draws,
        )

for name, *draws in [
    ("l1_loss", apart(5), apart(5)),
    ("mse_loss", real(), real()),
    ("huber_loss", real(5), real(5)),
    ("smooth_l1_loss", real(5), real(5)),
    ("poisson_nll_loss", real(5), positive(5)),
    ("binary_cross_entropy", unit(5), unit(5)),
    ("binary_cross_entropy_with_logits", real(5), unit(5)),
    ("soft_margin_loss", real(5), signs(5)),
    ("hinge_embedding_loss", apart(5), signs(5)),
    ("multi_margin_loss", real(4), integers(0, 4)),
    ("multilabel_margin_loss", real(4), constant(3, 0, -1, 1)),
    ("multilabel_soft_margin_loss", real(4), unit(4)),
    ("cosine_embedding_loss", real(4), real(4), signs()),
    ("margin_ranking_loss", real(4), real(4), signs(4)),
    ("triplet_margin_loss", real(4), real(4), real(4)),
    ("triplet_margin_with_distance_loss", real(4), real(4), real(4)),
]:
    function(f"{name} of a vector", lambda F, *xs, name=name: getattr(F, name)(*xs), *draws)
for name in ("l1_loss", "mse_loss", "huber_loss"):
    for reduction in REDUCTIONS:
        function(
            f"{name} weighted, {reduction}",
            lambda F, x, t, w, name=name, reduction=reduction: getattr(F, name)(x, t, reduction=reduction, weight=w),
            apart(3, 2),
            apart(3, 2),
            positive(3, 2),
        )
layer("HuberLoss delta", lambda nn: nn.HuberLoss(delta=0.3), real(3, 4), real(3, 4))
layer("SmoothL1Loss beta", lambda nn: nn.SmoothL1Loss(beta=0.3), real(3, 4), real(3, 4))
function("smooth_l1_loss beta=0", lambda F, x, t: F.smooth_l1_loss(x, t, beta=0.0), apart(3, 4), apart(3, 4))

# ---------------------------------------------------------------- likelihoods

layer("PoissonNLLLoss of rates", lambda nn: nn.PoissonNLLLoss(log_input=False, eps=1e-3), positive(5), positive(5))
layer("PoissonNLLLoss full", lambda nn: nn.PoissonNLLLoss(full=True), real(6), constant(0.1, 0.5, 1.2, 2.0, 7.0, 3.5))
layer("GaussianNLLLoss full", lambda nn: nn.GaussianNLLLoss(full=True), real(8), real(8), positive(8))
layer("GaussianNLLLoss eps", lambda nn: nn.GaussianNLLLoss(eps=0.9), real(8), real(8), positive(8), order=1)
layer("GaussianNLLLoss of rows", lambda nn: nn.GaussianNLLLoss(), real(3, 4), real(3, 4), positive(3))
layer("GaussianNLLLoss of columns", lambda nn: nn.GaussianNLLLoss(), real(3, 4), real(3, 4), positive(1, 4))
function("gaussian_nll_loss of a number", lambda F, x, t: F.gaussian_nll_loss(x, t, 0.5), real(3, 4), real(3, 4))

# ---------------------------------------------------------------- probabilities

layer("KLDivLoss batchmean", lambda nn: nn.KLDivLoss(reduction="batchmean"), real(3, 4), positive(3, 4))
layer("KLDivLoss log_target", lambda nn: nn.KLDivLoss(reduction="sum", log_target=True), real(3, 4), real(3, 4))
function(
    "kl_div of zeros",
    lambda F, x, t: F.kl_div(x, t + 0 * x.detach(), reduction="sum"),
    real(3),
    constant(False, True, False),
)
function(
    "binary_cross_entropy at the ends",
    lambda F, x, t: F.binary_cross_entropy(x.detach(), t + 0 * x.detach(), reduction="none") + x,
    constant(0.0, 1.0, 0.0, 1.0),
    constant(False, False, True, True),
    order=1,
)
for reduction in REDUCTIONS:
    function(
        f"binary_cross_entropy weighted, {reduction}",
        lambda F, x, t, w, r=reduction: F.binary_cross_entropy(x, t, as_weight(w, x), reduction=r),
        unit(3, 4),
        unit(3, 4),
        integers(1, 5, 4),
    )
function(
    "binary_cross_entropy_with_logits weights",
    lambda F, x, t, w, p: F.binary_cross_entropy_with_logits(x, t, as_weight(w, x), pos_weight=as_weight(p, x)),
    real(3, 4),
    unit(3, 4),
    integers(1, 5, 3, 1),
    integers(1, 5, 4),
)
function("binary_cross_entropy_with_logits far out",
    lambda F, x, t: F.binary_cross_entropy_with_logits(400 * x, t, reduction="none"), real(5), unit(5))  # fmt: skip

# ---------------------------------------------------------------- margins

layer("HingeEmbeddingLoss margin", lambda nn: nn.HingeEmbeddingLoss(0.6), apart(3, 4), signs(3, 4))
layer("MarginRankingLoss margin", lambda nn: nn.MarginRankingLoss(0.5), real(9), real(9), signs(9))
layer("CosineEmbeddingLoss margin", lambda nn: nn.CosineEmbeddingLoss(0.2), real(6, 3), real(6, 3), signs(6))
layer("MultiMarginLoss p=2", lambda nn: nn.MultiMarginLoss(p=2, margin=0.5), real(5, 4), integers(0, 4, 5))
function(
    "multi_margin_loss weighted",
    lambda F, x, t, w: F.multi_margin_loss(x, t, weight=as_weight(w, x)),
    real(5, 4),
    integers(0, 4, 5),
    integers(1, 5, 4),
)
function(
    "multilabel_soft_margin_loss weighted",
    lambda F, x, t, w: F.multilabel_soft_margin_loss(x, t, as_weight(w, x)),
    real(3, 4),
    unit(3, 4),
    integers(1, 5, 4),
)
triplets = [real(5, 3)] * 3
layer("TripletMarginLoss p=1", lambda nn: nn.TripletMarginLoss(margin=2.0, p=1.0, eps=1e-3), *triplets)
layer("TripletMarginLoss swap", lambda nn: nn.TripletMarginLoss(swap=True), *triplets)
layer(
    "TripletMarginWithDistanceLoss of one's own",
    lambda nn: nn.TripletMarginWithDistanceLoss(
        distance_function=lambda a, b: ((a - b) ** 2).sum(-1), margin=3.0, swap=True
    ),
    *triplets,
)

# ---------------------------------------------------------------- sequences


def spelled(F, x, targets, steps, counts, **settings):
    return F.ctc_loss(F.log_softmax(x, axis=-1), targets, steps, counts, **settings)


for reduction in REDUCTIONS:
    function(
        f"ctc_loss {reduction}",
        lambda F, x, *rest, r=reduction: spelled(F, x, *rest, reduction=r),
        real(6, 3, 4),
        lambda rng: np.array([[1, 1, 2], [3, 2, 0], [1, 0, 0]]),
        constant(6, 5, 3),
        constant(3, 2, 1),
    )
function(
    "ctc_loss in a row",
    lambda F, x, *rest: spelled(F, x, *rest, blank=2),
    real(6, 3, 4),
    constant(1, 0, 3, 3, 1),
    constant(6, 4, 6),
    constant(2, 2, 1),
)
function(
    "ctc_loss of one sequence",
    lambda F, x, *rest: spelled(F, x, *rest),
    real(5, 4),
    constant(1, 2),
    lambda rng: np.array(5),
    lambda rng: np.array(2),
)
function(
    "ctc_loss of nothing said",
    lambda F, x, *rest: spelled(F, x, *rest),
    real(5, 2, 4),
    integers(1, 4, 2, 2),
    constant(5, 4),
    constant(0, 2),
)
function(
    "ctc_loss zero_infinity",
    lambda F, x, *rest: spelled(F, x, *rest, zero_infinity=True, reduction="sum"),
    real(4, 2, 4),
    lambda rng: np.array([[1, 1, 2], [3, 3, 3]]),
    constant(4, 4),
    constant(3, 3),
)
layer(
    "CTCLoss",
    lambda nn: nn.Sequential(nn.LogSoftmax(axis=-1), nn.CTCLoss(blank=3)),
    real(6, 2, 4),
    integers(0, 3, 2, 2),
    constant(6, 5),
    constant(2, 1),
    call=lambda both, x, *rest: both[1](both[0](x), *rest),
)
