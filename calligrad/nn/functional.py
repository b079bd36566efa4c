"""The layers without parameters, as functions."""

from calligrad.nn.activations import gelu, relu, sigmoid, tanh
from calligrad.nn.linear import linear
from calligrad.nn.losses import cross_entropy, mse_loss
from calligrad.ops.softmax import log_softmax, logsumexp, softmax

__all__ = [
    "cross_entropy",
    "gelu",
    "linear",
    "log_softmax",
    "logsumexp",
    "mse_loss",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]
