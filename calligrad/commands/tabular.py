"""A network that predicts one column of a table from others, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from calligrad import nn, no_grad, parallel
from calligrad.commands.columns import Categories, Numbers
from calligrad.commands.errors import UserError
from calligrad.commands.target import CLASSIFICATION, Classes, Quantity
from calligrad.nn.functional import softmax
from calligrad.train import CheckpointError, load, save

FORMAT = "calligrad table model 1"
DROPOUT = 0.1
TOGETHER = 4096  # rows that go through the network at once


@dataclass
class TableModel:
    """The ``columns`` that go in, the ``target`` that comes out, and a network of two hidden layers between them."""

    columns: list[Numbers | Categories]
    target: Classes | Quantity
    width: int
    net: nn.Sequential

    @classmethod
    def new(
        cls, columns: list[Numbers | Categories], target: Classes | Quantity, width: int, rng: np.random.Generator
    ) -> TableModel:
        """An untrained one."""
        inputs = sum(column.size for column in columns)
        net = nn.Sequential(
            nn.Linear(inputs, width, dtype=np.float32, rng=rng),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(width, width, dtype=np.float32, rng=rng),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(width, target.outputs, dtype=np.float32, rng=rng),
        )
        return cls(columns, target, width, net)

    def features(self, cells: Mapping[str, list[str]]) -> np.ndarray:
        """The cells of a table's columns as numbers (rows, inputs)."""
        return np.concatenate([column(cells[column.name]) for column in self.columns], axis=1)

    def spans(self) -> dict[str, slice]:
        """Where each column stands in the ``features``."""
        ends = np.cumsum([column.size for column in self.columns]).tolist()
        return {column.name: slice(end - column.size, end) for column, end in zip(self.columns, ends)}

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """The probabilities (rows, classes), or the predicted numbers (rows,) in the units of the data."""
        self.net.eval()
        with no_grad(), parallel.one_blas_thread():  # with matrices so small, several mostly wait for each other
            parts = [self.net(features[i : i + TOGETHER]).data for i in range(0, len(features), TOGETHER)]
        outputs = np.concatenate(parts).astype(np.float64)
        return softmax(outputs, axis=1) if isinstance(self.target, Classes) else self.target.back(outputs[:, 0])

    def save(self, path: str) -> None:
        """Write all of it to one file, as a whole or not at all: arrays and JSON, which NumPy and an unzipper read."""
        state = {
            "format": FORMAT,
            "columns": [asdict(column) for column in self.columns],
            "target": asdict(self.target),
            "width": self.width,
            "net": dict(self.net.state_dict()),
        }
        try:
            save(path, state)
        except CheckpointError as error:
            raise UserError(str(error)) from None

    @classmethod
    def load(cls, path: str) -> TableModel:
        """The model that was saved in the file ``path``; raises ``UserError`` if it holds none."""
        try:
            state = load(path)
        except CheckpointError as error:
            raise UserError(f"{error}; calligrad train writes models") from None
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}") from None
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise UserError(f"{path} is not a model that this version of calligrad train wrote")
        columns = [_column(column) for column in state["columns"]]
        model = cls.new(columns, _target(state["target"]), state["width"], np.random.default_rng(0))
        model.net.load_state_dict(state["net"])
        return model


def _column(state: dict[str, Any]) -> Numbers | Categories:
    if state["kind"] != "text":
        return Numbers(**state)
    return Categories(state["name"], state["values"], state["others"])


def _target(state: dict[str, Any]) -> Classes | Quantity:
    if state.pop("task") == CLASSIFICATION:
        return Classes(**state)
    return Quantity(**state)
