"""Traced: an array that writes down what is done to it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from calligrad.arraylike import ArrayLike

if TYPE_CHECKING:
    from calligrad.compiler.program import Var
    from calligrad.compiler.storage import Storage, View
    from calligrad.compiler.trace import Trace


class CaptureError(TypeError):
    """A function does what ``compile`` cannot capture; the message names the line and the way out."""


class Traced(ArrayLike):
    """An array of a function that is being captured. ``data`` is what it holds in this run.

    Arrays that share memory have one ``storage``; what is written into one of them is seen in the others, as in NumPy.
    """

    __slots__ = ("__weakref__", "asked", "data", "storage", "symbol", "taken", "tracer", "version")

    def __init__(self, data: Any, trace: Trace, storage: Storage, var: Var) -> None:
        self.data = data
        self.tracer = trace
        self.storage = storage
        self.symbol = var  # what stands for it in the program, as long as the storage has this version
        self.version = storage.version
        self.taken: View | None = None  # how it was made, if it is a view of another
        self.asked: Callable | None = None  # np.any or np.all, if that made it

    # ---- NumPy's two protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for x in inputs if method != "at" else inputs[::2]:  # the second of ``at`` is a key
            if type(x) is not Traced and (isinstance(x, ArrayLike) or not _is_known(x)):
                return NotImplemented  # a Value goes around an array, never inside
        return self.tracer.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(t, ArrayLike) and t is not Traced for t in types):
            return NotImplemented
        return self.tracer.call(func, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self.tracer.getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.tracer.setitem(self, key, value)

    def _is_number(self) -> bool:
        return isinstance(self.data, np.generic)

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) in (int, float) and exponent in _POWERS:  # as ndarray does: exact, and faster than pow
            is_exact = self.dtype.kind in "fc" or (type(exponent) is int and exponent == 2)
            if is_exact and not self._is_number():
                return _POWERS[exponent](self)
        return self.__array_ufunc__(np.power, "__call__", self, exponent)

    # ---- what an array is

    @property
    def base(self) -> Any:
        """The array of which this is a view, or None."""
        return None if self.taken is None else self.taken.source

    def __repr__(self) -> str:
        return f"Traced({self.dtype}{list(self.shape)})"

    def copy(self, order: Any = "C") -> Any:
        """A copy; of a number the number, which nobody can change."""
        return self if self._is_number() else np.copy(self, order=order)

    def __copy__(self) -> Traced:
        return self.copy()

    def __deepcopy__(self, memo: dict) -> Traced:
        return self.copy()

    # ---- leaving: a program holds for any numbers

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a captured array has no {name}")
        raise self.tracer.error(f"x.{name} is no operation of a program. Take it outside of the function")

    def __bool__(self) -> bool:
        # Functions of calligrad may ask whether an exceptional value is anywhere (np.any), or whether all is well
        # (np.all). Then they go the way that is right for any values.
        if self.asked is not None and sys._getframe(1).f_globals.get("__name__", "").startswith("calligrad."):
            return self.asked is np.any
        return self._refuse("if, while, and, or, not, bool(x)", "np.where(condition, a, b), np.logical_and(a, b), …")

    def __contains__(self, item: Any) -> bool:
        self._refuse("a in x", "np.any(x == a), for np.where and the like")

    def __float__(self) -> float:
        self._refuse("float(x)", "np.… in place of math.…, and return what is to be a number")

    def __int__(self) -> int:
        self._refuse("int(x)", "x.astype(int), or pass the number as an argument of its own")

    def __complex__(self) -> complex:
        self._refuse("complex(x)", "x.astype(complex)")

    def __round__(self, digits: int | None = None) -> Any:
        return np.round(self, digits or 0)

    def __index__(self) -> int:
        self._refuse("x as a size, a bound or a whole number", "np.take(array, x, axis) for array[x], or pass an int")

    def __format__(self, spec: str) -> str:
        if spec:
            self._refuse(f"a text with the number, {{x:{spec}}}", "it outside: return the array")
        return repr(self)

    def item(self, *index: Any) -> Any:
        """Refused: it is another number in every run."""
        self._refuse("x.item()", "x[…] for an array of one number, and return it")

    def tolist(self) -> Any:
        """Refused: they are other numbers in every run."""
        self._refuse("x.tolist()", "list(x) for a list of arrays, and return them")

    def tobytes(self, order: str = "C") -> bytes:
        """Refused: they are other bytes in every run."""
        self._refuse("x.tobytes()", "it outside: return the array")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse(
            "np.asarray(x), np.array([…]), or array[x] and array[…] = x on an array of NumPy's own",
            "x itself, np.stack([…]) to join, y = np.zeros_like(x, shape=…) for an array to write into, and make arrays"
            " that x picks from outside of the function",
        )

    def __dlpack__(self, **kwargs: Any) -> Any:
        self._refuse("x.__dlpack__()", "it outside: return the array")

    def __reduce__(self) -> Any:
        self._refuse("pickling x", "it outside: return the array")

    def _refuse(self, what: str, way_out: str) -> NoReturn:
        raise self.tracer.error(f"{what} would fix a number that changes from call to call. Write {way_out}")


_POWERS = {2: np.square, -1: np.reciprocal, 0.5: np.sqrt}
"""What an array is raised to, and how ndarray does it; of whole numbers only the square."""


def _is_known(x: Any) -> bool:
    return isinstance(x, (Traced, np.ndarray, np.generic, int, float, complex, list, tuple)) or hasattr(
        type(x), "is_host"
    )
