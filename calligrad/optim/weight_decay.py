"""Weight decay: what pulls every parameter towards 0."""

from __future__ import annotations

from typing import Any


def penalised(p: Any, g: Any, weight_decay: float) -> Any:
    """The gradient ``g`` after ``weight_decay`` / 2 · ‖p‖² has been added to the loss."""
    return g + weight_decay * p if weight_decay else g


def shrunk(p: Any, lr: float, weight_decay: float) -> Any:
    """``p`` made smaller by ``lr * weight_decay`` of itself, beside the loss.

    Loshchilov and Hutter, "Decoupled weight decay regularization", arXiv:1711.05101.
    """
    return p * (1 - lr * weight_decay) if weight_decay else p
