"""Where files are kept that can be had again: downloads and compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where such files are kept: ``CALLIGRAD_CACHE`` if it is set, otherwise the system's place for caches."""
    chosen = os.environ.get("CALLIGRAD_CACHE")
    if chosen:
        return Path(chosen)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "calligrad" / "cache"
    if os.uname().sysname == "Darwin":
        return Path.home() / "Library" / "Caches" / "calligrad"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "calligrad"
