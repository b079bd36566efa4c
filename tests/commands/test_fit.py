"""``calligrad fit``: the article's job, functions and files of one's own, and what is refused before any training."""

import re

import numpy as np
import pytest

from calligrad import nn
from calligrad.commands import regression
from calligrad.commands.regression import fit, network, pace, spread
from tests.commands.conftest import png_size

X = np.linspace(1, 10, 100)
Y = X**2 + 2 * X + 1
LAST = re.compile(r"prediction at 6\.0: (\d+\.\d\d) \(expected 49\)")


# ---------------------------------------------------------------- the main job


def test_the_main_job(calligrad):
    pytest.importorskip("matplotlib")
    run = calligrad("fit")
    assert run.status == 0
    assert abs(float(LAST.fullmatch(run.last)[1]) - 49) < 0.5
    assert "network 1-4-4-1" in run.out
    assert "picture: fit.png" in run.out
    assert run.files() == ["fit.png"]
    width, height = png_size(run.folder / "fit.png")
    assert 1000 <= width <= 3000
    assert 500 <= height <= 2000
    assert "training 100 %" in run.err


@pytest.mark.parametrize("seed", [47, 11, 3])
def test_other_seeds(seed):
    learned = fit(X[:, None], Y, seed=seed)
    assert abs(learned(np.array([[6.0]])).item() - 49) < 0.5
    assert np.max(np.abs(learned(X[:, None]) - Y)) < 1.5


def test_the_network_is_the_article_s():
    layers = [type(layer).__name__ for layer in network(1, 4, np.random.default_rng(0))]
    assert layers == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    shapes = [p.shape for p in network(1, 4, np.random.default_rng(0)).parameters()]
    assert shapes == [(4, 1), (4,), (4, 4), (4,), (1, 4), (1,)]


def test_the_same_seed_gives_the_same_numbers(calligrad):
    a = calligrad("fit", "--epochs", 50, "--seed", 5)
    b = calligrad("fit", "--epochs", 50, "--seed", 5)
    c = calligrad("fit", "--epochs", 50, "--seed", 6)
    assert a.out == b.out != c.out


# ---------------------------------------------------------------- the recipe


@pytest.mark.parametrize(("inputs", "width"), [(1, 1), (1, 4), (3, 4), (2, 64)])
def test_every_unit_starts_alive_at_its_own_place_and_the_output_at_0(inputs, width):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, inputs))
    net = network(inputs, width, rng)
    spread(net, x, rng)
    h = x
    for layer in list(net)[:4]:
        h = layer(h)
        if isinstance(layer, nn.ReLU):
            alive = np.sort(np.mean(h.data > 0, axis=0))
            np.testing.assert_allclose(alive, np.arange(1, width + 1) / width, atol=0.02)
    assert np.all(net(x).data == 0)


def test_inputs_that_never_change_are_no_trouble():
    x = np.stack([X, np.full(100, 7.0)], axis=1)
    assert np.all(np.isfinite(fit(x, Y, epochs=5)(x)))
    assert np.allclose(fit(x, np.full(100, 3.0), epochs=5)(x), 3)


def test_the_pace_rises_and_falls():
    paces = np.array([pace(t) for t in np.linspace(0, 1, 1001)])
    assert paces.argmax() == 200
    assert np.all(np.diff(paces[:201]) > 0)
    assert np.all(np.diff(paces[200:]) < 0)
    assert (paces[0], paces[200], paces[1000]) == (0, 1, 0)


def test_the_units_of_the_data_do_not_matter():
    a = fit(X[:, None], Y, epochs=20)
    b = fit(1000 * X[:, None], 1e-6 * Y, epochs=20)
    np.testing.assert_allclose(b(1000 * X[:, None]), 1e-6 * a(X[:, None]), rtol=1e-6)
    np.testing.assert_allclose(b.losses, 1e-12 * np.array(a.losses), rtol=1e-6)


def test_the_best_start_is_kept():
    learned = fit(X[:, None], Y, epochs=30)
    assert len(learned.losses) == regression.STARTS
    assert learned.best == int(np.argmin([losses[-1] for losses in learned.losses]))
    assert {len(losses) for losses in learned.losses} == {30}


# ---------------------------------------------------------------- a function


def test_a_function(calligrad):
    run = calligrad("fit", "--f", "np.sin(x) * x", "--width", 16, "--epochs", 600, "--at", 7.5)
    assert run.status == 0
    assert "y = np.sin(x) * x, 100 points" in run.out
    assert "network 1-16-16-1" in run.out
    predicted = re.fullmatch(r"prediction at 7\.5: (\S+) \(expected 7\.035\)", run.last)[1]
    assert abs(float(predicted) - 7.035) < 0.5


def test_a_function_that_begins_with_a_minus(calligrad):
    run = calligrad("fit", "--f", "-x", "--at", "-2.5", "--epochs", 5)
    assert run.status == 0
    assert "the prediction lies outside the data" in run.out
    assert run.last.startswith("prediction at -2.5: ")
    assert run.last.endswith("(expected 2.5)")


def test_nothing_is_expected_where_the_function_has_no_value(calligrad):
    assert "expected" not in calligrad("fit", "--f", "log(x)", "--at", "-1", "--epochs", 5).last


def test_small_numbers_get_more_decimals(calligrad):
    assert re.search(r": -?0\.\d{5} \(expected 0\.006\)$", calligrad("fit", "--f", "x/1000", "--epochs", 50).last)


# ---------------------------------------------------------------- a file


@pytest.fixture
def plane(tmp_path):
    """y = 2 x1 - x2 + 1 on a grid, with a column that is none of the network's business."""
    rows = [f"{a},point,{b},{2 * a - b + 1}" for a in range(6) for b in range(6)]
    (tmp_path / "plane.csv").write_text("\n".join(["x1,name,x2,y", *rows]))
    return "plane.csv"


def test_a_file(calligrad, plane):
    run = calligrad("fit", "--csv", plane, "--at", "2.5,1.5", "--epochs", 400, "--output", "plane.svg")
    assert run.status == 0
    assert "plane.csv: y from x1, x2, 36 points" in run.out
    assert "network 2-4-4-1" in run.out
    predicted = re.fullmatch(r"prediction at 2\.5, 1\.5: (-?\d+\.\d+)", run.last)[1]
    assert abs(float(predicted) - 4.5) < 0.5


def test_a_file_without_a_place_to_predict_ends_with_the_quality(calligrad, plane):
    last = calligrad("fit", "--csv", plane, "--epochs", 400).last
    assert re.fullmatch(r"mean squared error \S+, largest error \S+, R2 (0\.99\d*|1)", last)


def test_a_file_with_one_column_is_drawn_as_a_curve(calligrad, tmp_path):
    (tmp_path / "a $ä$ 手.csv").write_text("x $a$ 长,y\n1,2\n2,3\n3,5\n", encoding="utf-8")
    run = calligrad("fit", "--csv", "a $ä$ 手.csv", "--epochs", 5, "--at", 2)
    assert run.status == 0
    assert run.last.startswith("prediction at 2.0: ")


def test_a_constant_column_y_has_no_r2(calligrad, tmp_path):
    (tmp_path / "flat.csv").write_text("x,y\n1,3\n2,3\n")
    assert calligrad("fit", "--csv", "flat.csv", "--epochs", 5, "--at", 1).last == "prediction at 1.0: 3.00"


@pytest.mark.parametrize(
    "content",
    [
        "x,y\n2,3\n2,4\n",  # an input that never changes
        "x,y\n2,3\n2,3\n",
        "x1,x2,y\n1,2,3\n2,1,3\n",  # an output that never changes
        ",".join(f"x{i}" for i in range(60)) + ",y\n" + ("1," * 60 + "1\n") + ("2," * 60 + "2\n"),  # a long title
    ],
)
def test_odd_files_are_drawn_without_a_warning(calligrad, tmp_path, content):
    (tmp_path / "odd.csv").write_text(content)
    run = calligrad("fit", "--csv", "odd.csv", "--epochs", 5)
    assert run.status == 0
    assert run.last.startswith("mean squared error")


def test_odd_functions_are_drawn_without_a_warning(calligrad):
    assert calligrad("fit", "--f", "x - x", "--epochs", 5, "--at", "1e300").status == 0
    assert calligrad("fit", "--f", "+".join(["x"] * 90), "--epochs", 5, "--at", "-1e308").status == 0
    assert calligrad("fit", "--f", "exp(30*x)", "--epochs", 1).status == 0


# ---------------------------------------------------------------- refusals: exit status 2, and nothing is written


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--epochs", "0"], "--epochs: must be a whole number of at least 1, not '0'"),
        (["--epochs", "-3"], "at least 1, not '-3'"),
        (["--epochs", "1.5"], "not '1.5'"),
        (["--lr", "0"], "--lr: must be a finite number above 0, not '0'"),
        (["--lr", "-1"], "above 0, not '-1'"),
        (["--lr", "nan"], "above 0, not 'nan'"),
        (["--lr", "inf"], "above 0, not 'inf'"),
        (["--lr", "fast"], "above 0, not 'fast'"),
        (["--width", "0"], "--width: must be a whole number from 1 to 1000, not '0'"),
        (["--width", "1001"], "not '1001'"),
        (["--seed", "-1"], "--seed: must be a whole number of at least 0, not '-1'"),
        (["--at", "nan"], "--at: must be finite numbers with commas between, not 'nan'"),
        (["--at", "1e999"], "not '1e999'"),
        (["--at", "here"], "not 'here'"),
        (["--at", "1,,2"], "not '1,,2'"),
        (["--at", ""], "not ''"),
        (["--at", "1,2"], "--at: a function of x takes one number, not 2"),
        (["--f", "log(x - 5)"], "log(x - 5) is nan at x = 1; a fit needs a finite number at every x from 1 to 10"),
        (["--f", "1 / (x - 1)"], "is inf at x = 1"),
        (["--f", "exp(exp(x))"], "is inf at x ="),
        (["--f", "exp(70 * x)"], "too large: their squares overflow"),
        (["--f", "x * 1e-200"], "too small: their squares vanish"),
        (["--f", "3"], "does not use x"),
        (["--f", ""], "is empty"),
        (["--f", "x + open('f')"], "    x + open('f')\n        ^^^^\n"),
        (["--f", "x", "--csv", "plane.csv"], "not allowed with"),
        (["--csv", ""], "--csv needs the name of a file"),
        (["--csv", "missing.csv"], "cannot read missing.csv"),
        (["--csv", "plane.csv", "--at", "1"], "one number for each of the columns x1, x2 of plane.csv, not 1"),
        (["--csv", "plane.csv", "--at", "1,2,3"], "not 3"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_refusals(calligrad, plane, argv, words):
    run = calligrad("fit", *argv)
    assert run.status == 2
    assert run.out == ""
    assert words in run.err
    assert "Traceback" not in run.err
    assert run.files() == ["plane.csv"]


@pytest.mark.parametrize("output", ["missing/fit.png", ".", "fit.txt"])
def test_a_place_that_cannot_be_written_is_refused_before_the_training(calligrad, monkeypatch, output):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(regression, "fit", None)
    run = calligrad("fit", "--output", output)
    assert run.status == 2
    assert f"--output {output}: " in run.err
    assert run.files() == []


def test_a_training_that_runs_away_is_reported(calligrad):
    run = calligrad("fit", "--lr", "1e200", "--epochs", 20)
    assert run.status == 2
    assert "the training ran away: the loss is " in run.err
    assert "take an --lr below 1e+200" in run.err
    assert run.files() == []


# ---------------------------------------------------------------- what may be missing, and Ctrl-C


def test_without_rich_and_matplotlib(calligrad, without):
    without("rich", "matplotlib")
    run = calligrad("fit", "--epochs", 20, "--output", "missing/fit.png")
    assert run.status == 0
    assert 'pip install "calligrad[show]"' in run.out
    assert run.last.startswith("prediction at 6.0: ")
    assert "training  50 %" in run.err
    assert run.files() == []


def test_with_a_bar(calligrad, terminal):
    pytest.importorskip("rich")
    screen = terminal()
    assert calligrad("fit", "--epochs", 20).status == 0
    assert "100 %" in screen.getvalue()


def test_ctrl_c(calligrad, monkeypatch):
    def interrupted(*args, **kwargs):
        kwargs["step"]("loss 1")
        raise KeyboardInterrupt

    monkeypatch.setattr(regression, "fit", interrupted)
    run = calligrad("fit")
    assert run.status == 130
    assert run.err.endswith("calligrad fit: stopped\n")
    assert "Traceback" not in run.err
    assert run.files() == []
