"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from calligrad.nn.module import Module


class Sequential(Module):
    """One module after the other; a plain function may stand between them.

    >>> from calligrad.nn import Linear, ReLU, Sequential
    >>> Sequential(Linear(1, 4), ReLU(), Linear(4, 1))
    Sequential(
      (0): Linear(in_features=1, out_features=4, bias=True)
      (1): ReLU()
      (2): Linear(in_features=4, out_features=1, bias=True)
    )
    """

    def __init__(self, *modules: Callable) -> None:
        for i, module in enumerate(modules):
            if not callable(module):
                raise TypeError(f"Sequential takes modules and functions; number {i} is {module!r}")
            setattr(self, str(i), module)

    def __iter__(self) -> Iterator[Callable]:
        return (part for name, part in vars(self).items() if name.isdigit())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, i: int) -> Callable:
        return list(self)[i]

    def _parts(self) -> list[tuple[str, str]]:
        parts = enumerate(self)
        return [(str(i), repr(m) if isinstance(m, Module) else getattr(m, "__name__", repr(m))) for i, m in parts]

    def forward(self, x: Any) -> Any:
        """Through all of them, in order."""
        for module in self:
            x = module(x)
        return x
