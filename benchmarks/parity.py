"""The same numbers as PyTorch: ``python -m benchmarks.parity`` (``make parity``).

1. From the same float64 start, the article's network trained 10,000 steps has the same loss at every
   step, with SGD and with momentum; with Adam for 2,000 steps. With ``--write`` the SGD run is stored where
   ``make test`` looks for it.
2. Every function and layer with a counterpart in PyTorch gives the same values, gradients and second derivatives on
   random arrays of random shapes, real and complex. Where a gradient is a choice and theirs is another,
   KNOWN_DIFFERENCES of ``edges.py`` says so.
3. Every case of the tests that HIPS/autograd or JAX can differentiate has the same gradient there, in the
   sizes of the tests and in others drawn at random. Where theirs is another, KNOWN says why.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

import numpy as np
import torch

from benchmarks.peers import PEERS as GRADIENTS
from benchmarks.peers import difference, of_other_sizes
from benchmarks.torch_operations import compare_with_torch
from benchmarks.trajectory import RUNS, STORED, calligrad_losses, start
from tests.cases import CASES

KNOWN: dict[str, dict[str, str]] = {  # peer: beginning of a case's name: why its gradient is another
    "autograd": {
        "np.arccosh of complex": "takes the root of a product, which is on another branch",
        "np.sign of": "takes it for a constant",
        "np.full_like": "takes what fills it for a constant",
        "np.fft.rfft": "wrong for odd lengths and for cropped input",
        "np.linalg.pinv": "transposes complex matrices without conjugating",
        "np.tile": "wrong unless one number says how often",
        **{f"np.{name} where=": "ignores where=" for name in ("sum", "mean", "var", "std", "prod")},
        **{f"np.{name} correction=": "ignores correction=" for name in ("var", "std")},
    },
    "JAX": {
        "np.arccosh of complex": "takes the root of a product, which is on another branch",
        "np.sign of": "takes it for a constant",
        "np.interp": "of places xp that do not increase, where NumPy defines nothing",
        "np.linalg.cond of one number": "is the rounding of 0",
        "np.partition": "another order within the parts",
        **{f"np.{name}": "takes it for a constant" for name in ("unique", "union1d", "intersect1d", "setdiff1d")},
    },
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
    failed += compare_with_torch()
    failed += compare_with_peers()
    if failed:
        raise SystemExit(f"{failed} differ")


if __name__ == "__main__":
    main()
