"""How a row of the table of cases is made, and how its inputs are drawn."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np

NUMPY = np.lib.NumpyVersion(np.__version__)  # some of NumPy's newer spellings are not in the oldest that we take

# ---------------------------------------------------------------- how inputs are drawn


def real(*shape: int) -> Callable:
    """Numbers of either sign."""
    return lambda rng: rng.standard_normal(shape)


def complexes(*shape: int) -> Callable:
    """Complex numbers, all around 0."""
    return lambda rng: rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def positive(*shape: int) -> Callable:
    """Numbers from 1/2 to 2."""
    return lambda rng: rng.uniform(0.5, 2.0, shape)


def apart(*shape: int) -> Callable:
    """Numbers of either sign, 0.1 from one another and 0.01 from 0, 1 and -1, so that no kink is near."""

    def draw(rng):
        steps = 0.1 * np.arange(2 * math.prod(shape)) + rng.uniform(0.11, 0.19)
        return (rng.choice((-1, 1), steps.shape) * rng.permutation(steps))[: math.prod(shape)].reshape(shape)

    return draw


@dataclass(frozen=True)
class Case:
    name: str
    f: Callable
    draws: tuple[Callable, ...]
    expected: Callable | None  # the same in plain NumPy, where f is calligrad's own
    own_dtype: bool  # the result has a dtype of its own, whatever the inputs have

    @property
    def covers(self) -> str:
        return self.name.split()[0]

    @property
    def xs(self) -> list[np.ndarray]:
        """The inputs, in float64 or complex128: the same in every run, whatever other rows there are."""
        rng = np.random.default_rng(crc32(self.name.encode()))
        drawn = (np.asarray(draw(rng)) for draw in self.draws)
        return [x if x.dtype == np.complex128 else x.astype(np.float64) for x in drawn]

    @property
    def is_complex(self) -> bool:
        return any(x.dtype.kind == "c" for x in self.xs)


CASES: dict[str, Case] = {}


def case(name: str, f: Callable, *draws: Callable, expected: Callable | None = None, own_dtype: bool = False) -> None:
    assert name not in CASES, f"two cases are called {name!r}"
    CASES[name] = Case(name, f, draws, expected, own_dtype)
