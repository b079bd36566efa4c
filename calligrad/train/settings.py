"""The settings of a run: which can be, and what becomes of other ones when it goes on."""

from __future__ import annotations

import platform
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

import calligrad
from calligrad.train import batches, optimizers
from calligrad.train.callbacks import Callback

if TYPE_CHECKING:
    from calligrad.train.trainer import Trainer


def check(trainer: Trainer) -> None:
    """Raise for a setting that cannot be."""
    if isinstance(trainer.loss, type) or not (trainer.loss is None or callable(trainer.loss)):
        raise TypeError(f"the loss is a function or a module, such as nn.CrossEntropyLoss(), not {trainer.loss!r}")
    optimizers.check_schedule(trainer.schedule, trainer.optimizer)
    if trainer.schedule_per not in ("epoch", "step"):
        raise ValueError(f'schedule_per is "epoch" or "step", not {trainer.schedule_per!r}')
    for name in ("accumulate", "patience", "save_steps", "log_steps"):
        n = getattr(trainer, name)
        if (n is None and name == "accumulate") or (n is not None and (not isinstance(n, int) or n < 1)):
            raise ValueError(f"{name} is a whole number of at least 1, not {n!r}")
    if trainer.schedule_per == "step" and optimizers.watch(trainer.schedule):
        raise ValueError('ReduceLROnPlateau watches what an epoch gave: it needs schedule_per="epoch"')
    for name in ("clip_norm", "save_seconds"):
        x = getattr(trainer, name)
        if not (x is None and name == "clip_norm") and not (isinstance(x, (int, float)) and x > 0):
            raise ValueError(f"{name} is a positive number, not {x!r}")
    for callback in trainer.callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(f"callbacks is a list of objects of classes like Callback, not of {callback!r}")


def of(trainer: Trainer, train_loader: Any, validation_loader: Any) -> dict[str, Any]:
    """What the run is made of, in words and numbers that are the same when it is started again."""
    numbers = ("schedule_per", "clip_norm", "accumulate", "patience", "min_delta", "seed")
    return {
        "model": _words(trainer.model),
        "parameters": sum(p.size for p in trainer.model.parameters()),
        "loss": _words(trainer.loss),
        "optimizer": _words(trainer.optimizer),
        "schedule": type(trainer.schedule).__name__ if trainer.schedule is not None else None,
        "metrics": list(trainer.metrics),
        "monitor": trainer.best.monitor,
        **{name: getattr(trainer, name) for name in numbers},
        "batches": batches.count(train_loader),
        "validation_batches": None if validation_loader is None else batches.count(validation_loader),
        "calligrad": calligrad.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _words(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None) or repr(thing)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", name)


def warn_of_changes(then: dict[str, Any], now: dict[str, Any], where: Any) -> None:
    """Warn of what is not as it was when the run began."""
    told = {name: f"{then.get(name)!r} then, {x!r} now" for name, x in now.items() if then.get(name) != x}
    if optimizer := told.pop("optimizer", None):  # its learning rate and so on are part of its state
        warnings.warn(f"the run in {where} keeps the optimizer's settings that it had: {optimizer}", stacklevel=2)
    changed = [f"{name}: {x}" for name, x in told.items()]
    if changed:
        warnings.warn(
            f"the run in {where} goes on with other settings than it was started with, and so will not end as it "
            "would have:\n  " + "\n  ".join(changed),
            stacklevel=2,
        )
