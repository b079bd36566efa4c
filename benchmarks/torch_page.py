"""The page docs/torch.md: every layer, function, initialiser, optimizer and schedule of PyTorch, and ours.

``python -m benchmarks.torch_page`` writes the page. ``--names`` first reads PyTorch's names, which needs PyTorch, and
keeps them in benchmarks/torch_names.json.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import calligrad
from tests.nn.cases import CASES
from tests.optim.cases import OPTIMIZERS, SCHEDULES

ROOT = Path(__file__).parents[1]
PAGE, NAMES = ROOT / "docs" / "torch.md", ROOT / "benchmarks" / "torch_names.json"
HERE = {
    "torch.nn": calligrad.nn,
    "torch.nn.functional": calligrad.nn.functional,
    "torch.nn.init": calligrad.nn.init,
    "torch.nn.utils.parametrizations": calligrad.nn.parametrizations,
    "torch.optim": calligrad.optim,
    "torch.optim.lr_scheduler": calligrad.optim,
}

LAZY = "the sizes are given: a parameter that has no shape yet can be neither counted nor handed to an optimizer"
IN_PLACE = "arrays are not overwritten: the graph remembers them"
DEPRECATED = "deprecated in PyTorch itself"
INDICES = "`return_indices=True` of the function without these words"
REASONS = {  # why a name of PyTorch is not here
    "torch.nn": {
        "Container": DEPRECATED,
        "NLLLoss2d": DEPRECATED,
        "CrossMapLRN2d": "`LocalResponseNorm` is the same",
        "DataParallel": "there are no devices to spread a batch over",
        "SyncBatchNorm": "waits for the collectives of distributed training",
        "ParameterDict": "a dict of Values is found as it is",
        "ParameterList": "a list of Values is found as it is",
        "RNNBase": "what `RNN`, `LSTM` and `GRU` share in PyTorch, no layer of its own",
        "RNNCellBase": "what the cells share in PyTorch, no layer of its own",
        "Parameter": "a `Value` that is an attribute of a module is a parameter",
        "UninitializedParameter": LAZY,
        "UninitializedBuffer": LAZY,
    },
    "torch.nn.functional": {
        "conv_tbc": "a layout of translation models of 2017; `conv1d` after `np.moveaxis`",
        "grouped_mm": "products of low precision on GPUs; `np.matmul` of a stack",
        "scaled_mm": "products of 8-bit floats on GPUs",
        "scaled_grouped_mm": "products of 8-bit floats on GPUs",
        "multi_head_attention_forward": "the inside of `nn.MultiheadAttention`, with 24 arguments",
        "native_channel_shuffle": "`channel_shuffle` is the same",
        "upsample": DEPRECATED,
        "upsample_bilinear": DEPRECATED,
        "upsample_nearest": DEPRECATED,
    },
    "torch.nn.init": {},
    "torch.nn.utils.parametrizations": {
        "orthogonal": "needs the exponential of a matrix, which NumPy lacks: a parametrization of one's own with"
        " `calligrad.scipy.linalg.expm`",
    },
    "torch.optim": {"SparseAdam": "gradients are dense: NumPy has no sparse arrays"},
    "torch.optim.lr_scheduler": {"LRScheduler": "`optim.Schedule` is what schedules share here"},
}
EXTRA = {
    "nn": ("RotaryPositions", "SinusoidalPositions"),
    "nn.functional": ("sinusoidal_positions", "rotary_embedding"),
    "optim": ("Lion", "EMA", "SWA", "clip_grad_norm_", "clip_grad_value_"),
}


def reason(module: str, name: str) -> str:
    """Why a name of PyTorch is not here; empty if nobody has said."""
    if name.startswith("Lazy"):
        return LAZY
    if module == "torch.nn.functional" and name.endswith("_"):
        return IN_PLACE
    if name.endswith("_with_indices"):
        return INDICES
    return REASONS[module].get(name, "")


def read_names() -> dict[str, list[str]]:
    """PyTorch's public names by module."""
    import torch
    from torch.nn.utils import parametrizations
    from torch.optim import lr_scheduler

    def functions(module: object, home: str) -> list[str]:
        found = {n: x for n, x in vars(module).items() if callable(x) and not n.startswith("_") and n[0].islower()}
        plumbing = ("has_torch_function", "handle_torch_function", "assert_int_or_pair", "boolean_dispatch")
        return [
            n
            for n, x in found.items()
            if not inspect.isclass(x)
            and not n.startswith(plumbing)
            and (getattr(x, "__module__", None) in (home, None) or "built-in" in repr(x) or "boolean" in repr(x))
        ]

    layers = [n for n, x in vars(torch.nn).items() if inspect.isclass(x) and issubclass(x, torch.nn.Module)]
    optimizers = [n for n, x in vars(torch.optim).items() if inspect.isclass(x)]
    initialisers = [n for n in vars(torch.nn.init) if n.endswith("_") and n[0] != "_"] + ["calculate_gain"]
    return {
        "version": [torch.__version__.partition("+")[0]],
        "torch.nn": sorted(layers),
        "torch.nn.functional": sorted(set(functions(torch.nn.functional, "torch.nn.functional"))),
        "torch.nn.init": sorted(initialisers),
        "torch.nn.utils.parametrizations": sorted(parametrizations.__all__),
        "torch.optim": sorted(optimizers),
        "torch.optim.lr_scheduler": sorted(lr_scheduler.__all__),
    }


def rows() -> Iterator[tuple[str, str, int, str]]:
    """Module, name, how many rows of the tables hold ours against PyTorch's, and why it is missing."""
    names = json.loads(NAMES.read_text())
    count = Counter(name.split()[0] for table in (CASES, OPTIMIZERS, SCHEDULES) for name in table)
    for module, here in HERE.items():
        for name in names[module]:
            there = hasattr(here, name)
            yield module, name, count[name] if there else 0, "" if there else reason(module, name) or "missing"


def page() -> str:
    """The text of docs/torch.md."""
    (version,) = json.loads(NAMES.read_text())["version"]
    found = list(rows())
    total = len(CASES) + len(OPTIMIZERS) + len(SCHEDULES)
    lines = [
        "# PyTorch's names, and ours",
        "",
        "<!-- written by benchmarks/torch_page.py -->",
        "",
        f"What PyTorch {version} has in `torch.nn`, `torch.nn.functional`, `torch.nn.init` and `torch.optim`. The",
        "number beside a name is that of the cases in which it and calligrad's namesake, run from one text, give the",
        "same numbers: outputs and all gradients to 1e-10 of the largest in float64, to 1e-5 in float32, buffers,",
        "names and shapes of the state; of optimizers the parameters after each of 100 steps, of schedules the rates",
        "of 120 epochs. `make parity` runs them beside PyTorch; `make test` compares with what PyTorch gave.",
        "",
        f"There are {len(CASES)} cases of layers, losses and functions, {len(OPTIMIZERS)} of optimizers and"
        f" {len(SCHEDULES)} of schedules, {total} in all.",
        "",
        "Words are NumPy's where it has one: `axis` for `dim`, `keepdims` for `keepdim`. There are no `inplace`,",
        "`device`, `foreach` and `fused` arguments, and the deprecated `size_average` and `reduce` of losses are",
        "gone. `dtype=` and `rng=` say precision and draws. A name with — has no case of its own: it is drawn at",
        "random, as dropout is, or is a container; its tests are in `tests/nn`.",
        "",
    ]
    for module in HERE:
        here = [(name, count) for m, name, count, why in found if m == module and not why]
        missing: dict[str, list[str]] = {}
        for m, name, _, why in found:
            if m == module and why:
                missing.setdefault(why, []).append(f"`{name}`")
        lines += [f"## {module}", "", f"{len(here)} of {len(here) + sum(map(len, missing.values()))}:", ""]
        lines += [", ".join(f"`{name}` {count or '—'}" for name, count in here) + ".", ""]
        if missing:
            lines += [
                "| not here | why |",
                "|---|---|",
                *(f"| {', '.join(names)} | {why} |" for why, names in missing.items()),
                "",
            ]
    extra = [f"`{module}.{name}`" for module, names in EXTRA.items() for name in names]
    lines += ["## Here and not there", "", f"{', '.join(extra)}.", ""]
    return "\n".join(lines)


def main() -> None:
    if "--names" in sys.argv[1:]:
        NAMES.write_text(json.dumps(read_names(), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
