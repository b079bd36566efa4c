"""What no program can go below: arithmetic and memory of each step, counted by hand.

``flops`` counts a multiplication and an addition as two, of the matrix products and convolutions alone. Where forward
takes n of them, the gradients of the weights take n and those of the inputs n, but that of the data is not wanted.

``numbers`` are those that cannot stay in registers, each moved as seldom as possible: parameters and the optimizer's
state are read and written once, what backward needs of forward is written and read once, data are read once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from benchmarks.machine import copy_rate, matmul_rate, stay_on_two_cores
from benchmarks.training.problems import PROBLEMS, Problem


@dataclass(frozen=True)
class Work:
    flops: float
    numbers: float


def trained(products: float, first: float) -> float:
    """Flops of forward and backward; ``first`` are the products of the first layer, whose inputs need no gradient."""
    return 2 * (3 * products - first)


ADAM, MOMENTUM, SGD = 6, 4, 2  # parameters and state, read and written

ARTICLE = 1 * 4 + 4 * 4 + 4 * 1  # products for a point; 33 parameters; 8 numbers kept of a point, and 2 data
MLP = 784 * 256 + 256 * 128 + 128 * 10  # and 394 biases
CONV1, CONV2 = 26 * 26 * 32 * 9, 24 * 24 * 64 * 32 * 9  # for an image; 320 and 18,496 parameters
CNN = CONV1 + CONV2 + 9216 * 128 + 128 * 10  # 1,199,882 parameters; kept: 26 x 26 x 32, what is pooled, 128 and 10
STEM, CONV = 32 * 32 * 32 * 27, 32 * 32 * 32 * 32 * 9  # for an image
RESNET = STEM + 6 * CONV + 320  # 57,162 parameters; kept: for each convolution its output and that of the ReLU after it
BLOCK = 128 * (3 + 1 + 4 + 4) * 128  # for a token; kept of it: 2 sums, 2 norms, 3 + 1 + 4 + 4 products, each 128 wide
ATTENTION = 2 * 128 * 65 / 2  # for a token that sees 32.5 others in the mean: scores, and the sum of values
GPT = 4 * (BLOCK + ATTENTION) + 65 * 128  # 812,416 parameters
LSTM = 4 * 128 * (64 + 128)  # for a place of a sequence; 100,618 parameters; kept: 4 gates, c and h
WAVE = 2 * 20 + 3 * 20 * 20 + 20  # for a point; 1,341 parameters

WORKS = {
    "article": Work(100 * trained(ARTICLE, 4), SGD * 33 + 100 * (2 * 8 + 2)),
    "mlp": Work(128 * trained(MLP, 784 * 256), ADAM * (MLP + 394) + 128 * (2 * 394 + 784)),
    "cnn": Work(64 * trained(CNN, CONV1), ADAM * 1_199_882 + 64 * (2 * (26 * 26 * 32 + 9216 + 128 + 10) + 28 * 28)),
    "resnet": Work(64 * trained(RESNET, STEM), MOMENTUM * 57_162 + 64 * 32 * 32 * (2 * 7 * 2 * 32 + 3)),
    "gpt": Work(12 * 64 * trained(GPT, 0), ADAM * 812_416 + 12 * 64 * 2 * (4 * 16 * 128 + 2 * 128 + 65)),
    "lstm": Work(
        32 * (50 * trained(LSTM, 4 * 128 * 64) + trained(1280, 0)), ADAM * 100_618 + 32 * 50 * (2 * 6 * 128 + 64)
    ),
    # u, its two slopes in x and the one in t go forward together, four numbers where there was one, and back again
    "pinn": Work(256 * 4 * trained(WAVE, 40), ADAM * 1341 + 256 * (2 * 4 * 4 * 20 + 2)),
    # a product or a sum each, and backward a product for y, a product and a sum for w, a sum for b; nothing runs beside
    # anything else, so the true floor is 1,000 times the 3 or 4 cycles that a processor takes for one, twice: 2 us
    "chain": Work(1000 + 500 * 4, SGD * 2 + 2 * 500),
    "deep": Work(2048 * trained(50 * 512 * 512, 512 * 512), SGD * 50 * (512 * 512 + 512) + 2048 * 512 * (2 * 50 + 1)),
}


def floor_of(problem: Problem, flops_rate: float) -> dict[str, float]:
    """The least milliseconds of a step, and what they come from."""
    work = WORKS[problem.name]
    size = int(work.numbers * np.dtype(problem.dtype).itemsize)
    bytes_rate = copy_rate(size // 2)  # what is written and read is there once
    by_flops, by_bytes = 1e3 * work.flops / flops_rate, 1e3 * size / bytes_rate
    return {
        "ms": max(by_flops, by_bytes),
        "flops": work.flops,
        "bytes": size,
        "flops/s": flops_rate,
        "bytes/s": bytes_rate,
    }


if __name__ == "__main__":  # in a process of its own: all floors as JSON
    stay_on_two_cores()
    flops_rates = {dtype: matmul_rate(dtype) for dtype in ("float32", "float64")}
    print(json.dumps({problem.name: floor_of(problem, flops_rates[problem.dtype]) for problem in PROBLEMS.values()}))
