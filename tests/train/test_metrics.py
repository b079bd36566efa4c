"""Metrics: scikit-learn's numbers, batch by batch, in any number of batches."""

import copy
import json
import math

import numpy as np
import pytest

from calligrad import Value, softmax, train
from calligrad.train import AUC, F1, MAE, R2, RMSE, Accuracy, Average, Perplexity, TopK

RNG = np.random.default_rng(0)
LOGITS = np.round(RNG.standard_normal((60, 4)), 1)  # with ties
LABELS = RNG.integers(0, 3, 60)  # class 3 is chosen, but is never right
LABELS4 = RNG.integers(0, 4, 60)
SCORES, BINARY = np.round(RNG.random(60), 1), RNG.integers(0, 2, 60)
Y = RNG.standard_normal((60, 3))
T = Y + RNG.standard_normal((60, 3)) * 0.5 + 7
APART = np.random.default_rng(1).permutation(240).reshape(60, 4) * 1.0  # no ties: there scikit-learn has another rule
PROBABILITIES = softmax(LOGITS).round(9)  # so that ties stay ties, however the last bit is rounded

# scikit-learn 1.9.1: accuracy_score, top_k_accuracy_score, f1_score, roc_auc_score, exp of log_loss,
# mean_absolute_error, root_mean_squared_error of all numbers, r2_score
REFERENCES = {
    "accuracy": (Accuracy(), LOGITS, LABELS, 0.1),
    "accuracy of scores": (Accuracy(threshold=0.5), SCORES, BINARY, 0.43333333333333335),
    "accuracy of a column": (Accuracy(threshold=0.5), SCORES[:, None], BINARY, 0.43333333333333335),
    "accuracy of columns": (Accuracy(0.5), SCORES[:, None], BINARY[:, None].astype("f4"), 0.43333333333333335),
    "accuracy of classes": (Accuracy(), LOGITS.argmax(axis=1), LABELS, 0.1),
    "top 1": (TopK(1), APART, LABELS4, 0.26666666666666666),
    "top 2": (TopK(2), APART, LABELS4, 0.5833333333333334),
    "top 3": (TopK(3), APART, LABELS4, 0.7666666666666667),
    "top 4": (TopK(4), LOGITS, LABELS4, 1.0),
    "f1 macro": (F1(), LOGITS, LABELS, 0.08346649355837411),
    "f1 micro": (F1("micro"), LOGITS, LABELS, 0.1),
    "f1 weighted": (F1("weighted"), LOGITS, LABELS, 0.11157328805885681),
    "f1 of classes": (F1("weighted"), LOGITS.argmax(axis=1), LABELS, 0.11157328805885681),
    "f1 binary": (F1("binary", threshold=0.5), SCORES, BINARY, 0.43333333333333335),
    "auc": (AUC(), SCORES, BINARY, 0.4521690767519466),
    "auc of a column": (AUC(), SCORES[:, None], BINARY[:, None].astype(float), 0.4521690767519466),
    "auc of two columns": (AUC(), np.stack([1 - SCORES, SCORES], axis=1), BINARY, 0.4521690767519466),
    "auc of probabilities": (AUC(), PROBABILITIES, LABELS4, 0.5038456753898999),
    "auc of logits": (AUC(logits=True), APART / 100, LABELS4, 0.5303034527617718),  # by its definition, pair by pair
    "perplexity": (Perplexity(), LOGITS, LABELS4, 5.367171201344515),
    "mae": (MAE(), Y, T, 6.956382427850691),
    "rmse": (RMSE(), Y, T, 6.972991707039705),
    "r2": (R2(), Y, T, -43.21437071838969),
    "r2 of one output": (R2(), Y[:, 0], T[:, 0], -63.89811291247922),
    "r2 of a constant": (R2(), np.array([1.0, 2.0]), np.ones(2), 0.0),
    "r2 of a constant, exact": (R2(), np.ones(2), np.ones(2), 1.0),
}
cases = pytest.mark.parametrize(("metric", "output", "target", "expected"), REFERENCES.values(), ids=REFERENCES.keys())


@cases
def test_scikit_learns_numbers_for_any_batches(metric, output, target, expected):
    for cuts in ([], [len(target) // 2], [1], list(range(len(target)))):
        metric.reset()
        for y, t in zip(np.split(output, cuts), np.split(target, cuts)):
            metric.update(y, t)
        assert metric.result() == pytest.approx(expected, rel=1e-12)


@cases
def test_a_state_that_was_saved_goes_on(tmp_path, metric, output, target, expected):
    cut = len(target) // 3
    metric.reset()
    metric.update(output[:cut], target[:cut])
    train.save(tmp_path / "metric.npz", metric.state_dict())
    again = copy.deepcopy(metric)
    again.reset()
    again.load_state_dict(train.load(tmp_path / "metric.npz"))
    for m in (metric, again):
        m.update(output[cut:], target[cut:])
    assert again.result() == metric.result() == pytest.approx(expected)


@cases
def test_a_result_is_a_float_before_and_after(metric, output, target, expected):
    metric.reset()
    assert math.isnan(metric.result())
    metric.update(Value(output) if output.dtype.kind == "f" else output, target)
    metric.update(output[:0], target[:0])
    assert type(metric.result()) is float
    json.dumps({metric.name: metric.result()})


def test_an_average_by_weight():
    loss = Average()
    assert math.isnan(loss.result())
    for number, weight in ((1.0, 3), (np.float32(2.0), 1), (math.nan, 0)):
        loss.update(number, weight)
    assert loss.result() == 1.25
    with pytest.raises(ValueError, match="one number and its weight"):
        loss.update(np.ones(2), 1)
    with pytest.raises(ValueError, match="a weight is not negative"):
        loss.update(1.0, -1)


def test_classes_are_the_second_axis():
    scores = RNG.standard_normal((2, 3, 4, 5))
    labels = scores.argmax(axis=1)
    labels[0, 0, 0] = (labels[0, 0, 0] + 1) % 3
    for metric in (Accuracy(), TopK(1)):
        metric.update(scores, labels)
        assert metric.result() == 39 / 40


def test_perplexity_leaves_out_what_is_to_be_ignored():
    some, all_of_them = Perplexity(), Perplexity()
    some.update(LOGITS, np.where(np.arange(60) < 20, -100, LABELS4))
    all_of_them.update(LOGITS[20:], LABELS4[20:])
    assert some.result() == pytest.approx(all_of_them.result(), rel=1e-14)


def test_perplexity_of_certain_and_impossible():
    perplexity = Perplexity()
    perplexity.update(np.array([[1e5, 0.0]]), np.array([1]))
    assert perplexity.result() == math.inf


def test_equal_scores_are_no_favour():
    """A model that says the same of all classes is not right by that."""
    top, auc = TopK(1), AUC()
    top.update(np.zeros((4, 4)), np.arange(4))
    auc.update(np.zeros(4), np.array([0, 1, 0, 1]))
    assert (top.result(), auc.result()) == (0.25, 0.5)


def test_nan_is_not_among_the_highest():
    top = TopK(2)
    top.update(np.full((3, 4), np.nan), np.zeros(3, int))
    assert top.result() == 0.0


def test_auc_without_a_pair_is_nan():
    auc = AUC()
    auc.update(np.array([0.1, 0.2]), np.array([1, 1]))
    assert math.isnan(auc.result())


def test_r2_far_from_zero():
    """Sums of squares would have nothing left of the variance."""
    r2, far = R2(), 1e8
    for i in range(0, 60, 7):
        r2.update(Y[i : i + 7, 0] + far, T[i : i + 7, 0] + far)
    assert r2.result() == pytest.approx(-63.89811291247922, rel=1e-6)


@pytest.mark.parametrize(
    ("metric", "output", "target", "says"),
    [
        (Accuracy(), np.ones((3, 2)), np.ones(4, int), r"scores \(3, 2\) and labels \(4,\)"),
        (Accuracy(), np.ones(3), np.ones(3, int), r"needs a threshold: Accuracy\(threshold=0\) for logits"),
        (Accuracy(), np.ones((3, 2)), np.array([0, 2, 1]), "the label at 1 is 2, not one of 0 to 1"),
        (Accuracy(0.0), np.ones(3), np.array([0, 1, 2]), "the label at 2 is 2, not one of 0 to 1"),
        (Accuracy(), np.ones((2, 3, 4)), np.full((2, 4), -1), r"the label at \(0, 0\) is -1"),
        (Accuracy(), np.ones((3, 2)), np.array([0.5, 0, 1]), "labels are integers, not float64"),
        (TopK(), np.ones((3, 2)), np.zeros(3, int), "k is 5, and there are 2 classes"),
        (F1("binary"), np.ones((3, 3)), np.zeros(3, int), "for two classes, and there are 3"),
        (AUC(), np.ones((3, 3)), np.zeros(3, int), r"do not sum to 1; take AUC\(logits=True\)"),
        (AUC(), np.ones(3), np.zeros(4, int), r"not scores \(3,\) and labels \(4,\)"),
        (AUC(), np.array([np.nan]), np.zeros(1, int), "a score is NaN"),
        (Perplexity(), np.ones((3, 2)), np.array([0, 1, 5]), "the label at 2 is 5"),
        (MAE(), np.ones((3, 1)), np.ones(3), r"of shape \(3, 1\) and a target of shape \(3,\) differ"),
        (RMSE(), np.ones((3, 1)), np.ones(3), "differ"),
        (R2(), np.ones((3, 1)), np.ones(3), "differ"),
        (R2(), np.ones(()), np.ones(()), "a batch has rows"),
    ],
)
def test_what_does_not_fit(metric, output, target, says):
    before = json.dumps(metric.state_dict(), default=np.ndarray.tolist)
    with pytest.raises((ValueError, TypeError), match=says):
        metric.update(output, target)
    assert json.dumps(metric.state_dict(), default=np.ndarray.tolist) == before


def test_options_that_cannot_be():
    with pytest.raises(ValueError, match="k is a whole number of at least 1, not 0"):
        TopK(0)
    with pytest.raises(ValueError, match="average is"):
        F1("mean")
