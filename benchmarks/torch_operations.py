"""Every phrase of the phrasebook, in NumPy and in PyTorch: the same values, gradients and gradients of gradients.

``python -m benchmarks.torch_operations`` compares them all, and with words only phrases that contain one:
``python -m benchmarks.torch_operations linalg.eig``.
"""

from __future__ import annotations

import re
import sys
import textwrap
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
import torch

import calligrad
import calligrad.scipy.linalg
import calligrad.scipy.special
from benchmarks import draws
from benchmarks.draws import Chapter, Draw
from benchmarks.edges import EDGES, KNOWN_DIFFERENCES
from benchmarks.phrasebook import CHAPTERS
from calligrad import Value, gradients
from calligrad.nests import leaves
from calligrad.nn import functional

ROUNDS = 3  # draws of real numbers for each phrase, and as many of complex ones
TOLERANCE = {"values": 1e-10, "gradients": 1e-10, "second derivatives": 1e-9}  # relative to the largest number
NAMES: dict[str, Any] = {
    **{name: x for name, x in vars(draws).items() if callable(x)},
    "np": np,
    "calligrad": calligrad,
    "functional": functional,
    "scipy": scipy,
    "torch": torch,
    "tf": torch.nn.functional,
}


@dataclass(frozen=True)
class Phrase:
    """A row of the phrasebook: two expressions of the same arrays, which are called ``x``, ``y``, ``z`` and ``w``."""

    ours: str
    theirs: str
    draws: tuple[Draw, ...]
    order: int

    def rounds(self) -> Iterator[tuple[Callable, Callable, list[np.ndarray]]]:
        """Ours and theirs as functions, and arrays drawn for both: of other numbers and sizes in each round."""
        kinds = [False] * ROUNDS + [True] * ROUNDS * any(draw.complex for draw in self.draws)
        for number, is_complex in enumerate(kinds):
            rng = np.random.default_rng([zlib.crc32(self.ours.encode()), number])
            lengths = {letter: int(rng.integers(lo, hi)) for letter, (lo, hi) in draws.LENGTHS.items()}
            arrays = [draw.array(rng, lengths, is_complex and draw.complex) for draw in self.draws]
            yield function(self.ours, lengths), function(self.theirs, lengths), arrays


def function(text: str, lengths: dict[str, int]) -> Callable:
    return lambda *xs: eval(text, {**NAMES, **lengths, **dict(zip("xyzw", xs))})


def phrases(chapters: Sequence[Chapter]) -> Iterator[Phrase]:
    """What the lines of the chapters say, each with one name of a list in braces."""
    for chapter in chapters:
        lines = textwrap.dedent(chapter.text).strip()
        for line in re.sub(r"\n +", "  ", lines).splitlines():
            ours, theirs = re.split(r" {2,}", line)
            names = re.search(r"\{(.*?)\}", ours)
            for name in names[1].split() if names else [""]:
                word, _, other = name.partition(":")
                pair = (ours.replace(names[0], word), theirs.replace("{}", other or word)) if names else (ours, theirs)
                yield Phrase(*pair, chapter.draws, chapter.order)


def by_calligrad(f: Callable, xs: Sequence[np.ndarray], seed: int, order: int) -> list[list[np.ndarray]]:
    """The values, the gradients and the gradients of the gradients, each weighted and summed."""
    rng, values = np.random.default_rng(seed), [Value(x.copy()) for x in xs]
    results = [leaves(f(*values))]
    for _ in range(order):
        loss = sum(np.real(np.sum(np.conj(weights(rng, y)) * y)) for y in results[-1])
        if getattr(loss, "requires_grad", False):
            results.append(gradients(loss, values, create_graph=True))
        else:
            results.append([np.zeros_like(x) for x in xs])
    return [[np.asarray(getattr(y, "data", y)) for y in ys] for ys in results]


def by_torch(f: Callable, xs: Sequence[np.ndarray], seed: int, order: int) -> list[list[np.ndarray]]:
    """The same of PyTorch; as many as it has."""
    rng, tensors = np.random.default_rng(seed), [torch.tensor(x, requires_grad=True) for x in xs]
    results = [leaves(f(*tensors))]
    for derivative in range(order):
        loss = sum(torch.real(torch.sum(torch.from_numpy(weights(rng, y)).conj() * y)) for y in results[-1])
        try:
            gs = torch.autograd.grad(loss, tensors, create_graph=True, materialize_grads=True)
        except RuntimeError as error:
            if derivative and "does not require grad" in str(error):
                gs = [torch.zeros_like(x) for x in tensors]
            elif derivative and "not implemented" in str(error):
                break
            else:
                raise
        results.append(list(gs))
    return [[y.detach().numpy(force=True) for y in ys] for ys in results]


def weights(rng: np.random.Generator, y: Any) -> np.ndarray:
    """A random weight for each number of ``y``; of real and of complex numbers with the same real parts."""
    u = rng.standard_normal((2, *y.shape))
    return np.asarray(u[0] + 1j * u[1] if "complex" in str(y.dtype) else u[0])


def distance(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> float:
    """The largest difference, relative to the largest number, or to a thousandth where all are less; NaNs are equal."""
    if [a.shape for a in ours] != [b.shape for b in theirs]:
        return float("inf")
    a, b = (np.concatenate([np.ravel(x) for x in xs]) for xs in (ours, theirs))
    other = (a != b) & ~(np.isnan(a) & np.isnan(b))
    if not (np.isfinite(a) & np.isfinite(b))[other].all():
        return float("inf")
    largest = np.max(np.abs(b), initial=1e-3, where=np.isfinite(b))
    return float(np.max(np.abs(a[other] - b[other]), initial=0) / largest)


def differences(phrase: Phrase) -> tuple[str, int]:
    """Where the two differ, in words ("" for nowhere), and to which order they were compared."""
    order = 2
    for number, (ours, theirs, arrays) in enumerate(phrase.rounds()):
        with np.errstate(all="ignore"):
            expected = by_torch(theirs, arrays, number, phrase.order)
            found = by_calligrad(ours, arrays, number, len(expected) - 1)
        order = min(order, len(expected) - 1)
        for (kind, most), a, b in zip(TOLERANCE.items(), found, expected):
            if not (d := distance(a, b)) <= most:
                described = ", ".join(f"{x.dtype}{list(x.shape)}" for x in arrays)
                return f"{phrase.ours}  of  {described}: the {kind} differ by {d:.1e}", order
    return "", order


def compare_with_torch(words: Sequence[str] = ()) -> int:
    """Print how many phrases are the same in both, and each that is not; return how many those are."""
    book = [p for p in phrases([*CHAPTERS, *EDGES]) if not words or any(word in p.ours for word in words)]
    differing, twice, functions = [], 0, set()
    for phrase in book:
        try:
            described, order = differences(phrase)
        except Exception as error:
            described, order = f"{phrase.ours}  against  {phrase.theirs}: {type(error).__name__}: {error}", 0
        differing += [described] * bool(described)
        twice += order == 2
        functions |= set(re.findall(r"\b(?:np|scipy)\.[a-z][\w.]*", phrase.ours))
    known = [] if words else list(phrases([chapter for chapters in KNOWN_DIFFERENCES.values() for chapter in chapters]))
    gone = [f"{phrase.ours}: known to differ, but does not" for phrase in known if not differences(phrase)[0]]
    print(*differing, *gone, sep="\n", end="\n" * bool(differing + gone))
    print(
        f"{len(book) - len(differing)} of {len(book)} phrases of {len(functions)} functions mean the same in PyTorch "
        f"{torch.__version__}: values and gradients to 1e-10, of {twice} second derivatives as well; "
        f"{len(known)} are known to differ"
    )
    return len(differing) + len(gone)


if __name__ == "__main__":
    raise SystemExit(compare_with_torch(sys.argv[1:]) > 0)
