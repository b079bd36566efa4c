"""doctor: each silent mistake is found and named, a healthy model passes, and nothing is changed."""

from functools import partial

import numpy as np
import pytest

import calligrad as cg
from calligrad import doctor, nn, optim
from calligrad.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    log_softmax,
    mse_loss,
    nll_loss,
    softplus,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((32, 4)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(np.int64)
NUMBERS = (2 * X[:, :1] - X[:, 1:2]).astype(np.float32)


def broadcasting(a, b):
    """A loss as one writes it by hand."""
    return np.mean((a - b) ** 2)


def net(out=2):
    cg.random.seed(0)
    return nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, out))


def test_a_healthy_model_passes_and_is_left_as_it_was():
    model = net()
    optimizer = optim.Adam(model.parameters())
    model[0].weight.grad = np.ones((32, 4), np.float32)
    before, draws = model.state_dict(), cg.random.generator().bit_generator.state
    report = doctor(model, (X, LABELS), nn.CrossEntropyLoss(), optimizer)
    assert report.healthy, str(report)
    assert "learns one batch by heart" in str(report)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    np.testing.assert_array_equal(model[0].weight.grad, 1)
    assert model[2].weight.grad is None
    assert model.training
    assert cg.random.generator().bit_generator.state == draws


class Hidden(nn.Module):
    def __init__(self):
        self.seen = nn.Linear(4, 8)
        self.in_a_set = {nn.Linear(8, 8)}
        last = nn.Linear(8, 1)
        self.function = lambda x: last(x)
        self.unused = nn.Linear(2, 2)

    def forward(self, x):
        return self.function(cg.relu(self.seen(x)))


class AcrossTheBatch(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(4, 1)

    def forward(self, x):
        return cg.softmax(self.linear(x), 0)


class Root(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(4, 1)

    def forward(self, x):
        return np.sqrt(np.square(self.linear(x)) * 0)


class Apart(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(4, 1)

    def forward(self, x):
        return self.linear(x).detach()


def deep():
    cg.random.seed(0)
    parts = [part for _ in range(12) for part in (nn.Linear(4, 4), nn.Sigmoid())]
    return nn.Sequential(*parts, nn.Linear(4, 1))


def dead():
    model = net(1)
    model[0].bias.data[...] = -100
    return model


def half_double():
    model = net(1)
    model[2].astype(np.float64)
    return model


class Bent(nn.Module):
    """A dead layer behind a ReLU that is written in one way or another."""

    def __init__(self, bend):
        self.first, self.bend, self.last = nn.Linear(4, 32), bend, nn.Linear(32, 1)
        self.first.bias.data[...] = -100

    def forward(self, x):
        return self.last(self.bend(self.first(x)))


class Slots:
    __slots__ = ("layer",)

    def __init__(self):
        self.layer = nn.Linear(4, 8)

    def __call__(self, x):
        return self.layer(x)


GLOBAL = nn.Linear(4, 8)


class Behind(nn.Module):
    """A head behind ``first``, which keeps its layer out of sight."""

    def __init__(self, first):
        self.first, self.head = first, nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.first(x))


class InAnArray(nn.Module):
    def __init__(self):
        self.layers, self.head = np.array([nn.Linear(4, 8), None], dtype=object), nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.layers[0](x))


class OfTheClass(nn.Module):
    shared = nn.Linear(4, 8)

    def __init__(self):
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.shared(x))


def with_head(out, head):
    return lambda: nn.Sequential(net(out), head)


BAD = X.copy()
BAD[3, 1] = np.nan
FLOATS = LABELS[:, np.newaxis].astype(np.float32)
COLUMNS = X * np.float32([1, 1, 1e-4, 1]) + np.float32([50, 0, 0, 0])
PICTURES = RNG.standard_normal((8, 1, 6, 6)).astype(np.float32)
HIDDEN = "arrays of shapes (8, 4), (8,) that require a gradient are hidden: Affine reads them"
TWICE = "the model ends in a softmax, and"
FLAT = "32 of 32 units behind"
SICK = {
    "labels from 1": (net, X, LABELS + 1, nn.CrossEntropyLoss(), "error", "labels go from 1 to 2, and the model has 2"),
    "labels below 0": (net, X, LABELS - 1, nn.CrossEntropyLoss(), "error", "labels go from -1 to 0"),
    "one label": (net, X, 0 * LABELS, nn.CrossEntropyLoss(), "warning", "all labels of this batch are 0"),
    "a softmax too many": (
        lambda: nn.Sequential(net(), nn.Softmax()),
        X,
        LABELS,
        nn.CrossEntropyLoss(),
        "error",
        "the model ends in a softmax",
    ),
    "broadcasting": (
        lambda: net(1),
        X,
        NUMBERS[:, 0],
        broadcasting,
        "error",
        "the prediction has shape (32, 1) and the target (32,): they broadcast to (32, 32)",
    ),
    "broadcasting that the loss refuses": (
        lambda: net(1),
        X,
        NUMBERS[:, 0],
        mse_loss,
        "error",
        "the prediction has shape (32, 1) and the target (32,)",
    ),
    "float64 input": (
        lambda: net(1),
        X.astype("f8"),
        NUMBERS,
        mse_loss,
        "warning",
        "the input is float64 and the model",
    ),
    "float64 target": (lambda: net(1), X, NUMBERS.astype("f8"), mse_loss, "warning", "the target is float64"),
    "scale": (lambda: net(1), 1000 * X + 5000, NUMBERS, mse_loss, "warning", "the input has mean 5"),
    "one number": (lambda: net(1), 0 * X + 2, NUMBERS, mse_loss, "warning", "the input is 2.0 everywhere"),
    "nan": (lambda: net(1), BAD, NUMBERS, mse_loss, "error", "1 numbers that are not finite, first at (3, 1)"),
    "nan target": (lambda: net(1), X, BAD[:, 1:2], mse_loss, "error", "the target has 1 numbers that are not finite"),
    "hidden in a set": (Hidden, X, NUMBERS, mse_loss, "error", "the Linear at model.in_a_set (set)[0] is hidden"),
    "hidden in a closure": (Hidden, X, NUMBERS, mse_loss, "error", "the Linear at model.function (closure).last is"),
    "without a gradient": (Hidden, X, NUMBERS, mse_loss, "error", "no gradient reaches unused.weight, unused.bias"),
    "cut off": (Apart, X, NUMBERS, mse_loss, "error", "has no way back to the parameters"),
    "frozen": (lambda: net(1).requires_grad_(False), X, NUMBERS, mse_loss, "error", "all parameters are frozen"),
    "nothing to learn": (nn.ReLU, X, X, mse_loss, "error", "ReLU has no parameters"),
    "eval": (lambda: net(1).eval(), X, NUMBERS, mse_loss, "warning", "the model is in eval mode"),
    "two precisions": (half_double, X, NUMBERS, mse_loss, "warning", "parameters have different precisions"),
    "vanishing": (deep, X, NUMBERS, mse_loss, "warning", "gradients vanish: 0.weight"),
    "cannot learn": (deep, X, NUMBERS, mse_loss, "warning", "does not learn one batch by heart"),
    "dead": (dead, X, NUMBERS, mse_loss, "warning", "32 of 32 units behind Relu of shape (32, 32) are flat"),
    "exactly 0": (dead, X, NUMBERS, mse_loss, "warning", "the gradient of 0.weight, 0.bias, 2.weight is exactly 0"),
    "across the batch": (AcrossTheBatch, X, NUMBERS, mse_loss, "warning", "changes with the other examples"),
    "a root at 0": (Root, X, NUMBERS, mse_loss, "error", "the backward pass fails: backward of Sqrt() made"),
    "too few features": (net, X[:, :3], LABELS, nn.CrossEntropyLoss(), "error", "the model fails: "),
    "no number": (lambda: net(1), X, NUMBERS, lambda a, b: a - b, "error", "has shape (32, 1)"),
    "logits for nll": (net, X, LABELS, nll_loss, "error", "(32, 2) looks like logits"),
    "probabilities for nll": (
        with_head(2, nn.Softmax(axis=1)),
        X,
        LABELS,
        lambda p, t: nll_loss(p, t),
        "error",
        "(32, 2) looks like probabilities",
    ),
    "hidden in a partial": (
        lambda: Behind(partial(lambda layer, x: layer(x), nn.Linear(4, 8))),
        X,
        NUMBERS,
        mse_loss,
        "error",
        HIDDEN,
    ),
    "hidden in slots": (lambda: Behind(Slots()), X, NUMBERS, mse_loss, "error", HIDDEN),
    "hidden in an array": (InAnArray, X, NUMBERS, mse_loss, "error", HIDDEN),
    "hidden in the class": (OfTheClass, X, NUMBERS, mse_loss, "error", HIDDEN),
    "hidden in a global": (lambda: Behind(lambda x: GLOBAL(x)), X, NUMBERS, mse_loss, "error", HIDDEN),
    "made in forward": (lambda: Behind(lambda x: nn.Linear(4, 8)(x)), X, NUMBERS, mse_loss, "error", HIDDEN),
    "a sigmoid too many": (
        with_head(1, nn.Sigmoid()),
        X,
        FLOATS,
        binary_cross_entropy_with_logits,
        "error",
        "between 0 and 1 already, made by Logistic()",
    ),
    "a sigmoid too many, weighted": (
        with_head(1, nn.Sigmoid()),
        X,
        FLOATS,
        nn.BCEWithLogitsLoss(pos_weight=np.ones(1, np.float32)),
        "error",
        "between 0 and 1 already",
    ),
    "a softmax in a lambda's": (
        with_head(2, nn.Softmax(axis=1)),
        X,
        LABELS,
        lambda p, t: cross_entropy(p, t),
        "error",
        TWICE,
    ),
    "a softmax in a partial's": (
        with_head(2, nn.Softmax(axis=1)),
        X,
        LABELS,
        partial(cross_entropy, label_smoothing=0.1),
        "error",
        TWICE,
    ),
    "a softmax of pictures": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 1), nn.Softmax(axis=1)),
        PICTURES,
        (PICTURES[:, 0] > 0).astype(int),
        cross_entropy,
        "error",
        TWICE,
    ),
    "broadcasting labels": (
        lambda: net(1),
        X,
        LABELS,
        broadcasting,
        "error",
        "the prediction has shape (32, 1) and the target (32,): they broadcast to (32, 32)",
    ),
    "dead maximum": (lambda: Bent(lambda h: np.maximum(h, 0)), X, NUMBERS, mse_loss, "warning", f"{FLAT} Maximum"),
    "dead where": (lambda: Bent(lambda h: np.where(h > 0, h, 0)), X, NUMBERS, mse_loss, "warning", f"{FLAT} Where"),
    "dead clip": (lambda: Bent(lambda h: np.clip(h, 0, 6)), X, NUMBERS, mse_loss, "warning", f"{FLAT} Clip"),
    "dead relu6": (lambda: Bent(nn.ReLU6()), X, NUMBERS, mse_loss, "warning", f"{FLAT} Clamp"),
    "saturated": (lambda: Bent(lambda h: cg.sigmoid(-h)), X, NUMBERS, mse_loss, "warning", f"{FLAT} Logistic"),
    "a column": (
        net,
        COLUMNS,
        LABELS,
        cross_entropy,
        "warning",
        "the input has mean 49.9 and standard deviation 0.902 in column 0",
    ),
    "a small column": (net, COLUMNS, LABELS, cross_entropy, "warning", "e-05 in column 2"),
    "a far target": (lambda: net(1), X, 5000 + NUMBERS, mse_loss, "warning", "the target has mean 5e+03 and"),
    "a negative loss that stays": (
        dead,
        X,
        NUMBERS,
        lambda p, t: np.mean((p - t) ** 2) - 100,
        "warning",
        "does not learn one batch by heart",
    ),
    "an empty batch": (lambda: net(1), X[:0], NUMBERS[:0], broadcasting, "error", "the input is empty"),
}


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
@pytest.mark.parametrize(("build", "x", "y", "loss", "kind", "words"), SICK.values(), ids=SICK)
def test_what_is_wrong_is_found(build, x, y, loss, kind, words):
    report = doctor(build(), (x, y), loss, steps=20)
    assert any(finding.kind == kind and words in finding.what for finding in report.findings), str(report)
    assert all(finding.advice for finding in report.findings)


class Digits(nn.Module):
    def __init__(self):
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3))
        self.head = nn.Linear(128, 3)

    def forward(self, x):
        return self.head(self.body(x))


class Last(nn.Module):
    def __init__(self):
        self.lstm, self.head = nn.LSTM(4, 16, batch_first=True), nn.Linear(16, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class ByHand(nn.Module):
    def __init__(self):
        self.to, self.back, self.head = nn.Linear(4, 16), nn.Linear(16, 16), nn.Linear(16, 2)

    def forward(self, x):
        h = cg.Value(np.zeros((len(x), 16), np.float32))
        for t in range(x.shape[1]):
            h = cg.tanh(self.to(x[:, t]) + self.back(h))
        return self.head(h)


class Language(nn.Module):
    def __init__(self):
        self.tokens, self.places = nn.Embedding(11, 16), nn.Embedding(8, 16)
        self.qkv, self.norm, self.head = nn.Linear(16, 48), nn.LayerNorm(16), nn.Linear(16, 11)
        self.mlp = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, tokens):
        x = self.tokens(tokens) + self.places(np.arange(tokens.shape[1]))
        q, k, v = np.split(self.qkv(self.norm(x)), 3, -1)
        seen = np.tril(np.ones((tokens.shape[1],) * 2, bool))
        x = x + cg.softmax(np.where(seen, q @ np.swapaxes(k, -1, -2) / 4, -np.inf)) @ v
        return self.head(x + self.mlp(x))


def of_tokens(logits, y):
    return cross_entropy(logits.reshape(-1, 11), y.reshape(-1))


class Autoencoder(nn.Module):
    def __init__(self):
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8))
        self.decoder = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 64))

    def forward(self, x):
        mean, log = np.split(self.encoder(x), 2, -1)
        noise = cg.random.generator().standard_normal(mean.shape).astype(np.float32) if self.training else 0
        return self.decoder(mean + np.exp(0.5 * log) * noise), mean, log


def evidence(outputs, x):
    picture, mean, log = outputs
    divergence = -0.5 * np.sum(1 + log - mean**2 - np.exp(log))
    return (binary_cross_entropy_with_logits(picture, x, reduction="sum") + divergence) / len(x)


class Pair(nn.Module):
    def __init__(self):
        self.net = net(8)

    def forward(self, a, b):
        return self.net(a), self.net(b)


def contrast(outputs, _):
    a, b = (z / np.sqrt(np.sum(z * z, axis=1, keepdims=True) + 1e-6) for z in outputs)
    return cross_entropy(a @ b.T / 0.5, np.arange(len(a)))


class Wrapped(nn.Module):
    def __init__(self):
        self.net = net()

    def forward(self, x):
        return self.net(cg.Value(x))


def uniform(*shape):
    return np.random.default_rng(1).uniform(size=shape).astype(np.float32)


GRAY = 0.2 + 0.5 * (np.abs(np.arange(64) - RNG.integers(0, 64, (32, 1))) < 8).astype(np.float32)
IGNORED = np.where(np.arange(32) % 5 == 0, -100, LABELS)
SERIES = RNG.standard_normal((16, 7, 4)).astype(np.float32)
TOKENS = RNG.integers(0, 11, (8, 9))
SPARSE = np.eye(30, dtype=np.float32)[RNG.integers(0, 30, 64)]
NOISE = X[:, :1] + 3 * RNG.standard_normal((32, 1)).astype(np.float32)
HEALTHY = {
    "ignored labels": (net, (X, IGNORED), cross_entropy),
    "ignored labels of a module": (net, (X, IGNORED), nn.CrossEntropyLoss(ignore_index=-100)),
    "ignored labels of a partial": (net, (X, np.maximum(IGNORED, -1)), partial(cross_entropy, ignore_index=-1)),
    "a sum": (net, (X, LABELS), nn.CrossEntropyLoss(reduction="sum")),
    "log-probabilities": (with_head(2, nn.LogSoftmax(axis=1)), (X, LABELS), nll_loss),
    "probabilities": (with_head(2, nn.Softmax(axis=1)), (X, LABELS), lambda p, t: nll_loss(np.log(p), t)),
    "log-softmax in the loss": (net, (X, LABELS), lambda p, t: nll_loss(log_softmax(p, 1), t)),
    "logits of two": (lambda: net(1), (X, FLOATS), binary_cross_entropy_with_logits),
    "pictures": (Digits, (uniform(16, 1, 6, 6), np.arange(16) % 3), cross_entropy),
    "a series": (Last, (SERIES, (SERIES[:, 0, 0] > 0).astype(int)), cross_entropy),
    "a state that starts at 0": (ByHand, (SERIES, (SERIES[:, 0, 0] > 0).astype(int)), cross_entropy),
    "language": (Language, (TOKENS[:, :-1], TOKENS[:, 1:]), of_tokens),
    "a floor": (Autoencoder, (GRAY, GRAY), evidence),
    "contrast": (Pair, (X, X + uniform(32, 4) / 10, None), contrast),
    "noise": (lambda: nn.Linear(4, 1), (X, NOISE), mse_loss),
    "a long way": (lambda: nn.Linear(4, 1), (X, 3 * X.sum(1, keepdims=True) + 5), mse_loss),
    "a regression": (lambda: net(1), (X, NUMBERS), mse_loss),
    "a column of the prediction": (lambda: net(1), (X, NUMBERS[:, 0]), lambda p, t: mse_loss(p[:, 0], t)),
    "a variance": (
        net,
        (X, NUMBERS[:, 0]),
        lambda p, t: np.mean((p[:, 0] - t) ** 2 / (softplus(p[:, 1]) + 0.1) + np.log(softplus(p[:, 1]) + 0.1)),
    ),
    "rare features": (
        lambda: nn.Linear(30, 2),
        (SPARSE, SPARSE[:, 0].astype(int) + SPARSE[:, 1].astype(int)),
        cross_entropy,
    ),
    "an input as a Value": (Wrapped, (X, LABELS), cross_entropy),
}


@pytest.mark.parametrize(("build", "batch", "loss"), HEALTHY.values(), ids=HEALTHY)
def test_what_is_healthy_raises_no_alarm(build, batch, loss):
    cg.random.seed(0)
    report = doctor(build(), batch, loss)
    assert report.healthy, str(report)


def test_a_graph_network_is_warned_of_its_neighbours_only():
    class Graph(nn.Module):
        def __init__(self):
            self.edges = uniform(32, 32) / 16
            self.net = net()

        def forward(self, x):
            return self.edges @ self.net(x)

    (finding,) = doctor(Graph(), (X, LABELS), cross_entropy).findings
    assert finding.kind == "warning"
    assert "In a graph network" in finding.advice


def test_what_is_hidden_is_told_once_and_with_the_line_that_reads_it():
    (error,) = doctor(InAnArray(), (X, NUMBERS), mse_loss, steps=1).errors
    assert "return self.head(self.layers[0](x))" in error.advice
    assert "(8, 8)" not in str(doctor(Hidden(), (X, NUMBERS), mse_loss, steps=1))


def test_an_optimizer_of_another_model():
    report = doctor(net(1), (X, NUMBERS), mse_loss, optim.SGD(net(1).parameters(), lr=0.1), steps=5)
    assert report.errors[0].what == "the optimizer has none of the model's parameters"


def test_an_optimizer_of_a_part_and_of_what_was_replaced():
    model = net(1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    setattr(model, "2", nn.Linear(32, 1))
    report = doctor(model, (X, NUMBERS), mse_loss, optimizer, steps=5)
    assert [finding.what.partition(":")[0] for finding in report.findings] == [
        "2 parameters are not in the optimizer and will not change",
        "the optimizer has 2 parameters that the model has not, of shapes (1, 32), (1,)",
    ]


def test_several_inputs():
    class Two(nn.Module):
        def __init__(self):
            self.net = net(1)

        def forward(self, a, b):
            return self.net(a + b)

    assert not doctor(Two(), (X, X, NUMBERS), mse_loss, steps=50).errors
    assert not doctor(Two(), {"b": X, "a": X, "y": NUMBERS}, mse_loss, steps=50).errors
    assert not doctor(net(1), {"x": X, "y": NUMBERS}, mse_loss, steps=50).errors


def test_wrong_arguments():
    with pytest.raises(TypeError, match="the model is a Module, not function"):
        doctor(np.mean.__wrapped__, (X, LABELS), mse_loss)
    with pytest.raises(TypeError, match=r"the batch is one that a loader gives, \(x, y\), .* not ndarray"):
        doctor(net(), X, mse_loss)
    with pytest.raises(TypeError, match="the loss is a function"):
        doctor(net(), (X, LABELS), "mse")


class TwoHeads(nn.Module):
    def __init__(self):
        self.a, self.b = nn.Linear(4, 2), nn.Linear(4, 1)

    def forward(self, x):
        return self.a(x), self.b(x)


def test_several_predictions_and_targets_are_compared_in_pairs():
    def both(predictions, targets):
        return nn.functional.cross_entropy(predictions[0], targets[0]) + broadcasting(predictions[1], targets[1])

    right = doctor(TwoHeads(), (X, (LABELS, NUMBERS)), both, steps=1)
    assert not right.errors, str(right)
    wrong = doctor(TwoHeads(), (X, (LABELS, NUMBERS[:, 0])), both, steps=1)
    assert "they broadcast to (32, 32)" in wrong.errors[0].what


class Scaled(nn.Module):
    def __init__(self):
        self.scale = cg.Value(np.ones((), np.float32))

    def forward(self, prediction, y):
        return nn.functional.cross_entropy(prediction * self.scale, y)


def test_a_loss_with_parameters_is_left_as_it_was():
    loss = Scaled()
    doctor(net(), (X, LABELS), loss, steps=1)
    assert loss.scale.grad is None


class Noisy(nn.Module):
    def __init__(self):
        self.linear, self.rng = nn.Linear(4, 2), np.random.default_rng(0)

    def forward(self, x):
        return self.linear(x) + self.rng.standard_normal((len(x), 2)).astype(np.float32)


def test_a_model_that_draws_in_eval_mode_is_told_and_its_generator_stands_where_it_stood():
    model = Noisy()
    report = doctor(model, (X, LABELS), nn.CrossEntropyLoss(), steps=1)
    assert "another prediction for the same batch each time" in str(report)
    assert not report.errors
    assert model.rng.random() == np.random.default_rng(0).random()


class Trains(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        if not self.training:
            raise RuntimeError("no running mean yet")
        return self.linear(x)


def test_a_model_that_fails_in_eval_mode_is_a_finding():
    report = doctor(Trains(), (X, LABELS), nn.CrossEntropyLoss(), steps=1)
    assert "then in eval mode fails: no running mean yet" in report.errors[0].what
