"""An LSTM that tells the language of a word from its letters.

    apt install wamerican wdutch wfrench witalian wngerman wportuguese wspanish wswedish
    python examples/languages.py
    python examples/languages.py --lists folder

It takes 10,000 words of each of these eight lists that Debian keeps in /usr/share/dict, or as many as there are. With
--lists it reads any lists of yours: one file for each class, a word to a line; first names, towns of several countries,
names of plants and of minerals. A tenth of the words is held out. There the LSTM is compared with two guesses that need
no network: the most frequent class, and the class in which the pieces of the word are most frequent (naive Bayes).
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

import calligrad
from calligrad import nn, optim
from calligrad.data import CharTokenizer, DataLoader, stratified_split
from calligrad.train import Accuracy, Trainer

LANGUAGES = {
    "english": "american-english",
    "dutch": "dutch",
    "french": "french",
    "german": "ngerman",
    "italian": "italian",
    "portuguese": "portuguese",
    "spanish": "spanish",
    "swedish": "swedish",
}


def lists(folder=None):
    """The words of each class."""
    if folder:
        files = [path for path in sorted(Path(folder).iterdir()) if path.is_file() and not path.name.startswith(".")]
        found = {path.stem: {line.lower() for line in lines(path)} for path in files}
    else:
        folder = Path("/usr/share/dict")
        files = {name: folder / file for name, file in LANGUAGES.items() if (folder / file).exists()}
        found = {name: {word for word in lines(path) if is_plain(word)} for name, path in files.items()}
    if len(found) < 2:
        raise SystemExit(f"{folder} has {len(found)} lists of words for this, and it takes two or more.\n\n{__doc__}")
    return found


def is_plain(word):
    """Whether it consists of 3 to 20 small letters, which leaves out names and abbreviations."""
    return 3 <= len(word) <= 20 and word.isalpha() and word.islower()


def lines(path):
    """The lines of a file that are not empty, in UTF-8 or, as the Swedish list is, in Latin-1."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return [line.strip() for line in text.splitlines() if line.strip()]


def examples(words_of, count):
    """``count`` pairs of a word and the number of its class, from each class; no word that stands in two lists."""
    rng = np.random.default_rng(0)
    lists_with = Counter(word for words in words_of.values() for word in words)
    pairs = []
    for label, (name, words) in enumerate(words_of.items()):
        own = sorted(word for word in words if lists_with[word] == 1)
        if len(own) < 10:
            raise SystemExit(f"{name} has {len(own)} words that stand in no other list, and it takes ten or more")
        pairs += [(own[i], label) for i in rng.permutation(len(own))[:count]]
    return pairs


class Reader(nn.Module):
    """Reads a word in both directions, and tells its class by what it remembers at either end."""

    def __init__(self, letters, classes, width=64, memory=128):
        self.letters = nn.Embedding(letters, width)
        self.lstm = nn.LSTM(width, memory, batch_first=True, bidirectional=True)
        self.a_few, self.half = nn.Dropout(0.1), nn.Dropout(0.5)
        self.classes = nn.Linear(2 * memory, classes)

    def forward(self, letters, lengths):
        """Letters (N, longest), of which only the first ``lengths`` (N,) count, to logits (N, classes)."""
        _, (memory, _) = self.lstm(self.a_few(self.letters(letters)), lengths=lengths)
        return self.classes(self.half(np.concatenate(tuple(memory), axis=-1)))


def naive_bayes(training, test, classes, sizes):
    """The accuracy of guesses by pieces of so many letters, as if each told something of its own (naive Bayes)."""

    def pieces(word):
        word = f"^{word}$"
        return [word[i : i + size] for size in sizes for i in range(len(word) - size + 1)]

    rows = {}
    for word, _ in training:
        for piece in pieces(word):
            rows.setdefault(piece, len(rows))
    counts = np.full((len(rows), classes), 0.1)
    for word, label in training:
        np.add.at(counts[:, label], [rows[piece] for piece in pieces(word)], 1)
    logs = np.log(counts / counts.sum(axis=0))
    guesses = [logs[[rows[piece] for piece in pieces(word) if piece in rows]].sum(axis=0).argmax() for word, _ in test]
    return np.mean([guess == label for guess, (_, label) in zip(guesses, test, strict=True)])


def main(folder=None, epochs=10, count=10_000):
    """Train on ``count`` words of each list; returns the accuracies on the tenth that is held out."""
    calligrad.random.seed(0)
    words_of = lists(folder)
    names = list(words_of)
    pairs = examples(words_of, count)
    training, test = stratified_split(pairs, [label for _, label in pairs], [0.9, 0.1], seed=0)
    print(f"{len(training):,} words to learn from and {len(test):,} to test with: {', '.join(names)}")

    alphabet = CharTokenizer("".join(sorted({letter for word, _ in pairs for letter in word})))

    def batch(pairs):
        """Words of unequal lengths as one array, padded with whatever comes first in the alphabet."""
        lengths = np.array([len(word) for word, _ in pairs])
        letters = np.zeros((len(pairs), lengths.max()), np.int64)
        for row, (word, _) in zip(letters, pairs, strict=True):
            row[: len(word)] = alphabet.encode(word)
        return {"letters": letters, "lengths": lengths, "y": np.array([label for _, label in pairs])}

    model = Reader(alphabet.vocab_size, len(names))
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(training, batch_size=128, shuffle=True, seed=0, collate=batch)
    schedule = optim.OneCycleLR(optimizer, 4e-3, total_steps=epochs * len(loader))
    trainer = Trainer(
        model, nn.CrossEntropyLoss(), optimizer, metrics=Accuracy(), schedule=schedule, schedule_per="step"
    )
    held_out = DataLoader(test, batch_size=500, collate=batch)
    history = trainer.fit(loader, held_out, epochs)

    labels = np.array([label for _, label in test])
    tell(names, labels, trainer.predict(held_out).argmax(axis=-1))
    accuracies = {
        "majority": np.bincount(labels).max() / len(labels),
        "pieces of 3 letters": naive_bayes(training, test, len(names), [3]),
        "pieces of 2 to 5 letters": naive_bayes(training, test, len(names), range(2, 6)),
        "LSTM": history[-1]["validation_accuracy"],
    }
    print("right: " + ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in accuracies.items()))
    return accuracies


def tell(names, labels, guesses):
    """Print which classes are taken for which."""
    table = np.zeros((len(names), len(names)))
    np.add.at(table, (labels, guesses), 1)
    print("of 100 words of the class on the left, the LSTM takes so many for each of these:")
    print(" " * 11 + "".join(f"{name:>11}" for name in names))
    for name, row in zip(names, 100 * table / table.sum(axis=1, keepdims=True), strict=True):
        print(f"{name:11}" + "".join(f"{share:11.0f}" for share in row))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", dest="folder", help="a folder with a file of words for each class")
    parser.add_argument("--epochs", type=int, default=10)
    main(**vars(parser.parse_args()))
