"""Tables that are looked up: first numbers, frozen ones, errors, and what PyTorch has otherwise."""

import numpy as np
import pytest

from calligrad import Value, nn
from calligrad.nn import functional as F

TABLE = np.arange(12.0).reshape(4, 3)


def test_a_table_starts_normal_and_its_padding_as_zeros():
    table = nn.Embedding(2000, 10, padding_idx=-1, rng=np.random.default_rng(0))
    assert table.padding_idx == 1999
    assert not np.any(table.weight.data[-1])
    np.testing.assert_allclose([table.weight.data.mean(), table.weight.data.std()], [0, 1], atol=0.02)
    assert table.weight.dtype == np.float32


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_from_pretrained(kind):
    frozen, trained = kind.from_pretrained(TABLE), kind.from_pretrained(TABLE, freeze=False)
    assert not frozen.weight.requires_grad
    assert trained.weight.requires_grad
    assert frozen.weight.data is TABLE
    assert list(frozen.state_dict()) == ["weight"]
    with pytest.raises(ValueError, match=r"floating \(rows, n\), not int64 of shape \(3,\)"):
        kind.from_pretrained(np.arange(3))


@pytest.mark.parametrize("dtype", ["u1", "i4", "i8"])
def test_every_kind_of_integer(dtype):
    np.testing.assert_array_equal(F.embedding(np.array([3, 0], dtype), TABLE), TABLE[[3, 0]])
    np.testing.assert_array_equal(F.embedding(Value(np.array([3, 0], dtype)), TABLE), TABLE[[3, 0]])


def test_rows_that_are_looked_up_often_add_up():
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 5, (20, 30))
    weight = Value(rng.standard_normal((6, 4)).astype(np.float32))
    g = rng.standard_normal((20, 30, 4)).astype(np.float32)
    y = F.embedding(indices, weight)
    y.grad = g
    y.backward()
    expected = np.zeros((6, 4))
    np.add.at(expected, indices, g)
    np.testing.assert_allclose(weight.grad, expected, atol=1e-5)
    assert weight.grad.dtype == np.float32


def test_max_norm_writes_into_the_table_only_where_it_is_looked_up():
    table = nn.Embedding.from_pretrained(TABLE.copy(), max_norm=1.0)
    table(np.array([1, 1]))
    np.testing.assert_allclose(np.linalg.norm(table.weight.data[1]), 1)
    np.testing.assert_array_equal(table.weight.data[2:], TABLE[2:])


def test_scale_grad_by_freq_of_bags_counts_each_row():
    weight = Value(TABLE.copy())
    np.sum(F.embedding_bag([[0, 1], [1, 1]], weight, mode="sum", scale_grad_by_freq=True)).backward()
    np.testing.assert_allclose(weight.grad[:, 0], [1, 1, 0, 0])  # PyTorch looks up another row's count


def test_bags_of_nothing():
    for mode in ("sum", "mean", "max"):
        empty = F.embedding_bag(np.zeros(0, int), TABLE, np.zeros(2, int), mode=mode)
        np.testing.assert_array_equal(empty, np.zeros((2, 3)))
        assert F.embedding_bag(np.zeros((0, 2), int), TABLE, mode=mode).shape == (0, 3)
        assert F.embedding_bag(np.zeros(0, int), TABLE, np.zeros(0, int), mode=mode).shape == (0, 3)


def test_one_hot():
    assert F.one_hot([[1], [0]], 3).tolist() == [[[0, 1, 0]], [[1, 0, 0]]]
    assert F.one_hot(2).tolist() == [0, 0, 1]
    assert F.one_hot(np.zeros((0,), int), 3).shape == (0, 3)
    assert F.one_hot([0]).dtype == np.int64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.embedding([[0, 1], [4, -1]], TABLE), r"4 at index \(1, 0\) is not among the rows 0 to 3"),
        (lambda: F.embedding([-1], TABLE), r"-1 at index 0 is not among the rows 0 to 3"),
        (lambda: F.embedding([0], TABLE[0]), r"weight is \(rows, n\), not of shape \(3,\)"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), "padding_idx 3 is not among the 3 rows"),
        (lambda: F.one_hot([3], 3), "3 at index 0 is not among"),
        (lambda: F.one_hot(np.zeros(0, int)), "num_classes must be given"),
        (lambda: F.embedding_bag([0, 1], TABLE), "need offsets"),
        (lambda: F.embedding_bag([[0, 1]], TABLE, [0]), "each row is a bag"),
        (lambda: F.embedding_bag([0, 1], TABLE, [1]), r"ascend from 0.*they are \[1\]"),
        (lambda: F.embedding_bag([0, 1], TABLE, [0, 2, 1]), "ascend from 0"),
        (lambda: F.embedding_bag([0, 1], TABLE, [0, 3]), "at most the number of indices, 2"),
        (lambda: F.embedding_bag([0, 1], TABLE, [0.0]), "offsets are integers"),
        (lambda: F.embedding_bag([[0, 1]], TABLE, mode="min"), "mode is .* not 'min'"),
        (lambda: F.embedding_bag([[0, 1]], TABLE, per_sample_weights=np.ones((1, 2))), "mode=\"sum\", not 'mean'"),
        (
            lambda: F.embedding_bag([[0, 1]], TABLE, mode="sum", per_sample_weights=np.ones(2)),
            r"shape \(2,\), the indices \(1, 2\)",
        ),
        (lambda: F.embedding_bag([[0]], TABLE, mode="max", scale_grad_by_freq=True), 'not for mode="max"'),
    ],
)
def test_what_does_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_wrong_kinds():
    with pytest.raises(TypeError, match="indices are integers, not float64"):
        F.embedding([0.5], TABLE)
    for make in (lambda: nn.Embedding(3, 2, sparse=True), lambda: F.embedding_bag([[0]], TABLE, sparse=True)):
        with pytest.raises(NotImplementedError, match="there are no sparse ones"):
            make()


def test_looks():
    assert repr(nn.Embedding(5, 3, padding_idx=0)) == "Embedding(5, 3, padding_idx=0)"
    assert repr(nn.EmbeddingBag(5, 3, mode="sum")) == "EmbeddingBag(5, 3, mode='sum')"
