"""Chapters of the phrasebook: how their arrays are drawn, and a few words that NumPy and PyTorch both understand.

A shape is a string. A letter in it is a length that is drawn anew in each round: capitals are larger than small
letters, ``b`` may be 0, and a digit is itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

LENGTHS = {"b": (0, 4), **dict.fromkeys("ijklmn", (1, 5)), **dict.fromkeys("IJ", (5, 8))}


@dataclass(frozen=True)
class Draw:
    """How an array is drawn: its shape, a function from a generator and the shape, and whether complex as well."""

    shape: str
    draw: Callable[[np.random.Generator, tuple[int, ...]], Any]
    complex: bool = False

    def array(self, rng: np.random.Generator, lengths: dict[str, int], is_complex: bool) -> np.ndarray:
        shape = tuple(lengths[letter] if letter in lengths else int(letter) for letter in self.shape)
        x = np.asarray(self.draw(rng, shape))
        if is_complex:
            x = x * (1 + 0j) + 0.5j * rng.uniform(-1, 1, shape)
        return x


@dataclass(frozen=True)
class Chapter:
    """Phrases of arrays that are drawn in the same way, compared up to the derivative of an order."""

    draws: tuple[Draw, ...]
    text: str
    order: int


def chapter(*draws: Draw, text: str, order: int = 2) -> Chapter:
    return Chapter(draws, text, order)


# ---------------------------------------------------------------- arrays


def number(shape: str) -> Draw:
    """Any numbers, real or complex."""
    return Draw(shape, lambda rng, shape: rng.standard_normal(shape), True)


def real(shape: str) -> Draw:
    """Any real numbers."""
    return Draw(shape, lambda rng, shape: rng.standard_normal(shape))


def positive(shape: str) -> Draw:
    return Draw(shape, lambda rng, shape: rng.uniform(0.5, 2, shape))


def right(shape: str) -> Draw:
    """Positive numbers, and complex ones of the right half of the plane."""
    return Draw(shape, lambda rng, shape: rng.uniform(0.5, 2, shape), True)


def within(shape: str) -> Draw:
    """Numbers of which the real part is between -0.8 and 0.8."""
    return Draw(shape, lambda rng, shape: rng.uniform(-0.8, 0.8, shape), True)


def unit(shape: str) -> Draw:
    """Real numbers between 0 and 1."""
    return Draw(shape, lambda rng, shape: rng.uniform(0.1, 0.9, shape))


def ties(shape: str) -> Draw:
    """A few whole numbers, most of which are there more than once."""
    return Draw(shape, lambda rng, shape: rng.integers(-1, 2, shape) * 1.0)


def gaps(shape: str) -> Draw:
    """Numbers with NaNs between them; the first of the last axis is a number."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        x = np.where(rng.random(shape) < 0.3, np.nan, rng.standard_normal(shape))
        x[..., 0] = rng.standard_normal(shape[:-1])
        return x

    return Draw(shape, draw)


def regular(shape: str) -> Draw:
    """Square matrices that are far from singular ones, with eigenvalues far from each other."""
    return Draw(shape, lambda rng, s: 0.3 * rng.standard_normal(s) + np.diag(np.arange(2.0, s[-1] + 2)), True)


def given(numbers: Any) -> Draw:
    """These numbers."""
    return Draw("", lambda rng, shape: np.array(numbers))


# ---------------------------------------------------------------- words that both languages know


def hermitian(x: Any) -> Any:
    return (x + x.conj().mT) / 2


def definite(x: Any) -> Any:
    """A positive definite matrix made of any."""
    return x @ x.conj().mT


def moments(w: Any) -> Any:
    """Sums of powers, in which no order shows."""
    return [(w**k).sum(-1) for k in (1, 2, 3)]


def product(u: Any, s: Any, vh: Any) -> Any:
    """Of a singular value decomposition what no phase of the vectors shows in: the square of ``s`` in between."""
    return (u * s[..., None, :] ** 2) @ vh


def of_vectors(w: Any, v: Any) -> Any:
    """The same of eigenvalues and orthogonal eigenvectors."""
    return (v * w[..., None, :] ** 2) @ v.conj().mT


def of_eigen(w: Any, v: Any) -> Any:
    """The same of eigenvalues and any eigenvectors."""
    inverse = torch.linalg.inv if isinstance(v, torch.Tensor) else np.linalg.inv
    return (v * w[..., None, :] ** 2) @ inverse(v)


def sizes(v: Any) -> Any:
    """The squares of the absolute values, which no phase shows in."""
    return abs(v) ** 2


def assigned(x: Any, key: Any, numbers: Any) -> Any:
    """A copy of ``x`` with ``x[key] = numbers``."""
    x = x + 0
    x[key] = numbers
    return x


def changed(f: Callable, x: Any, *args: Any) -> Any:
    """A copy of ``x``, changed in place by ``f(x, *args)``."""
    x = x + 0
    f(x, *args)
    return x
