"""Modules made of modules, and those that only change a shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from calligrad.nn.module import Module


class ModuleList(Module):
    """A list of modules, called ``0``, ``1``, …, with the methods of a list. A plain list will do as well.

    >>> from calligrad.nn import Linear, ModuleList
    >>> layers = ModuleList(Linear(2, 2) for _ in range(3))
    >>> layers.append(Linear(2, 1))[-1]
    Linear(in_features=2, out_features=1, bias=True)
    >>> len(layers[:2])
    2
    """

    def __init__(self, modules: Iterable[Callable] = ()) -> None:
        self._renew((str(i), module) for i, module in enumerate(modules))

    def _named(self) -> list[tuple[str, Callable]]:
        return [(name, part) for name, part in vars(self).items() if callable(part) and not name.startswith("_")]

    def _renew(self, named: Iterable[tuple[str, Callable]], renumber: bool = True) -> None:
        """Hold these and no others; with ``renumber``, names that are numbers become those of the places."""
        parts: dict[str, Callable] = {}
        for i, (name, module) in enumerate(named):
            if not callable(module):
                raise TypeError(f"{type(self).__name__} takes modules and functions; number {i} is {module!r}")
            if isinstance(module, type) and issubclass(module, Module):
                kind = module.__name__
                raise TypeError(f"{type(self).__name__}: number {i} is the class {kind}, not a module; write {kind}(…)")
            name = str(i) if renumber and name.isdigit() else name
            _refuse_name(self, name, parts)
            parts[name] = module
        for name, _ in self._named():
            delattr(self, name)
        vars(self).update(parts)

    def __iter__(self) -> Iterator[Callable]:
        return iter([part for _, part in self._named()])

    def __len__(self) -> int:
        return len(self._named())

    def __bool__(self) -> bool:
        return True  # a module, even one without parts

    def __getitem__(self, i: Any) -> Any:
        if not isinstance(i, slice):
            return self._named()[i][1]
        part = type(self).__new__(type(self))
        part._renew(self._named()[i])
        return part

    def __setitem__(self, i: int, module: Callable) -> None:
        named = self._named()
        named[i] = named[i][0], module
        self._renew(named)

    def __delitem__(self, i: int | slice) -> None:
        named = self._named()
        del named[i]
        self._renew(named)

    def __add__(self, other: Iterable[Callable]) -> Self:
        return self[:].extend(other)

    def __iadd__(self, other: Iterable[Callable]) -> Self:
        return self.extend(other)

    def append(self, module: Callable) -> Self:
        """Add ``module`` at the end."""
        return self.extend([module])

    def extend(self, modules: Iterable[Callable]) -> Self:
        """Add ``modules`` at the end, in order."""
        self._renew([*self._named(), *(("0", module) for module in modules)])
        return self

    def insert(self, i: int, module: Callable) -> Self:
        """Put ``module`` before number ``i``."""
        named = self._named()
        named.insert(i, ("0", module))
        self._renew(named)
        return self

    def pop(self, i: int = -1) -> Callable:
        """Take number ``i`` out, and return it."""
        module = self[i]
        del self[i]
        return module

    def _parts(self) -> list[tuple[str, str]]:
        return _shown(self._named())


class Sequential(ModuleList):
    """One module after the other; a plain function may stand between them.

    Takes the modules, or one dict that names them. It has the methods of a list, and slices are Sequentials.

    >>> from calligrad.nn import Linear, ReLU, Sequential
    >>> Sequential(Linear(1, 4), ReLU(), Linear(4, 1))
    Sequential(
      (0): Linear(in_features=1, out_features=4, bias=True)
      (1): ReLU()
      (2): Linear(in_features=4, out_features=1, bias=True)
    )
    >>> Sequential({"encoder": Linear(1, 4), "decoder": Linear(4, 1)}).decoder
    Linear(in_features=4, out_features=1, bias=True)
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            self._renew(modules[0].items(), renumber=False)
        else:
            super().__init__(modules)

    def __getitem__(self, i: Any) -> Any:
        if not isinstance(i, slice):
            return super().__getitem__(i)
        part = type(self).__new__(type(self))
        part._renew(self._named()[i], renumber=False)
        return part

    def forward(self, x: Any) -> Any:
        """Through all of them, in order."""
        for module in self:
            x = module(x)
        return x


class ModuleDict(Module):
    """Modules by name, with the methods of a dict. A plain dict will do as well.

    >>> from calligrad.nn import ModuleDict, ReLU, Tanh
    >>> choices = ModuleDict({"relu": ReLU(), "tanh": Tanh()})
    >>> choices["tanh"]
    Tanh()
    >>> list(choices)
    ['relu', 'tanh']
    """

    def __init__(self, modules: Mapping[str, Callable] | Iterable[tuple[str, Callable]] = ()) -> None:
        self.update(modules)

    def _named(self) -> dict[str, Callable]:
        return {name: part for name, part in vars(self).items() if callable(part) and not name.startswith("_")}

    def __getitem__(self, name: str) -> Callable:
        return self._named()[name]

    def __setitem__(self, name: str, module: Callable) -> None:
        self.update({name: module})

    def __delitem__(self, name: str) -> None:
        self.pop(name)

    def __len__(self) -> int:
        return len(self._named())

    def __bool__(self) -> bool:
        return True  # a module, even one without parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._named())

    def __contains__(self, name: object) -> bool:
        return name in self._named()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._named().keys()

    def values(self) -> Iterable[Callable]:
        """The modules."""
        return self._named().values()

    def items(self) -> Iterable[tuple[str, Callable]]:
        """Names and modules."""
        return self._named().items()

    def update(self, modules: Mapping[str, Callable] | Iterable[tuple[str, Callable]]) -> None:
        """Add ``modules``, or replace those that are called the same."""
        new = dict(modules)
        for name, module in new.items():
            if not callable(module):
                raise TypeError(f"ModuleDict takes modules and functions; {name!r} is {module!r}")
            _refuse_name(self, name, {})
        vars(self).update(new)

    def pop(self, name: str) -> Callable:
        """Take out the module called ``name``, and return it."""
        module = self[name]
        delattr(self, name)
        return module

    def clear(self) -> None:
        """Take out all."""
        for name in self:
            delattr(self, name)

    def _parts(self) -> list[tuple[str, str]]:
        return _shown(self.items())


def _shown(named: Iterable[tuple[str, Callable]]) -> list[tuple[str, str]]:
    """The parts as the repr shows them."""
    return [(name, repr(m) if isinstance(m, Module) else getattr(m, "__name__", repr(m))) for name, m in named]


def _refuse_name(module: Module, name: Any, taken: Mapping[str, Any]) -> None:
    """Raise if a part cannot be called ``name``, because it would hide something."""
    kind = type(module).__name__
    if not isinstance(name, str):
        raise TypeError(f"the modules of a {kind} are called by strings, not {name!r}")
    if not name or "." in name or name.startswith("_") or hasattr(type(module), name):
        raise ValueError(f"a module in a {kind} cannot be called {name!r}: empty, with a dot, or an attribute's name")
    if name in taken:
        raise ValueError(f"two modules in a {kind} would be called {name!r}")


# ---------------------------------------------------------------- shapes


class Identity(Module):
    """What goes in comes out; whatever arguments it is made with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        """``x``."""
        return x


class Flatten(Module):
    """The axes from ``start_axis`` to ``end_axis`` as one: a row for each example, unless told otherwise.

    >>> import numpy as np
    >>> from calligrad.nn import Flatten
    >>> Flatten()(np.zeros((5, 3, 4, 4))).shape
    (5, 48)
    """

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis, self.end_axis = start_axis, end_axis

    def forward(self, x: Any) -> Any:
        """``x`` with fewer axes."""
        shape = np.shape(x) or (1,)
        first, last = (_axis(shape, axis) for axis in (self.start_axis, self.end_axis))
        if first > last:
            raise ValueError(f"Flatten: axis {self.start_axis} comes after axis {self.end_axis} in shape {shape}")
        return np.reshape(x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


class Unflatten(Module):
    """The axis ``axis`` as several, of lengths ``unflattened_size``, one of which may be -1: the rest.

    >>> import numpy as np
    >>> from calligrad.nn import Unflatten
    >>> Unflatten(1, (3, 4, 4))(np.zeros((5, 48))).shape
    (5, 3, 4, 4)
    """

    def __init__(self, axis: int, unflattened_size: Iterable[int]) -> None:
        self.axis, self.unflattened_size = axis, tuple(unflattened_size)

    def forward(self, x: Any) -> Any:
        """``x`` with more axes."""
        shape, sizes = np.shape(x), self.unflattened_size
        axis = _axis(shape, self.axis)
        known = math.prod(n for n in sizes if n != -1)
        free = sizes.count(-1)
        if free > 1 or (shape[axis] != known if not free else not known or shape[axis] % known):
            raise ValueError(f"Unflatten: axis {self.axis} of shape {shape} does not divide into {sizes}")
        sizes = tuple(shape[axis] // known if n == -1 else n for n in sizes)
        return np.reshape(x, shape[:axis] + sizes + shape[axis + 1 :])


def _axis(shape: tuple[int, ...], axis: int) -> int:
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"there is no axis {axis} in shape {shape}")
    return axis % len(shape)
