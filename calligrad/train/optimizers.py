"""One optimizer and schedule, or several by name, as two models that are trained together have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from calligrad.optim import ReduceLROnPlateau
from calligrad.value import Value


def named(name: str, parts: Any) -> dict[str, Any]:
    """One part under its name, a dict of them each under its own, and None as nothing.

    >>> named("lr", 1), named("lr", {"a": 1, "b": 2}), named("lr", None)
    ({'lr': 1}, {'lr a': 1, 'lr b': 2}, {})
    """
    if isinstance(parts, Mapping):
        return {f"{name} {key}": part for key, part in parts.items()}
    return {} if parts is None else {name: parts}


def rates(optimizer: Any) -> dict[str, Any]:
    """The learning rates by name, as the history has them: a list where groups differ."""
    found = {}
    for name, one in named("lr", optimizer).items():
        of_groups = [float(group["lr"]) for group in one.param_groups]
        found[name] = of_groups[0] if len(set(of_groups)) == 1 else of_groups
    return found


def check(optimizer: Any, parameters: Iterable[Value]) -> None:
    """Raise for parameters that are not the model's: nobody would clear their gradients, or save them."""
    own = {id(p) for p in parameters}
    for name, one in named("optimizer", optimizer).items():
        strange = [p for p in one.params if id(p) not in own]
        if strange:
            raise ValueError(
                f"the {name} has {len(strange)} parameters that the model has not, the first of shape "
                f"{strange[0].shape}: was it made for another model? What is to be learned is an attribute of the model"
            )


def check_schedule(schedule: Any, optimizer: Any) -> None:
    """Raise for a schedule that sets the rates of another optimizer than those that take the steps."""
    own = {id(one) for one in named("optimizer", optimizer).values()}
    for name, one in named("schedule", schedule).items():
        if hasattr(one, "optimizer") and id(one.optimizer) not in own:
            raise ValueError(f"the {name}, a {type(one).__name__}, is of another optimizer than the Trainer's")


def watch(schedule: Any) -> bool:
    """Whether a schedule needs the number that an epoch gave."""
    return any(isinstance(one, ReduceLROnPlateau) for one in named("schedule", schedule).values())


def advance(schedule: Any, watched: float | None) -> None:
    """One step of each schedule; ``watched`` is the number for one that watches a number."""
    for one in named("schedule", schedule).values():
        if isinstance(one, ReduceLROnPlateau):
            one.step(watched)
        else:
            one.step()
