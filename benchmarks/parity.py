"""The same numbers as PyTorch: ``python -m benchmarks.parity`` (``make parity``).

1. From the same float64 start, the article's network trained 10,000 steps has the same loss at every
   step, with SGD and with momentum; with Adam for 2,000 steps. With ``--write`` the SGD run is stored where
   ``make test`` looks for it.
2. Every operation and layer with a counterpart in PyTorch gives the same value and the same gradients on
   random input.
3. Every case of the tests that HIPS/autograd or JAX can differentiate has the same gradient there, in the
   sizes of the tests and in others drawn at random. Where theirs is another, KNOWN says why.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch

import calligrad as cg
from benchmarks.peers import PEERS as GRADIENTS
from benchmarks.peers import difference, of_other_sizes
from benchmarks.trajectory import RUNS, STORED, calligrad_losses, start
from calligrad import Value
from calligrad.nn import functional as F
from tests.cases import CASES

KNOWN: dict[str, dict[str, str]] = {  # peer: beginning of a case's name: why its gradient is another
    "autograd": {},
    "JAX": {},
}


def torch_losses(kind: str) -> np.ndarray:
    state = {name: torch.from_numpy(array) for name, array in start().items()}
    x, y = state.pop("x"), state.pop("y")
    model = torch.nn.Sequential(
        torch.nn.Linear(1, 4), torch.nn.ReLU(), torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1)
    ).double()
    model.load_state_dict(state)
    if kind == "Adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=RUNS[kind][0])
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=RUNS[kind][0], momentum=0.9 if kind == "momentum" else 0.0)
    losses = np.empty(RUNS[kind][1])
    for i in range(len(losses)):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses[i] = loss.item()
    return losses


def operations() -> dict[str, tuple[Callable, Callable, list[np.ndarray]]]:
    """Name: ours, theirs, and the arrays that both are called with."""
    rng = np.random.default_rng(0)
    tf = torch.nn.functional

    def real(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape)

    def positive(*shape: int) -> np.ndarray:
        return rng.uniform(0.5, 2, shape)

    labels = rng.integers(0, 7, 5)
    tlabels = torch.from_numpy(labels)
    ties = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    rows = np.array([0, 2, 2, 1])
    cases: dict[str, tuple[Callable, Callable, list[np.ndarray]]] = {
        "add, broadcast": (np.add, torch.add, [real(3, 4), real(4)]),
        "subtract": (np.subtract, torch.sub, [real(3, 1), real(1, 4)]),
        "multiply": (np.multiply, torch.mul, [real(3, 4), real(3, 1)]),
        "divide": (np.divide, torch.div, [real(3, 4), positive(4)]),
        "power": (np.power, torch.pow, [positive(3, 4), real(4)]),
        "power, whole exponents": (lambda x: x**3, lambda x: x**3, [real(3, 4)]),
        "remainder": (np.remainder, torch.remainder, [real(9) * 5, positive(9)]),
        "maximum, with ties": (np.maximum, torch.maximum, [ties, ties[::-1].copy()]),
        "minimum, with ties": (np.minimum, torch.minimum, [ties, ties[::-1].copy()]),
        "where": (lambda a, b: np.where(a > 0, a, b), lambda a, b: torch.where(a > 0, a, b), [real(6), real(6)]),
        "clip": (lambda x: np.clip(x, -0.5, 0.5), lambda x: torch.clip(x, -0.5, 0.5), [real(9)]),
        "sum": (lambda x: np.sum(x, axis=1), lambda x: torch.sum(x, 1), [real(3, 4)]),
        "mean": (lambda x: np.mean(x, axis=(0, 2)), lambda x: torch.mean(x, (0, 2)), [real(3, 4, 2)]),
        "var": (lambda x: np.var(x, axis=0, ddof=1), lambda x: torch.var(x, 0, correction=1), [real(5, 2)]),
        "std": (lambda x: np.std(x, ddof=0), lambda x: torch.std(x, correction=0), [real(5, 2)]),
        "max, with ties": (lambda x: np.max(x, axis=1), lambda x: torch.amax(x, 1), [ties]),
        "min, with ties": (lambda x: np.min(x, axis=1), lambda x: torch.amin(x, 1), [ties]),
        "prod, with a zero": (lambda x: np.prod(x, axis=0), lambda x: torch.prod(x, 0), [np.array([[0.0, 2], [3, 4]])]),
        "prod, with two zeros": (np.prod, torch.prod, [np.array([0.0, 2, 0])]),
        "norm": (lambda x: np.linalg.norm(x, axis=1), lambda x: torch.linalg.norm(x, dim=1), [real(3, 4)]),
        "norm at the origin": (np.linalg.norm, torch.linalg.norm, [np.zeros(3)]),
        "sort": (np.sort, lambda x: torch.sort(x, stable=True)[0], [real(4, 5)]),
        "matmul": (np.matmul, torch.matmul, [real(2, 3, 4), real(4, 5)]),
        "matmul, vector": (np.matmul, torch.matmul, [real(2, 3, 4), real(4)]),
        "einsum": (
            lambda a, b: np.einsum("bij,jk->bk", a, b),
            lambda a, b: torch.einsum("bij,jk->bk", a, b),
            [real(2, 3, 4), real(4, 5)],
        ),
        "tensordot": (
            lambda a, b: np.tensordot(a, b, ([0, 2], [1, 0])),
            lambda a, b: torch.tensordot(a, b, ([0, 2], [1, 0])),
            [real(3, 4, 2), real(2, 3, 5)],
        ),
        "concatenate": (
            lambda a, b: np.concatenate([a, b], 1),
            lambda a, b: torch.cat([a, b], 1),
            [real(2, 3), real(2, 1)],
        ),
        "stack": (lambda a, b: np.stack([a, b], 1), lambda a, b: torch.stack([a, b], 1), [real(2, 3), real(2, 3)]),
        "pad": (lambda x: np.pad(x, ((1, 2), (0, 1))), lambda x: tf.pad(x, (0, 1, 1, 2)), [real(2, 3)]),
        "index, repeated": (lambda x: x[rows], lambda x: x[torch.from_numpy(rows)], [real(3, 2)]),
        "transpose": (lambda x: np.transpose(x, (2, 0, 1)), lambda x: x.permute(2, 0, 1), [real(2, 3, 4)]),
        "absolute": (np.absolute, torch.abs, [np.array([-1.0, 0.0, 2.0])]),
        "erf": (cg.erf, torch.erf, [real(50) * 3]),
        "relu": (cg.relu, torch.relu, [np.array([-1.0, 0.0, 2.0])]),
        "sigmoid": (cg.sigmoid, torch.sigmoid, [real(20) * 10]),
        "gelu": (cg.gelu, tf.gelu, [real(20) * 3]),
        "gelu, tanh": (
            lambda x: cg.gelu(x, approximate="tanh"),
            lambda x: tf.gelu(x, approximate="tanh"),
            [real(20) * 3],
        ),
        "softmax": (cg.softmax, lambda x: torch.softmax(x, -1), [real(3, 4) * 10]),
        "log_softmax": (cg.log_softmax, lambda x: torch.log_softmax(x, -1), [real(3, 4) * 10]),
        "logsumexp": (lambda x: cg.logsumexp(x, axis=1), lambda x: torch.logsumexp(x, 1), [real(3, 4) * 10]),
        "linear": (F.linear, tf.linear, [real(2, 3, 4), real(5, 4), real(5)]),
        "mse_loss": (F.mse_loss, tf.mse_loss, [real(3, 4), real(3, 4)]),
        "mse_loss, sum": (
            lambda x, t: F.mse_loss(x, t, reduction="sum"),
            lambda x, t: tf.mse_loss(x, t, reduction="sum"),
            [real(3, 4), real(3, 4)],
        ),
        "cross_entropy": (
            lambda x: F.cross_entropy(x, labels),
            lambda x: tf.cross_entropy(x, tlabels),
            [real(5, 7) * 5],
        ),
    }
    names = ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "square", "reciprocal", "negative")
    for name in (*names, "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh"):
        cases[name] = (getattr(np, name), getattr(torch, name), [positive(3, 4)])
    return cases


def largest_difference(ours: Callable, theirs: Callable, arrays: list[np.ndarray]) -> float:
    """Between values and gradients, relative to the largest number in each."""
    values = [Value(x.copy()) for x in arrays]
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    y, t = ours(*values), theirs(*tensors)
    g = np.random.default_rng(1).standard_normal(y.shape)
    gs = cg.gradients(y, values, g)
    ts = torch.autograd.grad(t, tensors, torch.from_numpy(np.asarray(g)))
    pairs = [(y.data, t.detach().numpy()), *((a, b.numpy()) for a, b in zip(gs, ts, strict=True))]
    return max(float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-300)) if a.size else 0.0 for a, b in pairs)


def compare_with_peers() -> int:
    """Print how many cases agree with each peer, and each that does not; return how many those are."""
    failed = 0
    for peer in ("autograd", "JAX"):
        same, unexplained = 0, []
        for number, case in enumerate(case for case in CASES.values() if case.covers.startswith("np.")):
            for xs in (case.xs, of_other_sizes(case.xs, number)):
                try:
                    case.f(*xs)
                except Exception:
                    continue  # a function of just these sizes
                distance = difference(GRADIENTS[peer], case.f, xs)
                if distance < 1e-10:
                    same += 1
                elif np.isfinite(distance) and not any(case.name.startswith(name) for name in KNOWN[peer]):
                    unexplained.append(f"{case.name} of {[x.shape for x in xs]}: {peer} differs by {distance:.1e}")
        print(*unexplained, f"{same} gradients equal those of {peer} {version(peer.lower())} to 1e-10", sep="\n")
        failed += len(unexplained)
    return failed


def main() -> None:
    failed = 0
    for kind in RUNS:
        ours, theirs = calligrad_losses(kind), torch_losses(kind)
        worst = float(np.max(np.abs(ours / theirs - 1)))
        failed += worst > 1e-9
        print(f"{len(ours)} steps of {kind}: loss {theirs[0]:.6f} to {theirs[-1]:.6g}, the same within {worst:.1e}")
        if kind == "SGD" and "--write" in sys.argv:
            STORED.parent.mkdir(exist_ok=True)
            np.savez_compressed(STORED, losses=theirs)
    cases = operations()
    for name, case in cases.items():
        difference = largest_difference(*case)
        if not difference <= 1e-10:
            failed += 1
            print(f"{name}: differs by {difference:.1e}")
    print(f"{len(cases)} operations compared with PyTorch {torch.__version__}, values and gradients, to 1e-10")
    failed += compare_with_peers()
    if failed:
        raise SystemExit(f"{failed} differ")


if __name__ == "__main__":
    main()
