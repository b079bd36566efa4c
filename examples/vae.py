"""A variational autoencoder: a network that learns what handwritten digits are made of, and then writes its own.

    python examples/vae.py

The encoder says which latent numbers a digit may have come from, the decoder what digits they give. A pixel of these
digits counts how many of 16 dots are ink, so the decoder gives the probability of ink, and the likelihood is binomial:
the bound (ELBO) is one on the true log likelihood, in nats per digit, and may be held against other models.

Kingma and Welling, "Auto-encoding variational Bayes", arXiv:1312.6114.
"""

import argparse
import math

import numpy as np

import calligrad
from calligrad import nn, optim
from calligrad.data import ArrayDataset, DataLoader, stratified_split
from calligrad.nn.functional import binary_cross_entropy_with_logits
from calligrad.train import Trainer

DOTS = 16  # in a pixel
WAYS = np.array([math.log(math.comb(DOTS, k)) for k in range(DOTS + 1)], np.float32)  # to choose k of them


class VAE(nn.Module):
    """Digits of 64 pixels to ``latent`` numbers and back."""

    def __init__(self, latent=12, width=512):
        self.encoder = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, width), nn.ReLU(), nn.Linear(width, 64))
        self.latent = latent

    def encode(self, digits):
        """Mean and log variance of the latent numbers."""
        return np.split(self.encoder(digits), 2, axis=1)

    def decode(self, z):
        """The share of ink in each pixel."""
        with calligrad.no_grad():
            return nn.functional.sigmoid(self.decoder(z)).data

    def forward(self, digits):
        """Two parts of the bound for each digit, in nats: its log likelihood, and how much was said about it (KL)."""
        mean, log_variance = self.encode(digits)
        noise = calligrad.random.generator().standard_normal(mean.shape, digits.dtype)
        z = mean + np.exp(log_variance / 2) * noise  # drawn so that the gradient can go through mean and variance
        return log_likelihood(self.decoder(z), digits), said(mean, log_variance)


def log_likelihood(logits, digits):
    """Of digits whose pixels have ink with these log odds: binomial, summed over the pixels."""
    missed = binary_cross_entropy_with_logits(logits, digits, reduction="none")
    ways = WAYS[np.rint(DOTS * digits).astype(int)]
    return np.sum(ways - DOTS * missed, axis=1)


def said(mean, log_variance):
    """The divergence (Kullback and Leibler) of a normal distribution from the standard one."""
    return np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1) / 2


class Training(Trainer):
    """Makes the bound on the likelihood large."""

    def step(self, batch):
        (digits,) = batch
        likelihood, kl = self.model(digits)
        elbo = np.mean(likelihood - kl)
        return {"loss": -elbo, "likelihood": np.mean(likelihood), "kl": np.mean(kl)}


def elbo(model, digits, draws=20):
    """The bound, in nats per digit, averaged over draws of the latent numbers."""
    with calligrad.no_grad():
        return float(np.mean([np.mean(np.subtract(*model(digits)).data) for _ in range(draws)]))


def without_latents(digits, new):
    """The log likelihood of ``new`` where each pixel is drawn on its own, as often ink as it is in ``digits``."""
    ink = np.clip(np.mean(digits, axis=0), 1e-3, 1 - 1e-3)
    return float(np.mean(log_likelihood(np.broadcast_to(np.log(ink / (1 - ink)), new.shape), new)))


def between(model, first, second, steps=10):
    """What lies between pairs of digits: the straight line from the mean of one to the mean of the other."""
    with calligrad.no_grad():
        start, end = (model.encode(digits)[0].data[:, None] for digits in (first, second))
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return model.decode(((1 - share) * start + share * end).reshape(-1, model.latent))


def sheet(digits, columns=10):
    """Digits side by side, as one picture."""
    digits = np.pad(digits.reshape(-1, columns, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)))
    return digits.transpose(0, 2, 1, 3).reshape(-1, 10 * columns)


def draw(model, digits, path):
    """New digits, some of the held-out ones beside what is left of them, and the way from one to another."""
    from matplotlib.figure import Figure

    noise = calligrad.random.generator().standard_normal((100, model.latent), np.float32)
    with calligrad.no_grad():
        again = model.decode(model.encode(digits[:50])[0])
    pairs = np.concatenate([digits[:50].reshape(5, 10, 64), again.reshape(5, 10, 64)], axis=1)  # a row above its like
    sheets = {
        "drawn from noise": model.decode(noise),
        "held out, and below from latent numbers": pairs.reshape(-1, 64),
        "from one to another": between(model, digits[50:60], digits[60:70]),
    }
    figure = Figure((12, 4.3), dpi=150, layout="constrained")
    figure.get_layout_engine().set(wspace=0.08)
    for axes, (title, shown) in zip(figure.subplots(1, 3), sheets.items()):
        axes.imshow(sheet(shown), cmap="gray_r")
        axes.set_title(title)
        axes.axis("off")
    figure.savefig(path)
    print(f"drawn in {path}")


def main(epochs=100, picture="vae.png"):
    """Train on four digits of five, and say how likely the others are."""
    calligrad.random.seed(0)
    images, labels = calligrad.data.load("digits")
    digits = ArrayDataset(images.reshape(-1, 64))
    training, held_out = stratified_split(digits, labels, [0.8, 0.2], seed=0)
    loader = DataLoader(training, batch_size=64, shuffle=True, seed=0)
    validation = DataLoader(held_out, batch_size=len(held_out))

    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    schedule = optim.CosineAnnealingLR(optimizer, epochs)
    Training(model, None, optimizer, schedule=schedule).fit(loader, validation, epochs)

    (seen,), (new,) = (next(iter(DataLoader(part, batch_size=len(part)))) for part in (training, held_out))
    result = {"seen": elbo(model, seen), "new": elbo(model, new), "without": without_latents(seen, new)}
    print(f"log likelihood: at least {result['new']:.1f} nats for a held-out digit, {result['seen']:.1f} for one seen")
    print(f"by pixels each on its own: {result['without']:.1f} nats")
    if picture:
        draw(model, new, picture)
    return result | {"model": model}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--picture", default="vae.png", help="where the picture is saved")
    args = parser.parse_args()
    try:
        open(args.picture, "ab").close()  # what cannot be written must not fail after the training
    except OSError as error:
        parser.error(f"--picture: {error}")
    main(args.epochs, args.picture)
