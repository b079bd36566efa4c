"""Contractions: products summed over shared axes."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.function import Function
from calligrad.rules import implements
from calligrad.value import Value, bind_operator, unwrap


class MatMul(Function, of=np.matmul):
    """``a @ b``: the matrix product of the last two axes; leading axes broadcast, vectors are taken as NumPy does."""

    broadcasts = True

    def backward(self, g, a, b):
        if a.ndim == 1 or b.ndim == 1:
            return self._of_vectors(g, a, b)
        if b.ndim == 2 and a.ndim > 2:  # one product over all leading axes, instead of many and a sum
            return lambda: g @ b.mT, lambda: rows(a).mT @ rows(g)
        return lambda: g @ b.mT, lambda: a.mT @ g

    @staticmethod
    def _of_vectors(g: Any, a: Any, b: Any) -> tuple[Callable, Callable]:
        """A vector is a matrix with one row on the left, with one column on the right."""
        g = np.expand_dims(g, [axis for axis, x in ((-2, a), (-1, b)) if x.ndim == 1])
        row = a if a.ndim > 1 else np.expand_dims(a, 0)
        column = b if b.ndim > 1 else np.expand_dims(b, 1)

        def of_b():
            gb = row.mT @ g
            return np.squeeze(gb, -1) if b.ndim == 1 else gb

        return lambda: g @ column.mT, of_b


bind_operator("matmul", np.matmul, MatMul)


def rows(x: Any) -> Any:
    """All leading axes as one."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


class Tensordot(Function):
    """``np.tensordot`` over ``axes``, a pair of equally long tuples of non-negative axes."""

    axes: tuple[tuple[int, ...], tuple[int, ...]]

    def forward(self, a, b):
        return np.tensordot(a, b, self.axes)

    def backward(self, g, a, b):
        over_a, over_b = self.axes
        free_a = [i for i in range(a.ndim) if i not in over_a]
        free_b = [i for i in range(b.ndim) if i not in over_b]

        def of_a():
            ga = np.tensordot(g, b, (range(len(free_a), g.ndim), free_b))  # (free axes of a, axes of b that met a's)
            met = [axis for _, axis in sorted(zip(over_b, over_a))]
            return np.transpose(ga, np.argsort([*free_a, *met]))

        def of_b():
            gb = np.tensordot(a, g, (free_a, range(len(free_a))))
            met = [axis for _, axis in sorted(zip(over_a, over_b))]
            return np.transpose(gb, np.argsort([*met, *free_b]))

        return of_a, of_b


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """``np.tensordot``; ``axes`` is a number of axes or a pair of axes."""
    a, b = (x if isinstance(x, Value) else np.asarray(x) for x in (a, b))
    pair = (range(a.ndim - axes, a.ndim), range(axes)) if isinstance(axes, (int, np.integer)) else axes
    over_a, over_b = ([i] if isinstance(i, (int, np.integer)) else list(i) for i in pair)
    met_a = tuple(normalize_axis_index(int(i), a.ndim) for i in over_a)
    met_b = tuple(normalize_axis_index(int(i), b.ndim) for i in over_b)
    return Tensordot((met_a, met_b))(a, b)


class Dot(Tensordot):
    """``np.dot``: a tensordot over one pair of axes, computed as NumPy computes it."""

    def forward(self, a, b):
        return np.dot(a, b)


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """``np.dot``: the sum over the last axis of ``a`` and the last but one of ``b``."""
    a, b = (x if isinstance(x, Value) else np.asarray(x) for x in (a, b))
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    return Dot(((a.ndim - 1,), (max(b.ndim - 2, 0),)))(a, b)


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

    def forward(self, *xs):
        return np.einsum(f"{','.join(self.inputs_spec)}->{self.output_spec}", *xs, optimize=self.optimize)

    def backward(self, g, *xs):
        return tuple(lambda i=i: self._gradient(i, g, xs) for i in range(len(xs)))

    def _gradient(self, i: int, g: Any, xs: Sequence[Any]) -> Any:
        mine, shape = self.inputs_spec[i], self.shapes[i]
        others = [(spec, x) for j, (spec, x) in enumerate(zip(self.inputs_spec, xs, strict=True)) if j != i]
        factors = [(self.output_spec, g), *others]
        fresh = iter(_letters("".join(self.inputs_spec)))
        target = ""
        for letter, n in zip(mine, shape, strict=True):
            if letter in target:
                twin = next(fresh)
                factors.append((letter + twin, np.eye(n, dtype=g.dtype)))
                letter = twin
            elif not any(letter in spec and x.shape[spec.index(letter)] >= n for spec, x in factors):
                factors.append((letter, np.ones(n, dtype=g.dtype)))
            target += letter
        specs, operands = zip(*factors, strict=True)
        return np.einsum(f"{','.join(specs)}->{target}", *operands, optimize=True)


@implements(np.einsum)
def einsum(*operands: Any, optimize: Any = False, **kwargs: Any) -> Any:
    """``np.einsum``, in both its forms, with ellipses, repeated letters and an implicit output."""
    if kwargs:
        raise TypeError(f"np.einsum of a Value does not take {', '.join(f'{k}=' for k in kwargs)}")
    spec, xs = (operands[0], operands[1:]) if isinstance(operands[0], str) else _from_lists(operands)
    ins, out = _explicit(spec, [np.ndim(unwrap(x)) for x in xs])
    return Einsum(ins, out, optimize)(*xs)


def _from_lists(operands: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The form einsum(x, [0, 1], y, [1, 2], [0, 2]) as letters."""
    pairs = len(operands) // 2
    letters = string.ascii_uppercase + string.ascii_lowercase  # NumPy's order, which sorts an implicit output

    def spell(labels: Sequence[Any]) -> str:
        return "".join("..." if label is Ellipsis else letters[label] for label in labels)

    spec = ",".join(spell(operands[2 * i + 1]) for i in range(pairs))
    if len(operands) % 2:
        spec += "->" + spell(operands[-1])
    return spec, [operands[2 * i] for i in range(pairs)]


def _explicit(spec: str, ndims: list[int]) -> tuple[tuple[str, ...], str]:
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
