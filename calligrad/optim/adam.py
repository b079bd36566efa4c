"""Adam."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer, nonnegative
from calligrad.value import Value


class Adam(Optimizer):
    """Steps of about ``lr``, whatever the scale of the gradient.

    Kingma and Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980; numbers as in PyTorch.
    """

    state_names = ("mean", "square")

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(betas, (list, tuple)) or len(betas) != 2 or max(nonnegative("beta", b) for b in betas) >= 1:
            raise ValueError(f"betas are two numbers from 0 to below 1, not {betas!r}")
        self.betas = tuple(betas)
        self.eps = nonnegative("eps", eps)
        super().__init__(params, lr)

    def rule(self, step: int, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """The new parameter, and the new running means of the gradient and of its square."""
        (mean, square), (beta1, beta2) = state, self.betas
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * (g * g)
        rate = self.lr / (1 - beta1**step)
        spread = np.sqrt(square) * (1 / math.sqrt(1 - beta2**step)) + self.eps
        return p - rate * mean / spread, mean, square
