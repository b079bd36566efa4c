"""Schedule: what every schedule of the learning rate does around its formula."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from calligrad.modes import capture_here
from calligrad.optim.optimizer import Optimizer
from calligrad.optim.state import as_arrays, refuse_misfits


def after_the_run(step: Callable) -> Callable:
    """A method that is put off while ``calligrad.compile`` captures: it is called at the end of every run."""

    @functools.wraps(step)
    def method(self: Any, *args: Any, **kwargs: Any) -> None:
        if (capture := capture_here()) is None:
            step(self, *args, **kwargs)
        else:
            capture.afterwards(getattr(self, step.__name__), *args, *kwargs.values())

    return method


class Resumable:
    """Something whose state is a few numbers, the attributes in ``state_names``."""

    is_settled = True  # for calligrad.compile: it changes between runs of a program, not in them

    state_names: tuple[str, ...] = ()

    def state_dict(self) -> dict[str, np.ndarray]:
        """Where the schedule is, as arrays; what it is, its arguments say."""
        return {name: np.array(getattr(self, name)) for name in self.state_names}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another such schedule was. The rates themselves are in the optimizer's state."""
        arrays = as_arrays(state)
        refuse_misfits(self, arrays, {name: x.shape for name, x in self.state_dict().items()})
        self._take(arrays)

    def _take(self, arrays: Mapping[str, np.ndarray]) -> None:
        for name, x in arrays.items():
            setattr(self, name, x.tolist())


class Schedule(Resumable):
    """Sets the learning rates of an optimizer: at once, and after each ``step()`` anew.

    A subclass writes ``rate(epoch, base)``, the rate after so many steps from the rate at the beginning, or
    ``rates(epoch)`` where the groups differ in more than that. Whether a step is an epoch or a batch is for the caller
    to say.

    Where something else has changed a rate in between, be it by hand or another schedule, the change stays as a factor;
    a schedule with ``keeps_factors = False`` writes over it.
    """

    keeps_factors = True
    state_names = ("last_epoch", "base_lrs", "factors", "last_lr")

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule takes an optimizer, not a {type(optimizer).__name__}")
        groups = optimizer.param_groups
        if last_epoch >= 0 and not all("initial_lr" in group for group in groups):
            raise ValueError(
                f"to begin at epoch {last_epoch + 1}, load the optimizer's state first, which has initial_lr"
            )
        self.optimizer = optimizer
        self.base_lrs = [group.setdefault("initial_lr", group["lr"]) for group in groups]
        self.last_epoch = last_epoch
        self.factors = [1.0] * len(groups)
        self.last_lr = self.base_lrs if last_epoch < 0 else self.rates(last_epoch)
        self.step()

    def rate(self, epoch: Any, base: float) -> float:
        """The rate of a group after ``epoch`` steps."""
        raise NotImplementedError(f"{type(self).__name__} defines no rate")

    def rates(self, epoch: Any) -> list[float]:
        """The rates of all groups after ``epoch`` steps."""
        return [self.rate(epoch, base) for base in self.base_lrs]

    def momenta(self, epoch: Any) -> list[float]:
        """The momenta of all groups after ``epoch`` steps, if they are scheduled too."""
        return []

    @after_the_run
    def step(self) -> None:
        """Go on to the next epoch."""
        self._go_to(self.last_epoch + 1)

    def _go_to(self, epoch: Any) -> None:
        groups, rates = self.optimizer.param_groups, self.rates(epoch)
        if len(groups) != len(rates):
            raise RuntimeError(
                f"the optimizer has {len(groups)} groups, and had {len(rates)} when the schedule was made"
            )
        if self.keeps_factors:
            for i, (group, last) in enumerate(zip(groups, self.last_lr)):
                if last and group["lr"] != last:
                    self.factors[i] *= group["lr"] / last
        for group, rate, factor in zip(groups, rates, self.factors):
            group["lr"] = float(rate) * factor
        for group, momentum in zip(groups, self.momenta(epoch)):
            set_momentum(group, momentum)
        self.last_epoch = epoch
        self.last_lr = [group["lr"] for group in groups]

    def get_last_lr(self) -> list[float]:
        """The rates of the groups as they were set last."""
        return list(self.last_lr)


def set_momentum(group: dict[str, Any], momentum: float) -> None:
    """Set the momentum of a group, which is the first beta of Adam and its kin."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def for_each_group(optimizer: Optimizer, name: str, x: Any) -> list[Any]:
    """A setting of a schedule for every group of the optimizer: a list of them, or one for all."""
    count = len(optimizer.param_groups)
    if not isinstance(x, (list, tuple)):
        return [x] * count
    if len(x) != count:
        raise ValueError(f"{name} has {len(x)} entries, but the optimizer has {count} groups")
    return list(x)
