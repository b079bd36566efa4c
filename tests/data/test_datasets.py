"""Datasets, parts of them, and transforms of their items."""

from collections import namedtuple

import numpy as np
import pytest

from calligrad.data import ArrayDataset, ConcatDataset, Subset, Transformed, random_split, stratified_split

Pair = namedtuple("Pair", "image label")


def noisy(x, rng):
    return x + rng.normal()


def test_arrays_are_kept_and_their_rows_given():
    x, y = np.arange(12.0).reshape(4, 3), np.array([3, 1, 2, 0])
    data = ArrayDataset(x, y)
    assert data.columns[0] is x
    assert len(data) == 4
    np.testing.assert_array_equal(data[-1][0], x[3])
    batch = data.batch_of(np.array([2, 2, 0]))
    np.testing.assert_array_equal(batch[0], x[[2, 2, 0]])
    np.testing.assert_array_equal(batch[1], [2, 2, 3])
    assert len(list(data)) == 4  # IndexError ends it


def test_a_dict_of_arrays_gives_dicts():
    data = ArrayDataset({"x": np.arange(3), "y": np.ones(3)})
    assert data[1] == {"x": 1, "y": 1.0}
    assert list(data.batch_of(np.array([0, 2]))) == ["x", "y"]


@pytest.mark.parametrize("arrays", [(np.ones(3), np.ones(4)), (np.ones(3), np.float64(1)), (np.float64(1),)])
def test_lengths_that_differ_are_refused_with_the_shapes(arrays):
    with pytest.raises(ValueError, match=r"one length along their first axis, not 0: \("):
        ArrayDataset(*arrays)


def test_no_array_is_refused():
    with pytest.raises(ValueError, match="one array or more"):
        ArrayDataset()


def test_a_subset_of_a_subset_has_whole_batches_if_the_dataset_has():
    data = ArrayDataset(10 * np.arange(6))
    part = Subset(Subset(data, [5, 4, 3, 2]), [3, 0])
    assert [int(x) for (x,) in part] == [20, 50]
    np.testing.assert_array_equal(part.batch_of(np.array([1, 0]))[0], [50, 20])
    assert not hasattr(Subset("abc", [0]), "batch_of")
    assert not hasattr(Subset("abc", [0]), "random_item")


@pytest.mark.parametrize(
    ("indices", "words"),
    [([0, 3], "index 3 at 1"), ([-1], "index -1 at 0"), ([[0]], "list of"), ([0.0], "float64"), ([True], "mask")],
)
def test_indices_outside_are_refused_with_the_first(indices, words):
    with pytest.raises(ValueError, match=words):
        Subset("abc", indices)


def test_concatenation_finds_every_item():
    data = ConcatDataset(["ab", "", "cde"])
    assert "".join(data) == "abcde"
    assert data[-1] == "e"
    with pytest.raises(IndexError, match="item 5"):
        data[5]
    with pytest.raises(ValueError, match="one dataset or more"):
        ConcatDataset([])


def test_transforms_reach_through_subsets_and_concatenations():
    inner = Transformed([1.0, 2.0, 3.0], noisy, part=None)
    whole = ConcatDataset([Subset(inner, [2]), inner])
    expected = 3.0 + np.random.default_rng(7).normal()
    assert whole.random_item(0, np.random.default_rng(7)) == whole.random_item(3, np.random.default_rng(7)) == expected
    assert whole[0] != whole[0]  # calligrad.random's draws


@pytest.mark.parametrize(
    ("item", "part", "expected"),
    [
        ((1, 2), 0, (10, 2)),
        ([1, 2], 1, [1, 20]),
        ({"a": 1, "b": 2}, "b", {"a": 1, "b": 20}),
        (Pair(1, 2), 0, Pair(10, 2)),
        (1, None, 10),
        (1, 0, 10),
        ([1, 2], None, [1, 2] * 10),
    ],
)
def test_a_transform_changes_its_part_alone(item, part, expected):
    changed = Transformed([item], lambda x: 10 * x, part)[0]
    assert changed == expected
    assert type(changed) is type(expected)


def test_a_part_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no part 0 to transform; it has 'image', 'label'"):
        Transformed([{"image": 1, "label": 2}], abs)[0]


# ---------------------------------------------------------------- splits


def test_a_random_split_deals_every_item_once():
    parts = random_split(range(10), [0.7, 0.2, 0.1], seed=3)
    assert [len(part) for part in parts] == [7, 2, 1]
    assert sorted(i for part in parts for i in part) == list(range(10))
    again = random_split(range(10), [7, 2, 1], rng=np.random.default_rng(3))
    assert [list(part) for part in parts] == [list(part) for part in again]


def test_what_fractions_leave_over_goes_to_the_first():
    assert [len(part) for part in random_split(range(10), [1 / 3] * 3, seed=0)] == [4, 3, 3]
    assert [len(part) for part in random_split([], [0.5, 0.5], seed=0)] == [0, 0]


@pytest.mark.parametrize("lengths", [[5, 4], [0.5, 0.6], [-1, 11], [], [[10]], [1.5, 8.5]])
def test_lengths_that_do_not_fit_are_refused(lengths):
    with pytest.raises(ValueError, match="lengths"):
        random_split(range(10), lengths)


def test_seed_and_rng_together_are_refused():
    with pytest.raises(TypeError, match="not both"):
        random_split(range(3), [3], seed=0, rng=np.random.default_rng(0))


@pytest.mark.parametrize("sizes", [[900, 90, 10], [333, 333, 334], [500, 1, 1]])
def test_a_stratified_split_keeps_the_proportions(sizes):
    labels = np.repeat(list("abc"), sizes)
    parts = stratified_split(range(len(labels)), labels, [0.8, 0.2], seed=1)
    assert sorted(i for part in parts for i in part) == list(range(len(labels)))
    for part, share in zip(parts, [0.8, 0.2]):
        counts = [np.count_nonzero(labels[part.indices] == kind) for kind in "abc"]
        np.testing.assert_allclose(counts, share * np.array(sizes), atol=2)
    assert (np.diff(parts[0].indices) < 0).any()  # in random order


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"one label for each of 3 items, not \(2,\)"):
        stratified_split("abc", [0, 1], [3])
