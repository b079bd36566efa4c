"""What can be seen without running the model: what it holds, what the optimizer holds, how it is set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from calligrad.diagnosis.report import Finding, error, some, warning
from calligrad.nn.buffer import Buffer
from calligrad.nn.module import Module
from calligrad.value import Value

_OPAQUE = (str, bytes, int, float, complex, type(None), type, np.ndarray, np.generic, np.dtype, np.random.Generator)


def parameters(model: Module) -> Iterator[Finding]:
    """Whether there is anything to learn, and all of one precision."""
    own = dict(model.named_parameters())
    if not own:
        yield error(
            f"{type(model).__name__} has no parameters",
            "Keep Values and Modules as attributes of the module, or in lists, tuples and dicts that are attributes.",
        )
        return
    if not any(p.requires_grad for p in own.values()):
        yield error("all parameters are frozen", "Nothing will be learned: call model.requires_grad_().")
    kinds: dict[str, list[str]] = {}
    for path, p in own.items():
        kinds.setdefault(str(p.dtype), []).append(path)
    if len(kinds) > 1:
        shares = "; ".join(f"{len(paths)} of {kind}, such as {paths[0]}" for kind, paths in kinds.items())
        yield warning(
            f"parameters have different precisions: {shares}",
            "Results take the widest, so a single float64 parameter makes the rest of the computation float64, at half"
            " the speed. model.astype(np.float32) makes them one.",
        )


def hidden(strays: list[tuple[str, Any]]) -> Iterator[Finding]:
    """Modules and parameters that the model holds and does not find: in sets, objects, closures."""
    for path, thing in strays:
        yield error(
            f"the {type(thing).__name__} at model{path} is hidden: it is not among the model's parameters, so it is"
            " neither learned nor saved",
            "A module looks for what it holds in its attributes and in lists, tuples and dicts there, not in sets,"
            " other objects or closures. Make it, or the object that holds it, an attribute that is a Module.",
        )


def hidden_in(model: Module) -> list[tuple[str, Any]]:
    """What ``hidden`` tells of, with the way to it."""
    known, found = set(map(id, held(model))), []
    for path, thing in _everything(model):
        is_leaf = isinstance(thing, Value) and thing.created_by is None and thing.requires_grad
        if id(thing) not in known and (isinstance(thing, Module) or (is_leaf and not isinstance(thing, Buffer))):
            found.append((path, thing))
            known |= set(map(id, held(thing)))
    return found


def held(thing: Any) -> list[Any]:
    """``thing`` itself, a Value, or all that a Module knows that it holds."""
    return [*thing.modules(), *thing.parameters(), *thing.buffers()] if isinstance(thing, Module) else [thing]


def _everything(model: Module) -> Iterator[tuple[str, Any]]:
    """All objects that can be reached from ``model`` by way of attributes, items and closures, with the way."""
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("", model)]
    while stack:
        path, thing = stack.pop()
        if id(thing) in seen or isinstance(thing, _OPAQUE):
            continue
        seen.add(id(thing))
        yield path, thing
        if isinstance(thing, Value):
            continue
        stack += reversed(list(_parts(path, thing)))


def _parts(path: str, thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, Mapping):
        yield from ((f"{path}[{key!r}]", x) for key, x in thing.items())
    elif isinstance(thing, (list, tuple, set, frozenset)) or type(thing).__name__ == "deque":
        kind = "" if isinstance(thing, (list, tuple)) else f" ({type(thing).__name__})"
        yield from ((f"{path}{kind}[{i}]", x) for i, x in enumerate(thing))
    elif isinstance(thing, FunctionType):
        names = thing.__code__.co_freevars
        for name, cell in zip(names, thing.__closure__ or ()):
            try:
                yield f"{path} (closure).{name}", cell.cell_contents
            except ValueError:  # not filled yet
                continue
    elif isinstance(thing, MethodType):
        yield f"{path}.__self__", thing.__self__
    elif hasattr(thing, "__dict__") and type(thing).__module__ not in ("builtins", "numpy"):
        yield from ((f"{path}.{name}", x) for name, x in vars(thing).items() if name != "_hooks")


def optimizer_matches(model: Module, held: Iterable[Value]) -> Iterator[Finding]:
    """Whether the optimizer was given the parameters of this model, all of them, and no others."""
    held = list(held)
    inside = {id(p) for p in held}
    own = dict(model.named_parameters())
    left_out = [path for path, p in own.items() if p.requires_grad and id(p) not in inside]
    strangers = [p for p in held if id(p) not in {id(q) for q in own.values()}]
    if left_out and len(left_out) == sum(p.requires_grad for p in own.values()):
        yield error(
            "the optimizer has none of the model's parameters",
            "It was made for another model, or before the parameters were replaced (a copy, a new head). Make the"
            " optimizer after the model is complete: it keeps the very Values that it was given.",
        )
        return
    if left_out:
        yield error(
            f"{len(left_out)} parameters are not in the optimizer and will not change: {some(left_out)}",
            "Give it model.parameters(), or freeze what is to stay with requires_grad_(False).",
        )
    if strangers:
        shapes = ", ".join(str(p.shape) for p in strangers[:3])
        yield warning(
            f"the optimizer has {len(strangers)} parameters that the model has not, of shapes {shapes}",
            "They were replaced in the model, perhaps, after the optimizer was made.",
        )


def modes(model: Module) -> Iterator[Finding]:
    """Whether the model and all within are in training mode."""
    off = [path or type(model).__name__ for path, module in model.named_modules() if not module.training]
    if not off:
        return
    everything = len(off) == sum(1 for _ in model.modules())
    what = "the model is in eval mode" if everything else f"some modules are in eval mode: {some(off)}"
    yield warning(
        what,
        "Dropout does nothing there, and batch normalization takes running statistics and learns none. Call"
        " model.train() before training, and again after each model.eval().",
    )
