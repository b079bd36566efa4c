"""NumPy's functions that pass over NaNs: a number that is NaN takes no part, and its gradient is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.ops.accumulate import Accumulation, CumProd
from calligrad.ops.elementwise import masked
from calligrad.ops.reduce import Fold, Max, Min, Prod, Selective, Std, Var
from calligrad.value import as_arraylike


class Numbers:
    """Of a reduction: that no NaN takes part."""

    of: Any
    given: Any
    where: Any

    def forward(self, a, mean=None):
        return self.of(a, **self.given()) if mean is None else self.of(a, **self.given(), mean=mean)

    def part(self, x: Any = None) -> Any:
        return ~np.isnan(x) & (True if self.where is True else as_arraylike(self.where))


class NanSum(Numbers, Fold, of=np.nansum):
    """``np.nansum``."""

    def backward(self, g, x):
        return self.spread(g, self.part(x))


class NanProd(Numbers, Prod, of=np.nanprod):
    """``np.nanprod``."""


class NanMean(Numbers, Selective, of=np.nanmean):
    """``np.nanmean``."""

    def backward(self, g, x):
        return self.shared(g, self.part(x))


class NanVar(Numbers, Var, of=np.nanvar):
    """``np.nanvar``."""


class NanStd(Numbers, Std, of=np.nanstd):
    """``np.nanstd``."""


class NanMax(Max, of=np.nanmax):
    """``np.nanmax``; equal maxima share the gradient evenly (a subgradient), and so do NaNs among themselves."""

    def forward(self, a):
        return self.of(as_arraylike(a), **self.given())  # of NumPy's scalars NumPy goes another way


class NanMin(Min, of=np.nanmin):
    """``np.nanmin``; equal minima share the gradient evenly (a subgradient), and so do NaNs among themselves."""

    def forward(self, a):
        return self.of(as_arraylike(a), **self.given())  # of NumPy's scalars NumPy goes another way


class NanCumSum(Accumulation, of=np.nancumsum):
    """``np.nancumsum``."""

    def forward(self, a):
        return np.nancumsum(a, self.axis, self.dtype)

    def backward(self, g, x):
        return masked(self.behind(g), ~np.isnan(x))


class NanCumProd(CumProd, of=np.nancumprod):
    """``np.nancumprod``; exact at zeros."""

    def forward(self, a):
        return np.nancumprod(a, self.axis, self.dtype)

    def backward(self, g, x, *, y):
        gap = np.isnan(x)
        return masked(super().backward(g, np.where(gap, 1, x), y=y), ~gap)
