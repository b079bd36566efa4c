"""Changes: what a captured function has changed around it, and every run has to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from calligrad.compiler.arguments import leaves_of, with_leaves
from calligrad.compiler.host import Number
from calligrad.compiler.places import MISSING, SCALARS, Place, is_number, same
from calligrad.compiler.results import Results, Wanted, now
from calligrad.compiler.standins import Stale
from calligrad.compiler.surroundings import Surroundings
from calligrad.compiler.traced import CaptureError, Traced
from calligrad.value import Value

if TYPE_CHECKING:
    from calligrad.compiler.capture import Capture


class Moved(CaptureError):
    """The function changes Python numbers, at these places: they have to be numbers of the program."""

    def __init__(self, message: str, places: list[Place], left: list[Any]) -> None:
        super().__init__(message)
        self.places = places
        self.left = left


class Changes:
    """``rebinds`` are places with what every run puts there, ``now`` all places with what is there after this one."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.results = Results(capture)
        self.rebinds: list[tuple[Place, Any]] = []
        self.now: list[tuple[Place, Any]] = []
        self._refuse_overlaps()
        moved: list[Place] = []
        found = {place: place.original for place in capture.flags} | capture.opened
        for place, before in (found | dict.fromkeys(self._new_places(), MISSING)).items():
            left = place.get()
            is_read = type(before) is Number  # in every run, which may then find another number than this one left
            if left is before or (left is place.original and not is_read) or type(left) is Stale:
                self.now.append((place, place.original))
            elif isinstance(left, SCALARS) and same(left, place.original) and not is_read:
                self.now.append((place, left))
            elif before is place.original and is_number(before) and is_number(left) and not self._stays(place):
                moved.append(place)
            else:
                self._refuse_graph(place)
                nest = self.results.of(left)
                self.refuse_hidden(place.name, nest)
                self.rebinds.append((place, nest))
                self.now.append((place, with_leaves(now, nest)))
        if moved:
            error = capture.trace.error(
                f"{moved[0].name} goes from {moved[0].original!r} to {moved[0].get()!r}, and would not in later calls,"
                " which do not run the function. Change it outside, or make it an array"
            )
            raise Moved(str(error), moved, capture.left())

    def _stays(self, place: Place) -> bool:
        """Whether the number of NumPy's is part of the program, so that another one is another capture."""
        return isinstance(place.original, np.generic) and place.identity in self.capture.settled

    def _new_places(self) -> list[Place]:
        """Keys and attributes that the function has added. A list that has grown is refused."""
        error = self.capture.trace.error
        places = []
        for container, before, name in self.capture.surroundings.containers:
            if isinstance(container, dict):
                if before.keys() - container.keys():
                    raise error(f"it deletes from {name}, which later calls would not")
                new = [key for key in container if key not in before]
                places += [Place(container, key, False, f"{name}[{key!r}]") for key in new]
            elif len(container) != len(before):
                raise error(
                    f"{name} goes from {len(before)} entries to {len(container)}, and would not in later calls, which"
                    " do not run the function. Return what is to be added, and add it outside"
                )
        for attributes, names, name in self.capture.surroundings.attributes:
            new = [key for key in attributes if key not in names]
            places += [Place(attributes, key, False, f"{name}.{key}") for key in new]
        for place in places:
            place.original = MISSING
        return places

    def _refuse_graph(self, place: Place) -> None:
        """Raise for a constant from outside that has become part of a graph."""
        if place.key == "created_by" and isinstance(place.holder, Value):
            raise self.capture.trace.error(
                f"{place.holder.label()}, a constant from outside, is given numbers with a gradient. Use a copy, or"
                " write into its .data"
            )

    def refuse_hidden(self, name: str, nest: Any) -> None:
        """Raise for arrays of this capture in an object that is made in it: every run would give the same."""
        for x in leaves_of(nest):
            if isinstance(x, (*SCALARS, Value, Wanted)) or callable(x) or id(x) in self.capture.surroundings.seen:
                continue
            if any(isinstance(place.original, (Traced, Number)) for place in Surroundings([(x, name)], {}).places):
                raise self.capture.trace.error(
                    f"{name} holds a {type(x).__name__} with arrays in it. Use a tuple, list, dict or dataclass"
                )

    def _refuse_overlaps(self) -> None:
        """Two arrays from outside that share memory, one of which is written into, are more than a program knows."""
        trace = self.capture.trace
        outside = [x for x in trace.outside.values() if isinstance(x.data, np.ndarray)]
        for traced in trace.written():
            for other in outside:
                if other is not traced and np.may_share_memory(other.data, traced.data):
                    raise trace.error(
                        f"an array of shape {traced.shape} is written into that shares its memory with another, of"
                        f" shape {other.shape}, from outside of the function. Pass one, and take a view of it inside"
                    )
