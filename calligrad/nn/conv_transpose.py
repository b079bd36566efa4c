"""Transposed convolutions: the gradient of a convolution in its images, as a layer that makes images larger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from calligrad.nn.conv import Spread, divided, each, images, start
from calligrad.nn.grid import windows_of
from calligrad.nn.module import Module

# ---------------------------------------------------------------- functions


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """Put ``weight``, times each number, around where it stands along the last axis; see ``conv_transpose2d``.

    Shapes: ``x`` (n, in, length) or (in, length), ``weight`` (in, out / groups, kernel), ``bias`` (out,).
    """
    return _conv_transpose(1, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """Put ``weight``, times each number of ``x``, where ``conv2d`` with the same settings would have looked for it.

    The output has (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + output_padding numbers along each
    axis: ``padding`` takes away on both sides, ``output_padding``, which is smaller than the stride or the dilation,
    adds behind. Shapes: ``x`` (n, in, height, width) or without n, ``weight`` (in, out / groups, *kernel), ``bias``
    (out,). Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.

    >>> import numpy as np
    >>> from calligrad.nn.functional import conv_transpose2d
    >>> conv_transpose2d(np.array([[[1.0, 2.0]]]), np.ones((1, 1, 2, 2)), stride=2)
    array([[[1., 1., 2., 2.],
            [1., 1., 2., 2.]]])
    """
    return _conv_transpose(2, x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """Put ``weight``, times each number, around where it stands in the last three axes; see ``conv_transpose2d``.

    Shapes: ``x`` (n, in, depth, height, width) or without n, ``weight`` (in, out / groups, *kernel), ``bias`` (out,).
    """
    return _conv_transpose(3, x, weight, bias, stride, padding, output_padding, groups, dilation)


def _conv_transpose(
    axes: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Any:
    name = f"conv_transpose{axes}d"
    x, weight, bias, batched = images(name, axes, x, weight, bias)
    inputs, out = weight.shape[:2]
    if groups < 1 or x.shape[1] != inputs or inputs % groups:
        raise ValueError(
            f"{name}: x of shape {x.shape} and a weight of shape {weight.shape} do not fit in groups={groups}: x has"
            f" {x.shape[1]} channels, the weight is for {inputs}"
        )
    if bias is not None and bias.shape != (out * groups,):
        raise ValueError(
            f"{name}: the bias has shape {bias.shape}, not ({out * groups},) as the weight {weight.shape} wants"
        )
    kernel = weight.shape[2:]
    stride, dilation = each(name, "stride", stride, axes, 1), each(name, "dilation", dilation, axes, 1)
    padding, more = each(name, "padding", padding, axes, 0), each(name, "output_padding", output_padding, axes, 0)
    if any(m >= max(s, d) for m, s, d in zip(more, stride, dilation, strict=True)):
        raise ValueError(
            f"{name}: output_padding {more} must be smaller than the stride {stride} or the dilation {dilation}"
        )
    smallest = sizes(x.shape[2:], kernel, stride, padding, dilation)
    size = tuple(n + m for n, m in zip(smallest, more, strict=True))
    if min(size) < 1:
        raise ValueError(f"{name}: of x of shape {x.shape} with padding {padding} nothing is left: an image of {size}")
    margins = tuple((p, p - m) for p, m in zip(padding, more, strict=True))
    windows = windows_of(size, kernel, stride, margins, dilation, groups)
    y = Spread(windows)(x, weight) if bias is None else Spread(windows)(x, weight, bias)
    return y if batched else y[0]


def sizes(
    size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> tuple[int, ...]:
    """The size of the output, without output padding."""
    axes = zip(size, kernel, stride, padding, dilation, strict=True)
    return tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in axes)


# ---------------------------------------------------------------- modules


class _ConvTranspose(Module):
    """A transposed convolution over ``axes`` axes; ``weight`` is (in_channels, out_channels / groups, *kernel_size)."""

    axes: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        name = type(self).__name__
        divided(name, in_channels, out_channels, groups)
        if padding_mode != "zeros":
            raise ValueError(f'{name}: padding_mode can only be "zeros", not {padding_mode!r}')
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = each(name, "kernel_size", kernel_size, self.axes, 1)
        self.stride = each(name, "stride", stride, self.axes, 1)
        self.padding = each(name, "padding", padding, self.axes, 0)
        self.output_padding = each(name, "output_padding", output_padding, self.axes, 0)
        self.dilation = each(name, "dilation", dilation, self.axes, 1)
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight, self.bias = start(shape, out_channels if bias else None, dtype, rng)

    def forward(self, x: Any, output_size: Sequence[int] | None = None) -> Any:
        """(n, in_channels, *size) to (n, out_channels, *larger), or both without n.

        Several sizes have the same convolution; ``output_size``, with or without the axes before, says which it was.
        """
        more = self.output_padding if output_size is None else self._more(np.shape(x), output_size)
        settings = (self.stride, self.padding, more, self.groups, self.dilation)
        return _conv_transpose(self.axes, x, self.weight, self.bias, *settings)

    def _more(self, shape: tuple[int, ...], wanted: Sequence[int]) -> tuple[int, ...]:
        """The output padding that gives the size that is wanted."""
        name = type(self).__name__
        if len(wanted) not in (self.axes, len(shape)):
            raise ValueError(f"{name}: output_size has {self.axes} or {len(shape)} entries, not {tuple(wanted)}")
        wanted = tuple(wanted)[-self.axes :]
        least = sizes(shape[-self.axes :], self.kernel_size, self.stride, self.padding, self.dilation)
        more = tuple(w - n for w, n in zip(wanted, least, strict=True))
        if any(not 0 <= m < s for m, s in zip(more, self.stride, strict=True)):
            most = tuple(n + s - 1 for n, s in zip(least, self.stride, strict=True))
            raise ValueError(f"{name}: output_size {wanted} is not between {least} and {most}, which x can give")
        return more

    def extra_repr(self) -> str:
        """The sizes, and the settings that are not the usual ones."""
        none = (0,) * self.axes
        usual = {"padding": none, "output_padding": none, "groups": 1, "dilation": (1,) * self.axes}
        words = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        words += [f"{word}={getattr(self, word)}" for word, x in usual.items() if getattr(self, word) != x]
        return ", ".join(words if self.bias is not None else [*words, "bias=False"])


class ConvTranspose1d(_ConvTranspose):
    """``conv_transpose1d`` with ``weight`` (in_channels, out_channels / groups, kernel_size); see ``ConvTranspose2d``.

    >>> import numpy as np
    >>> from calligrad.nn import ConvTranspose1d
    >>> ConvTranspose1d(3, 8, 4, stride=2)(np.ones((2, 3, 5), np.float32)).shape
    (2, 8, 12)
    """

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """``conv_transpose2d`` with ``weight`` (in_channels, out_channels / groups, *kernel_size) and a ``bias``.

    Both start uniform within one over the root of out_channels / groups times the kernel's size, as in PyTorch.

    >>> import numpy as np
    >>> from calligrad.nn import ConvTranspose2d
    >>> layer = ConvTranspose2d(3, 8, 3, stride=2, padding=1)
    >>> x = np.ones((2, 3, 5, 5), np.float32)
    >>> layer(x).shape, layer(x, output_size=(10, 10)).shape
    ((2, 8, 9, 9), (2, 8, 10, 10))
    """

    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """``conv_transpose3d`` with ``weight`` (in_channels, out_channels / groups, *kernel_size); see ``ConvTranspose2d``.

    >>> import numpy as np
    >>> from calligrad.nn import ConvTranspose3d
    >>> ConvTranspose3d(2, 1, 2, stride=2)(np.ones((1, 2, 3, 3, 3), np.float32)).shape
    (1, 1, 6, 6, 6)
    """

    axes = 3
