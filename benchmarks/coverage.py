"""The page docs/coverage.md: every public function and ufunc of NumPy, and what becomes of it on a Value.

``python -m benchmarks.coverage`` writes the page (``make coverage``). ``--peers`` first asks HIPS/autograd,
MyGrad and JAX for the gradient of every case of the tests, and keeps how many agree with ours in
benchmarks/coverage.json; that takes minutes, and an environment with all of them.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.lib.recfunctions
import numpy.polynomial.polynomial
import numpy.strings  # what NumPy loads late is overridable from then on
from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs

import calligrad  # noqa: F401  fills the table
from calligrad.ops.creation import LIKE
from calligrad.ops.refused import NO_NUMBERS
from calligrad.rules import RULES, numpy_name
from tests.cases import CASES

ROOT = Path(__file__).parents[1]
PAGE, PEERS = ROOT / "docs" / "coverage.md", ROOT / "benchmarks" / "coverage.json"
NAMES = ("autograd", "MyGrad", "JAX")
TOLERANCE = 1e-10
TESTED = {
    "constant": "`tests/ops/test_constants.py`",
    "creation": "`tests/ops/test_creation.py`",
    "refused": "`tests/docs/test_coverage_page.py`",
}

NO_ARRAY = """
    bartlett base_repr binary_repr blackman broadcast_shapes datetime_data diag_indices fft.fftfreq fft.rfftfreq
    format_float_positional format_float_scientific from_dlpack frompyfunc fromregex get_include get_printoptions
    getbufsize geterr geterrcall hamming hanning indices info isdtype issubdtype iterable kaiser load mask_indices
    mintypecode nested_iters printoptions promote_types row_stack set_printoptions setbufsize seterr seterrcall
    show_config show_runtime test tril_indices triu_indices typename"""
NOT_SEEN = {
    "asarray_chkfinite": "NumPy gives it no way to see a Value; check np.all(np.isfinite(x)) and go on with x",
    "asmatrix": "a matrix of Values is not a thing; use two axes and @",
    "bmat": "NumPy gives it no way to see a Value; np.block does the same",
}


def public() -> dict[str, Callable]:
    """Every public function and ufunc, and whatever else can be overridden, by the name a user writes."""
    found = {}
    for prefix, module in (("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft)):
        for name in module.__all__:
            f = getattr(module, name)
            if callable(f) and not isinstance(f, type) and not name.startswith("_"):
                found[f"{prefix}.{name}"] = f
    known = {id(f) for f in found.values()}
    for f in get_overridable_numpy_array_functions():
        name = numpy_name(f)
        if id(f) not in known and name not in found and not name.startswith("np.strings._"):
            found[name] = f
    for f in get_overridable_numpy_ufuncs():
        if id(f) not in known:
            text = hasattr(np.strings, f.__name__.strip("_").removesuffix("_chars").removesuffix("_whitespace"))
            found[f"np.strings.{f.__name__}" if text else f"ufunc {f.__name__}"] = f
    return dict(sorted(found.items(), key=lambda item: (item[0].count("."), item[0].lower())))


def kind_of(name: str, f: Callable) -> tuple[str, str]:
    """What becomes of the function, and a word on it."""
    short = name.removeprefix("np.")
    rule = RULES.get(f)
    if name.startswith(("np.strings", "ufunc")):
        if name in ("ufunc clip", "ufunc _ones_like", "ufunc real", "ufunc imag"):
            return "internal", "reached through NumPy's function"
        return "refused", "takes text, and a Value holds numbers"
    if name.startswith("np.polynomial"):
        return "refused", "numpy.polynomial works on arrays alone; np.polyval is differentiable"
    if short in NO_ARRAY.split():
        return "no array", ""
    if short == "trapz":
        return "internal", "np.trapezoid by its old name"
    if short in ("isscalar", "isfortran"):
        return "constant", "as of an array"
    if short in NOT_SEEN:
        return "refused", NOT_SEEN[short]
    if name.startswith("np.lib.recfunctions"):
        return "refused", "takes records with named fields, and a Value holds numbers"
    if f in NO_NUMBERS:
        return "refused", f"takes {NO_NUMBERS[f]}, and a Value holds numbers"
    if f in LIKE or getattr(np, short, None) in LIKE:
        return "creation", "with like=value"
    if rule is None:
        return "missing", ""
    if rule.__qualname__.startswith("constant."):
        return "constant", ""
    if rule.__qualname__.startswith("_like."):
        return "constant", "a Value, which can be written into"
    return "differentiable", "to any order"


def cases_of() -> dict[str, list[str]]:
    """The names of the cases of each function."""
    found: dict[str, list[str]] = {}
    for case in CASES.values():
        found.setdefault(case.covers, []).append(case.name)
    return found


def ask_peers() -> None:
    """Count the cases of each function in which another framework has our gradient."""
    from benchmarks.peers import PEERS as GRADIENTS
    from benchmarks.peers import difference

    counts: dict[str, dict[str, int]] = {}
    for peer in NAMES:
        same: Counter = Counter()
        for case in CASES.values():
            if case.covers.startswith("np."):
                same[case.covers] += difference(GRADIENTS[peer], case.f, case.xs) < TOLERANCE
        counts[peer] = dict(sorted(same.items()))
        print(f"{peer}: {sum(same.values())} of {sum(c.covers.startswith('np.') for c in CASES.values())} cases")
    from importlib.metadata import version

    versions = {peer: version(peer.lower()) for peer in NAMES}
    PEERS.write_text(json.dumps({"versions": versions, "same": counts}, indent=1) + "\n", encoding="utf-8")


def rows() -> Iterator[tuple[str, str, str, list[str]]]:
    """Name, kind, remark and cases of each function."""
    cases = cases_of()
    for name, f in public().items():
        yield (name, *kind_of(name, f), cases.get(name) or cases.get(name_of(f), []))


def numpy_version() -> str:
    return ".".join(np.__version__.split(".")[:2])


def name_of(f: Callable) -> str:
    """How the cases call it."""
    return numpy_name(f) if hasattr(f, "__name__") else ""


def page() -> str:
    """The whole page."""
    peers = json.loads(PEERS.read_text(encoding="utf-8"))
    table = list(rows())
    total = Counter(kind for _, kind, _, _ in table)
    lines = [
        HEAD.format(numpy=".".join(np.__version__.split(".")[:2]), **total_words(total, table), **peers["versions"])
    ]
    chapters = {"np": "NumPy", "np.fft": "numpy.fft", "np.linalg": "numpy.linalg", "": "Elsewhere"}
    for prefix, title in chapters.items():
        chosen = [row for row in table if chapter_of(row[0]) == prefix and row[1] != "no array"]
        lines += [
            f"\n## {title}\n",
            f"| function | on a Value | cases | {' | '.join(NAMES)} |",
            "|---|---|---|---|---|---|",
        ]
        for name, kind, remark, cases in chosen:
            covering = cases[0].split()[0] if cases else ""  # of two names for one function the cases have one
            shares = (share(peers["same"][peer].get(covering), cases) for peer in NAMES)
            theirs = shares if kind == "differentiable" else [""] * len(NAMES)
            what = (
                f"**{kind}**"
                if kind == "missing"
                else f"{kind}{': ' if kind == 'refused' else ', '}{remark}".rstrip(", ")
            )
            count = f"{len(cases)}: `{min(cases, key=len)}`" if cases else TESTED.get(kind, "")
            lines.append(f"| `{name}` | {what} | {count} | {' | '.join(theirs)} |")
    without = [f"`{name}`" for name, kind, *_ in table if kind == "no array"]
    lines += ["\n## Functions that take no array\n", f"Nothing to differentiate: {', '.join(without)}.\n"]
    return "\n".join(lines)


def chapter_of(name: str) -> str:
    module = name.rpartition(".")[0]
    return module if module in ("np", "np.fft", "np.linalg") else ""


def share(same: int | None, cases: list[str]) -> str:
    """How many of the cases another framework does as we do."""
    if not same:
        return "–"
    return "yes" if same >= len(cases) else f"{same} of {len(cases)}"


def total_words(total: Counter, table: list) -> dict[str, int]:
    return {
        "differentiable": total["differentiable"],
        "constant": total["constant"] + total["creation"],
        "refused": total["refused"],
        "cases": sum(len(cases) for _, _, _, cases in table),
        "functions": len(get_overridable_numpy_array_functions()),
        "ufuncs": len(get_overridable_numpy_ufuncs()),
    }


HEAD = """# Which functions of NumPy

<!-- Written by `make coverage`; do not edit. -->

Every public function and ufunc of NumPy {numpy}, and whatever else in it can be overridden ({functions} functions
and {ufuncs} ufuncs). {differentiable} are differentiable to any order, {constant} give constants, {refused} are
refused with a reason. None is left that quietly loses a gradient.

- **differentiable**: as `np.…` call, and as operator and ndarray method where NumPy has one. Each case is a row in
  `tests/cases/`, held against central differences to second order, against NumPy's value bit for bit, and against
  the other laws of `tests/test_laws.py`.
- **constant**: comparisons, positions, steps, shapes. The result has no gradient, because there is none or it is 0.
- **creation**: makes a new array; with `like=value` a constant Value.
- **refused**: raises an error that says why.

The last columns say in how many of the cases the same code, with their module in NumPy's place, has the same
gradient to 1e-10: in autograd {autograd}, MyGrad {MyGrad}, JAX {JAX}. "–" stands for none: no such function, no
derivative, or another gradient. A case may use a keyword that only NumPy has.
"""


def main() -> None:
    if "--peers" in sys.argv:
        ask_peers()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
