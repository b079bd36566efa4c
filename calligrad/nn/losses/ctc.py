"""Connectionist temporal classification: how likely a sequence of labels is, wherever in time each of them stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.losses.checks import Loss, check_reduction, integers, reduced
from calligrad.nn.refusals import refuse
from calligrad.primitive import is_captured, primitive
from calligrad.value import as_arraylike, unwrap

NEVER = -1e30  # the logarithm of 0, but one that can be subtracted from itself


def alphas_plainly(emissions, skips):
    """``alphas``."""
    nowhere = np.full((emissions.shape[1], 2), -1e30, emissions.dtype)
    alphas = [np.where(np.arange(emissions.shape[2]) < 2, emissions[0], -1e30)]
    for emission in emissions[1:]:
        a = np.concatenate([nowhere, alphas[-1]], axis=1)
        alphas.append(emission + np.logaddexp(np.logaddexp(a[:, 2:], a[:, 1:-1]), a[:, :-2] + skips))
    return np.stack(alphas)


def betas_plainly(emissions, skips, endings):
    """``betas``."""
    nowhere = np.full((emissions.shape[1], 2), -1e30, emissions.dtype)
    betas = [emissions[-1] + endings[-1]]
    for emission, ending in zip(emissions[-2::-1], endings[-2::-1]):
        b, skipped = (np.concatenate([x, nowhere], axis=1) for x in (betas[0], betas[0] + skips))
        going_on = np.logaddexp(np.logaddexp(b[:, :-2], b[:, 1:-1]), skipped[:, 2:])
        betas.insert(0, emission + np.maximum(ending, going_on))
    return np.stack(betas)


@primitive(alphas_plainly)
def alphas(emissions: Any, skips: Any) -> Any:
    """For each step, the log-likelihood of having come to each state, this step included: (T, N, L)."""
    start = np.where(np.arange(emissions.shape[2]) < 2, 0, NEVER).astype(emissions.dtype)
    found = [emissions[0] + start]
    for emission in emissions[1:]:
        a = found[-1]
        found.append(emission + _logsum(a, _forwards(a, 1), _forwards(a, 2) + skips))
    return np.stack(found)


@primitive(betas_plainly)
def betas(emissions: Any, skips: Any, endings: Any) -> Any:
    """For each step, the log-likelihood of coming to the end from each state, this step included: (T, N, L)."""
    found = [emissions[-1] + endings[-1]]
    for emission, ending in zip(emissions[-2::-1], endings[-2::-1]):
        b = found[-1]
        going_on = _logsum(b, _backwards(b, 1), _backwards(b + skips, 2))
        found.append(emission + np.maximum(ending, going_on))
    return np.stack(found[::-1])


class ForwardBackward(Function):
    """For each of N sequences, the negative log-likelihood of its labels under the log-probabilities (T, N, C).

    ``states`` (N, L) are the labels with blanks around and between them; ``steps`` (N,) and ``last`` (N,) say how many
    steps each sequence has, and which state is its last. A path goes through the states in order: from one step to the
    next it stays, goes on by one, or skips the blank between different labels. What ``backward`` calls is written on
    arrays or Values, so that the gradient has a gradient.
    """

    holds = ("states", "steps", "last")

    states: Any
    steps: Any
    last: Any
    zero_infinity: bool = False

    def forward(self, log_probs):
        emissions = self._emissions(log_probs)
        ends = alphas(emissions, self._skips(emissions)) + self._endings(emissions)
        top = np.max(ends, axis=(0, 2))
        loss = -top - np.log(np.sum(np.exp(ends - top[:, np.newaxis]), axis=(0, 2)))
        loss = np.where((self.steps == 0) & (self.last == 0), 0, loss)
        return np.where(loss > -NEVER / 2, 0 if self.zero_infinity else np.inf, loss).astype(log_probs.dtype)

    def backward(self, g, log_probs, *, y):
        emissions = self._emissions(log_probs)
        skips = self._skips(emissions)
        paths = alphas(emissions, skips) + betas(emissions, skips, self._endings(emissions)) - emissions
        impossible = np.isinf(unwrap(y))
        through = np.exp(paths + np.where(impossible, 0, y)[:, np.newaxis])  # the share of the paths through a state
        states = (self.states[..., np.newaxis] == np.arange(log_probs.shape[-1])).astype(log_probs.dtype)
        gradient = np.swapaxes(np.matmul(np.swapaxes(through, 0, 1), states), 0, 1)
        return -np.where(impossible[:, np.newaxis], np.nan, gradient) * g[:, np.newaxis]

    def _emissions(self, log_probs: Any) -> Any:
        """The log-probability of every state at every step: (T, N, L)."""
        states = np.broadcast_to(self.states, (len(log_probs), *self.states.shape))
        return np.maximum(np.take_along_axis(log_probs, states, -1), NEVER)

    def _endings(self, emissions: Any) -> Any:
        """0 in the last two states at the last step of each sequence, where a path may end; else NEVER."""
        steps, _, states = emissions.shape
        at_end = np.arange(steps)[:, np.newaxis] == self.steps - 1
        state, last = np.arange(states), self.last[:, np.newaxis]
        is_last = (state == last) | (state == np.maximum(last - 1, 0))
        return np.where(at_end[..., np.newaxis] & is_last, 0, NEVER).astype(emissions.dtype)

    def _skips(self, emissions: Any) -> Any:
        """0 in the states that a path may reach by a skip; else NEVER."""
        is_label = np.arange(self.states.shape[1]) % 2 == 1
        differs = self.states != np.concatenate([self.states[:, :2], self.states[:, :-2]], axis=1)
        return np.where(is_label & differs, 0, NEVER).astype(emissions.dtype)


def _forwards(a: Any, n: int) -> Any:
    """What was ``n`` states before."""
    return np.concatenate([np.full((len(a), n), NEVER, a.dtype), a[:, :-n]], axis=1)[:, : a.shape[1]]


def _backwards(a: Any, n: int) -> Any:
    """What is ``n`` states further on."""
    return np.concatenate([a[:, n:], np.full((len(a), n), NEVER, a.dtype)], axis=1)[:, : a.shape[1]]


def _logsum(a: Any, b: Any, c: Any) -> Any:
    """``log(exp(a) + exp(b) + exp(c))``."""
    top = np.maximum(np.maximum(unwrap(a), unwrap(b)), unwrap(c))
    return top + np.log(np.exp(a - top) + np.exp(b - top) + np.exp(c - top))


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """The negative log-likelihood of sequences of labels, summed over all the ways to lay them out in time.

    A layout names a class at each step; to read it, repetitions are dropped and then the class ``blank``.

    Shapes: ``log_probs`` (T, N, C), logarithms of probabilities as of ``log_softmax``; ``targets`` (N, S), or all
    labels in one row; ``input_lengths`` and ``target_lengths`` (N,), how many steps and labels count. Or, for one
    sequence, (T, C), (S,), () and (). "mean" divides each loss by its number of labels before it takes the mean. Where
    the labels do not fit into the steps the loss is infinite and its gradient NaN, or both 0 with ``zero_infinity``.

    The gradient is that of this function. PyTorch's differs by what ``log_softmax`` takes away again.

    Graves, Fernández, Gomez and Schmidhuber, "Connectionist temporal classification", 2006.

    >>> import numpy as np
    >>> from calligrad.nn.functional import ctc_loss
    >>> even = np.log(np.full((2, 1, 3), 1 / 3))  # of nine layouts 1 1, 1 blank and blank 1 are read as 1
    >>> round(float(np.exp(-ctc_loss(even, [[1]], [2], [1]))), 6)
    0.333333
    """
    check_reduction(reduction)
    log_probs, targets = as_arraylike(log_probs), integers("ctc_loss", targets)
    steps, counts = integers("ctc_loss", input_lengths), integers("ctc_loss", target_lengths)
    single = log_probs.ndim == 2
    if single:
        log_probs = log_probs[:, np.newaxis]
    steps, counts = np.reshape(steps, -1), np.reshape(counts, -1)
    _check_lengths(log_probs, steps, counts)
    states = _states(targets, counts, blank, log_probs.shape[2])
    losses = ForwardBackward(states, steps, 2 * counts, zero_infinity)(log_probs)
    if reduction == "mean":
        return reduced(losses / np.maximum(counts, 1).astype(log_probs.dtype), "mean")
    return losses[0] if single and reduction == "none" else reduced(losses, reduction)


def _check_lengths(log_probs: Any, steps: np.ndarray, counts: np.ndarray) -> None:
    shape = log_probs.shape
    if len(shape) != 3 or not shape[0]:
        raise ValueError(f"ctc_loss takes log-probabilities (T, N, C) or (T, C) with T > 0, not shape {shape}")
    if steps.shape != counts.shape or steps.shape != shape[1:2]:
        raise ValueError(f"ctc_loss: {shape[1]} sequences need as many lengths, not {len(steps)} and {len(counts)}")
    refuse((steps < 0) | (steps > shape[0]), steps, f"ctc_loss: input length {{}} is not from 0 to {shape[0]}")
    refuse(counts < 0, counts, "ctc_loss: target length {} is negative")


def _states(targets: Any, counts: Any, blank: int, classes: int) -> Any:
    """The labels (N, S) with blanks around and between them, (N, 2 S + 1), as far as they count."""
    if not 0 <= blank < classes:
        raise ValueError(f"ctc_loss: blank {blank} is not among the classes 0 to {classes - 1}")
    if not is_captured(counts):
        most = int(np.max(counts, initial=0))
    elif targets.ndim == 2 or len(counts) == 1:
        targets = np.reshape(targets, (len(counts), -1))
        most = targets.shape[1]
        refuse(counts > most, counts, f"ctc_loss: target length {{}} is more than {most}, what there is")
    else:
        raise counts.tracer.error("ctc_loss needs targets (N, S), or lengths that are no arrays of the call, as (2, 3)")
    counted = np.arange(most) < counts[:, np.newaxis]
    if targets.ndim == 2 and len(targets) == len(counts) and targets.shape[1] >= most:
        labels = np.where(counted, targets[:, :most], blank)
    elif targets.ndim == 1 and targets.size == counts.sum():
        places = np.cumsum(counts)[:, np.newaxis] - counts[:, np.newaxis] + np.arange(most)
        labels = np.where(counted, np.append(targets, blank)[np.where(counted, places, 0)], blank)
    else:
        shapes = f"({len(counts)}, {most}) or ({counts.sum()},)"
        raise ValueError(f"ctc_loss takes targets {shapes} for these lengths, not {targets.shape}")
    wrong = counted & ((labels < 0) | (labels >= classes) | (labels == blank))
    refuse(wrong, labels, f"ctc_loss: label {{}} is blank or not among the classes 0 to {classes - 1}")
    blanks = np.full(labels.shape, blank)
    pairs = np.reshape(np.stack([blanks, labels], axis=-1), (len(counts), 2 * most))
    return np.concatenate([pairs, np.full((len(counts), 1), blank)], axis=1).astype(np.int64)


class CTCLoss(Loss):
    """``ctc_loss`` as a module."""

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
        """``ctc_loss(log_probs, targets, input_lengths, target_lengths)``."""
        settings = self.blank, self.reduction, self.zero_infinity
        return ctc_loss(log_probs, targets, input_lengths, target_lengths, *settings)
