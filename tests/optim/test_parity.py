"""Every row of the tables of optimizers and schedules: PyTorch's numbers, dtypes, and going on from a saved state."""

from pathlib import Path

import numpy as np
import pytest

from calligrad import optim
from calligrad.optim import optimizer
from tests.optim.cases import METRICS, OPTIMIZERS, SCHEDULES, STEPS, digest
from tests.optim.results import Run, rates, scheduled, settings, trajectory

REFERENCES = Path(__file__).parent / "references"  # written by python -m benchmarks.optimizers --store


@pytest.fixture(scope="module")
def stored():
    files = {}
    for kind in ("optimizers", "schedules"):
        with np.load(REFERENCES / f"{kind}.npz") as file:
            files[kind] = dict(file)
    return files


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_hundred_steps_are_those_of_pytorch(name, stored):
    np.testing.assert_allclose(digest(trajectory(name)), stored["optimizers"][name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rates_of_all_epochs_are_those_of_pytorch(name, stored):
    np.testing.assert_allclose(rates(name), stored["schedules"][name], rtol=1e-10, atol=1e-15)


def test_every_optimizer_and_schedule_has_a_row():
    rows = {name.split()[0] for name in (*OPTIMIZERS, *SCHEDULES)}
    classes = {name for name in optim.__all__ if isinstance(getattr(optim, name), type)}
    assert classes - rows == {"Optimizer", "Schedule", "Lion", "EMA", "SWA"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_stays_float32(name):
    run = Run(name, dtype=np.float32)
    first, exact = run.step(), Run(name).step()
    assert first.dtype == np.float32
    close = 1e-2 if name == "LBFGS of defaults" else 1e-4  # 20 iterations
    np.testing.assert_allclose(first, exact, rtol=close, atol=close)
    states = [x for state in run.optimizer.state.values() for x in state.values()]
    assert all(x.dtype == np.float32 for x in states)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_tiles_change_nothing(name, monkeypatch):
    whole, tiled = Run(name), Run(name)
    for _ in range(3):
        monkeypatch.setattr(optimizer, "TILE", 32768)
        expected = whole.step()
        monkeypatch.setattr(optimizer, "TILE", 5)
        np.testing.assert_array_equal(tiled.step(), expected)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_saved_state_goes_on_bit_for_bit(name, tmp_path):
    """Through a file, in the middle of the way, into an optimizer made anew."""
    first = Run(name)
    for _ in range(7):
        middle = first.step()
    np.savez(tmp_path / "state.npz", **first.optimizer.state_dict())
    again = Run(name, [p.data for p in first.params])
    with np.load(tmp_path / "state.npz", allow_pickle=False) as file:
        again.optimizer.load_state_dict(file)
    rest = [(first.step(), again.step()) for _ in range(7)]
    assert np.any(rest[-1][0] != middle) or name.startswith("LBFGS")  # which may have arrived
    for ours, theirs in rest:
        np.testing.assert_array_equal(ours, theirs)
    ours, theirs = first.optimizer.state_dict(), again.optimizer.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    assert repr(first.optimizer) == repr(again.optimizer)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("optimizer_first", [True, False])
def test_a_saved_schedule_goes_on_bit_for_bit(name, optimizer_first):
    first, again = scheduled(name), scheduled(name)

    def go_on(optimizer, schedule, metric):
        optimizer.step()
        schedule.step(*([metric] if name.startswith("ReduceLROnPlateau") else []))
        return settings(optimizer), schedule.get_last_lr()

    for metric in METRICS[:33]:
        go_on(*first, metric)
    pairs = [(mine, other.state_dict()) for mine, other in zip(again, first, strict=True)]
    for mine, state in pairs if optimizer_first else reversed(pairs):
        mine.load_state_dict(state)
    assert settings(first[0]) == settings(again[0])
    for metric in METRICS[33:]:
        assert go_on(*first, metric) == go_on(*again, metric)


def test_a_problem_of_a_hundred_steps_is_hard_enough():
    assert np.ptp(trajectory("Adam"), axis=0).max() > 1
    assert STEPS == 100
