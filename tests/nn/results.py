"""What calligrad makes of a row of the table of layers: outputs, gradients, state."""

from types import SimpleNamespace

import numpy as np

from calligrad import Value, gradients, nn
from calligrad.nests import leaves
from tests.nn.cases import Case

PROJECTIONS = 4


def build(case: Case, dtype=np.float64):
    """The module of a row, filled, or None."""
    if case.build is None:
        return None
    module = case.build(nn).train(case.training)
    for path, x in state(module):
        if x.dtype.kind == "f":
            start = case.start(path, x.shape).astype(dtype)
            x.data = start if start.ndim else np.array(start)
    return module


def state(module) -> list:
    return [] if module is None else sorted([*module.named_parameters(), *module.named_buffers()])


def inputs(case: Case, dtype=np.float64) -> list:
    return [Value(x.astype(dtype)) if x.dtype.kind == "f" else x for x in case.xs]


def outputs(case: Case, module, xs: list) -> list:
    """The floating outputs, as Values."""
    return [y for y in leaves(case.call(nn.functional if module is None else module, *xs)) if y.dtype.kind == "f"]


def weights(case: Case, ys: list) -> list[np.ndarray]:
    """The gradients to start from."""
    rng = case.rng("weights")
    return [rng.uniform(0.5, 1.5, np.shape(y)).astype(y.dtype) for y in ys]


def loss(case: Case, module, xs: list):
    """One number from all outputs."""
    ys = outputs(case, module, xs)
    return sum(np.sum(y * w) for y, w in zip(ys, weights(case, ys), strict=True))


def results(case: Case, dtype=np.float64) -> dict[str, np.ndarray]:
    """Outputs, gradients, and the buffers after the call, by name."""
    module, xs = build(case, dtype), inputs(case, dtype)
    ys = outputs(case, module, xs)
    parameters = [] if module is None else sorted(module.named_parameters())
    names = [str(i) for i, x in enumerate(xs) if isinstance(x, Value)] + [path for path, _ in parameters]
    wanted = [x for x in xs if isinstance(x, Value)] + [p for _, p in parameters]
    got = {f"output {i}": np.asarray(y.data if isinstance(y, Value) else y) for i, y in enumerate(ys)}
    total = sum(np.sum(y * w) for y, w in zip(ys, weights(case, ys), strict=True))
    gs = gradients(total, wanted) if isinstance(total, Value) and wanted else [np.zeros(w.shape) for w in wanted]
    got |= {f"gradient of {name}": np.asarray(g) for name, g in zip(names, gs, strict=True)}
    if module is not None:
        got |= {f"buffer {path}": np.array(b.data) for path, b in sorted(module.named_buffers())}
    return got


def digest(case: Case, got: dict[str, np.ndarray]) -> np.ndarray:
    """A line for each array: its size, its norm, and what it gives with a few random ones, to know it by."""

    def line(name: str, x: np.ndarray) -> np.ndarray:
        directions = case.rng(name).standard_normal((PROJECTIONS, x.size))
        flat = x.reshape(-1).astype(np.float64)
        return np.array([x.size, np.linalg.norm(flat), *(directions @ flat)])

    return np.array([line(name, x) for name, x in sorted(got.items())])


def torch_words(namespace):
    """``namespace`` of PyTorch, taking ``axis`` and ``keepdims``."""

    def translated(f):
        if not callable(f):
            return f

        def call(*args, **kwargs):
            words = {"axis": "dim", "keepdims": "keepdim"}
            return f(*args, **{words.get(key, key): x for key, x in kwargs.items()})

        return call

    names = {name: translated(x) for name, x in vars(namespace).items() if not name.startswith("_")}
    return SimpleNamespace(**names)
