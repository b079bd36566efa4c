"""What calligrad makes of the rows of the tables of optimizers and schedules."""

import numpy as np

from calligrad import Value, optim
from tests.optim.cases import EPOCHS, METRICS, OPTIMIZERS, RATES, SCHEDULES, STARTS, STEPS, loss_and_gradients


class Run:
    """An optimizer of the table at work on the problem of the table."""

    def __init__(self, name, starts=STARTS, dtype=np.float64):
        self.params = [Value(np.array(start, dtype)) for start in starts]
        self.optimizer = OPTIMIZERS[name](optim, self.params)

    def closure(self):
        loss, gradients = loss_and_gradients([p.data.astype(np.float64) for p in self.params])
        for p, g in zip(self.params, gradients, strict=True):
            p.grad = g
        return loss

    def step(self):
        """All parameters after one step, as one vector."""
        self.optimizer.step(self.closure)
        return np.concatenate([p.data.ravel() for p in self.params])


def trajectory(name, dtype=np.float64):
    """The parameters after each step (STEPS, numbers)."""
    run = Run(name, dtype=dtype)
    return np.array([run.step() for _ in range(STEPS)])


def scheduled(name):
    """An optimizer of two groups, and a schedule of the table for it."""
    groups = [{"params": [Value(np.zeros(1))], "lr": lr} for lr in RATES]
    optimizer = optim.Adam(groups) if name.endswith("of Adam") else optim.SGD(groups, momentum=0.5)
    return optimizer, SCHEDULES[name](optim, optimizer)


def settings(optimizer):
    """The rates and momenta of the groups, which a schedule may change."""
    return [x for g in optimizer.param_groups for x in (g["lr"], g["momentum"] if "momentum" in g else g["betas"][0])]


def rates(name):
    """The settings at the start and after each epoch (EPOCHS, settings)."""
    optimizer, schedule = scheduled(name)
    found = [settings(optimizer)]
    for metric in METRICS[1:]:
        optimizer.step()
        schedule.step(*([metric] if name.startswith("ReduceLROnPlateau") else []))
        found.append(settings(optimizer))
    return np.array(found).reshape(EPOCHS, -1)
