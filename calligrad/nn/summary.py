"""A table of what a module is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from calligrad import random
from calligrad.dtypes import default_dtype
from calligrad.modes import no_grad
from calligrad.nests import leaves
from calligrad.value import Value


@dataclass(frozen=True)
class Row:
    """One module: what is its own, without that of the modules within."""

    path: str
    kind: str
    output: str
    parameters: int
    bytes: int


@dataclass(frozen=True)
class Summary:
    """The modules of a model with their output shapes, parameters and bytes; printed, it is a table.

    ``parameters``, ``trainable``, ``buffers`` count numbers, a shared one once; ``bytes`` are those of all of them.
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    buffers: int
    bytes: int

    def __str__(self) -> str:
        has_shapes = any(row.output for row in self.rows)
        head = ("module", "kind", *(["output"] if has_shapes else []), "parameters", "bytes")
        lines = [
            (row.path, row.kind, *([row.output] if has_shapes else []), f"{row.parameters:,}", f"{row.bytes:,}")
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(head, *lines)]
        words = len(head) - 2

        def line(cells: tuple[str, ...]) -> str:
            padded = [c.ljust(w) if i < words else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths))]
            return "  ".join(padded).rstrip()

        rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
        total = f"{self.parameters:,} parameters, {self.trainable:,} of them trainable"
        total += f"; {self.buffers:,} numbers in buffers" if self.buffers else ""
        return "\n".join([line(head), rule, *map(line, lines), rule, f"{total}; {self.bytes:,} bytes"])

    __repr__ = __str__


def summarize(module: Any, *inputs: Any) -> Summary:
    """The ``Summary`` of ``module``; with ``inputs``, arrays or shapes, also of what each module within puts out."""
    shapes = _output_shapes(module, *map(_example, inputs)) if inputs else {}
    rows: list[Row] = []
    counted: set[int] = set()
    everything = [*module.named_parameters(), *module.named_buffers()]
    for path, part in module.named_modules():
        within = [p for p in part.modules() if p is not part]
        inner = {id(x) for p in within for x in (*p.parameters(), *p.buffers())}
        own = [x for x in (*part.parameters(), *part.buffers()) if id(x) not in inner | counted]
        counted |= {id(x) for x in own}
        learned = {id(x) for x in part.parameters()}
        rows.append(
            Row(
                path or type(module).__name__,
                type(part).__name__,
                shapes.get(id(part), ""),
                sum(x.size for x in own if id(x) in learned),
                sum(x.data.nbytes for x in own),
            )
        )
    parameters, buffers = list(module.parameters()), list(module.buffers())
    return Summary(
        tuple(rows),
        sum(p.size for p in parameters),
        sum(p.size for p in parameters if p.requires_grad),
        sum(b.size for b in buffers),
        sum(x.data.nbytes for _, x in everything),
    )


def _example(x: Any) -> Any:
    """An array of that shape, or ``x`` itself."""
    if isinstance(x, tuple) and all(isinstance(n, (int, np.integer)) for n in x):
        return np.zeros(x, default_dtype())
    return x


def _output_shapes(module: Any, *inputs: Any) -> dict[int, str]:
    """Of each module within, by its id, the shapes that it put out when it was last called."""
    shapes: dict[int, str] = {}

    def note(part: Any, args: tuple, output: Any) -> None:
        found = [y.shape if isinstance(y, (Value, np.ndarray)) else np.shape(y) for y in leaves(output)]
        shapes[id(part)] = ", ".join(f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})" for shape in found)

    with ExitStack() as stack:
        for part in module.modules():
            stack.enter_context(part.register_forward_hook(note))
        stack.enter_context(undisturbed(module))
        module(*inputs)
    return shapes


@contextmanager
def undisturbed(module: Any) -> Iterator[None]:
    """Within this block ``module`` is in eval mode, outside the graph; afterwards all is as it was, draws too."""
    modes = [(part, part.training) for part in module.modules()]
    draws = random.generator().bit_generator
    before = draws.state
    try:
        module.eval()
        with no_grad():
            yield
    finally:
        draws.state = before
        for part, mode in modes:
            part.training = mode
