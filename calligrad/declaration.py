"""What a Function's class says about itself: its settings, what its backward wants, which NumPy function it is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from calligrad.bytecode import names_in, parameters_of
from calligrad.rules import numpy_name
from calligrad.value import Value


def rule_for(cls: Any, func: Callable) -> Callable:
    """What to call for the NumPy function: ``cls`` on its arrays, with all other arguments as settings."""
    if isinstance(func, np.ufunc) and not cls.settings and func.nin <= 2:  # the short way, for what is called most
        return (lambda x: cls().__call__(x)) if func.nin == 1 else lambda a, b: cls().__call__(a, b)

    arrays = parameters_of(cls.forward)[0][1:]
    if not arrays:  # the forward that every Function has; backward may name its inputs
        arrays = parameters_of(cls.backward)[0][2:]
    n = max(1, len(arrays))

    @functools.cache
    def parameters() -> list[str]:
        try:
            return list(signature(func).parameters)
        except ValueError:  # some functions written in C do not tell
            return [*arrays, *cls.settings]

    def rule(*args: Any, **kwargs: Any) -> Any:
        names = parameters()
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
    for key, x in kwargs.items():
        if type(x) is Value and not x.requires_grad:  # as good as an array
            kwargs[key] = x.data
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
    asked, keywords, any_number = parameters_of(cls.backward)
    if len(asked) < 2 or keywords not in ([], ["y"]):
        raise TypeError(f"{cls.__name__} needs backward(self, g, …inputs, *, y): first the gradient; the output as y")
    cls._takes_y = bool(keywords)
    cls._names = tuple(not name.startswith("_") for name in asked[2:])
    if any_number or (cls._names and all(cls._names)):
        cls._names = None
    own = [member for member in vars(cls).values() if hasattr(member, "__code__")]
    reads = any(not names_in(member).isdisjoint(("inputs", "outputs")) for member in own)
    cls._reads_self = reads or any(base._reads_self for base in cls.__bases__ if hasattr(base, "_reads_self"))
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
