"""Parameter groups: which parameters an optimizer changes, what they are called, and with which settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from calligrad.value import Value

WAY_OUT = "an optimizer takes an iterable of parameters, model.parameters() or [x]"


def as_groups(params: Any) -> list[dict[str, Any]]:
    """``params``, parameters or (path, parameter) pairs or groups of them, as groups."""
    if isinstance(params, (Value, Mapping, str)) or not isinstance(params, Iterable):
        raise TypeError(f"{WAY_OUT}, not a {type(params).__name__}")
    items = list(params)
    if not items:
        raise ValueError("an optimizer needs at least one parameter; this list, or the generator, is empty")
    if any(isinstance(item, Mapping) for item in items):
        if not all(isinstance(item, Mapping) for item in items):
            raise TypeError("either parameters or groups of them, dicts with 'params', but not both in one list")
        return [dict(item) for item in items]
    return [{"params": items}]


def named(group: Mapping[str, Any], first: int) -> list[tuple[str, Value]]:
    """The parameters of a group with their paths; one without is called by its number, counted from ``first``."""
    if "params" not in group:
        raise ValueError(f"a parameter group is a dict with 'params'; this one has {', '.join(map(repr, group))}")
    params = [group["params"]] if isinstance(group["params"], Value) else group["params"]
    if isinstance(params, (str, Mapping)) or not isinstance(params, Iterable):
        raise TypeError(f"{WAY_OUT}, not a {type(params).__name__}")
    return [_pair(i, item) for i, item in enumerate(params, first)]


def _pair(i: int, item: Any) -> tuple[str, Value]:
    """Parameter ``i`` and its path."""
    path, p = item if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) else (str(i), item)
    if not isinstance(p, Value):
        raise TypeError(f"parameter {path} is {type(p).__name__}, not a Value")
    if p.created_by is not None or p.dtype.kind != "f":
        raise ValueError(f"parameter {path}, {p!r}, is not a leaf with floating data")
    if not p.data.flags.writeable:
        raise ValueError(f"parameter {path} holds a read-only array; make it Value(array.copy())")
    return path, p


def refuse_twice(pairs: list[tuple[str, Value]]) -> None:
    """Raise for a parameter that is there twice, and for two parameters of one path."""
    paths: dict[int, str] = {}
    for path, p in pairs:
        if id(p) in paths:
            raise ValueError(f"a parameter is given twice, as {paths[id(p)]} and as {path}")
        if path in paths.values():
            raise ValueError(f"two parameters are called {path}; model.named_parameters(prefix) tells them apart")
        paths[id(p)] = path
