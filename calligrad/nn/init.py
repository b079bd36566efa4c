"""Initialisers: they fill a Value in place and return it, drawing from ``rng`` or ``calligrad.random``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.random import generator
from calligrad.value import Value


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many numbers come in and go out of a weight of ``shape`` (out, in, *window).

    >>> from calligrad.nn.init import fans
    >>> fans((8, 3, 5, 5))
    (75, 200)
    """
    if len(shape) < 2:
        raise ValueError(f"a weight has at least two axes (out, in, …); shape {shape} has no fan")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


GAINS = dict.fromkeys(
    ["linear", "sigmoid", *(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3))], 1.0
)
GAINS |= {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much to widen a weight before ``nonlinearity`` so that the variance is kept.

    ``param`` is the slope below 0 of a ``leaky_relu``, 0.01 unless given.

    >>> from calligrad.nn.init import calculate_gain
    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope * slope))
    if nonlinearity not in GAINS:
        raise ValueError(f"no gain is known for {nonlinearity!r}; known are leaky_relu, {', '.join(GAINS)}")
    return GAINS[nonlinearity]


def fill(x: Value, numbers: Any) -> Value:
    """Write ``numbers`` into the array of ``x``, which must be a leaf with floating data."""
    if not isinstance(x, Value):
        raise TypeError(f"an initialiser fills a Value, not {type(x).__name__}")
    if x.created_by is not None or x.dtype.kind != "f":
        raise ValueError(f"an initialiser fills a leaf with floating data, not {x!r}")
    x.data[...] = numbers
    return x


def constant_(x: Value, val: float) -> Value:
    """``val`` everywhere."""
    return fill(x, val)


def zeros_(x: Value) -> Value:
    """Zero everywhere."""
    return fill(x, 0)


def ones_(x: Value) -> Value:
    """One everywhere."""
    return fill(x, 1)


def eye_(x: Value) -> Value:
    """The identity matrix; ``x`` has two axes."""
    if np.ndim(x) != 2:
        raise ValueError(f"eye_ fills a matrix, not shape {np.shape(x)}")
    return fill(x, np.eye(*x.shape))


def dirac_(x: Value, groups: int = 1) -> Value:
    """The weight (out, in, *window) of a convolution that passes its channels on: a one in the middle of each window.

    Within each of ``groups`` groups of outputs, the first outputs repeat the inputs and the rest give zero.
    """
    if not 3 <= np.ndim(x) <= 5:
        raise ValueError(
            f"dirac_ fills a weight (out, in, *window) with one to three axes of window, not {np.shape(x)}"
        )
    if groups < 1 or x.shape[0] % groups:
        raise ValueError(f"dirac_: {x.shape[0]} outputs do not divide into {groups} groups")
    numbers, outputs = np.zeros(x.shape), x.shape[0] // groups
    middle = tuple(n // 2 for n in x.shape[2:])
    for i in range(min(outputs, x.shape[1])):
        for group in range(groups):
            numbers[group * outputs + i, i, *middle] = 1
    return fill(x, numbers)


def uniform_(x: Value, a: float = 0.0, b: float = 1.0, rng: np.random.Generator | None = None) -> Value:
    """Uniform between ``a`` and ``b``."""
    return fill(x, generator(rng).uniform(a, b, np.shape(x)))


def normal_(x: Value, mean: float = 0.0, std: float = 1.0, rng: np.random.Generator | None = None) -> Value:
    """Normal with ``mean`` and ``std``."""
    return fill(x, generator(rng).normal(mean, std, np.shape(x)))


def trunc_normal_(
    x: Value,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    rng: np.random.Generator | None = None,
) -> Value:
    """Normal with ``mean`` and ``std``, given that it lies between ``a`` and ``b``."""
    if not std > 0 or not a < b:
        raise ValueError(f"trunc_normal_ takes std > 0 and a < b, not std={std}, a={a}, b={b}")
    low, high = (a - mean) / std, (b - mean) / std
    peak = min(max(low, 0.0), high)  # where the density is highest
    low, high = max(low, peak - 10), min(high, peak + 10)  # beyond, there is nothing to speak of
    rng = generator(rng)
    numbers = np.empty(np.size(x))
    missing = np.arange(numbers.size)
    while len(missing):  # draw evenly, accept by density, and draw anew what was not accepted
        draws = rng.uniform(low, high, len(missing))
        accepted = rng.random(len(missing)) < np.exp((peak * peak - draws * draws) / 2)
        numbers[missing[accepted]] = draws[accepted]
        missing = missing[~accepted]
    return fill(x, np.clip(mean + std * numbers, a, b).reshape(np.shape(x)))


def orthogonal_(x: Value, gain: float = 1.0, rng: np.random.Generator | None = None) -> Value:
    """A random orthogonal matrix, times ``gain``; the axes after the first count as one.

    Rows are orthonormal, or columns if there are more rows than columns. Saxe, McClelland and Ganguli, "Exact solutions
    to the nonlinear dynamics of learning in deep linear neural networks", arXiv:1312.6120.
    """
    if np.ndim(x) < 2:
        raise ValueError(f"orthogonal_ fills a weight with at least two axes, not shape {np.shape(x)}")
    if not np.size(x):
        return fill(x, 0)
    rows, columns = x.shape[0], math.prod(x.shape[1:])
    q, r = np.linalg.qr(generator(rng).standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diagonal(r))  # with this sign, every orthogonal matrix is as likely as every other
    return fill(x, gain * (q if rows >= columns else q.T).reshape(x.shape))


def sparse_(x: Value, sparsity: float, std: float = 0.01, rng: np.random.Generator | None = None) -> Value:
    """Normal with ``std``, but in each column the share ``sparsity`` of the numbers, rounded up, is zero.

    ``x`` has two axes. Martens, "Deep learning via Hessian-free optimization", 2010.
    """
    if np.ndim(x) != 2 or not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_ fills a matrix with a sparsity from 0 to 1, not {np.shape(x)} with {sparsity}")
    rng = generator(rng)
    order = np.argsort(rng.random(x.shape), axis=0)  # a permutation for each column
    return fill(x, np.where(order < math.ceil(sparsity * x.shape[0]), 0, rng.normal(0, std, x.shape)))


def xavier_uniform_(x: Value, gain: float = 1.0, rng: np.random.Generator | None = None) -> Value:
    """Uniform with variance ``2 gain² / (fan_in + fan_out)``.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    bound = gain * math.sqrt(6 / sum(fans(x.shape)))
    return uniform_(x, -bound, bound, rng)


def xavier_normal_(x: Value, gain: float = 1.0, rng: np.random.Generator | None = None) -> Value:
    """Normal with variance ``2 gain² / (fan_in + fan_out)``; Glorot and Bengio, 2010."""
    return normal_(x, 0.0, gain * math.sqrt(2 / sum(fans(x.shape))), rng)


def kaiming_uniform_(
    x: Value,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: np.random.Generator | None = None,
) -> Value:
    """Uniform with variance ``gain² / fan``, where ``a`` is the slope of a leaky ReLU below 0.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", arXiv:1502.01852.
    """
    bound = math.sqrt(3) * calculate_gain(nonlinearity, a) / math.sqrt(_fan(x, mode))
    return uniform_(x, -bound, bound, rng)


def kaiming_normal_(
    x: Value,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    rng: np.random.Generator | None = None,
) -> Value:
    """Normal with variance ``gain² / fan``; He, Zhang, Ren and Sun, arXiv:1502.01852."""
    return normal_(x, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(x, mode)), rng)


def _fan(x: Value, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'mode is "fan_in" or "fan_out", not {mode!r}')
    return max(1, fans(x.shape)[mode == "fan_out"])
