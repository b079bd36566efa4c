"""What recurrent layers have in common: layers on layers, both directions, states, sequences of unequal lengths."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.nn.dropout import dropout
from calligrad.nn.init import uniform_
from calligrad.nn.module import Module
from calligrad.nn.refusals import refuse
from calligrad.random import generator
from calligrad.value import Value, as_array, as_arraylike

_DIRECTIONS = ("", "_reverse")
_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Recurrent(Module):
    """The base of ``RNN``, ``LSTM`` and ``GRU``: a subclass says how one layer passes over a sequence, in ``scan``.

    All weights start uniform within ``1 / sqrt(hidden_size)`` on either side of 0, as in PyTorch.
    """

    gates = 1  # how many blocks of hidden_size rows a weight has
    states = 1  # how many arrays a state consists of
    proj_size = 0

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        dtype: Any,
        rng: np.random.Generator | None,
    ) -> None:
        for name, n in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            check_size(name, n)
        if not 0 <= dropout <= 1:
            raise ValueError(f"dropout is a probability, from 0 to 1, not {dropout!r}")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bidirectional
        self.rng = rng
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            inputs = self.output_size * self.directions if layer else input_size
            shapes: list[tuple[int, ...]] = [(rows, inputs), (rows, self.output_size), (rows,), (rows,)]
            weights = [*zip(_WEIGHTS, shapes if bias else shapes[:2])]
            if self.proj_size:
                weights.append(("weight_hr", (self.proj_size, hidden_size)))
            for direction in _DIRECTIONS[: self.directions]:
                for name, shape in weights:
                    name = f"{name}_l{layer}{direction}"
                    setattr(self, name, start(name, shape, hidden_size, dtype, rng))

    @property
    def directions(self) -> int:
        """2 if the layers are bidirectional, otherwise 1."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """How many numbers one direction puts out at each step."""
        return self.proj_size or self.hidden_size

    def scan(self, x: Any, state: tuple, **weights: Any) -> tuple:
        """One layer over ``x`` (steps, N, features) from ``state``: the states at all steps, each (steps, N, …)."""
        raise NotImplementedError

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """The outputs of the last layer at all steps, and the last state of every layer.

        Shapes: ``x`` (steps, N, input_size), with ``batch_first`` (N, steps, input_size), or without a batch
        (steps, input_size); the outputs are alike, with directions x output size at the end. A state is
        (num_layers x directions, N, size), an LSTM's a pair of them; without one it starts at 0. ``lengths`` (N,)
        says how many steps of each sequence count: the outputs behind them are 0, the last states those at each
        sequence's own end, and nothing behind it matters. The sequences may stand in any order.
        """
        x = floats(x)
        shape = x.shape
        alone = x.ndim == 2
        if len(shape) not in (2, 3) or shape[-1] != self.input_size:
            wanted = "(N, steps" if self.batch_first else "(steps, N"
            raise ValueError(
                f"x has the shape {wanted}, {self.input_size}), or (steps, {self.input_size}) for a single sequence,"
                f" not {shape}"
            )
        if alone:
            x = np.expand_dims(x, 1)
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        steps, n = x.shape[:2]
        if steps == 0:
            raise ValueError(f"a sequence has at least one step; x has the shape {shape}")
        state = self._state_of(state, n, alone, x)
        spans = None if lengths is None else Spans(lengths, steps, None if alone else n)
        if spans:
            x = spans.clear(x)

        lasts: list[tuple] = []
        for layer in range(self.num_layers):
            if layer:
                x = self._drop(x)
            outputs = []
            for k, direction in enumerate(_DIRECTIONS[: self.directions]):
                suffix = f"_l{layer}{direction}"
                names = (*_WEIGHTS, "weight_hr")
                weights = {name: w for name in names if (w := getattr(self, name + suffix, None)) is not None}
                turn = (spans.turn if spans else _backwards) if k else _as_it_is
                seen = self.scan(turn(x), tuple(part[len(lasts)] for part in state), **weights)
                lasts.append(tuple(spans.last(part) if spans else part[-1] for part in seen))
                outputs.append(turn(seen[0]))
            x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-1)
            if spans:
                x = spans.clear(x)

        last = tuple(np.stack(part) for part in zip(*lasts, strict=True))
        if alone:
            x, last = x[:, 0], tuple(part[:, 0] for part in last)
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        return x, last if self.states > 1 else last[0]

    def _state_of(self, state: Any, n: int, alone: bool, x: Any) -> tuple:
        """The parts of ``state``, each (num_layers x directions, N, size)."""
        rows = self.num_layers * self.directions
        sizes = (self.output_size, self.hidden_size)[: self.states]
        if state is None:
            dtype = np.result_type(x.dtype, self.weight_hh_l0.dtype)  # type: ignore[attr-defined]
            return tuple(np.zeros((rows, n, size), dtype) for size in sizes)
        return parts_of_state(state, [(rows, size) if alone else (rows, n, size) for size in sizes], alone)

    def _drop(self, x: Any) -> Any:
        if not self.dropout or not self.training:
            return x
        return dropout(x, self.dropout, rng=self.rng)


class Spans:
    """Which steps of each of N sequences count: the first ``lengths[n]`` ones."""

    def __init__(self, lengths: Any, steps: int, n: int | None) -> None:
        self.lengths = as_array(lengths)
        if self.lengths.dtype.kind not in "iu" or self.lengths.shape != (n,):
            wanted = "go with a batch of sequences" if n is None else f"are {n} integers, one for each sequence"
            raise ValueError(f"lengths {wanted}, not {self.lengths.dtype} of shape {self.lengths.shape}")
        wrong = (self.lengths < 1) | (self.lengths > steps)
        refuse(wrong, self.lengths, f"lengths are from 1 to {steps}, which {{}} is not")
        step = np.arange(steps)[:, None]
        self.inside = (step < self.lengths)[..., None]
        self.turned = np.where(self.inside[..., 0], self.lengths - 1 - step, step)[..., None]

    def clear(self, x: Any) -> Any:
        """``x`` with 0 behind the end of each sequence."""
        return np.where(self.inside, x, 0)

    def turn(self, x: Any) -> Any:
        """``x`` with each sequence turned round; what is behind its end stays."""
        return np.take_along_axis(x, self.turned, axis=0)

    def last(self, x: Any) -> Any:
        """The last step of each sequence."""
        return x[self.lengths - 1, np.arange(len(self.lengths))]


class Cell(Module):
    """The base of ``RNNCell``, ``LSTMCell`` and ``GRUCell``: one step of one layer, as ``scan`` of a single step."""

    gates = 1
    states = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, dtype: Any, rng: np.random.Generator | None
    ) -> None:
        check_size("input_size", input_size)
        check_size("hidden_size", hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self.gates * hidden_size
        self.weight_ih = start("weight_ih", (rows, input_size), hidden_size, dtype, rng)
        self.weight_hh = start("weight_hh", (rows, hidden_size), hidden_size, dtype, rng)
        self.bias_ih = start("bias_ih", (rows,), hidden_size, dtype, rng) if bias else None
        self.bias_hh = start("bias_hh", (rows,), hidden_size, dtype, rng) if bias else None

    def scan(self, x: Any, state: tuple, **weights: Any) -> tuple:
        """As in ``Recurrent``."""
        raise NotImplementedError

    def forward(self, x: Any, state: Any = None) -> Any:
        """The state after one step.

        Shapes: ``x`` (N, input_size) or (input_size,), a state (N, hidden_size) or (hidden_size,), an LSTM's a pair
        of them; without one it starts at 0.
        """
        x = floats(x)
        shape = x.shape
        if len(shape) not in (1, 2) or shape[-1] != self.input_size:
            raise ValueError(f"x has the shape (N, {self.input_size}) or ({self.input_size},), not {shape}")
        alone = len(shape) == 1
        whole = (*shape[:-1], self.hidden_size)
        if state is None:
            parts = (np.zeros((1, self.hidden_size) if alone else whole, self.weight_hh.dtype),) * self.states
        else:
            parts = parts_of_state(state, [whole] * self.states, False)
            parts = tuple(np.expand_dims(part, 0) for part in parts) if alone else parts
        weights = {name: getattr(self, name) for name in _WEIGHTS}
        seen = self.scan(np.reshape(x, (1, -1, self.input_size)), parts, **weights)
        last = tuple(part[0, 0] if alone else part[0] for part in seen)
        return last if self.states > 1 else last[0]


def parts_of_state(state: Any, shapes: list[tuple[int, ...]], alone: bool) -> tuple:
    """The arrays of ``state``, which must have ``shapes``; ``alone`` gives each a batch of one."""
    parts = tuple(state) if isinstance(state, (tuple, list)) else (state,)
    if len(shapes) == 1 and len(parts) != 1:
        parts = (np.asarray(state),)
    got = [np.shape(part) for part in parts]
    if got != shapes:
        wanted = " and ".join(map(str, shapes))
        form = "is a pair of arrays of the shapes" if len(shapes) > 1 else "has the shape"
        raise ValueError(f"the state {form} {wanted}, not {' and '.join(map(str, got))}")
    return tuple(np.expand_dims(part, 1) for part in parts) if alone else parts


def floats(x: Any) -> Any:
    """``x`` as an array, which must be floating."""
    x = as_arraylike(x)
    if x.dtype.kind != "f":
        raise TypeError(f"x is floating, not {x.dtype}")
    return x


def start(name: str, shape: tuple[int, ...], hidden_size: int, dtype: Any, rng: Any) -> Value:
    """A weight as it starts: uniform within ``1 / sqrt(hidden_size)`` on either side of 0."""
    bound = 1 / math.sqrt(hidden_size)
    return uniform_(Value(np.empty(shape, parameter_dtype(dtype)), name), -bound, bound, generator(rng))


def check_size(name: str, n: Any) -> None:
    """Refuse what is no size of at least 1."""
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
        raise ValueError(f"{name} is a whole number of at least 1, not {n!r}")


def _backwards(x: Any) -> Any:
    return x[::-1]


def _as_it_is(x: Any) -> Any:
    return x


def logistic_(x: np.ndarray) -> None:
    """Replace ``x`` by ``1 / (1 + exp(-x))``, which is ``(1 + tanh(x / 2)) / 2``."""
    x *= 0.5
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5


def blocks(x: np.ndarray, n: int) -> list[np.ndarray]:
    """``np.split(x, n)``, sooner."""
    size = len(x) // n
    return [x[k * size : (k + 1) * size] for k in range(n)]


def states_before(first: Any, states: Any) -> Any:
    """For each step the state that it starts from."""
    return np.concatenate((first[None], states[:-1]))
