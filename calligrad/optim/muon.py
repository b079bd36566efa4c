"""Muon."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.settings import numbers, positive_integer
from calligrad.optim.weight_decay import shrunk

ADJUSTMENTS = (None, "original", "match_rms_adamw")


def _adjustment(name: str, x: Any) -> str | None:
    if x not in ADJUSTMENTS:
        raise ValueError(f"{name} is 'original', 'match_rms_adamw' or None, not {x!r}")
    return x


class Muon(Optimizer):
    """Momentum whose matrix is made nearly orthogonal, so that a step is of one length in every direction.

    For the matrices within a network; its vectors, embeddings and last layer are for another optimizer, such as AdamW.
    ``adjust_lr_fn="match_rms_adamw"`` makes the steps of a matrix as large as AdamW's.

    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon/; the settings of Liu et al., "Muon is scalable for LLM training",
    arXiv:2502.16982. As in PyTorch, except that the iteration is in the parameter's precision, not in bfloat16.
    """

    elementwise = False
    state_names = ("velocity",)
    checks: ClassVar = {
        "ns_coefficients": lambda name, x: numbers(name, x, 3),
        "ns_steps": positive_integer,
        "adjust_lr_fn": _adjustment,
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_coefficients=ns_coefficients,
            eps=eps,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
        )

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """One more group, of matrices."""
        super().add_param_group(group)
        added = self.param_groups[-1]
        for path, p in zip(added["param_names"], added["params"]):
            if p.ndim != 2:
                self.param_groups.pop()
                raise ValueError(f"Muon is for matrices; parameter {path} has shape {p.shape}")

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        velocity: Any,
        *,
        lr: float,
        weight_decay: float,
        momentum: float,
        nesterov: bool,
        ns_coefficients: tuple[float, float, float],
        eps: float,
        ns_steps: int,
        adjust_lr_fn: str | None,
    ) -> tuple[Any, ...]:
        """The new parameter and the new running mean of the gradient."""
        velocity = momentum * velocity + (1 - momentum) * g
        ahead = momentum * velocity + (1 - momentum) * g if nesterov else velocity
        rows, columns = p.shape
        if adjust_lr_fn == "match_rms_adamw":
            rate = lr * 0.2 * math.sqrt(max(rows, columns))
        else:
            rate = lr * math.sqrt(max(1, rows / columns)) if columns else lr
        return shrunk(p, lr, weight_decay) - rate * orthogonalised(ahead, ns_coefficients, ns_steps, eps), velocity


def orthogonalised(x: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """A matrix with the singular vectors of ``x`` and singular values near 1, by Newton and Schulz's iteration.

    Each step sends every singular value s to a·s + b·s³ + c·s⁵.
    """
    a, b, c = coefficients
    is_tall = x.shape[0] > x.shape[1]
    x = x.T if is_tall else x
    x = x / np.maximum(np.sqrt(np.sum(x * x)), eps)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.T if is_tall else x
