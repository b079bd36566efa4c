"""doctor: each silent mistake is found and named, a healthy model passes, and nothing is changed."""

import numpy as np
import pytest

import calligrad as cg
from calligrad import doctor, nn, optim
from calligrad.nn.functional import mse_loss

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


BAD = X.copy()
BAD[3, 1] = np.nan
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
    "dead": (dead, X, NUMBERS, mse_loss, "warning", "32 of 32 units behind a ReLU"),
    "exactly 0": (dead, X, NUMBERS, mse_loss, "warning", "the gradient of 0.weight, 0.bias, 2.weight is exactly 0"),
    "across the batch": (AcrossTheBatch, X, NUMBERS, mse_loss, "error", "changes with the other examples"),
    "a root at 0": (Root, X, NUMBERS, mse_loss, "error", "the backward pass fails: backward of Sqrt() made"),
    "too few features": (net, X[:, :3], LABELS, nn.CrossEntropyLoss(), "error", "the model fails: "),
    "no number": (lambda: net(1), X, NUMBERS, lambda a, b: a - b, "error", "has shape (32, 1)"),
    "an empty batch": (lambda: net(1), X[:0], NUMBERS[:0], broadcasting, "error", "the input is empty"),
}


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
@pytest.mark.parametrize(("build", "x", "y", "loss", "kind", "words"), SICK.values(), ids=SICK)
def test_what_is_wrong_is_found(build, x, y, loss, kind, words):
    report = doctor(build(), (x, y), loss, steps=20)
    assert any(finding.kind == kind and words in finding.what for finding in report.findings), str(report)
    assert all(finding.advice for finding in report.findings)


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

    assert not doctor(Two(), ((X, X), NUMBERS), mse_loss, steps=50).errors


def test_wrong_arguments():
    with pytest.raises(TypeError, match="the model is a Module, not function"):
        doctor(np.mean.__wrapped__, (X, LABELS), mse_loss)
    with pytest.raises(TypeError, match=r"the batch is a pair \(x, y\)"):
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
