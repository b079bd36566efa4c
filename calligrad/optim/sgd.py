"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.weight_decay import penalised


class SGD(Optimizer):
    """``p -= lr * v`` where ``v = momentum * v + (1 - dampening) * g``, starting from ``v = g``; as in PyTorch.

    With ``nesterov``, ``p -= lr * (g + momentum * v)``.

    >>> from calligrad import Value
    >>> from calligrad.optim import SGD
    >>> x = Value(1.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> (x * x).backward(); optimizer.step(); float(x)
    0.8
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    def check(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings; Nesterov's needs a momentum and no dampening."""
        settings = super().check(settings)
        if settings.get("nesterov") and not (settings.get("momentum") and settings.get("dampening") == 0):
            raise ValueError("nesterov needs a momentum above 0 and a dampening of 0")
        return settings

    def initial_state(self, p: Any, **settings: Any) -> dict[str, Any]:
        """A velocity, if there is momentum."""
        return {"velocity": 0.0} if settings["momentum"] else {}

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        velocity: Any = None,
        *,
        lr: float,
        momentum: float,
        dampening: float,
        weight_decay: float,
        nesterov: bool,
    ) -> tuple[Any, ...]:
        """The new parameter, and with momentum the new velocity."""
        g = penalised(p, g, weight_decay)
        if velocity is None:
            return (p - lr * g,)
        velocity = momentum * velocity + (g if not dampening or step == 1 else (1 - dampening) * g)
        return p - lr * (g + momentum * velocity if nesterov else velocity), velocity
