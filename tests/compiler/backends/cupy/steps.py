"""The training steps of the benchmark as programs for a GPU.

``python -m tests.compiler.backends.cupy.steps [numbers]`` tells of each by how much the losses of some steps on less
data are off from eager's, what CuPy's stand-in could not do, and whether CUDA's compiler takes the kernels.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.training import in_calligrad
from benchmarks.training.problems import PROBLEMS, data_of
from calligrad.compiler.backends.cupy import executable
from calligrad.compiler.backends.cupy.module import source_of
from calligrad.compiler.wording import name_of
from tests.compiler.backends.cupy.standin import Device, made


def look_at(number: int) -> None:
    """Print what becomes of one step."""
    problem = PROBLEMS[number]
    found: list[executable.Executable] = []

    class Watched(executable.Executable):
        def __init__(self, *args):
            super().__init__(*args)
            found.append(self)

    import calligrad.compiler.backends.cupy as backend

    backend.Executable = Watched
    device = Device()
    sys.modules["cupy"] = made(device)
    weights = in_calligrad.initial_weights(problem)
    data = tuple(x[:4] for x in data_of(problem))
    eager, compiled = (in_calligrad.build(problem, weights, data, name) for name in ("eager", "cupy"))
    off = max(abs(float(eager().data) - float(compiled().data)) for _ in range(5))
    before = dict(device.counts)
    compiled()
    counts = ", ".join(f"{n - before[what]} {what}s" for what, n in device.counts.items())
    print(f"{number} {problem.name}: losses off by {off:.1e}; in a run {counts}")
    (done,) = found
    print(f"  on the host: {', '.join(sorted({name_of(line.op) for line in done.on_host})) or 'nothing'}")
    launches = [one for kernels in done.module.kernels.values() for one in kernels.launches]
    text = source_of(launches)
    print(f"  {len({one.name for one in launches})} kernels in {len(launches)} launches, {text.count(chr(10))} lines")
    if shutil.which("nvcc"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "kernels.cu"
            path.write_text(text)
            start = time.perf_counter()
            command = ["nvcc", "-cubin", "-arch=sm_80", "-std=c++17", "-o", f"{folder}/kernels.cubin", str(path)]
            result = subprocess.run(command, capture_output=True, text=True)
            said = "compiled" if result.returncode == 0 else result.stderr
            print(f"  nvcc: {said} in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    np.seterr(all="ignore")
    for number in map(int, sys.argv[1:] or range(1, 9)):
        look_at(number)
