"""Schedules that cycle the rate, and the momentum against it: CyclicLR and OneCycleLR."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.schedule import Schedule, for_each_group
from calligrad.optim.schedules import annealing
from calligrad.optim.settings import fraction, is_number, nonnegative, positive_integer

SCALES: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "triangular": ("cycle", lambda gamma, cycle: 1.0),
    "triangular2": ("cycle", lambda gamma, cycle: 0.5 ** (cycle - 1)),
    "exp_range": ("iterations", lambda gamma, iteration: gamma**iteration),
}


class CyclicLR(Schedule):
    """The rate goes up and down along lines between ``base_lr`` and ``max_lr``, and the momentum the other way.

    Smith, "Cyclical learning rates for training neural networks", arXiv:1506.01186.
    """

    keeps_factors = False

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if scale_fn is None and mode not in SCALES:
            raise ValueError(f"mode is one of {', '.join(map(repr, SCALES))}, not {mode!r}")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"scale_mode is 'cycle' or 'iterations', not {scale_mode!r}")
        bases = [nonnegative("base_lr", x) for x in for_each_group(optimizer, "base_lr", base_lr)]
        self.max_lrs = [nonnegative("max_lr", x) for x in for_each_group(optimizer, "max_lr", max_lr)]
        up = positive_integer("step_size_up", step_size_up)
        self.length = up + (up if step_size_down is None else positive_integer("step_size_down", step_size_down))
        self.top = up / self.length
        self.gamma, self.mode, self.scale_fn, self.scale_mode = gamma, mode, scale_fn, scale_mode
        self.momentum_range = momentum_range(optimizer, base_momentum, max_momentum) if cycle_momentum else []
        if last_epoch < 0:
            for group, base in zip(optimizer.param_groups, bases):
                group["lr"] = base
                group.setdefault("initial_lr", base)
        self.bases = bases
        super().__init__(optimizer, last_epoch)

    def height(self, epoch: int) -> float:
        """How far up the rate is after ``epoch`` steps, from 0 to 1."""
        cycle = math.floor(1 + epoch / self.length)
        x = 1.0 + epoch / self.length - cycle
        height = x / self.top if x <= self.top else (x - 1) / (self.top - 1)
        if self.scale_fn is not None:
            return height * self.scale_fn(cycle if self.scale_mode == "cycle" else epoch)
        scale_mode, scale = SCALES[self.mode]
        return height * scale(self.gamma, cycle if scale_mode == "cycle" else epoch)

    def rates(self, epoch: int) -> list[float]:
        """From base_lr up to max_lr."""
        return [base + (top - base) * self.height(epoch) for base, top in zip(self.bases, self.max_lrs)]

    def momenta(self, epoch: int) -> list[float]:
        """From max_momentum down to base_momentum."""
        return [most - (most - least) * self.height(epoch) for least, most in self.momentum_range]


class OneCycleLR(Schedule):
    """One cycle: the rate goes up to ``max_lr``, then down to far below where it began; the momentum goes against it.

    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    arXiv:1708.07120. It is stepped after every batch; where ``total_steps`` is not given it is ``epochs`` times
    ``steps_per_epoch``.
    """

    keeps_factors = False

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("give total_steps, or epochs and steps_per_epoch")
            total_steps = positive_integer("epochs", epochs) * positive_integer("steps_per_epoch", steps_per_epoch)
        self.total_steps = positive_integer("total_steps", total_steps)
        up = fraction("pct_start", pct_start) * self.total_steps
        self.ends = [up - 1, 2 * up - 2, self.total_steps - 1] if three_phase else [up - 1, self.total_steps - 1]
        self.anneal = annealing(anneal_strategy)
        tops = [nonnegative("max_lr", x) for x in for_each_group(optimizer, "max_lr", max_lr)]
        starts = [top / positive("div_factor", div_factor) for top in tops]
        self.ways = []  # of each group: the rates at the start and at the end of each phase
        for start, top in zip(starts, tops):
            end = start / positive("final_div_factor", final_div_factor)
            self.ways.append([start, top, start, end] if three_phase else [start, top, end])
        self.momentum_ways = []
        for least, most in momentum_range(optimizer, base_momentum, max_momentum) if cycle_momentum else []:
            self.momentum_ways.append([most, least, most, most] if three_phase else [most, least, most])
        if last_epoch < 0:
            for group, start in zip(optimizer.param_groups, starts):
                group["initial_lr"] = start
        super().__init__(optimizer, last_epoch)

    def along(self, way: list[float], epoch: int) -> float:
        """Where on a way from number to number one is after ``epoch`` steps."""
        if epoch > self.total_steps:
            raise ValueError(f"OneCycleLR has {self.total_steps} steps, and this would be number {epoch}")
        i = next((i for i, end in enumerate(self.ends) if epoch <= end), len(self.ends) - 1)
        begin, end = self.ends[i - 1] if i else 0.0, self.ends[i]
        return self.anneal(way[i], way[i + 1], (epoch - begin) / (end - begin) if end != begin else 1.0)

    def rates(self, epoch: int) -> list[float]:
        """The rates along their ways."""
        return [self.along(way, epoch) for way in self.ways]

    def momenta(self, epoch: int) -> list[float]:
        """The momenta along their ways."""
        return [self.along(way, epoch) for way in self.momentum_ways]


def momentum_range(optimizer: Optimizer, least: Any, most: Any) -> list[tuple[float, float]]:
    """The least and the largest momentum of each group."""
    if not {"momentum", "betas"} & optimizer.defaults.keys():
        raise ValueError(f"{type(optimizer).__name__} has no momentum to cycle; say cycle_momentum=False")
    leasts, mosts = for_each_group(optimizer, "base_momentum", least), for_each_group(optimizer, "max_momentum", most)
    return [(fraction("base_momentum", a), fraction("max_momentum", b)) for a, b in zip(leasts, mosts)]


def positive(name: str, x: Any) -> float:
    """``x``, a finite number above 0."""
    if not is_number(x) or x <= 0:
        raise ValueError(f"{name} must be a finite number above 0, not {x!r}")
    return float(x)
