"""How a ufunc of scipy.special gets its derivative."""

from __future__ import annotations

from collections.abc import Callable
from inspect import unwrap
from typing import Any, ClassVar

import numpy as np
from scipy import special

from calligrad.function import Elementwise
from calligrad.modes import paused
from calligrad.rules import RULES

Slope = Callable | float | None


class Special(Elementwise):
    """A ufunc of scipy.special: of each argument the slope, or None for one in which no derivative is known."""

    slopes: ClassVar[tuple[Slope, ...]] = ()
    called: ClassVar[str] = ""
    real_only: ClassVar[bool] = False

    def __call__(self, *args: Any) -> Any:
        if not paused.get():
            for i, (x, slope) in enumerate(zip(args, self.slopes)):
                if getattr(x, "requires_grad", False):
                    self._refuse_unknown(i, x, slope)
        return super().__call__(*args)

    def _refuse_unknown(self, i: int, x: Any, slope: Slope) -> None:
        if slope is None or (self.real_only and x.dtype.kind == "c"):
            what = f"in argument {i}" if slope is None else "of complex numbers"
            raise NotImplementedError(
                f"scipy.special.{self.called} has no derivative {what} in calligrad; pass value.detach() if that"
                " argument is a constant"
            )

    def _gradients(self, g: Any, xs: Any, kept: dict[str, Any]) -> tuple[Callable | None, ...]:
        def gradient(slope: Any) -> Callable:
            if not callable(slope):
                return lambda: g * slope
            code = slope.__code__
            return lambda: g * slope(*xs[: code.co_argcount], **kept if code.co_kwonlyargcount else {})

        return tuple(None if slope is None else gradient(slope) for slope in self.slopes)


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
    if takes_xs and takes_y:
        backward: Callable = lambda self, g, *xs, y: self._gradients(g, xs, {"y": y})  # noqa: E731
    elif takes_y:
        backward = lambda self, g, *, y: self._gradients(g, (), {"y": y})  # noqa: E731
    elif takes_xs:
        backward = lambda self, g, *xs: self._gradients(g, xs, {})  # noqa: E731
    else:
        backward = lambda self, g: self._gradients(g, (), {})  # noqa: E731
    _register(name, ufunc, Special, backward, doc, slopes=by_argument, real_only=real_only)


def slopes_of_outputs(name: str, *by_output: Callable, doc: str = "") -> None:
    """The same for a ufunc of one argument that has several results: for each a function of ``x`` and of all ``y``."""
    if (ufunc := find(name)) is None:
        return

    def backward(self, gs, x, *, y):
        return sum(g * slope(x, y) for g, slope in zip(gs, by_output, strict=True) if g is not None)

    _register(name, ufunc, Special, backward, doc, slopes=(0.0,))


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
    RULES[ufunc] = lambda *xs: cls()(*xs)


def find(name: str) -> np.ufunc | None:
    """SciPy's ufunc ``name``, also where SCIPY_ARRAY_API has wrapped it, and where only SciPy itself calls it."""
    ufunc = getattr(special._ufuncs, name, None) or unwrap(getattr(special, name, None))  # type: ignore[arg-type]
    return ufunc if isinstance(ufunc, np.ufunc) else None
