"""Pictures, drawn with matplotlib where it is installed: no display, no window, nothing global is touched."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from calligrad.commands.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"  # told apart with any kind of colour vision (Okabe and Ito)
FORMATS = (".png", ".pdf", ".svg")
LONGEST = 90  # characters of a title that fit in a line
HOW = 'no picture: pip install "calligrad[show]" brings what draws it'


def prepare(output: str) -> Path | None:
    """Where the picture will be written, or None where there is no matplotlib to draw it.

    Raises ``UserError`` if nothing can be written there: better now than after the training.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     prepare(folder)
    Traceback (most recent call last):
    calligrad.commands.errors.UserError: --output ...: there is a folder of this name
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return None
    if not output:
        raise UserError("--output needs the name of a picture")
    path = Path(os.path.realpath(output))
    try:
        if path.is_dir():
            raise UserError(f"--output {output}: there is a folder of this name")
        if path.suffix.lower() not in FORMATS:
            raise UserError(f"--output {output}: the name of a picture ends in {', '.join(FORMATS)}")
        if path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
            raise UserError(f"--output {output}: what is there cannot be overwritten")
        _beside(path).touch()
        _beside(path).unlink()
    except OSError as error:
        raise UserError(f"--output {output}: {error.strerror}") from None
    return path


def save(figure: Figure, path: Path) -> None:
    """Write the figure, as a whole or not at all."""
    part = _beside(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in a script that the font lacks
            figure.savefig(part, format=path.suffix[1:].lower())
        part.replace(path)
    except OSError as error:
        raise UserError(f"--output {path}: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def canvas(width: float, height: float, title: str) -> Figure:
    """An empty figure of ``width`` by ``height`` inches."""
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=150, layout="constrained")
    figure.suptitle(plain(title if len(title) <= LONGEST else title[: LONGEST - 1] + "…"), fontsize=13)
    return figure


def label(axes: Axes, title: str, x: str, y: str) -> None:
    """Say what ``axes`` show, in a plain frame with a faint grid behind the data."""
    axes.set_title(plain(title), fontsize=11)
    axes.set_xlabel(plain(x))
    axes.set_ylabel(plain(y))
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def plain(text: str) -> str:
    r"""``text`` with nothing in it that matplotlib takes for a formula, or cannot draw at all.

    >>> print(plain("$x$"))
    \$x\$
    """
    return text.encode("utf-8", "replace").decode().replace("$", r"\$")
