"""Kernels compiled once: kept in memory, and on disk for the next process, which then needs no compiler."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import platform
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np

from calligrad.caches import cache_folder
from calligrad.kernels import native

MOST = 256 << 20  # bytes on disk; the kernels that were not used for longest go first
STALE = 3600  # seconds after which a file that was never finished belongs to a process that is gone

_call = ctypes.PYFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)


@dataclass(frozen=True)
class Kernel:
    """A compiled function ``void (int64 thread, int64 threads, int64* args)``, which stays in memory."""

    name: str
    address: int

    def __call__(self, args: np.ndarray, thread: int = 0, threads: int = 1) -> None:
        """Do one thread's share of the work, with a table of int64 ``args``; ``runtime.Table`` is the fast way."""
        _call(self.address)(thread, threads, args.ctypes.data)


_kernels: dict[str, Kernel] = {}  # by key
_compiling = threading.RLock()
if hasattr(os, "register_at_fork"):  # a fork waits, as a child could never open the locks of a compiler at work
    os.register_at_fork(
        before=_compiling.acquire, after_in_parent=_compiling.release, after_in_child=_compiling.release
    )


def compile_kernel(source: str, name: str) -> Kernel:
    """The compiled function ``name(thread, threads, args)`` of a Python module's text.

    ``args`` is a pointer to 8-byte integers: sizes, strides, addresses of arrays. The text may import from NumPy, numba
    and ``calligrad.kernels``; of what it is made is part of the key by which it is found again, so a change there
    compiles it anew. Raises numba's ``TypingError`` for what numba cannot compile.

    >>> from calligrad.kernels.cache import compile_kernel
    >>> kernel = compile_kernel('''
    ... def count(thread, threads, args):
    ...     for i in range(thread, args[0], threads):
    ...         args[i + 1] = i
    ... ''', "count")
    >>> args = np.array([3, -1, -1, -1])
    >>> kernel(args)
    >>> args
    array([3, 0, 1, 2])
    """
    key = hashlib.sha256("\0".join([_circumstances(), name, source]).encode()).hexdigest()[:32]
    with _compiling:
        if key not in _kernels:
            symbol = f"kernel_{key}"
            code, outside = _read(key) or _build(source, name, symbol, key)
            _kernels[key] = Kernel(name, native.load(code, symbol, outside))
        return _kernels[key]


def compile_written(write: Callable[[str], str], description: str, name: str) -> Kernel:
    """The compiled function that ``write(symbol)`` gives as LLVM's text, under that symbol.

    ``description`` stands for the text in the key: the same for the same code, so that what is known need not be
    written.
    """
    key = hashlib.sha256("\0".join([_circumstances(), name, description]).encode()).hexdigest()[:32]
    with _compiling:
        if key not in _kernels:
            symbol = f"kernel_{key}"
            found = _read(key)
            if found is None:
                found = native.assemble(write(symbol)), []
                _write(key, *found)
            _kernels[key] = Kernel(name, native.load(found[0], symbol, found[1]))
        return _kernels[key]


@cache
def _circumstances() -> str:
    """All that a kernel's machine code depends on, but for its source."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    content = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
    versions = [platform.python_version(), metadata.version("numba"), metadata.version("llvmlite"), np.__version__]
    return " ".join([*versions, platform.system(), platform.machine(), *native.processor(), content])


def _build(source: str, name: str, symbol: str, key: str) -> tuple[bytes, list[str]]:
    code, outside = native.build(source, name, symbol)
    _write(key, code, outside)
    return code, outside


# ---------------------------------------------------------------- files
#
# A file is the SHA-256 of what follows; a line of JSON, the functions that are called from outside; the object code.


def _file(key: str) -> Path:
    return cache_folder() / "kernels" / f"{key}.kernel"


def _read(key: str) -> tuple[bytes, list[str]] | None:
    """The object code and what it calls, or None if there is no such file, or if it is damaged."""
    file = _file(key)
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, content = content[:32], content[32:]
    if hashlib.sha256(content).digest() != digest:
        return None
    with contextlib.suppress(OSError):  # of a folder that cannot be written
        os.utime(file)  # used now
    names, code = content.split(b"\n", 1)
    return code, json.loads(names)


def _write(key: str, code: bytes, outside: list[str]) -> None:
    """Keep a kernel; its file is there as a whole or not at all, whoever writes or dies meanwhile."""
    file = _file(key)
    content = json.dumps(outside).encode() + b"\n" + code
    part = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _make_room(file.parent)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
            part.write(hashlib.sha256(content).digest() + content)
        os.replace(part.name, file)
    except OSError as error:
        if part is not None:
            Path(part.name).unlink(missing_ok=True)
        if not file.exists():  # nor has another process just written it
            _warn(str(file.parent), str(error))


@cache  # once for each folder
def _make_room(folder: Path) -> None:
    """Remove files that were never finished, and the kernels that were not used for longest if all are too many."""
    files = []
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):  # another process makes room, too
            status = entry.stat()
            files.append((status.st_mtime, status.st_size, Path(entry)))
    kept = 0
    for used, size, file in sorted(files, reverse=True):
        kept += size
        if kept > MOST or (file.suffix == ".part" and used < time.time() - STALE):
            file.unlink(missing_ok=True)


@cache  # once
def _warn(folder: str, error: str) -> None:
    warnings.warn(
        f"compiled kernels cannot be kept in {folder} ({error}): every process compiles them anew; "
        "the environment variable CALLIGRAD_CACHE names another folder",
        stacklevel=2,
    )
