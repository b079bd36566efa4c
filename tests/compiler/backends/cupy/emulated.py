"""Kernels written in CUDA C, compiled for the processor: each thread of a block is a fiber."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

HERE = Path(__file__).parent

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None or not sys.platform.startswith("linux"), reason="needs g++ and Linux's contexts"
)


def compiled(source: str, names: Iterable[str]) -> ctypes.CDLL:
    """A library with a function ``run_NAME(x, y, threads, addresses of the arguments)`` for each kernel."""
    entries = [
        f'extern "C" void run_{name}(int x, int y, int threads, void **args) '
        f"{{ emulation::run({name}, x, y, threads, args); }}"
        for name in names
    ]
    text = "\n".join(['#include "emulation.h"', source.replace('extern "C" __global__', "__global__"), *entries])
    folder = Path(tempfile.gettempdir()) / "calligrad-emulated"
    folder.mkdir(exist_ok=True)
    library = folder / f"{hashlib.sha256((text + (HERE / 'emulation.h').read_text()).encode()).hexdigest()[:16]}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory() as place:
            made = Path(place) / "made.so"
            flags = ["-std=c++17", "-O1", "-fPIC", "-shared", "-w", "-I", str(HERE)]
            command = ["g++", *flags, "-x", "c++", "-", "-o", str(made)]
            subprocess.run(command, input=text, text=True, check=True)
            shutil.copy(made, library)
    return ctypes.CDLL(str(library))


def launch(library: ctypes.CDLL, name: str, grid: tuple[int, int], block: int, addresses: list[int]) -> None:
    """Run a kernel whose arguments are all addresses."""
    words = [ctypes.c_void_p(address) for address in addresses]
    pointers = (ctypes.c_void_p * len(words))(*(ctypes.addressof(word) for word in words))
    getattr(library, f"run_{name}")(*grid, block, pointers)
