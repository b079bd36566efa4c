"""Convolutions in one, two and three dimensions.

A convolution is linear in the images and linear in the kernel. Its two adjoints are linear in both of theirs, and the
derivatives of each of the three are the other two; so every derivative, of any order, is one of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

import numpy as np

from calligrad.batched import BATCHING, Level
from calligrad.dtypes import parameter_dtype
from calligrad.function import Function
from calligrad.nn import correlation
from calligrad.nn.grid import Windows, windows_of
from calligrad.nn.init import kaiming_uniform_, uniform_
from calligrad.nn.module import Module
from calligrad.primitive import is_concrete
from calligrad.value import Value

PADDING = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""The padding modes, and what NumPy calls them."""

# ---------------------------------------------------------------- Functions


class Convolve(Function):
    """Images (n, in, *size), a kernel (out, in / groups, *kernel) and perhaps a bias (out,): (n, out, *windows.out)."""

    windows: Windows

    def forward(self, x, w, *bias):
        return correlation.convolve(x, w, *bias, windows=self.windows)

    def backward(self, g, x, w, *bias):
        of_x, of_w = lambda: Spread(self.windows)(g, w), lambda: Correlate(self.windows)(x, g)
        if is_concrete(g, x, w) and all(origin is not None for origin, _, _ in self.edges[:2]):
            both = cache(lambda: correlation.gradients(g, x, w, windows=self.windows))
            of_x, of_w = lambda: both()[0], lambda: both()[1]
        return (of_x, of_w, lambda: per_channel(g))[: 2 + len(bias)]


class Spread(Function):
    """The adjoint of ``Convolve`` in the images: what a position saw of an image goes back there."""

    windows: Windows

    def forward(self, y, w, *bias):
        return correlation.spread(y, w, *bias, windows=self.windows)

    def backward(self, g, y, w, *bias):
        gs = (
            lambda: Convolve(self.windows)(g, w),
            lambda: Correlate(self.windows)(g, y),
            lambda: per_channel(g),
        )
        return gs[: 2 + len(bias)]


class Correlate(Function):
    """The adjoint of ``Convolve`` in the kernel: images and outputs, summed over all positions, for each tap."""

    windows: Windows

    def forward(self, x, y):
        return correlation.correlate(x, y, windows=self.windows)

    def backward(self, g, x, y):
        return (
            lambda: Spread(self.windows)(y, g),
            lambda: Convolve(self.windows)(x, g),
        )


def of_all_examples(level: Level, function: Any, *xs: Any) -> Any:
    """The rule of ``vmap``: every example is a group of channels, so each may have a kernel of its own."""
    count = level.size
    together = type(function)(replace(function.windows, groups=function.windows.groups * count))
    weight_is_result = isinstance(function, Correlate)
    joined = []
    for i, x in enumerate(map(level.spread, xs)):
        if i == 0 or weight_is_result:  # images: the examples lie beside each other, as channels
            x = np.moveaxis(x, 0, 1)
            joined.append(np.reshape(x, (x.shape[0], count * x.shape[2], *x.shape[3:])))
        else:
            joined.append(np.reshape(x, (count * x.shape[1], *x.shape[2:])))
    y = together(*joined)
    if weight_is_result:
        return level.wrap(np.reshape(y, (count, y.shape[0] // count, *y.shape[1:])))
    return level.wrap(np.moveaxis(np.reshape(y, (y.shape[0], count, y.shape[1] // count, *y.shape[2:])), 1, 0))


BATCHING.update(dict.fromkeys((Convolve, Spread, Correlate), of_all_examples))


def per_channel(g: Any) -> Any:
    """The sum over all axes but the second."""
    return np.sum(np.reshape(g, (*g.shape[:2], math.prod(g.shape[2:]))), axis=(0, 2))


# ---------------------------------------------------------------- functions


def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Slide ``weight`` along the last axis of ``x``; see ``conv2d``.

    Shapes: ``x`` (n, in, length) or (in, length), ``weight`` (out, in / groups, kernel), ``bias`` (out,).
    """
    return _conv(1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Slide ``weight`` over the last two axes of ``x``; what is under it, times the weight, is summed.

    ``stride``, ``padding`` and ``dilation`` are a number, or one for each axis; ``padding`` may be "valid", none, or
    "same", as much as keeps the size. With ``groups``, each group of the outputs sees its own group of the inputs.
    Shapes: ``x`` (n, in, height, width) or without n, ``weight`` (out, in / groups, *kernel), ``bias`` (out,).

    >>> import numpy as np
    >>> from calligrad.nn.functional import conv2d
    >>> conv2d(np.eye(3)[None], np.ones((1, 1, 2, 2)))
    array([[[2., 1.],
            [1., 2.]]])
    """
    return _conv(2, x, weight, bias, stride, padding, dilation, groups)


def conv3d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Slide ``weight`` over the last three axes of ``x``; see ``conv2d``.

    Shapes: ``x`` (n, in, depth, height, width) or without n, ``weight`` (out, in / groups, *kernel), ``bias`` (out,).
    """
    return _conv(3, x, weight, bias, stride, padding, dilation, groups)


def _conv(axes: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    name = f"conv{axes}d"
    x, weight, bias, batched = images(name, axes, x, weight, bias)
    out, inputs = weight.shape[:2]
    if groups < 1 or x.shape[1] != inputs * groups or out % groups:
        raise ValueError(
            f"{name}: x of shape {x.shape} and a weight of shape {weight.shape} do not fit in groups={groups}: x has"
            f" {x.shape[1]} channels, the weight is for {inputs * groups} and gives {out}"
        )
    if bias is not None and bias.shape != (out,):
        raise ValueError(f"{name}: the bias has shape {bias.shape}, not ({out},) as the weight {weight.shape} wants")
    kernel, size = weight.shape[2:], x.shape[2:]
    stride = each(name, "stride", stride, axes, 1)
    dilation = each(name, "dilation", dilation, axes, 1)
    windows = windows_of(size, kernel, stride, margins(name, padding, kernel, stride, dilation), dilation, groups)
    if min(windows.out) < 1:
        raise ValueError(
            f"{name}: a kernel of {kernel} with dilation {dilation} is larger than the image of {size} with its padding"
            f" of {windows.padding}"
        )
    y = Convolve(windows)(x, weight) if bias is None else Convolve(windows)(x, weight, bias)
    return y if batched else y[0]


# ---------------------------------------------------------------- what they were given


def images(name: str, axes: int, x: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any, bool]:
    """Images with an axis 0, kernel and bias, as arrays or Values; and whether the images had that axis."""
    x, weight = (a if hasattr(a, "dtype") else np.asarray(a) for a in (x, weight))
    if bias is not None and not hasattr(bias, "dtype"):
        bias = np.asarray(bias)
    for what, a in (("x", x), ("the weight", weight), ("the bias", bias)):
        if a is not None and a.dtype.kind != "f":
            raise TypeError(f"{name} takes floating numbers; {what} holds {a.dtype}")
    if weight.ndim != axes + 2:
        raise ValueError(f"{name}: a weight has {axes + 2} axes, two of channels and the kernel's; got {weight.shape}")
    if x.ndim not in (axes + 1, axes + 2):
        raise ValueError(
            f"{name} takes x with {axes + 2} axes, (n, channels, *size), or {axes + 1}, without n; got shape {x.shape}"
        )
    batched = x.ndim == axes + 2
    return (x if batched else x[np.newaxis]), weight, bias, batched


def each(name: str, what: str, given: Any, axes: int, least: int) -> tuple[int, ...]:
    """One whole number for each axis."""
    numbers = tuple(given) if isinstance(given, Sequence | np.ndarray) else (given,)
    numbers = numbers * axes if len(numbers) == 1 else numbers
    if len(numbers) != axes or not all(isinstance(n, int | np.integer) and n >= least for n in numbers):
        kind = f"whole number of at least {least}"
        raise ValueError(f"{name}: {what} is a {kind}, or {axes} of them, not {given!r}")
    return tuple(map(int, numbers))


def margins(
    name: str, padding: Any, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """How much goes before and behind, for each axis."""
    if not isinstance(padding, str):
        return tuple((n, n) for n in each(name, "padding", padding, len(kernel), 0))
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding != "same":
        raise ValueError(f'{name}: padding is "same", "valid", a number or one for each axis, not {padding!r}')
    if max(stride) > 1:
        raise ValueError(f'{name}: padding="same" keeps the size, which a stride of {tuple(stride)} does not')
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


# ---------------------------------------------------------------- modules


class _Conv(Module):
    """A convolution over ``axes`` axes, with ``weight`` (out_channels, in_channels / groups, *kernel_size)."""

    axes: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        name = type(self).__name__
        divided(name, in_channels, out_channels, groups)
        if padding_mode not in PADDING:
            raise ValueError(f"{name}: padding_mode is one of {', '.join(PADDING)}, not {padding_mode!r}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = each(name, "kernel_size", kernel_size, self.axes, 1)
        self.stride = each(name, "stride", stride, self.axes, 1)
        self.dilation = each(name, "dilation", dilation, self.axes, 1)
        self.margins = margins(name, padding, self.kernel_size, self.stride, self.dilation)
        self.padding = padding if isinstance(padding, str) else each(name, "padding", padding, self.axes, 0)
        self.padding_mode = padding_mode
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight, self.bias = start(shape, out_channels if bias else None, dtype, rng)

    def forward(self, x: Any) -> Any:
        """(n, in_channels, *size) to (n, out_channels, *smaller), or both without n."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            x, padding = self._padded(x), 0
        return _conv(self.axes, x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _padded(self, x: Any) -> Any:
        """``x`` with copies of its own numbers around it."""
        size = np.shape(x)[-self.axes :]
        most = {"reflect": [n - 1 for n in size], "circular": list(size)}.get(self.padding_mode)
        if most is not None and any(max(pair) > n for pair, n in zip(self.margins, most, strict=False)):
            raise ValueError(f"padding_mode={self.padding_mode!r} cannot pad an image of {size} by {self.margins}")
        lead = ((0, 0),) * (np.ndim(x) - self.axes)
        return np.pad(x, lead + self.margins, PADDING[self.padding_mode])

    def extra_repr(self) -> str:
        """The sizes, and the settings that are not the usual ones."""
        usual = {
            "padding": (0,) * self.axes,
            "dilation": (1,) * self.axes,
            "groups": 1,
            "padding_mode": "zeros",
        }
        words = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        words += [f"{word}={getattr(self, word)!r}" for word, x in usual.items() if getattr(self, word) != x]
        return ", ".join(words if self.bias is not None else [*words, "bias=False"])


class Conv1d(_Conv):
    """``conv1d`` with a ``weight`` (out_channels, in_channels / groups, kernel_size) and a ``bias`` (out_channels,).

    Both start uniform within one over the root of the numbers that an output sees, as in PyTorch. Instead of zeros, the
    padding may "reflect" the image, "replicate" its edge, or take it as "circular".

    >>> import numpy as np
    >>> from calligrad.nn import Conv1d
    >>> Conv1d(3, 8, 5, padding="same")(np.ones((2, 3, 20), np.float32)).shape
    (2, 8, 20)
    """

    axes = 1


class Conv2d(_Conv):
    """``conv2d`` with a ``weight`` (out_channels, in_channels / groups, *kernel_size); see ``Conv1d``.

    >>> import numpy as np
    >>> from calligrad.nn import Conv2d
    >>> Conv2d(3, 8, 3, stride=2)(np.ones((2, 3, 9, 9), np.float32)).shape
    (2, 8, 4, 4)
    """

    axes = 2


class Conv3d(_Conv):
    """``conv3d`` with a ``weight`` (out_channels, in_channels / groups, *kernel_size); see ``Conv1d``.

    >>> import numpy as np
    >>> from calligrad.nn import Conv3d
    >>> Conv3d(1, 2, (1, 3, 3))(np.ones((1, 4, 4, 4), np.float32)).shape
    (2, 4, 2, 2)
    """

    axes = 3


def divided(name: str, in_channels: int, out_channels: int, groups: int) -> None:
    """Check that the channels can be divided into the groups."""
    for word, n in (("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups)):
        if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1:
            raise ValueError(f"{name}: {word} is a whole number of at least 1, not {n!r}")
        if n % groups:
            raise ValueError(f"{name}: {word}={n} cannot be divided into {groups} groups")


def start(shape: tuple[int, ...], outputs: int | None, dtype: Any, rng: Any) -> tuple[Value, Value | None]:
    """The kernel and the bias as they begin."""
    dtype = parameter_dtype(dtype)
    weight = kaiming_uniform_(Value(np.empty(shape, dtype), "weight"), a=math.sqrt(5), rng=rng)
    if outputs is None:
        return weight, None
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    return weight, uniform_(Value(np.empty(outputs, dtype), "bias"), -bound, bound, rng)
