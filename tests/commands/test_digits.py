"""``calligrad digits``: it learns to read, and shows what it misread."""

import re

import numpy as np
import pytest

from calligrad.commands import digits
from tests.commands.conftest import png_size

LAST = re.compile(r"held-out accuracy: (\d+\.\d\d) % \((\d+) of 360\)")


def test_the_job(calligrad):
    pytest.importorskip("matplotlib")
    run = calligrad("digits")
    assert run.status == 0
    percent, right = LAST.fullmatch(run.last).groups()
    assert float(percent) >= 97
    assert float(percent) == round(100 * int(right) / 360, 2)
    assert "1437 handwritten digits to learn from, 360 held out" in run.out
    assert run.files() == ["digits.png"]
    width, height = png_size(run.folder / "digits.png")
    assert 1000 <= width <= 3000
    assert 500 <= height <= 2000


def test_the_same_seed_gives_the_same_numbers(calligrad):
    options = ("digits", "--epochs", 1, "--width", 16)
    assert calligrad(*options).out == calligrad(*options).out != calligrad(*options, "--seed", 1).out


def test_digits_are_moved_by_at_most_one_pixel():
    image = np.zeros((8, 8))
    image[3, 4] = 1
    moved = digits.jittered(np.tile(image, (2000, 1, 1)), np.random.default_rng(0))
    _, down, across = np.nonzero(moved)
    assert set(down) == {2, 3, 4}
    assert set(across) == {3, 4, 5}
    assert 0.75 < np.mean(down == 3) < 0.85
    assert moved.sum() == 2000


@pytest.mark.parametrize("wrong", [0, 1, 5, 12, 40, 100])
def test_the_picture_has_room_for_any_number_of_mistakes(wrong, tmp_path):
    pytest.importorskip("matplotlib")
    labels = np.arange(100) % 10
    read = labels.copy()
    read[:wrong] = (read[:wrong] + 1) % 10
    figure = digits.draw(np.zeros((100, 8, 8)), labels, read)
    figure.savefig(tmp_path / "digits.png")
    titles = [axes.get_title() for axes in figure.axes if " read as " in axes.get_title()]
    assert len(titles) == min(wrong, digits.MISREAD)
    assert titles[:1] == ["0 read as 1"] * bool(wrong)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--epochs", "0"], "--epochs"),
        (["--lr", "nan"], "--lr"),
        (["--batch-size", "0"], "--batch-size"),
        (["--width", "0"], "--width"),
        (["--seed", "x"], "--seed"),
        (["--f", "x"], "unrecognized arguments: --f"),
        (["--output", "missing/digits.png"], "--output missing/digits.png: "),
    ],
)
def test_refusals(calligrad, argv, words):
    pytest.importorskip("matplotlib")
    run = calligrad("digits", *argv)
    assert run.status == 2
    assert run.out == ""
    assert words in run.err
    assert run.files() == []


def test_a_training_that_runs_away_is_reported(calligrad):
    run = calligrad("digits", "--lr", "1e30", "--epochs", 1, "--width", 8)
    assert run.status == 2
    assert "the training ran away" in run.err
    assert run.files() == []


def test_a_training_that_ends_with_a_finite_loss_may_have_run_away_too(calligrad):
    run = calligrad("digits", "--lr", "1e8", "--epochs", 2, "--width", 8)
    assert run.status == 2
    assert "the training ran away: the loss is" in run.err


def test_it_is_told_that_nothing_was_learned(calligrad, without, monkeypatch):
    without("matplotlib")
    monkeypatch.setattr(digits, "predict", lambda net, images: np.zeros(len(images), int))
    run = calligrad("digits", "--epochs", 1, "--width", 8)
    assert run.status == 0
    assert "no better than always the same digit" in run.out


def test_a_batch_of_everything(calligrad):
    assert LAST.fullmatch(calligrad("digits", "--batch-size", 5000, "--epochs", 2, "--width", 8).last)


def test_without_rich_and_matplotlib(calligrad, without):
    without("rich", "matplotlib")
    run = calligrad("digits", "--epochs", 1, "--width", 16)
    assert run.status == 0
    assert 'pip install "calligrad[show]"' in run.out
    assert LAST.fullmatch(run.last)
    assert run.files() == []


def test_ctrl_c(calligrad, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(digits, "train", interrupted)
    run = calligrad("digits")
    assert run.status == 130
    assert run.err.endswith("calligrad digits: stopped\n")
    assert run.files() == []
