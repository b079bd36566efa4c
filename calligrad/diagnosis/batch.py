"""What can be seen in the batch, and in a prediction beside its target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from calligrad.diagnosis.report import Finding, error, warning
from calligrad.nests import leaves
from calligrad.value import unwrap

CLASSIFIERS = ("cross_entropy", "CrossEntropyLoss", "nll_loss", "NLLLoss", "multi_margin_loss", "MultiMarginLoss")


def inputs(x: Any, dtype: np.dtype) -> Iterator[Finding]:
    """Whether the inputs are finite, scaled, varied, and of the model's precision."""
    for i, array in enumerate(map(np.asarray, map(unwrap, leaves(x)))):
        name = "the input" if len(leaves(x)) == 1 else f"input {i}"
        if array.size == 0:
            yield error(f"{name} is empty: its shape is {array.shape}", "Look at what the loader puts into a batch.")
        if array.dtype.kind != "f" or not array.size:
            if array.dtype == np.uint8 and array.ndim > 2:
                yield warning(
                    f"{name} is uint8, from {array.min()} to {array.max()}",
                    "Bring images to floats around 0 before the first layer: x.astype(np.float32) / 255 - 0.5.",
                )
            continue
        if not np.all(np.isfinite(array)):
            place = tuple(int(n) for n in np.argwhere(~np.isfinite(array))[0])
            yield error(
                f"{name} has {np.count_nonzero(~np.isfinite(array))} numbers that are not finite, first at {place}",
                "One NaN makes the loss NaN, and then every parameter. Drop or fill them.",
            )
            continue
        if array.dtype.itemsize > dtype.itemsize:
            yield warning(
                f"{name} is {array.dtype} and the model {dtype}",
                f"The whole computation becomes {array.dtype}, at half the speed or less: x.astype(np.{dtype}).",
            )
        spread, middle = float(np.std(array)), float(np.mean(array))
        if spread == 0 and array.size > 1:
            yield warning(f"{name} is {array.flat[0]} everywhere", "There is nothing in it to learn from.")
        elif spread > 30 or abs(middle) > 10 * max(spread, 1e-30) or spread < 1e-3:
            yield warning(
                f"{name} has mean {middle:.3g} and standard deviation {spread:.3g}",
                "Layers start for numbers with mean 0 and standard deviation 1, more or less. Subtract the mean of the"
                " training data and divide by their standard deviation.",
            )


def targets(prediction: Any, y: Any, loss_name: str) -> Iterator[Finding]:
    """Whether prediction and target fit one another in shape, range and kind: each of several, if they are as many."""
    predictions, ys = leaves(prediction), leaves(y)
    if len(ys) in (1, len(predictions)):  # one target is the first prediction's
        for one, of_one in zip(predictions, ys):
            yield from _fit(np.asarray(unwrap(one)), np.asarray(unwrap(of_one)), loss_name)


def _fit(prediction: np.ndarray, y: np.ndarray, loss_name: str) -> Iterator[Finding]:
    if y.dtype.kind == "f" and not np.all(np.isfinite(y)):
        yield error(
            f"the target has {np.count_nonzero(~np.isfinite(y))} numbers that are not finite",
            "The loss will be NaN. Drop these examples or mask them.",
        )
    if loss_name in CLASSIFIERS and y.dtype.kind in "iu":
        yield from _labels(prediction, y, loss_name)
    elif loss_name not in CLASSIFIERS and prediction.shape != y.shape and y.dtype.kind == "f":
        try:
            wide = np.broadcast_shapes(prediction.shape, y.shape)
        except ValueError:
            return  # the loss says so itself
        yield error(
            f"the prediction has shape {prediction.shape} and the target {y.shape}: they broadcast to {wide}",
            f"Every prediction is compared with every target. Give them one shape, y.reshape({prediction.shape}).",
        )
    if y.dtype.kind == "f" and y.dtype.itemsize > prediction.dtype.itemsize:
        yield warning(
            f"the target is {y.dtype} and the prediction {prediction.dtype}",
            f"The loss becomes {y.dtype}; y.astype(np.{prediction.dtype}) keeps the precision.",
        )


def _labels(prediction: np.ndarray, y: np.ndarray, loss_name: str) -> Iterator[Finding]:
    classes = prediction.shape[1] if prediction.ndim > 1 else prediction.shape[0]
    low, high = (int(y.min()), int(y.max())) if y.size else (0, 0)
    if low < 0 or high >= classes:
        shift = " They seem to count from 1: subtract 1." if low == 1 and high == classes else ""
        yield error(
            f"labels go from {low} to {high}, and the model has {classes} classes, 0 to {classes - 1}",
            f"Make the last layer as wide as there are classes, or the labels start at 0.{shift}",
        )
    elif y.size > 8 and low == high:
        yield warning(f"all labels of this batch are {low}", "Shuffle the training data.")
    if prediction.ndim != 2 or not prediction.size:
        return
    rows = prediction.sum(axis=1)
    if np.all(prediction >= 0) and np.allclose(rows, 1, atol=1e-3) and "nll" not in loss_name.lower():
        yield error(
            f"the model ends in a softmax, and {loss_name} takes the softmax itself",
            "Twice is too much: the gradient becomes small and the training slow. Return the logits.",
        )


def start(loss: float, prediction: Any, y: Any, loss_name: str) -> Iterator[Finding]:
    """Whether the first loss is what a model that knows nothing has."""
    if loss_name not in CLASSIFIERS[:2]:  # which take one prediction and one target
        return
    prediction, y = np.asarray(unwrap(prediction)), np.asarray(unwrap(y))
    if y.dtype.kind not in "iu" or prediction.ndim < 2:
        return
    guess = float(np.log(prediction.shape[1]))
    if loss > 3 * guess + 1:
        yield warning(
            f"the loss starts at {loss:.3g}; guessing among {prediction.shape[1]} classes has {guess:.3g}",
            "The model is sure of what it cannot know: the logits are large. Scale the inputs, or start the last layer"
            " smaller.",
        )
