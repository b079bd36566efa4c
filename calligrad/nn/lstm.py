"""The long short-term memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.recurrent import Cell, Recurrent, blocks, logistic_, states_before
from calligrad.ops.contract import rows
from calligrad.ops.join import Unstack, used
from calligrad.primitive import is_captured, is_concrete, primitive
from calligrad.value import unwrap

# ---------------------------------------------------------------- all steps of a layer, as primitives


def lstm_plainly(z, h, c, weight, *projection):
    """``lstm``."""
    hs, cs, gates = [], [], []
    for t in range(z.shape[1]):
        i, f, g, o = np.split(z[:, t].T + h @ weight.T, 4, axis=-1)
        i, f, g, o = *(1 / (1 + np.exp(-x)) for x in (i, f)), np.tanh(g), 1 / (1 + np.exp(-o))
        c = f * c + i * g
        h = o * np.tanh(c)
        h = h @ projection[0].T if projection else h
        hs.append(h)
        cs.append(c)
        gates.append(np.concatenate((i, f, g, o), axis=-1))
    return np.stack(hs), np.stack(cs), np.stack(gates)


def _sizes(weights):
    """Of how many numbers they are: so many products are added up in each step of a sequence."""
    return sum(w.size for w in weights)


@primitive(lstm_plainly, eager=True, products=lambda z, h, c, *weights: z.size // z.shape[0] * _sizes(weights))
def lstm(z: Any, h: Any, c: Any, weight: Any, *projection: Any) -> tuple[Any, Any, Any]:
    """The states h and c at all steps, and the gates; shapes and names are those of ``Memory``."""
    # The batch is laid out as the last axis: BLAS is a third faster, and a gate is one piece of memory.
    (_, steps, n), size = z.shape, c.shape[-1]
    dtype = np.result_type(z, h, c, weight)
    hs = np.empty((steps, n, h.shape[-1]), dtype)
    cs, gates = np.empty((steps, size, n), dtype), np.empty((steps, 4 * size, n), dtype)
    h, c = h.T, c.T
    for t in range(steps):
        gate = np.matmul(weight, h, out=gates[t])
        gate += z[:, t]
        i, f, g, o = blocks(gate, 4)
        logistic_(gate[: 2 * size])
        np.tanh(g, out=g)
        logistic_(o)
        c = np.multiply(f, c, out=cs[t])
        c += i * g
        h = np.tanh(c)
        h *= o
        if projection:
            h = projection[0] @ h
        hs[t] = h.T
    return hs, cs.mT, gates.mT


def lstm_gradient_plainly(gh_at, gc_at, c, weight, cs, gates, *projection):
    """``lstm_gradient``."""
    gh, gc = np.zeros((len(c), weight.shape[1]), weight.dtype), np.zeros_like(c)
    gzs: list = []
    ghs: list = []
    for t in reversed(range(len(cs))):
        i, f, g, o = np.split(gates[t], 4, axis=-1)
        tanh_c = np.tanh(cs[t])
        gh = gh if gh_at is None else gh + gh_at[t]
        gm = gh @ projection[0] if projection else gh
        gc = (gc if gc_at is None else gc + gc_at[t]) + gm * o * (1 - tanh_c**2)
        gi, gf, gg, go = gc * g, gc * (cs[t - 1] if t else c), gc * i, gm * tanh_c
        gz = np.concatenate((gi * i * (1 - i), gf * f * (1 - f), gg * (1 - g**2), go * o * (1 - o)), axis=-1)
        gzs.insert(0, gz)
        ghs.insert(0, gh)
        gh, gc = gz @ weight, gc * f
    return np.moveaxis(np.stack(gzs), -1, 0), gh, gc, *([np.stack(ghs)] if projection else [])


@primitive(
    lstm_gradient_plainly,
    eager=True,
    products=lambda gh_at, gc_at, c, weight, cs, gates, *more: gates.size // gates.shape[2] * _sizes((weight, *more)),
)
def lstm_gradient(
    gh_at: Any, gc_at: Any, c: Any, weight: Any, cs: Any, gates: Any, *projection: Any
) -> tuple[Any, ...]:
    """Back through the steps: the gradients of z, of the first h and c, and with a projection of h at all steps."""
    steps, n, size = gates.shape
    gzs = np.empty((size, steps, n), gates.dtype)
    gates, cs = gates.mT, cs.mT
    gh, gc, gz = np.zeros((weight.shape[1], n), gates.dtype), np.zeros_like(cs[0]), np.empty_like(gates[0])
    ghs = np.empty((steps, n, len(gh)), gates.dtype) if projection else None
    gz_i, gz_f, gz_g, gz_o = blocks(gz, 4)
    for t in reversed(range(steps)):
        i, f, g, o = blocks(gates[t], 4)
        tanh_c = np.tanh(cs[t])
        if gh_at is not None:
            gh += gh_at[t].T
        if gc_at is not None:
            gc += gc_at[t].T
        gm = gh
        if ghs is not None:
            ghs[t] = gh.T
            gm = projection[0].T @ gh
        gc += gm * o * (1 - tanh_c * tanh_c)
        np.multiply(gc, g, out=gz_i)
        np.multiply(gc, cs[t - 1] if t else c.T, out=gz_f)
        np.multiply(gc, i, out=gz_g)
        np.multiply(gm, tanh_c, out=gz_o)
        slope = gates[t] - gates[t] * gates[t]
        blocks(slope, 4)[2][...] = 1 - g * g
        gz *= slope
        gzs[:, t] = gz
        np.matmul(weight.T, gz, out=gh)
        gc *= f
    return gzs, gh.T, gc.T, *([] if ghs is None else [ghs])


# ---------------------------------------------------------------- the Function


class Memory(Function):
    """An LSTM layer over a sequence: the states h and c at all steps, and the gates, which its gradient reads.

    Shapes: ``z`` (4H, steps, N), what the inputs and biases give to the gates i, f, g, o; ``h`` (N, H) and ``c``
    (N, H), the state before the first step; ``weight`` (4H, H). With a ``projection`` (P, H) of h, that is (N, P) and
    weight (4H, P).
    """

    def forward(self, z, h, c, weight, *projection):
        return lstm(z, h, c, weight, *projection)

    def backward(self, gs, _z, h, c, weight, *projection, y):
        hs, cs, gates = y
        if gs[2] is None and all(g is None or is_concrete(g) for g in (gates, *gs)):
            gz, gh, gc, *ghs = lstm_gradient(gs[0], gs[1], c, weight, cs, gates, *projection)
        else:
            gz, gh, gc, *ghs = through_steps(gs, c, weight, *projection, y=y)
        g_inputs = (
            gz,
            gh,
            gc,
            lambda: np.reshape(gz, (len(gz), -1)) @ rows(states_before(h, hs)),
            lambda: rows(ghs[0]).T @ rows(np.tanh(cs) * np.split(gates, 4, axis=-1)[3]),
        )
        return g_inputs[: 4 + len(projection)]


def through_steps(gs: Any, c: Any, weight: Any, projection: Any = None, *, y: Any) -> tuple[Any, Any, Any, Any]:
    """``lstm_gradient``, in operations that can be differentiated."""
    _, cs, gates = y
    at = [Unstack()(part) for part in (*np.split(gates, 4, axis=-1), cs, *used(gs[:2], y[:2]))]
    gates_at = None if gs[2] is None else Unstack()(gs[2])
    gzs, ghs = [], []
    gh = gc = 0.0  # from the step after
    for t in reversed(range(len(cs))):
        i, f, g, o, c_after, gh_here, gc_here = (part[t] for part in at)
        c_before = at[4][t - 1] if t else c
        tanh_c = np.tanh(c_after)
        gh = gh_here + gh
        gm = gh if projection is None else gh @ projection
        gc = gc_here + gc + gm * o * (1 - tanh_c * tanh_c)
        g_gate = np.concatenate((gc * g, gc * c_before, gc * i, gm * tanh_c), axis=-1)
        if gates_at is not None:
            g_gate = g_gate + gates_at[t]
        gz = g_gate * np.concatenate((i * (1 - i), f * (1 - f), 1 - g * g, o * (1 - o)), axis=-1)
        gzs.append(gz)
        ghs.append(gh)
        gh, gc = gz @ weight, gc * f
    return np.moveaxis(np.stack(gzs[::-1]), -1, 0), gh, gc, np.stack(ghs[::-1])


def lstm_scan(x, state, weight_ih, weight_hh, bias_ih=None, bias_hh=None, weight_hr=None) -> tuple[Any, Any]:
    """One LSTM layer over ``x`` (steps, N, features): h and c at all steps."""
    steps, n, _ = x.shape
    x = rows(x)
    if bias_ih is not None and is_captured(unwrap(x)):
        z = np.matmul(weight_ih, np.transpose(x)) + np.reshape(bias_ih + bias_hh, (-1, 1))
        return _scan(z, steps, n, state, weight_hh, weight_hr)
    if bias_ih is not None:  # as the weight of a feature that is always 1
        weight_ih = np.concatenate((weight_ih, (bias_ih + bias_hh)[:, None]), axis=1)
        x = np.concatenate((x, np.ones((len(x), 1), x.dtype)), axis=1)
    return _scan(np.matmul(weight_ih, np.transpose(x)), steps, n, state, weight_hh, weight_hr)


def _scan(z: Any, steps: int, n: int, state: tuple, weight_hh: Any, weight_hr: Any) -> tuple[Any, Any]:
    z = np.reshape(z, (len(weight_hh), steps, n))
    return Memory()(z, *state, weight_hh, *(() if weight_hr is None else (weight_hr,)))[:2]


class LSTM(Recurrent):
    """Long short-term memory over sequences: ``num_layers`` layers, in one direction or in both.

    With σ the sigmoid and ∘ the elementwise product, each step of a layer computes from x and the state (h, c)::

        i, f, o = σ(W_ih x + b_ih + W_hh h + b_hh)      three blocks of rows: input, forget and output gate
        g = tanh(W_ih x + b_ih + W_hh h + b_hh)         the third block of the four, in the order i, f, g, o
        c = f ∘ c + i ∘ g
        h = o ∘ tanh(c)                                 times weight_hr (proj_size, hidden_size) with proj_size

    Hochreiter and Schmidhuber, "Long short-term memory", 1997; projections: Sak, Senior and Beaufays,
    arXiv:1402.1128. The parameters of layer 0 are ``weight_ih_l0`` (4 hidden_size, input_size), ``weight_hh_l0``
    (4 hidden_size, output size), ``bias_ih_l0`` and ``bias_hh_l0``; ``_reverse`` is added for the second direction.

    >>> import numpy as np
    >>> from calligrad.nn import LSTM
    >>> outputs, (h, c) = LSTM(3, 5, bidirectional=True)(np.ones((7, 2, 3), np.float32))
    >>> outputs.shape, h.shape, c.shape
    ((7, 2, 10), (2, 2, 5), (2, 2, 5))
    """

    gates, states = 4, 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        if not 0 <= proj_size < max(1, hidden_size):  # that hidden_size is a size is said below
            raise ValueError(f"proj_size is 0, for none, or less than hidden_size, {hidden_size}, not {proj_size!r}")
        self.proj_size = proj_size
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype=dtype, rng=rng
        )

    def scan(self, x: Any, state: tuple, **weights: Any) -> tuple:
        """``lstm_scan``."""
        return lstm_scan(x, state, **weights)


class LSTMCell(Cell):
    """One step of an ``LSTM`` of one layer: from x and the state (h, c) to the new state.

    >>> import numpy as np
    >>> from calligrad.nn import LSTMCell
    >>> h, c = LSTMCell(3, 5)(np.ones((2, 3), np.float32))
    >>> h.shape
    (2, 5)
    """

    gates, states = 4, 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype, rng)

    def scan(self, x: Any, state: tuple, **weights: Any) -> tuple:
        """``lstm_scan``."""
        return lstm_scan(x, state, **weights)
