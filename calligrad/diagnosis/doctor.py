"""doctor: one look at all that can be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from calligrad.anomaly import detect_anomaly
from calligrad.diagnosis import batch as data
from calligrad.diagnosis import graph, run, structure
from calligrad.diagnosis.report import Finding, Report, error
from calligrad.dtypes import default_dtype
from calligrad.nn.module import Module
from calligrad.optim import Optimizer
from calligrad.train.batches import split
from calligrad.value import Value, unwrap


def doctor(
    model: Module, batch: Any, loss: Callable, optimizer: Optimizer | None = None, *, steps: int = 100
) -> Report:
    """Look for the mistakes that raise no error and spoil a training, and explain them.

    ``batch`` is what a loader gives a ``Trainer``, best with a few dozen examples: ``(x, y)``, ``(a, b, …, y)`` for
    a model of several inputs, or ``{"x": …, "y": …}``, where other names than ``x`` are those of the model's
    arguments. ``loss(model(x), y)`` is one number. Looked at are: parameters that are hidden in odd containers, frozen,
    of different precisions, or not the optimizer's; train and eval mode; scale and precision of the inputs; shapes,
    ranges and scale of the targets; a softmax or a sigmoid that is taken twice or not at all; whether the first loss is
    a guess's; the first NaN; gradients that are missing, zero, vanishing or huge; dead ReLUs; examples that leak into
    one another; and whether ``steps`` steps of Adam can learn this batch by heart. The model is left as it was, as are
    the random draws.

    >>> import numpy as np
    >>> import calligrad
    >>> from calligrad.nn import CrossEntropyLoss, Linear, ReLU, Sequential, Softmax
    >>> calligrad.random.seed(0)
    >>> x = np.random.default_rng(0).standard_normal((32, 4)).astype(np.float32)
    >>> y = (x[:, 0] > 0).astype(int)
    >>> model = Sequential(Linear(4, 16), ReLU(), Linear(16, 2), Softmax())
    >>> calligrad.doctor(model, (x, y), CrossEntropyLoss()).errors[0].what
    'the model ends in a softmax, and CrossEntropyLoss takes the softmax itself'
    """
    if not isinstance(model, Module):
        raise TypeError(f"doctor(model, batch, loss): the model is a Module, not {type(model).__name__}")
    if not callable(loss):
        raise TypeError(f"doctor(model, batch, loss): the loss is a function of a prediction and y, not {loss!r}")
    if not isinstance(batch, (tuple, list, dict)) or len(batch) < 2:
        raise TypeError(
            "doctor(model, batch, loss): the batch is one that a loader gives, (x, y), (a, b, …, y) or a dict with x"
            f" and y, not {type(batch).__name__}"
        )
    *x, y = split(batch)
    report = Report()
    report.look("parameters", structure.parameters(model))
    if optimizer is not None:
        report.look("the optimizer's parameters", structure.optimizer_matches(model, held_by(optimizer)))
    report.look("train mode", structure.modes(model))
    report.look("inputs", data.inputs(x, next((p.dtype for p in model.parameters()), np.dtype(default_dtype()))))
    with run.restored(model, *([loss] if isinstance(loss, Module) else [])):
        _running(report, model, x, y, loss, steps)
    return report


def held_by(optimizer: Optimizer) -> list[Value]:
    """The parameters of all its groups."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def _running(report: Report, model: Module, x: Any, y: Any, loss: Callable, steps: int) -> None:
    """The checks that need the model to run; each only if those before it let it."""
    name = data.name_of(loss)
    prediction: Any = None
    total: Any = None
    failure: Exception | None = None
    with detect_anomaly():
        try:
            prediction = run._call(model, x)
            total = loss(prediction, y)
        except Exception as exception:
            failure = exception
    strays = structure.hidden_in(model)
    known = [one for thing in (model, *(thing for _, thing in strays)) for one in structure.held(thing)]
    report.look("nothing hidden", chain(structure.hidden(strays), graph.strangers(prediction, known, x)))
    if prediction is not None:
        on_shapes = graph.stretched(total, prediction, y) if total is not None else data.shapes(prediction, y, loss)
        report.look("targets", chain(on_shapes, data.targets(prediction, y, loss)))
    if failure is not None:
        if not report.errors:
            who = "the model" if prediction is None else "the loss"
            report.findings.append(_failed(who, failure, "Scale the inputs; add a little under a root,"))
        return
    if report.look("one loss", _one_number(total, name)):
        return
    first = float(total)
    report.look("the first loss", data.start(prediction, y, loss))
    report.look("logits", graph.twice(total, prediction, name))
    try:
        with np.errstate(all="ignore"):
            report.look("activations", graph.activations(prediction))
        with detect_anomaly():
            report.look("gradients", run.gradients(model, total))
    except Exception as fault:
        report.findings.append(_failed("the backward pass", fault, "Keep away from 0 under roots and logarithms,"))
        return
    try:
        report.look("independent examples", run.independence(model, x, prediction))
        if not report.errors:
            report.look("learns one batch by heart", run.overfit(model, x, y, loss, first, steps))
    except Exception as fault:
        mode = "train" if model.training else "eval"
        report.findings.append(_failed(f"the model, which ran once, then in {mode} mode", fault))


def _one_number(total: Any, name: str) -> Iterator[Finding]:
    if np.size(unwrap(total)) != 1:
        yield error(
            f"the loss {name} has shape {np.shape(unwrap(total))}", "It must be one number: take its mean or its sum."
        )
    elif not isinstance(total, Value) or not total.requires_grad:
        yield error(
            f"the loss {name} has no way back to the parameters",
            "All are frozen, or the graph was cut by .data, detach(), no_grad() or an operation without a gradient.",
        )


def _failed(what: str, failure: Exception, against_nan: str = "") -> Finding:
    where = "; ".join(getattr(failure, "__notes__", ()))
    advice = "Nothing was trained; the message says where it happened."
    if isinstance(failure, FloatingPointError) and against_nan:
        advice = f"{against_nan} or clip before exp."
    return error(f"{what} fails: {failure}", f"{where}. {advice}" if where else advice)
