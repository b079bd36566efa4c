"""Every row of the tables of layers, losses and functions as a compiled step: what eager mode gives."""

import copy

import numpy as np
import pytest

import calligrad
from calligrad import Value, gradients, nn
from calligrad.compiler.traced import CaptureError
from tests.nn.cases import CASES, MODULES
from tests.nn.results import build, outputs, weights

CALLS = 4  # two captures, the second of which confirms the first, and two runs of the program
NOT_CAPTURED = {  # rows whose shapes hang on the contents of an argument, and the way out that is named
    "one_hot of its own width": "give num_classes",
    "ctc_loss in a row": r"targets \(N, S\)",
}
ROUNDED = {  # rows that divide by a deviation which is small beside the numbers: float32 leaves them fewer digits
    "LayerNorm far from 0": 1e-5,
    "InstanceNorm1d track_running_stats=True": 1e-5,
    "TransformerDecoderLayer with masks": 1e-5,
}
ROWS = [name for name in CASES if name not in NOT_CAPTURED]
NARROW = {  # what networks are mostly made of; the others go the same ways, and the table takes 15 s
    name
    for module in ("activations", "normalization", "conv", "attention", "recurrent", "classification", "pooling")
    for name in MODULES[module]
}


class Step:
    """A row of the table as a training step without an optimizer: outputs, gradients, and buffers that change."""

    def __init__(self, case, dtype):
        self.case, self.dtype = case, dtype
        self.module = build(case, dtype)
        self.parameters = [] if self.module is None else [p for _, p in sorted(self.module.named_parameters())]
        self.buffers = [] if self.module is None else [b for _, b in sorted(self.module.named_buffers())]
        ys = outputs(case, copy.deepcopy(self.module), [self.value(x) for x in self.numbers(0)])
        self.weights = weights(case, ys)

    def numbers(self, call):
        """The inputs of a call, others in each."""
        rng = self.case.rng(f"call {call}" if call else "")
        drawn = [np.asarray(draw(rng)) for draw in self.case.draws]
        return [x.astype(self.dtype) if x.dtype.kind == "f" else x for x in drawn]

    @staticmethod
    def value(x):
        return Value(x) if x.dtype.kind == "f" else x

    def __call__(self, *arrays):
        xs = list(map(self.value, arrays))
        ys = outputs(self.case, self.module, xs)
        total = sum(np.sum(y * w) for y, w in zip(ys, self.weights, strict=True))
        wanted = [*(x for x in xs if isinstance(x, Value)), *self.parameters]
        gs = gradients(total, wanted) if isinstance(total, Value) and wanted else []
        return [y.data if isinstance(y, Value) else y for y in ys], gs

    def results(self, f, call):
        """What ``f``, this step or it compiled, makes of the inputs of a call; and the buffers after it."""
        calligrad.random.seed(call)
        ys, gs = f(*self.numbers(call))
        return [np.array(x.data if isinstance(x, Value) else x) for x in (*ys, *gs, *self.buffers)]


def assert_compiled_is_eager(case, dtype, tolerance):
    eager, step = Step(case, dtype), Step(case, dtype)
    compiled = calligrad.compile(step, backend="numpy")
    for call in range(CALLS):
        expected, got = eager.results(eager, call), step.results(compiled, call)
        scale = max((np.max(np.abs(x), initial=0, where=np.isfinite(x)) for x in expected), default=0)
        for x, y in zip(expected, got, strict=True):
            assert (y.shape, y.dtype) == (x.shape, x.dtype)
            np.testing.assert_allclose(y, x, rtol=0, atol=tolerance * scale, err_msg=f"call {call}")


@pytest.mark.parametrize("name", ROWS)
def test_every_row_in_float64(name):
    assert_compiled_is_eager(CASES[name], np.float64, 1e-13)


@pytest.mark.parametrize("name", [name for name in ROWS if name in NARROW | ROUNDED.keys()])
def test_the_usual_rows_in_float32(name):
    assert_compiled_is_eager(CASES[name], np.float32, ROUNDED.get(name, 1e-6))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Dropout(0.3),
        nn.Dropout2d(0.3),
        nn.AlphaDropout(0.3),
        nn.RReLU(),
        nn.FractionalMaxPool2d(2, output_ratio=0.6),
        nn.TransformerEncoderLayer(6, 2, 4, dropout=0.3, batch_first=True),
        nn.LSTM(6, 3, num_layers=2, dropout=0.3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_that_draw_draw_what_eager_does(layer):
    def step(x):
        x = Value(x)
        y = layer(x)
        y = y[0] if isinstance(y, tuple) else y
        return [y.data, *gradients(np.sum(y**3), [x])]

    compiled = calligrad.compile(step, backend="numpy")
    shape = (5, 4, 6) if isinstance(layer, (nn.LSTM, nn.TransformerEncoderLayer)) else (2, 3, 6, 7)
    for call in range(CALLS):
        x = np.random.default_rng(call).standard_normal(shape)
        results = []
        for f in (step, compiled):
            calligrad.random.seed(call)
            results.append([np.asarray(y) for y in f(x)])
        for expected, got in zip(*results, strict=True):
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6 * np.max(np.abs(expected)))


@pytest.mark.parametrize(("name", "way_out"), NOT_CAPTURED.items())
def test_what_is_not_captured_names_a_way_out(name, way_out):
    step = Step(CASES[name], np.float64)
    with pytest.raises(CaptureError, match=way_out):
        step.results(calligrad.compile(step, backend="numpy"), 0)


def test_what_a_layer_refuses_is_refused_in_every_run():
    table = np.ones((3, 2))
    look_up = calligrad.compile(lambda indices: nn.functional.embedding(indices, table), backend="numpy")
    for _ in range(CALLS):
        look_up(np.array([0, 2]))
    with pytest.raises(ValueError, match="3 at index 1 is not among the rows 0 to 2"):
        look_up(np.array([0, 3]))
