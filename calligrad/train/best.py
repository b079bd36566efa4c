"""Best: which epoch was the best one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

from calligrad.train.metrics import Metric


class Best:
    """The best epoch so far, by one number of its record, with the model's arrays at its end."""

    def __init__(self, monitor: str, higher: bool, min_delta: float = 0.0) -> None:
        self.monitor, self.higher, self.min_delta = monitor, higher, min_delta
        self.value: float | None = None
        self.epoch = 0  # counted from 1
        self.waited = 0  # epochs since
        self.model: Any = None
        self.saved = True

    @classmethod
    def of(
        cls, monitor: str | None, metrics: Mapping[str, Metric], validation: bool, known: bool, min_delta: float
    ) -> Self:
        """For a run with these metrics; if it is ``known`` that there are no other numbers, one of them it must be."""
        monitor = monitor or ("validation_loss" if validation else "loss")
        names = ["loss", *metrics]
        names += [f"validation_{name}" for name in names if validation]
        if known and monitor not in names:
            raise ValueError(f"monitor is {monitor!r}; an epoch gives {', '.join(names)}")
        metric = metrics.get(monitor.removeprefix("validation_"))
        return cls(monitor, metric is not None and metric.higher_is_better, min_delta)

    def see(self, record: Mapping[str, Any], model: Any) -> bool:
        """Whether the epoch with this record is the best one; then its arrays are kept."""
        if self.monitor not in record:
            raise ValueError(f"monitor is {self.monitor!r}; an epoch's record has {', '.join(record)}")
        value = record[self.monitor]
        gain = math.inf if self.value is None else (value - self.value) * (1 if self.higher else -1)
        if math.isfinite(value) and gain > self.min_delta:
            self.value, self.epoch, self.waited = value, record["epoch"], 0
            self.model, self.saved = model.state_dict(), False
            return True
        self.waited += 1
        return False

    def state_dict(self) -> dict[str, Any]:
        """All but the arrays, which have a file of their own."""
        return {"value": self.value, "epoch": self.epoch, "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self.value, self.epoch, self.waited = state["value"], state["epoch"], state["waited"]
