"""Gradients through a root, a fixed point and a minimum, by the implicit function theorem.

Where ``f(x, p) = 0`` says what ``x`` is, it says how ``x`` moves with ``p`` as well, however ``x`` was found: with the
Jacobians ``A`` and ``B`` of ``f`` in ``x`` and in ``p``, ``A dx + B dp = 0`` along the solutions. Backwards that is one
system of equations with ``A`` transposed, and one gradient of ``f`` in ``p``. So the solver may be anything. It
is called on plain arrays; only ``f``, the condition, is differentiated, and must be NumPy.

All of it is written in NumPy on what it is given, so it can be differentiated again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calligrad.blackbox import (
    BlackBox,
    Boxed,
    Call,
    arrays,
    closed,
    floats_of,
    holds_value,
    name_of,
    vector_of,
    with_floats,
)
from calligrad.modes import strict
from calligrad.nests import leaves
from calligrad.primitive import primitive
from calligrad.transforms import grad, jacobian, vjp
from calligrad.value import unwrap


def root(f: Callable, solve: Callable | None = None) -> Any:
    """``solve``, which finds ``x`` with ``f(x, *params) = 0``, with the gradient of that ``x``; also a decorator.

    ``solve(*params, **options)`` is called on plain arrays. What the solution does not depend on, such as
    where to start, is known to ``solve`` or among the keyword ``options``, of which ``f`` is not told. ``x`` and
    ``params`` are arrays or nests of them, and ``f`` returns as many numbers as ``x`` has. The gradient costs
    the Jacobian of ``f`` in ``x`` and a solution of its equations.

    Raises ``ValueError`` where ``x`` is no root, and ``LinAlgError`` where the Jacobian there is singular, as at
    a double root: there the root does not move smoothly.

    >>> from calligrad import grad, implicit
    >>> def bisect(a):
    ...     low, high = 0.0, a
    ...     for _ in range(60):
    ...         middle = (low + high) / 2
    ...         low, high = (middle, high) if middle**3 + middle < a else (low, middle)
    ...     return low
    >>> root = implicit.root(lambda x, a: x**3 + x - a, bisect)
    >>> round(root(2.0), 6), grad(root)(2.0).round(6)
    (1.0, np.float64(0.25))
    """
    return _implicit("root", f, f, solve)


def fixed_point(f: Callable, solve: Callable | None = None) -> Any:
    """``solve``, which finds ``x`` with ``f(x, *params) = x``, with the gradient of that ``x``; see ``root``.

    >>> import numpy as np
    >>> from calligrad import grad, implicit
    >>> def iterate(a, x=1.0):
    ...     for _ in range(100):
    ...         x = np.cos(a * x)
    ...     return x
    >>> grad(implicit.fixed_point(lambda x, a: np.cos(a * x), iterate))(1.0).round(4)
    np.float64(-0.2975)
    """

    @functools.wraps(f)
    def distance(x: Any, *params: Any) -> Any:
        return vector_of(floats_of(f(x, *params))) - vector_of(floats_of(x))

    return _implicit("fixed_point", f, distance, solve)


def argmin(f: Callable, solve: Callable | None = None) -> Any:
    """``solve``, which finds the ``x`` where ``f(x, *params)`` is least, with the gradient of that ``x``; see ``root``.

    ``f`` returns one number, and its gradient must be zero at ``x``: a minimum at a bound is refused. The
    gradient costs the Hessian of ``f`` in ``x``.

    >>> from calligrad import grad, implicit
    >>> peak = implicit.argmin(lambda x, a: (x - a) ** 4 + (x - a) ** 2, lambda a: a)
    >>> grad(peak)(3.0)
    np.float64(1.0)
    """
    return _implicit("argmin", f, grad(f), solve)


def _implicit(kind: str, f: Callable, condition: Callable, solve: Callable | None) -> Any:
    if not callable(f):
        raise TypeError(f"implicit.{kind}(f, solve) takes functions, not {f!r}")
    if solve is None:
        return functools.partial(_implicit, kind, f, condition)
    name = f"implicit.{kind}({name_of(f)}, {name_of(solve)})"

    def check(call: Call, y: Any) -> None:
        """Without a Value among the arguments there may still be one in the condition."""
        if strict.get() or holds_value(f):
            call.form = y
            Implicit(call, condition, name).tried()

    return BlackBox(solve, lambda call: Implicit(call, condition, name).applied(), name, check)


class Implicit(Boxed):
    """A call of a solver, whose result makes ``condition(x, *params)`` zero."""

    condition: Callable
    name: str

    def forward(self, *xs):
        y = super().forward(*xs)
        self.tried(*xs)
        return y

    def tried(self, *xs: Any) -> None:
        """Call the condition, which must have no Value from elsewhere, and be of the size of the solution."""
        solution = floats_of(self.call.form)
        if not solution:
            raise TypeError(
                f"{self!r}: {name_of(self.call.f)} returned {self.call.form!r}, which holds no floating-point number,"
                " and only those have a gradient. Return floats"
            )
        residual = functools.update_wrapper(functools.partial(self._residual), self.condition)
        closed(residual, (vector_of(solution), xs), {}, tight=False)

    def pulled(self, g: Any, xs: Sequence[Any], y: Any) -> Sequence[Any]:
        x = vector_of(floats_of(y))
        exact = np.promote_types(x.dtype, np.float32)  # NumPy's linear algebra takes no float16
        a = jacobian(self._residual)(x, xs).astype(exact)
        residual = self._residual(unwrap(x), [unwrap(p) for p in xs]).astype(exact)
        _check(unwrap(a), unwrap(x), unwrap(residual), name=self.name, solver=name_of(self.call.f))
        _, pull = vjp(lambda *xs: self._residual(x, xs), *xs)
        return pull(-np.linalg.solve(a.T, vector_of(floats_of(g)).astype(exact)))

    def _residual(self, x: Any, xs: Sequence[Any]) -> Any:
        """The condition, with vectors for the solution and for what it returns."""
        params, _ = self.call.filled(xs)
        form = self.call.form
        y = vector_of(leaves(self.condition(with_floats(form, arrays(x, floats_of(form))), *params)))
        if y.size != x.size:
            raise ValueError(f"{self!r}: the condition has {y.size} numbers, but the solution has {x.size}")
        return y

    def __repr__(self) -> str:
        return self.name


@primitive(checks=True)
def _check(a: Any, x: Any, residual: Any, *, name: str, solver: str) -> None:
    """Insist on a regular Jacobian, and that ``x`` solves the equations: a Newton step hardly moves it."""
    rows = np.max(np.abs(a), axis=1, initial=0, keepdims=True)
    scaled = a / np.where(rows > 0, rows, 1)  # units do not matter
    columns = np.max(np.abs(scaled), axis=0, initial=0)
    scaled = scaled / np.where(columns > 0, columns, 1)
    eps = float(np.finfo(x.dtype).eps)
    if a.size and not (np.all(np.isfinite(a)) and np.all(np.linalg.cond(scaled) < 1 / eps)):
        raise np.linalg.LinAlgError(
            f"{name}: the Jacobian at the solution is singular, so the solution does not move smoothly with the"
            " parameters (a double root, a flat minimum, or more unknowns than equations)"
        )
    move = np.max(np.abs(np.linalg.solve(a, residual)), initial=0)
    if not np.all(move <= eps**0.25 * np.maximum(1.0, np.max(np.abs(x), initial=0))):
        raise ValueError(f"{name}: what {solver} returned is no solution: a Newton step moves it by {move:.2g}")
