"""The backward sweep: walk a graph from its results to its leaves, newest generation first.

A *node* of the graph is either a Function or a leaf Value:

- ``node.edges``: for each input a tuple ``(origin, shape, dtype)``, where the origin is the node it came
  from, or None for a constant, and the dtype of a NumPy scalar is its type; empty for a leaf;
- ``node.generation``: higher than the generation of every Function it has an edge to;
- ``node.pull(g)``: for a Function, the gradient of each input, given the gradient of its output.

Why generations: a node may only pass its gradient on when *all* its consumers have handed theirs in.
Every consumer has a higher generation than what it consumes, so taking the highest generation next
is enough, and needs no recursion.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any, Protocol


class Node(Protocol):
    """What the sweep asks of a Function; a leaf Value has edges and a generation."""

    edges: Sequence[tuple[Any, Any, Any]]
    generation: int
    gradient: Any

    def pull(self, g: Any, create_graph: bool, release: bool) -> Sequence[Any]: ...

    def fit(self, gx: Any, shape: Any, dtype: Any) -> Any: ...


def sweep(
    seeds: Iterable[tuple[Node, Any]],
    *,
    wanted: Container[Node] | None = None,
    keep: Container[Node] = (),
    create_graph: bool = False,
    release: bool = False,
    retain: bool = False,
) -> dict[Any, Any]:
    """Pull gradients back from ``seeds``, pairs of a node and its gradient, to every leaf behind them.

    Returns a table from leaf to gradient, and from each Function in ``keep`` to the gradient of its
    output. With ``wanted``, only nodes in that set are visited. ``release`` frees what each Function kept
    once it has been passed; ``retain`` leaves on each Function the gradient of its output.
    """
    grads: dict[Any, Any] = {}
    waiting: dict[int, list[Any]] = {}  # generation -> the Functions of it that have a gradient
    for node, g in seeds:
        if node in grads:
            grads[node] = grads[node] + g
        else:
            grads[node] = g
            if node.edges:
                waiting.setdefault(node.generation, []).append(node)

    for generation in range(max(waiting, default=-1), -1, -1):
        if not waiting:
            break
        for function in waiting.pop(generation, ()):
            g = grads[function] if function in keep else grads.pop(function)
            for (origin, shape, dtype), gx in zip(function.edges, function.pull(g, create_graph, release)):
                if origin is None or gx is None or (wanted is not None and origin not in wanted):
                    continue
                if callable(gx):
                    gx = gx()
                if type(gx) is not dtype:
                    try:
                        fits = gx.shape == shape and gx.dtype is dtype
                    except AttributeError:
                        fits = False
                    if not fits:
                        gx = function.fit(gx, shape, dtype)
                if origin in grads:
                    grads[origin] = grads[origin] + gx  # never in place: the array may be shared
                else:
                    grads[origin] = gx
                    if origin.edges:
                        if origin.generation in waiting:
                            waiting[origin.generation].append(origin)
                        else:
                            waiting[origin.generation] = [origin]
            if retain:
                function.gradient = g
    return grads


def ancestors(roots: Iterable[Node], stop: Container[Node] = ()) -> list[Any]:
    """Every Function behind ``roots``, roots included, oldest generation first; none behind ``stop``."""
    found = {}
    stack = [node for node in roots if node.edges]
    while stack:
        node = stack.pop()
        if node not in found and node not in stop:
            found[node] = node.generation
            for origin, _, _ in node.edges:
                if origin is not None and origin.edges:
                    stack.append(origin)
    return sorted(found, key=found.__getitem__)


def leading_to(targets: Iterable[Node], functions: Iterable[Node]) -> set[Any]:
    """``targets`` and those of ``functions`` (oldest first) that have one of the targets behind them."""
    leading = set(targets)
    for function in functions:
        if any(origin in leading for origin, *_ in function.edges):
            leading.add(function)
    return leading
