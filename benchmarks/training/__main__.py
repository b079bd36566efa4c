"""Training steps beside PyTorch, JAX and autograd: ``python -m benchmarks.training``, or with the numbers of problems.

Each contestant runs in a process of its own, two at a time, on two threads and two cores, in alternation: the peers
beside the first of them, then calligrad's beside the fastest of them. A chunk of steps is thrown away if other
processes used more than 8 % of a core meanwhile (where the platform tells). The time is the median of the chunks that
are left. All begin with the same weights and must find the same losses in the first five steps. What is known is
written after each problem: tables on standard output, and all times as JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import busy_seconds, class_of_machine, for_two_threads
from benchmarks.training import table
from benchmarks.training.contest import CONTESTANTS, QUICK, Contest, Effort
from benchmarks.training.problems import PROBLEMS

PACKAGES = ("numpy", "numba", "llvmlite", "torch", "jax", "jaxlib", "autograd")


def versions() -> dict[str, str]:
    """Of what is installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def floors() -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.training.floors"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=for_two_threads()).stdout)


def measure(numbers: list[int], names: list[str], effort: Effort, path: Path) -> None:
    report: dict[str, Any] = {
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "machine": class_of_machine(),
        "versions": versions(),
        "effort": dataclasses.asdict(effort),
        "problems": {},
    }
    lowest = floors()
    for number in numbers:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            results = Contest(number, effort, Path(folder)).run(names)
        entry = {
            "floor": lowest[PROBLEMS[number].name],
            "results": {n: dataclasses.asdict(r) for n, r in results.items()},
        }
        report["problems"][str(number)] = entry
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=1))
        print(table.details(str(number), entry), flush=True)
    tell(report)


def tell(report: dict[str, Any]) -> None:
    print(table.summary(report))
    packages = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    print(f"\nMeasured on {report['date']}: {report['machine']}; {packages}.")
    if busy_seconds() is None:
        print("This platform does not say what other processes used; no chunk was thrown away.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", type=int, choices=[*PROBLEMS, []], help="all if none is given")
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS), help="these contestants")
    parser.add_argument("--quick", action="store_true", help="a few short chunks, noisy or not")
    parser.add_argument("--json", type=Path, default=Path("build/training.json"), help="where all times are written")
    parser.add_argument("--plot", type=Path, help="draw this picture of the JSON file, and measure nothing")
    args = parser.parse_args()
    if args.plot:
        from benchmarks.training.plot import draw

        draw(json.loads(args.json.read_text()), args.plot)
    else:
        measure(args.numbers or list(PROBLEMS), args.only, QUICK if args.quick else Effort(), args.json)


if __name__ == "__main__":
    main()
