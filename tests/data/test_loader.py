"""Batches, in what order, with which draws, and from where on."""

import threading
import time

import numpy as np
import pytest

import calligrad
from calligrad.data import ArrayDataset, DataLoader, RandomSampler, Subset, Transformed


def noisy(x, rng):
    return x + rng.normal(size=x.shape)


class Numbers:
    """A dataset of the user's own."""

    def __init__(self, n, broken=()):
        self.n, self.broken = n, broken

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i in self.broken:
            raise KeyError(f"page {i} is missing")
        return np.full(3, i), i


def bits(batches):
    return [np.asarray(part).tobytes() for batch in batches for part in batch]


# ---------------------------------------------------------------- batches


@pytest.mark.parametrize("n", [0, 1, 4, 10])
@pytest.mark.parametrize("drop_last", [False, True])
def test_every_item_comes_once(n, drop_last):
    loader = DataLoader(Numbers(n), 4, drop_last=drop_last)
    batches = list(loader)
    sizes = [4] * (n // 4) + ([n % 4] if n % 4 and not drop_last else [])
    assert [len(x) for x, _ in batches] == sizes
    assert len(loader) == len(sizes)
    assert [int(i) for _, labels in batches for i in labels] == list(range(sum(sizes)))


def test_whole_batches_are_the_same_as_items_joined():
    x, y = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32), np.arange(20)
    whole = ArrayDataset(x, y)
    single = list(zip(x, y))
    part = Subset(whole, np.arange(19, 9, -1))
    assert bits(DataLoader(whole, 6, shuffle=True, seed=1)) == bits(DataLoader(single, 6, shuffle=True, seed=1))
    assert bits(DataLoader(part, 4)) == bits(DataLoader([single[i] for i in range(19, 9, -1)], 4))


def test_batches_are_arrays_of_their_own():
    x = np.zeros((4, 2))
    for (batch,) in DataLoader(ArrayDataset(x), 2):
        batch += 1
    assert not x.any()


def test_a_collate_of_ones_own_gets_the_items():
    lengths = DataLoader(["a", "bcd", "ef"], 2, collate=lambda items: [len(item) for item in items])
    assert list(lengths) == [[1, 3], [2]]
    pairs = DataLoader(ArrayDataset(np.arange(3)), 3, collate=len)  # and not a whole batch
    assert list(pairs) == [3]


# ---------------------------------------------------------------- draws


def test_each_epoch_has_an_order_of_its_own_that_the_seed_decides():
    def order(loader):
        return [int(i) for _, labels in loader for i in labels]

    loader = DataLoader(Numbers(30), 4, shuffle=True, seed=5)
    first, second = order(loader), order(loader)
    assert sorted(first) == sorted(second) == list(range(30))
    assert first != second
    assert order(loader.batches(0)) == first
    assert order(DataLoader(Numbers(30), 7, shuffle=True, seed=5)) == first
    assert order(DataLoader(Numbers(30), 4, shuffle=True, seed=6)) != first


def test_without_a_seed_calligrads_generator_decides_or_ones_own():
    seeds = []
    for _ in range(2):
        calligrad.random.seed(3)
        seeds.append(DataLoader(Numbers(3)).seed)
    assert seeds[0] == seeds[1] != DataLoader(Numbers(3)).seed
    assert DataLoader([1], rng=np.random.default_rng(1)).seed == DataLoader([1], rng=np.random.default_rng(1)).seed


def test_the_draws_of_an_item_depend_on_seed_epoch_and_index_alone():
    data = Transformed(ArrayDataset(np.zeros((12, 2)), np.arange(12)), noisy)

    def drawn(seed, epoch, **settings):
        batches = DataLoader(data, seed=seed, **settings).batches(epoch)
        return {int(i): x.tobytes() for images, labels in batches for x, i in zip(images, labels)}

    reference = drawn(1, 0, batch_size=5)
    assert len(set(reference.values())) == 12
    assert drawn(1, 0, batch_size=3, shuffle=True, workers=2) == reference
    assert not set(drawn(1, 1).values()) & set(reference.values())
    assert not set(drawn(2, 0).values()) & set(reference.values())


def test_an_item_drawn_twice_in_an_epoch_is_transformed_anew():
    data = Transformed(np.zeros((2, 3)), noisy, part=None)
    batches = DataLoader(data, 10, sampler=RandomSampler(data, replacement=True, num_samples=10), seed=0)
    (batch,) = batches
    assert len({x.tobytes() for x in batch}) == 10
    assert bits([batches.batches(0)]) == bits([[batch]])


# ---------------------------------------------------------------- position


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("done", [0, 1, 5, 8, 9, 15])
def test_a_loader_goes_on_where_its_state_was_taken(workers, done):
    data = Transformed(ArrayDataset(np.zeros((30, 2)), np.arange(30)), noisy)

    def epochs(loader, n):
        while loader.epoch < n:
            yield from loader

    reference = bits(epochs(DataLoader(data, 4, shuffle=True, seed=1), 3))
    loader = DataLoader(data, 4, shuffle=True, seed=1, workers=workers)
    running = epochs(loader, 3)
    before = bits(next(running) for _ in range(done))
    state = loader.state_dict()
    assert (state["epoch"], state["batch"]) in (divmod(done, 8), (done // 8 - 1, 8))
    running.close()
    resumed = DataLoader(data, 4, shuffle=True, seed=99, workers=workers)
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state
    assert before + bits(epochs(resumed, 3)) == reference


def test_after_a_break_the_next_loop_is_the_next_epoch():
    loader = DataLoader(Numbers(10), 2, shuffle=True, seed=0)
    for _ in loader:
        break
    assert loader.state_dict() == {"epoch": 0, "batch": 1, "seed": 0}
    assert bits(loader) == bits(loader.batches(1))
    assert loader.epoch == 2
    loader.set_epoch(7)
    assert bits(loader) == bits(loader.batches(7))


def test_batches_begin_anywhere_and_leave_the_position_alone():
    loader = DataLoader(Numbers(10), 3, shuffle=True, seed=0)
    assert bits(loader.batches(4, start=2)) == bits(list(loader.batches(4))[2:])
    assert list(loader.batches(4, start=4)) == []
    assert loader.epoch == 0
    with pytest.raises(ValueError, match="has 4 batches; it cannot start at number 5"):
        loader.batches(0, start=5)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "not nothing"),
        ({"epoch": 0, "batch": 0}, "epoch, batch and seed, not epoch, batch"),
        ({"epoch": 0, "batch": 6, "seed": 0}, "at batch 6, and an epoch has 5 here"),
        ({"epoch": -1, "batch": 0, "seed": 0}, "epoch is at least 0"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state, words):
    loader = DataLoader(Numbers(10), 2, seed=4)
    with pytest.raises(ValueError, match=words):
        loader.load_state_dict(state)
    assert loader.state_dict() == {"epoch": 0, "batch": 0, "seed": 4}


# ---------------------------------------------------------------- threads


def test_threads_work_ahead_as_far_as_told_and_no_further():
    made = []

    class Watched(Numbers):
        def __getitem__(self, i):
            made.append(i)
            return super().__getitem__(i)

    running = iter(DataLoader(Watched(100), 1, workers=2, prefetch=3))
    next(running)
    deadline = time.monotonic() + 5
    while len(made) < 7 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert sorted(made) == list(range(7))
    running.close()
    assert not [thread for thread in threading.enumerate() if "calligrad-loader" in thread.name]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_names_the_item_and_the_batch(workers):
    loader = DataLoader(Numbers(20, broken=[13]), 4, workers=workers)
    got = []
    with pytest.raises(KeyError, match="page 13") as caught:
        got.extend(loader)
    assert len(got) == 3
    assert caught.value.__notes__ == ["in item 13 of the dataset", "in batch 3 of epoch 0, of the items 12, 13, 14, 15"]
    assert "__getitem__" in "".join(str(entry.name) for entry in caught.traceback)


def test_items_that_do_not_fit_together_name_the_batch():
    ragged = [np.ones(2), np.ones(2), np.ones(3)]
    with pytest.raises(ValueError, match="bring them to one shape") as caught:
        list(DataLoader(ragged, 3))
    assert caught.value.__notes__ == ["in batch 0 of epoch 0, of the items 0, 1, 2"]


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"batch_size": 0}, ValueError, "batch_size is at least 1, not 0"),
        ({"batch_size": 2.0}, TypeError, "batch_size is a whole number, not 2.0"),
        ({"workers": -1}, ValueError, "workers is at least 0"),
        ({"prefetch": 0}, ValueError, "prefetch is at least 1"),
        ({"worker_kind": "fork"}, ValueError, '"threads" or "processes"'),
        ({"shuffle": True, "sampler": [0]}, ValueError, "not both"),
        ({"seed": -1}, ValueError, "seed is at least 0"),
        ({"seed": 0, "rng": np.random.default_rng()}, TypeError, "not both"),
        ({"rng": 3}, TypeError, "rng is a generator"),
    ],
)
def test_bad_settings_are_refused(settings, error, words):
    with pytest.raises(error, match=words):
        DataLoader([1, 2], **settings)


def test_what_is_no_dataset_is_refused():
    with pytest.raises(TypeError, match="which generator has not"):
        DataLoader(i for i in range(3))


class Ends:
    """A dataset that runs out before its length, as one on an iterator does."""

    def __len__(self):
        return 8

    def __getitem__(self, i):
        return i if i < 4 else next(iter(()))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_dataset_that_runs_out_is_an_error(workers):
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Ends(), 2, workers=workers).batches(0))
