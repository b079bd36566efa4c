"""calligrad: deep learning written by hand, on NumPy.

The table of contents. Everything else is NumPy: call ``np.…`` on a Value, and its gradient comes along.
"""

import importlib

from numpy import add, matmul, transpose

from calligrad import implicit, nn, ops, optim, random
from calligrad.blackbox import custom
from calligrad.differences import numeric
from calligrad.dtypes import default_dtype, set_default_dtype
from calligrad.function import Elementwise, Function, constant
from calligrad.memory import keep_freed
from calligrad.modes import no_grad
from calligrad.nn.activations import gelu, relu, sigmoid, tanh
from calligrad.nn.linear import Linear
from calligrad.nn.module import Module
from calligrad.ops.softmax import log_softmax, logsumexp, softmax
from calligrad.ops.special import erf
from calligrad.rules import implements
from calligrad.transforms import grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from calligrad.value import Value, as_array, as_value

__version__ = "0.1.0"

keep_freed()

__all__ = [
    "Elementwise",
    "Function",
    "Linear",
    "Module",
    "Value",
    "add",
    "as_array",
    "as_value",
    "constant",
    "custom",
    "default_dtype",
    "detect_anomaly",
    "doctor",
    "erf",
    "gelu",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "implements",
    "implicit",
    "jacobian",
    "jvp",
    "log_softmax",
    "logsumexp",
    "matmul",
    "nn",
    "no_grad",
    "numeric",
    "ops",
    "optim",
    "random",
    "relu",
    "set_default_dtype",
    "sigmoid",
    "softmax",
    "tanh",
    "transpose",
    "value_and_grad",
    "vjp",
    "vmap",
]


_ON_DEMAND = {"detect_anomaly": "anomaly", "doctor": "diagnosis", "vmap": "batching"}  # and where it is


def __getattr__(name: str) -> object:
    """What not every program needs is imported when it is first asked for."""
    if name in ("batching", "data", "testing", "train"):
        return importlib.import_module(f"calligrad.{name}")
    if name in _ON_DEMAND:
        return getattr(importlib.import_module(f"calligrad.{_ON_DEMAND[name]}"), name)
    raise AttributeError(f"module 'calligrad' has no attribute {name!r}")
