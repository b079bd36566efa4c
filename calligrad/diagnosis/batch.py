"""What can be seen in the batch, and in a prediction beside its target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from calligrad.diagnosis.graph import broadcast
from calligrad.diagnosis.report import Finding, error, some, warning
from calligrad.nests import leaves
from calligrad.nn.losses.classification import cross_entropy
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
            yield warning(f"{name} has mean {middle:.3g} and standard deviation {spread:.3g}", SCALE)
        elif odd := _odd_columns(array):
            yield warning(f"{name} has {some(odd)}", SCALE)


SCALE = (
    "Layers start for numbers with mean 0 and standard deviation 1, more or less. Subtract the mean of the training"
    " data, of each feature its own, and divide by their standard deviation."
)


def _odd_columns(array: np.ndarray) -> list[str]:
    """The columns of a table that are far from 0, wide, or far smaller than others; constant ones do no harm."""
    if array.ndim != 2:
        return []
    means, spreads, widths = array.mean(0), array.std(0), np.ptp(array, axis=0)
    odd = (spreads > 30) | (np.abs(means) > 10 * np.maximum(spreads, 1)) | (widths < 1e-3 * np.max(widths))
    where = (lambda i: f" in column {i}") if array.shape[1] > 1 else (lambda i: "")
    return [
        f"mean {means[i]:.3g} and standard deviation {spreads[i]:.3g}{where(i)}"
        for i in np.flatnonzero(odd & (widths > 0))
    ]


def name_of(loss: Any) -> str:
    """The name of a loss, of what a partial was made of."""
    loss = loss.func if isinstance(loss, partial) else loss
    return getattr(loss, "__name__", type(loss).__name__)


def targets(prediction: Any, y: Any, loss: Any) -> Iterator[Finding]:
    """Whether the targets are in order beside the prediction: each of several, if they are as many."""
    for one, of_one in _pairs(prediction, y):
        yield from _fit(one, of_one, loss)


def shapes(prediction: Any, y: Any, loss: Any) -> Iterator[Finding]:
    """Shapes that broadcast, where the loss has failed; what a loss does that has not is in its graph."""
    for one, of_one in _pairs(prediction, y):
        if name_of(loss) not in CLASSIFIERS and one.shape != of_one.shape and of_one.dtype.kind == "f":
            with suppress(ValueError):  # then the loss says so itself
                yield broadcast(one.shape, of_one.shape, np.broadcast_shapes(one.shape, of_one.shape))


def _pairs(prediction: Any, y: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    predictions, ys = leaves(prediction), leaves(y)
    if len(ys) not in (1, len(predictions)):  # one target is the first prediction's
        return []
    return [(np.asarray(unwrap(one)), np.asarray(unwrap(of_one))) for one, of_one in zip(predictions, ys)]


def _fit(prediction: np.ndarray, y: np.ndarray, loss: Any) -> Iterator[Finding]:
    if y.dtype.kind == "f" and not np.all(np.isfinite(y)):
        yield error(
            f"the target has {np.count_nonzero(~np.isfinite(y))} numbers that are not finite",
            "The loss will be NaN. Drop these examples or mask them.",
        )
    elif y.dtype.kind == "f" and y.size and (odd := _odd_columns(y.reshape(len(y), -1) if y.ndim else y)):
        yield warning(
            f"the target has {some(odd)}",
            "The last layer starts with small numbers and takes many steps to get there. Learn (y - mean) / std, of the"
            " training data, and undo that in the predictions.",
        )
    if name_of(loss) in CLASSIFIERS and y.dtype.kind in "iu":
        yield from _labels(prediction, y[y != ignored(loss)])
    if y.dtype.kind == "f" and y.dtype.itemsize > prediction.dtype.itemsize:
        yield warning(
            f"the target is {y.dtype} and the prediction {prediction.dtype}",
            f"The loss becomes {y.dtype}; y.astype(np.{prediction.dtype}) keeps the precision.",
        )


def ignored(loss: Any) -> int:
    """The label that the loss leaves out."""
    settings = loss.keywords if isinstance(loss, partial) else getattr(loss, "__dict__", {})
    return settings.get("ignore_index", -100)


def _labels(prediction: np.ndarray, y: np.ndarray) -> Iterator[Finding]:
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


def start(prediction: Any, y: Any, loss: Any) -> Iterator[Finding]:
    """Whether the first loss is what a model that knows nothing has."""
    if name_of(loss) not in CLASSIFIERS[:2]:  # which take one prediction and one target
        return
    prediction, y = np.asarray(unwrap(prediction)), np.asarray(unwrap(y))
    if y.dtype.kind not in "iu" or prediction.ndim < 2:
        return
    guess = float(np.log(prediction.shape[1]))
    value = float(cross_entropy(prediction, y, ignore_index=ignored(loss)))  # a mean, whatever the loss makes of it
    if value > 3 * guess + 1:
        yield warning(
            f"the loss starts at {value:.3g}; guessing among {prediction.shape[1]} classes has {guess:.3g}",
            "The model is sure of what it cannot know: the logits are large. Scale the inputs, or start the last layer"
            " smaller.",
        )
