"""What a program may give if its lines are rounded otherwise: a difference of an ulp ahead of a jump is large after it.

``np.floor`` of 3, or of an ulp less than 3, is 3 or 2, and one as right as the other. So a result that is far from
NumPy's is held against those of the same lines, run many times over with what each of them computes moved by some ulps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.compiler.program import Line, Program, Var, mapped, vars_in

ULPS = 4  # of the largest number, by which sums of it and its like are off
SHARES = (0.7, 0.1, 1, 0.3)  # of the numbers, that are moved in a trial
WHOLE = (np.floor, np.ceil, np.trunc, np.rint, np.sign, np.heaviside, np.floor_divide)  # whose results are exact


class Moving:
    """A backend that runs a program line by line with NumPy, and moves what they compute; in trial 0 it does not."""

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
                    at[var] = self._moved(x, line, now, rng) if self.trial and var.dtype.kind in "fc" else x
            return tuple(np.array(at[var])[()] if var.is_scalar else np.array(at[var]) for var in program.outputs)

        return run

    def _moved(self, x: Any, line: Line, now: Callable[[Any], Any], rng: np.random.Generator) -> Any:
        """A share of the numbers moved by an ulp up or down; in every other trial by some ulps of the largest one.

        Those that are among the line's arguments, or would be with another sign, were not computed, and stay.
        """
        kind, shape = np.result_type(x), np.shape(x)
        share = SHARES[self.trial // 2 % len(SHARES)]
        sign, eps = rng.choice([-1, 0, 1], shape, p=[share / 2, 1 - share, share / 2]), np.finfo(kind).eps
        if self.trial % 2:
            by = x * (sign * eps)
        else:
            by = np.max(np.abs(x), where=np.isfinite(x), initial=1) * (ULPS * eps * sign * rng.random(shape))
        sources = [np.ravel(now(var)) for var in vars_in((line.args, line.kwargs))]
        there = np.concatenate([[np.nan], *sources, *(-source for source in sources if source.dtype.kind in "fc")])
        stays = np.isin(x, there) | (line.op in WHOLE)
        return np.where(stays, x, x + by).astype(kind) if shape else x if stays else x + kind.type(by)


class Range:
    """The numbers between the least and the largest that were given, for a result ``got``."""

    def __init__(self, got: Any, tolerance: float) -> None:
        self.got = _parts(got)
        self.tolerance = tolerance if self.got.dtype.kind == "f" else 0
        self.given: list[np.ndarray] = []

    def take(self, x: Any) -> None:
        """Widen the range by a result."""
        self.given.append(_parts(x))

    def holds(self) -> bool:
        """Whether what was got is in the range, or, of floats, not farther from it than the range is wide.

        The trials move by an ulp or some, and a kernel of many steps may be off by a few more. A NaN or an infinity
        must have been given as such.
        """
        given, got = np.stack(self.given), self.got
        if got.dtype.kind != "f":
            return bool(np.all((given.min(0) <= got) & (got <= given.max(0))))
        is_finite = np.isfinite(given)
        least = np.min(given, axis=0, where=is_finite, initial=np.inf)
        most = np.max(given, axis=0, where=is_finite, initial=-np.inf)
        scale = np.max(np.abs(given), where=is_finite, initial=1)
        slack = self.tolerance * scale + np.maximum(most - least, 0)
        is_inside = (least - slack <= got) & (got <= most + slack)
        as_such = (got == given).any(0) | (np.isnan(got) & np.isnan(given).any(0))
        return bool(np.all(as_such | (is_inside & np.isfinite(got))))


def _parts(x: Any) -> np.ndarray:
    """The numbers; of complex ones both parts."""
    x = np.asarray(x)
    return np.stack([x.real, x.imag]) if x.dtype.kind == "c" else x
