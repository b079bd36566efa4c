"""Every row of the tables of optimizers and schedules beside PyTorch: all steps, and all rates.

``python -m benchmarks.optimizers`` compares; ``--store`` also writes PyTorch's digests to ``tests/optim/references``,
which ``make test`` reads; ``--time`` times a step of the common optimizers instead.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from calligrad import Value, optim
from tests.optim import results
from tests.optim.cases import METRICS, OPTIMIZERS, RATES, SCHEDULES, STARTS, STEPS, digest, loss_and_gradients

TOLERANCE = 1e-10
REFERENCES = Path(__file__).parents[1] / "tests" / "optim" / "references"


THEIR_SCHEDULES = SimpleNamespace(**vars(torch.optim.lr_scheduler), SWALR=torch.optim.swa_utils.SWALR)


def their_trajectory(name: str) -> np.ndarray:
    """The parameters after each step of a row, in PyTorch (STEPS, numbers)."""
    params = [torch.tensor(start, requires_grad=True) for start in STARTS]
    optimizer = OPTIMIZERS[name](torch.optim, params)

    def closure() -> float:
        loss, gradients = loss_and_gradients([p.detach().numpy() for p in params])
        for p, g in zip(params, gradients, strict=True):
            p.grad = torch.tensor(g)
        return torch.tensor(loss)

    steps = []
    for _ in range(STEPS):
        optimizer.step(closure)
        steps.append(np.concatenate([p.detach().numpy().ravel() for p in params]))
    return np.array(steps)


def their_rates(name: str) -> np.ndarray:
    """The settings of a schedule's row, in PyTorch (EPOCHS, settings)."""
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in RATES]
    adam = name.endswith("of Adam")
    optimizer = torch.optim.Adam(groups) if adam else torch.optim.SGD(groups, momentum=0.5)
    schedule = SCHEDULES[name](THEIR_SCHEDULES, optimizer)
    found = [results.settings(optimizer)]
    for metric in METRICS[1:]:
        optimizer.step()
        schedule.step(*([metric] if name.startswith("ReduceLROnPlateau") else []))
        found.append(results.settings(optimizer))
    return np.array(found)


def compare(kind: str, names: Iterable[str], ours: Callable, expected: Callable) -> dict[str, np.ndarray]:
    """PyTorch's trajectories by row; prints the rows that differ."""
    found = {}
    for name in names:
        try:
            found[name] = expected(name)
            scale = np.max(np.abs(found[name]), axis=1, keepdims=True)
            error = np.max(np.abs(ours(name) - found[name]) / scale)
            assert error <= TOLERANCE, f"differs by {error:.1e}"
        except Exception as error:
            found.pop(name, None)
            print(f"{name}: {type(error).__name__}: {error}")
    print(f"{len(found)} of {len(names)} {kind} equal PyTorch's {torch.__version__.partition('+')[0]}")
    return found


def time_steps() -> None:
    """Milliseconds of one step, beside PyTorch's fused one; the least of many."""
    perceptron = [(256, 784), (256,), (128, 256), (128,), (10, 128), (10,)]
    block = [
        (128,),
        (128,),
        (384, 128),
        (384,),
        (128, 128),
        (128,),
        (128,),
        (128,),
        (512, 128),
        (512,),
        (128, 512),
        (128,),
    ]
    transformer = [(65, 128), (64, 128), *4 * block, (128,), (128,)]
    for model, shapes in {"MLP": perceptron, "GPT": transformer}.items():
        for text, settings in {"SGD": {"momentum": 0.9}, "Adam": {}, "AdamW": {}}.items():
            print(f"{model} {text}: {beside(text, settings, shapes)}")


def beside(name: str, settings: dict, shapes: list[tuple[int, ...]]) -> str:
    """The times of one optimizer here and there, and their ratio."""
    arrays = [np.random.default_rng(0).standard_normal(shape).astype(np.float32) for shape in shapes]
    values, tensors = [Value(x) for x in arrays], [torch.tensor(x, requires_grad=True) for x in arrays]
    for value, tensor in zip(values, tensors, strict=True):
        value.grad, tensor.grad = np.ones(value.shape, np.float32), torch.ones(tensor.shape)
    ours = getattr(optim, name)(values, lr=1e-3, **settings)
    fused, foreach = (
        getattr(torch.optim, name)(tensors, lr=1e-3, **settings, **kind)
        for kind in ({"fused": True}, {"foreach": True})
    )
    best = [np.inf] * 3
    for _ in range(200):
        for i, optimizer in enumerate((ours, fused, foreach)):
            begin = time.perf_counter()
            optimizer.step()
            best[i] = min(best[i], 1e3 * (time.perf_counter() - begin))
    size = sum(x.size for x in arrays)
    return (
        f"{size} numbers: {best[0]:.3f} ms; PyTorch fused {best[1]:.3f}, foreach {best[2]:.3f}:"
        f" {best[0] / best[1]:.2f} and {best[0] / best[2]:.2f} times"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--store", action="store_true", help="write PyTorch's digests for the tests")
    parser.add_argument("--time", action="store_true", help="time steps instead")
    options = parser.parse_args()
    if options.time:
        return time_steps()
    torch.set_default_dtype(torch.float64)  # of numbers that PyTorch keeps beside the parameters
    torch.Tensor.bfloat16 = torch.Tensor.clone  # Muon's iteration is compared in float64
    steps = compare("optimizers", OPTIMIZERS, results.trajectory, their_trajectory)
    epochs = compare("schedules", SCHEDULES, results.rates, their_rates)
    if options.store:
        np.savez_compressed(REFERENCES / "optimizers.npz", **{name: digest(x) for name, x in steps.items()})
        np.savez_compressed(REFERENCES / "schedules.npz", **epochs)
    if len(steps) < len(OPTIMIZERS) or len(epochs) < len(SCHEDULES):
        raise SystemExit(1)
    return None


if __name__ == "__main__":
    main()
