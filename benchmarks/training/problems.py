"""What is trained on what, and what is wanted: the eight steps of the benchmark, and one more that is all memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Problem:
    """``wanted`` are the most that calligrad may take: with numba, times the fastest peer's; with NumPy, PyTorch's."""

    name: str
    title: str
    data: Callable[[np.random.Generator], Arrays]
    wanted: tuple[float, float] | None
    dtype: str = "float32"

    @property
    def tolerance(self) -> float:
        """By how much the first losses may be off, relative to the first of them."""
        return 5e-5 if self.dtype == "float32" else 1e-10


def parabola(rng: np.random.Generator) -> Arrays:
    x = np.linspace(1, 10, 100).reshape(-1, 1)
    return x, x**2 + 2 * x + 1


def labelled(*shape: int, classes: int = 10) -> Callable[[np.random.Generator], Arrays]:
    """Normal numbers of this shape, and a label for each of the first axis."""
    return lambda rng: (rng.standard_normal(shape, dtype=np.float32), rng.integers(0, classes, shape[0]))


def text(rng: np.random.Generator) -> Arrays:
    tokens = rng.integers(0, 65, (12, 65))
    return np.ascontiguousarray(tokens[:, :-1]), np.ascontiguousarray(tokens[:, 1:])


def places_and_times(rng: np.random.Generator) -> Arrays:
    return rng.uniform(-1, 1, 256), rng.uniform(0, 1, 256)


def wide(rng: np.random.Generator) -> Arrays:
    x = rng.standard_normal((2048, 512), dtype=np.float32)
    return x, x


PROBLEMS = {
    1: Problem("article", "the article's network 1-4-4-1, 100 points, SGD, float64", parabola, (0.3, 0.3), "float64"),
    2: Problem("mlp", "MLP 784-256-128-10, batch 128, Adam", labelled(128, 784), (0.75, 1.3)),
    3: Problem("cnn", "CNN 32-64, 3x3, pool, 9216-128-10, batch 64, Adam", labelled(64, 1, 28, 28), (0.9, 2)),
    4: Problem("resnet", "ResNet, 3 blocks of 32, 32x32, batch 64, SGD momentum", labelled(64, 3, 32, 32), (0.9, 2)),
    5: Problem("gpt", "nanoGPT, 4 layers, 4 heads, 128 wide, 12 x 64, AdamW", text, (0.75, 2)),
    6: Problem("lstm", "LSTM 64-128, length 50, batch 32, Adam", labelled(32, 50, 64), (0.8, 2)),
    7: Problem(
        "pinn",
        "Burgers' equation, 2-20-20-20-20-1, 256 points, Adam, float64",
        places_and_times,
        (0.5, 1),
        "float64",
    ),
    8: Problem("chain", "a chain of 1,000 scalar operations, SGD, float64", lambda rng: (), (0.5, 1), "float64"),
    9: Problem("deep", "MLP of 50 layers of 512, batch 2048, SGD", wide, None),
}
"""In the order of their numbers. The last has no wanted time; it is there for its memory."""

RATES = {"article": 1e-6, "chain": 1e-12, "deep": 1e-3}
"""Of those that SGD trains, without momentum. The chain's sum has no minimum; so slowly, it stays what it is."""


def data_of(problem: Problem) -> Arrays:
    return problem.data(np.random.default_rng(0))
