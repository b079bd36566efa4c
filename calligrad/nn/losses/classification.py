"""Losses of logits or log-probabilities against class labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.buffer import Buffer
from calligrad.nn.losses.checks import Loss, check_reduction, integers, reduced
from calligrad.nn.refusals import refuse, refuse_labels
from calligrad.ops.softmax import floating, log_softmax, softmax
from calligrad.ops.tiles import over_rows
from calligrad.primitive import is_captured, is_concrete
from calligrad.value import as_arraylike, unwrap


class NegativeLogSoftmax(Function):
    """Of each row of ``x`` the negative logarithm of the softmax at the row's label, times the row's weight.

    With ``total`` their sum. Everything is times ``scale``.
    """

    total: bool = False
    scale: float = 1.0
    softmax: Any = None  # of arrays, which the forward pass leaves for the way back: its numerators and its sums

    def forward(self, x, labels, *weight):
        x = floating(x)
        if type(x) is np.ndarray and x.dtype.itemsize >= 4:
            self.softmax = e, sums = np.empty_like(x), np.empty(len(x), x.dtype)
            over_rows(lambda tile: _relative(x[tile], labels[tile], e[tile], sums[tile]), x)
            losses = np.log(sums)
            if not np.all(losses < LARGE):  # the numerators are too large, or none of them is a number
                self.softmax, (losses, *_) = None, _losses(x, labels)
        else:
            losses, *self.softmax = _losses(x, labels)
        if weight:
            losses = losses * weight[0]
        losses = losses.sum() if self.total else losses
        return losses if self.scale == 1 else losses * self.scale

    def backward(self, g, x, labels, *weight):
        g = g if self.scale == 1 else self.scale * g
        g = g * weight[0] if weight else g
        is_kept = self.softmax is not None and is_concrete(g, x)
        if not is_kept or is_captured(g, x):
            e, sums = self.softmax if is_kept else (softmax(x), None)
            slope = e if sums is None else e / sums[:, np.newaxis]
            slope = slope - (labels[:, np.newaxis] == np.arange(x.shape[-1]))
            slope = slope * (g[:, np.newaxis] if np.ndim(g) else g)
        else:
            e, sums = self.softmax
            slope = np.empty_like(e)
            factors = (g / sums)[:, np.newaxis]

            def work(tile: slice) -> None:
                np.multiply(e[tile], factors[tile], out=slope[tile])

            over_rows(work, slope)
            slope[np.arange(len(slope)), labels] -= g
        return slope, *(None for _ in range(1 + len(weight)))


LARGE = 60  # a loss from which on the exponential may be too large for a float32


def _relative(x: np.ndarray, labels: np.ndarray, e: np.ndarray, sums: np.ndarray) -> None:
    """The softmax times a number for each row, which makes it 1 at the label, in ``e``; and its sums, in ``sums``.

    The logarithm of a sum is the loss: nothing cancels, and no maximum needs to be found.
    """
    chosen = x[np.arange(len(labels)), labels]
    with np.errstate(over="ignore", invalid="ignore"):
        np.exp(np.subtract(x, chosen[:, np.newaxis], out=e), out=e)
        np.matmul(e, np.ones(x.shape[-1], x.dtype), out=sums)


def _losses(x: Any, labels: Any) -> tuple[Any, Any, Any]:
    """The losses for numbers of any size, and the numerators and sums of the softmax."""
    shifted = x - np.max(x, axis=-1, keepdims=True, initial=-np.inf)  # before the difference, which would cancel
    e = np.exp(shifted)
    sums = np.sum(e, axis=-1)
    with np.errstate(divide="ignore"):  # without classes
        return np.log(sums) - shifted[np.arange(len(labels)), labels], e, sums


class SoftCrossEntropy(Function):
    """Of each row, the sum of ``target`` times the negative logarithm of the softmax of ``x``."""

    def forward(self, x, target):
        x = floating(x)
        shifted = x - np.max(x, axis=-1, keepdims=True, initial=-np.inf)
        return np.sum(target * (np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True)) - shifted), axis=-1)

    def backward(self, g, x, target):
        g = g[..., np.newaxis]
        return (
            lambda: g * (softmax(x) * np.sum(target, axis=-1, keepdims=True) - target),
            lambda: -g * log_softmax(x),
        )


def cross_entropy(
    x: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """The negative log-probability of the right class, where ``softmax(x)`` are the probabilities.

    Shapes: ``x`` (N, C), (C,) or (N, C, d1, …), floating logits; ``target`` (N,), () or (N, d1, …), integers from 0 to
    C-1; or probabilities of the shape of ``x``. ``weight`` (C,) rescales the classes, and a mean over labels is divided
    by the weights of the labels. Labels equal to ``ignore_index`` do not count. ``label_smoothing`` mixes so much of
    the uniform distribution into the target; Szegedy et al., arXiv:1512.00567.

    Raises ``ValueError`` with the first label that is out of range, and for shapes that do not fit.

    >>> import numpy as np
    >>> from calligrad.nn.functional import cross_entropy
    >>> round(float(cross_entropy(np.zeros((2, 10)), np.array([3, 7]))), 6)
    2.302585
    """
    check_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing is from 0 to 1, not {label_smoothing}")
    if getattr(target, "dtype", None) is not None and target.dtype.kind == "f" and np.ndim(target):
        return _against_probabilities(x, target, weight, reduction, label_smoothing)
    labels = Labels("cross_entropy", x, target, weight, ignore_index)
    if label_smoothing == 0:
        return labels.reduced(NegativeLogSoftmax, reduction)
    hot = (labels.flat[:, np.newaxis] == np.arange(labels.classes)).astype(labels.dtype)
    soft = _smoothed(hot, label_smoothing)
    if labels.class_weight is not None:
        soft = soft * labels.class_weight
    if labels.counted is not None:
        soft = np.where(labels.counted[:, np.newaxis], soft, 0)
    losses = np.reshape(SoftCrossEntropy()(labels.rows, soft), labels.shape)
    if reduction == "none":
        return losses
    total = np.sum(losses)
    return labels.mean(lambda share: total * share, labels.weights()) if reduction == "mean" else total


def nll_loss(x: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """The negative of ``x`` at the right class, where ``x`` are log-probabilities: ``cross_entropy`` after log_softmax.

    Shapes, weights, labels and errors are those of ``cross_entropy``.

    >>> import numpy as np
    >>> from calligrad.nn.functional import nll_loss
    >>> float(nll_loss(np.array([[-1.0, -2.0]]), np.array([1])))
    2.0
    """
    check_reduction(reduction)
    return Labels("nll_loss", x, target, weight, ignore_index).reduced(Chosen, reduction)


class Chosen(Function):
    """Of each row of ``x`` the negative of the number at the row's label, times the row's weight; as above."""

    total: bool = False
    scale: float = 1.0

    def forward(self, x, labels, *weight):
        losses = x[np.arange(len(labels)), labels]
        losses = losses * weight[0] if weight else losses
        return (losses.sum() if self.total else losses) * -self.scale

    def backward(self, g, _x, labels, *weight):
        g = -self.scale * g * (weight[0] if weight else np.ones(len(labels), g.dtype))
        hot = labels[:, np.newaxis] == np.arange(self.shapes[0][-1])
        return g[:, np.newaxis] * hot, *(None for _ in range(1 + len(weight)))


class Labels:
    """The rows of logits, and for each a label and a weight, made from the arguments of a loss and checked."""

    def __init__(self, name: str, x: Any, target: Any, weight: Any, ignore_index: int) -> None:
        target = integers(name, target)
        x, shape, self.shape = as_arraylike(x), np.shape(x), target.shape
        if not shape or (shape[:1] + shape[2:] if len(shape) > 1 else ()) != target.shape:
            raise ValueError(
                f"{name}: logits (N, C, …) need labels (N, …), not logits {shape} and labels {target.shape}"
            )
        self.classes = shape[1 if len(shape) > 1 else 0]
        if len(shape) > 2:
            x = np.moveaxis(x, 1, -1)
        self.rows = x if len(shape) == 2 else np.reshape(x, (-1 if self.classes else target.size, self.classes))
        self.dtype = np.result_type(x.dtype, np.float16) if x.dtype.kind == "f" else np.dtype(np.float64)
        flat = target if target.ndim == 1 else np.reshape(target, (-1,))
        self.counted = None
        if is_captured(target) or 0 <= ignore_index < self.classes or np.any((target < 0) | (target >= self.classes)):
            what = f"{name}: label {{}} is not among the classes 0 to {self.classes - 1}"
            refuse_labels(target, self.classes, ignore_index, what)
            self.counted = flat != ignore_index
            flat = np.where(self.counted, flat, 0)
        self.flat = flat
        self.class_weight = None if weight is None else self._class_weight(name, weight)

    def _class_weight(self, name: str, weight: Any) -> np.ndarray:
        weight = unwrap(weight)
        weight = weight if hasattr(weight, "dtype") else np.asarray(weight)
        if weight.shape != (self.classes,) or weight.dtype.kind not in "fiu":
            raise ValueError(
                f"{name}: weight has a number for each of {self.classes} classes, not shape {weight.shape} of"
                f" {weight.dtype}"
            )
        return weight.astype(self.dtype)

    def weights(self) -> Any:
        """For each row its weight, or None if all are 1."""
        if self.counted is None:
            return None if self.class_weight is None else self.class_weight[self.flat]
        if self.class_weight is None:
            return self.counted.astype(self.dtype)
        return np.where(self.counted, self.class_weight[self.flat], 0)

    def mean(self, of_share: Callable, weights: Any) -> Any:
        """``of_share(share)``, the total times one over the sum of the weights; the mean of nothing is NaN."""
        whole = len(self.flat) if weights is None else np.sum(weights)
        if not is_captured(whole):
            return of_share(1 / whole) if whole else of_share(0.0) + math.nan
        return np.where(whole, of_share(1 / np.where(whole, whole, 1)), math.nan)

    def reduced(self, kind: Any, reduction: str) -> Any:
        """The losses that ``kind``, a Function, makes of rows, labels and weights."""
        weights = self.weights()
        if reduction == "none":
            losses = kind()(self.rows, self.flat, *([] if weights is None else [weights]))
            return np.reshape(losses, self.shape)

        def total(share: Any = 1.0) -> Any:
            if weights is None:
                return kind(True, share)(self.rows, self.flat)
            return kind(True)(self.rows, self.flat, weights if reduction == "sum" else weights * share)

        return self.mean(total, weights) if reduction == "mean" else total()


def _against_probabilities(x: Any, target: Any, weight: Any, reduction: str, label_smoothing: float) -> Any:
    shape = np.shape(x)
    if shape != np.shape(target):
        raise TypeError(
            f"cross_entropy: a target of {target.dtype} holds probabilities, of the shape {shape} of the logits, not"
            f" {np.shape(target)}; labels are integers"
        )
    numbers = unwrap(target)
    refuse(~(numbers >= 0), numbers, "cross_entropy: the probability {} is not a number from 0 on")
    axis = 1 if len(shape) > 1 else 0
    x, target = (np.moveaxis(a, axis, -1) for a in (x, target))
    soft = _smoothed(target, label_smoothing)
    if weight is not None:
        labels = Labels("cross_entropy", np.zeros((0, shape[axis]), numbers.dtype), np.zeros(0, int), weight, -1)
        soft = soft * labels.class_weight
    return reduced(SoftCrossEntropy()(x, soft), reduction)


def _smoothed(target: Any, amount: float) -> Any:
    """Probabilities along the last axis, with ``amount`` of the uniform distribution mixed in."""
    return target * (1 - amount) + amount / max(1, target.shape[-1]) if amount else target


class NLLLoss(Loss):
    """``nll_loss`` as a module; ``weight`` is kept as a buffer."""

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(unwrap(weight), "weight")
        self.ignore_index = ignore_index

    def forward(self, x: Any, target: Any) -> Any:
        """``nll_loss(x, target)``."""
        return nll_loss(x, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(Loss):
    """``cross_entropy`` as a module; ``weight`` is kept as a buffer."""

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(unwrap(weight), "weight")
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, x: Any, target: Any) -> Any:
        """``cross_entropy(x, target)``."""
        return cross_entropy(x, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)
