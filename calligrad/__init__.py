"""calligrad: deep learning written by hand, on NumPy.

The table of contents. Everything else is NumPy: call ``np.…`` on a Value, and its gradient comes along.
"""

import importlib
from typing import TYPE_CHECKING

from numpy import add, matmul, transpose

from calligrad import implicit, ops, random
from calligrad.blackbox import custom
from calligrad.differences import numeric
from calligrad.dtypes import default_dtype, set_default_dtype
from calligrad.function import Elementwise, Function, constant
from calligrad.memory import keep_freed
from calligrad.modes import no_grad
from calligrad.ops.softmax import log_softmax, logsumexp, softmax
from calligrad.ops.special import erf
from calligrad.rules import implements
from calligrad.transforms import grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from calligrad.value import Value, as_array, as_value

__version__ = "0.1.0"

keep_freed()

__all__ = [
    "CaptureError",
    "Elementwise",
    "Function",
    "Linear",
    "Module",
    "Value",
    "add",
    "as_array",
    "as_value",
    "compile",
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


if TYPE_CHECKING:  # what follows, for those who read without running
    from calligrad import batching as batching
    from calligrad import data as data
    from calligrad import nn, optim
    from calligrad import testing as testing
    from calligrad import train as train
    from calligrad.anomaly import detect_anomaly
    from calligrad.batching import vmap
    from calligrad.compiler.compiled import compile
    from calligrad.compiler.traced import CaptureError
    from calligrad.diagnosis.doctor import doctor
    from calligrad.nn.activations import gelu, relu, sigmoid, tanh
    from calligrad.nn.linear import Linear
    from calligrad.nn.module import Module

_PACKAGES = ("batching", "data", "nn", "optim", "testing", "train")
_HOMES = {
    "CaptureError": "compiler.traced",
    "Linear": "nn",
    "Module": "nn",
    "compile": "compiler.compiled",
    "detect_anomaly": "anomaly",
    "doctor": "diagnosis",
    "gelu": "nn.activations",
    "relu": "nn.activations",
    "sigmoid": "nn.activations",
    "tanh": "nn.activations",
    "vmap": "batching",
}


def __getattr__(name: str) -> object:
    """What not every program needs is imported when it is first asked for."""
    if name in _PACKAGES:
        return importlib.import_module(f"calligrad.{name}")
    if name in _HOMES:
        globals()[name] = found = getattr(importlib.import_module(f"calligrad.{_HOMES[name]}"), name)
        return found
    raise AttributeError(f"module 'calligrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PACKAGES, *_HOMES})
