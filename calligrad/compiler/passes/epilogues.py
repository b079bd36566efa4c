"""Epilogues: what a matrix product is followed by, done while its numbers are in registers."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from calligrad.compiler.passes.fusion import Fused
from calligrad.compiler.passes.lowering import CLIP
from calligrad.compiler.program import Line, Program, Var


@dataclass(frozen=True)
class Product:
    """The op of a line ``(a, b, d)`` that gives ``a @ b + d``, and of that only what is positive if ``relu``."""

    relu: bool

    @property
    def __name__(self) -> str:
        return "matmul add relu" if self.relu else "matmul add"

    def __call__(self, a: np.ndarray, b: np.ndarray, d: np.ndarray) -> np.ndarray:
        y = np.matmul(a, b) + d
        return np.maximum(y, 0) if self.relu else y


def with_epilogues(program: Program) -> Program:
    """The program with a product, a bias or residual, and a ReLU as one line, where nobody else reads the product.

    The product's kernel may take another way where D lies otherwise than C would, and give another rounding.

    >>> from calligrad.compiler.passes import grouped
    >>> x, w, b = Var((8, 4), "float32"), Var((4, 3), "float32"), Var((3,), "float32")
    >>> y, z = Var((8, 3), "float32"), Var((8, 3), "float32")
    >>> lines = [Line(np.matmul, (x, w), {}, (y,)), Line(np.add, (y, b), {}, (z,))]
    >>> print(with_epilogues(grouped(Program([x, w, b], {}, lines, [z]))))
    inputs v0: float32[8, 4], v1: float32[4, 3], v2: float32[3]
    v3 = matmul add(v0, v1, v2)  # float32[8, 3]
    return v3
    """
    readers = Counter(var for line in program.lines for var in line.ins)
    readers.update(program.outputs)
    products = {line.out: line for line in program.lines if _is_product(line)}
    gone: set[Var] = set()
    lines: list[Line] = []
    for line in program.lines:
        found = _epilogue(line, products, readers)
        if found is not None:
            product, d, relu = found
            gone.add(product.out)
            line = Line(Product(relu), (*product.args, d), {}, line.outs, line.where)
        lines.append(line)
    return program.but(lines=[line for line in lines if gone.isdisjoint(line.outs)])


def _epilogue(line: Line, products: dict[Var, Line], readers: Counter[Var]) -> tuple[Line, Any, bool] | None:
    """The product, what is added to it, and whether a ReLU follows, if that is all that a group does."""
    if not isinstance(line.op, Fused) or len(line.ins) != 2 or len(line.outs) != 1:
        return None
    inner = line.op.program
    ops = [step.op for step in inner.lines]
    if ops not in ([np.add], [np.add, CLIP]) or any(step.kwargs for step in inner.lines):
        return None
    if sorted(map(inner.inputs.index, inner.lines[0].ins)) != [0, 1]:
        return None
    if ops[1:] and inner.lines[1].args != (inner.lines[0].out, 0, math.inf):
        return None
    for c, d in (line.ins, line.ins[::-1]):
        if c in products and readers[c] == 1 and _fits(c, d, line.out) and line.args.count(c) == 1:
            return products[c], d, len(ops) > 1
    return None


def _is_product(line: Line) -> bool:
    """Whether it multiplies matrices; of a vector the result has no rows, or no columns."""
    matrices = len(line.args) == 2 and all(type(x) is Var and len(x.shape) >= 2 for x in line.args)
    return line.op is np.matmul and matrices and not line.kwargs


def _fits(c: Var, d: Var, out: Var) -> bool:
    same = c.dtype == d.dtype == out.dtype and c.dtype.name in ("float32", "float64")
    return same and c.shape == out.shape and len(c.shape) >= 2 and 0 < len(d.shape) <= len(c.shape) and not d.weak
