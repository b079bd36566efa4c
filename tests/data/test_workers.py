"""Worker processes: the same batches, their errors, their ends, and what they leave behind."""

import copy
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import calligrad
import calligrad.data.workers
from calligrad.data import ArrayDataset, DataLoader, Transformed, shared

METHODS = [method for method in ("forkserver", "spawn") if method in multiprocessing.get_all_start_methods()]
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has none, and skips its tests
posix = pytest.mark.skipif(os.name == "nt", reason="signals")


def noisy(x, rng):
    return x + rng.normal(size=x.shape).astype(x.dtype)


class Numbers:
    """A dataset that goes wrong at given items."""

    def __init__(self, n, at=None, how=None):
        self.n, self.at, self.how = n, at, how

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i == self.at:
            self.how()
        return np.full(3, i), i, 0.5


class Unpicklable(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


def refuse():
    raise KeyError("page 13 is missing")


def refuse_strangely():
    raise Unpicklable("this", "that")


def die():
    os.kill(os.getpid(), KILL)


def leave():
    os._exit(3)


class Ragged:
    """Items of growing size, up to 2 MB."""

    def __len__(self):
        return 20

    def __getitem__(self, i):
        return np.full((i, 25_000), i, np.float32)


def processes(dataset, batch_size=4, workers=2, **settings):
    return DataLoader(dataset, batch_size, workers=workers, worker_kind="processes", **settings)


def bits(batches):
    return [(part.dtype, part.shape, part.tobytes()) for batch in batches for part in batch]


def there(name):
    """Whether there is a block of shared memory of that name."""
    return Path("/dev/shm", name).exists()


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(monkeypatch):
    made = []

    def watched(size):
        block = create(size)
        made.append(block.name)
        return block

    create = shared.create
    monkeypatch.setattr(shared, "create", watched)
    yield
    assert multiprocessing.active_children() == []
    assert not any(map(there, made))


@pytest.fixture
def images():
    x = np.random.default_rng(0).normal(size=(60, 40, 40)).astype(np.float32)
    return Transformed(ArrayDataset(x, np.arange(60)), noisy)


@pytest.mark.parametrize("method", METHODS)
def test_the_batches_are_the_same_however_they_are_made(images, method, monkeypatch):
    monkeypatch.setattr(calligrad.data.workers, "_start_method", lambda: method)
    settings = {"batch_size": 16, "shuffle": True, "seed": 3}  # 100 kB each, in shared memory
    reference = bits(DataLoader(images, **settings).batches(1))
    assert bits(processes(images, **settings).batches(1)) == reference
    assert bits(processes(images, **settings, prefetch=1).batches(1, start=2)) == reference[4:]


def test_any_number_of_workers_will_do(images):
    reference = bits(DataLoader(images, 8, seed=1))
    assert bits(processes(images, 8, workers=1, seed=1)) == reference
    assert bits(processes(images, 8, workers=5, prefetch=3, seed=1)) == reference
    assert list(processes([], 8)) == []


def test_batches_of_growing_size_fit():
    loader = processes(Ragged(), 1)
    assert [x.shape for x in loader] == [(1, i, 25_000) for i in range(20)]


def test_without_shared_memory_it_goes_through_pipes(images, monkeypatch):
    reference = bits(DataLoader(images, 16, seed=1))
    monkeypatch.setattr(shared, "create", lambda size: None)
    assert bits(processes(images, 16, seed=1)) == reference


def test_batches_can_be_written_to_and_the_default_dtype_goes_along():
    calligrad.set_default_dtype(np.float64)
    for x, _, numbers in processes(Numbers(8)):
        x += 1
        assert numbers.dtype == np.float64


def test_an_error_comes_with_its_item_and_the_traceback_from_over_there():
    got = []
    with pytest.raises(KeyError, match="page 13") as caught:
        got.extend(processes(Numbers(20, 13, refuse)))
    assert len(got) == 3
    assert caught.value.__notes__[0] == "in item 13 of the dataset"
    assert "in refuse" in caught.value.__notes__[-1]
    assert "loader worker 1, process " in caught.value.__notes__[-1]


def test_an_error_that_cannot_travel_is_told_in_words():
    with pytest.raises(RuntimeError, match="Unpicklable: this and that") as caught:
        list(processes(Numbers(20, 13, refuse_strangely)))
    assert "in refuse_strangely" in caught.value.__notes__[-1]


@posix
def test_a_worker_that_is_killed_is_an_error_and_no_hang():
    with pytest.raises(RuntimeError, match="was to make batch 3, was killed by SIGKILL: is there enough memory"):
        list(processes(Numbers(20, 13, die)))


def test_a_worker_that_leaves_is_an_error_and_no_hang():
    with pytest.raises(RuntimeError, match="was to make batch 3, ended with exit code 3"):
        list(processes(Numbers(20, 13, leave)))


def test_what_cannot_be_pickled_is_told_before_a_process_is_started():
    with pytest.raises(Exception, match='the top of a module, without lambda, or take worker_kind="threads"'):
        next(processes(Numbers(3, 0, lambda: None)).batches(0))


def test_what_is_left_half_way_ends_its_workers():
    running = iter(processes(Numbers(1000)))
    next(running)
    assert len(multiprocessing.active_children()) == 2
    running.close()
    assert multiprocessing.active_children() == []
    for _ in processes(Numbers(1000)):
        break


def test_a_class_that_a_worker_cannot_import_is_told(tmp_path):
    script = """
        from calligrad.data import DataLoader
        if __name__ == "__main__":
            class Local:
                __len__ = lambda self: 3
                __getitem__ = lambda self, i: i
            list(DataLoader(Local(), workers=1, worker_kind="processes"))
    """
    _, complaints = run(tmp_path, script).communicate(timeout=60)
    assert "Can't get attribute 'Local'" in complaints
    assert "its classes must be importable" in complaints


def test_processes_stay_for_the_next_epoch_and_end_with_the_loader():
    loader = processes(ArrayDataset(np.arange(12)), collate=list)
    pids = []
    for _ in range(3):
        assert len(list(loader)) == 3
        pids.append({child.pid for child in multiprocessing.active_children()})
    assert pids[0] == pids[1] == pids[2]
    assert len(pids[0]) == 2
    copied = copy.deepcopy(loader)
    assert len(list(copied)) == 3
    assert len(multiprocessing.active_children()) == 4
    del loader, copied
    assert multiprocessing.active_children() == []


@posix
def test_a_process_that_is_killed_between_two_epochs_is_replaced():
    loader = processes(Numbers(12))
    list(loader)
    os.kill(multiprocessing.active_children()[0].pid, KILL)
    time.sleep(0.2)
    assert len(list(loader)) == 3


@pytest.mark.parametrize("size", [10, 100_000])
def test_an_epoch_sees_the_dataset_as_it_is_when_it_begins(size):
    x = np.zeros(size)
    loader = processes(ArrayDataset(x), size)
    for number in range(3):
        x[...] = number
        assert {int(batch[0]) for (batch,) in loader} == {number}


def test_two_epochs_at_once_do_not_meddle():
    loader = processes(Numbers(12), shuffle=True, seed=0)
    both = list(zip(loader.batches(0), loader.batches(1)))
    assert bits(a for a, _ in both) == bits(loader.batches(0))
    assert bits(b for _, b in both) == bits(loader.batches(1))


# ---------------------------------------------------------------- the end of the program itself

ENDLESS = """
    import multiprocessing, sys, time
    import numpy as np
    from calligrad.data import ArrayDataset, DataLoader, shared

    def watched(size):
        block = create(size)
        made.append(block.name)
        return block

    made, create, shared.create = [], shared.create, watched
    if __name__ == "__main__":
        data = ArrayDataset(np.zeros((1000, 50_000), np.float32))
        for number, batch in enumerate(DataLoader(data, 10, workers=2, worker_kind="processes")):
            if number == 10:
                print(*(child.pid for child in multiprocessing.active_children()), flush=True)
                print(*made, flush=True)
                time.sleep(20)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or ") Z " not in stat.read_text()


def run(tmp_path, script):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(script))
    return subprocess.Popen(
        [sys.executable, "-W", "error", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@posix
@pytest.mark.parametrize("how", [signal.SIGINT, KILL])
def test_nothing_outlives_the_program(tmp_path, how):
    program = run(tmp_path, ENDLESS)
    workers = [int(pid) for pid in program.stdout.readline().split()]
    blocks = program.stdout.readline().split()
    assert len(workers) == 2
    assert len(blocks) > 2
    program.send_signal(how)
    _, complaints = program.communicate(timeout=20)
    assert complaints.count("Traceback") == (how == signal.SIGINT)
    assert ("KeyboardInterrupt" in complaints) == (how == signal.SIGINT)
    deadline = time.monotonic() + 10
    while (any(map(alive, workers)) or any(map(there, blocks))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
    assert not any(map(there, blocks))


@pytest.mark.parametrize("method", METHODS)
def test_a_script_without_a_guard_is_told_of_it(tmp_path, method):
    script = f"""
        import multiprocessing
        multiprocessing.set_start_method("{method}", force=True)
        from calligrad.data import DataLoader
        list(DataLoader([1, 2, 3], workers=1, worker_kind="processes"))
    """
    _, complaints = run(tmp_path, script).communicate(timeout=60)
    assert 'keeps its work under `if __name__ == "__main__":`' in complaints
