"""Every row of the table of layers: PyTorch's numbers, in float64 and float32, and its own second derivatives."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from calligrad import Value, gradients
from tests.nn.cases import CASES, MODULES
from tests.nn.results import build, digest, inputs, loss, results, state

REFERENCES = Path(__file__).parent / "references"
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@cache
def stored(module: str) -> dict[str, np.ndarray]:
    """PyTorch's digests by row, as ``python -m benchmarks.layers --store`` wrote them."""
    with np.load(REFERENCES / f"{module}.npz") as file:
        return dict(file)


@every_case
def test_the_numbers_are_those_of_pytorch(case):
    module = next(module for module, names in MODULES.items() if case.name in names)
    got = results(case)
    lines = zip(sorted(got), digest(case, got), stored(module)[case.name], strict=True)
    for name, line, expected in lines:
        np.testing.assert_allclose(line, expected, rtol=1e-9, atol=1e-9 * (expected[1] + 1), err_msg=name)


@every_case
def test_float32_stays_float32_and_is_close(case):
    got = results(case, np.float32)
    assert all(x.dtype != np.float64 for name, x in got.items() if not name.startswith("buffer"))
    exact = results(case)
    scale = max((np.max(np.abs(x), initial=0) for x in exact.values()), default=1.0)
    for name, x in got.items():
        np.testing.assert_allclose(x, exact[name], rtol=1e-5, atol=1e-5 * scale, err_msg=name)


@pytest.mark.parametrize(
    "case", [c for c in CASES.values() if c.order > 1], ids=[c.name for c in CASES.values() if c.order > 1]
)
def test_second_order_equals_differences_of_the_gradient(case):
    module, xs = build(case), inputs(case)
    buffers = [] if module is None else [(b, np.array(b.data)) for b in module.buffers()]
    wanted = [x for x in xs if isinstance(x, Value)] + [p for _, p in state(module) if p.requires_grad]
    rng = case.rng("direction")
    directions = [rng.standard_normal(x.shape) for x in wanted]
    starts = [np.array(x.data) for x in wanted]

    def slope(t: float, create_graph: bool = False):
        """The gradients after a step of ``t`` along the directions."""
        for b, before in buffers:
            b.data[...] = before
        for x, start, d in zip(wanted, starts, directions, strict=True):
            x.data = np.array(start + t * d)
        total = loss(case, module, xs)
        return gradients(total, wanted, create_graph=create_graph) if isinstance(total, Value) else None

    gs = slope(0.0, create_graph=True)
    assert gs is not None, "nothing to differentiate"
    along = sum(np.sum(g * d) for g, d in zip(gs, directions, strict=True))
    if isinstance(along, Value) and along.requires_grad:
        got = [np.asarray(h) for h in gradients(along, wanted)]
    else:
        got = [np.zeros(x.shape) for x in wanted]
    step = 1e-5
    expected = [(a - b) / (2 * step) for a, b in zip(slope(step), slope(-step), strict=True)]
    scale = max((np.max(np.abs(g), initial=0.0) for g in [*expected, *slope(0.0)]), default=1.0)
    for h, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(h, e, rtol=1e-6, atol=1e-6 * max(scale, 1e-3))
