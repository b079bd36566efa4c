"""detect_anomaly: which operation made the first NaN or infinity, and in which module."""

from __future__ import annotations

import linecache
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from calligrad.batched import Batched
from calligrad.function import Function, Output
from calligrad.nn.module import Module
from calligrad.value import Value

_watching: ContextVar[bool] = ContextVar("watching", default=False)
_within: ContextVar[tuple[Module, ...]] = ContextVar("within", default=())  # the modules whose forward is running
_origins: WeakKeyDictionary[Function, list[str]] = WeakKeyDictionary()  # where each was applied: module path, line
_blocks = 0  # how many are open, in all threads
_changing = threading.Lock()


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Within this block the first operation that makes a NaN or an infinity, forward or backward, is an error.

    The ``FloatingPointError`` names the Function, the place in the array and the inputs there, the path of the
    module, and for a gradient the line where the Function had been applied. An infinity that was given, such as the
    ``-inf`` of a mask, may pass. Every array is looked at, which takes time: use it to find a fault, not in production.

    >>> import numpy as np
    >>> from calligrad import Value, detect_anomaly
    >>> x = Value(np.array([4.0, 0.0]))
    >>> with detect_anomaly():
    ...     y = np.sum(np.log(x))
    Traceback (most recent call last):
    ...
    FloatingPointError: Log() made -inf, in 1 of 2 numbers, first at (1,), of 0.0
    """
    token = _watching.set(True)
    _watch(+1)
    try:
        with np.errstate(all="ignore"):  # what NumPy would warn of is said here
            yield
    finally:
        _watch(-1)
        _watching.reset(token)


# ---------------------------------------------------------------- what is watched


def _watch(change: int) -> None:
    """Put the watched methods in place with the first block, and the plain ones with the end of the last."""
    global _blocks
    with _changing:
        if _blocks == 0 or _blocks + change == 0:
            for (owner, name), (plain, watched) in _METHODS.items():
                setattr(owner, name, watched if change > 0 else plain)
        _blocks += change


def _enter(self: Module, *args: Any, **kwargs: Any) -> Any:
    if not _watching.get():
        return _plain_enter(self, *args, **kwargs)
    token = _within.set((*_within.get(), self))
    try:
        return _plain_enter(self, *args, **kwargs)
    finally:
        _within.reset(token)


def _call(self: Function, *args: Any) -> Any:
    if not _watching.get():
        return _plain_call(self, *args)
    result = _plain_call(self, *args)
    _origins[self] = _origin()
    for y in result if isinstance(result, tuple) else (result,):
        _inspect(f"{self!r}", "of", y, args, args)
    return result


def _pull(self: Function, g: Any, create_graph: bool = False, release: bool = False) -> Sequence[Any]:
    if not _watching.get() or isinstance(self, Output):
        return _plain_pull(self, g, create_graph, release)
    given = list(g.values()) if isinstance(g, dict) else [g]
    kept = [*(self._kept or ()), self._y]

    def inspected(gx: Any) -> Any:
        if callable(gx):
            return lambda: inspected(gx())
        if gx is not None:
            _inspect(f"backward of {self!r}", "where it had kept", gx, given, kept, _origins.get(self, ()))
        return gx

    return tuple(map(inspected, _plain_pull(self, g, create_graph, release)))


_plain_enter, _plain_call, _plain_pull = Module.__call__, Function.__call__, Function.pull
_METHODS: dict[tuple[Any, str], tuple[Callable, Callable]] = {
    (Module, "__call__"): (_plain_enter, _enter),
    (Function, "__call__"): (_plain_call, _call),
    (Function, "pull"): (_plain_pull, _pull),
}


# ---------------------------------------------------------------- what is said


def _inspect(
    who: str, of: str, result: Any, given: Sequence[Any], known: Sequence[Any], origin: Sequence[str] = ()
) -> None:
    """Raise if ``result`` holds a NaN where none was ``given``, or an infinity where all that was given is finite."""
    y = _array(result)
    if y is None or np.all(finite := np.isfinite(y)):
        return
    arrays = [x for x in map(_array, given) if x is not None]
    nan = np.isnan(y)
    if np.any(nan) and not any(np.any(np.isnan(x)) for x in arrays):
        bad = nan
    elif all(np.all(np.isfinite(x)) for x in arrays):
        bad = ~finite
    elif np.any(nan) and (held := _leaf_with_nan(given)):
        raise _error(f"{who} was given NaN by {held}", origin)
    else:
        return
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    where = f", in {np.count_nonzero(bad)} of {y.size} numbers, first at {place}" if y.shape else ""
    there = [repr(x[place].item()) for x in map(_array, known) if x is not None and x.shape == y.shape]
    there = there or [_range(x) for x in map(_array, known) if x is not None]
    what = f", {of} {', '.join(there)}" if there else ""
    raise _error(f"{who} made {y[place].item()!r}{where}{what}", origin)


def _error(message: str, origin: Sequence[str]) -> FloatingPointError:
    error = FloatingPointError(message)
    for note in origin:
        error.add_note(note)
    return error


def _array(x: Any) -> np.ndarray | None:
    """The floating array in ``x``, if there is one."""
    x = np.asarray(x) if isinstance(x, (float, complex)) else x
    while isinstance(x, (Batched, Value)):  # within vmap: all examples at once
        x = x.examples if isinstance(x, Batched) else x.data
    return np.asarray(x) if getattr(x, "dtype", np.dtype(bool)).kind in "fc" else None


def _leaf_with_nan(given: Sequence[Any]) -> str:
    """What among ``given`` was not computed and holds a NaN."""
    for x in given:
        array = _array(x)
        if array is not None and np.any(np.isnan(array)) and getattr(x, "created_by", None) is None:
            place = tuple(int(i) for i in np.argwhere(np.isnan(array))[0])
            return f"{x.label() if isinstance(x, Value) else 'a constant'} of shape {array.shape}, first at {place}"
    return ""


def _range(x: np.ndarray) -> str:
    """The type of ``x`` and the least and the largest of its numbers."""
    what = f"{x.dtype}{list(x.shape)}"
    if not x.size or x.dtype.kind == "c":
        return what
    return f"{what} from {np.nanmin(x):.3g} to {np.nanmax(x):.3g}"


def _origin() -> list[str]:
    """The module whose forward is running, and the line outside of calligrad and NumPy that is."""
    notes = []
    if modules := _within.get():
        path = next((path for path, module in modules[0].named_modules() if module is modules[-1]), "")
        kind = type(modules[-1]).__name__
        notes.append(f"in module {path or kind}: {kind}({modules[-1].extra_repr()})")
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("calligrad", "numpy"):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is not None:
        file, line = frame.f_code.co_filename, frame.f_lineno
        code = linecache.getline(file, line).strip()
        notes.append(f"applied in {file}, line {line}" + (f": {code}" if code else ""))
    return notes
