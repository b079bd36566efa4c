"""Contractions: products summed over shared axes."""

from __future__ import annotations

import functools
import math
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calligrad.function import Function, constant
from calligrad.rules import implements
from calligrad.value import bind_operator, unwrap


class MatMul(Function, of=np.matmul):
    """``a @ b``: the matrix product of the last two axes; leading axes broadcast, vectors are taken as NumPy does."""

    broadcasts = True

    def backward(self, g, a, b):
        return matmul_gradients(g, a, b)


def matmul_gradients(g: Any, a: Any, b: Any) -> tuple[Callable, Callable]:
    """The gradients of ``a`` and ``b``, given the gradient of ``a @ b``; leading axes are yet to be summed."""
    if a.ndim == 1 and b.ndim == 1:
        return lambda: g * b, lambda: g * a
    if a.ndim == 1:
        return lambda: b @ g if b.ndim == 2 else (b @ g[..., None])[..., 0], lambda: a[:, None] * g[..., None, :]
    if b.ndim == 1:
        return lambda: g[..., None] * b, lambda: np.reshape(g, -1) @ rows(a)
    if b.ndim == 2 and a.ndim > 2:  # one product over all leading axes, instead of many and a sum
        return lambda: g @ b.mT, lambda: rows(a).mT @ rows(g)
    return lambda: g @ b.mT, lambda: a.mT @ g


bind_operator("matmul", np.matmul, MatMul)


def rows(x: Any) -> Any:
    """All leading axes as one."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


class Tensordot(Function, of=(np.tensordot, np.linalg.tensordot)):
    """``np.tensordot``; ``axes`` is a number of axes, or a pair of axes or of lists of them."""

    axes: Any = 2

    def forward(self, a, b):
        return np.tensordot(a, b, self.axes)

    def backward(self, g, a, b):
        pair = (range(-self.axes, 0), range(self.axes)) if np.ndim(self.axes) == 0 else self.axes
        over_a, over_b = ([axes] if np.ndim(axes) == 0 else axes for axes in pair)
        return contraction_gradients(g, a, b, [i % a.ndim for i in over_a], [i % b.ndim for i in over_b])


class Dot(Function, of=np.dot):
    """``np.dot``: the sum over the last axis of ``a`` and the last but one of ``b``."""

    broadcasts = True  # a single number

    def forward(self, a, b):
        return np.dot(a, b)

    def backward(self, g, a, b):
        if a.ndim == 0 or b.ndim == 0:
            return lambda: g * b, lambda: g * a
        if b.ndim <= 2:
            return matmul_gradients(g, a, b)
        return contraction_gradients(g, a, b, [a.ndim - 1], [b.ndim - 2])


class Inner(Function, of=np.inner):
    """``np.inner``: the sum over the last axes of both."""

    broadcasts = True  # a single number

    def forward(self, a, b):
        return np.inner(a, b)

    def backward(self, g, a, b):
        if a.ndim == 0 or b.ndim == 0 or a.ndim == b.ndim == 1:
            return lambda: g * b, lambda: g * a
        if a.ndim == b.ndim == 2:
            return lambda: g @ b, lambda: g.mT @ a
        return contraction_gradients(g, a, b, [a.ndim - 1], [b.ndim - 1])


def contraction_gradients(
    g: Any, a: Any, b: Any, over_a: Sequence[int], over_b: Sequence[int]
) -> tuple[Callable, Callable]:
    """The gradients of two factors that were summed over the axes ``over_a`` of one and ``over_b`` of the other.

    With the free axes of each as one, and the summed ones as one, the contraction is ``a @ b.mT``.
    """
    free_a, free_b = ([i for i in range(x.ndim) if i not in over] for x, over in ((a, over_a), (b, over_b)))
    g = np.reshape(g, (_size(a, free_a), _size(b, free_b)))
    factors = (a, free_a, over_a), (b, free_b, over_b)
    return lambda: _of_factor(g, *factors), lambda: _of_factor(g.mT, *factors[::-1])


def _of_factor(g: Any, factor: tuple[Any, Sequence[int], Sequence[int]], other: tuple[Any, Any, Any]) -> Any:
    """The gradient of one factor, given as the array, its free axes and its summed axes; ``g`` is a matrix."""
    (x, free, over), (y, free_y, over_y) = factor, other
    met = sorted(zip(over_y, over, strict=True))  # in the order in which they lie in y, which is then not copied
    over_y = [i for i, _ in met]
    gx = g @ np.reshape(np.transpose(y, [*free_y, *over_y]), (_size(y, free_y), _size(y, over_y)))
    order = [*free, *(i for _, i in met)]
    return np.transpose(np.reshape(gx, [x.shape[i] for i in order]), sorted(range(x.ndim), key=order.__getitem__))


def _size(x: Any, axes: Sequence[int]) -> int:
    """How many numbers lie along ``axes``."""
    return math.prod(x.shape[i] for i in axes)


class Einsum(Function):
    """``np.einsum`` with one letter for every axis of every input, and an explicit output.

    Its gradient is an einsum again. A letter that stands twice in one input is a diagonal, and the
    gradient is spread over it with an identity matrix; a letter that stands nowhere else was summed, and
    the gradient is repeated along it.
    """

    broadcasts = True  # an axis of length 1 meets a longer one
    views = True  # of a single input, without a sum

    inputs_spec: tuple[str, ...]
    output_spec: str
    optimize: Any = False
    dtype: Any = None
    order: str = "K"
    casting: str = "safe"

    def forward(self, *xs):
        spec = f"{','.join(self.inputs_spec)}->{self.output_spec}"
        keywords = {"dtype": self.dtype, "order": self.order, "casting": self.casting}
        return np.einsum(spec, *xs, optimize=self.optimize, **keywords)

    def backward(self, g, *xs):
        return tuple(lambda i=i: self._gradient(i, g, xs) for i in range(len(xs)))

    def _gradient(self, i: int, g: Any, xs: Sequence[Any]) -> Any:
        spec, squares, ones, optimize = _gradient_plan(self.inputs_spec, self.output_spec, tuple(self.shapes), i)
        made = [np.eye(n, dtype=g.dtype) for n in squares] + [np.ones(n, dtype=g.dtype) for n in ones]
        return np.einsum(spec, g, *xs[:i], *xs[i + 1 :], *made, optimize=optimize)


@functools.lru_cache(1024)
def _gradient_plan(
    ins: tuple[str, ...], out: str, shapes: tuple[tuple[int, ...], ...], i: int
) -> tuple[str, list[int], list[int], bool]:
    """The einsum of the gradient of input ``i``: its spec, the sizes of identities and of ones, and ``optimize``."""
    sizes = _sizes(ins, shapes)
    others = [*ins[:i], *ins[i + 1 :]]
    found = _sizes(others, [*shapes[:i], *shapes[i + 1 :]]) | {letter: sizes[letter] for letter in out}
    fresh = iter(_letters("".join(ins)))
    squares, ones, target = {}, {}, ""
    for letter, n in zip(ins[i], shapes[i], strict=True):
        if letter in target:
            twin = next(fresh)
            squares[letter + twin] = n
            letter = twin
        elif found.get(letter, -1) < n:
            ones[letter] = n
        target += letter
    spec = f"{','.join([out, *others, *squares, *ones])}->{target}"
    work = math.prod(sizes.values())
    return spec, [*squares.values()], [*ones.values()], work > 20_000  # below that, planning is what takes time


def _sizes(specs: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """How long the axes are that the letters stand for."""
    sizes: dict[str, int] = {}
    for spec, shape in zip(specs, shapes, strict=True):
        for letter, n in zip(spec, shape, strict=True):
            sizes[letter] = max(n, sizes.get(letter, 0))
    return sizes


@implements(np.einsum)
def einsum(
    *operands: Any,
    out: None = None,
    dtype: Any = None,
    order: str = "K",
    casting: str = "safe",
    optimize: Any = False,
) -> Any:
    """``np.einsum``, in both its forms, with ellipses, repeated letters and an implicit output."""
    if out is not None:
        raise TypeError("np.einsum cannot write a Value into an existing array: the graph would be cut; leave out out=")
    spec, xs = (operands[0], operands[1:]) if isinstance(operands[0], str) else _from_lists(operands)
    ins, result = _explicit(spec, tuple(np.ndim(unwrap(x)) for x in xs))
    return Einsum(ins, result, optimize, dtype, order, casting)(*xs)


constant(np.einsum_path)


def _from_lists(operands: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The form einsum(x, [0, 1], y, [1, 2], [0, 2]) as letters."""
    pairs = len(operands) // 2
    letters = string.ascii_uppercase + string.ascii_lowercase  # NumPy's order, which sorts an implicit output

    def spell(labels: Sequence[Any]) -> str:
        if any(label is not Ellipsis and not 0 <= label < len(letters) for label in labels):
            raise ValueError(f"the labels of einsum are whole numbers from 0 to {len(letters) - 1}, not {labels}")
        return "".join("..." if label is Ellipsis else letters[label] for label in labels)

    spec = ",".join(spell(operands[2 * i + 1]) for i in range(pairs))
    if len(operands) % 2:
        spec += "->" + spell(operands[-1])
    return spec, [operands[2 * i] for i in range(pairs)]


@functools.lru_cache(1024)
def _explicit(spec: str, ndims: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """Letters for every axis of every input, and for the output: ellipses filled in, the output spelled out."""
    spec = spec.replace(" ", "")
    left, arrow, out = spec.partition("->")
    ins = left.split(",")
    if len(ins) != len(ndims):
        raise ValueError(f"einsum {spec!r} names {len(ins)} inputs, but got {len(ndims)}")
    free = [ndim - len(term.replace("...", "")) if "..." in term else 0 for term, ndim in zip(ins, ndims, strict=True)]
    if bad := set(spec) - set(string.ascii_letters + ".,->"):
        raise ValueError(f"einsum {spec!r}: {''.join(sorted(bad))!r} is neither a letter nor one of '.,->'")
    for term, ndim, rest in zip(ins, ndims, free, strict=True):
        if rest < 0 or ("..." not in term and len(term) != ndim):
            raise ValueError(f"einsum {spec!r}: {term!r} does not fit an input with {ndim} axes")
    dots = "".join(_letters(spec)[: max(free, default=0)])
    ins = [term.replace("...", dots[len(dots) - rest :]) for term, rest in zip(ins, free, strict=True)]
    if arrow:
        if dots and "..." not in out:
            raise ValueError(
                f"einsum {spec!r}: the output needs an ellipsis for the axes that the inputs' ellipses stand for"
            )
        out = out.replace("...", dots)
    else:
        letters = "".join(ins)
        out = dots + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots))
    return tuple(ins), out


def _letters(taken: str) -> list[str]:
    """The letters that ``taken`` leaves free."""
    return [c for c in string.ascii_letters if c not in taken]
