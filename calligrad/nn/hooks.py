"""Hooks: functions that a module calls before and after its forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Hooks:
    """The hooks of one module, in the order in which they were registered."""

    def __init__(self) -> None:
        self.before: list[Hook] = []
        self.after: list[Hook] = []

    def run(self, module: Any, args: tuple, kwargs: dict) -> Any:
        """``module.forward`` between its hooks."""
        for hook in tuple(self.before):
            if (changed := hook.function(module, args)) is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        output = module.forward(*args, **kwargs)
        for hook in tuple(self.after):
            if (changed := hook.function(module, args, output)) is not None:
                output = changed
        return output


class Hook:
    """A registered hook: ``remove()`` it, or let it end with a ``with`` block."""

    def __init__(self, hooks: list[Hook], function: Callable) -> None:
        if not callable(function):
            raise TypeError(f"a hook is a function, not {function!r}")
        self._hooks, self.function = hooks, function
        hooks.append(self)

    def remove(self) -> None:
        """Call it no longer; a second time changes nothing."""
        if self in self._hooks:
            self._hooks.remove(self)

    def __enter__(self) -> Hook:
        return self

    def __exit__(self, *error: Any) -> None:
        self.remove()
