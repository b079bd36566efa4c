"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.weight_decay import penalised


class RMSprop(Optimizer):
    """Steps scaled by a running root mean square of the gradient, or where ``centered`` by its standard deviation.

    Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning", 2012; centered: Graves, "Generating
    sequences with recurrent neural networks", arXiv:1308.0850. Numbers as in PyTorch.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def initial_state(self, p: Any, **settings: Any) -> dict[str, Any]:
        """A mean of squares, where ``centered`` one of gradients, and with momentum a velocity."""
        used = {"square": True, "mean": settings["centered"], "velocity": settings["momentum"] > 0}
        return {name: 0.0 for name in used if used[name]}

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        square: Any,
        *more: Any,
        lr: float,
        alpha: float,
        eps: float,
        weight_decay: float,
        momentum: float,
        centered: bool,
    ) -> tuple[Any, ...]:
        """The new parameter and the new state."""
        g = penalised(p, g, weight_decay)
        square = alpha * square + (1 - alpha) * (g * g)
        state, variance = [square], square
        if centered:
            mean = alpha * more[0] + (1 - alpha) * g
            state.append(mean)
            variance = square - mean * mean
        change = g / (np.sqrt(variance) + eps)
        if momentum:
            change = momentum * more[-1] + change
            state.append(change)
        return p - lr * change, *state
