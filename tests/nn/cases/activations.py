"""Activations."""

from tests.cases.table import apart, real
from tests.nn.cases.table import function, integers, layer

for name in (
    "ReLU", "ReLU6", "Hardswish", "Sigmoid", "Tanh", "SiLU", "Mish", "SELU", "LogSigmoid", "Softsign",
    "Tanhshrink", "ELU", "CELU", "GELU", "LeakyReLU", "Hardtanh", "Hardshrink", "Softshrink", "Softplus", "PReLU",
):  # fmt: skip
    layer(name, lambda nn, name=name: getattr(nn, name)(), apart(3, 8))
layer("ELU alpha", lambda nn: nn.ELU(0.5), apart(3, 4))
layer("CELU alpha", lambda nn: nn.CELU(2.0), apart(3, 4))
layer("GELU tanh", lambda nn: nn.GELU("tanh"), real(3, 4))
layer("LeakyReLU slope", lambda nn: nn.LeakyReLU(negative_slope=1.5), apart(3, 4))
layer("Hardtanh bounds", lambda nn: nn.Hardtanh(-0.55, max_val=0.75), apart(3, 4))
layer("Hardshrink lambd", lambda nn: nn.Hardshrink(lambd=0.75), apart(3, 4))
layer("Softshrink lambd", lambda nn: nn.Softshrink(lambd=0.75), apart(3, 4))
layer("Softplus beta", lambda nn: nn.Softplus(beta=2.0), real(3, 4))
layer("Softplus threshold", lambda nn: nn.Softplus(3.0, threshold=1.0), apart(3, 4))
layer("Threshold", lambda nn: nn.Threshold(0.15, 20.0), apart(3, 4))
layer("PReLU of channels", lambda nn: nn.PReLU(3), apart(2, 3, 4))
layer("PReLU of rows", lambda nn: nn.PReLU(3, init=0.1), apart(5, 3))
layer("PReLU of a vector", lambda nn: nn.PReLU(), apart(5))
layer("RReLU in evaluation", lambda nn: nn.RReLU(0.1, 0.2), apart(3, 4), training=False)
layer("RReLU of one slope", lambda nn: nn.RReLU(0.25, 0.25), apart(3, 4))
# PyTorch's slope between -3 and 3 is 1/6 to the digits of a float32 only; ours is in test_activations.py.
layer("Hardsigmoid", lambda nn: nn.Hardsigmoid(), apart(3, 4), call=lambda module, x: module(x.detach()) + x)
function("hardsigmoid far out", lambda F, x: F.hardsigmoid(x + 9), apart(4))
layer("GLU", lambda nn: nn.GLU(), real(3, 4))
layer("GLU axis", lambda nn: nn.GLU(axis=1), real(3, 4, 2))
for axis in (0, 1, -1):
    layer(f"Softmax axis={axis}", lambda nn, axis=axis: nn.Softmax(axis=axis), real(3, 4, 2))
    layer(f"LogSoftmax axis={axis}", lambda nn, axis=axis: nn.LogSoftmax(axis=axis), real(3, 4, 2))
    layer(f"Softmin axis={axis}", lambda nn, axis=axis: nn.Softmin(axis=axis), real(3, 4, 2))
layer("Softmax2d", lambda nn: nn.Softmax2d(), real(2, 3, 2, 2))
layer("Softmax2d of an image", lambda nn: nn.Softmax2d(), real(3, 2, 2))

for name in (
    "relu", "relu6", "elu", "celu", "selu", "gelu", "hardshrink", "hardswish", "hardtanh", "leaky_relu",
    "logsigmoid", "mish", "rrelu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "glu",
):  # fmt: skip
    function(f"{name} of rows", lambda F, x, name=name: getattr(F, name)(x), apart(3, 4))
function("sigmoid of a number", lambda F, x: F.sigmoid(x), real())
function("silu of nothing", lambda F, x: F.silu(x), real(0, 3))
function("hardtanh words", lambda F, x: F.hardtanh(x, min_val=-0.3, max_val=0.2), apart(3, 4))
function("threshold", lambda F, x: F.threshold(x, threshold=0.2, value=-1.0), apart(3, 4))
function("prelu", lambda F, x, w: F.prelu(x, w), apart(2, 3, 4), real(3))
function("softmax", lambda F, x: F.softmax(x, axis=0), real(3, 4))
function("softmin", lambda F, x: F.softmin(x, axis=1), real(3, 4))
function("log_softmax", lambda F, x: F.log_softmax(x, axis=1), real(3, 4))
for name in ("sigmoid", "silu", "softplus", "logsigmoid", "mish", "gelu", "elu", "selu", "softsign", "tanhshrink"):
    function(f"{name} far out", lambda F, x, name=name: getattr(F, name)(40 * x), apart(12))
function("log_softmax far out", lambda F, x: F.log_softmax(400 * x, axis=-1), real(3, 4))

for words, bias in (("", False), ("head_bias", True)):
    layer(
        f"AdaptiveLogSoftmaxWithLoss {words}",
        lambda nn, bias=bias: nn.AdaptiveLogSoftmaxWithLoss(6, 12, [3, 7], div_value=2.0, head_bias=bias),
        real(5, 6),
        integers(0, 12, 5),
    )
layer(
    "AdaptiveLogSoftmaxWithLoss log_prob",
    lambda nn: nn.AdaptiveLogSoftmaxWithLoss(6, 12, [3, 7]),
    real(5, 6),
    call=lambda module, x: module.log_prob(x),
)
layer(
    "AdaptiveLogSoftmaxWithLoss of one row",
    lambda nn: nn.AdaptiveLogSoftmaxWithLoss(6, 12, [3, 7]),
    real(6),
    integers(0, 12),
)
