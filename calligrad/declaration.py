"""What a Function's class says about itself: its settings, what its backward wants, which NumPy function it is."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from calligrad.bytecode import names_in
from calligrad.rules import numpy_name


def rule_for(cls: Any, func: Callable) -> Callable:
    """What to call for the NumPy function: ``cls`` on its arrays, with all other arguments as settings."""
    if isinstance(func, np.ufunc) and not cls.settings and func.nin <= 2:  # the short way, for what is called most
        return (lambda x: cls().__call__(x)) if func.nin == 1 else lambda a, b: cls().__call__(a, b)

    every = signature(cls.forward).parameters.values()
    arrays = [p.name for p in every if p.kind is not p.VAR_POSITIONAL][1:]
    if not arrays:  # the forward that every Function has; backward may name its inputs
        named = list(signature(cls.backward).parameters.values())[2:]
        arrays = [p.name for p in named if p.kind is p.POSITIONAL_OR_KEYWORD]
    n = max(1, len(arrays))
    try:
        names = list(signature(func).parameters)
    except ValueError:  # some functions written in C do not tell
        names = [*arrays, *cls.settings]

    def rule(*args: Any, **kwargs: Any) -> Any:
        kwargs = dict(zip(names[n:], args[n:])) | kwargs
        xs = args[:n] if len(args) >= n else (*args, *(kwargs.pop(key) for key in names[len(args) : n]))
        return cls(**known_settings(cls, func, kwargs))(*xs)

    return rule


def known_settings(cls: Any, func: Callable, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a call of ``func`` as settings of ``cls``, without ``out=None``."""
    if kwargs.get("out", ...) is None:
        del kwargs["out"]
    if unknown := kwargs.keys() - cls.settings:
        takes = f"; it takes {', '.join(cls.settings)}" if cls.settings else ""
        raise TypeError(f"{numpy_name(func)} of a Value does not take {', '.join(sorted(unknown))}{takes}")
    return kwargs


def take_settings(self: Any, *args: Any, **kwargs: Any) -> None:
    """``__init__`` of a Function with settings: by position or by name, as a dataclass takes them."""
    if not args and not self._needs and kwargs.keys() <= self._known:
        vars(self).update(kwargs)
        return
    name, names = type(self).__name__, self.settings
    if len(args) > len(names):
        raise TypeError(f"{name} takes {len(names)} settings ({', '.join(names)}), not {len(args)}")
    given = dict(zip(names, args))
    if wrong := [key for key in kwargs if key not in names or key in given]:
        raise TypeError(f"{name} takes each of its settings ({', '.join(names)}) once; it got {', '.join(wrong)}")
    given |= kwargs
    if missing := [key for key in names if key not in given and not hasattr(type(self), key)]:
        raise TypeError(f"{name} needs the settings {', '.join(missing)}")
    vars(self).update(given)


def read_backward(cls: Any) -> None:
    """What ``cls.backward`` asks for, by its signature: inputs by position, the output as keyword ``y``."""
    parameters = list(signature(cls.backward).parameters.values())
    asked = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    if len(asked) < 2 or keywords not in ([], ["y"]):
        raise TypeError(f"{cls.__name__} needs backward(self, g, …inputs, *, y): first the gradient; the output as y")
    cls._takes_y = bool(keywords)
    cls._names = tuple(not p.name.startswith("_") for p in asked[2:])
    if any(p.kind is p.VAR_POSITIONAL for p in parameters) or (cls._names and all(cls._names)):
        cls._names = None
    own = cls.__mro__[:-2]  # without Function and object
    read = {name for c in own for member in vars(c).values() for name in names_in(member)}
    cls._reads_self = not read.isdisjoint(("inputs", "outputs"))
    cls._keeps = cls._names != () or cls._takes_y or cls._reads_self


def is_plain(x: Any) -> bool:
    """Whether ``x`` can carry no gradient: sizes, keys, flags, masks and the like."""
    if isinstance(x, (list, tuple, set)):
        return all(map(is_plain, x))
    if isinstance(x, dict):
        return all(map(is_plain, x.values()))
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype.kind in "biu"
    return x is None or isinstance(x, (int, str, slice, np.dtype))
