"""What a loss asks of its inputs before it computes anything, and the reduction to one number after it."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.nn.module import Module
from calligrad.nn.refusals import refuse
from calligrad.value import as_array, unwrap


class Loss(Module):
    """A module that compares a prediction with a target; ``reduction`` is "mean", "sum" or "none"."""

    def __init__(self, reduction: str = "mean") -> None:
        check_reduction(reduction)
        self.reduction = reduction


def check_reduction(reduction: str, *more: str) -> None:
    """Raise unless ``reduction`` is known."""
    if reduction not in ("mean", "sum", "none", *more):
        known = ", ".join(f'"{word}"' for word in ("mean", "sum", *more))
        raise ValueError(f'reduction is {known} or "none", not {reduction!r}')


def reduced(losses: Any, reduction: str) -> Any:
    """The mean or the sum of ``losses``, or themselves; the mean of nothing is NaN."""
    check_reduction(reduction)
    if reduction == "none":
        return losses
    if reduction == "mean" and np.size(losses):
        return np.mean(losses)
    return np.sum(losses) if reduction == "sum" else np.sum(losses) * np.nan


def weighted(losses: Any, weight: Any, reduction: str) -> Any:
    """``losses`` times ``weight``, of the same shape or None, reduced; a mean is divided by the sum of the weights."""
    if weight is None:
        return reduced(losses, reduction)
    if np.shape(weight) != np.shape(losses):
        raise ValueError(f"losses of shape {np.shape(losses)} and a weight of shape {np.shape(weight)} differ")
    if reduction != "mean":
        return reduced(losses * weight, reduction)
    return np.sum(losses * weight) / np.sum(weight)


def same_shape(x: Any, target: Any, names: tuple[str, str] = ("prediction", "target")) -> None:
    """Raise unless ``x`` and ``target`` have the same shape: nothing broadcasts in a loss."""
    shapes = (x.shape, target.shape) if type(x) is type(target) is np.ndarray else (np.shape(x), np.shape(target))
    if shapes[0] != shapes[1]:
        raise ValueError(f"a {names[0]} of shape {np.shape(x)} and a {names[1]} of shape {np.shape(target)} differ")


def like(x: Any, target: Any) -> Any:
    """``target``; integers, bools and lists as a constant in the dtype of ``x``, so that counts leave float32 alone."""
    if type(target) is np.ndarray and target.dtype.kind == "f":
        return target
    numbers = unwrap(target) if hasattr(target, "dtype") else np.asarray(target)
    if numbers.dtype.kind not in "biuf" or (numbers.dtype.kind == "f" and hasattr(target, "dtype")):
        return target
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return numbers.astype(np.result_type(dtype, np.float16))


def rescaling(weight: Any, x: Any, name: str = "weight") -> Any:
    """``weight``, a constant that must broadcast to the shape of ``x``, in its dtype."""
    weight = as_array(weight)
    shape = np.shape(x)
    if weight.ndim > len(shape) or any(n not in (1, m) for n, m in zip(weight.shape[::-1], shape[::-1])):
        raise ValueError(f"a {name} of shape {weight.shape} does not broadcast to a prediction of shape {shape}")
    return weight.astype(np.result_type(unwrap(x), np.float16))


def probabilities(name: str, target: Any) -> None:
    """Raise unless all of ``target`` lies between 0 and 1; NaN does not."""
    numbers = as_array(target)
    refuse(~((numbers >= 0) & (numbers <= 1)), numbers, f"{name}: target {{}} is not between 0 and 1")


def signs(name: str, target: Any, x: Any) -> Any:
    """``target`` as a constant array in the dtype of ``x``; all must be 1 or -1."""
    numbers = unwrap(target)
    numbers = numbers if hasattr(numbers, "dtype") else np.asarray(numbers)
    refuse((numbers != 1) & (numbers != -1), numbers, f"{name}: target {{}} is neither 1 nor -1")
    return numbers.astype(np.result_type(unwrap(x), np.float16))


def integers(name: str, labels: Any) -> Any:
    """``labels`` as a constant array of integers."""
    labels = unwrap(labels)
    labels = labels if hasattr(labels, "dtype") else np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: labels are integers, not {labels.dtype}")
    return labels
