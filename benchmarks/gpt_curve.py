"""The GPT of the examples beside the same one in PyTorch: ``python -m benchmarks.gpt_curve``, or with a file of text.

Both begin with the same weights and see the same batches, in float32, each with its own AdamW, schedule and clipping of
the same settings. What is printed are the losses on the training batches, as means over the steps since the last line,
and on the same pieces of the text that were held out. The frameworks take turns of 25 steps, with a pause between, as
their threads spin on for a while; the time of a step is that of the fastest. OMP_NUM_THREADS holds for both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.training import models
from benchmarks.training.torch_gpt import GPT
from calligrad import no_grad, optim, random
from calligrad.data import CharTokenizer
from examples import gpt

BATCH, TURN, HELD_OUT = 12, 25, 240
Run = tuple[Callable[[np.ndarray], float], Callable[[np.ndarray], float]]
"""A step on a batch (N, context + 1), and the loss of one: both give the loss."""


def in_calligrad(model: gpt.GPT, steps: int) -> Run:
    optimizer, schedule = gpt.optimizer_of(model, steps)

    def loss_of(tokens: np.ndarray) -> Any:
        return gpt.loss(model(tokens[:, :-1]), tokens[:, 1:])

    def step(tokens: np.ndarray) -> float:
        optimizer.zero_grad()
        loss = loss_of(tokens)
        loss.backward()
        optim.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return loss.item()

    return step, no_grad()(lambda tokens: loss_of(tokens).item())


def in_pytorch(model: GPT, steps: int) -> Run:
    optimizer = torch.optim.AdamW(models.decayed(model), lr=1e-3, betas=(0.9, 0.99), fused=True)
    warm = min(100, steps // 2)
    up = torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=warm)
    down = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - warm, eta_min=1e-4)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[warm])

    def loss_of(tokens: np.ndarray) -> torch.Tensor:
        logits = model(torch.from_numpy(tokens[:, :-1]))
        return F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(tokens[:, 1:]).flatten())

    def step(tokens: np.ndarray) -> float:
        optimizer.zero_grad()
        loss = loss_of(tokens)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return loss.item()

    return step, torch.no_grad()(lambda tokens: loss_of(tokens).item())


def curves(text: str, steps: int) -> None:
    tokens = CharTokenizer(text).encode(text)
    random.seed(0)
    ours = gpt.GPT(int(tokens.max()) + 1)
    theirs = GPT(ours.tokens.num_embeddings)
    theirs.load_state_dict({name: torch.tensor(np.asarray(x)) for name, x in ours.state_dict().items()})
    runs = {"calligrad": in_calligrad(ours, steps), "PyTorch": in_pytorch(theirs, steps)}

    cut, rng = len(tokens) * 9 // 10, np.random.default_rng(0)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, ours.context + 1)
    batches = [windows[rng.integers(cut - ours.context, size=BATCH)] for _ in range(steps)]
    held_out = windows[np.linspace(cut, len(windows) - 1, HELD_OUT).astype(int)]

    seconds: dict[str, list[float]] = {name: [] for name in runs}
    print("| step | training: calligrad | PyTorch | held out: calligrad | PyTorch | difference |")
    print("|---|---|---|---|---|---|")
    for start in range(0, steps, TURN):
        training, validation = [], []
        for name, (step, evaluate) in runs.items():
            time.sleep(0.1)
            losses = []
            for batch in batches[start : start + TURN]:
                began = time.perf_counter()
                losses.append(step(batch))
                seconds[name].append(time.perf_counter() - began)
            training.append(np.mean(losses))
            validation.append(evaluate(held_out))
        numbers = " | ".join(f"{x:.4f}" for x in (*training, *validation))
        print(f"| {min(start + TURN, steps)} | {numbers} | {validation[0] - validation[1]:+.0e} |", flush=True)
    ours_ms, theirs_ms = (1e3 * min(times) for times in seconds.values())
    versions = f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}, NumPy {np.__version__}"
    print(f"\na step: {ours_ms:.1f} ms, PyTorch {theirs_ms:.1f} ms, ratio {ours_ms / theirs_ms:.2f}; {versions}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", help="a file, in UTF-8; the text of the example if none is given")
    parser.add_argument("--steps", type=int, default=500)
    args = parser.parse_args()
    curves(gpt.corpus(args.text), args.steps)
