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


class ArrayLike:
    """ndarray's attributes, operators and methods, over ``self.data``."""

    __slots__ = ()
    __hash__ = object.__hash__

    data: Any
    __array_ufunc__: Callable
    __getitem__: Callable

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
    def device(self) -> Any:
        return self.data.device

    @property
    def T(self) -> Self:
        return np.transpose(self)

    @property
    def mT(self) -> Self:
        return np.matrix_transpose(self)

    @property
    def real(self) -> Self:
        return np.real(self)

    @property
    def imag(self) -> Self:
        return np.imag(self)

    @property
    def flat(self) -> Iterator[Self]:
        return iter(np.reshape(self, -1))

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

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) in (int, float) and exponent == 2:  # as ndarray does: exact, and faster than pow
            return np.square(self)
        return self.__array_ufunc__(np.power, "__call__", self, exponent)

    # ---- methods, in NumPy's words

    def astype(self, dtype: Any) -> Self:
        return np.astype(self, dtype)

    def copy(self, order: str = "C") -> Self:
        return np.copy(self, order=order)

    def reshape(self, *shape: Any, order: str = "C") -> Self:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def ravel(self, order: str = "C") -> Self:
        return np.ravel(self, order=order)

    def flatten(self, order: str = "C") -> Self:
        return self.ravel(order).copy()

    def transpose(self, *axes: Any) -> Self:
        return np.transpose(self, (axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        return np.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Self:
        return np.squeeze(self, axis=axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        return np.repeat(self, repeats, axis=axis)

    def take(self, indices: Any, axis: int | None = None) -> Self:
        return np.take(self, indices, axis=axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        return np.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        return np.trace(self, offset, axis1, axis2)

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Self:
        return np.sum(self, axis=axis, dtype=dtype, keepdims=keepdims)

    def prod(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Self:
        return np.prod(self, axis=axis, dtype=dtype, keepdims=keepdims)

    def mean(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Self:
        return np.mean(self, axis=axis, dtype=dtype, keepdims=keepdims)

    def var(self, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Self:
        return np.var(self, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Self:
        return np.std(self, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Self:
        return np.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Self:
        return np.min(self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Any:
        return np.argmax(self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Any:
        return np.argmin(self, axis=axis, keepdims=keepdims)

    def argsort(self, axis: int | None = -1) -> Any:
        return np.argsort(self, axis=axis)  # type: ignore[arg-type]

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.all(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.any(self, axis=axis, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Self:
        return np.cumsum(self, axis=axis)

    def cumprod(self, axis: int | None = None) -> Self:
        return np.cumprod(self, axis=axis)

    def clip(self, min: Any = None, max: Any = None) -> Self:
        return np.clip(self, min, max)

    def conjugate(self) -> Self:
        return np.conjugate(self)

    conj = conjugate

    def round(self, decimals: int = 0) -> Any:
        return np.round(self, decimals)

    def dot(self, b: Any) -> Self:
        return np.dot(self, b)
