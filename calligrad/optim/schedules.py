"""Schedules that follow one formula: steps, powers, lines, polynomials, cosines, functions of one's own."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from calligrad.optim.optimizer import Optimizer
from calligrad.optim.schedule import Schedule, after_the_run, for_each_group
from calligrad.optim.settings import fraction, nonnegative, positive_integer


class StepLR(Schedule):
    """The rate times ``gamma`` every ``step_size`` epochs.

    >>> from calligrad import Value
    >>> from calligrad.optim import SGD, StepLR
    >>> optimizer = SGD([Value(1.0)], lr=1.0)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(5):
    ...     print(optimizer.lr, end=" ")
    ...     schedule.step()
    1.0 1.0 0.5 0.5 0.25
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = positive_integer("step_size", step_size)
        self.gamma = nonnegative("gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def rate(self, epoch: int, base: float) -> float:
        """base · gamma^⌊epoch / step_size⌋."""
        return base * self.gamma ** (epoch // self.step_size)


class MultiStepLR(Schedule):
    """The rate times ``gamma`` at each of the ``milestones``."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = sorted(milestones)
        self.gamma = nonnegative("gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def rate(self, epoch: int, base: float) -> float:
        """base · gamma to the number of milestones passed."""
        return base * self.gamma ** bisect_right(self.milestones, epoch)


class ConstantLR(Schedule):
    """The rate times ``factor`` for the first ``total_iters`` epochs."""

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        self.factor = fraction("factor", factor)
        self.total_iters = nonnegative("total_iters", total_iters)
        super().__init__(optimizer, last_epoch)

    def rate(self, epoch: int, base: float) -> float:
        """base · factor, then base."""
        return base * self.factor if epoch < self.total_iters else base


class LinearLR(Schedule):
    """The rate times a factor that goes along a line, as in a warm-up, for the first ``total_iters`` epochs."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not fraction("start_factor", start_factor):
            raise ValueError("start_factor must be above 0")
        self.start_factor = start_factor
        self.end_factor = fraction("end_factor", end_factor)
        self.total_iters = positive_integer("total_iters", total_iters)
        super().__init__(optimizer, last_epoch)

    def rate(self, epoch: int, base: float) -> float:
        """base · a factor from start_factor to end_factor."""
        done = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)


class ExponentialLR(Schedule):
    """The rate times ``gamma`` every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = nonnegative("gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def rate(self, epoch: int, base: float) -> float:
        """base · gamma^epoch."""
        return base * self.gamma**epoch


class PolynomialLR(Schedule):
    """The rate falls to 0 in ``total_iters`` epochs, by a power of what is left."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = positive_integer("total_iters", total_iters)
        self.power = nonnegative("power", power)
        super().__init__(optimizer, last_epoch)

    def rate(self, epoch: int, base: float) -> float:
        """base · (1 - epoch / total_iters)^power."""
        return base * (1 - min(epoch, self.total_iters) / self.total_iters) ** self.power


class CosineAnnealingLR(Schedule):
    """The rate goes along a cosine: down to ``eta_min`` in ``T_max`` epochs, and up again after that.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983; without restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = positive_integer("T_max", T_max)
        self.eta_min = nonnegative("eta_min", eta_min)
        super().__init__(optimizer, last_epoch)

    def rate(self, epoch: int, base: float) -> float:
        """From base to eta_min and back."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * epoch / self.T_max)) / 2


class CosineAnnealingWarmRestarts(Schedule):
    """The rate falls along a cosine again and again: in ``T_0`` epochs, then in ``T_mult`` times as many, and so on.

    Within an epoch, ``step(epoch + batch / batches)`` goes to a moment between two.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983.
    """

    keeps_factors = False

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_0 = positive_integer("T_0", T_0)
        self.T_mult = positive_integer("T_mult", T_mult)
        self.eta_min = nonnegative("eta_min", eta_min)
        super().__init__(optimizer, last_epoch)

    @after_the_run
    def step(self, epoch: float | None = None) -> None:
        """Go on to the next epoch, or to ``epoch``."""
        self._go_to(math.floor(self.last_epoch) + 1 if epoch is None else nonnegative("epoch", epoch))

    def rate(self, epoch: float, base: float) -> float:
        """From base to eta_min, by where the epoch is in its cycle."""
        cycle = self.T_0
        if self.T_mult == 1:
            epoch %= cycle
        while epoch >= cycle:
            epoch, cycle = epoch - cycle, cycle * self.T_mult
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * epoch / cycle)) / 2


class LambdaLR(Schedule):
    """The rate at the beginning times ``lr_lambda(epoch)``; a list has a function for each group."""

    keeps_factors = False

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = for_each_group(optimizer, "lr_lambda", lr_lambda)
        if not all(map(callable, self.lr_lambdas)):
            raise TypeError(f"lr_lambda is a function or a list of functions, not {lr_lambda!r}")
        super().__init__(optimizer, last_epoch)

    def rates(self, epoch: int) -> list[float]:
        """base · lr_lambda(epoch)."""
        return [base * f(epoch) for base, f in zip(self.base_lrs, self.lr_lambdas)]


class MultiplicativeLR(LambdaLR):
    """The rate of the epoch before times ``lr_lambda(epoch)``; a list has a function for each group."""

    keeps_factors = True
    _products: tuple[int, list[float]]

    def rates(self, epoch: int) -> list[float]:
        """base · lr_lambda(1) · … · lr_lambda(epoch)."""
        start, products = getattr(self, "_products", (0, [1.0] * len(self.base_lrs)))
        if start > epoch:
            start, products = 0, [1.0] * len(self.base_lrs)
        for i in range(start + 1, epoch + 1):
            products = [product * f(i) for product, f in zip(products, self.lr_lambdas)]
        self._products = epoch, products  # so that the next epoch is one factor, not all of them
        return [base * product for base, product in zip(self.base_lrs, products)]


class SWALR(Schedule):
    """From the rate at the first step to ``swa_lr`` in ``anneal_epochs``, and constant then, for averaging weights.

    Izmailov et al., "Averaging weights leads to wider optima and better generalization", arXiv:1803.05407.
    """

    keeps_factors = False

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        self.swa_lrs = [nonnegative("swa_lr", x) for x in for_each_group(optimizer, "swa_lr", swa_lr)]
        self.anneal_epochs = nonnegative("anneal_epochs", anneal_epochs)
        self.anneal = annealing(anneal_strategy)
        super().__init__(optimizer, last_epoch)

    def _go_to(self, epoch: int) -> None:
        if epoch <= 1:  # until the first step others may change the rate
            self.base_lrs = [group["lr"] for group in self.optimizer.param_groups]
        super()._go_to(epoch)

    def rates(self, epoch: int) -> list[float]:
        """From base to swa_lr."""
        done = min(1.0, epoch / self.anneal_epochs) if self.anneal_epochs else float(epoch > 0)
        return [self.anneal(base, swa_lr, done) for base, swa_lr in zip(self.base_lrs, self.swa_lrs)]


def annealing(strategy: str) -> Callable[[float, float, float], float]:
    """A way from one number to another by how much of it is done: along a cosine or a line."""
    ways: dict[Any, Callable[[float, float, float], float]] = {
        "cos": lambda start, end, done: end + (start - end) / 2 * (1 + math.cos(math.pi * done)),
        "linear": lambda start, end, done: start + (end - start) * done,
    }
    if strategy not in ways:
        raise ValueError(f"anneal_strategy is 'cos' or 'linear', not {strategy!r}")
    return ways[strategy]
