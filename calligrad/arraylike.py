"""What every array type of calligrad shares: ndarray's operators and methods, spelled as NumPy functions.

An interpreter is an array type that speaks NumPy's two protocols. It inherits from ``ArrayLike`` and
defines ``__array_ufunc__`` and ``__array_function__``; all of ndarray's surface follows from those two.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np


def _binary(ufunc: np.ufunc, name: str) -> Callable:
    def method(self, other):
        return self.__array_ufunc__(ufunc, "__call__", self, other)

    method.__name__ = method.__qualname__ = f"__{name}__"
    return method


def _reflected(ufunc: np.ufunc, name: str) -> Callable:
    def method(self, other):
        return self.__array_ufunc__(ufunc, "__call__", other, self)

    method.__name__ = method.__qualname__ = f"__r{name}__"
    return method


def _unary(ufunc: np.ufunc, name: str) -> Callable:
    def method(self):
        return ufunc(self)

    method.__name__ = method.__qualname__ = f"__{name}__"
    return method


def _reduction(func: Callable) -> Callable:
    def method(self, *args, **kwargs):  # the function and ndarray's method take the same
        return func(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = func.__name__
    return method


def _in_place(operation: Callable) -> Callable:
    """``self += other`` and the like: this array is the result from now on, wherever it is seen."""

    def method(self, other):
        y = operation(self, other)
        if self._is_number() or not isinstance(y, ArrayLike):
            return y  # of a number NumPy makes a new one
        if y.shape != self.shape:
            raise ValueError(f"an array of shape {self.shape} does not take a result broadcast to shape {y.shape}")
        if not np.can_cast(y.dtype, self.dtype, "same_kind"):
            raise TypeError(f"an array of {self.dtype} does not take a result of {y.dtype} by casting='same_kind'")
        self._replace(y)
        return self

    name = operation.__name__.strip("_")
    method.__name__ = method.__qualname__ = f"__i{name}__"
    return method


class ArrayLike:
    """ndarray's attributes, operators and methods, over ``self.data``."""

    __slots__ = ()
    __hash__ = object.__hash__

    data: Any
    __array_ufunc__: Callable
    __getitem__: Callable
    __setitem__: Callable

    # ---- what an array is

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def itemsize(self) -> int:
        return self.data.itemsize

    @property
    def nbytes(self) -> int:
        return self.data.nbytes

    @property
    def strides(self) -> tuple[int, ...]:
        return self.data.strides

    @property
    def flags(self) -> Any:
        return self.data.flags

    @property
    def device(self) -> Any:
        return self.data.device

    @property
    def T(self) -> Self:
        return np.transpose(self)

    @property
    def mT(self) -> Self:
        return np.matrix_transpose(self)

    @property
    def real(self) -> Any:
        return np.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        self[...] = value + 1j * self.imag if self.dtype.kind == "c" else value

    @property
    def imag(self) -> Any:
        return np.imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError(f"an array of {self.dtype} has no imaginary part to set")
        self[...] = self.real + 1j * value

    @property
    def flat(self) -> Flat:
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return np

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Self]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(np.equal(self, item)))

    # ---- leaving: one number, deliberately

    def item(self, *index: Any) -> Any:
        """One element as a Python number. It leaves the graph: nothing flows back through a Python number."""
        return self.data.item(*index)

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers. They leave the graph."""
        return self.data.tolist()

    def __bool__(self) -> bool:
        return bool(self.data)

    def __index__(self) -> int:
        return operator.index(self.data)

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else str(self)

    def _is_number(self) -> bool:
        """Whether NumPy would have a number here, and no array of no axes."""
        return self.ndim == 0

    def _replace(self, y: Any) -> None:
        """Be ``y``, a new array of this shape, from now on."""
        self[...] = y

    # ---- operators

    __add__, __radd__ = _binary(np.add, "add"), _reflected(np.add, "add")
    __sub__, __rsub__ = _binary(np.subtract, "sub"), _reflected(np.subtract, "sub")
    __mul__, __rmul__ = _binary(np.multiply, "mul"), _reflected(np.multiply, "mul")
    __truediv__, __rtruediv__ = _binary(np.divide, "truediv"), _reflected(np.divide, "truediv")
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide, "floordiv"), _reflected(np.floor_divide, "floordiv")
    __mod__, __rmod__ = _binary(np.remainder, "mod"), _reflected(np.remainder, "mod")
    __divmod__, __rdivmod__ = _binary(np.divmod, "divmod"), _reflected(np.divmod, "divmod")
    __matmul__, __rmatmul__ = _binary(np.matmul, "matmul"), _reflected(np.matmul, "matmul")
    __rpow__ = _reflected(np.power, "pow")
    __and__, __rand__ = _binary(np.bitwise_and, "and"), _reflected(np.bitwise_and, "and")
    __or__, __ror__ = _binary(np.bitwise_or, "or"), _reflected(np.bitwise_or, "or")
    __xor__, __rxor__ = _binary(np.bitwise_xor, "xor"), _reflected(np.bitwise_xor, "xor")
    __lshift__, __rlshift__ = _binary(np.left_shift, "lshift"), _reflected(np.left_shift, "lshift")
    __rshift__, __rrshift__ = _binary(np.right_shift, "rshift"), _reflected(np.right_shift, "rshift")
    __lt__, __le__ = _binary(np.less, "lt"), _binary(np.less_equal, "le")
    __gt__, __ge__ = _binary(np.greater, "gt"), _binary(np.greater_equal, "ge")
    __eq__, __ne__ = _binary(np.equal, "eq"), _binary(np.not_equal, "ne")
    __neg__, __pos__ = _unary(np.negative, "neg"), _unary(np.positive, "pos")
    __abs__, __invert__ = _unary(np.absolute, "abs"), _unary(np.invert, "invert")

    __iadd__, __isub__ = _in_place(operator.add), _in_place(operator.sub)
    __imul__, __itruediv__ = _in_place(operator.mul), _in_place(operator.truediv)
    __ifloordiv__, __imod__ = _in_place(operator.floordiv), _in_place(operator.mod)
    __ipow__, __imatmul__ = _in_place(operator.pow), _in_place(operator.matmul)
    __iand__, __ior__, __ixor__ = _in_place(operator.and_), _in_place(operator.or_), _in_place(operator.xor)
    __ilshift__, __irshift__ = _in_place(operator.lshift), _in_place(operator.rshift)

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) in (int, float) and exponent == 2:  # as ndarray does: exact, and faster than pow
            return np.square(self)
        return self.__array_ufunc__(np.power, "__call__", self, exponent)

    # ---- methods, in NumPy's words

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Self:
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"cannot cast from {self.dtype} to {np.dtype(dtype)} by casting={casting!r}")
        y = self if not copy and np.dtype(dtype) == self.dtype else np.astype(self, dtype)
        return y if order == "K" else np.copy(y, order=order)

    def copy(self, order: str = "C") -> Self:
        return np.copy(self, order=order)

    def reshape(self, *shape: Any, order: str = "C", **copy: bool | None) -> Self:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order, **copy)

    def ravel(self, order: str = "C") -> Self:
        return np.ravel(self, order=order)

    def flatten(self, order: str = "C") -> Self:
        return self.ravel(order).copy()

    def transpose(self, *axes: Any) -> Self:
        nest = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list)))
        return np.transpose(self, (axes[0] if nest else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        return np.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Self:
        return np.squeeze(self, axis=axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        return np.repeat(self, repeats, axis=axis)

    def take(self, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise") -> Self:
        return np.take(self, indices, axis, out, mode)

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Self:
        return np.compress(condition, self, axis, out)

    def choose(self, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
        return np.choose(self, choices, out, mode)

    def nonzero(self) -> Any:
        return np.nonzero(self)  # type: ignore[arg-type]

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        return np.searchsorted(self, v, side, sorter)

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        np.put(self, indices, values, mode)  # type: ignore[arg-type]

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> None:
        self[...] = np.sort(self, axis, kind, order, stable=stable)

    def partition(self, kth: Any, axis: int = -1, kind: Any = "introselect", order: Any = None) -> None:
        self[...] = np.partition(self, kth, axis, kind, order)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        return np.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Self:
        return np.trace(self, offset, axis1, axis2, dtype, out)

    sum, prod, mean = _reduction(np.sum), _reduction(np.prod), _reduction(np.mean)
    var, std = _reduction(np.var), _reduction(np.std)
    max, min = _reduction(np.max), _reduction(np.min)
    argmax, argmin = _reduction(np.argmax), _reduction(np.argmin)
    all, any = _reduction(np.all), _reduction(np.any)
    cumsum, cumprod = _reduction(np.cumsum), _reduction(np.cumprod)

    def argsort(self, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
        return np.argsort(self, axis, kind, order, stable=stable)  # type: ignore[arg-type]

    def argpartition(self, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None) -> Any:
        return np.argpartition(self, kth, axis, kind, order)  # type: ignore[arg-type]

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **keywords: Any) -> Self:
        return np.clip(self, min, max, out, **keywords)

    def conjugate(self) -> Self:
        return np.conjugate(self) if self.dtype.kind == "c" else self

    conj = conjugate

    def round(self, decimals: int = 0, out: Any = None) -> Any:
        return np.round(self, decimals, out)

    def dot(self, b: Any, out: Any = None) -> Self:
        return np.dot(self, b, out)


class Flat:
    """``array.flat``: the numbers of an array in one row, to be gone through, read and written."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self._rest = iter(np.reshape(array, -1))

    def __len__(self) -> int:
        return self.array.size

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._rest)

    def __getitem__(self, key: Any) -> Any:
        return np.reshape(self.array, -1)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        np.put(self.array, np.arange(len(self))[key], value)
