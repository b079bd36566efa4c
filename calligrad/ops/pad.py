"""``np.pad``: every mode that has a derivative.

A mode that repeats numbers only moves them. The others compute what they put around, and NumPy does so axis by
axis: what it computes for one axis comes from the array as the axes before have padded it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.function import Function
from calligrad.ops.creation import holds_value, joined
from calligrad.ops.rearrange import Rearrange
from calligrad.rules import implements
from calligrad.value import Value, unwrap_all


class Pad(Function):
    """``np.pad`` with what is no input of it: constants, or nothing in particular."""

    pad_width: Any
    mode: str
    keywords: dict[str, Any]

    def forward(self, array):
        return np.pad(array, self.pad_width, self.mode, **self.keywords)

    def backward(self, g):
        shape = self.shapes[0]
        return g[tuple(slice(lo, lo + n) for (lo, _), n in zip(widths(self.pad_width, len(shape)), shape))]


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **keywords: Any) -> Any:
    """``np.pad``: differentiable in the array, and in ``constant_values`` and ``end_values`` where they are Values."""
    if callable(mode):
        raise TypeError(
            "np.pad of a Value takes no function as mode: it would write into an array, which would cut the graph."
            " Compute what goes around and join it with np.concatenate"
        )
    plain = unwrap_all(keywords)
    if mode == "constant" and holds_value(keywords.get("constant_values")):
        constants = np.broadcast_to(joined(keywords["constant_values"]), (array.ndim, 2))
        return Rearrange(_with_constants, {"pad_width": pad_width})(array, constants)
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and keywords.get("reflect_type") != "odd"):
        return Rearrange(np.pad, {"pad_width": pad_width, "mode": mode, **keywords})(array)
    if mode not in AROUND or array.dtype.kind not in "fc" or not array.size:
        return Pad(pad_width, mode, plain)(array)
    np.pad(np.ones((1,) * array.ndim), pad_width, mode, **plain)  # what is wrong with the arguments, NumPy says here
    return AROUND[mode](array, widths(pad_width, array.ndim), mode, **keywords)


def _with_constants(array: Any, constants: Any, pad_width: Any) -> Any:
    return np.pad(array, pad_width, constant_values=constants)


def widths(pad_width: Any, ndim: int) -> list[list[int]]:
    """How much goes before and behind, for each axis."""
    if isinstance(pad_width, dict):
        given = {normalize_axis_index(axis, ndim): width for axis, width in pad_width.items()}
        pad_width = [np.broadcast_to(given.get(axis, 0), 2) for axis in range(ndim)]
    return np.broadcast_to(pad_width, (ndim, 2)).tolist()


# ---------------------------------------------------------------- modes that compute


def ramps(x: Any, pairs: list[list[int]], mode: str, end_values: Any = 0) -> Any:
    """From ``end_values`` in even steps to the edge."""
    for axis, ((before, behind), (start, end)) in enumerate(zip(pairs, per_side(end_values, x.ndim), strict=True)):
        left, right = (
            np.linspace(value, x[at(axis, side)], width, endpoint=False, dtype=x.dtype, axis=axis)
            for value, side, width in ((start, 0, before), (end, -1, behind))
        )
        x = np.concatenate([left, x, np.flip(right, axis)], axis)
    return x


def statistics(x: Any, pairs: list[list[int]], mode: str, stat_length: Any = None) -> Any:
    """A statistic of the ``stat_length`` numbers next to the edge, or of all."""
    lengths = ((None, None),) * x.ndim if stat_length is None else widths(np.round(stat_length).astype(int), x.ndim)
    for axis, (both, limits) in enumerate(zip(pairs, lengths)):
        if not any(both):
            continue
        n = x.shape[axis]
        left, right = (n if limit is None else min(limit, n) for limit in limits)
        first = STATISTICS[mode](x[at(axis, slice(0, left))], axis=axis, keepdims=True)
        last = first
        if not left == right == n:
            last = STATISTICS[mode](x[at(axis, slice(n - right, n))], axis=axis, keepdims=True)
        sides = [
            np.broadcast_to(y, (*x.shape[:axis], width, *x.shape[axis + 1 :])) for y, width in zip((first, last), both)
        ]
        x = np.concatenate([sides[0], x, sides[1]], axis)
    return x


def odd_reflections(x: Any, pairs: list[list[int]], mode: str, reflect_type: str = "odd") -> Any:
    """Mirrored at the edge in both directions: twice the edge less the mirror image."""
    own = int(mode == "symmetric")  # whether the edge itself is mirrored too
    for axis, (before, behind) in enumerate(pairs):
        period = x.shape[axis] - 1 + own
        if x.shape[axis] == 1:  # a number by itself is repeated
            x = np.repeat(x, 1 + before + behind, axis)
            continue
        while before or behind:  # around what there is so far, whole periods of it at once
            n = x.shape[axis]
            whole = (n - 1 + own) // period * period
            left, right = min(whole, before), min(whole, behind)
            mirrored = np.flip(x[at(axis, slice(1 - own, 1 - own + left))], axis)
            parts = [2 * x[at(axis, slice(0, 1))] - mirrored, x]
            mirrored = np.flip(x[at(axis, slice(n - 1 + own - right, n - 1 + own))], axis)
            parts.append(2 * x[at(axis, slice(n - 1, n))] - mirrored)
            x = np.concatenate(parts, axis)
            before, behind = before - left, behind - right
    return x


def at(axis: int, key: Any) -> tuple[Any, ...]:
    """The key of ``x[:, …, key]`` with ``key`` for the given axis."""
    return (*(slice(None),) * axis, key)


def per_side(values: Any, ndim: int) -> Any:
    """Two values for each axis, each with the dtype that NumPy has for it."""
    values = joined(values)
    if isinstance(values, Value) or (size := np.size(values)) == 1 or (size == 2 and np.shape(values) != (2, 1)):
        return np.broadcast_to(values, (ndim, 2))
    return np.broadcast_to(values, (ndim, 2)).tolist()


STATISTICS: dict[str, Callable] = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}
AROUND: dict[str, Callable] = {
    "linear_ramp": ramps,
    "reflect": odd_reflections,
    "symmetric": odd_reflections,
} | dict.fromkeys(STATISTICS, statistics)
