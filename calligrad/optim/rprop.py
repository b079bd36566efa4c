"""Rprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.settings import numbers


def _etas(name: str, x: Any) -> tuple[float, ...]:
    slower, faster = numbers(name, x, 2)
    if not 0 < slower < 1 < faster:
        raise ValueError(f"{name} are a factor between 0 and 1 and one above 1, not {x!r}")
    return slower, faster


def _step_sizes(name: str, x: Any) -> tuple[float, ...]:
    smallest, largest = numbers(name, x, 2)
    if not 0 <= smallest <= largest:
        raise ValueError(f"{name} are the smallest and the largest step, not {x!r}")
    return smallest, largest


class Rprop(Optimizer):
    """Steps by the gradient's sign alone: longer while it stays the same, shorter when it turns. For whole batches.

    Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm",
    ICNN 1993; numbers as in PyTorch.
    """

    checks: ClassVar = {"etas": _etas, "step_sizes": _step_sizes}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, etas=etas, step_sizes=step_sizes, maximize=maximize)

    def initial_state(self, p: Any, **settings: Any) -> dict[str, Any]:
        """The gradient before, and the size of the step, which starts at ``lr``."""
        return {"before": 0.0, "size": settings["lr"]}

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        before: Any,
        size: Any,
        *,
        lr: float,
        etas: tuple[float, float],
        step_sizes: tuple[float, float],
    ) -> tuple[Any, ...]:
        """The new parameter, the gradient, and the new sizes; where the sign has turned nothing moves for a step."""
        slower, faster = etas
        turned, same = g * before < 0, g * before > 0
        size = np.clip(np.where(turned, slower * size, np.where(same, faster * size, size)), *step_sizes)
        g = np.where(turned, 0, g)
        return p - np.sign(g) * size, g, size
