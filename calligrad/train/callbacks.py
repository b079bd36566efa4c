"""Callback: what else is to be done during a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calligrad.train.trainer import Trainer


class Callback:
    """Is told what a ``Trainer`` has just done: subclass it, and write the methods you need.

    One that keeps numbers or arrays which later steps depend on also has ``state_dict()`` and
    ``load_state_dict(state)``: they go into the checkpoints. ``trainer.stop = True`` ends the run after this epoch.

    >>> from calligrad.train import Callback
    >>> class Halve(Callback):
    ...     def on_epoch_end(self, trainer):
    ...         trainer.optimizer.lr *= 0.5
    """

    def on_fit_start(self, trainer: Trainer) -> None:
        """Before the first step, or the first one after a resumption."""

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Before the first batch of an epoch."""

    def on_step_end(self, trainer: Trainer) -> None:
        """After the optimizer's step."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """After the validation; ``trainer.history[-1]`` is the epoch's record."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """After the last epoch."""

    def __init_subclass__(cls) -> None:
        moments = [name for name in vars(Callback) if name.startswith("on_")]
        for name in vars(cls):
            if name.startswith("on_") and name not in moments:
                raise TypeError(f"{cls.__name__}.{name} would never be called; there are {', '.join(moments)}")
