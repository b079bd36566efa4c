"""Module: a function with parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from reprlib import recursive_repr
from typing import Any, Self

import numpy as np

from calligrad.dtypes import parameter_dtype
from calligrad.nn.buffer import Buffer
from calligrad.nn.hooks import Hook, Hooks
from calligrad.nn.summary import Summary, summarize
from calligrad.value import Value


class Module:
    """A function with parameters: subclass it, keep Values and Modules as attributes, write ``forward``.

    The attributes are found by looking at them, within lists, tuples and dicts too: there is nothing to
    register and no ``super().__init__()`` to call. A *parameter* is a leaf Value with floating data, a ``Buffer`` is
    state that is not learned; the name of either is the path to it, as in ``layers.0.weight``.

    >>> import numpy as np
    >>> from calligrad import Value
    >>> from calligrad.nn import Module
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factor = Value(np.ones(3))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> [name for name, _ in Scale().named_parameters()]
    ['factor']
    """

    training: bool = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        hooks = self.__dict__.get("_hooks")
        try:
            return self.forward(*args, **kwargs) if hooks is None else hooks.run(self, args, kwargs)
        except Exception as error:
            _locate(error, self)
            raise

    def register_forward_pre_hook(self, hook: Callable) -> Hook:
        """Call ``hook(module, args)`` before every forward; what it returns, unless None, replaces ``args``."""
        return Hook(self._all_hooks().before, hook)

    def register_forward_hook(self, hook: Callable) -> Hook:
        """Call ``hook(module, args, output)`` after every forward; what it returns, unless None, replaces ``output``.

        >>> import numpy as np
        >>> from calligrad.nn import Linear, Sequential, Tanh
        >>> net = Sequential(Linear(3, 2), Tanh())
        >>> with net[0].register_forward_hook(lambda module, args, output: print(output.shape)):
        ...     y = net(np.ones((5, 3), np.float32))
        (5, 2)
        """
        return Hook(self._all_hooks().after, hook)

    def _all_hooks(self) -> Hooks:
        return self.__dict__.setdefault("_hooks", Hooks())

    # ---- what it holds

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all within it, each once, with the path to it."""
        seen: set[int] = set()
        for path, member in _members(self, prefix):
            if isinstance(member, Module) and id(member) not in seen:
                seen.add(id(member))
                yield path, member

    def modules(self) -> Iterator[Module]:
        """This module and all within it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly within this one, each once, with the path to it."""
        seen: set[int] = set()
        for path, member in _members(self, "", deep=False):
            if isinstance(member, Module) and member is not self and id(member) not in seen:
                seen.add(id(member))
                yield path, member

    def children(self) -> Iterator[Module]:
        """The modules directly within this one."""
        return (module for _, module in self.named_children())

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Value]]:
        """Every parameter once, with the path to it; a shared one under its first path."""
        seen: set[int] = set()
        for path, member in _members(self, prefix):
            if _is_parameter(member) and id(member) not in seen:
                seen.add(id(member))
                yield path, member

    def parameters(self) -> Iterator[Value]:
        """Every parameter once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Buffer]]:
        """Every buffer once, with the path to it."""
        seen: set[int] = set()
        for path, member in _members(self, prefix):
            if isinstance(member, Buffer) and id(member) not in seen:
                seen.add(id(member))
                yield path, member

    def buffers(self) -> Iterator[Buffer]:
        """Every buffer once."""
        return (buffer for _, buffer in self.named_buffers())

    def register_buffer(self, name: str, data: Any, persistent: bool = True) -> None:
        """``self.name = Buffer(data, persistent=persistent)``."""
        setattr(self, name, Buffer(data, name, persistent=persistent))

    # ---- state

    def _state(self) -> dict[str, Value]:
        """What is saved, by path."""
        return {path: x for path, x in _members(self, "") if _is_parameter(x) or getattr(x, "persistent", False)}

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the arrays of all parameters and buffers, by path; a shared one under each of its paths."""
        return {path: np.array(member.data) for path, member in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Write the arrays of ``state`` into the parameters and buffers.

        Raises one ``ValueError`` that lists every key that is missing or unexpected and every shape that
        differs; nothing is written then. Without ``strict`` keys may be missing, and others are passed over.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state is a dict of arrays by path, as of state_dict(), not a {type(state).__name__}")
        own = self._state()
        arrays = {path: np.asarray(x.data if isinstance(x, Value) else x) for path, x in state.items()}
        problems = []
        if strict:
            problems += [f"missing: {path} {p.shape}" for path, p in own.items() if path not in arrays]
            problems += [f"unexpected: {path} {x.shape}" for path, x in arrays.items() if path not in own]
        for path, p in own.items():
            if path in arrays and arrays[path].shape != p.shape:
                problems.append(f"shape: {path} is {p.shape} here and {arrays[path].shape} in the state")
            elif path in arrays and arrays[path].dtype.kind not in "fiub":
                problems.append(f"dtype: {path} is {p.dtype} here and {arrays[path].dtype} in the state")
        if problems:
            raise ValueError(f"the state does not fit {type(self).__name__}:\n  " + "\n  ".join(problems))
        for path, p in own.items():
            if path in arrays:
                p.data[...] = arrays[path]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, mode: bool = True) -> Self:
        """Set ``training`` here and in all modules within."""
        if not isinstance(mode, (bool, np.bool_)):
            raise TypeError(f"mode is True or False, not {mode!r}")
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """``train(False)``."""
        return self.train(False)

    def requires_grad_(self, flag: bool = True) -> Self:
        """Let gradients flow to all parameters, or with ``False`` freeze them: an optimizer leaves them alone."""
        for parameter in self.parameters():
            parameter.requires_grad = flag
            if not flag:
                parameter.grad = None
        return self

    def astype(self, dtype: Any) -> Self:
        """Turn all parameters and floating buffers into ``dtype``, here and in all modules within."""
        dtype = parameter_dtype(dtype)
        for parameter in self.parameters():
            parameter.grad = None
            parameter.data = parameter.data.astype(dtype)
        for buffer in self.buffers():
            if buffer.dtype.kind == "f":
                buffer.data = buffer.data.astype(dtype)
        return self

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call ``function`` on every module within, and on this one last."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # ---- looks

    def summary(self, *inputs: Any) -> Summary:
        """A table of the modules within, with their parameters and bytes.

        With ``inputs``, arrays or shapes such as ``(1, 784)``, it also tells the output shapes: the module runs on them
        once, in eval mode and outside the graph, and is left as it was.

        >>> from calligrad.nn import Linear, ReLU, Sequential
        >>> Sequential(Linear(784, 128), ReLU(), Linear(128, 10)).summary((64, 784))
        module      kind        output     parameters    bytes
        ──────────────────────────────────────────────────────
        Sequential  Sequential  (64, 10)            0        0
        0           Linear      (64, 128)     100,480  401,920
        1           ReLU        (64, 128)           0        0
        2           Linear      (64, 10)        1,290    5,160
        ──────────────────────────────────────────────────────
        101,770 parameters, 101,770 of them trainable; 407,080 bytes
        """
        return summarize(self, *inputs)

    def extra_repr(self) -> str:
        """What the repr shows between the parentheses, before the modules within."""
        settings = {k: v for k, v in vars(self).items() if isinstance(v, (int, float, str)) and k != "training"}
        return ", ".join(f"{key}={value!r}" for key, value in settings.items() if not key.startswith("_"))

    def _parts(self) -> list[tuple[str, str]]:
        """What the repr shows as lines of their own."""
        members = _members(self, "", deep=False)
        return [(path, repr(m)) for path, m in members if isinstance(m, Module) and m is not self]

    @recursive_repr("…")
    def __repr__(self) -> str:
        within = self._parts()
        if not within:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = [self.extra_repr(), *(f"({path}): {part}" for path, part in within)]
        body = "\n".join(line for line in lines if line).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {body}\n)"


def _is_parameter(x: Any) -> bool:
    if not isinstance(x, Value) or isinstance(x, Buffer) or x.created_by is not None or x.dtype.kind != "f":
        return False
    return x.requires_grad or not hasattr(x, "_is_result")  # one that is frozen, and not one that was computed


def _members(thing: Any, path: str, deep: bool = True, above: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every Value and Module within ``thing``, itself included, with the path to it."""
    if isinstance(thing, Value):
        yield path, thing
        return
    if isinstance(thing, Module):
        yield path, thing
        if above and not deep:
            return
        parts: Iterable[tuple[Any, Any]] = vars(thing).items()
    elif isinstance(thing, Mapping):
        parts = thing.items()
    elif isinstance(thing, (list, tuple)):
        parts = enumerate(thing)
    else:
        return
    if id(thing) in above:  # a module that knows its parent
        return
    for key, part in parts:
        yield from _members(part, f"{path}.{key}" if path else str(key), deep, (*above, id(thing)))


def _locate(error: Exception, module: Module) -> None:
    """Note on ``error`` the path of the innermost module it came from, seen from the outermost."""
    inner, path = getattr(error, "_calligrad_module", (None, ""))
    if inner is module:  # which called itself
        return
    if inner is not None:
        step = next((p for p, m in _members(module, "", deep=False) if m is inner), type(inner).__name__)
        path = f"{step}.{path}" if path else step
        notes = [note for note in error.__notes__ if not note.startswith("in module ")]
        origin = getattr(error, "_calligrad_origin", inner)
        error.__notes__ = [*notes, f"in module {path}: {type(origin).__name__}({origin.extra_repr()})"]
    else:
        error._calligrad_origin = module  # type: ignore[attr-defined]
        error.add_note(f"in module {type(module).__name__}({module.extra_repr()})")
    error._calligrad_module = (module, path)  # type: ignore[attr-defined]
