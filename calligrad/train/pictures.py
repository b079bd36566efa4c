"""Curves of a run's history, drawn where there is matplotlib."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BLUE, ORANGE = "#0072B2", "#D55E00"  # told apart with any kind of colour vision (Okabe and Ito)


def draw(history: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """A picture for each number of the history, ``loss.png`` and so on, with the validation's beside the training's."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return []
    drawn = []
    for name in dict.fromkeys(key.removeprefix("validation_") for record in history for key in record):
        if name in ("epoch", "step") or name.startswith("lr"):
            continue
        figure = Figure((6, 4), dpi=120, layout="constrained")
        axes = figure.subplots()
        for key, colour, label in ((name, BLUE, "training"), (f"validation_{name}", ORANGE, "validation")):
            points = [(record["epoch"], record[key]) for record in history if record.get(key) is not None]
            if points:
                axes.plot(*zip(*points), ".-", color=colour, label=label)
        axes.set_xlabel("epoch")
        axes.set_title(name)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        path = folder / f"{name}.png"
        part = path.with_name(f".{path.name}.part")
        try:
            figure.savefig(part, format="png")
            part.replace(path)
        except OSError as error:  # the run itself is saved
            warnings.warn(f"{path} could not be drawn: {error.strerror}", stacklevel=2)
            part.unlink(missing_ok=True)
        else:
            drawn.append(path)
    return drawn
