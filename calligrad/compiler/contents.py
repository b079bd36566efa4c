"""Which NumPy functions ask only for shapes, which write, and which give results whose shape hangs on the contents."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler import operations
from calligrad.compiler.host import Number
from calligrad.compiler.traced import Traced
from calligrad.rules import numpy_name

if TYPE_CHECKING:
    from calligrad.compiler.trace import Trace

STATIC: frozenset[Callable] = frozenset(
    (
        np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.iscomplexobj, np.isrealobj,
        np.may_share_memory, np.shares_memory, np.einsum_path,
    )
)  # fmt: skip
"""What a program need not compute: shapes and dtypes are the same in every run."""

WRITERS: dict[Callable, str] = {
    np.copyto: "dst", np.place: "arr", np.put: "a", np.putmask: "a", np.put_along_axis: "arr", np.fill_diagonal: "a",
}  # fmt: skip
"""What changes its first argument, and what that is called."""

COMPOSED: frozenset[Callable] = frozenset((np.apply_along_axis, np.apply_over_axes))
"""What takes a Python function: calligrad's rule calls it on Traced arrays."""

_SHAPE = "gives an array whose shape depends on the contents, and a program has fixed shapes. Use np.where with a mask"
_TEXT = "gives a text with numbers of this run. Return the array, and print it outside"
_DTYPE = "gives a dtype that depends on the number. Ask for np.result_type(x)"
_DATES = "takes dates, which a program does not know"

_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    _SHAPE: (
        np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.unique_all, np.unique_counts, np.unique_inverse,
        np.unique_values, np.extract, np.trim_zeros, np.setdiff1d, np.intersect1d, np.union1d, np.setxor1d, np.roots,
    ),
    _TEXT: (np.array_repr, np.array_str, np.array2string, np.save, np.savez, np.savez_compressed, np.savetxt),
    _DTYPE: (np.min_scalar_type,),
    _DATES: (np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string),
}  # fmt: skip

REFUSED: dict[Callable, str] = {func: why for why, functions in _FUNCTIONS.items() for func in functions}
"""What no program can hold, and why."""

COUNTS: dict[Callable, tuple[int, str]] = {
    np.compress: (0, "condition"),
    np.repeat: (1, "repeats"),
    np.delete: (1, "obj"),
    np.insert: (1, "obj"),
    np.split: (1, "indices_or_sections"),
    np.array_split: (1, "indices_or_sections"),
    np.hsplit: (1, "indices_or_sections"),
    np.vsplit: (1, "indices_or_sections"),
    np.dsplit: (1, "indices_or_sections"),
    np.tile: (1, "reps"),
    np.resize: (1, "new_shape"),
    np.reshape: (1, "shape"),
    np.broadcast_to: (1, "shape"),
    np.transpose: (1, "axes"),
    np.pad: (1, "pad_width"),
}
"""Functions with an argument that decides on the shape: its position and name."""

VARYING: frozenset[Callable] = frozenset(
    (
        np.bincount, np.polymul, np.polydiv, np.poly, np.polyfit, np.real_if_close, np.linalg.eig, np.linalg.eigvals,
        np.linalg.lstsq, *(getattr(np.emath, name) for name in np.emath.__all__),
    )
)  # fmt: skip
"""Functions of NumPy's whose results have a shape or dtype that may depend on the contents: every run looks."""

_PLAIN_INTEGERS: frozenset[Callable] = frozenset((np.where, np.clip, np.full_like, np.select))
"""Functions to which a Python int is a number like others, and no axis, size or count."""

_OUT = {np.concatenate: 2, np.dot: 2}  # older versions of NumPy do not tell what these take


def may_vary(func: Callable) -> bool:
    """Whether nobody knows that its results have the shape and dtype in every run that they have in this one."""
    if func in VARYING:
        return True
    if isinstance(getattr(func, "__self__", func), np.ufunc) or hasattr(func, "reference"):
        return False
    return not (getattr(func, "__module__", None) or "").startswith(("numpy", "_operator", operations.__name__))


def refuse(trace: Trace, func: Callable, args: Any, kwargs: Any) -> None:
    """Raise for a call whose result has a shape that depends on the contents, or that no program can hold."""
    if (why := REFUSED.get(func)) is not None:
        raise trace.error(f"{numpy_name(func)} {why}")
    if kwargs.get("overwrite_input"):
        raise trace.error("overwrite_input=True leaves the input in no defined state; leave it out")
    if func is np.where and len(args) + len(kwargs) == 1:
        raise trace.error(f"np.where(condition) alone {_SHAPE}")
    if func is np.ix_ and any(is_mask(x) for x in args):
        raise trace.error(f"np.ix_ of a mask {_SHAPE}")
    if func is np.bincount and not kwargs.get("minlength", args[2] if len(args) > 2 else 0):
        raise trace.error("np.bincount has as many bins as the largest number asks for; use np.add.at on zeros")
    if func in (np.histogram, np.histogram_bin_edges) and isinstance(_argument(args, kwargs, 1, "bins"), str):
        raise trace.error(f"{numpy_name(func)} with bins by a rule {_SHAPE[: _SHAPE.index('. ')]}. Give their number")
    if func in COUNTS and _holds_traced(_argument(args, kwargs, *COUNTS[func])):
        raise trace.error(f"{numpy_name(func)} with an array as {COUNTS[func][1]} {_SHAPE}")


def by_position(func: Callable, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Arguments that were all given by name, as passes and backends look for them: the first ones by position."""
    try:
        bound = inspect.signature(func).bind(**kwargs)
    except (TypeError, ValueError):
        return (), kwargs
    return bound.args, bound.kwargs


def without_out(func: Callable, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any], Any]:
    """The arguments but ``out``, and that."""
    out = kwargs.pop("out", None)
    position = _position_of_out(func)
    if position is not None and len(args) > position:
        args, out = (*args[:position], None, *args[position + 1 :]), args[position]
    return args, kwargs, out[0] if isinstance(out, tuple) and len(out) == 1 else out


@functools.cache
def _position_of_out(func: Callable) -> int | None:
    try:
        parameters = inspect.signature(func).parameters
    except (TypeError, ValueError):
        return _OUT.get(func)
    place = list(parameters).index("out") if "out" in parameters else None
    return None if place is None or parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY else place


def settled(func: Callable, x: Any) -> Any:
    """An argument of ``func``: a Number that counts, such as an axis, is an int for which the capture then holds."""
    if type(x) is Number and isinstance(x.value, int) and not isinstance(func, np.ufunc):
        return x if func in _PLAIN_INTEGERS else x.__index__()
    return x


def settled_key(trace: Trace, key: Any) -> Any:
    """The key with plain ints in it. Raises for a mask that is computed: it picks another number in every run."""
    if type(key) is tuple:
        return tuple([settled_key(trace, part) for part in key])
    if type(key) is Number:
        return key.__index__()
    if type(key) is slice:
        return slice(
            *(x.__index__() if isinstance(x, (Number, Traced)) else x for x in (key.start, key.stop, key.step))
        )
    return key


def refuse_mask(trace: Trace, key: Any) -> None:
    """Raise for a key with a mask that is computed: it picks another number of places in every run."""
    for part in key if type(key) is tuple else (key,):
        if _holds_mask(part):
            raise trace.error(f"x[mask] {_SHAPE}; np.add(x, 1, out=x, where=mask) changes places in place")


def is_mask(key: Any) -> bool:
    """Whether the key is one mask that is computed."""
    return type(key) is Traced and key.dtype == np.bool_


def _holds_mask(part: Any) -> bool:
    return any(map(_holds_mask, part)) if type(part) is list else is_mask(part)


def _argument(args: Any, kwargs: Any, position: int, name: str) -> Any:
    return kwargs.get(name, args[position] if len(args) > position else None)


def _holds_traced(x: Any) -> bool:
    return type(x) is Traced or (isinstance(x, (tuple, list)) and any(map(_holds_traced, x)))
