"""What shows when the model runs: where gradients arrive, what is dead, and whether one batch can be learned."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from calligrad import random
from calligrad.diagnosis.report import Finding, error, some, warning
from calligrad.modes import no_grad
from calligrad.nests import leaves, like, map_leaves
from calligrad.nn.module import Module
from calligrad.optim import Adam
from calligrad.value import Value, unwrap

VANISHING = 1e-5  # of the largest: gradients of early layers beside those of late ones
SECONDS = 10.0  # at most, for learning one batch


@contextmanager
def restored(*models: Module) -> Iterator[None]:
    """Whatever happens within, the models are afterwards as they were: arrays, gradients, modes, draws."""
    modules = [module for model in models for module in model.modules()]
    values = [x for model in models for x in (*model.parameters(), *model.buffers())]
    before = [(x, np.array(x.data), x.grad, x.requires_grad) for x in values]
    modes = [(module, module.training) for module in modules]
    own = [x for module in modules for x in vars(module).values() if isinstance(x, np.random.Generator)]
    draws = [(generator, generator.bit_generator.state) for generator in (random.generator(), *own)]
    try:
        yield
    finally:
        for generator, state in draws:
            generator.bit_generator.state = state
        for x, array, g, flag in before:
            x.data[...] = array
            x.grad = g
            x.requires_grad = flag
        for module, mode in modes:
            module.training = mode


def gradients(model: Module, loss: Value) -> Iterator[Finding]:
    """Which parameters no gradient reaches, and where it dies away or explodes."""
    for p in model.parameters():
        p.grad = None
    loss.backward(retain_graph=True)
    learned = [(path, p) for path, p in model.named_parameters() if p.requires_grad]
    missing = [path for path, p in learned if p.grad is None]
    if missing:
        yield error(
            f"no gradient reaches {some(missing)}",
            "They take no part in the loss: forward does not use them, or the way to the loss was cut by detach(),"
            " .data, no_grad() or an operation without a gradient, such as argmax.",
        )
    norms = {path: float(np.linalg.norm(p.grad)) for path, p in learned if p.grad is not None and p.size}
    zero = [path for path, norm in norms.items() if norm == 0]
    if zero:
        yield warning(
            f"the gradient of {some(zero)} is exactly 0",
            "Nothing is learned there from this batch: dead ReLUs, a saturated sigmoid, or a factor that starts at 0.",
        )
    weights = {path: norms[path] / np.sqrt(p.size) for path, p in learned if p.ndim > 1 and norms.get(path)}
    if len(weights) > 1:
        low, high = min(weights, key=weights.__getitem__), max(weights, key=weights.__getitem__)
        if weights[low] < VANISHING * weights[high]:
            yield warning(
                f"gradients vanish: {low} has a root mean square of {weights[low]:.1e}, {high} of {weights[high]:.1e}",
                "The layers in between squash them. Take ReLU or GELU in place of sigmoid or tanh, normalization"
                " layers, residual connections, or nn.init.kaiming_uniform_.",
            )
    total = float(np.sqrt(sum(norm**2 for norm in norms.values())))
    if total > 1e4:
        yield warning(
            f"the norm of all gradients is {total:.3g}",
            "One step will throw the parameters far off. Scale inputs and targets, or clip: optim.clip_grad_norm_.",
        )


def independence(model: Module, x: Any, prediction: Any) -> Iterator[Finding]:
    """Whether the prediction for one example depends on the others."""
    arrays = leaves(x)
    n = len(unwrap(arrays[0])) if np.ndim(unwrap(arrays[0])) else 0
    outputs = leaves(prediction)
    if n < 2 or any(np.shape(unwrap(a))[:1] != (n,) for a in (*arrays, outputs[0])):
        return

    def swapped(a: Any) -> Any:
        a = np.array(unwrap(a))
        a[0] = a[1]
        return a

    model.eval()
    with no_grad():
        before, again, after = (np.asarray(unwrap(leaves(_call(model, z))[0])) for z in (x, x, map_leaves(swapped, x)))
    if not np.array_equal(before, again, equal_nan=True):
        yield warning(
            "in eval mode the model gives another prediction for the same batch each time",
            "It draws at random, or its forward changes what it computes with. Let it look at self.training first.",
        )
        return
    off = np.max(np.abs(before[1:] - after[1:]), initial=0)
    if off > 1e-3 * (1e-12 + np.max(np.abs(before[1:]), initial=0)):
        yield warning(
            "in eval mode the prediction for an example changes with the other examples of its batch",
            "In a graph network that is as it should be. Otherwise two axes are mixed: a reshape in place of a"
            " transpose, a softmax or a mean over axis 0, or batch_first.",
        )


def overfit(model: Module, x: Any, y: Any, loss: Callable, first: float, steps: int) -> Iterator[Finding]:
    """Whether the model can learn this one batch by heart, as every model should that is to learn more."""
    model.train()
    for module in model.modules():
        if "Dropout" in type(module).__name__:
            module.training = False
    lowest, until = first, time.monotonic() + SECONDS
    for rate in (1e-3, 1e-2):
        with restored(model):
            optimizer = Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
            for _ in range(steps):
                optimizer.zero_grad()
                loss(_call(model, x), y).backward()
                optimizer.step()
                if time.monotonic() > until:
                    break
            last, mixed = (_loss_of(model, z, y, loss) for z in (x, _mixed(x)))
        fall = first - last
        # A loss may have a floor. Then it is enough that the model has learned what belongs to which input.
        if fall >= 0.5 * abs(first) or (fall > 0.01 * abs(first) and mixed - last > 0.02 * fall):
            return
        lowest = np.fmin(lowest, last)
    yield warning(
        f"the model does not learn one batch by heart: in {steps} steps of Adam its loss does not fall much, from"
        f" {first:.3g} to {lowest:.3g}",
        "Is there a floor, a term of the loss that no model can lower? Otherwise more data will not help: look at the"
        " findings above first; then at the labels (do they belong to these inputs?), and at whether the model is"
        " large enough.",
    )


def _loss_of(model: Module, x: Any, y: Any, loss: Callable) -> float:
    with restored(model):  # so that the next one has the same draws
        return float(loss(_call(model, x), y))


def _mixed(x: Any) -> Any:
    """The inputs with the examples of the first one in another order, so that they fit neither target nor others."""
    array, *others = leaves(x)
    array = np.asarray(unwrap(array))
    if array.ndim:
        array = array[np.random.default_rng(0).permutation(len(array))]
    return like(x, iter([array, *others]))


def _call(model: Module, x: Any) -> Any:
    args, named = x
    return model(*args, **named)
