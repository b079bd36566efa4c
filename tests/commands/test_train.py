"""``calligrad train``: what becomes of columns and targets, how good the model is, and what is refused."""

import re
import signal
import zipfile
from pathlib import Path

import numpy as np
import pytest

from calligrad.commands import train
from calligrad.commands.columns import FARTHEST, Categories, Numbers, recognise
from calligrad.commands.errors import UserError
from calligrad.commands.sheet import read_sheet
from calligrad.commands.tabular import TableModel
from calligrad.commands.target import ask
from tests.commands.conftest import customers, write_csv


@pytest.fixture
def table(tmp_path):
    """Write a CSV file and give its name."""

    def table(columns, name="data.csv"):
        return write_csv(tmp_path / name, columns).name

    return table


def digits(n=40):
    """Two columns and a target of two classes."""
    return {
        "x": list(range(3, n + 3)),
        "z": [i * i % 17 for i in range(n)],
        "y": ["a" if i % 2 else "b" for i in range(n)],
    }


# ---------------------------------------------------------------- the main job


def test_classes(calligrad, table):
    columns = {name: cells for name, cells in customers().items() if name != "spent"}
    run = calligrad("train", table(columns), "--target", "bought", "--lr", 0.003)
    assert run.status == 0, run.err
    assert run.files() == ["data.csv", "data.npz"]
    accuracy, usual = map(float, re.fullmatch(r"test accuracy: (\S+) % .*; always \w+: (\S+) %", run.last).groups())
    assert accuracy > usual + 20
    for line in [
        "data.csv: 240 rows, 10 columns",
        "target bought: classification, as bought is true or false",
        "  customer_id: left out, an identifier: every cell is different",
        "  age: number, 27 missing",
        "  city: text, 3 categories, 12 missing",
        "  true or false: member",
        "  dates, as days: since",
        "  planet: left out, every cell is 'Earth'",
        "  note: left out, text with 240 different values in 240 rows",
        "  income: number, 5 missing, such as 'unknown'",
        "rows: 168 to learn from, 36 to see when to stop, 36 to test",
        "model: data.npz",
    ]:
        assert line in run.out.splitlines()
    assert "birthday: left out, dates that can be read in two ways" in run.out
    ranked = re.findall(r"^  (\w+) +\S+ points", run.out, re.MULTILINE)
    assert set(ranked[:3]) == {"age", "city", "member"}
    assert "taken for" in run.out
    assert "unbalanced" not in run.out


def test_numbers(calligrad, table):
    columns = {name: cells for name, cells in customers().items() if name != "bought"}
    run = calligrad("train", table(columns), "--target", "spent", "--lr", 0.003)
    assert run.status == 0, run.err
    assert "target spent: regression, as spent is a number; --task classification if it is not" in run.out
    found = re.fullmatch(r"test mean absolute error: (\S+), R2 (\S+); always the mean, \S+: (\S+), R2 \S+", run.last)
    error, r2, blind = map(float, found.groups())
    assert error < blind / 2
    assert r2 > 0.6


def test_the_same_seed_gives_the_same_model_and_another_seed_another(calligrad, table):
    name = table(digits())
    outs = []
    for out, seed in [("a.npz", 1), ("b.npz", 1), ("c.npz", 2)]:
        run = calligrad("train", name, "--target", "y", "--epochs", 2, "--seed", seed, "--out", out)
        outs.append(run.out.replace(out, ""))
    files = [(run.folder / out).read_bytes() for out in ("a.npz", "b.npz", "c.npz")]
    assert files[0] == files[1] != files[2]
    assert outs[0] == outs[1] != outs[2]


def test_the_model_is_arrays_and_json(calligrad, table):
    run = calligrad("train", table(digits()), "--target", "y", "--epochs", 1, "--width", 5)
    with zipfile.ZipFile(run.folder / "data.npz") as archive:
        assert all(name.endswith(".npy") or name in ("state.json", "sha256") for name in archive.namelist())
    with np.load(run.folder / "data.npz", allow_pickle=False) as file:
        assert file["net/0.weight"].shape == (5, 2)


def test_no_connection_is_told(calligrad, table):
    rng = np.random.default_rng(0)
    run = calligrad("train", table({"x": rng.normal(size=200), "y": rng.normal(size=200)}), "--target", "y")
    assert run.status == 0
    assert "no better than always the same: the columns may say nothing about y" in run.out


# ---------------------------------------------------------------- where it is written


def test_the_name_and_the_folder(calligrad, table):
    name = table(digits())
    run = calligrad("train", name, "--target", "y", "--epochs", 1, "--folder", "models/new", "--output", "m.npz")
    assert run.status == 0, run.err
    assert (run.folder / "models" / "new" / "m.npz").exists()


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (["--out", "there.npz"], "there.npz is there already; --overwrite replaces it"),
        (["--out", "model.bin"], "must end in .npz"),
        (["--out", ""], "need the name of a file"),
        (["--out", "a\0.npz"], "need the name of a file"),
        (["--out", "folder.npz"], "there is a folder of this name"),
        (["--folder", "there.npz"], "there.npz is a file"),
    ],
)
def test_names_that_are_refused(calligrad, table, tmp_path, out, words):
    (tmp_path / "there.npz").write_text("precious")
    (tmp_path / "folder.npz").mkdir()
    run = calligrad("train", table(digits()), "--target", "y", *out)
    assert run.status == 2
    assert words in run.err
    assert run.files() == ["data.csv", "folder.npz", "there.npz"]
    assert (tmp_path / "there.npz").read_text() == "precious"


@pytest.mark.parametrize("command", ["train", "predict"])
def test_help_names_the_options_and_fits_a_terminal(calligrad, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    run = calligrad(command, "--help")
    assert run.status == 0
    for option in ("--output", "--folder", "--overwrite", "FILE"):
        assert option in run.out
    assert max(map(len, run.out.splitlines())) <= 80


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_refused_first(calligrad, table):
    run = calligrad("train", table(digits()), "--target", "y", "--folder", "/proc")
    assert (run.status, run.out) == (2, "")
    assert "--folder /proc: nothing can be written in /proc" in run.err


def test_ctrl_c_is_told_as_by_the_other_commands(calligrad, table, monkeypatch):
    monkeypatch.setattr(train.Shown, "on_epoch_end", lambda self, trainer: signal.raise_signal(signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    run = calligrad("train", table(digits()), "--target", "y")
    assert run.status == 130
    assert run.err.endswith("\ncalligrad train: stopped\n")
    assert "run_folder" not in run.err
    assert run.files() == ["data.csv"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_line_break_in_a_name_or_a_class_leaves_the_lines_whole(calligrad, table):
    columns = digits()
    columns = {"heat\nindex": columns["x"], "z": columns["z"], "y": ["a\r\nb" if i % 2 else "c" for i in range(40)]}
    run = calligrad("train", table(columns), "--target", "y", "--epochs", 1)
    assert run.status == 0, run.err
    assert "  numbers: heat index, z" in run.out.splitlines()
    assert "  classes: a b 50 %, c 50 %" in run.out.splitlines()


def test_overwrite(calligrad, table, tmp_path):
    (tmp_path / "data.npz").write_text("old")
    assert calligrad("train", table(digits()), "--target", "y", "--epochs", 1, "--overwrite").status == 0
    assert isinstance(TableModel.load(str(tmp_path / "data.npz")), TableModel)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "data.csv is empty"),
        ("x,y\n", "data.csv has no rows"),
        ("x,y\n1,2\n3\n", "line 3: 1 cell, but line 1 names 2"),
        ("x,y\n1,2,3\n", "line 2: 3 cells, but line 1 names 2"),
        ("x,x,y\n1,2,3\n", "line 1: there are 2 columns 'x'"),
        (",,y\n1,2,3\n", "line 1: there are 2 columns without a name"),
        ("x;y\n1;2\n", "separated by commas, not by ';'"),
        ("x,y\nMünchen,1\n".encode("latin-1"), "line 2, byte 2: 0xfc is not UTF-8"),
        ("x,yy\n1,2\n", "has no column 'y', which is to be predicted; is 'y' called 'yy' here?"),
        ("x,Y\n1,2\n", "is 'y' called 'Y' here?"),
        ("x,price\n1,2\n", "line 1 names 'x', 'price'"),
        ("x,y\n" + "1,\n" * 30, "every cell of the column 'y' is missing"),
        ("x,y\n" + "1,2\n" * 10 + "1,?\n" * 30, "has 10 rows with y; training takes at least 20"),
        ("x,y\n" + "1,cat\n" * 30, "every y is 'cat'; there is nothing to tell apart"),
        ("x,y\n" + "1,7\n2,7.0\n" * 30, "every y is '7'"),
        ("x,y\n" + "".join(f"{i},name {i}\n" for i in range(30)), "y has 30 different values in 30 rows"),
        ("x,y\n" + "1,cat\n" * 30 + "1,dog\n" * 2, "'cat' in 30 rows, 'dog' in 2 rows"),
        ("x,y\n" + "".join(f"{i},{i}.5\n" for i in range(30)) + "30,12 EUR\n", "line 32, column y: '12 EUR' is not a"),
        (
            "x,y\n" + "".join(f'{i},"{i + 1},{i + 100}"\n' for i in range(30)),
            "line 2: y is not written in plain numbers; write '1,100' as 1100, and all others so",
        ),
        ("x,y\n" + "".join(f"{i},${i}.75\n" for i in range(30)), "plain numbers; write '$0.75' as 0.75"),
        (
            "x,y\n" + "".join(f"{i},{i}.5\n" for i in range(30)) + "9,withheld\n" * 6,
            "line 32, column y: 'withheld' is not",
        ),
        ("x,y\n" + "1,1e300\n2,2.5\n" * 15, "the numbers of y are too large"),
        ("x,y\n" + "1,1e-300\n2,2e-300\n" * 15, "the numbers of y are too small"),
        ("x,y\n" + "1,2.5\n1,3.5\n" * 15, "has no column to predict y from (x: every cell is '1')"),
        ("y\n" + "a\nb\n" * 15, "has no column to predict y from"),
    ],
)
def test_files_that_are_refused(calligrad, tmp_path, content, words):
    (tmp_path / "data.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    run = calligrad("train", "data.csv", "--target", "y")
    assert (run.status, run.files()) == (2, ["data.csv"])
    assert words in run.err
    assert run.err.startswith("calligrad train: error: ")
    assert run.err.count("\n") == 1


def test_other_mistakes(calligrad, table):
    name = table(digits())
    for argv, words in [
        (["nowhere.csv", "--target", "y"], "cannot read nowhere.csv"),
        ([name], "--target"),
        ([name, "--target", "y", "--task", "regression"], "'b' is not a finite number"),
        ([name, "--target", "x", "--task", "classification"], "40 different values in 40 rows"),
        ([name, "--target", "y", "--lr", "1e30"], "the training ran away"),
    ]:
        run = calligrad("train", *argv)
        assert run.status == 2
        assert words in run.err
        assert run.files() == ["data.csv"]


# ---------------------------------------------------------------- targets


@pytest.fixture
def question(tmp_path):
    def question(cells, task=None):
        path = write_csv(tmp_path / "data.csv", {"y": cells, "x": [0] * len(cells)})
        return ask(read_sheet(str(path)), "y", task)

    return question


@pytest.mark.parametrize(
    ("cells", "task", "labels"),
    [
        (["a", "b", ""] * 20, None, ["a", "b"]),
        (["True", "False"] * 20, None, ["False", "True"]),
        (["a", "b", "none"] * 20, None, ["a", "b", "none"]),
        (["1", "2", "unknown"] * 20, None, ["1", "2"]),
        (["1", "2", "unknown"] * 20, "classification", ["1", "2", "unknown"]),
        (["5%", "10%"] * 20, None, ["10%", "5%"]),
        (["1", "2.0", "10"] * 20, None, ["1", "2", "10"]),
        (["0.5", "1"] * 20, "classification", ["0.5", "1"]),
        (["a", "b"] * 20 + ["c"] * 4, None, ["a", "b"]),
        (["0.5", "1"] * 20, None, None),
        (["1", "2"] * 20, "regression", None),
        (list(range(21)) * 5, None, None),
        (list(range(20)), None, None),
    ],
)
def test_what_the_target_asks_for(question, cells, task, labels):
    asked = question(cells, task)
    assert asked.target.task == ("regression" if labels is None else "classification")
    if labels:
        assert asked.target.labels == labels
        assert [asked.target.labels[i] for i in asked.y[:2]] == [
            str(cells[i]).removesuffix(".0") for i in asked.rows[:2]
        ]
    else:
        assert asked.y.tolist() == [float(cell) for cell in cells]


def test_true_and_false_in_any_case_are_two_classes(question):
    asked = question(["yes", "NO", "Yes", "no", "YES", "No", "no", "yes", "-"] * 6)
    assert asked.target.labels == ["no", "yes"]
    assert asked.y.tolist() == [1, 0, 1, 0, 1, 0, 0, 1] * 6
    assert asked.told == [
        "classification, as y is true or false",
        "6 rows without y left out, such as '-'",
        "classes: no 50 %, yes 50 %",
    ]
    assert asked.target(["YES", "nO", "maybe"]).tolist() == [1, 0, -1]


def test_what_is_told_of_the_target(question):
    told = question(["no"] * 90 + ["yes"] * 10 + [""] * 3 + ["perhaps"]).told
    assert told == [
        "classification, as y is text",
        "3 rows without y left out",
        "1 row left out, of classes with fewer than 5 rows: 'perhaps'",
        "classes: no 90 %, yes 10 %",
        "the classes are unbalanced: look at F1 and the table of what was taken for what, not at accuracy",
    ]


# ---------------------------------------------------------------- columns


@pytest.mark.parametrize(
    ("name", "cells", "kind", "note"),
    [
        ("x", ["1", "2.5", "-3e2", "7"], "number", ""),
        ("x", ["1", "2"] * 10 + ["?"], "number", "1 missing"),
        ("x", ["1.5", "2"] * 10 + ["inf"], "number", "1 cell is no number"),
        ("x", ["1", "2"] * 10 + ["a", "b", "c"], "text", "5 categories"),
        ("x", ["TRUE", "false", ""], "boolean", "1 missing"),
        ("x", ["yes", "no", "perhaps", "no"], "text", "3 categories"),
        ("x", ["on", ""], "text", "every cell is 'on', or missing"),
        ("x", ["2024-01-31", "2024-02-01T12:30:00Z"], "date", ""),
        ("x", ["2024-01", "2024-02"], "date", ""),
        ("x", ["31.12.24", "1.1.25"], "", "two ways"),
        ("x", ["", "NaN"], "", "every cell is missing"),
        ("", ["0", "1", "2"], "", "identifier"),
        ("row", ["3", "1", "2"], "", "identifier"),
        ("year", ["1990", "1991", "1992"], "number", ""),
        ("heat index", ["81", "79", "95"], "number", ""),
        ("key", ["7", "9", "8"], "number", ""),
        ("x", ["1.5", "2.5", "unknown"] * 10, "number", "10 missing, such as 'unknown'"),
        ("x", ["None", "-", "7", "8.5"] * 5, "number", "10 missing, such as 'None'"),
        ("x", ["1.5", "2.5", "3.5", "4.5", "5"] * 10 + ["see note"] * 10, "number", "10 cells are no number and count"),
        ("x", ["yes", "No", "unknown"], "boolean", "1 missing, such as 'unknown'"),
        ("x", ["red", "none", "red", "-"], "text", "3 categories"),
        ("x", ["none", "-", "?"], "text", "2 categories, 1 missing"),
        ("x", ["None", "NONE", "none", "nil", "-", "--"] * 2, "text", "6 categories"),
        (
            "x",
            [str(i) for i in range(30)] + [f"word {i}" for i in range(20)],
            "",
            "text with 50 different values in 50 rows; 60 % are numbers, but not 'word 0'",
        ),
        ("x", ["157,949", "949", "1,000.5"], "number with commas between thousands", "'157,949' is read as 157949"),
        ("x", ["1,5", "2", "1.000,25"], "number with a decimal comma", "'1,5' is read as 1.5"),
        ("x", ["0,125", "1,250", "2,5"], "number with a decimal comma", "'0,125' is read as 0.125"),
        ("x", ["$50.10", "-$1,050", "?"], "number in $", "'$50.10' is read as 50.1, 1 missing"),
        ("x", ["1.2%", "3 %"], "number in %", "'1.2%' is read as 1.2"),
        ("x", ["1,2 €", "3 €"], "number in € with a decimal comma", "'1,2 €' is read as 1.2"),
        ("x", ["$5", "€5"] * 10, "text", "2 categories"),
        ("x", ["$5", "5"] * 10, "text", "2 categories"),
        ("x", ["1.2.3", "192.168.0.1"] * 10, "text", "2 categories"),
        ("user id", ["1990", "7", "1992"], "", "identifier"),
        ("user id", ["7", "7", "1992"], "number", ""),
        (
            "x",
            [f"c{i % 60}" for i in range(600)],
            "text",
            "60 categories, of which the 50 most frequent are told apart",
        ),
        ("x", [f"text {i}" for i in range(20)], "", "20 different values in 20 rows"),
    ],
)
def test_kinds_of_columns(name, cells, kind, note):
    found, told = recognise(name, cells)
    assert found == kind
    assert note in told
    assert bool(note) == bool(told)


def test_numbers_are_standardised_and_missing_ones_marked():
    column = Numbers.of("x", "number", ["1", "3", "", "3", "1"])
    np.testing.assert_allclose(column(["3", "", "oops", "2"]), [[1, 0], [0, 1], [0, 1], [0, 0]])
    assert column(["1e300"])[0, 0] == FARTHEST
    assert column.strange(["1", "", "oops", "ouch"]) == (2, "oops")
    assert Numbers.of("x", "number", ["1", "3"])(["", "3"]).tolist() == [[0], [1]]


def test_numbers_as_people_write_them():
    column = Numbers.of("x", "number in $", ["$1,001", "$3.00", "unknown"])
    np.testing.assert_allclose(column(["$3", "-", "3"]), [[-1, 0], [0, 1], [0, 1]])
    assert column.strange(["$1", "none", "3"]) == (1, "3")


def test_numbers_of_any_size():
    column = Numbers.of("x", "number", ["1e308", "-1e308"])
    np.testing.assert_allclose(column(["1e308", "-1e308"]), [[1], [-1]])
    assert np.all(np.isfinite(Numbers.of("x", "number", ["7", "7"])(["7", "1e308"])))


def test_categories_are_one_hot_with_a_place_for_rare_ones():
    column = Categories.of("x", ["a", "b", "a", "b", "", "n/a", "rare"])
    np.testing.assert_array_equal(column(["", "a", "b", "rare", "new"]), np.eye(4)[[0, 1, 2, 3, 3]])
    assert column.strange(["a", "", "rare", "new"]) == (2, "rare")
    np.testing.assert_array_equal(Categories.of("x", ["a", "b"] * 2)(["b", "new", ""]), [[0, 1], [0, 0], [0, 0]])


def test_scales_come_from_the_training_part_alone(calligrad, table, tmp_path):
    columns = digits(100)
    calligrad("train", table(columns), "--target", "y", "--epochs", 1)
    x = TableModel.load(str(tmp_path / "data.npz")).columns[0]
    assert x.mean != np.mean(columns["x"])


def test_a_table_model_refuses_other_files(tmp_path):
    (tmp_path / "m.npz").write_text("nothing")
    with pytest.raises(UserError, match="damaged"):
        TableModel.load(str(tmp_path / "m.npz"))
