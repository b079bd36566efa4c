"""AdaptiveLogSoftmaxWithLoss: a softmax over very many classes, most of them rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from calligrad.nn.containers import ModuleList, Sequential
from calligrad.nn.linear import Linear
from calligrad.nn.module import Module
from calligrad.nn.refusals import refuse_beyond
from calligrad.ops.index import Scatter
from calligrad.ops.softmax import log_softmax
from calligrad.value import as_array


class ASMoutput(NamedTuple):
    """``output`` (N,), the log-probability of each target, and ``loss``, the mean of their negatives."""

    output: Any
    loss: Any


class AdaptiveLogSoftmaxWithLoss(Module):
    """A log-softmax over ``n_classes``, ordered from the most frequent to the rarest, that saves work on rare ones.

    ``cutoffs`` divides the classes: those below ``cutoffs[0]`` get a logit each in the ``head``, which has one more
    for each cluster of the rest. The ``tail`` has for each cluster a projection to ``div_value`` times fewer features
    than the one before, and logits; it is computed only for the rows whose target lies there.

    Shapes: ``x`` (N, in_features) and ``target`` (N,), or (in_features,) and ().

    Grave, Joulin, Cissé, Grangier and Jégou, "Efficient softmax approximation for GPUs", arXiv:1609.04309.

    >>> import numpy as np
    >>> from calligrad.nn import AdaptiveLogSoftmaxWithLoss
    >>> layer = AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[10, 100])
    >>> layer(np.ones((4, 16), np.float32), np.array([3, 42, 999, 0])).output.shape
    (4,)
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        bounds = [int(n) for n in cutoffs]
        if not bounds or bounds[0] <= 0 or bounds != sorted(set(bounds)) or bounds[-1] >= n_classes:
            raise ValueError(
                f"cutoffs are increasing numbers from 1 to n_classes - 1 = {n_classes - 1}, not {cutoffs!r}"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*bounds, n_classes]
        self.shortlist_size, self.n_clusters = bounds[0], len(bounds)
        keywords: dict[str, Any] = {"dtype": dtype, "rng": rng}
        self.head = Linear(in_features, self.shortlist_size + self.n_clusters, head_bias, **keywords)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            hidden = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **keywords),
                    Linear(hidden, high - low, bias=False, **keywords),
                )
            )

    def forward(self, x: Any, target: Any) -> ASMoutput:
        """The log-probability of each row's target, and the loss."""
        target = as_array(target)
        if target.dtype.kind not in "iu":
            raise TypeError(f"targets are integers, not {target.dtype}")
        if np.ndim(x) not in (1, 2) or np.shape(x)[:-1] != target.shape or np.shape(x)[-1] != self.in_features:
            raise ValueError(
                f"x (N, {self.in_features}) needs targets (N,), not x {np.shape(x)} and targets {target.shape}"
            )
        refuse_beyond(target, self.n_classes, f"target {{}} is not among the classes 0 to {self.n_classes - 1}")
        rows, labels = np.reshape(x, (-1, self.in_features)), target.reshape(-1)
        head = log_softmax(self.head(rows))
        entry = np.minimum(labels, self.shortlist_size - 1)  # of the head: a class, or a cluster
        for i, low in enumerate(self.cutoffs[:-1]):
            entry = np.where(labels >= low, self.shortlist_size + i, entry)
        output = head[np.arange(len(labels)), entry]
        for i, (low, high) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            inside = (labels >= low) & (labels < high)
            if not isinstance(labels, np.ndarray):  # of a capture: who the members are may change
                within = log_softmax(self.tail[i](rows))
                chosen = within[np.arange(len(labels)), np.where(inside, labels - low, 0)]
                output = np.where(inside, output + chosen, output)
            elif len(members := inside.nonzero()[0]):
                within = log_softmax(self.tail[i](rows[members]))
                chosen = within[np.arange(len(members)), labels[members] - low]
                output = output + Scatter(members, (len(labels),))(chosen)
        loss = -np.mean(output) if len(labels) else np.sum(output) * np.nan
        return ASMoutput(np.reshape(output, target.shape), loss)

    def log_prob(self, x: Any) -> Any:
        """The log-probabilities of all classes: (N, in_features) to (N, n_classes)."""
        head = log_softmax(self.head(x))
        parts = [head[..., : self.shortlist_size]]
        for i in range(self.n_clusters):
            parts.append(log_softmax(self.tail[i](x)) + head[..., self.shortlist_size + i, np.newaxis])
        return np.concatenate(parts, axis=-1)

    def predict(self, x: Any) -> Any:
        """The most probable class of each row: (N, in_features) to (N,)."""
        return np.argmax(self.log_prob(x), axis=-1)
