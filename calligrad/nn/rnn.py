"""The plain recurrent layer, of Elman."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.linear import linear
from calligrad.nn.recurrent import Cell, Recurrent, states_before
from calligrad.ops.contract import rows
from calligrad.ops.elementwise import masked
from calligrad.ops.join import Unstack


class Elman(Function):
    """A plain recurrent layer over a sequence: the state h at all steps.

    Shapes: ``z`` (steps, N, H), what the inputs and biases give; ``h`` (N, H), the state before the first step;
    ``weight`` (H, H).
    """

    nonlinearity: str = "tanh"

    def forward(self, z, h, weight):
        hs = np.empty(z.shape, np.result_type(z, h, weight))
        for t in range(len(z)):
            h = np.matmul(h, weight.T, out=hs[t])
            h += z[t]
            if self.nonlinearity == "tanh":
                np.tanh(h, out=h)
            else:
                np.maximum(h, 0, out=h)
        return hs

    def backward(self, g, _z, h, weight, *, y):
        g_at, y_at = Unstack()(g), Unstack()(y)
        gzs = []
        gh = 0.0  # from the step after
        for t in reversed(range(len(y))):
            gh = g_at[t] + gh
            gz = gh * (1 - y_at[t] * y_at[t]) if self.nonlinearity == "tanh" else masked(gh, y_at[t] != 0)
            gzs.append(gz)
            gh = gz @ weight
        gz = np.stack(gzs[::-1])
        return gz, gh, lambda: rows(gz).T @ rows(states_before(h, y))


def rnn_scan(nonlinearity, x, state, weight_ih, weight_hh, bias_ih=None, bias_hh=None) -> tuple[Any]:
    """One plain layer over ``x`` (steps, N, features): h at all steps."""
    z = linear(x, weight_ih, None if bias_ih is None else bias_ih + bias_hh)
    return (Elman(nonlinearity)(z, *state, weight_hh),)


class RNN(Recurrent):
    """Plain recurrent layers over sequences: ``num_layers`` of them, in one direction or in both.

    Each step of a layer computes ``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` from x and the state h, or the same with
    ``nonlinearity="relu"``.

    Elman, "Finding structure in time", 1990. The parameters of layer 0 are ``weight_ih_l0`` (hidden_size,
    input_size), ``weight_hh_l0`` (hidden_size, hidden_size), ``bias_ih_l0`` and ``bias_hh_l0``; ``_reverse`` is added
    for the second direction.

    >>> import numpy as np
    >>> from calligrad.nn import RNN
    >>> outputs, h = RNN(3, 5, batch_first=True)(np.ones((2, 7, 3), np.float32), lengths=[7, 4])
    >>> outputs.shape, h.shape
    ((2, 7, 5), (1, 2, 5))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.nonlinearity = known(nonlinearity)
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, rng)

    def scan(self, x: Any, state: tuple, **weights: Any) -> tuple:
        """``rnn_scan``."""
        return rnn_scan(self.nonlinearity, x, state, **weights)


class RNNCell(Cell):
    """One step of an ``RNN`` of one layer: from x and the state h to the new state.

    >>> import numpy as np
    >>> from calligrad.nn import RNNCell
    >>> RNNCell(3, 5, nonlinearity="relu")(np.ones((2, 3), np.float32)).shape
    (2, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.nonlinearity = known(nonlinearity)
        super().__init__(input_size, hidden_size, bias, dtype, rng)

    def scan(self, x: Any, state: tuple, **weights: Any) -> tuple:
        """``rnn_scan``."""
        return rnn_scan(self.nonlinearity, x, state, **weights)


def known(nonlinearity: str) -> str:
    """``nonlinearity``, which must be one that there is."""
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f'nonlinearity is "tanh" or "relu", not {nonlinearity!r}')
    return nonlinearity
