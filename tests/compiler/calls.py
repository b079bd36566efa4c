"""Lines of random programs: NumPy calls on arrays that are at hand, as texts with holes that are drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST = 200  # numbers of an array that is given: products of some arrays have far more
DTYPES = {"float64": 36, "float32": 20, "int64": 14, "int32": 6, "uint8": 4, "bool": 10, "complex128": 10}


@dataclass(frozen=True)
class Kind:
    """An array that a program is given: shape, dtype, and how it lies in memory."""

    shape: tuple[int, ...]
    dtype: str
    layout: str

    @classmethod
    def drawn(cls, rng: np.random.Generator, sizes: list[int]) -> Kind:
        shape = tuple(int(rng.choice(sizes)) for _ in range(rng.choice(5, p=[0.06, 0.3, 0.36, 0.22, 0.06])))
        while math.prod(shape) > MOST:
            shape = shape[1:]
        dtype = str(rng.choice(list(DTYPES), p=np.array(list(DTYPES.values())) / 100))
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


def is_small(x: Any) -> bool:
    """Whether it may stay in a program."""
    return not isinstance(x, np.ndarray) or (x.size <= 4000 and x.ndim <= 6 and x.dtype != object)


# ---------------------------------------------------------------- the texts
# One stands two blanks from the next. {x} is the array that a line is about, {y} an operand that broadcasts with it or
# a number, {z} any array, {other} one of the same shape, {value} what x takes; the rest fits x, too. See ``Holes``.

VALUES: dict[str, tuple[float, str]] = {
    "elementwise": (8, """
        np.{unary}({x})  -{x}  abs({x})  np.tanh({x})  {x} ** 2  {x} ** 0.5  np.{binary}({x}, {y})
        np.{binary}({y}, {x})  np.{binary}({x}, {y})  {x} {operator} {y}  {y} {operator} {x}
        np.add({x}, {y}, dtype=np.complex128)  np.{binary}.outer({x}, {z})  np.where({x} > 0, {x}, {y})
        np.where({x}, {y}, 0)  np.maximum({x}, 0)
        np.clip({x}, -1, {number})  np.select([{x} > 1, {x} > 0], [{x}, {y}], 3)  np.choose({x} > 0, [{x}, {y}])
        np.isclose({x}, {y})  np.array_equal({x}, {y})  np.piecewise({x}, [{x} > 0], [2, -1])  np.nan_to_num({x})
        np.divmod({x}, {y})[1]  np.divmod({x}, {y})[0]  np.modf({x})[0]  np.frexp({x})[0]  np.round({x}, 1)
        np.interp({x}, [-1.0, 0.0, 2.0], [0.0, 1.0, s])  np.searchsorted([-1.0, 0.5], {x})"""),
    "reductions": (5, """
        np.{reduction}({x}, axis={axes})  np.{reduction}({x}, axis={axis}, keepdims={keep})  {x}.sum({axis})  {x}.mean()
        {x}.max({axis})  {x}.std({axis})  {x}.argmax({axis})  {x}.var(0)  {x}.prod()  {x}.all()  {x}.argmin()
        np.cumsum({x}, axis={axis})  np.cumprod({x}, axis={axis})  {x}.cumsum()  np.add.reduce({x}, axis={axis})
        np.maximum.accumulate({x}, axis={axis})  np.add.reduceat({x}, [0], axis={axis})
        np.linalg.norm({x}, axis={axis})
        np.sum({x}, axis={axes}, where={x} > 0, initial=2)  np.sum({x}, axis={axes}, dtype=np.{dtype})
        np.count_nonzero({x}) * {z}  np.trapezoid({x}, axis={axis})  np.median({x}, axis={axes})
        np.quantile({x}, [0.25, 0.5], axis={axis})  calligrad.logsumexp({x}, axis={axis})
        calligrad.softmax({x}, axis={axis})  np.histogram({x}, bins=3)[0]  sum(row * 2 for row in {x})"""),
    "products": (2, """
        {x} @ {z}  {x} @ {x}.mT  np.dot({x}, {z})  np.matmul({x}.T, {x})  np.inner({x}, {x})  np.outer({x}, {z})
        np.tensordot({x}, {z}, 1)  np.tensordot({x}, {other}, axes=([0], [0]))  np.vdot({x}, {x})  {x}.dot({x})
        np.einsum('...i,...i->...', {x}, {other})  np.einsum('ij,ij->{ij}', {x}, {other})  np.einsum('ij->ji', {x})
        np.einsum('ij,kj->ik', {x}, {z})  np.kron({x}, {z})  np.multiply.outer({z}, {z})
        np.linalg.svd({x}, compute_uv=False)  np.linalg.qr({x}).R"""),
    "views": (7, """
        {x}[{basic}]  {x}[{basic}]  {x}[{basic}]  {x}[{basic}]  {x}[{basic}]  np.reshape({x}, {shape})  {x}.reshape(-1)
        {x}.ravel()  {x}.T  np.real({x})  np.imag({x})  np.transpose({x}, {order})  np.swapaxes({x}, {axis}, 0)
        np.moveaxis({x}, {axis}, 0)  np.expand_dims({x}, {axis})  np.squeeze({x})  np.broadcast_to({x}, {wide})
        np.flip({x}, {axis})  np.diagonal({x})  np.atleast_2d({x})  np.rot90({x})  {x}.astype({x}.dtype, copy=False)
        np.split({x}, [1], axis={axis})[0]  np.split({x}, [1], axis={axis})[1]  np.array_split({x}, 2, axis={axis})[0]
        list({x})[0]  np.reshape({x}, -1, order='F')  {x}.swapaxes(0, -1)  {x}.squeeze()  {x}.transpose()
        np.lib.stride_tricks.sliding_window_view({x}, {window}, axis=0)"""),
    "copies": (6, """
        {x}[{key}]  {x}[{key}]  {x}[{key}]  np.take({x}, {indices}, axis={axis})  np.copy({x}, order='{layout}')
        {x}.astype('{dtype}')  np.zeros_like({x})  np.ones_like({x}, dtype='{dtype}')  np.full_like({x}, {number})
        np.sort({x}, axis={axis})  np.argsort({x}, axis={axis}, kind='stable')  np.partition({x}, 0, axis={axis})
        np.roll({x}, -1, axis={axis})  np.roll({x}, 2)  np.tile({x}, (2, 1))  np.repeat({x}, 2, axis={axis})
        np.pad({x}, 1)  np.pad({x}, 1, mode='edge')  np.pad({x}, 1, mode='wrap')  np.pad({x}, 1, mode='reflect')
        np.diff({x}, axis={axis})  np.triu({x})  np.tril({x}, -1)  np.diag({x})  {x}.flatten()  {x}.copy()
        np.delete({x}, 0, axis={axis})  np.insert({x}, 0, 1, axis={axis})  np.gradient({x}, axis={axis})
        np.stack(np.gradient({x}))  np.fft.fft({x}, axis={axis})  np.fft.rfft({x}, axis={axis})  {x}.flat[0]
        np.unwrap({x}, axis={axis})  {x}.conj()  {x}.repeat(2)  {x}.take([0])  {x}.diagonal().copy()  {x}.real * 2
        np.apply_along_axis(lambda row: row * 2 + np.sum(row), {axis}, {x})  {x}.round(1)
        np.take_along_axis({x}, np.argsort({x}, axis=-1, kind='stable'), axis=-1)  np.meshgrid({x}, {z})[1]
        np.broadcast_arrays({x}, {y})[0] * 1  np.broadcast_arrays({x}, {y})[1] * 1  {x}[{whole} % {first}]"""),
    "joined": (2, """
        np.concatenate([{x}, {other}], axis={axis})  np.stack([{x}, {other}], axis={axis})  np.append({x}, {other})
        np.concatenate(({other}, {x}, {other}), axis={axis})  np.hstack([{x}, {other}])  np.vstack([{x}, {other}])
        np.column_stack([{x}, {other}])  np.block([[{x}, {other}]])"""),
    "draws": (0.6, """
        calligrad.random.generator().normal(size={same})  calligrad.random.generator().random({same}) < 0.5
        calligrad.random.generator().integers(0, 5, {same})  calligrad.random.generator().permutation({first})"""),
    "gradients": (2, """
        np.sum(np.sin(t) * {w})  np.sum(np.tanh(t[{key}] * s))  np.mean((t - {w}) ** 2)
        np.sum(np.cumsum(t, {axis}) * t)
        np.sum(calligrad.softmax(t, axis={axis}) * {w})  np.sum(np.sort(t, axis={axis}) ** 3)  np.sum(t.T @ t)
        np.max(t * {w})  np.sum(np.where(t > 0, t * {w}, np.exp(t)))  np.linalg.norm(t * 2 + {w})  np.prod(t + 2)
        np.sum(np.concatenate([t, t * {w}]) ** 2)  np.var(t, axis={axis}).sum()  np.einsum('...i,...i->', t, t)
        np.sum(np.reshape(t, -1)[::-1] * np.reshape(t, -1))"""),
}  # fmt: skip

TRANSFORMS = """
    np.copy(calligrad.grad(lambda t: {inner})({x}), "C")
    np.copy(calligrad.hvp(lambda t: {inner}, ({x},), ({x},))[0], "C")
    np.copy(calligrad.value_and_grad(lambda t: {inner})({x})[1], "C")
    np.copy(calligrad.vjp(lambda t: np.tanh(t) * {w}, {x})[1]({x})[0], "C")"""
"""Copies, as how a gradient lies in memory is not promised, and ``x.reshape(-1)[0] = 1`` depends on it."""

WRITES = """
    {x}[{key}] = {number}  {x}[{basic}] = {value}  {x}[...] = {value}  {x}[{key}] += {number}  {x} += {value}
    {x} *= {value}  {x} -= {x}.T  {x}[{basic}] *= {number}  {x} /= 2  {x} **= 2  {x} &= {value}  {x} |= {x} > 0
    np.add({x}, {value}, out={x})  np.multiply({other}, {value}, out={x})  np.sin({other}, out={x})
    np.add.at({x}, {places}, {number})  np.maximum.at({x}, {places}, {number})  {x}.fill({number})  {x}.sort({axis})
    np.copyto({x}, {value})  np.copyto({x}, {value} * 2, where={mask})  np.put({x}, {places}, {number})
    {x}[{mask}] = {number}  np.putmask({x}, {mask}, {number})  np.fill_diagonal({x}, {number})  {x}.put([0], {number})
    np.subtract({x}, {value}, out={x}, where={mask})  {x}[{basic}] = {x}[{basic}][::-1]  {x}.flat[0] = {number}
    {x}.real = {number}  np.sum([{x}, {other}], axis=0, out={x})  np.clip({x}, -1, 1, out={x})
    {x}.T[{basic}] = {number}
    {x}.reshape(-1)[::2] = {number}  np.negative({x}, {x})  np.matmul({x}, {x}, out={x})  np.real({x})[...] = {number}
    np.put_along_axis({x}, np.zeros_like({x}, dtype=int), {number}, axis={axis})  np.divmod({other}, 2, out=({x}, None))
    np.concatenate([{x}[:1], {x}[1:]], out={x})  np.take({x}, {places}, axis=0, out={x}[:3])
    np.mean({x}, 0, out={x}[0])
    np.nan_to_num({x}, copy=False)  np.imag({x})[{basic}] += {number}
    np.cumsum({other}[:, None], axis=0, out={x}[:, None])
"""

WORDS = {
    "unary": "negative abs sin cos tanh square sign floor rint conjugate isfinite logical_not exp sqrt log1p arctan",
    "binary": "add subtract multiply add subtract multiply divide maximum minimum arctan2 hypot less greater_equal"
    " equal not_equal logical_and logical_or floor_divide remainder copysign bitwise_xor fmax",
    "operator": "+ - * / < == + * & |",
    "reduction": "sum mean max min prod any all std var argmax argmin count_nonzero ptp median nansum",
    "number": "2 0.5 s 1",
    "keep": "True False",
    "layout": "C F K",
    "ij": "ij ji i j",
}
NUMBERS = (
    "2",
    "0.5",
    "-1.5",
    "3",
    "s",
    "s * 2",
    "np.float32(1.5)",
    "np.float64(0.25)",
    "True",
    "np.complex64(1 + 2j)",
    "-s ** 2",
)

ROUNDED = ("softmax", "logsumexp", "np.prod(t")
"""What goes another way for plain arrays, with another rounding: nothing that could make it large shall follow."""


def texts(block: str) -> list[str]:
    """The texts of a block."""
    return [text.strip() for text in block.replace("\n", "  ").split("  ") if text.strip()]


# ---------------------------------------------------------------- what fills them


def drawn(rng: np.random.Generator, arrays: dict[str, Any], number: int) -> str:
    """One more line; ``arrays`` are those that there are, by name."""
    arrays = {name: x for name, x in arrays.items() if name[0] != "w" and isinstance(x, (np.ndarray, np.generic))}
    if rng.random() < 0.3:
        writable = [name for name, x in arrays.items() if isinstance(x, np.ndarray) and x.flags.writeable]
        return Holes(rng, arrays, among=writable).filled(rng.choice(texts(WRITES)))
    weights = np.array([weight for weight, _ in VALUES.values()])
    topic = str(rng.choice(list(VALUES), p=weights / weights.sum()))
    text = str(rng.choice(texts(VALUES[topic][1])))
    if topic == "gradients":
        floating = [name for name, x in arrays.items() if x.dtype.kind == "f"]
        value = Holes(rng, arrays, floating).filled(rng.choice(texts(TRANSFORMS)).replace("{inner}", text))
    else:
        value = Holes(rng, arrays).filled(text)
    return f"{'w' if any(word in value for word in ROUNDED) else 'v'}{number} = {value}"


class Holes(dict):
    """Draws what stands in each hole of a text when it is asked for; the holes of one name are filled alike."""

    def __init__(self, rng: np.random.Generator, arrays: dict[str, Any], among: list[str] | None = None) -> None:
        super().__init__()
        self.rng = rng
        self.arrays = arrays
        self["x"] = self.name(among or list(arrays))
        self.array = arrays[self["x"]]

    def filled(self, text: Any) -> str:
        """The text with its holes filled."""
        return str(text).format_map(self)

    def __missing__(self, hole: str) -> str:
        self[hole] = self.one(WORDS[hole].split()) if hole in WORDS else str(getattr(self, f"any_{hole}")())
        return self[hole]

    def one(self, choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def name(self, names: list[str]) -> str:
        """A name, rather one of the last."""
        weights = np.arange(1, len(names) + 1) ** 0.7
        return str(self.rng.choice(names, p=weights / weights.sum()))

    def such(self, wanted: Any) -> str:
        """The name of an array that is ``wanted``, if there is one."""
        return self.name([name for name, x in self.arrays.items() if wanted(x)] or list(self.arrays))

    # ---- arrays

    def any_y(self) -> str:
        if self.rng.random() < 0.25:
            return self.one(NUMBERS)
        return self.such(lambda y: all(n == m or 1 in (n, m) for n, m in zip(self.array.shape[::-1], y.shape[::-1])))

    def any_z(self) -> str:
        return self.name(list(self.arrays))

    def any_w(self) -> str:
        return self.such(lambda y: y.dtype.kind == "f" and y.shape in ((), self.array.shape))

    def any_other(self) -> str:
        return self.such(lambda y: isinstance(y, np.ndarray) and y.shape == self.array.shape)

    def any_value(self) -> str:
        if self.rng.random() < 0.3:
            return self.one(("2", "0.5", "s", "1", "True"))
        shape = self.array.shape
        return self.such(
            lambda y: y.ndim <= len(shape) and all(m in (n, 1) for n, m in zip(shape[::-1], y.shape[::-1]))
        )

    def any_mask(self) -> str:
        found = self.such(lambda m: m.dtype == bool and m.shape == self.array.shape)
        return found if self.arrays[found].dtype == bool else f"{self['x']} > 0"

    def any_whole(self) -> str:
        return self.such(lambda i: i.dtype.kind in "iu")

    # ---- settings

    def any_axis(self) -> int:
        return int(self.rng.integers(-self.array.ndim, self.array.ndim)) if self.array.ndim else 0

    def any_axes(self) -> Any:
        kind = self.rng.integers(3)
        if kind == 0 or not self.array.ndim:
            return None
        if kind == 1:
            return self.any_axis()
        return tuple(self.rng.permutation(self.array.ndim)[: self.rng.integers(1, self.array.ndim + 1)].tolist())

    def any_order(self) -> list[int]:
        return self.rng.permutation(self.array.ndim).tolist()

    def any_wide(self) -> list[int]:
        return [*self.rng.integers(1, 3, self.rng.integers(0, 2)).tolist(), *self.array.shape]

    def any_same(self) -> tuple[int, ...]:
        return self.array.shape

    def any_first(self) -> int:
        return max(1, (self.array.shape or (1,))[0])

    def any_window(self) -> int:
        return max(1, self.any_first() // 2)

    def any_dtype(self) -> str:
        whole = ("int64", "bool") if self.array.dtype.kind in "biu" else ("bool",)
        return self.one(("float64", "float32", "complex128", *whole))

    def any_shape(self) -> list[int]:
        shape, size = [], self.array.size
        while size > 1 and self.rng.random() < 0.8:
            shape.append(int(self.rng.choice([d for d in range(1, size + 1) if size % d == 0])))
            size //= shape[-1]
        return [*shape, size]

    def any_places(self) -> list[int]:
        return self.rng.integers(0, self.any_first(), 3).tolist()

    def any_indices(self) -> list[int]:
        n = min(self.array.shape, default=1)
        return self.rng.integers(-n, n, self.rng.integers(1, 4)).tolist() if n else []

    def any_basic(self) -> str:
        return self.any_key(lists=False)

    def any_key(self, lists: bool = True) -> str:
        parts = []
        for n in self.array.shape[: self.rng.integers(0, self.array.ndim + 1)]:
            kind = self.rng.integers(10 if lists else 8)
            if kind < 2 and n:
                parts.append(str(self.rng.integers(-n, n)))
            elif kind < 8 or not n:
                start, stop = self.rng.integers(-n - 1, n + 2, 2)
                parts.append(self.one((":", f"{start}:", f":{stop}", f"{start}:{stop}", "::-1", "::2", f"{stop}::-2")))
            else:
                parts.append(str(self.rng.integers(-n, n, self.rng.integers(1, 4)).tolist()))
        for extra in ("None", "..."):
            if self.rng.random() < 0.2:
                parts.insert(int(self.rng.integers(len(parts) + 1)), extra)
        return ", ".join(parts) or "..."
