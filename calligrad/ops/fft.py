"""Fourier transforms: linear, and closed under transposition, so that the gradients of any order are transforms again.

The matrix of a discrete Fourier transform is symmetric: the transform is its own transpose. The transforms of
real numbers hold half of the frequencies; each is the other's transpose, up to weights for the half left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.index import Scatter
from calligrad.rules import implements, numpy_name

OPPOSITE: dict[Any, Any] = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The norm that puts the factor of a transform on its transpose, where that runs the other way."""


class Transform(Function):
    """What the transforms share: their axes."""

    @property
    def along(self: Any) -> tuple[int, ...]:
        """The axes of the transform, in NumPy's order; the last of them is the one that is halved."""
        if "axis" in self.settings:
            return (self.axis,)
        if self.axes is None:
            return tuple(range(-len(self.shapes[0] if self.s is None else self.s), 0))
        return tuple(self.axes)


class Complex(Transform):
    """From complex numbers to complex numbers: its own transpose."""

    def backward(self: Any, g: Any) -> Any:
        axes = self.axis if "axis" in self.settings else self.along
        return resized(self.of(g, None, axes, self.norm), self.shapes[0])


class Fft(Complex, of=np.fft.fft):
    """``np.fft.fft``."""

    n: int | None = None
    axis: int = -1
    norm: str | None = None


class Ifft(Complex, of=np.fft.ifft):
    """``np.fft.ifft``."""

    n: int | None = None
    axis: int = -1
    norm: str | None = None


class Fftn(Complex, of=np.fft.fftn):
    """``np.fft.fftn``."""

    s: Any = None
    axes: Any = None
    norm: str | None = None


class Ifftn(Complex, of=np.fft.ifftn):
    """``np.fft.ifftn``."""

    s: Any = None
    axes: Any = None
    norm: str | None = None


class FromReal(Transform):
    """From real numbers to half of the frequencies."""

    def backward(self: Any, g: Any) -> Any:
        axes, shape = self.along, self.shapes[0]
        n = self.n if "axis" in self.settings else -1 if self.s is None else self.s[-1]
        lengths = [*(g.shape[axis] for axis in axes[:-1]), shape[axes[-1]] if n in (None, -1) else n]
        halves = np.conjugate(g) * weights(g, lengths[-1], axes[-1], 0.5)
        return resized(np.fft.irfftn(halves, lengths, axes, OPPOSITE[self.norm]), shape)


class Rfft(FromReal, of=np.fft.rfft):
    """``np.fft.rfft``."""

    n: int | None = None
    axis: int = -1
    norm: str | None = None


class Rfftn(FromReal, of=np.fft.rfftn):
    """``np.fft.rfftn``."""

    s: Any = None
    axes: Any = None
    norm: str | None = None


class ToReal(Transform):
    """From half of the frequencies to real numbers; imaginary parts that should be 0 are ignored, as NumPy does."""

    def backward(self: Any, g: Any) -> Any:
        axes = self.along
        ga = np.conjugate(np.fft.rfftn(g, None, axes, OPPOSITE[self.norm]))
        return resized(ga * weights(ga, g.shape[axes[-1]], axes[-1], 2.0), self.shapes[0])


class Irfft(ToReal, of=np.fft.irfft):
    """``np.fft.irfft``."""

    n: int | None = None
    axis: int = -1
    norm: str | None = None


class Irfftn(ToReal, of=np.fft.irfftn):
    """``np.fft.irfftn``."""

    s: Any = None
    axes: Any = None
    norm: str | None = None


def weights(y: Any, n: int, axis: int, weight: float) -> Any:
    """1 for the frequencies of ``n`` real numbers that stand alone, ``weight`` for those that stand for two."""
    w = np.full(n // 2 + 1, weight, np.finfo(y.dtype).dtype)
    w[0] = 1
    if n % 2 == 0:
        w[-1] = 1
    return w.reshape(-1, *(1,) * (y.ndim - 1 - axis % y.ndim))


def resized(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` cut off or filled up with zeros at the end of each axis; the transpose of the same the other way."""
    if x.shape == shape:
        return x
    within = tuple(slice(min(n, m)) for n, m in zip(x.shape, shape))
    x = x[within]
    return x if x.shape == shape else Scatter(within, shape)(x)


def _once_an_axis(cls: Any, transform: Callable) -> Callable:
    """The rule of a transform of several axes, none of them twice: then the lengths in between would be unknown."""

    def rule(a: Any, s: Any = None, axes: Any = None, norm: str | None = None, out: Any = None) -> Any:
        if axes is not None and len({axis + a.ndim * (axis < 0) for axis in axes}) < len(axes):
            name = numpy_name(transform)
            raise NotImplementedError(f"{name} of a Value takes each axis once, not {axes}; call it twice")
        if out is not None:
            raise TypeError(f"{numpy_name(transform)} of a Value does not take out")
        return cls(s=s, axes=axes, norm=norm)(a)

    return rule


def _in_plane(rule: Callable) -> Callable:
    """The rule for two axes, given the one for any number of them; NumPy does it so, too."""
    return lambda a, s=None, axes=(-2, -1), norm=None, out=None: rule(a, s, axes, norm, out)


for _cls in (Fftn, Ifftn, Rfftn, Irfftn):
    _transform: Any = _cls.of
    implements(_transform)(_rule := _once_an_axis(_cls, _transform))
    implements(getattr(np.fft, _transform.__name__.replace("n", "2")))(_in_plane(_rule))


@implements(np.fft.hfft)
def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    """``np.fft.hfft``: the real spectrum of a signal that is Hermitian around 0."""
    return np.fft.irfft(np.conjugate(a), n, axis, _opposite(norm), out=out)


@implements(np.fft.ihfft)
def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    """``np.fft.ihfft``: the inverse of ``np.fft.hfft``."""
    return np.conjugate(np.fft.rfft(a, n, axis, _opposite(norm), out=out))


def _opposite(norm: Any) -> Any:
    return OPPOSITE.get(norm, norm)  # NumPy itself refuses what it does not know


class Fftshift(Function, of=np.fft.fftshift):
    """``np.fft.fftshift``: a roll, undone by ``np.fft.ifftshift``."""

    axes: Any = None

    def backward(self, g):
        return np.fft.ifftshift(g, self.axes)


class Ifftshift(Function, of=np.fft.ifftshift):
    """``np.fft.ifftshift``: a roll, undone by ``np.fft.fftshift``."""

    axes: Any = None

    def backward(self, g):
        return np.fft.fftshift(g, self.axes)
