"""Hooks: functions that a module calls before and after its forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Hooks:
    """The hooks of one module, in the order in which they were registered."""

    def __init__(self) -> None:
        self.before: list[Callable] = []
        self.after: list[Callable] = []

    def run(self, module: Any, args: tuple, kwargs: dict) -> Any:
        """``module.forward`` between its hooks."""
        for hook in tuple(self.before):
            if (changed := hook(module, args)) is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        output = module.forward(*args, **kwargs)
        for hook in tuple(self.after):
            if (changed := hook(module, args, output)) is not None:
                output = changed
        return output


class Hook:
    """A registered hook: ``remove()`` it, or let it end with a ``with`` block."""

    def __init__(self, hooks: list[Callable], hook: Callable) -> None:
        if not callable(hook):
            raise TypeError(f"a hook is a function, not {hook!r}")
        self._hooks, self._hook = hooks, hook
        hooks.append(hook)

    def remove(self) -> None:
        """Call it no longer; a second time changes nothing."""
        self._hooks[:] = [hook for hook in self._hooks if hook is not self._hook]

    def __enter__(self) -> Hook:
        return self

    def __exit__(self, *error: Any) -> None:
        self.remove()
