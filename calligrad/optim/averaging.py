"""Averages of a model's weights over the steps of its training, which are often better than the last weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from calligrad.modes import no_grad
from calligrad.nn.batch_norm import BatchNorm
from calligrad.nn.module import Module
from calligrad.optim.settings import flag, fraction
from calligrad.optim.state import as_arrays, refuse_misfits
from calligrad.value import Value


class Average:
    """A running average of the parameters of ``model``; a subclass says what ``share`` the newest have in it.

    The first ``update()`` copies them. With ``use_buffers`` the buffers are averaged too; otherwise the averages go
    with the model's own.
    """

    def __init__(self, model: Module, use_buffers: bool = False) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"an average is of a Module, not of a {type(model).__name__}")
        self.model = model
        self.use_buffers = flag("use_buffers", use_buffers)
        self.n_averaged = 0
        self.averages = {path: np.array(x.data) for path, x in self._members().items()}
        self._own: dict[str, np.ndarray] | None = None  # the model's arrays, while the averages are in it

    def changing_numbers(self) -> list[dict]:
        """What ``calligrad.compile`` reads anew in every run: how many models are in the average."""
        return [vars(self)]

    def share(self) -> float:
        """What part the newest parameters have in the average."""
        raise NotImplementedError(f"{type(self).__name__} defines no share")

    def update(self) -> None:
        """Take the parameters as they are now into the average."""
        self._refuse_applied()
        share = self.share() if self.n_averaged else 1.0
        for path, x in self._checked().items():
            average = self.averages[path]
            if share == 1 or average.dtype.kind != "f":  # integers, as a count of batches, are copied
                average[...] = x.data
            else:
                average += share * (x.data - average)
        self.n_averaged += 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the model has the averages for parameters; after it, its own again."""
        self._refuse_applied()
        members = self._checked()
        self._own = {path: x.data.copy() for path, x in members.items()}
        try:
            self._write(members, self.averages)
            yield
        finally:
            self._write(members, self._own)
            self._own = None

    def copy_to_model(self) -> None:
        """Give the model the averages for good."""
        self._refuse_applied()
        self._write(self._checked(), self.averages)

    # ---- state

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the averages as arrays, ``averages.path``, and of how many models are in them."""
        averages = {f"averages.{path}": x.copy() for path, x in self.averages.items()}
        return {"n_averaged": np.array(self.n_averaged), **averages}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another average of such a model was.

        Raises one ``ValueError`` that lists all that is missing, unexpected or of another shape, and changes nothing.
        """
        arrays = as_arrays(state)
        refuse_misfits(self, arrays, {key: x.shape for key, x in self.state_dict().items()})
        self.n_averaged = int(arrays["n_averaged"])
        for path, average in self.averages.items():
            average[...] = arrays[f"averages.{path}"]

    # ---- the model

    def _members(self) -> dict[str, Value]:
        """What is averaged, by path."""
        buffers = self.model.named_buffers() if self.use_buffers else ()
        return {**dict(self.model.named_parameters()), **dict(buffers)}

    def _checked(self) -> dict[str, Value]:
        """What is averaged, which must be what it was in the beginning."""
        members = self._members()
        now, then = ({path: x.shape for path, x in xs.items()} for xs in (members, self.averages))
        if now != then:
            odd = sorted(path for path in now | then if now.get(path) != then.get(path))
            raise RuntimeError(f"the model is not the one that is averaged: {', '.join(odd)} differ")
        return members

    def _refuse_applied(self) -> None:
        if self._own is not None:
            raise RuntimeError("the averages are in the model: leave `with average.applied()` first")

    @staticmethod
    def _write(members: Mapping[str, Value], arrays: Mapping[str, np.ndarray]) -> None:
        for path, x in members.items():
            x.data[...] = arrays[path]


class EMA(Average):
    """The exponential moving average: each update keeps ``decay`` of the average and takes the rest from the model.

    >>> import numpy as np
    >>> from calligrad.nn import Linear
    >>> from calligrad.optim import EMA
    >>> model = Linear(1, 1, bias=False)
    >>> ema = EMA(model, decay=0.75)
    >>> for weight in 0.0, 4.0, 4.0:
    ...     model.weight.data[...] = weight
    ...     ema.update()
    >>> with ema.applied():
    ...     print(model.weight.data)
    [[1.75]]
    >>> print(model.weight.data)
    [[4.]]
    """

    def __init__(self, model: Module, decay: float = 0.999, use_buffers: bool = False) -> None:
        self.decay = fraction("decay", decay)
        super().__init__(model, use_buffers)

    def share(self) -> float:
        """1 - decay."""
        return 1 - self.decay


class SWA(Average):
    """The plain average of the models at each update: stochastic weight averaging.

    Where the model has batch normalization, its statistics are of other weights: call ``update_bn`` at the end.

    Izmailov et al., "Averaging weights leads to wider optima and better generalization", arXiv:1803.05407.
    """

    def share(self) -> float:
        """One part of all that are in it."""
        return 1 / (self.n_averaged + 1)


def update_bn(loader: Iterable[Any], model: Module) -> None:
    """Compute the running statistics of all batch normalizations in ``model`` anew, as averages over ``loader``.

    A batch is an input, or a tuple or list whose first item is the input.
    """
    norms = [m for m in model.modules() if isinstance(m, BatchNorm) and m.track_running_stats]
    if not norms:
        return
    modes, momenta = [(m, m.training) for m in model.modules()], [m.momentum for m in norms]
    try:
        model.train()
        for norm in norms:
            norm.momentum = None  # the plain average
            for name, buffer in norm.named_buffers():
                buffer.data[...] = 1 if name == "running_var" else 0
        with no_grad():
            for batch in loader:
                model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    finally:
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
        for module, mode in modes:
            module.training = mode
