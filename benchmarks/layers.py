"""Every row of the table of layers beside PyTorch: outputs, gradients, buffers, names, in float64 and float32.

``python -m benchmarks.layers`` compares them all, ``python -m benchmarks.layers conv pooling`` those of two modules of
``tests/nn/cases``; ``--store`` also writes PyTorch's digests to ``tests/nn/references``, which ``make test`` reads.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from calligrad import nn
from tests.nn.cases import CASES, MODULES, Case
from tests.nn.results import digest, results, torch_words, weights

TOLERANCE = {np.float64: 1e-10, np.float32: 1e-5}  # relative to the largest number of the case
REFERENCES = Path(__file__).parents[1] / "tests" / "nn" / "references"
THEIR_NN, THEIR_FUNCTIONAL = torch_words(torch.nn), torch_words(torch.nn.functional)


def tensors(nest: object) -> list[torch.Tensor]:
    """The tensors in nested tuples, lists and dicts."""
    if isinstance(nest, torch.Tensor):
        return [nest]
    parts = nest.values() if isinstance(nest, dict) else nest if isinstance(nest, (tuple, list)) else ()
    return [tensor for part in parts for tensor in tensors(part)]


def theirs(case: Case, dtype: type) -> dict[str, np.ndarray]:
    """What PyTorch makes of a row, under the names of ``tests.nn.results``."""
    kind = torch.float64 if dtype is np.float64 else torch.float32
    module = None
    if case.build is not None:
        module = case.build(THEIR_NN).to(kind).train(case.training)
        state = {
            path: torch.tensor(case.start(path, tuple(x.shape)), dtype=kind) if x.is_floating_point() else x
            for path, x in module.state_dict().items()
        }
        module.load_state_dict(state, strict=True)
        ours = {path: x.shape for path, x in case.build(nn).state_dict().items()}
        assert ours == {path: tuple(x.shape) for path, x in state.items()}, "the states differ"
    xs = [torch.tensor(x.astype(dtype) if x.dtype.kind == "f" else x) for x in case.xs]
    wanted = [x.requires_grad_() for x in xs if x.is_floating_point()]
    ys = [y for y in tensors(case.call(THEIR_FUNCTIONAL if module is None else module, *xs)) if y.is_floating_point()]
    arrays = [y.detach().numpy() for y in ys]
    total = sum((y * torch.tensor(w)).sum() for y, w in zip(ys, weights(case, arrays), strict=True))
    parameters = [] if module is None else sorted(module.named_parameters())
    names = [str(i) for i, x in enumerate(xs) if x.is_floating_point()] + [path for path, _ in parameters]
    wanted += [p for _, p in parameters]
    gs = torch.autograd.grad(total, wanted, allow_unused=True) if wanted else []
    got = {f"output {i}": np.array(y) for i, y in enumerate(arrays)}
    for name, x, g in zip(names, wanted, gs, strict=True):
        got[f"gradient of {name}"] = np.zeros(tuple(x.shape)) if g is None else g.numpy()
    if module is not None:
        got |= {f"buffer {path}": np.array(b) for path, b in sorted(module.named_buffers())}
    return got


def compare(case: Case, dtype: type) -> dict[str, np.ndarray]:
    """PyTorch's results; raises where ours differ."""
    expected, got = theirs(case, dtype), results(case, dtype)
    assert got.keys() == expected.keys(), f"{sorted(got)} and {sorted(expected)}"
    scale = max((np.max(np.abs(x), initial=0) for x in expected.values()), default=1)
    for name, x in expected.items():
        assert np.shape(got[name]) == np.shape(x), f"{name}: shape {np.shape(got[name])}, PyTorch's {np.shape(x)}"
        np.testing.assert_allclose(
            got[name], x, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * (scale + 1e-30), err_msg=name
        )
    return expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="of tests/nn/cases; all if none is named")
    parser.add_argument("--store", action="store_true", help="write PyTorch's digests for the tests")
    options = parser.parse_args()
    failures = count = 0
    for module in options.modules or MODULES:
        digests = {}
        for name in MODULES[module]:
            case = CASES[name]
            count += 1
            try:
                expected = compare(case, np.float64)
                compare(case, np.float32)
                digests[name] = digest(case, expected)
            except Exception as error:
                failures += 1
                print(f"{name}: {type(error).__name__}: {error}")
        if options.store:
            np.savez_compressed(REFERENCES / f"{module}.npz", **digests)
    print(f"{count - failures} of {count} rows equal PyTorch's {torch.__version__.partition('+')[0]}")
    if failures:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
