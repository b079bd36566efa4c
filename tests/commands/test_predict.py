"""``calligrad predict``: predictions as a CSV file, from what ``calligrad train`` saved."""

import numpy as np
import pytest

from calligrad.train import save
from tests.commands.conftest import customers, read_csv, write_csv


@pytest.fixture
def trained(calligrad, tmp_path):
    """A model for ``bought``, beside a file of new customers."""
    learn(calligrad, tmp_path, "bought")
    write_csv(tmp_path / "new.csv", customers(50, seed=1))
    return calligrad


def learn(calligrad, folder, target):
    columns = {name: cells for name, cells in customers().items() if name == target or name not in ("bought", "spent")}
    write_csv(folder / "old.csv", columns)
    assert calligrad("train", "old.csv", "--target", target, "--lr", 0.003, "--out", f"{target}.npz").status == 0
    (folder / "old.csv").unlink()


def test_predictions(trained, tmp_path):
    run = trained("predict", "bought.npz", "new.csv")
    assert run.status == 0, run.err
    assert "50 rows with bought predicted: new-predicted.csv" in run.out
    rows, given = read_csv(tmp_path / "new-predicted.csv"), read_csv(tmp_path / "new.csv")
    added = ["predicted bought", "probability of no", "probability of yes"]
    assert list(rows[0]) == [*given[0], *added]
    assert [{name: row[name] for name in given[0]} for row in rows] == given
    for row in rows:
        p = [float(row[name]) for name in added[1:]]
        assert sum(p) == pytest.approx(1, abs=1e-5)
        assert row["predicted bought"] == ["no", "yes"][int(np.argmax(p))]
    right = sum(row["predicted bought"] == row["bought"] for row in rows)
    assert right > 42
    assert run.last.startswith(f"accuracy: {2 * right:.2f} % ({right} of 50); always ")


def test_predicted_numbers(trained, tmp_path):
    learn(trained, tmp_path, "spent")
    run = trained("predict", "spent.npz", "new.csv", "--folder", "answers", "--out", "spent.csv")
    assert run.status == 0, run.err
    rows = read_csv(tmp_path / "answers" / "spent.csv")
    errors = [float(row["predicted spent"]) - float(row["spent"]) for row in rows]
    assert run.last.startswith(f"mean absolute error: {np.mean(np.abs(errors)):.4g}, R2 0.")


def test_rows_without_answers_and_with_surprises(trained, tmp_path):
    columns = customers(20, seed=2)
    del columns["bought"], columns["spent"], columns["note"]
    columns |= {"city": ["Lima", "Quito"] + ["Oslo"] * 18, "since": ["yesterday"] + ["2021-01-01"] * 19}
    columns["age"] = [""] * 20
    write_csv(tmp_path / "some.csv", columns)
    run = trained("predict", "bought.npz", "some.csv")
    assert run.status == 0, run.err
    for line in [
        "city: 2 cells rare in training, or unknown, such as 'Lima'",
        "since: 1 cell no date, taken as missing, such as 'yesterday'",
        "age: 20 missing",
    ]:
        assert line in run.out.splitlines()
    assert run.last == "20 rows with bought predicted: some-predicted.csv"
    assert {row["predicted bought"] for row in read_csv(tmp_path / "some-predicted.csv")} <= {"yes", "no"}


def test_answers_that_the_model_does_not_know_are_told(trained, tmp_path):
    columns = customers(8, seed=3)
    write_csv(tmp_path / "mixed.csv", columns | {"bought": ["maybe"] * 3 + ["YES", "no", "No", "", "yes"]})
    run = trained("predict", "bought.npz", "mixed.csv")
    assert "3 rows have a bought that the model does not know, such as 'maybe'" in run.out.splitlines()
    assert "on the 4 rows with bought that it knows, which says little" in run.out
    write_csv(tmp_path / "all.csv", columns | {"bought": ["maybe"] * 8})
    assert trained("predict", "bought.npz", "all.csv").last.startswith("8 rows have a bought that the model does not")
    learn(trained, tmp_path, "spent")
    write_csv(tmp_path / "one.csv", columns | {"spent": ["dear", *columns["spent"][1:-1], "-"]})
    run = trained("predict", "spent.npz", "one.csv")
    assert "1 row has a spent that is no number, such as 'dear'" in run.out.splitlines()


def test_what_is_refused(trained, tmp_path):
    write_csv(tmp_path / "fewer.csv", {"Age": [1], "city": ["Rome"], "since": ["2020-01-01"], "income": [1]})
    write_csv(tmp_path / "again.csv", customers(5) | {"predicted bought": ["no"] * 5})
    (tmp_path / "empty.csv").write_text("age,city\n")
    (tmp_path / "there.csv").write_text("precious")
    (tmp_path / "broken.npz").write_bytes((tmp_path / "bought.npz").read_bytes()[:-100])
    save(tmp_path / "other.npz", {"x": 1})
    before = sorted(file.name for file in tmp_path.iterdir())
    for argv, words in [
        (
            ["bought.npz", "fewer.csv"],
            "lacks the columns 'age', 'member', which bought.npz needs; is 'age' called 'Age' here?",
        ),
        (["bought.npz", "empty.csv"], "empty.csv has no rows"),
        (["bought.npz", "again.csv"], "has a column 'predicted bought' already"),
        (["bought.npz", "nowhere.csv"], "cannot read nowhere.csv"),
        (["nowhere.npz", "new.csv"], "cannot read nowhere.npz"),
        (["new.csv", "new.csv"], "new.csv is damaged, or no checkpoint"),
        (["broken.npz", "new.csv"], "broken.npz is damaged"),
        (["other.npz", "new.csv"], "other.npz is not a model that this version of calligrad train wrote"),
        (["bought.npz", "new.csv", "--out", "there.csv"], "there.csv is there already; --overwrite replaces it"),
        (["bought.npz", "new.csv", "--out", "new.csv", "--overwrite"], "that is what is to be read"),
        (["bought.npz", "new.csv", "--out", "new.txt"], "must end in .csv"),
    ]:
        run = trained("predict", *argv)
        assert (run.status, run.out) == (2, "")
        assert words in run.err
        assert run.err.count("\n") == 1
        assert run.files() == before
    assert (tmp_path / "there.csv").read_text() == "precious"
