"""What is measured in one pass over the data."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from calligrad.train.metrics import Metric


def by_name(metrics: Metric | Iterable[Metric] | Mapping[str, Metric]) -> dict[str, Metric]:
    """Metrics under their names."""
    if isinstance(metrics, Mapping):
        named = dict(metrics)
    else:
        listed = [metrics] if isinstance(metrics, Metric) else list(metrics)
        named = {getattr(metric, "name", ""): metric for metric in listed}
        if len(named) < len(listed):
            raise ValueError("two metrics have the same name; pass a dict with names of your own")
    for name, metric in named.items():
        if not isinstance(metric, Metric):
            raise TypeError(f"a metric is an object such as Accuracy(), not {metric!r}")
        if name == "loss" or "batch" in name.split():
            raise ValueError(f"a metric cannot be called {name!r}")
    return named


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
