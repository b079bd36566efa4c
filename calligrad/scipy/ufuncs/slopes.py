"""How a ufunc of scipy.special gets its derivative."""

from __future__ import annotations

from collections.abc import Callable
from inspect import unwrap
from typing import Any, ClassVar, NoReturn

import numpy as np
from scipy import special

from calligrad.function import Elementwise
from calligrad.modes import paused
from calligrad.rules import RULES

Slope = Callable | float | None


class Special(Elementwise):
    """A ufunc of scipy.special."""

    called: ClassVar[str] = ""


class PartlyConstant(Special):
    """A ufunc of scipy.special that has no derivative in some arguments, or none of complex numbers."""

    constant: ClassVar[tuple[int, ...]] = ()
    real_only: ClassVar[bool] = False

    def __call__(self, *args: Any) -> Any:
        for i, x in enumerate(args):
            if getattr(x, "requires_grad", False) and not paused.get():
                if i in self.constant:
                    self._refuse(f"in argument {i}")
                if self.real_only and x.dtype.kind == "c":
                    self._refuse("of complex numbers")
        return super().__call__(*args)

    def _refuse(self, what: str) -> NoReturn:
        raise NotImplementedError(
            f"scipy.special.{self.called} has no derivative {what} in calligrad; pass value.detach() if that argument"
            " is a constant"
        )


def slopes(name: str, *by_argument: Slope, real_only: bool = False, doc: str = "") -> None:
    """Give the ufunc ``scipy.special.<name>`` its derivative: for each argument a function of all of them.

    Such a function may also take the result, as keyword ``y``, or nothing but the result. A number stands
    for itself; None for an argument in which calligrad has no derivative, which must be a constant. A name
    that the installed SciPy does not have is passed over.
    """
    if (ufunc := find(name)) is None:
        return
    codes: list[Any] = [slope.__code__ for slope in by_argument if callable(slope)]
    takes_xs = any(code.co_argcount for code in codes)
    takes_y = any(code.co_kwonlyargcount for code in codes)
    terms = [_term(slope) for slope in by_argument]
    if len(terms) == 1:
        backward = _of_one_argument(by_argument[0], takes_xs, takes_y)
    elif takes_y:

        def backward(self, g, *xs, y):
            return tuple(term and (lambda term=term: term(g, xs, y)) for term in terms)
    else:

        def backward(self, g, *xs):
            return tuple(term and (lambda term=term: term(g, xs, None)) for term in terms)

    constant = tuple(i for i, slope in enumerate(by_argument) if slope is None)
    base = PartlyConstant if constant or real_only else Special
    _register(name, ufunc, base, backward, doc, constant=constant, real_only=real_only)


def _of_one_argument(slope: Any, takes_x: bool, takes_y: bool) -> Callable:
    """The shortest way, for what is called most."""
    if takes_x and takes_y:
        return lambda self, g, x, *, y: g * slope(x, y=y)
    return (lambda self, g, *, y: g * slope(y=y)) if takes_y else lambda self, g, x: g * slope(x)


def _term(slope: Any) -> Callable | None:
    """The gradient of one argument, from that of the result, all arguments and the result."""
    if slope is None:
        return None
    if not callable(slope):
        return lambda g, xs, y: g * slope
    code = slope.__code__
    if not code.co_kwonlyargcount:
        return lambda g, xs, y: g * slope(*xs)
    return (lambda g, xs, y: g * slope(*xs, y=y)) if code.co_argcount else lambda g, xs, y: g * slope(y=y)


def slopes_of_outputs(name: str, *by_output: Callable, doc: str = "") -> None:
    """The same for a ufunc of several results, in its first argument: of each the slope, by all arguments and ``y``."""
    if (ufunc := find(name)) is None:
        return

    def backward(self, gs, *xs, y):
        terms = (g * slope(*xs, y) for g, slope in zip(gs, by_output, strict=True) if g is not None)
        return (sum(terms), *(None for _ in xs[1:]))

    constant = tuple(range(1, ufunc.nin))
    _register(name, ufunc, PartlyConstant if constant else Special, backward, doc, constant=constant)


def _register(name: str, ufunc: np.ufunc, base: type, backward: Callable, doc: str, **members: Any) -> None:
    name = name.removeprefix("_")
    members |= {
        "__doc__": doc or f"``scipy.special.{name}``.",
        "__module__": __name__,
        "called": name,
        "forward": staticmethod(ufunc),
        "backward": backward,
    }
    cls = type(name.title().replace("_", ""), (base,), members)
    RULES[ufunc] = (lambda x: cls().__call__(x)) if ufunc.nin == 1 else lambda *xs: cls().__call__(*xs)


def find(name: str) -> np.ufunc | None:
    """SciPy's ufunc ``name``, also where SCIPY_ARRAY_API has wrapped it, and where only SciPy itself calls it."""
    ufunc = getattr(special._ufuncs, name, None) or unwrap(getattr(special, name, None))  # type: ignore[arg-type]
    return ufunc if isinstance(ufunc, np.ufunc) else None
