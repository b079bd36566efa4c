"""What is measured in one pass over the data."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from calligrad.train.metrics import Metric
from calligrad.value import Value


def by_name(metrics: Metric | Iterable[Metric] | Mapping[str, Metric]) -> dict[str, Metric]:
    """Metrics under their names."""
    if isinstance(metrics, Mapping):
        named = dict(metrics)
    else:
        several = isinstance(metrics, Iterable) and not isinstance(metrics, str)
        listed: list[Any] = list(metrics) if several else [metrics]  # type: ignore[arg-type]
        for metric in listed:
            check_metric(metric)
        named = {metric.name: metric for metric in listed}
        if len(named) < len(listed):
            raise ValueError("two metrics have the same name; pass a dict with names of your own")
    for metric in named.values():
        check_metric(metric)
    check_names(named, "loss")
    return named


def check_metric(metric: Any) -> None:
    """Raise for what is no metric."""
    if not isinstance(metric, Metric):
        raise TypeError(f"a metric is an object such as Accuracy(), not {metric!r}")


def as_floats(numbers: Mapping[str, Any]) -> dict[str, float]:
    """What a step gave, as plain numbers."""
    check_names(numbers)
    for name, x in numbers.items():
        if x is None:
            raise TypeError(f"the {name} is None: step(batch) and the loss return a number")
        if getattr(x, "shape", ()) != ():
            raise ValueError(f'the {name} has the shape {x.shape}, and must be one number: reduction="mean"?')
    return {name: float(x.data if isinstance(x, Value) else x) for name, x in numbers.items()}


def check_names(names: Iterable[str], *more: str) -> None:
    """Raise for a name that an epoch's record uses for something else."""
    for name in names:
        if name in ("epoch", "step", "batch", *more) or name.split()[:1] == ["lr"]:
            raise ValueError(f"a number of the history cannot be called {name!r}, which stands for something else")


class Scores:
    """The averages of the numbers that each batch gave, by its number of rows, and the metrics."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics = copy.deepcopy(dict(metrics))
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.sums: dict[str, list[float]] = {}  # name: the weighted sum, the weight, the last number
        for metric in self.metrics.values():
            metric.reset()

    def add(self, numbers: Mapping[str, float], weight: int) -> None:
        """Take the numbers of one batch of ``weight`` rows."""
        for name, x in numbers.items():
            total, weights, _ = self.sums.get(name, (0.0, 0, 0.0))
            self.sums[name] = [total + weight * x if weight else total, weights + weight, x]

    def measure(self, output: Any, target: Any) -> None:
        """Take the output of one batch."""
        for metric in self.metrics.values():
            metric.update(output, target)

    def averages(self) -> dict[str, float]:
        """The averages so far."""
        return {name: total / weight if weight else float("nan") for name, (total, weight, _) in self.sums.items()}

    def last(self) -> dict[str, float]:
        """The numbers of the last batch."""
        return {name: x for name, (_, _, x) in self.sums.items()}

    def result(self) -> dict[str, float]:
        """The averages, and what the metrics say."""
        return self.averages() | {name: metric.result() for name, metric in self.metrics.items()}

    def state_dict(self) -> dict[str, Any]:
        """What has been added up so far."""
        return {"sums": self.sums, "metrics": {name: metric.state_dict() for name, metric in self.metrics.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self.sums = {name: list(sums) for name, sums in state["sums"].items()}
        for name, metric in self.metrics.items():
            if name in state["metrics"]:
                metric.load_state_dict(state["metrics"][name])
