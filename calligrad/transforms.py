"""Functions from functions to their derivatives, over NumPy arrays and nests (lists, tuples, dicts) of them.

They take and give NumPy arrays, and nest to any order: called within one another (or on Values) they see
Values and give Values, so that the outer one differentiates through the inner.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calligrad.batched import Leaving, lift, running
from calligrad.function import Argument, computed
from calligrad.modes import differentiating, paused, strict
from calligrad.nests import aligned, is_nest, leaves, like, map_leaves
from calligrad.ops.alias import Alias
from calligrad.sweep import ancestors, leading_to, sweep
from calligrad.value import Value, as_array, as_numeric, beside, conjugated, owned, unwrap

# ---------------------------------------------------------------- the gradient of Values


def gradients(ys: Any, xs: Any, gys: Any = None, create_graph: bool = False) -> Any:
    """The gradient of the Values ``ys`` with respect to each of the Values ``xs``; ``grad`` fields stay as they are.

    ``ys`` and ``xs`` are Values or nests of Values, ``gys`` the gradient to start from at each of ``ys``
    (ones by default). The result has the form of ``xs``: arrays, or Values if ``create_graph`` is set,
    which can be differentiated again. What ``ys`` do not depend on has gradient zero. The graph is kept.

    >>> import numpy as np
    >>> from calligrad import Value, gradients
    >>> x = Value(2.0)
    >>> dy = gradients(x ** 3, x, create_graph=True)
    >>> gradients(dy, x)
    array(12.)
    """
    if strict.get() and not create_graph:
        raise RuntimeError(
            "in a function that is being differentiated, gradients(…) would give constants; write create_graph=True"
        )
    outputs, inputs = leaves(ys), leaves(xs)
    for kind, values in (("ys", outputs), ("xs", inputs)):
        for v in values:
            if not isinstance(v, Value):
                raise TypeError(f"gradients takes Values; {kind} holds {_describe(v)}")
    for x in inputs:
        if not x.requires_grad:
            raise RuntimeError(f"{x.label()} does not require a gradient")
    if not any(y.requires_grad for y in outputs):
        raise RuntimeError("none of ys has a gradient: all are constants, or were computed within no_grad()")
    seeds = [None] * len(outputs) if gys is None else aligned(gys, ys)
    pairs = [(y, _seed(y, g, create_graph)) for y, g in zip(outputs, seeds)]
    gs = _pull(pairs, inputs, ancestors(_node(y) for y in outputs), create_graph)
    return like(xs, iter(_as_given(gs, create_graph)))


def _pull(
    pairs: Sequence[tuple[Value, Any]], xs: Sequence[Value], functions: Sequence[Any] | None, create_graph: bool
) -> list[Any]:
    """Gradients at ``xs``, from pairs of a Value and its gradient, by those of ``functions`` that lead to ``xs``."""
    nodes = list(map(_node, xs))
    wanted = None if functions is None else leading_to(nodes, functions)
    seeds = [(_node(y), g) for y, g in pairs if wanted is None or _node(y) in wanted]
    if wanted is None and not create_graph:  # arrays alone: nothing to remember or to refuse
        grads = sweep(seeds, keep=set(nodes))
    else:
        with differentiating(create_graph):
            grads = sweep(seeds, wanted=wanted, keep=set(nodes), create_graph=create_graph)
    gs = [grads.get(node) for node in nodes]
    gs = [np.zeros_like(x.data) if g is None else g for x, g in zip(xs, gs)]
    if create_graph:
        return [g if isinstance(g, Value) else Value(g, requires_grad=False) for g in gs]
    return owned(gs, *(g for _, g in pairs))


def _as_given(gs: list[Any], create_graph: bool) -> list[Any]:
    """Gradients in the user's convention; they differ from the graph's where they are complex."""
    for g in gs:
        if g.dtype.kind == "c":
            with differentiating(create_graph):
                return [conjugated(g) for g in gs]
    return gs


def _node(v: Value) -> Any:
    """The entry of the graph that a gradient of ``v`` is filed under."""
    return v if v.created_by is None else v.created_by


def _seed(y: Value, g: Any, create_graph: bool) -> Any:
    """The gradient to start from at ``y``: ones by default, a Value only if a graph is created."""
    if g is None:
        y._refuse_complex()
        return np.ones_like(y._array) if y._array.ndim else beside(y._array, y._array.dtype.type(1))
    checked = beside(y._array, y.as_gradient(unwrap(g)))
    return conjugated(g if isinstance(g, Value) and create_graph else checked)


# ---------------------------------------------------------------- functions of arrays


class _Run:
    """One run of ``f`` on Values with new entries in the graph in place of some of its arguments."""

    def __init__(self, f: Callable, args: Sequence[Any], argnums: Any, kwargs: dict[str, Any]) -> None:
        one = type(argnums) is int and 0 <= argnums < len(args)
        numbers = [argnums] if one else _numbers(argnums, len(args), f)
        args = list(args)
        chosen = [args[n] for n in numbers]
        self.f = f
        self.form = chosen[0] if isinstance(argnums, (int, np.integer)) else tuple(chosen)
        self.xs: list[Value] = []
        for n, arg in zip(numbers, chosen):
            if type(arg) is np.ndarray and arg.dtype.kind in "fc" and not running:  # what most arguments are
                opened = computed(arg, Argument())
                self.xs.append(opened)
                args[n] = computed(arg, opened.created_by)
                continue
            opened = map_leaves(lambda x: _open(x, f), arg)
            self.xs += leaves(opened)
            args[n] = map_leaves(lambda x: computed(x._array, x.created_by), opened)  # f may write into it
        outside = not paused.get()
        with differentiating():
            self.y = f(*args, **kwargs)
        for x in self.xs:
            if type(x.created_by) is Argument:  # no business of those outside; a derivative here needs no leave
                x.created_by.is_open = False
        self.ys = [self._output(y) for y in leaves(self.y)]
        starts = set(map(_node, self.xs))
        self.functions = ancestors(map(_node, self.ys), stop=starts)
        # Whatever else requires a gradient belongs to somebody outside, whose sweep must come through here.
        others = _leaves_behind(self.ys, self.functions) - starts
        behind = any(type(x.created_by) is not Argument for x in self.xs)
        self.alone = not (others or behind)
        self.nested = outside and (behind or any(leaf.is_open for leaf in others))

    def _output(self, y: Any) -> Value:
        if isinstance(y, Value):
            return y
        if y is None:
            raise TypeError(f"{_name(self.f)} returned None; it must return an array, or a nest of arrays")
        return Value(y, requires_grad=False)

    def pull(self, gys: Sequence[Any]) -> Any:
        """The gradients of the arguments, in their form."""
        nested = self.nested or any(isinstance(g, Value) and g.requires_grad for g in gys)
        pairs = [(y, _seed(y, g, nested)) for y, g in zip(self.ys, gys)]
        gs = _as_given(_pull(pairs, self.xs, None if self.alone else self.functions, nested), nested)
        if type(self.form) is np.ndarray:
            return gs[0]
        return like(self.form, map(_close, gs, leaves(self.form)))

    def result(self) -> Any:
        """What f returned, as arrays; as Values if somebody outside goes on with it."""
        return map_leaves(lambda y: y if self.nested or not isinstance(y, Value) else _close(y.data, 0.0), self.y)

    def scalar(self) -> None:
        """Insist that f returned one number."""
        nest = not isinstance(self.y, Value) and is_nest(self.y)
        if nest or self.ys[0]._array.size != 1:
            what = f"a {type(self.y).__name__}" if nest else f"an array of shape {self.ys[0].shape}"
            raise ValueError(
                f"a gradient is of one number, but {_name(self.f)} returned {what};"
                " take np.sum of it, or use jacobian or vjp"
            )
        if self.ys[0].dtype.kind == "c":
            raise TypeError(f"a gradient is of a real number, but {_name(self.f)} returned {self.ys[0].dtype}")


def _leaves_behind(ys: Sequence[Value], functions: Sequence[Any]) -> set[Value]:
    """The leaves among ``ys`` and among what ``functions`` take; of what requires no gradient none is recorded."""
    found = {y for y in ys if y.created_by is None and y._requires_grad}
    for function in functions:
        for origin, _, _ in function.edges:
            if origin is not None and not origin.edges:
                found.add(origin)
    return found


def _numbers(argnums: Any, count: int, f: Callable) -> list[int]:
    """``argnums`` as positions among ``count`` arguments."""
    given = [argnums] if isinstance(argnums, (int, np.integer)) else argnums
    if not isinstance(given, (list, tuple, range)) or not all(isinstance(n, (int, np.integer)) for n in given):
        raise TypeError(f"argnums is the position of an argument, or a tuple of positions, not {argnums!r}")
    if any(not -count <= n < count for n in given):
        raise ValueError(f"argnums={argnums}, but {_name(f)} was called with {count} arguments")
    numbers = [int(n) % count for n in given]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"argnums={argnums} names an argument twice")
    return numbers


def _open(x: Any, f: Callable) -> Value:
    """``x`` as a Value at which a derivative is taken: a new leaf, or a new entry behind a Value from outside."""
    if isinstance(x, int) and not isinstance(x, bool):
        x = float(x)
    x = lift(x)  # within a vmap the derivative is one for every example
    data = x.data if isinstance(x, Value) else as_numeric(x)
    if data.dtype.kind not in "fc":
        raise TypeError(f"{_name(f)} cannot be differentiated with respect to {data.dtype}; use x.astype(float)")
    return Alias()(x) if isinstance(x, Value) and x.requires_grad and not paused.get() else computed(data, Argument())


def _close(g: Any, x: Any) -> Any:
    """``g`` as NumPy would return it: for a number a number, for an array an array."""
    return g if isinstance(g, Value) or g.ndim or _is_array(x) else g[()]


def _is_array(x: Any) -> bool:
    """Whether it is an array of NumPy's, or one of a capture that stands for such."""
    return isinstance(x, np.ndarray) or (hasattr(x, "storage") and not x._is_number())


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _describe(x: Any) -> str:
    return f"an array of shape {x.shape}" if isinstance(x, np.ndarray) else repr(x)


def value_and_grad(f: Callable, argnums: int | Sequence[int] = 0) -> Callable:
    """A function that returns ``f(…)`` and the gradient of it; see ``grad``.

    >>> import numpy as np
    >>> from calligrad import value_and_grad
    >>> value_and_grad(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        run = _Run(f, args, argnums, kwargs)
        run.scalar()
        return run.result(), run.pull([None])

    return value_and_gradient


def grad(f: Callable, argnums: int | Sequence[int] = 0) -> Callable:
    """A function that returns the gradient of ``f``, which returns one number.

    The gradient is taken with respect to the argument ``argnums`` (or a tuple of them): an array, or a
    nest of arrays, and it has the same form.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> grad(np.sin)(0.0)
    np.float64(1.0)
    >>> grad(grad(grad(np.sin)))(0.0)
    np.float64(-1.0)
    >>> grad(lambda p: np.sum(p["w"] * p["x"]))({"w": np.ones(2), "x": np.array([3.0, 4.0])})
    {'w': array([3., 4.]), 'x': array([1., 1.])}
    """

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        run = _Run(f, args, argnums, kwargs)
        run.scalar()
        return run.pull([None])

    return gradient


def vjp(f: Callable, *xs: Any) -> tuple[Any, Callable]:
    """``f(*xs)``, and a function from a gradient of it to the tuple of gradients of ``xs``.

    >>> import numpy as np
    >>> from calligrad import vjp
    >>> y, pull = vjp(np.multiply, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    xs = tuple(map_leaves(lambda x: x.copy() if _is_array(x) else x, x) for x in xs)  # pull comes later
    run = _Run(f, xs, range(len(xs)), {})
    return run.result(), lambda gy: run.pull(_matching(gy, run.y, "gradient"))


def jvp(f: Callable, xs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``f(*xs)``, and its derivative along ``tangents``, which has the form of ``xs``.

    A gradient is linear in the gradient it starts from; its own gradient is the derivative forwards.

    >>> import numpy as np
    >>> from calligrad import jvp
    >>> jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    xs, tangents = _arguments("jvp", xs), _arguments("jvp", tangents)
    ts = _matching(tangents, xs, "tangent")
    run = _Run(f, xs, range(len(xs)), {})
    dummies = [Value(np.ones_like(y.data)) for y in run.ys]
    gs = _pull(list(zip(run.ys, dummies)), run.xs, run.functions, create_graph=True)
    nested = run.nested or any(isinstance(t, Value) and t.requires_grad for t in ts)
    ts = [conjugated(_seed(x, t, nested)) for x, t in zip(run.xs, ts)]  # a tangent is no gradient
    for dummy in dummies:
        dummy._requires_grad = False  # as a leaf of a run
    dys = _pull(list(zip(gs, ts)), dummies, ancestors(_node(g) for g in gs), nested)
    return run.result(), like(run.y, map(_close, dys, [y.data if y.ndim else 0.0 for y in run.ys]))


def hvp(f: Callable, xs: Sequence[Any], vs: Sequence[Any]) -> tuple[Any, ...]:
    """The Hessian of ``f`` at ``xs`` times ``vs``, without the Hessian: a tuple in the form of ``xs``.

    >>> import numpy as np
    >>> from calligrad import hvp
    >>> hvp(lambda x: np.sum(x ** 3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    (array([ 6., 12.]),)
    """
    xs, vs = _arguments("hvp", xs), _arguments("hvp", vs)
    _matching(vs, xs, "vector")
    _, pull = vjp(grad(f, tuple(range(len(xs)))), *xs)
    return pull(vs)


def jacobian(f: Callable, argnums: int | Sequence[int] = 0) -> Callable:
    """A function that returns all derivatives of all outputs of ``f``: arrays of shape ``y.shape + x.shape``.

    Where ``f`` returns a nest, or takes one, the result is a nest of nests: for each output, the form of
    the arguments. Of complex outputs it is the complex derivative; if the argument is complex too, ``f``
    must be holomorphic in it.

    >>> import numpy as np
    >>> from calligrad import jacobian
    >>> jacobian(lambda x: x ** 2)(np.array([1.0, 2.0, 3.0]))
    array([[2., 0., 0.],
           [0., 4., 0.],
           [0., 0., 6.]])
    """

    @functools.wraps(f)
    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        run = _Run(f, args, argnums, kwargs)

        def gradients_of(i: int, y: Value, unit: complex) -> list[Any]:
            """Of each number of output ``i``, times ``unit``: arrays of shape y.shape + x.shape."""
            units = (unit * np.eye(y.size, dtype=y.dtype)).reshape(y.size, *y.shape)
            seeds = [np.zeros_like(o.data) for o in run.ys]

            def row(u: Any) -> list[Any]:
                return leaves(run.pull([*seeds[:i], u, *seeds[i + 1 :]]))

            pulled = _rows(row, units, sum(math.prod(shape) for function in run.functions for shape in function.shapes))
            columns = zip(*pulled) if pulled else ([] for _ in run.xs)
            stacked = (np.concatenate(c) if c else np.zeros((0, *x.shape), x.dtype) for c, x in zip(columns, run.xs))
            return [np.reshape(s, y.shape + x.shape) for s, x in zip(stacked, run.xs)]

        def rows(i: int, y: Value) -> Any:
            whole = gradients_of(i, y, 1)
            if y.dtype.kind == "c":
                whole = [_complex_derivative(f, *both) for both in zip(whole, gradients_of(i, y, 1j))]
            return like(run.form, map(_close, whole, leaves(run.form)))

        blocks = [rows(i, y) for i, y in enumerate(run.ys)]
        return like(run.y, iter(blocks))

    return jacobian_of_f


# Measured on two cores: by vmap a row costs next to nothing, but an operation on a batch takes 10 us more. A network
# 10-32-n in its input broke even at n = 8, took a third of the time at n = 30 and a twentieth at 100; Hessians of
# 10 to 100 numbers likewise; large arrays are as fast in either way.
FEW_ROWS = 16
MANY_NUMBERS = 2**23


def _rows(row: Callable, units: Any, cost: int) -> list[list[Any]]:
    """``row`` of each of the ``units``, in stacks: of many at once by vmap, if they are many and fit into memory.

    ``cost`` is how many numbers one row takes.
    """
    many = min(len(units), MANY_NUMBERS // max(1, cost))
    if many >= FEW_ROWS:
        from calligrad.batching import mapping  # it is only needed here

        at_once = mapping.batched(row, quiet=True)
        try:
            return [at_once(units[start : start + many]) for start in range(0, len(units), many)]
        except Leaving:  # a backward that no batch can go through
            pass
    return [[g[np.newaxis] for g in row(u)] for u in units]


def _complex_derivative(f: Callable, g: Any, turned: Any) -> Any:
    """The derivative of a complex number, from its gradients starting from 1 and from i."""
    if g.dtype.kind != "c":  # of a real argument: how the real part and the imaginary part change
        return g + 1j * turned
    one, other = unwrap(1j * g), unwrap(turned)
    rounding = np.sqrt(np.finfo(one.dtype).eps) * np.max(np.abs(one), initial=0)
    if np.any(np.abs(one - other) > rounding):
        raise TypeError(
            f"{_name(f)} is not holomorphic, so it has no complex derivative; take the jacobian of functions of the"
            " real and the imaginary part"
        )
    return np.conjugate(g)


def hessian(f: Callable, argnums: int | Sequence[int] = 0) -> Callable:
    """A function that returns all second derivatives of ``f``, which returns one number.

    >>> import numpy as np
    >>> from calligrad import hessian
    >>> hessian(lambda x: x[0] * x[1] ** 2)(np.array([2.0, 3.0]))
    array([[0., 6.],
           [6., 4.]])
    """
    return jacobian(grad(f, argnums), argnums)


def _arguments(name: str, xs: Any) -> tuple[Any, ...]:
    if not isinstance(xs, (list, tuple)):
        raise TypeError(
            f"{name} takes tuples, one entry for each argument of f: {name}(f, (x,), (v,)), not {_describe(xs)}"
        )
    return tuple(xs)


def _matching(given: Any, form: Any, word: str) -> list[Any]:
    """The leaves of ``given``, which must have the form and shapes of ``form``."""
    theirs, ours = aligned(given, form), leaves(form)
    for g, x in zip(map(as_array, theirs), ours):
        if g.shape != np.shape(unwrap(x)):
            raise ValueError(f"a {word} of shape {g.shape} does not fit an array of shape {np.shape(unwrap(x))}")
    return theirs
