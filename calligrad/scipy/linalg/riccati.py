"""Riccati's equations, of optimal control and of the Kalman filter in its steady state."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.ops.linalg.hermitian import adjoint, hermitian
from calligrad.scipy.linalg.equations import solve_continuous_lyapunov, solve_discrete_lyapunov
from calligrad.scipy.offer import native, offer
from calligrad.scipy.originals import linalg
from calligrad.value import conj


class Riccati(Function):
    """A solution x, which is Hermitian, and so are the gradients of q and r.

    Around it the equation is a linear one for a small change, with what the controller makes of ``a``.
    """

    balanced: bool = True

    def backward(self, g, a, b, _q, r, *, y):
        gain, controlled, weight = self.around(a, b, r, y, hermitian(conj(g)))
        ga = 2 * y @ controlled @ weight
        return (
            lambda: conj(ga),
            lambda: conj(-ga @ adjoint(gain)),
            lambda: conj(weight),
            lambda: conj(gain @ weight @ adjoint(gain)),
        )

    def around(self, a: Any, b: Any, r: Any, x: Any, g: Any) -> tuple[Any, Any, Any]:
        """The gain of the controller, the factor between x and the weight in the gradient of a, and the weight."""
        raise NotImplementedError


class SolveContinuousAre(Riccati):
    """``scipy.linalg.solve_continuous_are``."""

    def forward(self, a, b, q, r):
        return linalg.solve_continuous_are(native(a), native(b), native(q), native(r), balanced=self.balanced)

    def around(self, a, b, r, x, g):
        gain = np.linalg.solve(r, adjoint(b) @ x)
        return gain, np.eye(a.shape[-1], dtype=a.dtype), -solve_continuous_lyapunov(a - b @ gain, g)


class SolveDiscreteAre(Riccati):
    """``scipy.linalg.solve_discrete_are``."""

    def forward(self, a, b, q, r):
        return linalg.solve_discrete_are(native(a), native(b), native(q), native(r), balanced=self.balanced)

    def around(self, a, b, r, x, g):
        gain = np.linalg.solve(r + adjoint(b) @ x @ b, adjoint(b) @ x @ a)
        controlled = a - b @ gain
        return gain, controlled, solve_discrete_lyapunov(controlled, g)


def _refuse_general(name: str, e: Any, s: Any) -> None:
    if e is not None or s is not None:
        raise NotImplementedError(f"{name} of Values takes a, b, q and r; put e and s into them")


@offer(linalg.solve_continuous_are)
def solve_continuous_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    """``scipy.linalg.solve_continuous_are``: the x with ``a* @ x + x @ a - x @ b @ inv(r) @ b* @ x + q = 0``."""
    _refuse_general("solve_continuous_are", e, s)
    return SolveContinuousAre(balanced)(a, b, q, r)


@offer(linalg.solve_discrete_are)
def solve_discrete_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    """``scipy.linalg.solve_discrete_are``: what a step of the Kalman filter leaves unchanged.

    The x with ``x = a* @ x @ a - (a* @ x @ b) @ inv(r + b* @ x @ b) @ (b* @ x @ a) + q``.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> from calligrad.scipy.linalg import solve_discrete_are
    >>> one = np.ones((1, 1))
    >>> print(grad(lambda q: solve_discrete_are(one, one, q, one)[0, 0])(one).round(6))
    [[1.17082]]
    """
    _refuse_general("solve_discrete_are", e, s)
    return SolveDiscreteAre(balanced)(a, b, q, r)
