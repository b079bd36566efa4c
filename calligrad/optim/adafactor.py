"""Adafactor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.settings import is_number, nonnegative
from calligrad.optim.weight_decay import shrunk


def _eps(name: str, x: Any) -> tuple[float | None, float]:
    if not isinstance(x, (list, tuple)) or len(x) != 2:
        raise ValueError(f"{name} are two numbers, of which the first may be None, not {x!r}")
    return None if x[0] is None else nonnegative(name, x[0]), nonnegative(name, x[1])


def _beta2_decay(name: str, x: Any) -> float:
    if not is_number(x) or x > 0:
        raise ValueError(f"{name} must be a finite number of at most 0, not {x!r}")
    return float(x)


def _d(name: str, x: Any) -> float:
    if not is_number(x) or x < 1:
        raise ValueError(f"{name} must be a finite number of at least 1, not {x!r}")
    return float(x)


class Adafactor(Optimizer):
    """Adam with little memory: of the mean square of a matrix it keeps the means of the rows and of the columns.

    ``lr`` bounds the step relative to the parameter's own root mean square, of which ``eps[1]`` is the least that
    counts; ``d`` bounds the root mean square of a step before that. ``eps[0]`` is by default the dtype's epsilon.

    Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", arXiv:1804.04235; numbers as
    in PyTorch.
    """

    elementwise = False
    checks: ClassVar = {"eps": _eps, "beta2_decay": _beta2_decay, "d": _d}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, maximize=maximize
        )

    def initial_state(self, p: Any, **settings: Any) -> dict[str, Any]:
        """The mean squares of the rows and of the columns of the last two axes; of less than two, all squares."""
        if p.ndim < 2:
            return {"square": 0.0}
        return {
            "rows": np.zeros((*p.shape[:-1], 1), p.dtype),
            "columns": np.zeros((*p.shape[:-2], 1, p.shape[-1]), p.dtype),
        }

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        *state: Any,
        lr: float,
        beta2_decay: float,
        eps: tuple[float | None, float],
        d: float,
        weight_decay: float,
    ) -> tuple[Any, ...]:
        """The new parameter and the new mean squares."""
        if not p.size:
            return p, *state
        eps1 = np.finfo(p.dtype).eps.item() if eps[0] is None else eps[0]
        new = step**beta2_decay  # the share of the present gradient in the means
        axes = ((-1,), (-2,)) if p.ndim > 1 else ((),)
        state = tuple(
            (1 - new) * old + new * np.mean(g * g, axis=axis, keepdims=True)
            for old, axis in zip(state, axes, strict=True)
        )
        if p.ndim > 1:
            rows, columns = state
            square = rows * columns / np.maximum(np.mean(rows, axis=-2, keepdims=True), eps1)
        else:
            square = state[0]
        change = g / np.sqrt(np.maximum(square, eps1 * eps1))
        rate = np.maximum(_root_mean_square(p), eps[1]) * min(lr, step**-0.5)
        rate = rate / np.maximum(_root_mean_square(change) / d, 1)
        return shrunk(p, lr, weight_decay) - rate * change, *state


def _root_mean_square(x: Any) -> Any:
    return np.sqrt(np.mean(x * x))
