"""The functions of scipy.special that turn their arguments into arrays, for Values as well.

What is a ufunc in SciPy takes Values there: ``scipy.special.erf(value)``. The functions here bear SciPy's
names and signatures, are SciPy's own for arrays, and give the same numbers for Values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops import softmax as ops
from calligrad.ops.reduce import without_gradient
from calligrad.scipy import ufuncs
from calligrad.scipy.offer import in_precision_of, offer
from calligrad.scipy.originals import special
from calligrad.value import Value, as_arraylike, unwrap

__all__ = [
    "comb",
    "factorial",
    "log_softmax",
    "logsumexp",
    "multigammaln",
    "perm",
    "polygamma",
    "softmax",
    "spherical_in",
    "spherical_jn",
    "spherical_kn",
    "spherical_yn",
]
assert ufuncs  # what these functions are made of must be in the table


# ---------------------------------------------------------------- sums of exponentials


class LogSumExpOfScipy(ops.LogSumExp):
    """``scipy.special.logsumexp`` without weights."""

    def forward(self, x):
        return special.logsumexp(x, axis=self.axis, keepdims=self.keepdims)

    def backward(self, g, x, *, y):
        if np.any(np.isinf(y)):
            return super().backward(g, in_precision_of(y, x), y=y)
        shares = np.exp(x - self.restore(y))  # to the last digits that y has: they need not sum to 1
        return self.restore(g) / np.sum(shares, axis=self.axis, keepdims=True) * shares


class WeightedLogSumExp(Function):
    """``scipy.special.logsumexp`` with weights: the logarithm of the size of the sum, and its sign if asked for."""

    broadcasts = True

    axis: Any = None
    keepdims: bool = False
    return_sign: bool = False

    def forward(self, a, b):
        return special.logsumexp(a, self.axis, b, self.keepdims, self.return_sign)

    def backward(self, g, a, b, *, y):
        if self.return_sign:
            if g[0] is None:  # the sign alone was used, and that is a constant
                return None, None
            g, y = g[0] * y[1], y[0]
        if not self.keepdims:
            axes = tuple(range(max(np.ndim(a), np.ndim(b), 1))) if self.axis is None else self.axis
            g, y = np.expand_dims(g, axes), np.expand_dims(y, axes)
        absent = np.isneginf(a) | (np.equal(b, 0) & ~np.isfinite(a))  # a weight of 0 takes out an infinity as well
        parts = g * np.exp(np.where(absent, -np.inf, a) - np.where(absent | np.isposinf(y), 0, y))
        # A sum that cancels to 0 has slopes without bound, but in what has no weight.
        return lambda: b * np.where(np.equal(b, 0) & np.isinf(parts), 0, parts), lambda: parts


class SoftmaxOfScipy(ops.Softmax):
    """``scipy.special.softmax``."""

    def forward(self, x):
        return special.softmax(x, axis=self.axis)


class LogSoftmaxOfScipy(ops.LogSoftmax):
    """``scipy.special.log_softmax``."""

    def forward(self, x):
        return special.log_softmax(x, axis=self.axis)


@offer(special.logsumexp)
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """``scipy.special.logsumexp``: ``log(sum(b * exp(a)))`` along ``axis``, without overflow.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> from calligrad.scipy.special import logsumexp
    >>> grad(logsumexp)(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    for x in (a, b):
        if isinstance(x, Value) and x.dtype.kind == "c":
            raise NotImplementedError("logsumexp of complex Values has no derivative in calligrad; write np.log(…)")
    if return_sign and (np.iscomplexobj(a) or np.iscomplexobj(b)):
        raise NotImplementedError("logsumexp(…, return_sign=True) has no derivative with complex numbers in calligrad")
    if b is None and not return_sign:
        return LogSumExpOfScipy(axis, keepdims)(a)
    return WeightedLogSumExp(axis, keepdims, return_sign)(a, np.ones(()) if b is None else b)


@offer(special.softmax)
def softmax(x: Any, axis: Any = None) -> Any:
    """``scipy.special.softmax``: ``exp(x) / sum(exp(x))``, over all of ``x`` unless an axis is given."""
    return SoftmaxOfScipy(axis)(x)


@offer(special.log_softmax)
def log_softmax(x: Any, axis: Any = None) -> Any:
    """``scipy.special.log_softmax``: the logarithm of ``softmax``, without cancellation."""
    return LogSoftmaxOfScipy(axis)(x)


# ---------------------------------------------------------------- the gamma function's relatives


class Polygamma(Function):
    """``scipy.special.polygamma``: its derivative is the next."""

    broadcasts = True

    n: Any

    def forward(self, x):
        return special.polygamma(self.n, x)

    def backward(self, g, x):
        return g * Polygamma(as_arraylike(self.n) + 1)(x)


@offer(special.polygamma)
def polygamma(n: Any, x: Any) -> Any:
    """``scipy.special.polygamma``: the ``n``-th derivative of digamma. The order is a constant.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> from calligrad.scipy.special import polygamma
    >>> print(grad(lambda x: polygamma(1, x))(2.0).round(6), polygamma(2, 2.0).round(6))
    -0.404114 -0.404114
    """
    return Polygamma(without_gradient(n, "n= of scipy.special.polygamma"))(x)


@offer(special.multigammaln)
def multigammaln(a: Any, d: int) -> Any:
    """``scipy.special.multigammaln``: the logarithm of the gamma function of ``d`` dimensions."""
    special.multigammaln(unwrap(a), d)  # raises SciPy's own errors
    return np.sum(special.gammaln(np.stack([a - (j - 1.0) / 2 for j in range(1, d + 1)])), axis=0) + (
        d * (d - 1) * 0.25
    ) * np.log(np.pi)


class Factorial(Function):
    """``scipy.special.factorial`` of numbers that need not be whole."""

    extend: str = "zero"

    def forward(self, n):
        settings = {} if self.extend == "zero" else {"extend": self.extend}  # older versions know no other
        return special.factorial(n, **settings)

    def backward(self, g, n, *, y):
        return g * y * special.psi(np.where(np.equal(y, 0), 0, n) + 1)


@offer(special.factorial)
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """``scipy.special.factorial``: ``gamma(n + 1)``, 0 for negative numbers unless ``extend="complex"``."""
    refuse_exact("factorial", exact)
    return Factorial(extend)(n)


@offer(special.comb)
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """``scipy.special.comb``: the number of ways to choose ``k`` of ``N``, 0 where there are none."""
    refuse_exact("comb", exact)
    if repetition:
        return np.where(np.equal(k, 0) & np.greater_equal(N, 0), 1, special.binom(N + k - 1, k))
    N, k, possible = _where_possible(N, k)
    return np.where(possible, special.binom(N, k), 0)


@offer(special.perm)
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """``scipy.special.perm``: the number of ways to choose ``k`` of ``N`` in order, 0 where there are none."""
    refuse_exact("perm", exact)
    N, k, possible = _where_possible(N, k)
    return np.where(possible, special.poch(N - k + 1, k), 0)


def _where_possible(N: Any, k: Any) -> tuple[Any, Any, Any]:
    """Where ``k`` can be chosen of ``N``, and both; elsewhere 1 of 1, so that no slope is taken at a pole."""
    possible = np.less_equal(k, N) & np.greater_equal(N, 0) & np.greater_equal(k, 0)
    return np.where(possible, N, 1), np.where(possible, k, 1), possible


def refuse_exact(name: str, exact: bool) -> None:
    """Exact results are Python integers, through which nothing flows back."""
    if exact:
        raise TypeError(f"scipy.special.{name} of a Value is not exact: leave out exact=True")


# ---------------------------------------------------------------- spherical Bessel functions


class Spherical(Function):
    """A spherical Bessel function of order ``n``, or its derivative; ``kind`` is j, y, i or k."""

    broadcasts = True

    kind: str
    n: Any
    derivative: bool = False

    def forward(self, z):
        return getattr(special, f"spherical_{self.kind}n")(self.n, z, self.derivative)

    def backward(self, g, z):
        before, after = {"j": (1, -1), "y": (1, -1), "i": (1, 1), "k": (-1, -1)}[self.kind]
        n = as_arraylike(self.n)
        lower = Spherical(self.kind, np.maximum(n - 1, 0), self.derivative)(z)
        upper = Spherical(self.kind, n + 1, self.derivative)(z)
        return g * ((before * n * lower + after * (n + 1) * upper) / (2 * n + 1))


def spherical(kind: str, n: Any, z: Any, derivative: bool) -> Any:
    """A spherical Bessel function, whose order must be a constant."""
    return Spherical(kind, without_gradient(n, f"n= of scipy.special.spherical_{kind}n"), derivative)(z)


@offer(special.spherical_jn)
def spherical_jn(n: Any, z: Any, derivative: bool = False) -> Any:
    """``scipy.special.spherical_jn``, of the first kind. The order is a constant.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> from calligrad.scipy.special import spherical_jn
    >>> print(grad(lambda z: spherical_jn(0, z))(0.5).round(6), spherical_jn(0, 0.5, derivative=True).round(6))
    -0.162537 -0.162537
    """
    return spherical("j", n, z, derivative)


@offer(special.spherical_yn)
def spherical_yn(n: Any, z: Any, derivative: bool = False) -> Any:
    """``scipy.special.spherical_yn``, of the second kind."""
    return spherical("y", n, z, derivative)


@offer(special.spherical_in)
def spherical_in(n: Any, z: Any, derivative: bool = False) -> Any:
    """``scipy.special.spherical_in``, modified, of the first kind."""
    return spherical("i", n, z, derivative)


@offer(special.spherical_kn)
def spherical_kn(n: Any, z: Any, derivative: bool = False) -> Any:
    """``scipy.special.spherical_kn``, modified, of the second kind."""
    return spherical("k", n, z, derivative)
