"""A generative adversarial network: one network forges handwritten digits, and another tells them from real ones.

    python examples/gan.py

Each makes the other better, and no loss says how good the forgeries are. So they are shown to a judge, a classifier
that has seen real digits only. How many is it sure of? Does it see as many of each digit? And how far is a forgery
from the nearest digit of the training set, beside a real digit that is not in it: is it a copy?

Goodfellow et al., "Generative adversarial networks", arXiv:1406.2661; activations, norms and settings of Adam as in
Radford, Metz and Chintala, arXiv:1511.06434, without their convolutions: 8 by 8 pixels need none.
"""

import argparse

import numpy as np

import calligrad
from calligrad import nn, optim
from calligrad.data import ArrayDataset, DataLoader, stratified_split
from calligrad.nn.functional import binary_cross_entropy_with_logits, softmax
from calligrad.train import Callback, Trainer

LATENT = 32  # numbers of noise that a digit is made from
SURE = 0.9


def forger():
    """Noise to digits with pixels from -1 to 1."""
    return nn.Sequential(
        *(nn.Linear(LATENT, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU()),
        *(nn.Linear(256, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU()),
        *(nn.Linear(256, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8))),
    )


def detective():
    """Digits to the log odds that they are real. Dropout keeps it from knowing the few real ones by heart."""
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(64, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3)),
        *(nn.Linear(256, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(256, 1)),
    )


def classifier():
    """Digits to ten scores."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, stride=2), nn.ReLU()),
        *(nn.Flatten(), nn.Dropout(0.5), nn.Linear(576, 10)),
    )


def noise(count):
    """What forgeries are made from."""
    return calligrad.random.generator().standard_normal((count, LATENT), np.float32)


class Contest(Trainer):
    """A step of the detective, who learns to tell, and one of the forger, who learns to be taken for real."""

    def step(self, batch):
        real, _ = batch
        forger, detective = self.model
        forged = forger(noise(len(real)))
        unmasked = told(detective(real), 0.9) + told(detective(forged.data), 0)  # 0.9: it must not become too sure
        self.minimise(unmasked, self.optimizer["detective"])
        believed = told(detective(forged), 1)
        self.minimise(believed, self.optimizer["forger"])
        return {"detective": unmasked.item(), "forger": believed.item()}


def told(logits, share):
    """The loss of log odds where that share is real."""
    return binary_cross_entropy_with_logits(logits, np.full(logits.shape, share, np.float32))


class Averaging(Callback):
    """The forger's weights averaged over the last steps: the contest goes in circles, and its middle is better."""

    def __init__(self, average):
        self.average = average
        self.state_dict, self.load_state_dict = average.state_dict, average.load_state_dict

    def on_step_end(self, trainer):
        self.average.update()


def train_judge(digits, labels, epochs):
    """A classifier of real digits."""
    judge = classifier()
    loader = DataLoader(ArrayDataset(digits, labels), batch_size=64, shuffle=True, seed=0)
    optimizer = optim.Adam(judge.parameters(), lr=2e-3)
    Trainer(judge, nn.CrossEntropyLoss(), optimizer, show=False).fit(loader, epochs=epochs)
    return judge.eval()


def assess(judge, digits, seen):
    """The share of digits that the judge is sure of, that of each class, and how far they are from any ``seen``."""
    with calligrad.no_grad():
        probabilities = softmax(judge(digits), axis=1).data
    spread = np.bincount(np.argmax(probabilities, axis=1), minlength=10) / len(digits)
    a, b = digits.reshape(-1, 64), seen.reshape(-1, 64)
    squares = np.maximum(np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1) - 2 * a @ b.T, 0)
    return {
        "sure": float(np.mean(np.max(probabilities, axis=1) > SURE)),
        "spread": spread,
        "apart": float(np.median(np.sqrt(np.min(squares, axis=1)))),
    }


def draw(digits, path):
    """Two hundred digits."""
    from matplotlib.figure import Figure

    digits = np.pad(digits[:200].reshape(10, -1, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-1)
    figure = Figure((8, 4), dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.imshow(digits.transpose(0, 2, 1, 3).reshape(100, -1), cmap="gray_r")
    axes.axis("off")
    figure.savefig(path)
    print(f"drawn in {path}")


def main(epochs=300, picture="gan.png"):
    """Train both on four digits of five, and have the forgeries judged beside the digits held out."""
    calligrad.random.seed(0)
    images, labels = calligrad.data.load("digits")
    digits = ArrayDataset(2 * images[:, None] - 1, labels)
    training, held_out = stratified_split(digits, labels, [0.8, 0.2], seed=0)
    (seen, seen_labels), (new, new_labels) = (
        next(iter(DataLoader(part, batch_size=len(part)))) for part in (training, held_out)
    )
    judge = train_judge(seen, seen_labels, epochs=min(30, epochs))

    model = nn.Sequential(forger(), detective())
    optimizers = {
        name: optim.Adam(part.parameters(), lr=5e-4, betas=(0.5, 0.999))
        for name, part in zip(("forger", "detective"), model)
    }
    average = optim.EMA(model[0], decay=0.995, use_buffers=True)
    loader = DataLoader(training, batch_size=64, shuffle=True, drop_last=True, seed=0)
    Contest(model, None, optimizers, callbacks=[Averaging(average)]).fit(loader, epochs=epochs)

    average.copy_to_model()
    with calligrad.no_grad():
        forged = model.eval()[0](noise(2000)).data
        right = np.mean(np.argmax(judge(new), axis=1) == new_labels)
    print(f"the judge tells {right:.1%} of the held-out digits right")
    result = {"held out": assess(judge, new, seen), "forged": assess(judge, forged, seen)}
    for name, found in result.items():
        spread = " ".join(f"{share:.0%}" for share in found["spread"])
        print(f"{name}: sure of {found['sure']:.1%}, {found['apart']:.2f} from the nearest; 0 to 9: {spread}")
    if picture:
        draw(forged, picture)
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--picture", default="gan.png", help="where the picture is saved")
    args = parser.parse_args()
    try:
        open(args.picture, "ab").close()  # what cannot be written must not fail after the training
    except OSError as error:
        parser.error(f"--picture: {error}")
    main(args.epochs, args.picture)
