"""Time each function of NumPy, forward and backward, beside HIPS/autograd: ``python -m benchmarks.functions``.

The cases are those of the tests, on their own small arrays, where what counts is what a framework does
around NumPy; and the functions of ``LARGE`` on arrays of about 100,000 numbers, where it is the calculus.
Both frameworks take turns in one process; of several turns the fastest counts for each.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import autograd
import autograd.numpy as anp
import numpy as np

from benchmarks.peers import by_autograd, difference, rewritten, weighted, weights
from calligrad import grad
from tests.cases import CASES
from tests.cases.table import Case, apart, positive, real

TURNS, SECONDS = 5, 0.002


def spd(n: int) -> Callable:
    """A symmetric positive definite matrix."""

    def draw(rng: Any) -> np.ndarray:
        a = rng.standard_normal((n, n))
        return a @ a.T + n * np.eye(n)

    return draw


N = 100_000
LARGE = [
    Case(f"{name} (large)", f, draws, None, False)
    for name, f, *draws in [
        ("np.add", np.add, real(N), real(N)),
        ("np.add of a row", np.add, real(300, 300), real(300)),
        ("np.multiply", np.multiply, real(N), real(N)),
        ("np.divide", np.divide, real(N), positive(N)),
        ("np.power", np.power, positive(N), real(N)),
        ("np.exp", np.exp, real(N)),
        ("np.log", np.log, positive(N)),
        ("np.sin", np.sin, real(N)),
        ("np.tanh", np.tanh, real(N)),
        ("np.sqrt", np.sqrt, positive(N)),
        ("np.absolute", np.absolute, real(N)),
        ("np.arctan2", np.arctan2, real(N), real(N)),
        ("np.logaddexp", np.logaddexp, real(N), real(N)),
        ("np.maximum", np.maximum, real(N), real(N)),
        ("np.where", lambda a, b: np.where(a > 0, a, b), real(N), real(N)),
        ("np.clip", lambda x: np.clip(x, -1, 1), real(N)),
        ("np.sum", np.sum, real(N)),
        ("np.sum axis=0", lambda x: np.sum(x, axis=0), real(300, 300)),
        ("np.mean axis=1", lambda x: np.mean(x, axis=1), real(300, 300)),
        ("np.var axis=1", lambda x: np.var(x, axis=1), real(300, 300)),
        ("np.std", np.std, real(N)),
        ("np.max axis=1", lambda x: np.max(x, axis=1), real(300, 300)),
        ("np.prod axis=0", lambda x: np.prod(x, axis=0), positive(20, 5000)),
        ("np.cumsum axis=0", lambda x: np.cumsum(x, axis=0), real(300, 300)),
        ("np.sort", np.sort, apart(10_000)),
        ("np.partition", lambda x: np.partition(x, 500), apart(10_000)),
        ("np.transpose", np.transpose, real(300, 300)),
        ("np.concatenate", lambda a, b: np.concatenate([a, b]), real(N), real(N)),
        ("np.stack", lambda a, b: np.stack([a, b]), real(N), real(N)),
        ("np.tile", lambda x: np.tile(x, (3, 2)), real(100, 200)),
        ("np.repeat axis=0", lambda x: np.repeat(x, 4, axis=0), real(100, 200)),
        ("np.roll", lambda x: np.roll(x, 7, axis=1), real(300, 300)),
        ("np.pad", lambda x: np.pad(x, 2), real(300, 300)),
        ("np.diff", np.diff, real(300, 300)),
        ("np.gradient", lambda x: np.gradient(x, axis=0), real(300, 300)),
        ("np.tril", np.tril, real(300, 300)),
        ("np.diagonal", np.diagonal, real(300, 300)),
        ("np.trace", np.trace, real(300, 300)),
        ("getitem slice", lambda x: x[10:-10], real(N)),
        ("getitem array with repeats", lambda x: x[np.arange(N) % 1000], real(1000)),
        ("getitem rows", lambda x: x[np.arange(500) % 300], real(300, 300)),
        ("getitem mask", lambda x: x[np.arange(N) % 3 == 0], real(N)),
        ("np.matmul", np.matmul, real(300, 300), real(300, 300)),
        ("np.matmul of stacks", np.matmul, real(500, 8, 8), real(500, 8, 8)),
        ("np.dot", np.dot, real(N), real(N)),
        ("np.inner", np.inner, real(200, 100), real(150, 100)),
        ("np.outer", np.outer, real(300), real(300)),
        ("np.kron", np.kron, real(15, 15), real(20, 20)),
        ("np.tensordot", np.tensordot, real(30, 20, 20), real(20, 20, 30)),
        ("np.einsum", lambda a, b: np.einsum("bij,bjk->bik", a, b), real(100, 10, 10), real(100, 10, 10)),
        ("np.cross", np.cross, real(10_000, 3), real(10_000, 3)),
        ("np.fft.fft", lambda x: np.absolute(np.fft.fft(x)), real(2**14)),
        ("np.fft.rfft", lambda x: np.absolute(np.fft.rfft(x)), real(2**14)),
        ("np.linalg.inv", np.linalg.inv, spd(100)),
        ("np.linalg.solve", np.linalg.solve, spd(100), real(100, 100)),
        ("np.linalg.det", np.linalg.det, lambda rng: spd(100)(rng) / 150),
        ("np.linalg.slogdet", lambda a: np.linalg.slogdet(a)[1], spd(100)),
        ("np.linalg.cholesky", np.linalg.cholesky, spd(100)),
        ("np.linalg.eigh", lambda a: np.linalg.eigh(a)[0], spd(60)),
        ("np.linalg.svd", lambda a: np.linalg.svd(a, compute_uv=False), real(60, 50)),
        ("np.linalg.norm", np.linalg.norm, real(300, 300)),
    ]
]


def gradient_of(module: Any, differentiate: Callable, f: Callable, case: Case) -> Callable[[], Any]:
    """A call that does the whole work once: the function and its gradient."""
    us, xs = weights(case.f, case.xs), case.xs
    gradient = differentiate(lambda *xs: weighted(module, f(*xs), us), tuple(range(len(xs))))
    return lambda: gradient(*xs)


def seconds(call: Callable, count: int) -> float:
    start = time.process_time()  # of this process alone: BLAS is given one thread
    for _ in range(count):
        call()
    return (time.process_time() - start) / count


def compare(case: Case) -> tuple[float, float]:
    """Seconds of calligrad and of autograd."""
    ours = gradient_of(np, grad, case.f, case)
    theirs = gradient_of(anp, autograd.grad, rewritten(case.f, anp), case)
    first = seconds(ours, 1), seconds(theirs, 1)
    count = max(1, int(SECONDS / max(max(first), 1e-6)))
    turns = [first, *((seconds(ours, count), seconds(theirs, count)) for _ in range(TURNS if max(first) < 0.5 else 0))]
    return min(a for a, _ in turns), min(b for _, b in turns)


def main() -> None:
    chosen = [case for case in (*CASES.values(), *LARGE) if all(word in case.name for word in sys.argv[1:])]
    logs: dict[bool, list[float]] = {False: [], True: []}
    slower = []
    for case in chosen:
        large = case in LARGE
        if not any(x.size for x in case.xs) or not case.name.startswith(
            ("np.", "x.", "operator", "getitem", "setitem")
        ):
            continue
        if not difference(by_autograd, case.f, case.xs) < 1e-7:
            continue
        ours, theirs = compare(case)
        logs[large].append(math.log(theirs / ours))
        if large or theirs < ours:
            print(f"{case.name:60} {ours * 1e6:10.1f} µs {theirs * 1e6:10.1f} µs {theirs / ours:6.2f}x")
        if theirs < ours:
            slower.append(case.name)
    for large, ratios in logs.items():
        if ratios:
            mean = math.exp(sum(ratios) / len(ratios))
            where = "large" if large else "small"
            print(f"{len(ratios)} cases on {where} arrays: {mean:.2f} times as fast as autograd in the geometric mean")
    print(f"slower than autograd: {', '.join(slower) or 'none'}")


if __name__ == "__main__":
    main()
