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
from calligrad.primitive import is_concrete, primitive

# ---------------------------------------------------------------- all steps of a layer, as primitives


def rnn_plainly(z, h, weight, *, nonlinearity):
    """``rnn``."""
    hs = []
    for given in z:
        h = given + h @ weight.T
        h = np.tanh(h) if nonlinearity == "tanh" else np.maximum(h, 0)
        hs.append(h)
    return np.stack(hs)


@primitive(rnn_plainly, products=lambda z, h, weight, nonlinearity: z.size // z.shape[2] * weight.size)
def rnn(z: Any, h: Any, weight: Any, *, nonlinearity: str) -> Any:
    """The state h at all steps; shapes are those of ``Elman``."""
    hs = np.empty(z.shape, np.result_type(z, h, weight))
    for t in range(len(z)):
        h = np.matmul(h, weight.T, out=hs[t])
        h += z[t]
        if nonlinearity == "tanh":
            np.tanh(h, out=h)
        else:
            np.maximum(h, 0, out=h)
    return hs


def rnn_gradient_plainly(gh_at, hs, weight, *, nonlinearity):
    """``rnn_gradient``."""
    gh = np.zeros_like(hs[0])
    gzs: list = []
    for g, h in zip(gh_at[::-1], hs[::-1]):
        gh = gh + g
        gzs.insert(0, gh * (1 - h * h) if nonlinearity == "tanh" else np.where(h != 0, gh, 0))
        gh = gzs[0] @ weight
    return np.stack(gzs), gh


@primitive(rnn_gradient_plainly, products=lambda g, hs, weight, nonlinearity: hs.size // hs.shape[2] * weight.size)
def rnn_gradient(gh_at: Any, hs: Any, weight: Any, *, nonlinearity: str) -> tuple[Any, Any]:
    """Back through the steps: the gradients of z and of the first h."""
    gzs = np.empty_like(hs)
    slopes = 1 - hs * hs if nonlinearity == "tanh" else None
    gh = np.zeros_like(hs[0])
    for t in reversed(range(len(hs))):
        gh += gh_at[t]
        gz = np.multiply(gh, slopes[t], out=gzs[t]) if slopes is not None else masked(gh, hs[t] != 0, gzs[t])
        np.matmul(gz, weight, out=gh)
    return gzs, gh


# ---------------------------------------------------------------- the Function


class Elman(Function):
    """A plain recurrent layer over a sequence: the state h at all steps.

    Shapes: ``z`` (steps, N, H), what the inputs and biases give; ``h`` (N, H), the state before the first step;
    ``weight`` (H, H).
    """

    nonlinearity: str = "tanh"

    def forward(self, z, h, weight):
        return rnn(z, h, weight, nonlinearity=self.nonlinearity)

    def backward(self, g, _z, h, weight, *, y):
        if is_concrete(g, y, weight):
            gz, gh = rnn_gradient(g, y, weight, nonlinearity=self.nonlinearity)
        else:
            gz, gh = self._through_steps(g, weight, y)
        return gz, gh, lambda: rows(gz).T @ rows(states_before(h, y))

    def _through_steps(self, g: Any, weight: Any, y: Any) -> tuple[Any, Any]:
        """``rnn_gradient``, in operations that can be differentiated."""
        g_at, y_at = Unstack()(g), Unstack()(y)
        gzs = []
        gh = 0.0  # from the step after
        for t in reversed(range(len(y))):
            gh = g_at[t] + gh
            gz = gh * (1 - y_at[t] * y_at[t]) if self.nonlinearity == "tanh" else masked(gh, y_at[t] != 0)
            gzs.append(gz)
            gh = gz @ weight
        return np.stack(gzs[::-1]), gh


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
