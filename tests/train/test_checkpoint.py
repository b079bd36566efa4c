"""One file for a nest of arrays: what goes in comes out, and what is not whole is not used."""

import os
import sys
import zipfile

import numpy as np
import pytest

from calligrad import Value, train
from calligrad.train import CheckpointError, DamagedCheckpoint, RunFolder

STATE = {
    "model": {"layers.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3).T, "scale": np.float64(2.5)},
    "more": [np.zeros((0, 3)), (np.array(True), "text", None), {"big": np.arange(3, dtype=">i2")}],
    "numbers": {"epoch": 3, "loss": 0.1, "nan": float("nan"), "huge": 2**100, "flag": True},
    "empty": {},
}


def same(a, b):
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (np.ndarray, np.generic)):
        return (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()
    return type(a) is type(b) and (a == b or a != a)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "state.npz"
    train.save(path, STATE)
    return path


def test_what_goes_in_comes_out(saved):
    assert same(STATE, train.load(saved))


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f4", "f8", "c8", "c16", ">f8", "U3", "S2", "M8[s]"])
def test_every_dtype_but_object(tmp_path, dtype):
    x = np.zeros(3, dtype)
    train.save(tmp_path / "x", x)
    assert same(x, train.load(tmp_path / "x"))


def test_numpy_reads_the_arrays_by_name(saved):
    with np.load(saved, allow_pickle=False) as file:
        assert file["model/layers.0.weight"].shape == (3, 2)


def test_the_same_state_is_the_same_file(tmp_path, saved):
    train.save(tmp_path / "again.npz", STATE)
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_values_are_their_arrays(tmp_path):
    train.save(tmp_path / "x", [Value(np.ones(2))])
    assert same([np.ones(2)], train.load(tmp_path / "x"))


def test_keys_that_make_the_same_path_stay_apart(tmp_path):
    state = {"a/b": np.ones(1), "a": {"b": np.zeros(1)}}
    train.save(tmp_path / "x", state)
    assert same(state, train.load(tmp_path / "x"))


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"f": np.array([print])}, "f is an array of objects"),
        ({"f": print}, "f is a builtin_function"),
        ({"f": {1: 2}}, "f has the key 1"),
    ],
)
def test_what_cannot_be_saved(tmp_path, state, says):
    with pytest.raises(TypeError, match=says):
        train.save(tmp_path / "x", state)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(tmp_path, saved, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device"):
        train.save(saved, {"other": 1})
    assert same(STATE, train.load(saved))
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_a_file_that_cannot_grow(tmp_path, saved):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(CheckpointError, match="File too large"):
            train.save(saved, np.zeros(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert same(STATE, train.load(saved))
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


def test_a_file_that_is_cut_off_anywhere(saved):
    data = saved.read_bytes()
    for size in [*range(0, len(data), 97), len(data) - 1]:
        saved.write_bytes(data[:size])
        with pytest.raises(DamagedCheckpoint, match="is damaged"):
            train.load(saved)


def test_a_bit_that_is_wrong_anywhere(saved):
    """It is found, unless it is in what zipfile does not look at, such as flags: then the state is right."""
    data, rng = saved.read_bytes(), np.random.default_rng(0)
    found = 0
    for place in rng.integers(len(data), size=400):
        wrong = bytearray(data)
        wrong[place] ^= 1 << int(rng.integers(8))
        saved.write_bytes(wrong)
        try:
            assert same(STATE, train.load(saved))
        except DamagedCheckpoint:
            found += 1
    assert found > 200


def test_contents_that_were_exchanged(saved, tmp_path):
    """Every part has its own checksum in the archive; that of the whole tells that one is of another file."""
    with zipfile.ZipFile(saved) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts["model/scale.npy"], parts["more/0.npy"] = parts["more/0.npy"], parts["model/scale.npy"]
    with zipfile.ZipFile(saved, "w") as file:
        for name, data in parts.items():
            file.writestr(name, data)
    with pytest.raises(DamagedCheckpoint, match="its checksum is wrong"):
        train.load(saved)


def test_a_file_of_someone_else(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.ones(2))
    with pytest.raises(DamagedCheckpoint, match="not written by calligrad"):
        train.load(tmp_path / "x.npz")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        train.load(tmp_path / "x.npz")


def test_a_later_format(tmp_path, monkeypatch):
    monkeypatch.setattr(train.checkpoint, "FORMAT", 2)
    train.save(tmp_path / "x.npz", 1)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="format 2, and this calligrad reads format 1"):
        train.load(tmp_path / "x.npz")


# ---------------------------------------------------------------- a folder of them


def test_the_last_two_are_kept(tmp_path):
    folder = RunFolder(tmp_path / "a" / "b")
    for step in (1, 20, 300):
        folder.keep({"step": step}, step)
    assert [file.name for file in folder.checkpoints()] == ["checkpoint-00000300.npz", "checkpoint-00000020.npz"]
    assert folder.newest() == {"step": 300}


def test_a_damaged_one_is_put_aside(tmp_path):
    folder = RunFolder(tmp_path)
    for step in (1, 2):
        folder.keep({"step": step}, step)
    newest = folder.checkpoints()[0]
    newest.write_bytes(newest.read_bytes()[:50])
    with pytest.warns(UserWarning, match=r"2.npz is damaged.*called checkpoint-00000002.damaged.*1.npz is used"):
        assert folder.newest() == {"step": 1}
    folder.keep({"step": 3}, 3)  # does not push out the one that is whole
    assert folder.newest() == {"step": 3}
    assert (tmp_path / "checkpoint-00000002.damaged").exists()


def test_no_one_is_whole(tmp_path):
    folder = RunFolder(tmp_path)
    for step in (1, 2):
        folder.keep({"step": step}, step)
        folder.checkpoints()[0].write_bytes(b"")
    with pytest.raises(DamagedCheckpoint, match=r"no checkpoint in .* is whole(.|\n)*00002.npz(.|\n)*00001.npz"):
        folder.newest()
    assert len(folder.checkpoints()) == 2


def test_a_checkpoint_that_cannot_be_written_names_the_one_that_is_whole(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    folder.keep({"step": 1}, 1)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"step 2 could not be written: .*No space left.*00001.npz is whole"):
        folder.keep({"step": 2}, 2)
    assert folder.newest() == {"step": 1}


def test_a_history_is_cut_down_to_what_a_checkpoint_covers(tmp_path):
    folder = RunFolder(tmp_path)
    folder.append({"epoch": 1, "loss": 0.5})
    covered = folder.covered
    folder.append({"epoch": 2, "loss": float("nan")})
    again = RunFolder(tmp_path)
    assert again.rewind(covered) == [{"epoch": 1, "loss": 0.5}]
    again.append({"epoch": 2, "loss": float("inf")})
    assert (tmp_path / "history.jsonl").read_text() == '{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "loss": null}\n'


def test_a_history_that_lost_lines(tmp_path):
    folder = RunFolder(tmp_path)
    folder.append({"epoch": 1})
    folder.history.write_bytes(b"")
    with pytest.warns(UserWarning, match="has 0 bytes where the checkpoint knows of 13"):
        assert folder.rewind(folder.covered) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be made"):
        RunFolder(tmp_path / "file")
