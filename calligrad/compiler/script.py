"""Script: what is done beside a program in every run, written out as one straight Python function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler.arguments import opened, put_together
from calligrad.compiler.outside import Outside
from calligrad.compiler.places import MISSING, SCALARS, Place, same
from calligrad.compiler.program import Program, Var
from calligrad.compiler.results import Wanted
from calligrad.compiler.surroundings import BUFFERS
from calligrad.dtypes import default_dtype
from calligrad.modes import paused, strict
from calligrad.value import Value

if TYPE_CHECKING:
    from calligrad.compiler.capture import Capture


class Script:
    """Writes the function for one capture. ``no(what)`` is called with what does not fit, and gives None."""

    def __init__(self, capture: Capture, no: Callable[[Any], None]) -> None:
        self.capture = capture
        self.scope: dict[str, Any] = {
            "no": no, "same": same, "ndarray": np.ndarray, "may_share": np.may_share_memory, "paused": paused.get,
            "strict": strict.get, "default_dtype": default_dtype, "inf": float("inf"), "nan": float("nan"),
            "put_together": put_together, "MISSING": MISSING,
        }  # fmt: skip
        self.lines: list[str] = []
        self.text_of: dict[Any, str] = {}  # what the function calls an input of the program
        self._names: dict[int, str] = {}
        self._made: dict[int, str] = {}
        self._replaced = _replaced(capture)
        self._written = {var for var, _ in capture.program.writes}
        self._guards()

    def check(self) -> Callable[[Any], bool | None]:
        """The function that says whether a second capture will do the same: with as many different arrays."""
        arrays = [f"id({x})" for x in self.text_of.values()]
        apart = f"if len({{{', '.join(arrays)}}}) != {len(arrays)}: return None" if arrays else "pass"
        return self._function([*self.lines, apart, "return True"])

    def whole(self, program: Program, execute: Callable, constants: dict[Var, Any]) -> Callable[[Any], tuple | None]:
        """The function that does the run."""
        start = len(self.lines)
        for i, draw in enumerate(self.capture.trace.draws):
            generator = f"a{draw.source}" if type(draw.source) is int else ""
            self.text_of[draw.var] = f"d{i}"
            self.lines.append(f"d{i} = {self.name(draw)}({generator})")
        for x in self.capture.trace.found:
            self.text_of[x.storage.input] = self.name(x.data)
        for number in self.capture.trace.host.results:
            self.text_of[self.capture.trace.host.given(number)] = number.text
        written = dict(self.capture.writes)
        for var, array in constants.items():  # of an array that is made inside everybody gets one of his own
            self.text_of[var] = f"o[{written[var]}]" if var in written else f"{self.name(array)}.copy()"
        self._forget_gradients()
        inputs = ", ".join(self.text_of[var] for var in program.inputs)
        self.lines.append(f"o = {self.name(execute)}([{inputs}])")
        for var, i in program.writes:
            target = self.text_of[var]
            self.lines.append(f"if {target} is not o[{i}]: {target}[...] = o[{i}]")
        for place, nest in self.capture.rebinds:
            self.lines.append(self._set(place, self.expression(nest)))
        for f, args in self.capture.later:
            self.lines.append(f"{self.name(f)}(*{self.expression(args)})")
        self.lines.append(f"return ({self.expression(self.capture.result)},)")
        lines, self.lines = self.lines, self.lines[:start]
        return self._function(lines)

    def _forget_gradients(self) -> None:
        """Let go of gradients that the run will replace and does not read, so that the new ones take their memory."""
        read = {place for place, _ in self.capture.arrays}
        for place, nest in self.capture.rebinds:
            is_gradient = place.key == "_grad" and isinstance(place.holder, Value) and place not in read
            if is_gradient and type(nest) is Wanted and nest.output is not None:
                self.lines.append(self._set(place, "None"))

    def _function(self, lines: list[str]) -> Callable:
        exec("def run(a):\n    " + "\n    ".join(lines), self.scope)
        return self.scope["run"]

    def name(self, x: Any) -> str:
        """A name under which the function finds ``x``."""
        if id(x) not in self._names:
            self._names[id(x)] = f"x{len(self._names)}"
            self.scope[self._names[id(x)]] = x
        return self._names[id(x)]

    # ---- does everything fit

    def _guards(self) -> None:
        capture = self.capture
        body: list[str] = []
        names = [f"a{i}" for i in range(len(capture.flat))]
        body.append(f"{', '.join(names)}, = a" if names else "if a: return None")
        mode = f"(paused() > 0) is not {paused.get() > 0} or strict() is not {strict.get()}"
        body.append(f"if {mode} or default_dtype() is not {self.name(default_dtype())}: return None")
        for i, x in enumerate(capture.flat):
            body += self._argument(i, x)
        body += self._arrays()
        for source, numbers in capture.readings:
            body += self._reading(source, numbers)
        for place in capture.flags:
            body.append(self._flag(place))
        body += self._sizes()
        gone = self.name(Named("something that was there and"))
        self.lines = ["try:", *(f"    {line}" for line in body)]
        self.lines += [f"except (KeyError, IndexError, AttributeError, ValueError, TypeError): return no({gone})"]
        self.lines += capture.trace.host.lines

    def _argument(self, i: int, x: Any) -> list[str]:
        """Whether argument ``i`` is of the kind of ``x``."""
        a = f"a{i}"
        var = dict(self.capture.given).get(i)
        if var is not None:
            self.text_of[var] = a
            return [self._unlike(a, x, "None")]
        flat = self.capture.flat
        twin = next((j for j in range(i) if flat[j] is x), None)
        if isinstance(x, (np.ndarray, np.generic, np.random.Generator)) and twin is not None:
            return [f"if {a} is not a{twin}: return None"]
        if isinstance(x, np.random.Generator):
            return [f"if type({a}) is not {self.name(type(x))}: return None"]
        if type(x) is float:
            return [f"if type({a}) is not float: return None"]
        if isinstance(x, Value) and i not in self.capture.fixed:
            if twin is not None:
                return [f"if {a} is not a{twin}: return None"]
            others = [f"a{j}" for j in range(i) if isinstance(flat[j], Value)]
            alike = "".join(f" or {a} is {other}" for other in others)
            return [f"if type({a}) is not {self.name(type(x))}{alike} or {a}.created_by is not None: return None"]
        alike = f" and not same({a}, {self.name(x)})" if isinstance(x, SCALARS) else ""
        return [f"if {a} is not {self.name(x)}{alike}: return None"]

    def _unlike(self, text: str, x: Any, other: str) -> str:
        """A line that leaves if another array than ``x`` will not do in its place."""
        if isinstance(x, np.generic):
            return f"if type({text}) is not {self.name(type(x))}: return {other}"
        dtype = self.name(x.dtype)
        return (
            f"if type({text}) is not ndarray or {text}.shape != {x.shape!r} or {text}.strides != {x.strides!r}"
            f" or ({text}.dtype is not {dtype} and {text}.dtype != {dtype}): return {other}"
        )

    def _arrays(self) -> list[str]:
        """Find the arrays from outside, and see that what is written shares its memory with nothing else."""
        body = []
        places: list[tuple[Place, Var]] = []
        passing = {place for place, _ in self.capture.rebinds}  # another array is there after every run
        loose = [self.text_of[var] for _, var in self.capture.given if isinstance(self.text_of[var], str)]
        for place, var in self.capture.arrays:
            text, no = self._get(place), f"no({self.name(place)})"
            if var in self.text_of:
                body.append(f"if {text} is not {self.text_of[var]}: return {no}")
                continue
            self.text_of[var] = f"v{len(self.text_of)}"
            body.append(f"{self.text_of[var]} = {text}")
            if place in passing or place.argument is not None or place.parent in self._replaced:
                body.append(self._unlike(self.text_of[var], place.original, no))
                loose.append(self.text_of[var])
            else:
                i = len(places)
                places.append((place, var))
                body.append(
                    f"if {self.text_of[var]} is not last[{i}] and not fits({i}, {self.text_of[var]}): return {no}"
                )
        outside = Outside(places, self._written)
        self.scope |= {"last": outside.last, "fits": outside.fits, "owners": outside.owners, "apart": outside.is_apart}
        self.scope["plain"] = (type(None), np.ndarray)
        if outside.written:
            for x in loose:
                body.append(
                    f"if ((id({x}) if (b := {x}.base) is None else id(b)) in owners or type(b) not in plain)"
                    f" and not apart({x}): return None"
                )
        for var in self._written & {var for var in self.text_of if self.text_of[var] in loose}:
            x = self.text_of[var]
            body += [f"if may_share({x}, {y}): return None" for y in self.text_of.values() if y != x]
        return body

    def _reading(self, source: Any, numbers: list[tuple[str, type]]) -> list[str]:
        """Read Python numbers; what was read before under the same name has to be equal."""
        what = f"a{source}" if type(source) is int else self._get(source)
        no = "None" if type(source) is int else f"no({self.name(source)})"
        body = [f"t = {what}"]
        parts = ["t"]
        if len(numbers) > 1 or (isinstance(source, Place) and type(source.original) is tuple):
            body.append(f"if type(t) is not tuple or len(t) != {len(numbers)}: return {no}")
            parts = [f"t[{i}]" for i in range(len(numbers))]
        for part, (name, kind) in zip(parts, numbers):
            if name in self._made.values():
                body.append(f"if {part} != {name}: return {no}")
            else:
                self._made[-len(self._made) - 1] = name
                body.append(f"if type({part}) is not {kind.__name__}: return {no}")
                body.append(f"{name} = {part}")
        return body

    def _flag(self, place: Place) -> str:
        """Whether a setting is as it was."""
        no, text, x = f"no({self.name(place)})", self._get(place), place.original
        if place in self._replaced:
            graph = f" or {text}.created_by is not None" if isinstance(x, Value) else ""
            return f"if type({text}) is not {self.name(type(x))}{graph}: return {no}"
        if x is MISSING:
            return f"if {self.name(place.get)}() is not MISSING: return {no}"
        if x is None or x is True or x is False:
            return f"if {text} is not {x}: return {no}"
        alike = f" and not same({text}, {self.name(x)})" if isinstance(x, (*SCALARS, tuple)) else ""
        return f"if {text} is not {self.name(x)}{alike}: return {no}"

    def _sizes(self) -> list[str]:
        """Whether lists and dicts have as many entries, and objects as many attributes."""
        body = []
        held = self.capture.surroundings
        holders = {id(place.original): self._get(place) for place in self._replaced}
        for container, before, name in [*held.containers, *held.attributes]:
            x, no = holders.get(id(container)) or self.name(container), f"no({self.name(Named(name))})"
            is_whole = isinstance(container, (set, *BUFFERS))  # of others, each entry is a place
            unlike = f"{x} != {self.name(before)}" if is_whole else f"len({x}) != {len(before)}"
            body.append(f"if {unlike}: return {no}")
        return body

    # ---- places and results

    def _get(self, place: Place) -> str:
        if place.parent is not None and place.parent in self._replaced:
            holder = self._get(place.parent)
        else:
            holder = self.name(place.holder) if place.argument is None else f"a{place.argument}"
        if place.attribute:
            return f"{holder}.{place.key}"
        return f"{holder}[{place.key!r}]" if type(place.key) in (str, int) else f"{holder}[{self.name(place.key)}]"

    def _set(self, place: Place, text: str) -> str:
        if place.attribute and not isinstance(place.holder, Value):
            return f"{self.name(place.set)}({text})"
        return f"{self._get(place)} = {text}"

    def expression(self, nest: Any) -> str:
        """A result as Python source."""
        if type(nest) is Wanted:
            return self._wanted(nest)
        _, parts = opened(nest)
        if parts is None:
            return repr(nest) if nest is None or type(nest) in (bool, int, str) else self.name(nest)
        inner = "".join(f"{self.expression(part)}, " for part in parts)
        kind = type(nest)
        if kind is tuple:
            return f"({inner})"
        if kind is list:
            return f"[{inner}]"
        if kind is dict:
            pairs = (f"{self.name(key)}: {self.expression(part)}" for key, part in nest.items())
            return f"{{{', '.join(pairs)}}}"
        return f"put_together({self.name(put_together(nest, iter([None] * len(parts))))}, iter(({inner})))"

    def _wanted(self, x: Wanted) -> str:
        if x.number:
            return x.number
        if x.outside is not None:
            return self.text_of[x.outside]
        is_array = isinstance(x.now, np.ndarray) and not x.now.shape  # where backends give the number
        if x.output is not None and not is_array:
            return f"o[{x.output}]"
        if id(x) not in self._made and is_array:
            self._made[id(x)] = f"y{len(self._made)}"
            self.lines.append(f"{self._made[id(x)]} = {self.name(np.asarray)}(o[{x.output}])")
        elif id(x) not in self._made:
            inner = ", ".join(map(self.expression, x.inner))
            self._made[id(x)] = f"y{len(self._made)}"
            self.lines.append(f"{self._made[id(x)]} = {self.name(x.maker)}({inner})")
        return self._made[id(x)]


def _replaced(capture: Capture) -> set[Place]:
    """Places where every run puts another dict, list or Value: a program looks into the one that is there.

    It must be the only place where the old one was found, and the function must have left that as it was.
    """
    rebinds = dict(capture.rebinds)
    changed: set[Place | None] = set()
    for place in rebinds:
        parent = place.parent
        while parent is not None:
            changed.add(parent)
            parent = parent.parent
    replaced: set[Place] = set()
    for place in capture.surroundings.places:  # parents come first
        x, new = place.original, rebinds.get(place)
        is_alike = type(new) is (Wanted if isinstance(x, Value) else type(x))
        alone = place not in changed and id(x) not in capture.surroundings.shared
        if alone and (is_alike or place.parent in replaced) and type(x) in (dict, list, Value):
            replaced.add(place)
    return replaced


class Named:
    """What is said of something that has changed and is no place."""

    def __init__(self, name: str) -> None:
        self.name = name
