"""The cases of the tests as other frameworks would run them: their gradients, to compare with ours.

A case is a function that calls ``np``. For a framework with a module of its own in NumPy's place, the same
function is rebuilt with that module: ``rewritten(f, jax.numpy)``. MyGrad, like calligrad, takes NumPy's own.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calligrad.nests import leaves
from calligrad.rules import numpy_name

Gradient = Callable[[Callable, Sequence[np.ndarray], Sequence[np.ndarray]], list[np.ndarray]]
"""From a function, its arguments and a weight for each output to the gradients of the weighted sum."""


def rewritten(f: Any, module: Any, done: dict[int, Any] | None = None) -> Any:
    """``f`` with ``module`` in place of NumPy: in its globals, its defaults and what it closes over."""
    done = {} if done is None else done
    if id(f) in done:
        return done[id(f)]
    if f is np:
        return module
    if isinstance(f, np.ufunc) or (getattr(f, "__module__", "").split(".")[0] == "numpy" and callable(f)):
        if isinstance(f, type):
            return f
        for name in numpy_name(f).split(".")[1:]:
            module = getattr(module, name)
        return module
    if not isinstance(f, types.FunctionType) or not f.__module__.startswith(("tests.", "benchmarks.", "__main__")):
        return f
    cells = tuple(types.CellType(rewritten(cell.cell_contents, module, done)) for cell in f.__closure__ or ())
    new = types.FunctionType(f.__code__, dict(f.__globals__), f.__name__, None, cells or None)
    done[id(f)] = new
    new.__defaults__ = tuple(rewritten(x, module, done) for x in f.__defaults__ or ())
    for name in f.__code__.co_names:
        if name in new.__globals__:
            new.__globals__[name] = rewritten(new.__globals__[name], module, done)
    return new


def weighted(module: Any, ys: Any, us: Sequence[np.ndarray]) -> Any:
    """The sum of the outputs times ``us``, of complex ones the real part with conjugated weights."""
    terms = []
    for y, u in zip(leaves(ys), us, strict=True):
        if u.dtype.kind == "c":
            terms.append(module.real(module.sum(np.conjugate(u) * y)))
        else:
            terms.append(module.sum(u * y))
    return sum(terms)


def by_calligrad(f: Callable, xs: Sequence[np.ndarray], us: Sequence[np.ndarray]) -> list[np.ndarray]:
    from calligrad import grad

    return list(grad(lambda *xs: weighted(np, f(*xs), us), tuple(range(len(xs))))(*xs))


def by_autograd(f: Callable, xs: Sequence[np.ndarray], us: Sequence[np.ndarray]) -> list[np.ndarray]:
    import autograd
    import autograd.numpy as anp

    g = rewritten(f, anp)
    gs = autograd.grad(lambda *xs: weighted(anp, g(*xs), us), tuple(range(len(xs))))(*xs)
    return [np.conjugate(x) for x in gs]  # it gives dL/dx - i dL/dy


def by_jax(f: Callable, xs: Sequence[np.ndarray], us: Sequence[np.ndarray]) -> list[np.ndarray]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    g = rewritten(f, jnp)
    gs = jax.grad(lambda *xs: weighted(jnp, g(*xs), us), tuple(range(len(xs))))(*map(jnp.asarray, xs))
    return [np.conjugate(np.asarray(x)) for x in gs]  # as autograd


def by_mygrad(f: Callable, xs: Sequence[np.ndarray], us: Sequence[np.ndarray]) -> list[np.ndarray]:
    import mygrad

    tensors = [mygrad.tensor(x) for x in xs]
    ys = f(*tensors)
    if not all(isinstance(y, mygrad.Tensor) for y in leaves(ys)):
        raise TypeError("the result has left the graph")
    weighted(np, ys, us).backward()
    return [np.zeros_like(x) if t.grad is None else t.grad for t, x in zip(tensors, xs, strict=True)]


PEERS: dict[str, Gradient] = {"autograd": by_autograd, "MyGrad": by_mygrad, "JAX": by_jax}


def weights(f: Callable, xs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """A weight for each output."""
    us = []
    for i, y in enumerate(leaves(f(*xs))):
        turns = np.arange(1.0 + i, np.size(y) + 1 + i).reshape(np.shape(y))
        us.append(np.exp(1j * turns) if np.iscomplexobj(y) else np.cos(turns))
    return us


def of_other_sizes(xs: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
    """Arrays like ``xs`` in which every length but 0 and 1 has become another, the same everywhere."""
    rng = np.random.default_rng(seed)
    lengths = sorted({n for x in xs for n in x.shape if n > 1})
    other = dict(zip(lengths, rng.permutation(np.arange(2, 7 + len(lengths)))))
    made = []
    for x in xs:
        shape = tuple(int(other.get(n, n)) for n in x.shape)
        numbers = rng.choice(x.ravel(), shape) if x.size else np.zeros(shape, x.dtype)
        made.append(np.asarray(numbers * rng.uniform(0.95, 1.05, shape)))
    return made


def difference(gradient: Gradient, f: Callable, xs: Sequence[np.ndarray]) -> float:
    """Between the gradients of calligrad and of another, relative to the largest; inf where the other has none."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        us = weights(f, xs)
        ours = by_calligrad(f, xs, us)
        try:
            theirs = gradient(f, xs, us)
            pairs = [(a, np.asarray(b).astype(a.dtype)) for a, b in zip(map(np.asarray, ours), theirs, strict=True)]
        except Exception:
            return float("inf")
    worst = 0.0
    sizes = (float(np.max(np.abs(a), initial=0)) for a in ours)
    scale = max([1e-12, *sizes])  # of them all: one alone may be the rounding of 0
    for a, b in pairs:
        if a.shape != b.shape or not np.all(np.isfinite(b)):
            return float("inf")
        if a.size:
            worst = max(worst, float(np.max(np.abs(a - b))) / scale)
    return worst
