"""Which NumPy function is batched in which way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.batched import BATCHING, Level
from calligrad.batching.makers import (
    Call,
    aligned,
    along,
    asked_of_all,
    beyond,
    elementwise,
    leading,
    names_of,
    of_shapes,
    rearranged,
    refused,
)


def _fill(maker: Callable, names: str, /, *args: Any, **settings: Any) -> None:
    """The rule of that kind for each of the functions that this NumPy has."""
    for name in names.split():
        func: Any = np
        for part in name.split("."):
            func = getattr(func, part, None)
        if func is not None:
            BATCHING[func] = maker(func, *args, **settings)


# ---------------------------------------------------------------- number by number

_fill(elementwise, "clip", "a", "a_min", "a_max", "min", "max")
_fill(elementwise, "round around", "a")
_fill(elementwise, "fix isposinf isneginf nan_to_num iscomplex isreal i0 sinc astype", "x")
_fill(elementwise, "real imag", "val")
_fill(elementwise, "angle", "z")
_fill(elementwise, "isclose", "a", "b", "rtol", "atol")
_fill(elementwise, "copy", "a")
_fill(elementwise, "select", "condlist", "choicelist", "default")
BATCHING[np.choose] = lambda level, a, choices, *args, **kwargs: elementwise(np.choose, "a", "choices")(
    level, a, list(choices), *args, **kwargs
)
_fill(elementwise, "searchsorted", "v")  # in one array; a batch of them goes one by one
_fill(elementwise, "digitize interp", "x")
_fill(elementwise, "isin", "element")
_fill(elementwise, "unravel_index", "indices", names=("indices", "shape", "order"))
_fill(elementwise, "ravel_multi_index", "multi_index", names=("multi_index", "dims", "mode", "order"))

# ---------------------------------------------------------------- along axes


_fill(along, "sum prod mean std var max min amax amin ptp median average count_nonzero", "a")
_fill(along, "nansum nanprod nanmean nanstd nanvar nanmax nanmin nanmedian", "a")
_fill(along, "any", "a", finish=asked_of_all(np.any))
_fill(along, "all", "a", finish=asked_of_all(np.all))
_fill(along, "argmax argmin nanargmax nanargmin cumsum cumprod nancumsum nancumprod", "a", whole="flat")
_fill(along, "cumulative_sum cumulative_prod", "x", whole="only")
_fill(along, "sort argsort partition argpartition", "a", default=-1, whole="flat")
_fill(along, "compress", "a", whole="flat")
_fill(along, "unwrap", "p", default=-1)
_fill(along, "gradient", "f", names=("f",))
_fill(along, "flip", "m")
_fill(along, "rot90", "m", axis="axes", default=(0, 1))
_fill(along, "repeat", "a", whole="flat")
_fill(along, "split array_split", "ary", default=0)
_fill(along, "unstack", "x", default=0)
_fill(along, "lib.stride_tricks.sliding_window_view", "x")
_fill(along, "fft.fft fft.ifft fft.rfft fft.irfft fft.hfft fft.ihfft", "a", default=-1)
_fill(along, "fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2", "a", axis="axes", default=(-2, -1))
_fill(along, "fft.fftn fft.ifftn fft.rfftn fft.irfftn", "a", axis="axes")
_fill(along, "fft.fftshift fft.ifftshift", "x", axis="axes")


def _quantile(func: Callable) -> Callable:
    """The axes of ``q`` come first in the result."""

    def rule(level: Level, *args: Any, **kwargs: Any) -> Any:
        asked = kwargs["q"] if "q" in kwargs else args[1]
        return along(func, "a", finish=lambda level, y: level.wrap(np.moveaxis(y, np.ndim(asked), 0)))(
            level, *args, **kwargs
        )

    return rule


_fill(_quantile, "percentile quantile nanpercentile nanquantile")


def _spaced(func: Callable) -> Callable:
    """np.linspace and its kin: the numbers lie along ``axis``, which is new."""

    def rule(level: Level, *args: Any, **kwargs: Any) -> Any:
        call = Call(func, names_of(func), level, args, kwargs)
        given = [name for name in ("start", "stop", "base") if call.has(name) and not np.isscalar(call.get(name))]
        ends = aligned(level, [call.get(name) for name in given])
        for name, x in zip(given, ends):
            call.set(name, x)
        call.set("axis", beyond(call.get("axis", 0), ends[0].ndim))
        y = call()
        return (level.wrap(y[0]), level.wrap(y[1])) if isinstance(y, tuple) else level.wrap(y)

    return rule


_fill(_spaced, "linspace logspace geomspace")

# ---------------------------------------------------------------- rearranging, matrices, the rest

_fill(rearranged, "resize", "a")
_fill(rearranged, "delete", "arr")
_fill(rearranged, "insert", "arr", "values")
_fill(rearranged, "extract", "arr")
_fill(rearranged, "block", "arrays")
_fill(rearranged, "tile", "A")

_MATRICES = "inv det slogdet cholesky qr eig eigh eigvals eigvalsh pinv matrix_power"
_fill(leading, " ".join(f"linalg.{name}" for name in _MATRICES.split()), "a")
_fill(leading, "linalg.svd", "a")
_fill(leading, "linalg.svdvals linalg.cond linalg.matrix_norm linalg.diagonal linalg.trace", "x")
_fill(leading, "linalg.matrix_rank", "A")

_fill(of_shapes, "shape ndim size result_type can_cast min_scalar_type common_type iscomplexobj isrealobj")
_fill(of_shapes, "diag_indices_from tril_indices_from triu_indices_from einsum_path")

_RAGGED = "the examples may differ in how many there are; compute with np.where(condition, a, b) instead"
_fill(refused, "nonzero flatnonzero argwhere", _RAGGED)
_CHOOSE = elementwise(np.where, "condition", "x", "y", names=("condition", "x", "y"))
_WHERE = refused(np.where, _RAGGED)
BATCHING[np.where] = lambda level, *args: (_CHOOSE if len(args) > 1 else _WHERE)(level, *args)
