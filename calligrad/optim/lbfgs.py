"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from calligrad.modes import capture_here
from calligrad.optim.line_search import Point, strong_wolfe
from calligrad.optim.optimizer import Optimizer
from calligrad.optim.settings import positive_integer

LEAST_CURVATURE = 1e-10  # of a step that is remembered


def _line_search(name: str, x: Any) -> str | None:
    if x not in (None, "strong_wolfe"):
        raise ValueError(f"{name} is 'strong_wolfe' or None, not {x!r}")
    return x


class LBFGS(Optimizer):
    """Newton's method with the Hessian guessed from the last ``history_size`` steps. For whole batches.

    A step is up to ``max_iter`` iterations, and needs a closure that forgets the gradients, computes them and returns
    the loss. There is one group of parameters, whose numbers are treated as one long vector.

    Nocedal and Wright, "Numerical optimization", 2nd edition, chapter 7; numbers as in PyTorch.

    >>> import numpy as np
    >>> from calligrad import Value
    >>> from calligrad.optim import LBFGS
    >>> x = Value(np.array([-1.0, 2.0]))
    >>> optimizer = LBFGS([x], max_iter=50, line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> loss = optimizer.step(closure)
    >>> print(x.data.round(4))
    [1. 1.]
    """

    checks: ClassVar = {
        "max_iter": positive_integer,
        "max_eval": positive_integer,
        "history_size": positive_integer,
        "line_search_fn": _line_search,
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            max_iter=max_iter,
            max_eval=max(1, positive_integer("max_iter", max_iter) * 5 // 4) if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
        )
        self.iterations = 0
        self.t = 0.0  # how far the last iteration went along its direction, from where the gradient was this one
        self.direction = self.gradient = np.zeros(0)
        self.history: list[tuple[Any, Any]] = []  # steps, and what they changed in the gradient

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """The one group; a second is refused."""
        if self.param_groups:
            raise ValueError("LBFGS has one group of parameters")
        super().add_param_group(group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to ``max_iter`` iterations; gives the loss at the beginning."""
        if closure is None:
            raise TypeError("LBFGS needs a closure that computes the gradients and returns the loss: step(closure)")
        if (capture := capture_here()) is not None:
            raise capture.trace.error(
                "how far LBFGS goes hangs on the loss it meets. Compile the closure, and call step(closure) outside"
            )
        settings = self.param_groups[0]
        lr, tolerance = settings["lr"], settings["tolerance_change"]
        first = closure()
        loss, g, calls = float(first), self._flat_gradient(), 1
        if _largest(g) <= settings["tolerance_grad"]:
            return first
        for i in range(1, settings["max_iter"] + 1):
            self.iterations += 1
            self.direction = direction = self._downhill(g, settings["history_size"])
            self.t = t = lr if self.iterations > 1 else min(1.0, 1.0 / float(np.sum(np.abs(g)))) * lr
            self.gradient = g
            slope, loss_before = float(g @ direction), loss
            if slope > -tolerance:
                break
            if settings["line_search_fn"]:
                begin, left = Point(0.0, loss, g, slope), settings["max_eval"] - calls
                at = self._along(direction, closure)
                found, used = strong_wolfe(at, begin, t, _largest(direction), tolerance, left)
                self.t, loss, g = found.t, found.loss, found.gradient
                self._move(self.t * direction)
            else:
                self._move(t * direction)
                used = 0
                if i < settings["max_iter"]:
                    loss, g, used = float(closure()), self._flat_gradient(), 1
            calls += used
            if (
                calls >= settings["max_eval"]
                or _largest(g) <= settings["tolerance_grad"]
                or _largest(self.t * direction) <= tolerance
                or abs(loss - loss_before) < tolerance
            ):
                break
        return first

    def _downhill(self, g: Any, history_size: int) -> Any:
        """Newton's direction, after what the last iteration changed has been added to the history."""
        if self.iterations == 1:
            self.history = []
            return -g
        step, change = self.t * self.direction, g - self.gradient
        if step @ change > LEAST_CURVATURE:
            self.history = [*self.history, (step, change)][-history_size:]
        q, shares = -g, []
        for step, change in reversed(self.history):
            shares.append(step @ q / (step @ change))
            q = q - shares[-1] * change
        if self.history:
            step, change = self.history[-1]
            q = step @ change / (change @ change) * q
        for (step, change), share in zip(self.history, reversed(shares)):
            q = q + (share - change @ q / (step @ change)) * step
        return q

    def _flat_gradient(self) -> Any:
        """The gradients of all parameters as one vector; zeros for one that has none."""
        return np.concatenate(
            [
                np.zeros(p.size, p.dtype) if p.grad is None or not p.requires_grad else p.grad.ravel()
                for p in self.params
            ]
        )

    def _move(self, change: Any) -> None:
        """Add one long vector to the parameters."""
        start = 0
        for p in self.params:
            p.data[...] += change[start : start + p.size].reshape(p.shape)
            start += p.size

    def _along(self, direction: Any, closure: Callable[[], Any]) -> Callable[[float], Point]:
        """The loss, gradient and slope as a function of how far one goes; the parameters stay where they are."""
        before = [p.data.copy() for p in self.params]

        def at(t: float) -> Point:
            self._move(t * direction)
            try:
                loss, g = float(closure()), self._flat_gradient()
            finally:
                for p, data in zip(self.params, before):
                    p.data[...] = data
            return Point(t, loss, g, float(g @ direction))

        return at

    # ---- state: of all parameters together

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the state as arrays, ``lbfgs.name`` and ``param_groups.0.lr`` and its like."""
        found: dict[str, Any] = {"lbfgs.iterations": np.array(self.iterations)}
        if self.iterations:
            shape = len(self.history), self.gradient.size
            found |= {
                "lbfgs.t": np.array(self.t),
                "lbfgs.direction": self.direction.copy(),
                "lbfgs.gradient": self.gradient.copy(),
                "lbfgs.steps": np.array([step for step, _ in self.history], self.gradient.dtype).reshape(shape),
                "lbfgs.changes": np.array([change for _, change in self.history], self.gradient.dtype).reshape(shape),
            }
        return found | self._settings()

    def _expected(self, groups: list[dict[str, Any]], arrays: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
        wanted: dict[str, tuple[int, ...]] = {"lbfgs.iterations": ()}
        if np.any(arrays.get("lbfgs.iterations", 0)):
            size, count = sum(p.size for p in self.params), len(np.atleast_1d(arrays.get("lbfgs.steps", 0)))
            count = min(count, groups[0]["history_size"])
            wanted |= {"lbfgs.t": (), "lbfgs.direction": (size,), "lbfgs.gradient": (size,)}
            wanted |= {"lbfgs.steps": (count, size), "lbfgs.changes": (count, size)}
        return wanted | {key: x.shape for key, x in self._settings().items()}

    def _take(self, groups: list[dict[str, Any]], arrays: dict[str, np.ndarray]) -> None:
        self.iterations = int(arrays["lbfgs.iterations"])
        if self.iterations:
            dtype = np.result_type(*(p.dtype for p in self.params))
            self.t = float(arrays["lbfgs.t"])
            self.direction, self.gradient = (
                arrays[f"lbfgs.{name}"].astype(dtype) for name in ("direction", "gradient")
            )
            self.history = list(zip(arrays["lbfgs.steps"].astype(dtype), arrays["lbfgs.changes"].astype(dtype)))


def _largest(x: Any) -> float:
    return float(np.max(np.abs(x), initial=0))
