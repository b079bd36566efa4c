"""The examples that look at pictures, on few of them: digits, enlarged where Fashion-MNIST's size is wanted."""

import subprocess
import sys

import numpy as np
import pytest

import calligrad
from calligrad.data.transforms import Resize
from tests.examples.test_examples import FOLDER, load


@pytest.fixture(scope="module")
def enlarged():
    images, labels = calligrad.data.load("digits")
    images = (255 * Resize(28)(images)).astype(np.uint8)
    return (images[:640], labels[:640]), (images[640:840], labels[640:840])


@pytest.fixture(scope="module")
def cnn(enlarged, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cnn")
    return load("fashion_mnist").main("cnn", 4, folder, enlarged), folder


def test_cnn_learns_and_its_run_goes_on(cnn, enlarged):
    found, folder = cnn
    assert found["accuracy"] > 0.5
    again = load("fashion_mnist").main("cnn", 4, folder, enlarged)
    assert again["history"] == found["history"]
    for p, q in zip(found["model"].parameters(), again["model"].parameters()):
        assert np.array_equal(p.data, q.data)


@pytest.mark.parametrize(("name", "count"), [("mlp", 640), ("resnet", 256)])
def test_the_others_learn(enlarged, name, count):
    training, test = ([array[:count] for array in part] for part in enlarged)
    first, second = load("fashion_mnist").main(name, 2, data=(training, test))["history"]
    assert second["loss"] < first["loss"]


def test_no_epochs_are_refused(enlarged):
    with pytest.raises(SystemExit, match="--epochs must be at least 1, not 0"):
        load("fashion_mnist").main("cnn", 0, data=enlarged)


def test_digits_cnn(tmp_path):
    found = load("digits_cnn").main(epochs=2, picture=tmp_path / "wrong.png")
    assert found["accuracy"] > 0.8
    assert (tmp_path / "wrong.png").exists()


def test_grad_cam_says_that_it_trains_first(tmp_path, enlarged, monkeypatch, capsys):
    monkeypatch.syspath_prepend(FOLDER)
    program = load("grad_cam")
    monkeypatch.setattr(program, "trained", lambda *_: exit("training"))
    with pytest.raises(SystemExit, match="training"):
        program.main(tmp_path / "typo", enlarged)
    assert "a CNN is trained there first, which takes about five minutes" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["vae", "gan", "grad_cam"])
def test_a_picture_that_cannot_be_written_is_refused_first(name, tmp_path):
    argv = [sys.executable, FOLDER / f"{name}.py", "--picture", tmp_path / "nowhere" / "x.png"]
    run = subprocess.run([*argv, *([tmp_path / "run"] * (name == "grad_cam"))], capture_output=True, text=True)
    assert run.returncode == 2
    assert "error: --picture: [Errno 2] No such file" in run.stderr


def test_grad_cam(cnn, enlarged, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(FOLDER)
    found = load("grad_cam").main(cnn[1], enlarged, tmp_path / "seen.png", epochs=4)
    assert "trained there first" not in capsys.readouterr().out
    assert found["hottest"] < found["coldest"]
    assert found[16] < found[4] <= found["right"]
    assert found["fooled"][0] == 1
    assert (tmp_path / "seen.png").exists()


def test_heat_is_where_the_score_comes_from(monkeypatch):
    """A network whose one map is the picture's right half, and whose score is the map's mean."""
    monkeypatch.syspath_prepend(FOLDER)
    program = load("grad_cam")
    model = program.trained.__globals__["cnn"]().requires_grad_(False)
    for p in model.parameters():
        p.data[...] = 0
    model[0].weight.data[0, 0, 2, 2] = model[3].weight.data[0, 0, 2, 2] = 1
    model[7].weight.data[0, :25] = model[9].weight.data[3, 0] = 1
    pixels = np.zeros((1, 1, 28, 28), np.float32)
    pixels[..., 12:16, 20:22] = 1
    heat = program.grad_cam(model, pixels, np.array([3]))[0]
    rows, columns = np.nonzero(heat > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (12, 15, 20, 21)
