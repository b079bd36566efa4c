"""``calligrad train`` and ``predict`` beside scikit-learn's MLP, on tables that come with scikit-learn.

    python -m benchmarks.tabular --seeds 10

For each seed a fifth of the rows, other ones each time, is held out. All learn from the same other four fifths:
calligrad from a CSV file, on its command line, as it is without options, which keeps 30 % of them to stop and to test
by; scikit-learn's MLPClassifier or MLPRegressor, with inputs and numeric target standardised, as it is without options,
which uses all of them; the same on 70 % of them, as many as calligrad; and with early_stopping=True.

Printed are mean and standard deviation over the seeds of the accuracy, or of R2, on the rows held out, and the mean
difference of calligrad to each, with its standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import calligrad
from calligrad.__main__ import main

TABLES = ("breast_cancer", "wine", "digits", "diabetes")


def table(name: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The names of the columns, the inputs, and the target: classes by their names, or numbers."""
    bunch = getattr(datasets, f"load_{name}")()
    if "target_names" in bunch:
        return list(bunch.feature_names), bunch.data, np.array([f"{bunch.target_names[i]}" for i in bunch.target])
    return list(bunch.feature_names), bunch.data, bunch.target


def write(path: Path, names: list[str], x: np.ndarray, y: np.ndarray) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "target"])
        writer.writerows([*row, answer] for row, answer in zip(x.tolist(), y.tolist()))


def command(*argv: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        status = main(argv)
    if status:
        raise RuntimeError(said.getvalue())


def ours(names: list[str], x: np.ndarray, y: np.ndarray, test: np.ndarray, answers: np.ndarray, seed: int) -> list[str]:
    """What calligrad predicts for ``test``."""
    with tempfile.TemporaryDirectory() as folder:
        train, new, model, predicted = (Path(folder, name) for name in ("a.csv", "b.csv", "a.npz", "b-predicted.csv"))
        write(train, names, x, y)
        write(new, names, test, answers)
        command("train", str(train), "--target", "target", "--seed", str(seed), "--folder", folder)
        command("predict", str(model), str(new), "--folder", folder)
        with open(predicted, encoding="utf-8", newline="") as file:
            return [row["predicted target"] for row in csv.DictReader(file)]


def rival(classes: bool, **settings: Any) -> Any:
    """scikit-learn's MLP on standardised columns."""
    if classes:
        return make_pipeline(StandardScaler(), MLPClassifier(**settings))
    return TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(**settings)), transformer=StandardScaler()
    )


def scores(name: str, seed: int) -> dict[str, float]:
    """Accuracy, or R2, of each on the rows that seed ``seed`` holds out."""
    names, x, y = table(name)
    classes = y.dtype.kind == "U"
    x, test, y, answers = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=y if classes else None)
    mine = ours(names, x, y, test, answers, seed)
    fewer = train_test_split(x, y, train_size=0.7, random_state=seed, stratify=y if classes else None)[::2]
    rivals = {
        "baseline": (DummyClassifier() if classes else DummyRegressor(), (x, y)),
        "scikit-learn": (rival(classes, random_state=seed), (x, y)),
        "… on 70 %": (rival(classes, random_state=seed), fewer),
        "… early stopping": (rival(classes, random_state=seed, early_stopping=True), (x, y)),
    }
    score = accuracy_score if classes else r2_score
    found = {"calligrad": score(answers, np.array(mine).astype(y.dtype))}
    for who, (model, data) in rivals.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that 200 epochs, its default, were not enough
            found[who] = score(answers, model.fit(*data).predict(test))
    return found


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=TABLES, metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    print(f"calligrad {calligrad.__version__}, scikit-learn {sklearn.__version__}, {options.seeds} seeds")
    for name in options.tables:
        found = [scores(name, seed) for seed in range(options.seeds)]
        print(f"\n{name}, {'R2' if name == 'diabetes' else 'accuracy'}")
        mine = np.array([one["calligrad"] for one in found])
        for who in found[0]:
            theirs = np.array([one[who] for one in found])
            line = f"  {who:<18} {theirs.mean():7.4f} ± {theirs.std(ddof=1):.4f}"
            if who != "calligrad":
                apart = mine - theirs
                line += f"   calligrad {apart.mean():+.4f} ± {apart.std(ddof=1) / np.sqrt(len(apart)):.4f}"
            print(line, flush=True)


if __name__ == "__main__":
    run()
