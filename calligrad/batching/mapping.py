"""vmap: a function of single examples, run once on a whole batch of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from calligrad.batched import Batched, Level, level_of
from calligrad.modes import paused
from calligrad.nests import is_nest, leaves, like, map_leaves
from calligrad.value import Value, as_numeric, unwrap


def vmap(f: Callable, in_axes: Any = 0, out_axes: Any = 0) -> Callable:
    """A function that applies ``f`` to every example of a batch: ``np.stack([f(x) for x in xs])`` without the loop.

    ``f`` runs once, on arrays that hide the axis along which the examples lie; every NumPy call in it is one call
    on all of them. ``in_axes`` says which axis that is: a whole number for all arguments, or a tuple or list with an
    entry for each, which may be None for an argument that is the same for every example, or a nest in the form of
    the argument (or of a part of it). Keyword arguments have the examples along axis 0
    (``functools.partial`` gives one that is the same for all). ``out_axes`` says, as
    a whole number or a nest, where the results have theirs; a result that is the same for all examples is repeated.

    It nests with itself, ``grad`` and the other transformations in any order. A NumPy function without a rule
    for batches is called for one example after another, and says so once, with a ``BatchingWarning``.

    Raises ``ValueError`` if the arguments have different numbers of examples, and ``TypeError`` where ``f`` wants to
    know a number, as in ``if x > 0`` or ``float(x)``: write ``np.where``.

    >>> import numpy as np
    >>> from calligrad import grad, vmap
    >>> vmap(np.dot)(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [0.0, 1.0]]))
    array([3., 4.])
    >>> vmap(grad(lambda w, x: np.tanh(w @ x)), in_axes=(None, 0))(np.zeros(2), np.eye(2))
    array([[1., 0.],
           [0., 1.]])
    """

    return batched(f, in_axes, out_axes)


def batched(f: Callable, in_axes: Any = 0, out_axes: Any = 0, quiet: bool = False) -> Callable:
    """``vmap``; without a word about functions that are called for one example after another if it is to be quiet."""

    @functools.wraps(f)
    def of_all_examples(*args: Any, **kwargs: Any) -> Any:
        name = getattr(f, "__name__", type(f).__name__)
        axes = _axes_of_arguments(in_axes, args, name), dict.fromkeys(kwargs, 0)
        level = Level(_size((args, kwargs), axes, name), name, quiet)
        inner, named = _mapped(lambda x, axis: _enter(x, axis, level), (args, kwargs), axes, "in_axes")
        with level.entered():
            y = f(*inner, **named)
            return _mapped(lambda part, axis: _leave(part, axis, level), y, out_axes, "out_axes")

    return of_all_examples


# ---------------------------------------------------------------- axes, in the form of the arguments


def _axes_of_arguments(in_axes: Any, args: tuple, name: str) -> Any:
    if not isinstance(in_axes, (tuple, list)):
        return tuple(in_axes for _ in args)
    if len(in_axes) != len(args):
        raise ValueError(f"in_axes has {len(in_axes)} entries, but {name} was called with {len(args)} arguments")
    return tuple(in_axes)


def _mapped(g: Callable, nest: Any, axes: Any, word: str) -> Any:
    """``nest`` with ``g(x, axis)`` for all it holds; an entry of ``axes`` may stand for a nest."""
    pairs = iter([g(x, axis) for x, axis in _pairs(nest, axes, word)])
    return like(nest, pairs)


def _pairs(nest: Any, axes: Any, word: str) -> Iterator[tuple[Any, Any]]:
    """What ``nest`` holds, each with its axis."""
    if isinstance(axes, dict) and isinstance(nest, dict) and axes.keys() == nest.keys():
        for key, part in nest.items():
            yield from _pairs(part, axes[key], word)
    elif isinstance(axes, (tuple, list)) and isinstance(nest, (tuple, list)) and len(axes) == len(nest):
        for part, axis in zip(nest, axes):
            yield from _pairs(part, axis, word)
    elif is_nest(axes):
        raise ValueError(f"{word} {axes!r} has not the form of {_brief(nest)}")
    elif axes is not None and (isinstance(axes, bool) or not isinstance(axes, (int, np.integer))):
        raise TypeError(f"{word} holds whole numbers and None, not {axes!r}")
    else:
        for leaf in leaves(nest):
            yield leaf, axes


def _size(nest: Any, axes: Any, name: str) -> int:
    """How many examples there are."""
    found: dict[int, str] = {}
    for part, its_axes, kind in zip(nest, axes, ("argument", "keyword argument")):
        for x, axis in _pairs(part, its_axes, "in_axes"):
            if axis is None:
                continue
            shape = _array(x).shape
            if not -len(shape) <= axis < len(shape):
                way_out = "with None in in_axes it is the same for every example" if part is nest[0] else _KEYWORDS
                raise ValueError(
                    f"vmap of {name}: {_a(kind)} of shape {shape} has no axis {axis}"
                    f" along which examples could lie; {way_out}"
                )
            found.setdefault(shape[axis], f"{shape[axis]} along axis {axis} of {_a(kind)} of shape {shape}")
    if not found:
        raise ValueError(f"vmap of {name}: no argument has a batch; in_axes is None for all of them")
    if len(found) > 1:
        way_out = f"; {_KEYWORDS}" if nest[1] else ""
        raise ValueError(f"vmap of {name}: different numbers of examples: {' and '.join(found.values())}{way_out}")
    return next(iter(found))


_KEYWORDS = (
    "keyword arguments have their examples along axis 0; one that is the same for every example is given by"
    " functools.partial(f, keyword=…)"
)


def _a(kind: str) -> str:
    return f"an {kind}" if kind.startswith("a") else f"a {kind}"


def _array(x: Any) -> Any:
    return x if isinstance(x, Value) else as_numeric(x)


def _brief(nest: Any) -> str:
    return repr(map_leaves(lambda x: ..., nest)) if is_nest(nest) else f"one {type(nest).__name__}"


# ---------------------------------------------------------------- in and out


def _enter(x: Any, axis: int | None, level: Level) -> Any:
    """``x`` as the function sees it."""
    if axis is None:
        return x
    data = _outermost(np.moveaxis(_array(x), int(axis), 0))
    if type(data) is np.ndarray:
        data = data.view()
        data.flags.writeable = False  # what f writes into its argument would change the caller's
    return Batched(data, level)


def _outermost(data: Any) -> Any:
    """``data`` with the examples one behind the other in memory: what is made of one lies as if it was alone."""
    strides = np.abs(getattr(unwrap(data), "strides", (0,)))
    if np.all(strides[1:] <= strides[0]):
        return data
    order = (0, *(1 + np.argsort(-strides[1:], kind="stable")).tolist())
    return np.transpose(np.copy(np.transpose(data, order), order="C"), np.argsort(order).tolist())


def _leave(y: Any, axis: int | None, level: Level) -> Any:
    """A result of the function with the examples along ``axis``."""
    if y is None:
        raise TypeError(f"{level.name} returned None; it must return an array, or a nest of arrays")
    if isinstance(y, Value) and level_of(y) is level:
        if y.requires_grad:
            raise TypeError(
                f"{level.name} returned a Value that was made within vmap; its graph ends there. Take the gradient"
                " within, with grad(…), or make the Value outside of vmap"
            )
        y = y.data
    own = type(y) is Batched and y.level is level
    if axis is None:
        if own:
            raise ValueError(f"out_axes is None for a result of {level.name} that differs from example to example")
        return y
    y = y if own or isinstance(y, Value) else as_numeric(y)
    data = level.spread(y)
    if isinstance(data, Value):
        data = data.detach() if paused.get() else data
    elif not (own and getattr(data, "flags", None) and data.flags.writeable):
        data = np.copy(data)  # a view, of the argument or of what is repeated
    return np.moveaxis(data, 0, normalize_axis_index(int(axis), data.ndim))
