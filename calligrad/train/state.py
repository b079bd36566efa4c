"""The whole state of a run: all that the steps to come depend on."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad import random
from calligrad.nn.module import Module
from calligrad.train import optimizers, settings
from calligrad.train.checkpoint import CheckpointError

if TYPE_CHECKING:
    from calligrad.train.trainer import Trainer

COUNTERS = ("epoch", "batch", "steps", "stop")


def parts(trainer: Trainer) -> dict[str, Any]:
    """All that has a state of its own, by name."""
    found = {"model": trainer.model, "best": trainer.best, "scores": trainer.scores}
    if isinstance(trainer.loss, Module):
        found["loss"] = trainer.loss
    found |= optimizers.named("optimizer", trainer.optimizer) | optimizers.named("schedule", trainer.schedule)
    found |= {name: loader for name, loader in trainer.loaders.items() if hasattr(loader, "state_dict")}
    for i, callback in enumerate(trainer.callbacks):
        if hasattr(callback, "state_dict"):
            found[f"callback {i}, {type(callback).__name__}"] = callback
    return found


def capture(trainer: Trainer) -> dict[str, Any]:
    """The state of a run as a nest of arrays and numbers."""
    return {
        "settings": trainer.settings,
        "counters": {name: getattr(trainer, name) for name in COUNTERS},
        "random": {"now": random.state(), "epoch": trainer.before_epoch, "own": _own_generators(trainer.model)[1]},
        "parts": {name: part.state_dict() for name, part in parts(trainer).items()},
        "history": trainer.folder.covered if trainer.folder else 0,
    }


def restore(trainer: Trainer, state: dict[str, Any], where: Any) -> None:
    """Bring the run to ``state``. Raises ``CheckpointError`` for one of another model, before the model is changed."""
    for name, part in parts(trainer).items():
        if name not in state["parts"]:
            warnings.warn(f"the run in {where} had no {name}, which begins anew", stacklevel=2)
            continue
        try:
            part.load_state_dict(state["parts"][name])
        except (ValueError, TypeError, KeyError) as error:
            raise CheckpointError(
                f"the run in {where} was made with another {name}; take another run_folder to begin a new one:\n{error}"
            ) from error
    settings.warn_of_changes(state["settings"], trainer.settings, where)
    if optimizers.named("optimizer", trainer.optimizer).keys() <= state["parts"].keys():
        trainer.settings["optimizer"] = state["settings"]["optimizer"]  # which is the one that goes on
    for name in COUNTERS:
        setattr(trainer, name, state["counters"][name])
    trainer.before_epoch = state["random"]["epoch"]
    random.restore(state["random"]["now"])
    for generator, own in zip(_own_generators(trainer.model)[0], state["random"]["own"]):
        random.restore(own, generator)


def _own_generators(model: Module) -> tuple[list[np.random.Generator], list[dict[str, Any]]]:
    """The generators that modules keep for themselves, each once, and where they stand."""
    found = {
        id(x): x for module in model.modules() for x in vars(module).values() if isinstance(x, np.random.Generator)
    }
    return list(found.values()), [random.state(generator) for generator in found.values()]
