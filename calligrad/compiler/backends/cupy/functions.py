"""Functions: lines that are no groups, as calls that CuPy's arrays can take."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from calligrad.compiler.backends.cupy.constants import C
from calligrad.compiler.definitions import definitions_of
from calligrad.compiler.program import Line
from calligrad.nn.embedding import row_sums
from calligrad.nn.maxima import indices, maxima, routed
from calligrad.nn.windows import numbers_of
from calligrad.ops.index import added

_MAKERS = ("zeros", "empty", "ones", "full", "eye", "arange")
_MOST_LOOKS = 1 << 34  # beyond them to look for what belongs together takes longer than to take it to the host


def functions_of(cupy: Any, lines: Iterable[Line]) -> dict[Line, Callable]:
    """For each line what to call with its arguments.

    A function of NumPy's is called itself, as CuPy's arrays answer it. Of calligrad's own primitives it is the
    reference, which is plain NumPy; arrays that it makes are made on the GPU. Where that would take atomic additions,
    whose order is another each time, it is a kernel.
    """
    lines = list(lines)
    gathers = Gathers(cupy)
    own = {line.op for line in lines if hasattr(line.op, "reference")}
    content: dict[str, Any] = {}
    exec(definitions_of(sorted(own, key=lambda op: op.__name__)).replace("import numpy as np", ""), content)
    content["np"] = SimpleNamespace(**vars(np) | {name: getattr(cupy, name) for name in _MAKERS})
    return {
        line: gathers.table.get(line.op) or (content[line.op.__name__] if line.op in own else line.op) for line in lines
    }


class Gathers:
    """Sums of what has the same index, and the maxima of windows."""

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy
        self.table: dict[Callable, Callable] = {
            np.take: _take,
            row_sums: self.row_sums, added: self.added, routed: self.routed, maxima: self.maxima, indices: self.indices
        }  # fmt: skip
        self._kernels: dict[Any, Any] = {}
        self._places: dict[Any, Any] = {}

    def row_sums(self, x: Any, indices: Any, *, rows: int) -> Any:
        """As ``calligrad.nn.embedding.row_sums``."""
        shape = x.shape[indices.ndim :]
        return self._sums_at(x, indices, (1, rows, math.prod(shape))).reshape(rows, *shape)

    def added(self, x: Any, positions: Any, *, shape: tuple[int, ...], distinct: bool = False) -> Any:
        """As ``calligrad.ops.index.added``."""
        return self._sums_at(x, positions, (1, math.prod(shape), 1)).reshape(shape)

    def routed(self, g: Any, x: Any, *, windows: tuple) -> Any:
        """As ``calligrad.nn.maxima.routed``."""
        plane = math.prod(x.shape[-len(windows) :])
        return self._sums_at(g, self.indices(x, windows=windows), (x.size // plane, plane, 1)).reshape(x.shape)

    def maxima(self, x: Any, *, windows: tuple) -> Any:
        """As ``calligrad.nn.maxima.maxima``."""
        places = self.indices(x, windows=windows)
        planes = x.shape[: x.ndim - len(windows)]
        along = np.take_along_axis(x.reshape(math.prod(planes), -1), places.reshape(math.prod(planes), -1), axis=1)
        return along.reshape(places.shape)

    def indices(self, x: Any, *, windows: tuple) -> Any:
        """As ``calligrad.nn.maxima.indices``."""
        ahead, plane = x.shape[: x.ndim - len(windows)], x.shape[x.ndim - len(windows) :]
        at = self._places_in(plane, windows)
        out = self.cupy.empty((math.prod(ahead), len(at)), np.int64)
        self._launch("places_of_maxima", (x, at, out), ROWS=len(at), COLUMNS=math.prod(plane), COUNT=at.shape[1])
        return out.reshape(*ahead, *(len(numbers_of(w)) for w in windows))

    def _places_in(self, plane: tuple[int, ...], windows: tuple) -> Any:
        """The places of each window in a flattened plane, filled up with -1."""
        if (plane, windows) not in self._places:
            boxes = itertools.product(*map(numbers_of, windows))
            places = [np.ravel_multi_index(np.meshgrid(*box, indexing="ij"), plane).reshape(-1) for box in boxes]
            at = np.full((len(places), max(map(len, places))), -1, np.int64)
            for row, mine in zip(at, places):
                row[: len(mine)] = mine
            self._places[plane, windows] = self.cupy.asarray(at)
        return self._places[plane, windows]

    def _sums_at(self, x: Any, at: Any, shape: tuple[int, int, int]) -> Any:
        batch, rows, columns = shape
        count = at.size // batch
        if batch * rows * columns * count > _MOST_LOOKS:
            raise NotImplementedError("too many numbers to look for those with one index")
        out = self.cupy.empty(shape, x.dtype)
        self._launch("sums_at", (x, np.astype(at, np.int64), out), ROWS=rows, COLUMNS=columns, COUNT=count)
        return out

    def _launch(self, name: str, arrays: tuple[Any, Any, Any], **sizes: int) -> None:
        x, _, out = arrays
        settings = {"TYPE": C[x.dtype.name], "SIZE": f"{out.size}LL"} | {key: f"{n}LL" for key, n in sizes.items()}
        key = (name, *settings.values())
        if key not in self._kernels:
            heads = [f"#define {word} {text}" for word, text in settings.items()]
            source = Path(__file__).with_name("gathers.cu").read_text(encoding="utf-8")
            module = self.cupy.RawModule(code="\n".join([*heads, source]), options=("-std=c++17",))
            self._kernels[key] = module.get_function(name)
        given = tuple(np.copy(a, order="C") if a is not out and not a.flags.c_contiguous else a for a in arrays)
        self._kernels[key]((min(-(-out.size // 256), 1 << 16), 1), (256,), given)


def _take(x: Any, indices: Any, axis: Any = None, out: None = None, mode: str = "raise") -> Any:
    """np.take; CuPy's has no ``mode``, and raises nothing."""
    if mode != "raise":
        raise NotImplementedError(f"take in the mode {mode!r}")
    return np.take(x, indices, axis)
