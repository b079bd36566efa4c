"""How a row of the table of layers is made: one text that runs with calligrad's names and with PyTorch's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

# ---------------------------------------------------------------- how inputs are drawn; floats from tests.cases.table


def integers(low: int, high: int, *shape: int) -> Callable:
    """Integers from ``low`` to ``high - 1``."""
    return lambda rng: rng.integers(low, high, shape)


def booleans(*shape: int) -> Callable:
    """True and False."""
    return lambda rng: rng.integers(0, 2, shape) == 1


def constant(*numbers: Any) -> Callable:
    """Just these; floats among them are inputs that have a gradient."""
    return lambda rng: np.array(numbers)


# ---------------------------------------------------------------- rows


@dataclass(frozen=True)
class Case:
    name: str
    build: Callable | None  # of the namespace nn, for a layer
    call: Callable  # of the module and the inputs, or of the namespace functional and the inputs
    draws: tuple[Callable, ...]
    training: bool
    order: int  # how often it is differentiated
    state: Callable | None  # of a path, a shape and rng: the array to start from

    @property
    def covers(self) -> str:
        return self.name.split()[0]

    def rng(self, word: str = "") -> np.random.Generator:
        return np.random.default_rng(crc32(f"{self.name} {word}".encode()))

    @property
    def xs(self) -> list[np.ndarray]:
        """The inputs, floats in float64: the same in every run, whatever other rows there are."""
        rng = self.rng()
        drawn = (np.asarray(draw(rng)) for draw in self.draws)
        return [x.astype(np.float64) if x.dtype.kind == "f" else x for x in drawn]

    def start(self, path: str, shape: tuple[int, ...]) -> np.ndarray:
        """What the parameter or floating buffer called ``path`` holds before the call."""
        rng = self.rng(path)
        if self.state is not None:
            return np.asarray(self.state(path, shape, rng), np.float64)
        return rng.uniform(0.5, 2.0, shape) if path.endswith("var") else 0.5 * rng.standard_normal(shape)


CASES: dict[str, Case] = {}
MODULES: dict[str, list[str]] = {}  # the names of the rows by the module of tests.nn.cases that has them


def _add(case: Case, module: str) -> None:
    assert case.name not in CASES, f"two cases are called {case.name!r}"
    CASES[case.name] = case
    MODULES.setdefault(module.rpartition(".")[2], []).append(case.name)


def layer(
    name: str,
    build: Callable,
    *draws: Callable,
    call: Callable = lambda module, *xs: module(*xs),
    training: bool = True,
    order: int = 2,
    state: Callable | None = None,
) -> None:
    """A module, ``build(nn)``, called with what ``draws`` draw."""
    _add(Case(name, build, call, draws, training, order, state), build.__module__)


def function(name: str, f: Callable, *draws: Callable, order: int = 2) -> None:
    """A function of ``nn.functional``, ``f(functional, *xs)``."""
    _add(Case(name, None, f, draws, True, order, None), f.__module__)
