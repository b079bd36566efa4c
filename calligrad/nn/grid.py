"""How a kernel goes over images: which numbers each of its taps sees from each of its positions."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

LONG = 64  # a row of the output that is long enough to be a run of its own


class Phase(NamedTuple):
    """Along one axis, every stride-th number of the padded image, and the taps that see them."""

    number: int
    taps: slice
    first: int  # the cell of the phase that the first of these taps sees at position 0
    apart: int  # how many cells further the next tap sees
    cells: slice  # that are not padding
    inside: slice  # where in the image those are


@dataclass(frozen=True)
class Windows:
    """How a kernel goes over images: all of it but the channels. One entry for each spatial axis."""

    size: tuple[int, ...]  # of the image
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]  # zeros before and behind; below 0, what is cut off
    dilation: tuple[int, ...]
    groups: int = 1

    @cached_property
    def out(self) -> tuple[int, ...]:
        """How many positions the kernel has."""
        axes = zip(self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return tuple((n + sum(pad) - d * (k - 1) - 1) // s + 1 for n, k, s, pad, d in axes)

    @cached_property
    def cells(self) -> tuple[int, ...]:
        """The length of one phase of the grid."""
        axes = zip(self.out, self.kernel, self.stride, self.dilation, strict=True)
        return tuple(n + d * (k - 1) // s for n, k, s, d in axes)

    @cached_property
    def pitch(self) -> tuple[int, ...]:
        """How far apart neighbours lie in a phase, along each axis."""
        return tuple(math.prod(self.cells[i + 1 :]) for i in range(len(self.cells)))

    @cached_property
    def bare(self) -> bool:
        """Whether the grid is the image itself."""
        return math.prod(self.stride) == 1 and not any(map(any, self.padding))

    @cached_property
    def pointwise(self) -> bool:
        """Whether the columns are the image itself."""
        return self.bare and math.prod(self.kernel) == 1

    @cached_property
    def phases(self) -> list[tuple[Phase, ...]]:
        """The phases that some tap sees; of each one entry for every axis."""
        axes = []
        for i, (n, k, s, (pad, _), d) in enumerate(
            zip(self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        ):
            phases = []
            every = s // math.gcd(s, d)
            for tap in range(min(every, k)):
                first, number = divmod(tap * d, s)
                start = max(0, -((number - pad) // s))  # the first cell that is not padding
                inside = start * s + number - pad
                count = max(0, min(self.cells[i] - start, -((inside - n) // s)))
                cells, numbers = slice(start, start + count), slice(inside, inside + count * s, s)
                phases.append(Phase(number, slice(tap, k, every), first, d // math.gcd(s, d), cells, numbers))
            axes.append(phases)
        return list(itertools.product(*axes))

    @cached_property
    def complete(self) -> bool:
        """Whether there is a tap for every number of the image."""
        seen = (math.prod(len(range(n)[along.inside]) for n, along in zip(self.size, phase)) for phase in self.phases)
        return sum(seen) == math.prod(self.size)

    @cached_property
    def counted(self) -> int:
        """How many of the leading axes are counted as in the output; the others are one run along the grid."""
        return max(0, len(self.out) - (1 if self.out[-1] >= LONG else 2))

    @cached_property
    def reach(self) -> int:
        """How far the last position of a run lies behind the first, but for the axis of the rows."""
        axes = range(max(1, self.counted), len(self.out))
        return sum((self.out[i] - 1) * self.pitch[i] for i in axes)

    def positions(self, rows: int) -> tuple[int, ...]:
        """The shape of the positions of ``rows`` rows: the leading axes, and the length of a run."""
        if self.counted:
            return rows, *self.out[1 : self.counted], self.reach + 1
        return ((rows - 1) * self.pitch[0] + self.reach + 1,)

    def kept(self, y: np.ndarray, rows: int) -> np.ndarray:
        """The view of ``y``, whose last axes are ``positions(rows)``, on those that the output has."""
        lead = y.ndim - self.counted - 1
        steps = [pitch * y.itemsize for pitch in self.pitch[self.counted :]]
        return np.ndarray((*y.shape[:lead], rows, *self.out[1:]), y.dtype, y, 0, (*y.strides[:-1], *steps))


windows_of = lru_cache(512)(Windows)
"""``Windows``, the same object for the same settings, so that a training loop works them out once."""
