"""Normalization layers."""

from tests.cases.table import real
from tests.nn.cases.table import function, layer

for rank, shape in ((1, (4,)), (2, (2, 3)), (3, (2, 1, 3))):
    layer(f"BatchNorm{rank}d", lambda nn, rank=rank: getattr(nn, f"BatchNorm{rank}d")(3), real(4, 3, *shape))
    layer(
        f"BatchNorm{rank}d in evaluation",
        lambda nn, rank=rank: getattr(nn, f"BatchNorm{rank}d")(3),
        real(4, 3, *shape),
        training=False,
    )
    layer(f"InstanceNorm{rank}d", lambda nn, rank=rank: getattr(nn, f"InstanceNorm{rank}d")(3), real(2, 3, *shape))
    layer(
        f"InstanceNorm{rank}d of one example",
        lambda nn, rank=rank: getattr(nn, f"InstanceNorm{rank}d")(3, affine=True),
        real(3, *shape),
    )

layer("BatchNorm1d (N, C)", lambda nn: nn.BatchNorm1d(5), real(6, 5))
layer("BatchNorm1d (N, C) in evaluation", lambda nn: nn.BatchNorm1d(5), real(6, 5), training=False)
layer("BatchNorm2d of one example", lambda nn: nn.BatchNorm2d(3), real(1, 3, 2, 4))
layer("BatchNorm1d eps=0.1 momentum=0.3", lambda nn: nn.BatchNorm1d(3, eps=0.1, momentum=0.3), real(5, 3))
layer("BatchNorm1d affine=False", lambda nn: nn.BatchNorm1d(3, affine=False), real(5, 3))
layer("BatchNorm1d affine=False in evaluation", lambda nn: nn.BatchNorm1d(3, affine=False), real(5, 3), training=False)
layer("BatchNorm1d bias=False", lambda nn: nn.BatchNorm1d(3, bias=False), real(5, 3))
layer("BatchNorm1d track_running_stats=False", lambda nn: nn.BatchNorm1d(3, track_running_stats=False), real(5, 3))
layer(
    "BatchNorm1d track_running_stats=False in evaluation",
    lambda nn: nn.BatchNorm1d(3, track_running_stats=False),
    real(5, 3),
    training=False,
)
layer(
    "BatchNorm1d momentum=None, three batches",
    lambda nn: nn.BatchNorm1d(3, momentum=None),
    real(5, 3),
    real(4, 3),
    real(2, 3),
    call=lambda module, *xs: tuple(map(module, xs)),
)
function("batch_norm training", lambda F, x: F.batch_norm(x, None, None, training=True), real(4, 3, 2))
function("batch_norm weight", lambda F, x, w: F.batch_norm(x, None, None, w, training=True), real(4, 3, 2), real(3))
function("batch_norm bias", lambda F, x, b: F.batch_norm(x, None, None, None, b, True), real(4, 3, 2), real(3))

layer("InstanceNorm2d affine=True", lambda nn: nn.InstanceNorm2d(3, affine=True), real(2, 3, 2, 4))
layer(
    "InstanceNorm1d track_running_stats=True",
    lambda nn: nn.InstanceNorm1d(3, track_running_stats=True),
    real(2, 3, 4),
)
layer(
    "InstanceNorm1d track_running_stats=True in evaluation",
    lambda nn: nn.InstanceNorm1d(3, affine=True, track_running_stats=True, momentum=0.4),
    real(2, 3, 4),
    training=False,
)
layer(
    "InstanceNorm1d momentum=0.4, two batches",
    lambda nn: nn.InstanceNorm1d(3, momentum=0.4, track_running_stats=True),
    real(2, 3, 4),
    real(1, 3, 5),
    call=lambda module, *xs: tuple(map(module, xs)),
)
layer("InstanceNorm1d of no examples", lambda nn: nn.InstanceNorm1d(3), real(0, 3, 4))
function("instance_norm", lambda F, x, w, b: F.instance_norm(x, None, None, w, b), real(2, 3, 4), real(3), real(3))

layer("GroupNorm", lambda nn: nn.GroupNorm(2, 4), real(3, 4, 2, 3))
layer("GroupNorm (N, C)", lambda nn: nn.GroupNorm(2, 6), real(4, 6))
layer("GroupNorm of one group", lambda nn: nn.GroupNorm(1, 4), real(2, 4, 3))
layer("GroupNorm of every channel", lambda nn: nn.GroupNorm(4, 4, eps=0.1), real(2, 4, 3))
layer("GroupNorm affine=False", lambda nn: nn.GroupNorm(2, 4, affine=False), real(2, 4, 3))
layer("GroupNorm bias=False", lambda nn: nn.GroupNorm(2, 4, bias=False), real(2, 4, 3))
layer("GroupNorm of no examples", lambda nn: nn.GroupNorm(2, 4), real(0, 4, 3))
function("group_norm", lambda F, x, w, b: F.group_norm(x, 2, w, b), real(2, 4, 3), real(4), real(4))

layer("LayerNorm", lambda nn: nn.LayerNorm(5), real(2, 3, 5))
layer("LayerNorm of two axes", lambda nn: nn.LayerNorm((3, 4)), real(2, 2, 3, 4))
layer("LayerNorm of all axes", lambda nn: nn.LayerNorm([3, 4], eps=0.1), real(3, 4))
layer("LayerNorm elementwise_affine=False", lambda nn: nn.LayerNorm(5, elementwise_affine=False), real(3, 5))
layer("LayerNorm bias=False", lambda nn: nn.LayerNorm(5, bias=False), real(3, 5))
layer("LayerNorm of nothing", lambda nn: nn.LayerNorm(5), real(0, 5))
layer("LayerNorm far from 0", lambda nn: nn.LayerNorm(5), lambda rng: 100 + rng.standard_normal((3, 5)))
function("layer_norm", lambda F, x, w, b: F.layer_norm(x, (5,), w, b), real(3, 5), real(5), real(5))
function("layer_norm bias", lambda F, x, b: F.layer_norm(x, (5,), None, b), real(3, 5), real(5))

layer("RMSNorm", lambda nn: nn.RMSNorm(5, eps=1e-6), real(2, 3, 5))
layer("RMSNorm of two axes", lambda nn: nn.RMSNorm((3, 4), eps=0.1), real(2, 3, 4))
layer("RMSNorm elementwise_affine=False", lambda nn: nn.RMSNorm(5, elementwise_affine=False), real(3, 5))
function("rms_norm", lambda F, x, w: F.rms_norm(x, (5,), w), real(3, 5), real(5))

layer("LocalResponseNorm", lambda nn: nn.LocalResponseNorm(3, alpha=0.5), real(2, 5, 3))
layer("LocalResponseNorm even size", lambda nn: nn.LocalResponseNorm(2, 0.3, 0.5, 2.0), real(2, 4, 3, 2))
layer("LocalResponseNorm wider than the channels", lambda nn: nn.LocalResponseNorm(7, 1.0), real(1, 3, 4))
function("local_response_norm", lambda F, x: F.local_response_norm(x, 4, alpha=0.5), real(1, 6, 2))

function("normalize", lambda F, x: F.normalize(x), real(3, 4))
function("normalize p=1", lambda F, x: F.normalize(x, p=1.0, axis=0), real(3, 4))
function("normalize p=3", lambda F, x: F.normalize(x, p=3.0, axis=-1), real(3, 2, 4))
function("normalize p=inf", lambda F, x: F.normalize(x, p=float("inf")), real(3, 4))
function("normalize smaller than eps", lambda F, x: F.normalize(x, eps=100.0), real(3, 4))
