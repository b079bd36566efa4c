"""Lines of random programs: NumPy calls on arrays that are at hand."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Kind:
    """An array that a program is given: shape, dtype, and how it lies in memory."""

    shape: tuple[int, ...]
    dtype: str
    layout: str

    @classmethod
    def drawn(cls, rng: np.random.Generator, sizes: list[int]) -> Kind:
        shape = tuple(int(rng.choice(sizes)) for _ in range(rng.choice(5, p=[0.06, 0.3, 0.36, 0.22, 0.06])))
        dtype = str(rng.choice(["float64", "float32", "int64", "int32", "uint8", "bool", "complex128"], p=_DTYPES))
        return cls(shape, dtype, str(rng.choice(["C", "F", "gaps", "backwards"], p=[0.7, 0.1, 0.1, 0.1])))

    def array(self, rng: np.random.Generator) -> np.ndarray:
        if self.dtype == "bool":
            x = rng.random(self.shape) < 0.5
        elif self.dtype.startswith("complex"):
            x = rng.normal(size=self.shape) + 1j * rng.normal(size=self.shape)
        elif self.dtype.startswith("float"):
            x = rng.normal(size=self.shape)
        else:
            x = rng.integers(0 if self.dtype[0] == "u" else -4, 6, self.shape)
        return self.laid_out(np.asarray(x).astype(self.dtype))

    def laid_out(self, x: np.ndarray) -> np.ndarray:
        """The array in memory as arrays of this kind lie."""
        if not x.ndim or self.layout == "C":
            return np.array(x, order="C")
        if self.layout == "F":
            return np.array(x, order="F")
        if self.layout == "gaps":
            y = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)[..., ::2]
        else:
            y = np.zeros(x.shape, x.dtype)[::-1]
        y[...] = x
        return y


_DTYPES = [0.36, 0.2, 0.14, 0.06, 0.04, 0.1, 0.1]

UNARY = "negative abs sin cos tanh square sign floor rint conjugate isfinite logical_not exp sqrt log1p arctan".split()
BINARY = (
    "add subtract multiply add subtract multiply divide maximum minimum arctan2 hypot less greater_equal equal not_equal"
    " logical_and logical_or floor_divide remainder copysign bitwise_xor fmax"
).split()
OPERATORS = ["+", "-", "*", "/", "<", "==", "+", "*", "&", "|"]
REDUCTIONS = "sum mean max min prod any all std var argmax argmin count_nonzero ptp median nansum".split()
NUMBERS = ["2", "0.5", "-1.5", "3", "s", "s * 2", "np.float32(1.5)", "np.float64(0.25)", "True", "(1 + 2j)", "-s ** 2"]


def is_small(x: Any) -> bool:
    """Whether it may stay in a program."""
    return not isinstance(x, np.ndarray) or (x.size <= 4000 and x.ndim <= 6 and x.dtype != object)


ROUNDED = ("softmax", "logsumexp", "np.prod(t")
"""What goes another way for plain arrays, with another rounding: nothing that could make it large shall follow."""


def drawn(rng: np.random.Generator, arrays: dict[str, Any], number: int) -> str:
    """One more line; ``arrays`` are those that there are, by name."""
    draw = Draw(rng, {name: x for name, x in arrays.items() if name[0] != "w"})
    if rng.random() < 0.3:
        return draw.write()
    value = draw.value()
    return f"{'w' if any(word in value for word in ROUNDED) else 'v'}{number} = {value}"


class Draw:
    """Draws a line, whose names are those of ``arrays``."""

    def __init__(self, rng: np.random.Generator, arrays: dict[str, Any]) -> None:
        self.rng = rng
        self.arrays = {name: x for name, x in arrays.items() if isinstance(x, (np.ndarray, np.generic))}

    # ---- what lines are made of

    def one(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def name(self, want: Any = None) -> str:
        """A name, rather one of the last; of an array that ``want`` wants, if there is one."""
        names = [name for name, x in self.arrays.items() if want is None or want(x)] or list(self.arrays)
        weights = np.arange(1, len(names) + 1) ** 0.7
        return str(self.rng.choice(names, p=weights / weights.sum()))

    def array(self) -> str:
        return self.name(lambda x: isinstance(x, np.ndarray))

    def floating(self) -> str:
        return self.name(lambda x: x.dtype.kind == "f")

    def like(self, x: str) -> str:
        """An operand that broadcasts with ``x``, or a number."""
        shape = self.arrays[x].shape
        if self.rng.random() < 0.25:
            return self.one(*NUMBERS)

        def fits(y: Any) -> bool:
            return all(n == m or 1 in (n, m) for n, m in zip(shape[::-1], y.shape[::-1]))

        return self.name(fits)

    def into(self, x: str) -> str:
        """A value that ``x`` takes."""
        shape = self.arrays[x].shape
        if self.rng.random() < 0.3:
            return self.one("2", "0.5", "s", "1", "True")

        def fits(y: Any) -> bool:
            return y.ndim <= len(shape) and all(m in (n, 1) for n, m in zip(shape[::-1], y.shape[::-1]))

        return self.name(fits)

    def axis(self, x: str) -> int:
        ndim = self.arrays[x].ndim
        return int(self.rng.integers(-ndim, ndim)) if ndim else 0

    def axes(self, x: str) -> str:
        ndim = self.arrays[x].ndim
        kind = self.rng.integers(3)
        if kind == 0 or not ndim:
            return "None"
        if kind == 1:
            return str(self.axis(x))
        return str(tuple(self.rng.permutation(ndim)[: self.rng.integers(1, ndim + 1)].tolist()))

    def key(self, shape: tuple[int, ...], basic: bool = False) -> str:
        parts = []
        for n in shape[: self.rng.integers(0, len(shape) + 1)]:
            kind = self.rng.integers(8 if basic else 10)
            if kind < 2 and n:
                parts.append(str(self.rng.integers(-n, n)))
            elif kind < 8 or not n:
                start, stop = self.rng.integers(-n - 1, n + 2, 2)
                parts.append(self.one(":", f"{start}:", f":{stop}", f"{start}:{stop}", "::-1", "::2", f"{stop}::-2"))
            else:
                parts.append(str(self.rng.integers(-n, n, self.rng.integers(0, 4)).tolist()).replace("[]", "[0]"))
        if self.rng.random() < 0.2:
            parts.insert(int(self.rng.integers(len(parts) + 1)), "None")
        if self.rng.random() < 0.2:
            parts.insert(int(self.rng.integers(len(parts) + 1)), "...")
        return ", ".join(parts) or "..."

    def shape_of(self, size: int) -> list[int]:
        """A shape with so many numbers."""
        shape = []
        while size > 1 and self.rng.random() < 0.8:
            n = int(self.rng.choice([d for d in range(1, size + 1) if size % d == 0]))
            shape.append(n)
            size //= n
        return [*shape, size]

    # ---- values

    def value(self) -> str:
        kinds = [
            (self.unary, 3), (self.binary, 6), (self.reduction, 4), (self.product, 2), (self.view, 7), (self.copying, 5),
            (self.joined, 2), (self.drawing, 0.6), (self.gradient, 2), (self.chosen, 2), (self.several, 1), (self.method, 2),
        ]  # fmt: skip
        weights = np.array([weight for _, weight in kinds])
        return kinds[int(self.rng.choice(len(kinds), p=weights / weights.sum()))][0]()

    def unary(self) -> str:
        x = self.name()
        return self.one(f"np.{self.one(*UNARY)}({x})", f"-{x}", f"np.tanh({x})", f"{x} ** 2", f"abs({x})")

    def binary(self) -> str:
        x = self.name()
        a, b = self.one((x, self.like(x)), (self.like(x), x))
        ufunc = self.one(*BINARY)
        return self.one(
            f"np.{ufunc}({a}, {b})", f"np.{ufunc}({a}, {b})", f"{a} {self.one(*OPERATORS)} {b}",
            f"np.{ufunc}.outer({a}, {self.name()})", f"np.add({a}, {b}, dtype=np.{self.one('float64', 'complex128')})",
        )  # fmt: skip

    def reduction(self) -> str:
        x = self.name()
        axes, axis, keep = self.axes(x), self.axis(x), self.one(True, False)
        return self.one(
            f"np.{self.one(*REDUCTIONS)}({x}, axis={axes})",
            f"np.{self.one('sum', 'mean', 'max', 'prod', 'any')}({x}, axis={axes}, keepdims={keep})",
            f"{x}.{self.one('sum', 'mean', 'max', 'std', 'argmax')}({axis})",
            f"np.{self.one('cumsum', 'cumprod')}({x}, axis={axis})",
            f"np.{self.one('add', 'multiply', 'maximum')}.{self.one('reduce', 'accumulate')}({x}, axis={axis})",
            f"np.add.reduceat({x}, [0], axis={axis})",
            f"np.sum({x}, axis={axes}, where={x} > 0, initial=2)",
            f"np.linalg.norm({x}, axis={axis})",
            f"calligrad.logsumexp({x}, axis={axis})", f"calligrad.softmax({x}, axis={axis})",
            f"np.sum({x}, axis={axes}, dtype=np.{self.one('float64', 'complex64', 'int64')})",
            f"np.count_nonzero({x}) * {self.name()}", f"np.trapezoid({x}, axis={axis})",
        )  # fmt: skip

    def product(self) -> str:
        x, y = self.name(lambda x: x.ndim > 1), self.name(lambda x: x.ndim > 0)
        n = min(self.arrays[x].ndim, self.arrays[y].ndim)
        letters = "ijklmn"[: self.arrays[x].ndim]
        kept = "".join(c for c in letters if self.rng.random() < 0.6)
        return self.one(
            f"{x} @ {y}", f"{x} @ {x}.mT", f"np.dot({x}, {y})", f"np.matmul({x}.T, {x})", f"np.inner({x}, {x})",
            f"np.tensordot({x}, {y}, {self.rng.integers(0, n + 1)})", f"np.outer({x}, {y})", f"np.vdot({x}, {x})",
            f"np.einsum('{letters},{letters}->{kept}', {x}, {self.name(lambda y: y.ndim == len(letters))})",
            f"np.einsum('{letters}->{kept[::-1]}', {x})", f"np.kron({x}, {y})", f"np.multiply.outer({y}, {y})",
        )  # fmt: skip

    def view(self) -> str:
        x = self.array()
        a = self.arrays[x]
        axis, axes = self.axis(x), self.rng.permutation(a.ndim).tolist()
        wide = [*self.rng.integers(1, 3, self.rng.integers(0, 2)).tolist(), *a.shape]
        return self.one(
            f"{x}[{self.key(a.shape, True)}]", f"{x}[{self.key(a.shape, True)}]", f"{x}[{self.key(a.shape, True)}]",
            f"np.reshape({x}, {self.shape_of(a.size)})", f"{x}.reshape(-1)", f"{x}.ravel()", f"{x}.T", f"np.real({x})",
            f"np.transpose({x}, {axes})", f"np.swapaxes({x}, {axis}, {self.axis(x)})", f"np.moveaxis({x}, {axis}, 0)",
            f"np.expand_dims({x}, {axis})", f"np.squeeze({x})", f"np.broadcast_to({x}, {wide})", f"np.flip({x}, {axis})",
            f"np.imag({x})", f"np.diagonal({x})", f"np.atleast_2d({x})", f"np.rot90({x})", f"{x}.astype({x}.dtype, copy=False)",
            f"np.split({x}, [1], axis={axis})[{self.rng.integers(2)}]", f"np.array_split({x}, 2, axis={axis})[0]",
            f"np.unstack({x})[0]" if hasattr(np, "unstack") else f"{x}[...]", f"np.reshape({x}, -1, order='F')",
            f"np.lib.stride_tricks.sliding_window_view({x}, {max(1, a.shape[0] // 2) if a.ndim else 1}, axis=0)",
        )  # fmt: skip

    def copying(self) -> str:
        x = self.name()
        a = self.arrays[x]
        axis, axes = self.axis(x), self.axes(x)
        n = a.shape[axis] if a.ndim else 1
        indices = self.rng.integers(-n, n, self.rng.integers(1, 4)).tolist() if n else []
        dtype = self.one("float64", "float32", "int64", "bool", "complex128")
        dtype = dtype if a.dtype.kind in "biu" else self.one("float64", "float32", "complex128", "bool")
        return self.one(
            f"{x}[{self.key(a.shape)}]", f"{x}[{self.key(a.shape)}]", f"np.take({x}, {indices}, axis={axis})",
            f"np.copy({x}, order='{self.one(*'CFK')}')", f"{x}.astype('{dtype}')", f"np.zeros_like({x})", f"np.sort({x}, axis={axis})",
            f"np.roll({x}, {self.rng.integers(-2, 3)}, axis={self.one(axis, None)})", f"np.tile({x}, {self.one(2, (2, 1))})",
            f"np.repeat({x}, 2, axis={self.one(axis, None)})", f"np.pad({x}, {self.one(1, (0, 2))})", f"np.diff({x}, axis={axis})",
            f"np.pad({x}, 1, mode='{self.one('edge', 'wrap', 'reflect')}')", f"np.triu({x})", f"np.tril({x}, -1)",
            f"np.diag({x})", f"np.argsort({x}, axis={axis}, kind='stable')", f"np.full_like({x}, {self.one('2', 's', '0.5')})",
            f"np.nan_to_num({x})", f"{x}.flatten()", f"np.delete({x}, 0, axis={axis})", f"np.insert({x}, 0, 1, axis={axis})",
            f"np.gradient({x}, axis={axis})", f"np.round({x}, 1)", f"np.clip({x}, -1, {self.one('1', 's', '0.5')})",
            f"np.fft.fft({x}, axis={axis})", f"np.fft.rfft({x}, axis={axis})", f"np.ones_like({x}, dtype='{dtype}')",
            f"np.interp({x}, [-1.0, 0.0, 2.0], [0.0, 1.0, s])", f"np.searchsorted([-1.0, 0.5], {x})", f"np.unwrap({x}, axis={axis})",
            f"np.apply_along_axis(lambda row: row * 2 + np.sum(row), {axis}, {x})", f"np.median({x}, axis={axes})",
            f"np.quantile({x}, {self.one('0.5', '[0.25, 0.5]')}, axis={axis})", f"np.partition({x}, 0, axis={axis})",
        )  # fmt: skip

    def joined(self) -> str:
        x = self.array()
        shape = self.arrays[x].shape
        y = self.name(lambda y: y.shape == shape)
        axis = self.axis(x)
        form = self.one("concatenate", "stack", "concatenate")
        return self.one(
            f"np.{form}([{x}, {y}], axis={axis})", f"np.{form}(({y}, {x}, {y}), axis={axis})", f"np.append({x}, {y})",
            f"np.hstack([{x}, {y}])", f"np.vstack([{x}, {y}])", f"np.column_stack([{x}, {y}])", f"np.block([[{x}, {y}]])",
        )  # fmt: skip

    def chosen(self) -> str:
        x = self.name()
        y = self.like(x)
        positions = self.one(f"np.argsort({x}, axis=-1, kind='stable')", f"np.zeros_like({x}, dtype=int)")
        return self.one(
            f"np.where({x} > 0, {x}, {y})", f"np.where({x}, {y}, 0)", f"np.choose({x} > 0, [{x}, {y}])", f"np.maximum({x}, 0)",
            f"np.take_along_axis({x}, {positions}, axis=-1)", f"np.select([{x} > 1, {x} > 0], [{x}, {y}], 3)",
            f"np.isclose({x}, {y})", f"np.array_equal({x}, {y})", f"np.piecewise({x}, [{x} > 0], [2, -1])",
            f"{x}[{self.name(lambda i: i.dtype.kind in 'iu')} % {max(1, (self.arrays[x].shape or (1,))[0])}]",
        )  # fmt: skip

    def several(self) -> str:
        x = self.name()
        return self.one(
            f"np.divmod({x}, {self.like(x)})[{self.rng.integers(2)}]", f"np.modf({x})[{self.rng.integers(2)}]",
            f"np.frexp({x})[0]", f"np.broadcast_arrays({x}, {self.like(x)})[{self.rng.integers(2)}] * 1",
            f"np.meshgrid({x}, {self.name()})[1]", f"np.stack(np.gradient({x}))", f"np.linalg.svd({x}, compute_uv=False)",
            f"np.histogram({x}, bins=3)[0]", f"np.linalg.qr({x}).R", f"sum(row * 2 for row in {x})",
        )  # fmt: skip

    def method(self) -> str:
        x = self.name()
        return self.one(
            f"{x}.mean()", f"{x}.copy()", f"{x}.transpose()", f"{x}.clip(-1, 1)", f"{x}.round(1)", f"{x}.conj()", f"{x}.dot({x})",
            f"{x}.cumsum()", f"{x}.swapaxes(0, -1)", f"{x}.squeeze()", f"{x}.repeat(2)", f"{x}.take([0])", f"{x}.all()",
            f"{x}.flat[0]", f"{x}.var(0)", f"{x}.diagonal().copy()", f"{x}.argmin()", f"abs({x})", f"{x}.prod()", f"{x}.real * 2",
        )  # fmt: skip

    def drawing(self) -> str:
        shape = self.arrays[self.name()].shape
        return self.one(
            f"calligrad.random.generator().normal(size={shape})", f"calligrad.random.generator().random({shape}) < 0.5",
            f"calligrad.random.generator().integers(0, 5, {shape})", f"calligrad.random.generator().permutation({max(shape, default=1)})",
        )  # fmt: skip

    def gradient(self) -> str:
        x = self.floating()
        y = self.name(lambda y: y.dtype.kind == "f" and y.shape in ((), self.arrays[x].shape))
        axis = self.axis(x)
        key = self.key(self.arrays[x].shape)
        inner = self.one(
            f"np.sum(np.sin(t) * {y})", f"np.sum(np.tanh(t[{key}] * s))", f"np.mean((t - {y}) ** 2)", f"np.sum(np.cumsum(t, {axis}) * t)",
            f"np.sum(calligrad.softmax(t, axis={axis}) * {y})", f"np.sum(np.sort(t, axis={axis}) ** 3)", f"np.sum(t.T @ t)", f"np.max(t * {y})",
            f"np.sum(np.where(t > 0, t * {y}, np.exp(t)))", f"np.linalg.norm(t * 2 + {y})", f"np.sum(np.concatenate([t, t * {y}]) ** 2)",
            f"np.var(t, axis={axis}).sum()", f"np.prod(t + 2)", f"np.sum(np.reshape(t, -1)[::-1] * np.reshape(t, -1))", f"np.einsum('...i,...i->', t, t)",
        )  # fmt: skip
        kind = self.one("grad", "grad", "value_and_grad", "hvp", "vjp")
        f = f"lambda t: {inner}"
        if kind == "hvp":
            return f"calligrad.hvp({f}, {x}, {x})"
        if kind == "vjp":
            return f"calligrad.vjp(lambda t: np.tanh(t) * {y}, {x})[1]({x})[0]"
        return f"calligrad.{kind}({f})({x})" + ("[1]" if kind == "value_and_grad" else "")

    # ---- writes

    def write(self) -> str:
        x = self.name(lambda x: isinstance(x, np.ndarray) and x.flags.writeable)
        a = self.arrays[x]
        key, axis = self.key(a.shape), self.axis(x)
        value = self.into(x)
        basic = self.key(a.shape, True)
        number = self.one("2", "0.5", "s", "1")
        n = max(1, (a.shape or (1,))[0])
        mask = self.name(lambda m: m.dtype == bool and m.shape == a.shape)
        mask = mask if self.arrays[mask].dtype == bool else f"{x} > 0"
        indices = self.rng.integers(0, n, 3).tolist()
        other = self.name(lambda y: isinstance(y, np.ndarray) and y.shape == a.shape)
        return self.one(
            f"{x}[{key}] = {number}", f"{x}[{basic}] = {value}", f"{x}[...] = {value}", f"{x}[{key}] += {number}",
            f"{x} += {value}", f"{x} *= {value}", f"{x} -= {x}.T", f"{x}[{basic}] *= {number}", f"{x} /= 2",
            f"np.add({x}, {value}, out={x})", f"np.multiply({other}, {value}, out={x})", f"np.sin({other}, out={x})",
            f"np.add.at({x}, {indices}, {number})", f"np.maximum.at({x}, {indices}, {number})", f"{x}.fill({number})",
            f"np.copyto({x}, {value})", f"np.copyto({x}, {value} * 2, where={mask})", f"np.put({x}, {indices}, {number})",
            f"{x}.sort({axis})", f"{x}[{mask}] = {number}", f"np.putmask({x}, {mask}, {number})", f"np.fill_diagonal({x}, {number})",
            f"np.cumsum({other}, axis={axis}, out={x})" if a.size > 1 else f"{x} += 1", f"np.subtract({x}, {value}, out={x}, where={mask})",
            f"{x}[{basic}] = {x}[{basic}][::-1]", f"{x}.flat[{self.rng.integers(n)}] = {number}", f"{x}.real = {number}",
            f"np.sum([{x}, {other}], axis=0, out={x})", f"np.clip({x}, -1, 1, out={x})", f"{x}.T[{basic}] = {number}",
            f"{x}.reshape(-1)[::2] = {number}", f"np.negative({x}, {x})", f"np.matmul({x}, {x}, out={x})", f"{x} **= 2", f"{x} &= {value}", f"{x} |= {x} > 0",
            f"np.put_along_axis({x}, np.zeros_like({x}, dtype=int), {number}, axis={axis})", f"np.divmod({other}, 2, out=({x}, None))",
            f"np.concatenate([{x}[:1], {x}[1:]], out={x})", f"np.take({x}, {indices}, axis=0, out={x}[:3])", f"np.real({x})[...] = {number}",
            f"np.mean({x}, axis=0, out={x}[0])", f"np.nan_to_num({x}, copy=False)", f"{x}.put([0], {number})", f"np.imag({x})[{basic}] += {number}",
        )  # fmt: skip
