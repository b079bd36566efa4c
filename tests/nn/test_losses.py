"""Losses: what they refuse, nothing as input, far-out numbers, and sequences counted by hand."""

import itertools

import numpy as np
import pytest

import calligrad as cg
from calligrad import Value, grad, nn
from calligrad.nn import functional as F

X = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])
UNIT = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
ONES = np.ones((2, 3))
LABELS = np.array([2, 0])


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "name",
    [
        "l1_loss", "mse_loss", "huber_loss", "smooth_l1_loss", "poisson_nll_loss", "binary_cross_entropy", "kl_div",
        "binary_cross_entropy_with_logits", "soft_margin_loss", "hinge_embedding_loss", "multilabel_margin_loss",
        "multilabel_soft_margin_loss",
    ],
)  # fmt: skip
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_nothing_broadcasts(name, reduction):
    with pytest.raises(ValueError, match=r"\(3, 1\).*\(3,\)"):
        getattr(F, name)(np.full((3, 1), 0.5), np.full(3, 0.5), reduction=reduction)
    with pytest.raises(ValueError, match=r"reduction.*'max'"):
        getattr(F, name)(ONES, ONES, reduction="max")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: F.cross_entropy(X, np.array([0, 3])),
            ValueError,
            "label 3 at index 1 is not among the classes 0 to 2",
        ),
        (lambda: F.nll_loss(X, np.array([-1, 0])), ValueError, "label -1 at index 0"),
        (lambda: F.cross_entropy(X[..., None], np.array([[0], [7]])), ValueError, r"label 7 at index \(1, 0\)"),
        (lambda: F.cross_entropy(X, np.array([5, 0]), ignore_index=4), ValueError, "label 5"),
        (lambda: F.cross_entropy(X, np.array([0.0, np.nan])), TypeError, "labels are integers"),
        (lambda: F.nll_loss(X, np.array([0.0, np.nan])), TypeError, "float64"),
        (lambda: F.cross_entropy(X, np.array([[0.5, 0.5]])), TypeError, "probabilities"),
        (lambda: F.cross_entropy(X, -UNIT), ValueError, r"-0.1 at index \(0, 0\)"),
        (lambda: F.cross_entropy(X, np.where(UNIT > 0.5, np.nan, UNIT)), ValueError, "nan"),
        (lambda: F.cross_entropy(X, LABELS, np.ones(2)), ValueError, "each of 3 classes"),
        (lambda: F.cross_entropy(X, LABELS, "mean"), ValueError, "weight"),
        (lambda: F.cross_entropy(X, LABELS, label_smoothing=2), ValueError, "label_smoothing"),
        (lambda: F.binary_cross_entropy(UNIT, 2 * ONES), ValueError, r"target 2.0 at index \(0, 0\)"),
        (lambda: F.binary_cross_entropy(UNIT, ONES * np.nan), ValueError, "target nan"),
        (lambda: F.binary_cross_entropy(X, UNIT), ValueError, r"prediction -2.0 at index \(0, 1\)"),
        (lambda: F.binary_cross_entropy_with_logits(X, -UNIT), ValueError, "target -0.1"),
        (lambda: F.binary_cross_entropy_with_logits(X, UNIT, np.ones(2)), ValueError, r"weight.*\(2,\).*\(2, 3\)"),
        (lambda: F.binary_cross_entropy_with_logits(X, UNIT, np.ones((5, 2, 3))), ValueError, r"\(5, 2, 3\)"),
        (lambda: F.kl_div(X, -UNIT), ValueError, "-0.1"),
        (lambda: F.poisson_nll_loss(X, X), ValueError, r"-2.0 at index \(0, 1\) is negative"),
        (lambda: F.gaussian_nll_loss(X, X, -ONES), ValueError, "negative"),
        (lambda: F.gaussian_nll_loss(X, X, np.ones(3)), ValueError, r"\(3,\)"),
        (lambda: F.hinge_embedding_loss(X, 0 * ONES), ValueError, "neither 1 nor -1"),
        (lambda: F.soft_margin_loss(X, 0 * ONES), ValueError, "neither 1 nor -1"),
        (lambda: F.margin_ranking_loss(X, X, ONES[0]), ValueError, r"\(2, 3\).*\(3,\)"),
        (lambda: F.margin_ranking_loss(X, X[0], ONES), ValueError, r"\(2, 3\).*\(3,\)"),
        (lambda: F.cosine_embedding_loss(X, X, ONES), ValueError, r"target \(N,\)"),
        (lambda: F.multi_margin_loss(X, np.array([0, 3])), ValueError, "label 3 at index 1"),
        (lambda: F.multi_margin_loss(X, LABELS, p=3), ValueError, "p is 1 or 2"),
        (lambda: F.multilabel_margin_loss(X, np.full((2, 3), 3)), ValueError, "label 3"),
        (lambda: F.multilabel_margin_loss(X, X), TypeError, "integers"),
        (lambda: F.triplet_margin_loss(X, X, X[:1]), ValueError, "anchor.*negative"),
        (lambda: F.triplet_margin_loss(X, X, X, margin=0), ValueError, "margin"),
        (lambda: F.huber_loss(X, X, delta=0), ValueError, "delta"),
        (lambda: F.mse_loss(X, X, weight=np.ones(3)), ValueError, r"\(3,\)"),
        (lambda: F.mse_loss(np.float64(1), None), TypeError, "a Value holds numbers, not None"),
        (lambda: F.l1_loss(Value(1.0), None), TypeError, "NoneType"),
        (lambda: F.multilabel_soft_margin_loss(np.float64(1), np.float64(1)), ValueError, "not a single number"),
        (lambda: nn.CrossEntropyLoss()(X, np.array([0, 3])), ValueError, "label 3"),
        (lambda: nn.MSELoss("max"), ValueError, "'max'"),
        (lambda: F.ctc_loss(np.zeros((4, 1, 3)), [[0]], [4], [1]), ValueError, "label 0.*blank"),
        (lambda: F.ctc_loss(np.zeros((4, 1, 3)), [[3]], [4], [1]), ValueError, "label 3"),
        (lambda: F.ctc_loss(np.zeros((4, 1, 3)), [[1]], [5], [1]), ValueError, "input length 5"),
        (lambda: F.ctc_loss(np.zeros((4, 1, 3)), [[1]], [4], [2]), ValueError, r"targets \(1, 2\)"),
        (lambda: F.ctc_loss(np.zeros((4, 1, 3)), [[1]], [4, 4], [1]), ValueError, "lengths"),
        (lambda: F.ctc_loss(np.zeros((4, 1, 3)), [[1.0]], [4], [1]), TypeError, "integers"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


# ---------------------------------------------------------------- nothing


@pytest.mark.parametrize(
    ("f", "draws"),
    [
        (F.mse_loss, (ONES[:0], ONES[:0])),
        (F.l1_loss, (ONES[:0], ONES[:0])),
        (F.binary_cross_entropy, (ONES[:0], ONES[:0])),
        (F.kl_div, (ONES[:0], ONES[:0])),
        (F.cross_entropy, (ONES[:0], LABELS[:0])),
        (F.cross_entropy, (ONES[:0], ONES[:0])),
        (F.nll_loss, (ONES[:0], LABELS[:0])),
        (F.multi_margin_loss, (ONES[:0], LABELS[:0])),
        (F.triplet_margin_loss, (ONES[:0], ONES[:0], ONES[:0])),
        (F.cosine_embedding_loss, (ONES[:0], ONES[:0], ONES[:0, 0])),
        (F.ctc_loss, (np.ones((4, 0, 3)), np.ones((0, 2), int), LABELS[:0], LABELS[:0])),
    ],
)
def test_the_mean_of_nothing_is_nan_and_the_sum_is_zero(f, draws):
    x, *rest = draws
    v = Value(x)
    loss = f(v, *rest)
    assert np.isnan(loss.data)
    loss.backward()
    assert v.grad.shape == x.shape
    assert f(x, *rest, reduction="sum") == 0
    assert f(x, *rest, reduction="none").size == 0


def test_where_all_labels_are_ignored():
    labels = np.array([-100, -100])
    assert np.isnan(F.cross_entropy(X, labels))
    assert F.cross_entropy(X, labels, reduction="sum") == 0
    np.testing.assert_array_equal(grad(lambda x: F.cross_entropy(x, labels, reduction="sum"))(X), 0 * X)


# ---------------------------------------------------------------- numbers


def test_losses_keep_float32_and_take_lists():
    x = X.astype("f4")
    for loss in (
        F.cross_entropy(x, [2, 0]),
        F.cross_entropy(x, [2, 0], np.ones(3), label_smoothing=0.1),
        F.binary_cross_entropy_with_logits(x, UNIT.astype("f4"), np.ones(3), pos_weight=[1.0, 2.0, 3.0]),
        F.huber_loss(x, x),
        F.gaussian_nll_loss(x, x, 0.5, full=True),
        F.soft_margin_loss(x, np.ones((2, 3), int)),
        F.ctc_loss(np.zeros((4, 1, 3), "f4"), [[1]], [4], [1]),
    ):
        assert loss.dtype == np.float32
    assert F.mse_loss([1.0, 3.0], [1.0, 1.0]) == 2.0


@pytest.mark.parametrize(
    "loss",
    [
        F.l1_loss, F.mse_loss, F.huber_loss, F.smooth_l1_loss, F.poisson_nll_loss, F.binary_cross_entropy, F.kl_div,
        F.binary_cross_entropy_with_logits, F.multilabel_soft_margin_loss,
        lambda x, target, **keywords: F.gaussian_nll_loss(x, target, target + 1, **keywords),
        lambda x, target, **keywords: F.poisson_nll_loss(x, target, full=True, **keywords),
        lambda x, target, **keywords: F.binary_cross_entropy_with_logits(x, target, pos_weight=[1, 2, 3], **keywords),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_targets_of_integers_do_not_change_the_precision(loss, dtype):
    x, target = Value(UNIT.astype(dtype)), np.array([[0, 1, 0], [1, 1, 0]])
    for reduction in "mean", "sum", "none":
        got, same = loss(x, target, reduction=reduction), loss(x, target.astype(dtype), reduction=reduction)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got.data, same.data)


def test_equal_scores_are_told_apart():
    x, y = Value(np.zeros(2)), Value(np.zeros(2))
    F.margin_ranking_loss(x, y, np.array([1, -1]), reduction="sum").backward()
    np.testing.assert_array_equal(x.grad, [-1, 1])
    np.testing.assert_array_equal(y.grad, [1, -1])
    for f in (
        lambda x: F.hinge_embedding_loss(x, -np.ones(1), margin=0.0),
        lambda x: F.triplet_margin_with_distance_loss(
            x, x, np.ones(1), margin=1.0, distance_function=lambda a, b: np.abs(a - b)
        ),
        lambda x: F.cosine_embedding_loss(x * [[1.0, 0.0]] + [[0.0, 1.0]], np.array([[1.0, 0.0]]), [-1]),
    ):
        assert f(np.zeros(1)) == 0
        assert grad(f)(np.zeros(1)) != 0


def test_cross_entropy_of_huge_logits():
    x = np.array([[1e4, 0.0], [0.0, 1e4]])
    np.testing.assert_array_equal(F.cross_entropy(x, np.array([0, 0]), reduction="none"), [0, 1e4])
    g = grad(lambda x: F.cross_entropy(x, np.array([0, 0])))(x)
    np.testing.assert_array_equal(g, [[0, 0], [-0.5, 0.5]])


def test_cross_entropy_takes_labels_of_every_integer_kind():
    expected = F.cross_entropy(X, LABELS)
    for labels in ([2, 0], (2, 0), np.array([2, 0], np.uint8), np.array([2, 0], np.int16), Value([2, 0])):
        assert F.cross_entropy(X, labels) == expected
    np.testing.assert_allclose(F.cross_entropy(X[0], 2), F.cross_entropy(X[:1], [2]))


def test_cross_entropy_of_many_rows_is_that_of_each():
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((3000, 200)), rng.integers(0, 200, 3000)
    losses = F.cross_entropy(x, labels, reduction="none")
    np.testing.assert_allclose(losses[2999], F.cross_entropy(x[2999], labels[2999]))
    g = grad(lambda x: F.cross_entropy(x, labels, reduction="sum"))(x)
    np.testing.assert_allclose(g, cg.softmax(x) - np.eye(200)[labels], atol=1e-15)
    weighted = grad(lambda x: F.cross_entropy(x, labels, np.arange(200.0), reduction="sum"))(x)
    np.testing.assert_allclose(weighted, g * labels[:, None], atol=1e-12)


def test_labels_equal_one_hot_probabilities():
    hot, weight = np.eye(3)[LABELS], np.array([1.0, 2.0, 0.5])
    for settings in ({}, {"weight": weight}, {"label_smoothing": 0.3}, {"weight": weight, "label_smoothing": 0.3}):
        np.testing.assert_allclose(
            F.cross_entropy(X, LABELS, reduction="sum", **settings),
            F.cross_entropy(X, hot, reduction="sum", **settings),
        )


def test_what_is_ignored_need_not_be_a_number():
    x = np.array([[1.0, 2.0], [0.0, 1.0]])
    labels = np.array([1, -100])
    assert F.cross_entropy(x, labels) == F.cross_entropy(x[:1], labels[:1])


def test_weights_of_losses_are_buffers():
    for loss in (
        nn.CrossEntropyLoss([1.0, 2.0]),
        nn.NLLLoss([1.0, 2.0]),
        nn.BCELoss([1.0]),
        nn.MultiMarginLoss(weight=[1.0]),
    ):
        assert list(loss.state_dict()) == ["weight"]
        assert list(loss.parameters()) == []
    assert list(nn.BCEWithLogitsLoss(pos_weight=[1.0]).state_dict()) == ["pos_weight"]


def test_poisson_with_counts_of_zero_has_a_finite_gradient():
    counts = np.array([0.0, 1.0, 3.0])
    g = grad(lambda t: F.poisson_nll_loss(np.zeros(3), t, full=True))(counts)
    assert np.all(np.isfinite(g))


# ---------------------------------------------------------------- CTC


def read(layout, blank):
    """What a layout says: repetitions dropped, then blanks."""
    return [label for label, _ in itertools.groupby(layout) if label != blank]


@pytest.mark.parametrize("labels", [[], [1], [1, 1], [2, 1], [1, 2, 1], [1, 1, 1]])
@pytest.mark.parametrize("blank", [0, 3])
def test_ctc_sums_over_all_layouts(labels, blank):
    logs = cg.log_softmax(np.random.default_rng(0).standard_normal((4, 4)))
    layouts = (layout for layout in itertools.product(range(4), repeat=4) if read(layout, blank) == labels)
    total = sum(np.exp(logs[np.arange(4), list(layout)].sum()) for layout in layouts)
    loss = F.ctc_loss(logs, np.array(labels, int), 4, len(labels), blank=blank, reduction="sum")
    np.testing.assert_allclose(np.exp(-loss), total)


def test_ctc_where_the_labels_do_not_fit():
    logs = np.log(np.full((2, 1, 3), 1 / 3))
    assert F.ctc_loss(logs, [[1, 1]], [2], [2]) == np.inf
    assert np.all(np.isnan(grad(lambda x: F.ctc_loss(x, [[1, 1]], [2], [2]))(logs)))
    assert F.ctc_loss(logs, [[1, 1]], [2], [2], zero_infinity=True) == 0
    assert F.ctc_loss(logs, [[1]], [0], [1]) == np.inf
    assert F.ctc_loss(logs, [[1]], [0], [0], reduction="sum") == 0


def test_ctc_of_impossible_classes():
    with np.errstate(divide="ignore"):
        logs = np.log(np.array([[[0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]]]))
    np.testing.assert_allclose(F.ctc_loss(logs, [[1]], [2], [1]), -np.log(0.5))
    np.testing.assert_allclose(grad(lambda x: F.ctc_loss(x, [[1]], [2], [1]))(logs), [[[0, -1, 0]], [[-1, 0, 0]]])


def test_linear_cross_entropy_says_what_does_not_fit():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(4, 5\)"):
        F.linear_cross_entropy(X, np.ones((4, 5)), LABELS)
    with pytest.raises(ValueError, match="label 3 at index 1"):
        nn.LinearCrossEntropyLoss(3, 3)(X, np.array([0, 3]))
    assert nn.LinearCrossEntropyLoss(3, 4, dtype="f8")(X[:0], LABELS[:0]).dtype == np.float64


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize("settings", [{}, {"weight": np.ones(3)}, {"ignore_index": 0}])
def test_a_batch_of_ignored_labels_has_the_mean_nan_and_no_gradient(loss, settings):
    x = Value(np.zeros((2, 3)))
    mean = loss(x, np.full(2, settings.get("ignore_index", -100)), **settings)
    assert np.isnan(mean.data)
    mean.backward()
    np.testing.assert_array_equal(x.grad, 0)
    assert np.isnan(loss(np.zeros((0, 3)), np.zeros(0, int), **settings))


def test_label_smoothing_takes_integer_logits_too():
    np.testing.assert_allclose(
        F.cross_entropy(np.ones((3, 4), int), np.array([0, 1, 2]), label_smoothing=0.1), np.log(4), rtol=1e-12
    )
