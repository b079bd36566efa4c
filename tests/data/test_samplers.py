"""In which order an epoch goes through a dataset."""

import numpy as np
import pytest

from calligrad.data import (
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StratifiedSampler,
    WeightedRandomSampler,
)


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    "sampler",
    [
        SequentialSampler(range(10)),
        RandomSampler(range(10)),
        RandomSampler(range(10), num_samples=4),
        RandomSampler(range(10), replacement=True, num_samples=25),
        WeightedRandomSampler(np.arange(10), 30),
        WeightedRandomSampler(np.ones(10), 10, replacement=False),
        StratifiedSampler(np.arange(10) % 3),
        DistributedSampler(RandomSampler(range(10)), 1, 3),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_a_sampler_keeps_its_length_and_repeats_with_the_generator(sampler):
    order = sampler.draw(rng())
    assert len(order) == len(sampler)
    assert order.dtype.kind == "i"
    assert 0 <= order.min() <= order.max() < 10
    np.testing.assert_array_equal(order, sampler.draw(rng()))
    assert len(list(sampler)) == len(sampler)


def test_without_replacement_nothing_comes_twice():
    assert sorted(RandomSampler(range(50)).draw(rng())) == list(range(50))
    assert sorted(WeightedRandomSampler(np.arange(1, 51), 50, replacement=False).draw(rng())) == list(range(50))
    assert len(set(RandomSampler(range(50), num_samples=20).draw(rng()))) == 20


def test_weights_are_proportions():
    draws = WeightedRandomSampler([1, 0, 3], 40_000).draw(rng())
    np.testing.assert_allclose(np.bincount(draws) / 40_000, [0.25, 0, 0.75], atol=0.01)


@pytest.mark.parametrize("sizes", [[600, 300, 100], [996, 2, 2]])
def test_every_batch_of_a_stratified_order_has_the_same_mixture(sizes):
    labels = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], sizes))
    order = StratifiedSampler(labels).draw(rng())
    assert sorted(order) == list(range(1000))
    for batch in labels[order].reshape(-1, 100):
        np.testing.assert_allclose(np.bincount(batch, minlength=3), np.array(sizes) / 10, atol=2)


@pytest.mark.parametrize(("n", "world"), [(10, 3), (9, 3), (2, 4), (1, 3), (0, 2)])
@pytest.mark.parametrize("drop_last", [False, True])
def test_the_ranks_share_an_order(n, world, drop_last):
    ranks = [DistributedSampler(RandomSampler(range(n)), rank, world, drop_last) for rank in range(world)]
    shares = [sampler.draw(rng()) for sampler in ranks]
    assert {len(share) for share in shares} == {len(ranks[0])}
    together = np.concatenate(shares)
    if drop_last:
        assert len(set(together)) == len(together) == n // world * world
    else:
        assert set(together) == set(range(n))


def test_samplers_drive_a_loader():
    loader = DataLoader(list(range(6)), 2, sampler=DistributedSampler(SequentialSampler(range(6)), 1, 2))
    assert [x.tolist() for x in loader] == [[1, 3], [5]]
    loader = DataLoader("abc", 3, sampler=[2, 0])  # any iterable with a length
    assert list(loader) == [["c", "a"]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RandomSampler(range(3), num_samples=4), "num_samples=4"),
        (lambda: RandomSampler([], replacement=True, num_samples=4), "num_samples=4 cannot be drawn out of 0"),
        (lambda: WeightedRandomSampler([1, -1], 2), "number 1 is -1"),
        (lambda: WeightedRandomSampler([1, np.nan], 2), "number 1 is nan"),
        (lambda: WeightedRandomSampler([0, 0], 2), "not all 0"),
        (lambda: WeightedRandomSampler([0, 1], 2, replacement=False), "out of 1 items"),
        (lambda: StratifiedSampler([[0]]), "one axis"),
        (lambda: DistributedSampler(SequentialSampler("ab"), 2, 2), "from 0 to 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_indices_outside_the_dataset_are_an_error():
    with pytest.raises(ValueError, match="index 7 at 1 is not in a dataset of 3 items"):
        next(iter(DataLoader("abc", sampler=[0, 7])))


def test_a_sampler_without_draw_says_so():
    with pytest.raises(NotImplementedError, match="Sampler defines no draw"):
        Sampler().draw(rng())
