"""Activations, losses and layers."""

import math

import numpy as np

import calligrad as cg
from calligrad.nn import functional as F
from tests.cases.table import apart, case, real


def erf(x):
    return np.vectorize(math.erf, otypes=[float])(x)


def softmax(x, axis=-1):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


LOGISTIC = {
    "calligrad.relu": (cg.relu, apart, lambda x: np.maximum(x, 0)),
    "calligrad.sigmoid": (cg.sigmoid, real, lambda x: 1 / (1 + np.exp(-x))),
    "calligrad.tanh": (cg.tanh, real, np.tanh),
    "calligrad.erf": (cg.erf, real, erf),
    "calligrad.gelu": (cg.gelu, real, lambda x: x * (0.5 + 0.5 * erf(x / math.sqrt(2)))),
}
for name, (f, draw, expected) in LOGISTIC.items():
    case(name, f, draw(3, 4), expected=expected)
    case(f"{name} of a 0-d array", f, draw(), expected=expected)
    case(f"{name} of nothing", f, draw(0, 2), expected=expected)
case(
    "calligrad.gelu tanh",
    lambda x: cg.gelu(x, approximate="tanh"),
    real(5),
    expected=lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
)
for axis in (-1, 0, 1, (0, 1), None):
    for name, f, expected in (
        ("calligrad.softmax", cg.softmax, softmax),
        ("calligrad.log_softmax", cg.log_softmax, lambda x, axis: np.log(softmax(x, axis))),
    ):
        case(
            f"{name} axis={axis}",
            lambda x, f=f, axis=axis: f(x, axis),
            real(3, 4),
            expected=lambda x, g=expected, axis=axis: g(x, axis),
        )
        if axis == -1:
            case(f"{name} of one number", f, real(1), expected=lambda x, g=expected: g(x, -1))
            case(f"{name} of nothing", f, real(0, 3), expected=lambda x, g=expected: g(x, -1))
            case(f"{name} of empty rows", f, real(3, 0), expected=lambda x, g=expected: g(x, -1))

for words, *shapes in [
    ("", (5, 3), (2, 3), (2,)),
    ("without bias", (5, 3), (2, 3)),
    ("of a vector", (3,), (2, 3), (2,)),
    ("of three axes", (4, 5, 3), (2, 3), (2,)),
    ("of nothing", (0, 3), (2, 3), (2,)),
    ("to nothing", (5, 3), (0, 3), (0,)),
    ("of rows of nothing", (5, 0), (2, 0), (2,)),
]:
    case(
        f"functional.linear {words}",
        F.linear,
        *(real(*shape) for shape in shapes),
        expected=lambda x, w, b=0: x @ w.T + b,
    )
for reduction, reduce in {"mean": np.mean, "sum": np.sum, "none": lambda x: x}.items():
    case(
        f"functional.mse_loss {reduction}",
        lambda x, t, reduction=reduction: F.mse_loss(x, t, reduction=reduction),
        real(3, 2),
        real(3, 2),
        expected=lambda x, t, reduce=reduce: reduce((x - t) ** 2),
    )
    case(
        f"functional.cross_entropy {reduction}",
        lambda x, reduction=reduction: F.cross_entropy(x, np.array([0, 2, 2, 1]), reduction=reduction),
        real(4, 3),
        expected=lambda x, reduce=reduce: reduce(-np.log(softmax(x))[np.arange(4), [0, 2, 2, 1]]),
    )
case(
    "functional.mse_loss against a constant",
    lambda x: F.mse_loss(x, np.zeros(3, x.dtype)),
    real(3),
    expected=lambda x: np.mean(x**2),
)
case("functional.mse_loss of 0-d arrays", F.mse_loss, real(), real(), expected=lambda x, t: (x - t) ** 2)
case(
    "functional.cross_entropy of one row",
    lambda x: F.cross_entropy(x, 1),
    real(3),
    expected=lambda x: -np.log(softmax(x))[1],
)
case(
    "functional.cross_entropy of bytes",
    lambda x: F.cross_entropy(x, np.array([2, 0], np.uint8)),
    real(2, 3),
    expected=lambda x: np.mean(-np.log(softmax(x))[[0, 1], [2, 0]]),
)
