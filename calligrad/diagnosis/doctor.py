"""doctor: one look at all that can be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from calligrad.anomaly import detect_anomaly
from calligrad.diagnosis import batch as data
from calligrad.diagnosis import run, structure
from calligrad.diagnosis.report import Finding, Report, error
from calligrad.dtypes import default_dtype
from calligrad.nn.module import Module
from calligrad.optim import Optimizer
from calligrad.value import Value, unwrap


def doctor(
    model: Module, batch: tuple[Any, Any], loss: Callable, optimizer: Optimizer | None = None, *, steps: int = 100
) -> Report:
    """Look for the mistakes that raise no error and spoil a training, and explain them.

    ``batch`` is ``(x, y)`` as the loader gives it, best with a few dozen examples; ``loss(model(x), y)`` is one
    number; a tuple ``x`` is several inputs of the model. Looked at are: parameters that are hidden in odd containers,
    frozen, of different precisions, or not the optimizer's; train and eval mode; scale and precision of the inputs;
    shapes and ranges of targets and labels; whether the first loss is a guess's; the first NaN; gradients that are
    missing, zero, vanishing or huge; dead ReLUs; examples that leak into one another; and whether ``steps`` steps of
    Adam can learn this batch by heart. The model is left as it was, as are the random draws.

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
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise TypeError("doctor(model, batch, loss): the batch is a pair (x, y)")
    if not callable(loss):
        raise TypeError(f"doctor(model, batch, loss): the loss is a function of a prediction and y, not {loss!r}")
    x, y = batch
    report = Report()
    report.look("parameters", structure.parameters(model))
    report.look("nothing hidden", structure.hidden(model))
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
    name = getattr(loss, "__name__", type(loss).__name__)
    prediction = None
    try:
        with detect_anomaly():
            prediction = run._call(model, x)
            total = loss(prediction, y)
    except Exception as failure:
        if prediction is not None:
            report.look("targets", data.targets(prediction, y, name))
        if not report.errors:
            advice = "Scale the inputs; add a little under a root," if isinstance(failure, FloatingPointError) else ""
            report.findings.append(_failed("the model" if prediction is None else "the loss", failure, advice))
        return
    report.look("targets", data.targets(prediction, y, name))
    if report.look("one loss", _one_number(total, name)):
        return
    first = float(total)
    report.look("the first loss", data.start(first, prediction, y, name))
    report.look("ReLUs", run.activations(total))
    try:
        with detect_anomaly():
            report.look("gradients", run.gradients(model, total))
    except FloatingPointError as failure:
        report.findings.append(_failed("the backward pass", failure, "Keep away from 0 under roots and logarithms,"))
        return
    try:
        report.look("independent examples", run.independence(model, x, prediction))
        if not report.errors:
            report.look("learns one batch by heart", run.overfit(model, x, y, loss, first, steps))
    except Exception as failure:
        mode = "train" if model.training else "eval"
        report.findings.append(_failed(f"the model, which ran once, then in {mode} mode", failure, ""))


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


def _failed(what: str, failure: Exception, advice: str) -> Finding:
    where = "; ".join(getattr(failure, "__notes__", ()))
    advice = f"{advice} or clip before exp." if advice else "Nothing was trained; the message says where it happened."
    return error(f"{what} fails: {failure}", f"{where}. {advice}" if where else advice)
