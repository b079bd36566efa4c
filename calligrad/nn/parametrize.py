"""Parameters that are computed from others: ``register_parametrization`` puts a module in front of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.modes import no_grad
from calligrad.nn.module import Module
from calligrad.value import Value, as_array


class Parametrization(Module):
    """What stands in for a parameter: what it is computed from, and the modules ``0``, ``1``, … that compute it."""

    def __init__(self, parameter: Value) -> None:
        self.original = parameter

    def originals(self) -> list[Value]:
        """What the parameter is computed from: ``original``, or ``original0``, ``original1`` and so on."""
        return [x for name, x in vars(self).items() if name.startswith("original")]

    def steps(self) -> list[Module]:
        """The modules that compute it, in order."""
        return [x for name, x in vars(self).items() if name.isdigit()]

    def forward(self) -> Any:
        """The parameter."""
        first, *others = self.steps()
        x = first(*self.originals())
        for step in others:
            x = step(x)
        return x

    def assign(self, x: Any) -> None:
        """Set the originals so that the parameter becomes ``x``."""
        parts = self._inverse(x, self.steps())
        if [np.shape(p) for p in parts] != [p.shape for p in self.originals()]:
            raise ValueError(f"the right_inverse of {self!r} gives {list(map(np.shape, parts))} for {np.shape(x)}")
        for original, part in zip(self.originals(), parts):
            original.data[...] = part

    def add(self, step: Module) -> None:
        """Compute the parameter by ``step`` from what it is now; if that has a right_inverse, nothing changes."""
        before = self.steps()
        x = as_array(self() if before else self.original)
        if hasattr(step, "right_inverse") or not before:
            parts = self._inverse(x, [*before, step])
            if not before and len(parts) == 1 and parts[0].shape == x.shape:
                self.original.data[...] = parts[0]  # the same Value, which an optimizer may hold
            elif not before:
                only, needed, name = len(parts) == 1, self.original.requires_grad, self.original.name
                del self.original
                for i, part in enumerate(parts):
                    setattr(self, "original" if only else f"original{i}", Value(part, name, requires_grad=needed))
            else:
                for original, part in zip(self.originals(), parts):
                    original.data[...] = part
        setattr(self, str(len(before)), step)

    def _inverse(self, x: Any, steps: list[Module]) -> list[np.ndarray]:
        with no_grad():
            for step in reversed(steps):
                if hasattr(step, "right_inverse"):
                    x = step.right_inverse(x)
                elif step is not steps[-1] or step in self.steps():
                    raise NotImplementedError(f"{step!r} has no right_inverse, so what it computes cannot be set")
        return [np.array(as_array(part)) for part in (x if isinstance(x, tuple) else (x,))]


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let the parameter ``tensor_name`` of ``module`` be computed by ``parametrization`` from now on.

    What it is computed from is the parameter ``parametrizations.<tensor_name>.original``, or ``original0``,
    ``original1``, … if ``parametrization.right_inverse`` gives a tuple. With ``right_inverse`` the parameter keeps its
    numbers, and can be assigned to; without, it becomes what ``parametrization`` makes of them. Several may follow one
    another.

    Raises ``ValueError`` where the shape or dtype would change, unless ``unsafe``.

    >>> import numpy as np
    >>> from calligrad.nn import Linear, Module
    >>> from calligrad.nn.parametrize import register_parametrization
    >>> class Symmetric(Module):
    ...     def forward(self, x):
    ...         return np.triu(x) + np.triu(x, 1).T
    >>> layer = register_parametrization(Linear(3, 3), "weight", Symmetric())
    >>> bool(np.all(layer.weight == layer.weight.T))
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    x = getattr(module, tensor_name, None)
    if not isinstance(x, Value):
        raise ValueError(f"{type(module).__name__} has no parameter {tensor_name!r}, but {x!r}")
    parametrized = is_parametrized(module, tensor_name)
    before = _computed(module)[tensor_name] if parametrized else None
    if not unsafe:
        with no_grad():
            inverse = getattr(parametrization, "right_inverse", lambda x: x)(x)
            y = parametrization(*(inverse if isinstance(inverse, tuple) else (inverse,)))
        if y.shape != x.shape or y.dtype != x.dtype:
            raise ValueError(
                f"{parametrization!r} makes {y.dtype} of shape {y.shape} of {tensor_name}, which is {x.dtype} of shape"
                f" {x.shape}; unsafe=True allows it"
            )
    if before is None:
        before = Parametrization(x)
        before.add(parametrization)
        vars(module).pop(tensor_name)
        if not _computed(module):
            module.__class__ = _class_of_its_own(type(module))
            module.parametrizations = {}  # type: ignore[attr-defined]
        _computed(module)[tensor_name] = before
        _compute(type(module), tensor_name)
    else:
        before.add(parametrization)
    return module


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make ``tensor_name`` an ordinary parameter again, with its present numbers.

    Without ``leave_parametrized`` it is given back the numbers of its original.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{tensor_name!r} of {type(module).__name__} is not parametrized")
    stand_in = _computed(module)[tensor_name]
    originals = stand_in.originals()
    if not leave_parametrized and len(originals) > 1:
        raise ValueError(
            f"{tensor_name!r} is computed from {len(originals)} originals: leave_parametrized must be true"
        )
    x = originals[0]
    if leave_parametrized:
        with no_grad():
            y = as_array(stand_in())
        if len(originals) == 1 and y.shape == x.shape:
            x.data[...] = y
        else:
            x = Value(np.array(y), x.name, requires_grad=x.requires_grad)
    del _computed(module)[tensor_name]
    delattr(type(module), tensor_name)
    if not _computed(module):
        del module.parametrizations  # type: ignore[attr-defined]
        module.__class__ = type(module).__bases__[0]
    setattr(module, tensor_name, x)
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether ``tensor_name`` of ``module``, or anything of it, is computed from something else."""
    return bool(_computed(module)) if tensor_name is None else tensor_name in _computed(module)


def _computed(module: Module) -> dict[str, Parametrization]:
    return vars(module).get("parametrizations", {})


def _class_of_its_own(cls: type) -> type:
    """A subclass of ``cls`` for one module: its properties are that module's, and a copy of it has others."""
    return type(f"Parametrized{cls.__name__}", (cls,), {"__module__": cls.__module__, "__reduce__": _reduce})


def _compute(cls: type, name: str) -> None:
    """Let ``name`` be what its Parametrization computes, in the one module of class ``cls``."""

    def get(module: Module) -> Any:
        return _computed(module)[name]()

    def assign(module: Module, x: Any) -> None:
        _computed(module)[name].assign(as_array(x))

    setattr(cls, name, property(get, assign))


def _reduce(module: Module) -> Any:
    """How a parametrized module is copied and pickled."""
    return _again, (type(module).__bases__[0], tuple(_computed(module))), vars(module)


def _again(cls: type, names: tuple[str, ...]) -> Any:
    """A parametrized module of a class of its own, without attributes as yet."""
    cls = _class_of_its_own(cls)
    for name in names:
        _compute(cls, name)
    return cls.__new__(cls)
