"""Optimizer: what every optimizer does around its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from calligrad.optim.groups import as_groups, named, refuse_twice
from calligrad.optim.settings import decays, flag, nonnegative
from calligrad.optim.state import as_arrays, refuse_misfits
from calligrad.value import Value

TILE = 32768  # numbers at a time: the parameter, its gradient and its state stay in the processor's cache
FLAGS = ("maximize", "nesterov", "amsgrad", "centered", "decoupled_weight_decay")
CHECKS = {"betas": decays, **dict.fromkeys(FLAGS, flag)}  # of settings; all others are numbers, and not negative
SCHEDULED = ("initial_lr",)  # what schedules note in a group


class Optimizer:
    """Changes parameters by their gradients. A subclass names its state and writes one pure rule.

    ``rule(step, p, g, *state, **settings)`` returns the new parameter and the new state, and changes nothing.
    ``step`` counts the changes of this parameter, from 1; the settings are those of its group. Unless the class
    says ``elementwise = False``, the rule is called on pieces of the arrays, small enough for the cache.

    ``params`` are parameters, pairs of path and parameter as from ``model.named_parameters()``, or groups of either,
    ``{"params": …, "lr": …}``, with settings of their own. The state is kept by path, or by number where there is none.
    """

    state_names: tuple[str, ...] = ()
    elementwise = True
    checks: ClassVar[dict[str, Callable[[str, Any], Any]]] = {}  # of settings, beside CHECKS

    def __init__(self, params: Iterable[Any], lr: float, **settings: Any) -> None:
        self.defaults = self.check({"lr": lr, **settings})
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[str, dict[str, Any]] = {}
        self.steps: dict[str, int] = {}
        for group in as_groups(params):
            self.add_param_group(group)

    # ---- what a subclass says

    def rule(self, *args: Any, **settings: Any) -> tuple[Any, ...]:
        """The new parameter and the new state."""
        raise NotImplementedError(f"{type(self).__name__} defines no rule")

    def initial_state(self, p: Any, **settings: Any) -> dict[str, Any]:
        """The state before the first step by name: an array, or a number that fills one of the shape of ``p``."""
        return dict.fromkeys(self.state_names, 0.0)

    def check(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings as plain Python values; raises for one that cannot be."""
        checks = CHECKS | self.checks
        return {name: checks.get(name, nonnegative)(name, x) for name, x in settings.items()}

    # ---- parameters and settings

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """One more group: a dict with ``params`` and the settings in which it differs."""
        pairs = named(group, first=len(self.params))
        refuse_twice([*self._pairs(), *pairs])
        own = {name: x for name, x in group.items() if name != "params"}
        if unknown := own.keys() - self.defaults.keys():
            raise TypeError(f"{type(self).__name__} has no setting {min(unknown)!r}; it has {', '.join(self.defaults)}")
        settings = self.check({**self.defaults, **own})
        paths, params = zip(*pairs) if pairs else ((), ())
        self.param_groups.append({"params": list(params), "param_names": list(paths), **settings})

    def _pairs(self) -> list[tuple[str, Value]]:
        return [pair for group in self.param_groups for pair in zip(group["param_names"], group["params"])]

    @property
    def params(self) -> list[Value]:
        """The parameters of all groups."""
        return [p for group in self.param_groups for p in group["params"]]

    @property
    def lr(self) -> float:
        """The learning rate of all groups; to set it sets it for all."""
        rates = {group["lr"] for group in self.param_groups}
        if len(rates) > 1:
            raise ValueError(f"the groups have different rates, {sorted(rates)}: see param_groups[i]['lr']")
        return rates.pop()

    @lr.setter
    def lr(self, lr: float) -> None:
        lr = nonnegative("lr", lr)
        for group in self.param_groups:
            group["lr"] = lr

    # ---- steps

    def changing_numbers(self) -> list[dict]:
        """What ``calligrad.compile`` reads anew in every run: the rates and other settings, and the counts of steps.

        All state is there from then on, so that a program finds it.
        """
        for group in self.param_groups:
            settings = self._rule_settings(group)
            for path, p in zip(group["param_names"], group["params"]):
                if p.requires_grad:
                    self.steps.setdefault(path, 0)
                    self._state_of(path, p.data, settings)
        return [self.steps, *self.param_groups]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; the loss, if there is a ``closure`` that computes it."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            settings = self._rule_settings(group)
            for path, p in zip(group["param_names"], group["params"]):
                if p.requires_grad and (g := p.grad) is not None:
                    self._change(path, p.data, -g if group.get("maximize") else g, settings)
        return loss

    def _rule_settings(self, group: dict[str, Any]) -> dict[str, Any]:
        """What a rule is told: all settings but ``maximize``, for which the sign of the gradient is changed."""
        return {name: group[name] for name in self.defaults if name != "maximize"}

    def _change(self, path: str, p: Any, g: Any, settings: dict[str, Any]) -> None:
        """One step of one parameter."""
        step = self.steps.get(path, 0) + 1
        arrays = [p, *self._state_of(path, p, settings)]
        if (
            self.elementwise
            and p.size > TILE
            and type(p) is np.ndarray
            and all(array.flags.c_contiguous for array in arrays)
        ):
            in_tiles(partial(self.rule, step, **settings), arrays, g)
        else:
            for array, new in zip(arrays, self.rule(step, p, g, *arrays[1:], **settings), strict=True):
                array[...] = new
        self.steps[path] = step

    def _state_of(self, path: str, p: Any, settings: dict[str, Any]) -> list[Any]:
        """The state of a parameter, which begins here."""
        state = self.state.setdefault(path, {})
        for name, start in self.initial_state(p, **settings).items():
            if name not in state:
                state[name] = start if isinstance(start, np.ndarray) else np.full_like(p, start)
        return [state[name] for name in self.initial_state(p, **settings)]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None

    # ---- state

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the state as arrays: ``path.step``, ``path.name``, ``param_groups.0.lr`` and its like.

        Settings that are not numbers are not part of it.
        """
        found: dict[str, Any] = {}
        for path, _ in self._pairs():
            found[f"{path}.step"] = np.array(self.steps.get(path, 0))
            found |= {f"{path}.{name}": np.array(x) for name, x in self.state.get(path, {}).items()}
        return found | self._settings()

    def _settings(self) -> dict[str, np.ndarray]:
        """The settings of the groups that are numbers, as arrays."""
        return {
            f"param_groups.{i}.{name}": np.array(x)
            for i, group in enumerate(self.param_groups)
            for name in (*self.defaults, *SCHEDULED)
            if np.array(x := group.get(name)).dtype.kind in "fib"
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another optimizer of the same parameters was: its steps to come are the same, bit for bit.

        Raises one ``ValueError`` that lists all that is missing, unexpected or of another shape, and changes nothing.
        """
        arrays = as_arrays(state)
        groups = [group | self._loaded(f"param_groups.{i}.", arrays) for i, group in enumerate(self.param_groups)]
        optional = {f"param_groups.{i}.{name}" for i in range(len(groups)) for name in SCHEDULED}
        refuse_misfits(self, arrays, self._expected(groups, arrays), optional)
        self._take(groups, arrays)
        self.param_groups[:] = groups

    def _take(self, groups: list[dict[str, Any]], arrays: dict[str, np.ndarray]) -> None:
        """Copy the state of every parameter from ``arrays``."""
        for group in groups:
            for path, p in zip(group["param_names"], group["params"]):
                keys = {name: f"{path}.{name}" for name in self.initial_state(p.data, **self._rule_settings(group))}
                self.steps[path] = int(arrays[f"{path}.step"])
                self.state[path] = {name: arrays[key].astype(p.dtype) for name, key in keys.items() if key in arrays}

    def _loaded(self, start: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
        """The settings among ``arrays``, whose names begin with ``start``."""
        names = (*self.defaults, *SCHEDULED)
        return self.check({name: arrays[start + name].tolist() for name in names if start + name in arrays})

    def _expected(self, groups: list[dict[str, Any]], arrays: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
        """The shapes of all that has to be among ``arrays``: a parameter that has made no step has no state."""
        wanted: dict[str, tuple[int, ...]] = {}
        for group in groups:
            for path, p in zip(group["param_names"], group["params"]):
                wanted[f"{path}.step"] = ()
                if np.any(arrays.get(f"{path}.step", 0)):
                    for name, start in self.initial_state(p.data, **self._rule_settings(group)).items():
                        wanted[f"{path}.{name}"] = start.shape if isinstance(start, np.ndarray) else p.shape
        return wanted | {key: x.shape for key, x in self._settings().items()}

    def __repr__(self) -> str:
        groups = [", ".join(f"{name}={group[name]!r}" for name in self.defaults) for group in self.param_groups]
        inner = groups[0] if len(groups) == 1 else "".join(f"\n  group {i}: {g}" for i, g in enumerate(groups)) + "\n"
        return f"{type(self).__name__}({inner})"


def in_tiles(rule: Callable[..., tuple[Any, ...]], arrays: list[Any], g: Any) -> None:
    """Write what ``rule`` makes of a parameter, ``g`` and the state into ``arrays``, the parameter and the state.

    It is called on piece after piece of them; 0-d state goes whole into each.
    """
    size = arrays[0].size
    flat, g = [array.reshape(-1) if array.ndim else array for array in arrays], g.reshape(-1)
    for start in range(0, size, TILE):
        piece = slice(start, start + TILE)
        parts = [array[piece] if array.ndim else array for array in flat]
        is_last = start + TILE >= size
        for part, new in zip(parts, rule(parts[0], g[piece], *parts[1:]), strict=True):
            if part.ndim or is_last:
                part[...] = new
