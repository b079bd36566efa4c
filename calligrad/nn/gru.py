"""The gated recurrent unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.nn.linear import linear
from calligrad.nn.recurrent import Cell, Recurrent, logistic_, states_before
from calligrad.ops.contract import rows
from calligrad.ops.join import Unstack, used
from calligrad.primitive import is_concrete, primitive

# ---------------------------------------------------------------- all steps of a layer, as primitives


def gru_plainly(z, h, weight, bias):
    """``gru``."""
    hs, gates = [], []
    for given in z:
        (z_r, z_u, z_n), (r, u, m) = np.split(given, 3, axis=-1), np.split(h @ weight.T + bias, 3, axis=-1)
        r, u = 1 / (1 + np.exp(-z_r - r)), 1 / (1 + np.exp(-z_u - u))
        n = np.tanh(z_n + r * m)
        h = n + u * (h - n)
        hs.append(h)
        gates.append(np.concatenate((r, u, n, m), axis=-1))
    return np.stack(hs), np.stack(gates)


@primitive(gru_plainly, eager=True, products=lambda z, h, weight, bias: z.size // z.shape[2] * weight.size)
def gru(z: Any, h: Any, weight: Any, bias: Any) -> tuple[Any, Any]:
    """The state h at all steps, and r, u, n and m; shapes and names are those of ``Gated``."""
    steps, (n, size) = len(z), h.shape
    dtype = np.result_type(z, h, weight)
    hs, gates = np.empty((steps, n, size), dtype), np.empty((steps, n, 4 * size), dtype)
    for t in range(steps):
        gate = np.matmul(h, weight.T, out=gates[t, :, : 3 * size])
        gate += bias
        ru, r, u, new, m = (gates[t, :, a * size : b * size] for a, b in ((0, 2), (0, 1), (1, 2), (2, 3), (3, 4)))
        m[...] = new
        ru += z[t, :, : 2 * size]
        logistic_(ru)
        np.multiply(r, m, out=new)
        new += z[t, :, 2 * size :]
        np.tanh(new, out=new)
        h = np.subtract(h, new, out=hs[t])
        h *= u
        h += new
    return hs, gates


def gru_gradient_plainly(gh_at, slopes, u, weight):
    """``gru_gradient``."""
    gh = np.zeros_like(u[0])
    gs: list = []
    for t in reversed(range(len(u))):
        gh = gh + gh_at[t]
        gs.insert(0, np.concatenate((gh, gh, gh, gh), axis=-1) * slopes[t])
        gh = gh * u[t] + gs[0][:, : len(weight)] @ weight
    return np.stack(gs), gh


@primitive(
    gru_gradient_plainly,
    eager=True,
    products=lambda gh_at, slopes, u, weight: u.size // u.shape[2] * weight.size,
)
def gru_gradient(gh_at: Any, slopes: Any, u: Any, weight: Any) -> tuple[Any, Any]:
    """Back through the steps: the gradients of the arguments of r and u, of m, and of the argument of n; and of h.

    ``slopes`` are what the gradient of h is multiplied by to give those of one step.
    """
    steps, n, size = u.shape
    gs = np.empty_like(slopes)
    gh = np.zeros((n, size), slopes.dtype)
    for t in reversed(range(steps)):
        gh += gh_at[t]
        g = gs[t]
        np.multiply(gh[:, np.newaxis], slopes[t].reshape(n, 4, size), out=g.reshape(n, 4, size))
        gh *= u[t]
        gh += g[:, : len(weight)] @ weight
    return gs, gh


# ---------------------------------------------------------------- the Function


class Gated(Function):
    """A GRU layer over a sequence: the state h at all steps, and what its gradient reads: r, u, n and m.

    Shapes: ``z`` (steps, N, 3H), what the inputs give to r, u and n; ``h`` (N, H), the state before the first step;
    ``weight`` (3H, H) and ``bias`` (3H,), which make of h what it gives to them, to n as m.
    """

    def forward(self, z, h, weight, bias):
        return gru(z, h, weight, bias)

    def backward(self, gs, _z, h, weight, _bias, *, y):
        hs, gates = y
        r, u, n, m = np.split(gates, 4, axis=-1)
        before = states_before(h, hs)
        slope_r, slope_u, slope_n = r * (1 - r), u * (1 - u), 1 - n * n
        # As h' = n + u (h - n), what the gradient of h' gives to the arguments of r, u, to m, and to the argument of n
        to_n = (1 - u) * slope_n
        slopes = np.concatenate((to_n * m * slope_r, (before - n) * slope_u, to_n * r, to_n), axis=-1)
        if gs[1] is None and is_concrete(gs[0], slopes, u, weight):
            stacked, gh = gru_gradient(gs[0], slopes, u, weight)
        else:
            stacked, gh = self._through_steps(gs, slopes, (slope_r, slope_u, slope_n), weight, y)
        g_r, g_u, g_m, g_n = np.split(stacked, 4, axis=-1)
        by_state = lambda: rows(np.concatenate((g_r, g_u, g_m), axis=-1))  # noqa: E731
        return (
            np.concatenate((g_r, g_u, g_n), axis=-1),
            gh,
            lambda: by_state().T @ rows(before),
            lambda: np.sum(by_state(), axis=0),
        )

    @staticmethod
    def _through_steps(gs, slopes, slope_of_gates, weight, y):
        """``gru_gradient``, in operations that can be differentiated."""
        r, u, _, m = np.split(y[1], 4, axis=-1)
        gh_at, slopes_at, u_at = (Unstack()(part) for part in (used(gs, y)[0], slopes, u))
        direct_at = None
        if gs[1] is not None:
            slope_r, slope_u, slope_n = slope_of_gates
            g_r, g_u, g_n, g_m = np.split(gs[1], 4, axis=-1)
            g_n = g_n * slope_n
            parts = (g_r + g_n * m) * slope_r, g_u * slope_u, g_m + g_n * r, g_n
            direct_at = Unstack()(np.concatenate(parts, axis=-1))

        gates_g = []
        gh = 0.0  # from the step after
        for t in reversed(range(len(u))):
            gh = gh_at[t] + gh
            g = np.concatenate((gh, gh, gh, gh), axis=-1) * slopes_at[t]
            if direct_at is not None:
                g = g + direct_at[t]
            gates_g.append(g)
            gh = gh * u_at[t] + g[:, : len(weight)] @ weight
        return np.stack(gates_g[::-1]), gh


def gru_scan(x, state, weight_ih, weight_hh, bias_ih=None, bias_hh=None) -> tuple[Any]:
    """One GRU layer over ``x`` (steps, N, features): h at all steps."""
    if bias_hh is None:
        bias_hh = np.zeros(len(weight_hh), weight_hh.dtype)
    return (Gated()(linear(x, weight_ih, bias_ih), *state, weight_hh, bias_hh)[0],)


class GRU(Recurrent):
    """Gated recurrent units over sequences: ``num_layers`` layers, in one direction or in both.

    With σ the sigmoid and ∘ the elementwise product, each step of a layer computes from x and the state h::

        r, u = σ(W_ih x + b_ih + W_hh h + b_hh)         the first two blocks of rows: reset and update gate
        n = tanh(W_ih x + b_ih + r ∘ (W_hh h + b_hh))   the third block
        h = (1 - u) ∘ n + u ∘ h

    Cho et al., "Learning phrase representations using RNN encoder-decoder", arXiv:1406.1078; r stands outside of the
    product with W_hh, as in PyTorch. The parameters of layer 0 are ``weight_ih_l0`` (3 hidden_size, input_size),
    ``weight_hh_l0`` (3 hidden_size, hidden_size), ``bias_ih_l0`` and ``bias_hh_l0``; ``_reverse`` is added for the
    second direction.

    >>> import numpy as np
    >>> from calligrad.nn import GRU
    >>> outputs, h = GRU(3, 5, num_layers=2)(np.ones((7, 2, 3), np.float32))
    >>> outputs.shape, h.shape
    ((7, 2, 5), (2, 2, 5))
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, rng)

    def scan(self, x: Any, state: tuple, **weights: Any) -> tuple:
        """``gru_scan``."""
        return gru_scan(x, state, **weights)


class GRUCell(Cell):
    """One step of a ``GRU`` of one layer: from x and the state h to the new state.

    >>> import numpy as np
    >>> from calligrad.nn import GRUCell
    >>> GRUCell(3, 5)(np.ones((2, 3), np.float32)).shape
    (2, 5)
    """

    gates = 3

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
        """``gru_scan``."""
        return gru_scan(x, state, **weights)
