"""Time calligrad beside PyTorch: ``python -m benchmarks.run`` (``make bench``).

Each benchmark runs in two processes, one a framework, two threads each, that take turns: a chunk of
steps here, a chunk there. What is reported is the median over the chunks. A chunk during which other
processes used more than 8 % of a core is thrown away and repeated, because PyTorch's spinning threads
suffer more from company than NumPy does.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import steps

BENCHMARKS = {  # name: (title, steps in a chunk, at most this times PyTorch)
    "article": ("the article's 1-4-4-1 network, 100 points, float64, SGD", 2000, 0.6),
    "mlp_adam": ("MLP 784-256-128-10, batch 128, float32, Adam (PyTorch: fused)", 200, 1.5),
    "chain": ("a chain of 1,000 scalar operations, forward and backward", 100, 0.6),
    "deep": ("MLP of 50 layers of 512, batch 2048, float32, SGD", 2, None),
}
CHUNKS, TRIES = 11, 40


def busy_seconds() -> float | None:
    """Processor seconds that all processes of the machine have used together; None where unknown."""
    try:
        user, nice, system, *_ = map(int, Path("/proc/stat").read_text().split()[1:4])
    except (OSError, ValueError):
        return None
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def work(framework: str, name: str, count: int) -> None:
    """In a process of its own: for every line on standard input do a chunk, and answer with its time."""
    step = getattr(steps, f"{framework}_{name}")()
    peak_before = peak_bytes()
    for _ in range(max(2, count // 10)):
        step()
    print(json.dumps({"memory": peak_bytes() - peak_before}), flush=True)
    for _ in sys.stdin:
        time.sleep(0.3)  # until the other framework's threads have stopped spinning
        others, own, start = busy_seconds(), time.process_time(), time.perf_counter()
        for _ in range(count):
            step()
        seconds = time.perf_counter() - start
        own = time.process_time() - own
        company = 0.0 if others is None else (busy_seconds() - others - own) / seconds
        print(json.dumps({"ms": seconds / count * 1e3, "company": company}), flush=True)


def peak_bytes() -> int:
    """The most memory this process has held; 0 where the platform does not say."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Worker:
    """One framework at one benchmark, in its own process."""

    def __init__(self, framework: str, name: str, count: int) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.run", framework, name, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | threads,
        )
        self.memory = self.answer()["memory"]
        self.times: list[float] = []

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a benchmark process ended early; its message stands above")
        return json.loads(line)

    def chunk(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.answer()
        if answer["company"] <= 0.08:
            self.times.append(answer["ms"])

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(name: str) -> str:
    """Run one benchmark; a row of the table."""
    title, count, limit = BENCHMARKS[name]
    ours, theirs = (Worker(framework, name, count) for framework in ("calligrad", "torch"))
    for _ in range(TRIES):
        for worker in (ours, theirs):
            worker.chunk()
        if min(len(ours.times), len(theirs.times)) >= CHUNKS:
            break
    for worker in (ours, theirs):
        worker.close()
    quiet = min(len(ours.times), len(theirs.times))
    if quiet < CHUNKS:
        return f"| {title} | the machine was busy: {quiet} quiet turns of {CHUNKS} | | | | | |"
    a, b = statistics.median(ours.times), statistics.median(theirs.times)
    memory = [f"{worker.memory / 2**20:.0f}" for worker in (ours, theirs)]
    wanted = "" if limit is None else f"at most {limit}"
    return f"| {title} | {a:.3f} | {b:.3f} | **{a / b:.2f}** | {wanted} | {memory[0]} | {memory[1]} |"


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    print("| step | calligrad ms | PyTorch ms | ratio | wanted | calligrad MiB | PyTorch MiB |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        print(compare(name), flush=True)
    print("\nMiB: what the process's peak memory grew by in the first steps, model and data being there before.")


if __name__ == "__main__":
    if sys.argv[1:2] in (["calligrad"], ["torch"]):
        work(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main()
