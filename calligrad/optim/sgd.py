"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calligrad.optim.optimizer import Optimizer, nonnegative
from calligrad.value import Value


class SGD(Optimizer):
    """``p -= lr * v`` where ``v = momentum * v + g``, starting from ``v = g``; as in PyTorch.

    >>> from calligrad import Value
    >>> from calligrad.optim import SGD
    >>> x = Value(1.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> (x * x).backward(); optimizer.step(); float(x)
    0.8
    """

    def __init__(self, params: Iterable[Value], lr: float = 1e-3, momentum: float = 0.0) -> None:
        self.momentum = nonnegative("momentum", momentum)
        super().__init__(params, lr)

    @property
    def state_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """A velocity, if there is momentum."""
        return ("velocity",) if self.momentum else ()

    def rule(self, step: int, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """The new parameter, and with momentum the new velocity."""
        if not state:
            return (p - self.lr * g,)
        velocity = self.momentum * state[0] + g
        return p - self.lr * velocity, velocity
