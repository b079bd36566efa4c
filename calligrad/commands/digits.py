"""``calligrad digits``: read handwritten digits, and show which ones were misread."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import calligrad.data
from calligrad import nn, no_grad, optim
from calligrad.commands import pictures
from calligrad.commands.errors import UserError
from calligrad.commands.options import rate, whole
from calligrad.nn.functional import cross_entropy
from calligrad.progress import progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MISREAD = 12  # at most so many are drawn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``calligrad digits``."""
    parser.description = (
        "Train a network with one hidden layer of ReLUs on four fifths of 1,797 real handwritten digits of 8×8 pixels, "
        "test it on the fifth that it has not seen, and draw what it took for what."
    )
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="what all random draws start from (0)")
    parser.add_argument("--epochs", type=whole(1), default=30, metavar="N", help="rounds through the digits (30)")
    parser.add_argument("--lr", type=rate, default=0.005, metavar="RATE", help="the first learning rate (0.005)")
    # Batches of 16 are small enough for OpenBLAS to stay on one thread. For batches of 32 it takes more, and where
    # the cores are busy with other work these wait for each other: 15 s instead of 1.
    parser.add_argument("--batch-size", type=whole(1), default=16, metavar="N", help="digits in a step (16)")
    parser.add_argument("--width", type=whole(1, 10_000), default=256, metavar="N", help="hidden units (256)")
    parser.add_argument(
        "--output", default="digits.png", metavar="PATH", help="the picture: .png, .pdf or .svg (digits.png)"
    )


def run(options: argparse.Namespace) -> None:
    """Train, draw, and print the accuracy on the held-out digits as the last line."""
    path = pictures.prepare(options.output)
    images, labels = calligrad.data.load("digits")
    rng = np.random.default_rng(options.seed)
    held_out, learned = np.split(rng.permutation(len(labels)), [math.ceil(len(labels) / 5)])
    print(f"{len(learned)} handwritten digits to learn from, {len(held_out)} held out")
    print(f"network 64-{options.width}-10; {options.epochs} epochs in batches of {options.batch_size}")

    net = nn.Sequential(nn.Linear(64, options.width, rng=rng), nn.ReLU(), nn.Linear(options.width, 10, rng=rng))
    train(net, images[learned], labels[learned], options, rng)
    read = predict(net, images[held_out])
    if path:
        pictures.save(draw(images[held_out], labels[held_out], read), path)
    print(f"picture: {options.output}" if path else pictures.HOW)
    right = np.count_nonzero(read == labels[held_out])
    if right <= np.bincount(labels[held_out]).max():
        print("no better than always the same digit: take more --epochs, or another --lr")
    print(f"held-out accuracy: {100 * right / len(read):.2f} % ({right} of {len(read)})")


def train(
    net: nn.Module, images: np.ndarray, labels: np.ndarray, options: argparse.Namespace, rng: np.random.Generator
) -> None:
    """Adam, on shuffled batches of digits that are jittered anew each time; the learning rate falls along a cosine."""
    optimizer = optim.Adam(net.parameters())
    batches = math.ceil(len(labels) / options.batch_size)
    steps = options.epochs * batches
    before = mean_loss(net, images, labels)
    with progress("training", steps) as shown, np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(options.epochs):
            for i, batch in enumerate(np.array_split(rng.permutation(len(labels)), batches)):
                done = (epoch * batches + i) / steps
                optimizer.lr = options.lr * 0.5 * (1 + math.cos(math.pi * done))
                loss = cross_entropy(net(flat(jittered(images[batch], rng))), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                shown.step(f"epoch {epoch + 1}  loss {loss.item():.4f}")
        after = mean_loss(net, images, labels)
    if not after <= before:  # nan is not
        raise UserError(
            f"the training ran away: the loss is {after:.4g}, and was {before:.4g}; take an --lr below {options.lr:g}"
        )


def mean_loss(net: nn.Module, images: np.ndarray, labels: np.ndarray) -> float:
    """The loss on the images as they are."""
    with no_grad():
        return cross_entropy(net(flat(images)), labels).item()


def jittered(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``images`` (N, 8, 8), some of them moved: each by -1, 0 or 1 pixels down and across, usually 0.

    >>> import numpy as np
    >>> jittered(np.ones((5, 8, 8)), np.random.default_rng(0)).shape
    (5, 8, 8)
    """
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, images.shape[1:], axis=(1, 2))  # (N, 3, 3, 8, 8): all nine places
    down, across = rng.choice(3, (2, len(images)), p=[0.1, 0.8, 0.1])
    return windows[np.arange(len(images)), down, across]


def flat(images: np.ndarray) -> np.ndarray:
    """Images as rows of pixels."""
    return images.reshape(len(images), -1)


def predict(net: nn.Module, images: np.ndarray) -> np.ndarray:
    """The digits that ``net`` reads in ``images``."""
    with no_grad():
        return np.argmax(net(flat(images)).data, axis=1)


def draw(images: np.ndarray, labels: np.ndarray, read: np.ndarray) -> Figure:
    """The table of what was taken for what, and some of the digits that were misread."""
    wrong = np.flatnonzero(read != labels)
    figure = pictures.canvas(11, 5.4, f"held-out digits: {len(labels) - len(wrong)} of {len(labels)} read right")
    [(left, right)] = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.1, 1))

    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, read), 1)
    axes = left.subplots()
    axes.imshow(np.sqrt(counts), cmap="Blues")  # a single mistake must show beside 40 right ones
    for true, guess in np.argwhere(counts):
        ink = "white" if counts[true, guess] > counts.max() / 3 else "black"
        axes.text(guess, true, counts[true, guess], ha="center", va="center", color=ink, fontsize=9)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    pictures.label(axes, "what was taken for what", "read as", "written")
    axes.grid(False)

    shown = wrong[:MISREAD]
    which = "all" if len(shown) == len(wrong) else f"{len(shown)} of {len(wrong)}"
    right.suptitle(f"misread digits ({which})" if len(wrong) else "no digit was misread", fontsize=11)
    across = max(1, math.ceil(math.sqrt(len(shown))))
    for cell in right.subplots(max(1, math.ceil(len(shown) / across)), across, squeeze=False).flat:
        cell.set_axis_off()
    for cell, i in zip(right.axes, shown):
        cell.imshow(images[i], cmap="gray_r", vmin=0, vmax=1)
        cell.set_title(f"{labels[i]} read as {read[i]}", fontsize=10, color=pictures.ORANGE)
    return figure
