"""What a program may give if its lines are rounded otherwise: a difference of an ulp ahead of a jump is large after it.

``np.floor`` of 3, or of an ulp less than 3, is 3 or 2, and one as right as the other. So a result that is far from
NumPy's is held against those of the same lines, run many times over with what each of them gives moved by some ulps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.program import Program, Var, mapped

ULPS = 4  # of the largest number, by which sums of it and its like are off


class Moving:
    """A backend that runs a program line by line with NumPy, and moves what they give; in trial 0 it does not."""

    name = "moving"

    def __init__(self) -> None:
        self.trial = 0

    def compiled(self, program: Program) -> Callable[[list[Any]], tuple]:
        def run(inputs: list[Any]) -> tuple:
            rng = np.random.default_rng(self.trial)
            at = program.constants | dict(zip(program.inputs, inputs))

            def now(x: Any) -> Any:
                return at[x] if type(x) is Var else x

            for line in program.lines:
                given = line.op(*mapped(now, line.args), **mapped(now, line.kwargs))
                for var, x in zip(line.outs, given if len(line.outs) > 1 else (given,), strict=True):
                    at[var] = self._moved(x, rng) if self.trial and var.dtype.kind in "fc" else x
            return tuple(np.array(at[var])[()] if var.is_scalar else np.array(at[var]) for var in program.outputs)

        return run

    def _moved(self, x: Any, rng: np.random.Generator) -> Any:
        """Numbers moved by an ulp up or down or not at all; in every other trial by some ulps of the largest one."""
        kind, shape = np.result_type(x), np.shape(x)
        sign, eps = rng.integers(-1, 2, shape), np.finfo(kind).eps
        if self.trial % 2:
            by = x * (sign * eps)
        else:
            by = np.max(np.abs(x), where=np.isfinite(x), initial=1) * (ULPS * eps * sign * rng.random(shape))
        return x + (by.astype(kind) if shape else kind.type(by))


class Range:
    """The numbers between the least and the largest that were given, for a result ``got``."""

    def __init__(self, got: Any, tolerance: float) -> None:
        self.got = _floats(got)
        self.tolerance = tolerance
        self.least = self.most = np.full(self.got.shape, np.nan)
        self.may_be_nan = np.zeros(self.got.shape, bool)

    def take(self, x: Any) -> None:
        """Widen the range by a result."""
        x = _floats(x)
        self.least, self.most = np.fmin(self.least, x), np.fmax(self.most, x)
        self.may_be_nan |= np.isnan(x)

    def holds(self) -> bool:
        """Whether what was got is in the range, or not farther from it than the range is wide."""
        ends = np.abs(np.stack([self.least, self.most]))
        scale = np.max(ends, where=np.isfinite(ends), initial=1)
        width = self.most - self.least
        slack = self.tolerance * scale + np.where(np.isfinite(width), width, 0)
        is_inside = (self.least - slack <= self.got) & (self.got <= self.most + slack)
        return bool(np.all(is_inside | (np.isnan(self.got) & self.may_be_nan)))


def _floats(x: Any) -> np.ndarray:
    """The numbers as floats: of complex ones both parts."""
    x = np.asarray(x)
    return np.stack([x.real, x.imag]) if x.dtype.kind == "c" else x.astype(np.float64)
