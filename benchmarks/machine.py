"""What a machine does meanwhile, and what it can do: company, peak memory, matrix products, copies."""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

THREADS = 2


def for_two_threads() -> dict[str, str]:
    """The environment of a process that is to work on two threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return os.environ | dict.fromkeys(names, str(THREADS))


def stay_on_two_cores() -> None:
    """Keep this process on two of its cores, where the platform can: some frameworks ask for nothing else."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def busy_seconds() -> float | None:
    """Processor seconds that all processes of the machine have used together; None where unknown."""
    try:
        user, nice, system, *_ = map(int, Path("/proc/stat").read_text().split()[1:4])
    except (OSError, ValueError):
        return None
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def peak_bytes() -> int:
    """The most memory this process has held; 0 where the platform does not say."""
    try:  # on Linux the other way may tell the peak of the process that started this one
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def class_of_machine() -> str:
    """In words: how many cores of what processor, and the system."""
    try:
        cpu = Path("/proc/cpuinfo").read_text()
        name = next(line.split(":")[1].strip() for line in cpu.splitlines() if line.startswith("model name"))
        name += " with AVX-512" * ("avx512f" in cpu)
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores of {name}, {platform.system()}, Python {platform.python_version()}"


def matmul_rate(dtype: str) -> float:
    """Floating-point operations a second in the product of large matrices, by NumPy or PyTorch, whichever is faster."""
    n = 2048
    a, b = np.random.default_rng(0).standard_normal((2, n, n)).astype(dtype)
    out = np.empty_like(a)
    products: list[Callable[[], object]] = [lambda: np.matmul(a, b, out=out)]
    try:
        import torch
    except ImportError:
        pass
    else:
        torch.set_num_threads(THREADS)
        parts = torch.from_numpy(a), torch.from_numpy(b)
        products.append(lambda: torch.mm(*parts))
    return 2 * n**3 / min(fastest(product, 0.5) for product in products)


def copy_rate(size: int) -> float:
    """Bytes a second, read and written, of copies within ``size`` bytes of memory by two threads, each on its half."""
    size = max(size, 2**19)  # below, the time is that of the calls
    halves = np.ones((THREADS, 2, size // 8 // 4))
    repeats = max(1, 2**26 // size)

    def copies(source: np.ndarray, target: np.ndarray) -> None:
        for _ in range(repeats):
            np.copyto(target, source)

    def all_threads() -> None:
        others = [threading.Thread(target=copies, args=half) for half in halves[1:]]
        for other in others:
            other.start()
        copies(*halves[0])
        for other in others:
            other.join()

    return repeats * halves.nbytes / fastest(all_threads, 0.3)


def fastest(f: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest of the calls of ``f`` that fit into so many seconds."""
    best, began = float("inf"), time.perf_counter()
    f()
    while time.perf_counter() - began < seconds or best == float("inf"):
        start = time.perf_counter()
        f()
        best = min(best, time.perf_counter() - start)
    return best
