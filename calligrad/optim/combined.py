"""Schedules of schedules: one after another, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.schedule import Schedule


class Combined(Schedule):
    """A schedule made of others, the ``schedulers``, whose state is part of its own."""

    schedulers: list[Schedule]

    def state_dict(self) -> dict[str, np.ndarray]:
        """Where the schedule is, and where its parts are, as ``schedulers.0.base_lrs`` and its like."""
        parts = enumerate(part.state_dict() for part in self.schedulers)
        return super().state_dict() | {f"schedulers.{i}.{name}": x for i, part in parts for name, x in part.items()}

    def _take(self, arrays: Mapping[str, np.ndarray]) -> None:
        super()._take({name: arrays[name] for name in self.state_names})
        for i, part in enumerate(self.schedulers):
            start = f"schedulers.{i}."
            part._take({name.removeprefix(start): x for name, x in arrays.items() if name.startswith(start)})


class SequentialLR(Combined):
    """One schedule after another: the next begins, at its own beginning, at each of the ``milestones``.

    >>> from calligrad import Value
    >>> from calligrad.optim import SGD, CosineAnnealingLR, LinearLR, SequentialLR
    >>> optimizer = SGD([Value(1.0)], lr=1.0)
    >>> warmup, fall = LinearLR(optimizer, 0.25, total_iters=3), CosineAnnealingLR(optimizer, 4)
    >>> schedule = SequentialLR(optimizer, [warmup, fall], milestones=[3])
    >>> for _ in range(7):
    ...     print(round(optimizer.lr, 3), end=" ")
    ...     schedule.step()
    0.25 0.5 0.75 1.0 0.854 0.5 0.146
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[Schedule], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        refuse_strangers(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1 or sorted(milestones) != list(milestones):
            raise ValueError(
                f"{len(schedulers)} schedules need {len(schedulers) - 1} milestones, rising, not {milestones}"
            )
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        if last_epoch < 0:
            forget_rates(optimizer)
        super().__init__(optimizer, last_epoch)

    def _now(self, epoch: int) -> tuple[Schedule, int]:
        """Whose turn it is, and its own epoch."""
        i = bisect_right(self.milestones, epoch)
        return self.schedulers[i], epoch - (self.milestones[i - 1] if i else 0)

    def rates(self, epoch: int) -> list[float]:
        """The rates of the schedule whose turn it is."""
        schedule, own = self._now(epoch)
        return schedule.rates(own)

    def momenta(self, epoch: int) -> list[float]:
        """The momenta of the schedule whose turn it is."""
        schedule, own = self._now(epoch)
        return schedule.momenta(own)


class ChainedScheduler(Combined):
    """Several schedules at once: the factors by which they change the rate are multiplied.

    One that sets the rate, as ``LambdaLR`` does, takes no notice of those before it.
    """

    def __init__(self, schedulers: Sequence[Schedule], optimizer: Optimizer | None = None) -> None:
        if optimizer is None and schedulers:
            optimizer = getattr(schedulers[0], "optimizer", None)
        refuse_strangers(optimizer, schedulers)
        self.schedulers = list(schedulers)
        forget_rates(self.schedulers[0].optimizer)
        super().__init__(self.schedulers[0].optimizer)

    def rates(self, epoch: int) -> list[float]:
        """The product of the factors, times the rate at the beginning."""
        rates = self.base_lrs
        for schedule in self.schedulers:
            new = schedule.rates(epoch)
            if schedule.keeps_factors:
                new = [x * rate / base if base else x for x, rate, base in zip(new, rates, schedule.base_lrs)]
            rates = new
        return rates

    def momenta(self, epoch: int) -> list[float]:
        """The momenta of the last schedule that has some."""
        found = [momenta for schedule in self.schedulers if (momenta := schedule.momenta(epoch))]
        return found[-1] if found else []


def forget_rates(optimizer: Optimizer) -> None:
    """Undo what the single schedules have set when they were made."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"]


def refuse_strangers(optimizer: Any, schedulers: Sequence[Any]) -> None:
    """Raise unless all are schedules by formula, and of this optimizer."""
    if not schedulers:
        raise ValueError("there is no schedule in the list")
    for i, schedule in enumerate(schedulers):
        if not isinstance(schedule, Schedule):
            raise TypeError(f"schedule {i} is {type(schedule).__name__}, which cannot be combined with others")
        if schedule.optimizer is not optimizer:
            raise ValueError(f"schedule {i}, {type(schedule).__name__}, is for another optimizer")
