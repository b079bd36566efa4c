"""Layers beside PyTorch, forward and backward: ``python -m benchmarks.layers_speed``, or with the names of families.

Calligrad runs with NumPy alone, and with the kernels of its extra ``jit``. Both frameworks run in one process, two
threads each, in alternation: a few steps here, a few there, with a pause
between, as PyTorch's threads spin on for a while after each step. The fastest step counts, of the turns during which
other processes used less than a tenth of a core; where there were too few of these, the row says busy. Memory is what
the peak of a process of its own grows by in the first steps, parameters, data and the frameworks' code being there.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.machine import busy_seconds, peak_bytes

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")
TURNS, TRIES, SECONDS, PAUSE = 9, 40, 0.1, 0.05

# ---------------------------------------------------------------- rows: a title, a layer, its inputs, how to call it

Row = tuple[str, Callable, tuple[Any, ...], Callable]
ROWS: dict[str, list[Row]] = {}


def row(family: str, title: str, build: Callable, *inputs: Any, call: Callable = lambda f, *xs: f(*xs)) -> None:
    """``build(nn)`` is called with arrays of normal numbers of these shapes; an array of integers is taken as it is."""
    ROWS.setdefault(family, []).append((title, build, inputs, call))


def labels(high: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, high, shape)


row("conv", "Conv2d 1 to 32, 3x3, 64 x 28x28", lambda nn: nn.Conv2d(1, 32, 3), (64, 1, 28, 28))
row("conv", "Conv2d 3 to 32, 3x3, 64 x 32x32", lambda nn: nn.Conv2d(3, 32, 3), (64, 3, 32, 32))
row("conv", "Conv2d 32 to 64, 3x3, 64 x 26x26", lambda nn: nn.Conv2d(32, 64, 3), (64, 32, 26, 26))
row("conv", "Conv2d 32 to 32, 3x3, padded, 64 x 32x32", lambda nn: nn.Conv2d(32, 32, 3, padding=1), (64, 32, 32, 32))
row("conv", "Conv2d 16 to 32, 5x5, 64 x 24x24", lambda nn: nn.Conv2d(16, 32, 5), (64, 16, 24, 24))
row("conv", "Conv2d 64 to 128, 1x1, 64 x 16x16", lambda nn: nn.Conv2d(64, 128, 1), (64, 64, 16, 16))
row("conv", "Conv2d 32 to 64, 3x3, stride 2, 64 x 16x16", lambda nn: nn.Conv2d(32, 64, 3, 2), (64, 32, 16, 16))
row("conv", "Conv2d 64 to 64, 3x3, 4 groups, 64 x 16x16", lambda nn: nn.Conv2d(64, 64, 3, 1, 1, 1, 4), (64, 64, 16, 16))
row("conv", "Conv2d 64, 3x3, depthwise, 64 x 16x16", lambda nn: nn.Conv2d(64, 64, 3, 1, 1, 1, 64), (64, 64, 16, 16))
row(
    "conv",
    "ConvTranspose2d 64 to 32, 4x4, stride 2, 64 x 14x14",
    lambda nn: nn.ConvTranspose2d(64, 32, 4, 2, 1),
    (64, 64, 14, 14),
)
row("conv", "Conv1d 64 to 64, 5, 32 x 200", lambda nn: nn.Conv1d(64, 64, 5), (32, 64, 200))
row("conv", "Conv3d 8 to 16, 3x3x3, 8 x 12x12x12", lambda nn: nn.Conv3d(8, 16, 3), (8, 8, 12, 12, 12))

row("pooling", "MaxPool2d 2, 64 x 32 x 28x28", lambda nn: nn.MaxPool2d(2), (64, 32, 28, 28))
row("pooling", "MaxPool2d 3, stride 2, padded, 64 x 32 x 28x28", lambda nn: nn.MaxPool2d(3, 2, 1), (64, 32, 28, 28))
row("pooling", "AvgPool2d 2, 64 x 32 x 28x28", lambda nn: nn.AvgPool2d(2), (64, 32, 28, 28))
row("pooling", "AdaptiveAvgPool2d 1, 64 x 256 x 7x7", lambda nn: nn.AdaptiveAvgPool2d(1), (64, 256, 7, 7))
row("pooling", "AdaptiveAvgPool2d 5, 64 x 64 x 14x14", lambda nn: nn.AdaptiveAvgPool2d(5), (64, 64, 14, 14))
row("pooling", "AdaptiveMaxPool2d 5, 64 x 64 x 14x14", lambda nn: nn.AdaptiveMaxPool2d(5), (64, 64, 14, 14))

row("pixels", "Upsample 2, bilinear, 16 x 16 x 32x32", lambda nn: nn.Upsample(None, 2, "bilinear"), (16, 16, 32, 32))
row("pixels", "PixelShuffle 2, 16 x 64 x 32x32", lambda nn: nn.PixelShuffle(2), (16, 64, 32, 32))
row("pixels", "ChannelShuffle 4, 64 x 64 x 16x16", lambda nn: nn.ChannelShuffle(4), (64, 64, 16, 16))

row("linear", "Linear 512 to 512, 256", lambda nn: nn.Linear(512, 512), (256, 512))
row("linear", "Linear 784 to 128, 64", lambda nn: nn.Linear(784, 128), (64, 784))
row("linear", "Bilinear 32, 32 to 32, 256", lambda nn: nn.Bilinear(32, 32, 32), (256, 32), (256, 32))

row("elementwise", "ReLU, 256 x 4096", lambda nn: nn.ReLU(), (256, 4096))
row("elementwise", "GELU, 256 x 4096", lambda nn: nn.GELU(), (256, 4096))
row("elementwise", "Softmax, 512 x 1000", lambda nn: nn.Softmax(-1), (512, 1000))
row("elementwise", "Dropout 0.5, 256 x 4096", lambda nn: nn.Dropout(0.5), (256, 4096))

row("norm", "BatchNorm2d, 64 x 32 x 28x28", lambda nn: nn.BatchNorm2d(32), (64, 32, 28, 28))
row("norm", "BatchNorm1d, 256 x 512", lambda nn: nn.BatchNorm1d(512), (256, 512))
row("norm", "LayerNorm, 32 x 128 x 256", lambda nn: nn.LayerNorm(256), (32, 128, 256))
row("norm", "RMSNorm, 32 x 128 x 256", lambda nn: nn.RMSNorm(256), (32, 128, 256))
row("norm", "GroupNorm 8, 64 x 32 x 28x28", lambda nn: nn.GroupNorm(8, 32), (64, 32, 28, 28))


def attention(module: Any, x: Any) -> Any:
    return module(x, x, x, need_weights=False)[0]


row(
    "attention",
    "MultiheadAttention 256, 8 heads, 32 x 64",
    lambda nn: nn.MultiheadAttention(256, 8, batch_first=True),
    (32, 64, 256),
    call=attention,
)
row(
    "attention",
    "scaled_dot_product_attention, causal, 32 x 4 x 64 x 32",
    lambda nn: lambda *xs: nn.functional.scaled_dot_product_attention(*xs, is_causal=True),
    *[(32, 4, 64, 32)] * 3,
)
row(
    "attention",
    "TransformerEncoderLayer 128, 4 heads, 32 x 64",
    lambda nn: nn.TransformerEncoderLayer(128, 4, 512, 0.0, batch_first=True),
    (32, 64, 128),
)

row(
    "recurrent",
    "LSTM 64 to 128, 32 x 50",
    lambda nn: nn.LSTM(64, 128, batch_first=True),
    (32, 50, 64),
    call=lambda module, x: module(x)[0],
)
row(
    "recurrent",
    "GRU 64 to 128, 32 x 50",
    lambda nn: nn.GRU(64, 128, batch_first=True),
    (32, 50, 64),
    call=lambda module, x: module(x)[0],
)

row("embedding", "Embedding 10000 x 128, 32 x 128", lambda nn: nn.Embedding(10000, 128), labels(10000, 32, 128))

row("loss", "CrossEntropyLoss, 128 x 10", lambda nn: nn.CrossEntropyLoss(), (128, 10), labels(10, 128))
row("loss", "CrossEntropyLoss, 2048 x 1000", lambda nn: nn.CrossEntropyLoss(), (2048, 1000), labels(1000, 2048))

# ---------------------------------------------------------------- steps


def arrays(inputs: tuple[Any, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [x if isinstance(x, np.ndarray) else rng.standard_normal(x).astype(np.float32) for x in inputs]


def calligrad_step(build: Callable, inputs: tuple[Any, ...], call: Callable, kernels: bool = False) -> Callable:
    """Forward and backward, to every input and parameter, from a gradient of ones."""
    from calligrad import Value, nn
    from calligrad.kernels import eager

    module = build(nn)
    xs = [Value(x) if x.dtype.kind == "f" else x for x in arrays(inputs)]
    leaves = [x for x in xs if isinstance(x, Value)] + list(getattr(module, "parameters", list)())

    def step() -> None:
        eager.enabled = kernels
        for x in leaves:
            x.grad = None
        call(module, *xs).backward()

    return step


def torch_step(build: Callable, inputs: tuple[Any, ...], call: Callable) -> Callable:
    """The same in PyTorch."""
    import torch

    torch.set_num_threads(2)
    module = build(torch.nn)
    xs = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays(inputs)]
    leaves = [x for x in xs if x.requires_grad] + list(getattr(module, "parameters", list)())

    def step() -> None:
        for x in leaves:
            x.grad = None
        y = call(module, *xs)
        y.backward(torch.ones_like(y))

    return step


STEPS: dict[str, Callable] = {
    "NumPy": calligrad_step,
    "jit": partial(calligrad_step, kernels=True),
    "PyTorch": torch_step,
}

# ---------------------------------------------------------------- measuring


def turn(step: Callable) -> tuple[float, float]:
    """Of as many steps as fit into a turn: the time of the fastest, and how much of a core other processes used."""
    time.sleep(PAUSE)
    fastest, others, own, begin = math.inf, busy_seconds(), time.process_time(), time.perf_counter()
    while (start := time.perf_counter()) < begin + SECONDS:
        step()
        fastest = min(fastest, time.perf_counter() - start)
    if others is None:
        return fastest, 0.0
    own = time.process_time() - own
    return fastest, ((busy_seconds() or 0.0) - others - own) / (time.perf_counter() - begin)


def times(row: Row) -> tuple[list[float], bool]:
    """Milliseconds of a step here and there, of the turns in good company; and whether there were enough of them."""
    steps = [make(*row[1:]) for make in STEPS.values()]
    turns: list[list[tuple[float, float]]] = []
    gc.collect()
    while sum(quiet(turn) for turn in turns) < TURNS and len(turns) < TRIES:
        turns.append([turn(step) for step in steps])
    good = [turn for turn in turns if quiet(turn)]
    return [min(turn[i][0] for turn in good or turns) * 1e3 for i in range(len(steps))], len(good) == TURNS


def quiet(turns: list[tuple[float, float]]) -> bool:
    return max(company for _, company in turns) < 0.1


def memory(framework: str, family: str, number: int) -> float:
    """MiB by which the peak of a process of its own grows in the first steps."""
    command = [sys.executable, "-m", "benchmarks.layers_speed", "--memory", framework, family, str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | THREADS)
    return json.loads(done.stdout) / 2**20


def grown(framework: str, family: str, number: int) -> int:
    STEPS[framework](lambda nn: nn.ReLU(), ((2, 2**15),), lambda f, x: f(x))()
    step = STEPS[framework](*ROWS[family][number][1:])
    before = peak_bytes()
    for _ in range(3):
        step()
    return peak_bytes() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("families", nargs="*", choices=[[], *ROWS], help=", ".join(ROWS))
    parser.add_argument("--memory", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if THREADS.items() - os.environ.items():  # NumPy reads them when it is imported
        os.execve(
            sys.executable, [sys.executable, "-m", "benchmarks.layers_speed", *sys.argv[1:]], os.environ | THREADS
        )
    if options.memory:
        framework, family, number = options.memory
        print(json.dumps(grown(framework, family, int(number))))
        return
    families = options.families or list(ROWS)
    held = {  # before this process imports PyTorch, as a process's peak begins with that of the one that started it
        (family, number): [memory(framework, family, number) for framework in STEPS]
        for family in families
        for number in range(len(ROWS[family]))
    }
    print(
        "| layer, forward and backward | NumPy ms | jit ms | PyTorch ms | ratio | with jit | MiB | with jit | PyTorch |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    ratios: list[list[float]] = []
    for (family, number), peaks in held.items():
        row = ROWS[family][number]
        (*ours, theirs), enough = times(row)
        ratios.append([ms / theirs for ms in ours])
        cells = [row[0], *(f"{ms:.2f}" for ms in (*ours, theirs)), *(f"**{ratio:.2f}**" for ratio in ratios[-1])]
        cells[-1] += "" if enough else " (busy)"
        print("|", " | ".join([*cells, *(f"{peak:.0f}" for peak in peaks)]), "|", flush=True)
    print()
    for name, column in zip(STEPS, zip(*ratios)):
        mean = math.exp(sum(map(math.log, column)) / len(column))
        print(f"{name}: geometric mean of {len(column)}: {mean:.2f}; the largest {max(column):.2f}.")


if __name__ == "__main__":
    main()
