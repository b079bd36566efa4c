"""calligrad: deep learning written by hand, on NumPy.

The table of contents. Everything else is NumPy: call ``np.…`` on a Value, and its gradient comes along.
"""

import importlib

from numpy import add, matmul, transpose

from calligrad import implicit, memory, nn, ops, optim, random
from calligrad.blackbox import custom
from calligrad.differences import numeric
from calligrad.dtypes import default_dtype, set_default_dtype
from calligrad.function import Elementwise, Function, constant
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


def __getattr__(name: str) -> object:
    """``calligrad.data``, ``calligrad.testing`` and ``vmap`` are imported when they are first asked for."""
    if name in ("batching", "data", "testing"):
        return importlib.import_module(f"calligrad.{name}")
    if name == "vmap":
        return importlib.import_module("calligrad.batching").vmap
    raise AttributeError(f"module 'calligrad' has no attribute {name!r}")
