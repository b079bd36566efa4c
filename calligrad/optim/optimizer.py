"""Optimizer: what every optimizer does around its rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calligrad.value import Value

TILE = 32768  # numbers at a time: the parameter, its gradient and its state stay in the processor's cache


class Optimizer:
    """Changes parameters by their gradients. A subclass names its state and writes one pure, elementwise rule.

    ``rule(step, p, g, *state)`` returns the new parameter and the new state, all arrays of one shape, and
    changes nothing; ``step`` counts the changes of this parameter, from 1. The rule is called on pieces
    of the arrays, small enough for the cache.
    """

    state_names: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Value], lr: float) -> None:
        if isinstance(params, Value) or not isinstance(params, Iterable):
            kind = type(params).__name__
            raise TypeError(f"an optimizer takes an iterable of parameters, model.parameters() or [x], not a {kind}")
        self.params = list(params)
        if not self.params:
            raise ValueError("an optimizer needs at least one parameter; this list, or the generator, is empty")
        for i, p in enumerate(self.params):
            if not isinstance(p, Value):
                raise TypeError(f"parameter {i} is {type(p).__name__}, not a Value")
            if p.created_by is not None or p.dtype.kind != "f":
                raise ValueError(f"parameter {i}, {p!r}, is not a leaf with floating data")
            if not p.data.flags.writeable:
                raise ValueError(f"parameter {i} holds a read-only array; make it Value(array.copy())")
        if len({id(p) for p in self.params}) < len(self.params):
            raise ValueError("a parameter is given twice")
        self.lr = nonnegative("lr", lr)
        self.steps = [0] * len(self.params)
        self.state: list[dict[str, Any]] = [{} for _ in self.params]

    def rule(self, step: int, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """The new parameter and the new state."""
        raise NotImplementedError(f"{type(self).__name__} defines no rule")

    def step(self) -> None:
        """Change every parameter that has a gradient."""
        for i, p in enumerate(self.params):
            if (g := p.grad) is not None:
                self.steps[i] += 1
                state = self.state[i]
                for name in self.state_names:
                    if name not in state:
                        state[name] = np.zeros_like(p.data)
                self._update(self.steps[i], [p.data, *(state[name] for name in self.state_names)], g)

    def _update(self, step: int, arrays: list[Any], g: Any) -> None:
        """Overwrite ``arrays``, the parameter and its state, with what the rule makes of them and of ``g``."""
        size = arrays[0].size
        if size > TILE and all(array.flags.c_contiguous for array in arrays):
            flat, g = [array.reshape(-1) for array in arrays], g.reshape(-1)
            for start in range(0, size, TILE):
                tile = slice(start, start + TILE)
                self._update(step, [array[tile] for array in flat], g[tile])
            return
        for array, new in zip(arrays, self.rule(step, arrays[0], g, *arrays[1:])):
            array[...] = new

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None

    def __repr__(self) -> str:
        numbers = (f"{k}={v!r}" for k, v in vars(self).items() if isinstance(v, (int, float, tuple)))
        return f"{type(self).__name__}({', '.join(numbers)})"


def nonnegative(name: str, x: float) -> float:
    """``x``, which must be a finite number and not negative."""
    if not isinstance(x, (int, float, np.number)) or isinstance(x, bool) or not np.isfinite(x) or x < 0:
        raise ValueError(f"{name} must be a finite number of at least 0, not {x!r}")
    return float(x)
