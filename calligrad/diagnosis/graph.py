"""What can be seen in the graph: parameters that the model does not know, and what the loss does to a prediction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from calligrad import anomaly
from calligrad.diagnosis.report import Finding, error, some, warning
from calligrad.function import Elementwise
from calligrad.nests import leaves
from calligrad.nn.activations.curves import LogOnePlusExp
from calligrad.nn.losses.classification import Chosen, NegativeLogSoftmax, SoftCrossEntropy
from calligrad.nn.losses.probabilities import LogisticLoss
from calligrad.ops.softmax import LogSoftmax
from calligrad.sweep import ancestors
from calligrad.value import Value, unwrap

SOFTMAX = {NegativeLogSoftmax, SoftCrossEntropy, LogSoftmax}  # what takes logits and makes probabilities of them
SIGMOID = {LogisticLoss, LogOnePlusExp}


def strangers(prediction: Any, known: Iterable[Value], given: Any) -> Iterator[Finding]:
    """Parameters that the prediction was computed with and that are neither ``known`` nor the batch, ``given``."""
    names = {id(x) for x in known}
    arrays = [x for x in map(np.asarray, map(unwrap, leaves(given))) if x.dtype.kind in "fiu"]
    readers: dict[Any, Any] = {}  # of each stranger, the first Function
    for function in ancestors(_makers(prediction)):
        for origin, shape, _ in function.edges:
            if not isinstance(origin, Value) or id(origin) in names or not np.any(origin.data):
                continue  # zeros are a state to start from, as of an RNN, rather than something to learn
            if not any(x.shape == shape and np.allclose(x, origin.data, equal_nan=True) for x in arrays):
                readers.setdefault(origin, function)
    if readers:
        shapes = [str(x.shape) for x in readers]
        by = some(list(dict.fromkeys(type(function).__name__ for function in readers.values())))
        where = "; ".join(anomaly._origins.get(next(iter(readers.values())), []))
        yield error(
            f"arrays of shapes {some(shapes)} that require a gradient are hidden: {by} reads them, and they are not"
            " among the model's parameters, so they are neither learned nor saved",
            f"{where}. They belong to a class, a module of Python, a partial or another object, or are made anew in"
            " each forward. Make them attributes in __init__; constants are arrays, or Value(…, requires_grad=False).",
        )


def twice(total: Value, prediction: Any, loss_name: str) -> Iterator[Finding]:
    """Whether the loss takes a softmax, a sigmoid or a logarithm that the model has taken, or has not."""
    for p in (p for p in leaves(prediction) if isinstance(p, Value) and p.created_by is not None):
        maker = _source(p.created_by)
        kinds = {type(f) for f in _loss(total, prediction) if _source(f.edges[0][0]) is maker}
        array = np.asarray(unwrap(p))
        if kinds & SOFTMAX and np.all(array >= 0) and _sums_to_one(array):
            yield error(
                f"the model ends in a softmax, and {loss_name} takes the softmax itself",
                "Twice is too much: the gradient becomes small and the training slow. Return the logits.",
            )
        elif Chosen in kinds and not _sums_to_one(np.exp(np.minimum(array, 10))):
            what = "probabilities" if np.all(array >= 0) and _sums_to_one(array) else "logits"
            yield error(
                f"{loss_name} takes log-probabilities, and the prediction of shape {array.shape} looks like {what}: its"
                " exponentials do not sum to 1",
                "The loss has no lower end and measures nothing. End the model in log_softmax(…, axis=1), or return"
                " logits and take cross_entropy.",
            )
        elif kinds & SIGMOID and np.all((array >= 0) & (array <= 1)) and _is_activation(maker):
            yield error(
                f"the predictions are between 0 and 1 already, made by {maker!r}, and {loss_name} takes the sigmoid"
                " itself",
                "Twice is too much: the probabilities stay between 0.5 and 0.73. Return the logits.",
            )


def stretched(total: Value, prediction: Any, y: Any) -> Iterator[Finding]:
    """Whether the loss broadcasts a prediction beside a target of another shape."""
    functions = [f for f in _loss(total, prediction) if f.broadcasts]
    for p, t in zip(map(np.shape, map(unwrap, leaves(prediction))), map(np.shape, map(unwrap, leaves(y)))):
        for f in functions:
            open_shapes = [shape for origin, shape, _ in f.edges if origin is not None]
            if p != t and t and p in open_shapes and any(o is None and shape == t for o, shape, _ in f.edges):
                yield broadcast(p, t, np.broadcast_shapes(p, t))
                break


def broadcast(prediction: tuple, target: tuple, wide: tuple) -> Finding:
    """What is said of two shapes that should be one."""
    return error(
        f"the prediction has shape {prediction} and the target {target}: they broadcast to {wide}",
        f"Every prediction is compared with every target. Give them one shape, y.reshape({prediction}).",
    )


def activations(prediction: Any) -> Iterator[Finding]:
    """Units that pass no gradient back for any example: dead ReLUs, however they are written; saturated sigmoids."""
    for function in ancestors(_makers(prediction)):
        if not _is_activation(function):
            continue
        (i, shape, dtype) = next((i, s, d) for i, (origin, s, d) in enumerate(function.edges) if origin is not None)
        if len(shape) < 2 or np.dtype(dtype).kind != "f":
            continue
        slope = function.pull(np.ones(shape, dtype))[i]
        slope = np.asarray(slope() if callable(slope) else slope)
        for axis in range(1, len(shape)):  # channels may come second or last
            alive = np.any(slope != 0, axis=tuple(n for n in range(len(shape)) if n != axis))
            dead = int(np.count_nonzero(~alive))
            if dead > 0.5 * len(alive) and slope.size >= 8 * len(alive):
                yield warning(
                    f"{dead} of {len(alive)} units behind {type(function).__name__} of shape {shape} are flat for the"
                    " whole batch: their slope is 0",
                    "They pass no gradient and may never wake: dead ReLUs, or saturated sigmoids. Scale the inputs,"
                    " lower the learning rate, start biases at 0, or take LeakyReLU or GELU.",
                )
                break


def _is_activation(function: Any) -> bool:
    """Whether it bends one array, elementwise, beside numbers and arrays of its shape; a mask usually has another."""
    shapes = [shape for origin, shape, _ in function.edges if origin is not None]
    return (
        isinstance(function, Elementwise)
        and len(shapes) == 1
        and all(shape in ((), shapes[0]) for _, shape, _ in function.edges)
    )


def _makers(prediction: Any) -> list[Any]:
    return [p.created_by for p in leaves(prediction) if isinstance(p, Value) and p.created_by is not None]


def _loss(total: Any, prediction: Any) -> list[Any]:
    """The Functions between the prediction and the loss."""
    return ancestors(_makers(total), set(ancestors(_makers(prediction))))


def _source(node: Any) -> Any:
    """What made the numbers of ``node``, which may have reshaped them."""
    while node is not None and node.edges and node.views:
        node = node.edges[0][0]
    return node


def _sums_to_one(array: np.ndarray) -> bool:
    """Along the axis of the classes, which is the second or, where the loss reshapes, the last."""
    axes = {min(1, array.ndim - 1), array.ndim - 1} if array.ndim else ()
    return any(array.shape[axis] > 1 and np.allclose(array.sum(axis), 1, atol=1e-3) for axis in axes)
