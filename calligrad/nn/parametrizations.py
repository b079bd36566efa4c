"""Parametrizations: ``weight_norm`` and ``spectral_norm``."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.nn.buffer import Buffer
from calligrad.nn.module import Module
from calligrad.nn.parametrize import register_parametrization
from calligrad.random import generator
from calligrad.value import Value, as_array


class WeightNorm(Module):
    """A weight as its lengths along ``axis``, times its directions."""

    def __init__(self, axis: int | None = 0) -> None:
        self.axis = axis

    def _length(self, weight: Any) -> Any:
        others = None if self.axis is None else tuple(i for i in range(weight.ndim) if i != self.axis % weight.ndim)
        return np.sqrt(np.sum(weight * weight, others, keepdims=self.axis is not None))

    def forward(self, length: Any, direction: Any) -> Any:
        """The weight."""
        return direction * (length / self._length(direction))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """Length and direction."""
        return self._length(weight), weight


class SpectralNorm(Module):
    """A weight divided by its largest singular value, of it as a matrix whose rows are along ``axis``.

    The singular vectors ``_u`` and ``_v`` are buffers, which each call in training brings nearer.
    """

    def __init__(
        self,
        weight: Any,
        n_power_iterations: int = 1,
        axis: int = 0,
        eps: float = 1e-12,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        if n_power_iterations < 1:
            raise ValueError(f"n_power_iterations is a number of steps, at least 1, not {n_power_iterations!r}")
        if not -weight.ndim <= axis < weight.ndim:
            raise ValueError(f"a weight of shape {weight.shape} has no axis {axis}")
        self.n_power_iterations, self.axis, self.eps = n_power_iterations, axis % weight.ndim, eps
        if weight.ndim > 1:
            matrix = self._matrix(as_array(weight))
            u, v = (generator(rng).standard_normal(n).astype(weight.dtype) for n in matrix.shape)
            self._u, self._v = Buffer(self._unit(u)), Buffer(self._unit(v))
            self._approach(matrix, 15)

    def _matrix(self, weight: Any) -> Any:
        return np.reshape(np.moveaxis(weight, self.axis, 0), (weight.shape[self.axis], -1))

    def _unit(self, x: Any) -> Any:
        return x / np.maximum(np.sqrt(np.sum(x * x)), self.eps)

    def _approach(self, matrix: np.ndarray, steps: int) -> None:
        u, v = self._u.data, self._v.data
        for _ in range(steps):
            u[...] = self._unit(matrix @ v)
            v[...] = self._unit(matrix.T @ u)

    def forward(self, weight: Any) -> Any:
        """The weight, with 1 as its largest singular value."""
        if weight.ndim == 1:
            return self._unit(weight)
        matrix = self._matrix(weight)
        if self.training:
            self._approach(as_array(matrix), self.n_power_iterations)
        u, v = np.copy(self._u.data), np.copy(self._v.data)  # which the next call changes
        return weight / (u @ (matrix @ v))

    def right_inverse(self, weight: Any) -> Any:
        """The weight: any may be divided."""
        return weight


def weight_norm(module: Module, name: str = "weight", axis: int | None = 0) -> Module:
    """Let the parameter ``name`` of ``module`` be ``original0 * original1 / |original1|``, normed along ``axis``.

    There is one length for each index along ``axis``, or one in all if that is None.

    Salimans and Kingma, "Weight normalization", arXiv:1602.07868.

    >>> from calligrad.nn import Linear
    >>> from calligrad.nn.parametrizations import weight_norm
    >>> for name, p in weight_norm(Linear(3, 2)).named_parameters():
    ...     print(name, p.shape)
    bias (2,)
    parametrizations.weight.original0 (2, 1)
    parametrizations.weight.original1 (2, 3)
    """
    return register_parametrization(module, name, WeightNorm(axis))


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    axis: int | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> Module:
    """Let the parameter ``name`` of ``module`` be divided by its largest singular value.

    It is taken as a matrix whose rows are along ``axis``, the axis of the outputs if that is None. Its singular
    vectors are followed by ``n_power_iterations`` at each use in training.

    Miyato, Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks", arXiv:1802.05957.

    >>> import numpy as np
    >>> from calligrad.nn import Linear
    >>> from calligrad.nn.parametrizations import spectral_norm
    >>> layer = spectral_norm(Linear(3, 2, rng=np.random.default_rng(0)), rng=np.random.default_rng(0))
    >>> round(float(np.linalg.norm(layer.weight.data, 2)), 4)
    1.0
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Value):
        raise ValueError(f"{type(module).__name__} has no parameter {name!r}, but {weight!r}")
    if axis is None:
        axis = int(type(module).__name__.startswith("ConvTranspose"))
    return register_parametrization(module, name, SpectralNorm(weight, n_power_iterations, axis, eps, rng=rng))
