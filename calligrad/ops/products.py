"""Products of vectors and of stacks of them: outer, Kronecker, cross and scalar ones, and NumPy's product ufuncs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calligrad.function import Function, sum_to
from calligrad.ops.contract import MatMul, rows
from calligrad.rules import implements
from calligrad.value import conj

# ---------------------------------------------------------------- every number with every other


class Outer(Function, of=np.outer):
    """``np.outer``: the product of every number of ``a`` with every number of ``b``."""

    def forward(self, a, b):
        return np.outer(a, b)

    def backward(self, g, a, b):
        return lambda: np.reshape(g @ np.reshape(b, -1), a.shape), lambda: np.reshape(np.reshape(a, -1) @ g, b.shape)


@implements(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Any:
    """``np.linalg.outer``: ``np.outer`` of vectors."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"np.linalg.outer takes two vectors, not arrays with {np.ndim(x1)} and {np.ndim(x2)} axes")
    return np.outer(x1, x2)


class Kron(Function, of=np.kron):
    """``np.kron``: ``a`` with every number replaced by that number times ``b``."""

    def forward(self, a, b):
        return np.kron(a, b)

    def backward(self, g, a, b):
        n = max(a.ndim, b.ndim)
        if n > 1:  # axis i of the result runs over axis i of a and, faster, over that of b
            wide = [(1,) * (n - x.ndim) + x.shape for x in (a, b)]
            g = np.reshape(g, [size for pair in zip(*wide, strict=True) for size in pair])
            g = np.transpose(g, (*range(0, 2 * n, 2), *range(1, 2 * n, 2)))
        g = np.reshape(g, (a.size, b.size))
        return lambda: np.reshape(g @ np.reshape(b, -1), a.shape), lambda: np.reshape(np.reshape(a, -1) @ g, b.shape)


# ---------------------------------------------------------------- vectors in space


class Cross(Function, of=np.cross):
    """``np.cross``: the product perpendicular to two vectors of three (or, in the plane, two) numbers."""

    axisa: int = -1
    axisb: int = -1
    axisc: int = -1
    axis: int | None = None

    def forward(self, a, b):
        return np.cross(a, b, self.axisa, self.axisb, self.axisc, self.axis)

    def backward(self, g, a, b):
        axes = (self.axisa, self.axisb, self.axisc) if self.axis is None else (self.axis,) * 3
        flat = a.shape[axes[0]] == b.shape[axes[1]] == 2  # the product is the one number perpendicular to the plane
        a, b = np.moveaxis(a, axes[0], -1), np.moveaxis(b, axes[1], -1)
        g = g[..., None] if flat else np.moveaxis(g, axes[2], -1)

        def gradient(u: Any, v: Any, shape: tuple[int, ...], axis: int) -> Any:
            return np.moveaxis(sum_to(_cross(u, v)[..., : shape[-1]], shape), -1, axis)

        u, v, w = _in_space(a), _in_space(b), np.concatenate([0 * g, 0 * g, g], -1) if flat else g
        return lambda: gradient(v, w, a.shape, axes[0]), lambda: gradient(w, u, b.shape, axes[1])


def _in_space(x: Any) -> Any:
    """Vectors with a third number, 0 for those in the plane."""
    return x if x.shape[-1] == 3 else np.concatenate([x, 0 * x[..., :1]], -1)


def _cross(u: Any, v: Any) -> Any:
    """The cross product along the last axis: np.cross without its questions, three times faster when small."""
    u0, u1, u2 = u[..., 0], u[..., 1], u[..., 2]
    v0, v1, v2 = v[..., 0], v[..., 1], v[..., 2]
    return np.stack([u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0], -1)


@implements(np.linalg.cross)
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """``np.linalg.cross``: ``np.cross`` of vectors of three numbers."""
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise ValueError(
            f"np.linalg.cross takes vectors of 3 numbers, not of {np.shape(x1)[axis]} and {np.shape(x2)[axis]}"
        )
    return np.cross(x1, x2, axis=axis)


# ---------------------------------------------------------------- scalar products


class Vdot(Function, of=np.vdot):
    """``np.vdot``: the sum of ``conj(a) * b`` over all numbers of both."""

    def forward(self, a, b):
        return np.vdot(a, b)

    def backward(self, g, a, b):
        return lambda: conj(g * np.reshape(b, a.shape)), lambda: g * conj(np.reshape(a, b.shape))


class VecDot(Function, of=np.vecdot):
    """``np.vecdot``: the sum of ``conj(a) * b`` over the last axis; the others broadcast."""

    broadcasts = True

    def backward(self, g, a, b):
        return lambda: conj(g[..., None] * b), lambda: g[..., None] * conj(a)


@implements(np.linalg.vecdot)
def linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """``np.linalg.vecdot``: ``np.vecdot`` over ``axis``."""
    return np.vecdot(x1, x2) if axis == -1 else np.vecdot(x1, x2, axis=axis)


@implements(np.linalg.matmul)
def linalg_matmul(x1: Any, x2: Any, /) -> Any:
    """``np.linalg.matmul``: ``np.matmul``."""
    return np.matmul(x1, x2)


PRODUCTS: list[type[Function]] = [MatMul, VecDot]
"""NumPy's product ufuncs, over the last axes of two inputs whose other axes broadcast."""

if hasattr(np, "matvec"):  # since NumPy 2.2

    class MatVec(Function, of=np.matvec):
        """``np.matvec``: matrices in the last two axes times vectors in the last; the others broadcast."""

        broadcasts = True

        def backward(self, g, a, b):
            shared = b.ndim == 1 and a.ndim > 2  # one vector for a stack of matrices
            return (
                lambda: _outer_of_last(g, b, a.ndim),
                lambda: np.reshape(g, -1) @ rows(a) if shared else np.matvec(a.mT, g),
            )

    class VecMat(Function, of=np.vecmat):
        """``np.vecmat``: conjugated vectors in the last axis times matrices in the last two; the others broadcast."""

        broadcasts = True

        def backward(self, g, a, b):
            return lambda: conj(np.matvec(b, g)), lambda: _outer_of_last(conj(a), g, b.ndim)

    PRODUCTS += [MatVec, VecMat]


def _outer_of_last(u: Any, v: Any, ndim: int) -> Any:
    """The outer products of vectors in the last axes, summed over the stack where one matrix is wanted."""
    return rows(u).mT @ rows(v) if ndim == 2 else u[..., :, None] * v[..., None, :]


class AlongAxes(Function):
    """A product ufunc with keywords: ``axes``, ``axis`` and ``keepdims`` say where its axes are, the rest how."""

    product: Any
    keywords: dict[str, Any]

    def forward(self, a, b):
        return self.product.of(a, b, **self.keywords)

    def backward(self, g, a, b):
        of_a, of_b, of_y = self._axes()
        a, b, g = _to_the_end(a, of_a), _to_the_end(b, of_b), _to_the_end(g, of_y)
        if self.keywords.get("keepdims"):
            g = g[..., 0]

        def back(gx: Callable, x: Any, axes: Sequence[int]) -> Any:
            return np.moveaxis(sum_to(gx(), x.shape), range(-len(axes), 0), axes)

        ga, gb = self.product.backward(self, g, a, b)
        return lambda: back(ga, a, of_a), lambda: back(gb, b, of_b)

    def _axes(self) -> list[tuple[int, ...]]:
        """The axes of both inputs and of the output that go to the end; none where they are there."""
        axis, keepdims = self.keywords.get("axis"), self.keywords.get("keepdims", False)
        axes: Any = self.keywords.get("axes")
        if axes is None:
            axes = [axis, axis] if axis is not None else [-1, -1] if keepdims else [(), (), ()]
        axes = [(entry,) if np.ndim(entry) == 0 else tuple(entry) for entry in axes]
        return axes if len(axes) == 3 else [*axes, axes[0] if keepdims else ()]


def _to_the_end(x: Any, axes: Sequence[int]) -> Any:
    return np.moveaxis(x, axes, range(-len(axes), 0)) if axes else x


def _rule(product: Any) -> Callable:
    def rule(a: Any, b: Any, **keywords: Any) -> Any:
        if keywords.pop("out", None) is not None:
            raise TypeError(f"np.{product.of.__name__} of a Value does not take out; take the result instead")
        return AlongAxes(product, keywords)(a, b) if keywords else product()(a, b)

    return rule


for _product in PRODUCTS:
    implements(_product.of)(_rule(_product))  # type: ignore[arg-type]
