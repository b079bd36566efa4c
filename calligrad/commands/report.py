"""How good a table's model is, beside a guess that knows nothing; in numbers and in lines for a person."""

from __future__ import annotations

import numpy as np

from calligrad.commands.tabular import TableModel
from calligrad.commands.target import Classes, Quantity
from calligrad.train import AUC, F1, MAE, R2

SHUFFLES = 3  # of each column
ROWS = 1000  # at most so many are shuffled
COLUMNS = 10  # the most important ones are told
CLASSES = 12  # of more than these no table is printed
NAME = 24  # characters of a name in a table


def guess(target: Classes | Quantity, y: np.ndarray) -> float:
    """What one says who does not look at the columns: the most frequent class, or the mean, of ``y``."""
    return float(np.bincount(y).argmax() if isinstance(target, Classes) else np.mean(y))


def lines(target: Classes | Quantity, predicted: np.ndarray, y: np.ndarray, blind: float) -> list[str]:
    """How good predictions of ``y`` are, beside always saying ``blind``; the last line says the most."""
    if isinstance(target, Classes):
        told = [*_class_lines(target, predicted, y, int(blind)), _accuracy(target, predicted, y, int(blind))]
        worth = np.mean(np.argmax(predicted, axis=1) == y) - np.mean(y == blind)
    else:
        model, always = (_errors(p, y) for p in (predicted, np.full_like(y, blind)))
        told = [f"mean absolute error: {model}; always the mean, {blind:.4g}: {always}"]
        worth = np.mean(np.square(y - blind)) - np.mean(np.square(y - predicted))
    if worth <= 0:
        told.insert(-1, f"no better than always the same: the columns may say nothing about {target.name}")
    return told


def _class_lines(target: Classes, probabilities: np.ndarray, y: np.ndarray, usual: int) -> list[str]:
    always = np.broadcast_to(np.eye(target.outputs)[usual], probabilities.shape)
    told = []
    for name, metric in (("F1, mean of the classes", F1("macro")), ("AUC", AUC())):
        found = []
        for scores in (probabilities, always):
            metric.reset()
            metric.update(scores, y)
            found.append(metric.result())
        if np.isfinite(found[0]):
            told.append(f"{name}: {found[0]:.3f}; always {_cut(target.labels[usual])}: {found[1]:.3f}")
    if target.outputs <= CLASSES:
        told += ["", *confusion(target.labels, y, np.argmax(probabilities, axis=1)), ""]
    return told


def _accuracy(target: Classes, probabilities: np.ndarray, y: np.ndarray, usual: int) -> str:
    right, usually = np.count_nonzero(np.argmax(probabilities, axis=1) == y), np.count_nonzero(y == usual)
    return (
        f"accuracy: {100 * right / len(y):.2f} % ({right} of {len(y)}); "
        f"always {_cut(target.labels[usual])}: {100 * usually / len(y):.2f} %"
    )


def _errors(predicted: np.ndarray, y: np.ndarray) -> str:
    mae, r2 = MAE(), R2()
    mae.update(predicted, y)
    r2.update(predicted, y)
    return f"{mae.result():.4g}, R2 {r2.result():z.3f}"


def confusion(labels: list[str], y: np.ndarray, guesses: np.ndarray) -> list[str]:
    """A line for each class, with what its rows were taken for.

    >>> print("\\n".join(confusion(["cat", "dog"], np.array([0, 0, 1]), np.array([0, 1, 1]))))
    is        taken for
                cat     dog
    cat           1       1
    dog           0       1
    """
    counts = np.zeros((len(labels), len(labels)), int)
    np.add.at(counts, (y, guesses), 1)
    names = [_cut(label) for label in labels]
    wide = max(8, *(len(name) + 2 for name in names))
    first = max(7, *map(len, names))
    told = [f"{'is':<{first}}   taken for", " " * first + "".join(f"{name:>{wide}}" for name in names)]
    return told + [f"{name:<{first}}" + "".join(f"{n:>{wide}}" for n in row) for name, row in zip(names, counts)]


def importance(
    model: TableModel, features: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> list[tuple[str, float]]:
    """How much worse the model gets when a column's cells are shuffled, for each column, the worst first.

    For classes: by how much the mean probability of the right class falls. For numbers: by how much the mean absolute
    error rises. Breiman, "Random forests", 2001.
    """
    features, y = features[:ROWS], y[:ROWS]

    def loss(features: np.ndarray) -> float:
        predicted = model(features)
        if isinstance(model.target, Quantity):
            return float(np.mean(np.abs(predicted - y)))
        return -float(np.mean(predicted[np.arange(len(y)), y]))

    before, losses = loss(features), {}
    for name, span in model.spans().items():
        shuffled = features.copy()
        worse = []
        for _ in range(SHUFFLES):
            shuffled[:, span] = features[rng.permutation(len(features)), span]
            worse.append(loss(shuffled) - before)
        losses[name] = float(np.mean(worse))
    return sorted(losses.items(), key=lambda item: -item[1])


def importance_lines(model: TableModel, ranked: list[tuple[str, float]]) -> list[str]:
    """The most important columns, with a bar for each."""
    classes = isinstance(model.target, Classes)
    what = "the probability of the right class falls" if classes else "the mean absolute error rises"
    best = [item for item in ranked[:COLUMNS] if item[1] > 0]
    if not best:
        return ["no column matters: shuffling its cells makes the predictions no worse"]
    told = [f"what the columns are worth: by how much {what} when one is shuffled"]
    width = max(len(_cut(name)) for name, _ in best)
    for name, loss in best:
        amount = f"{100 * loss:6.2f} points" if classes else f"{loss:<10.3g}"
        told.append(f"  {_cut(name):<{width}}  {amount}  {'█' * round(20 * loss / best[0][1])}".rstrip())
    return told


def _cut(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1] + "…"
