"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.weight_decay import penalised, shrunk


class Adam(Optimizer):
    """Steps of about ``lr``, whatever the scale of the gradient.

    Kingma and Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980; numbers as in PyTorch. ``amsgrad``
    divides by the largest mean square so far instead of the present one: Reddi, Kale and Kumar, "On the convergence of
    Adam and beyond", arXiv:1904.09237.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
        )

    def initial_state(self, p: Any, **settings: Any) -> dict[str, Any]:
        """Means of the gradient and of its square, and with ``amsgrad`` the largest of the latter."""
        names = ("mean", "square", "largest") if settings["amsgrad"] else ("mean", "square")
        return dict.fromkeys(names, 0.0)

    def rule(
        self,
        step: int,
        p: Any,
        g: Any,
        mean: Any,
        square: Any,
        *largest: Any,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        amsgrad: bool,
        decoupled_weight_decay: bool,
    ) -> tuple[Any, ...]:
        """The new parameter, and the new running means of the gradient and of its square."""
        if decoupled_weight_decay:
            p = shrunk(p, lr, weight_decay)
        else:
            g = penalised(p, g, weight_decay)
        beta1, beta2 = betas
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * (g * g)
        largest = tuple(np.maximum(x, square) for x in largest)
        unbiased1, unbiased2 = 1 - beta1**step, (1 - beta2**step) ** 0.5
        spread = np.sqrt(largest[0] if amsgrad else square) + eps * unbiased2
        return p - lr * unbiased2 / unbiased1 * (mean / spread), mean, square, *largest


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters beside the loss, not through the gradient.

    Loshchilov and Hutter, "Decoupled weight decay regularization", arXiv:1711.05101; numbers as in PyTorch.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)
