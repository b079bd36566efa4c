"""A ReLU network fitted to a few numbers, so that it comes out well from any seed.

What goes wrong without care: with targets as large as 121, the first steps of plain gradient descent are so
long that every unit is pushed to where it is 0 on all of the data. Its gradient is then 0 as well, so it
stays there, and the network predicts the mean for ever. Against that:

1. Inputs and targets are scaled to mean 0 and standard deviation 1.
2. Each hidden unit starts switching on at its own place in the data (``spread``), and the last layer starts
   at 0: the first prediction is the mean, and each unit's sign is found by the gradient.
3. Adam takes steps of a known length, first short, then long, then ever shorter (``pace``).
4. A small network has few pieces and can lose one in an unlucky start, so there are several starts, and the
   one with the lowest loss is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from calligrad import nn, no_grad, optim
from calligrad.commands.errors import UserError
from calligrad.nn.functional import mse_loss, relu

STARTS = 5


@dataclass
class Fit:
    """A trained network, in the units of its data, and how its training went.

    ``losses`` has one list for each start: the mean squared error of every epoch. ``best`` is the number
    of the start that was kept.
    """

    net: nn.Module
    x_scale: Scale
    y_scale: Scale
    losses: list[list[float]]
    best: int

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The predictions (rows,) for inputs (rows, columns)."""
        with no_grad(), np.errstate(over="ignore", invalid="ignore"):  # far outside the data
            return self.y_scale.back(self.net(self.x_scale(x)).data[:, 0])


def fit(
    x: np.ndarray,
    y: np.ndarray,
    *,
    width: int = 4,
    epochs: int = 4000,
    lr: float = 0.1,
    seed: int = 0,
    step: Callable[[str], None] = lambda note: None,
) -> Fit:
    """Train a network on inputs ``x`` (rows, columns) and targets ``y`` (rows,); ``step`` is called every epoch.

    Raises ``UserError`` if no start ends with a finite loss.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 20)
    >>> absolute = fit(x[:, None], np.abs(x), epochs=300)
    >>> bool(abs(absolute(np.array([[0.5]]))[0] - 0.5) < 0.05)
    True
    """
    x_scale, y_scale = Scale(x), Scale(y)
    unit = y_scale.spread.item() ** 2  # brings a loss back to the units of y, squared
    rng = np.random.default_rng(seed)
    nets = [network(x.shape[1], width, rng) for _ in range(STARTS)]
    losses: list[list[float]] = [[] for _ in nets]
    with np.errstate(over="ignore", invalid="ignore"):  # a learning rate that is far too high is reported below
        for net, history in zip(nets, losses):
            spread(net, x_scale(x), rng)
            for loss in train(net, x_scale(x), y_scale(y)[:, None], epochs, lr):
                history.append(loss * unit)
                step(f"loss {history[-1]:.4g}")
    ends = [history[-1] if math.isfinite(history[-1]) else math.inf for history in losses]
    best = ends.index(min(ends))
    if ends[best] == math.inf:
        raise UserError(f"the training ran away: the loss is {losses[best][-1]}; take an --lr below {lr:g}")
    return Fit(nets[best], x_scale, y_scale, losses, best)


class Scale:
    """To mean 0 and standard deviation 1 by column, and back; a column that never changes becomes 0.

    >>> import numpy as np
    >>> scale = Scale(np.array([1.0, 3.0]))
    >>> scale(np.array([1.0, 3.0])), scale.back(2.0)
    (array([-1.,  1.]), np.float64(4.0))
    """

    def __init__(self, numbers: np.ndarray) -> None:
        self.centre, self.spread = numbers.mean(axis=0), numbers.std(axis=0)
        self.spread = np.where(self.spread > 0, self.spread, 1.0)

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """From the units of the data."""
        return (numbers - self.centre) / self.spread

    def back(self, numbers: np.ndarray) -> np.ndarray:
        """To the units of the data."""
        return numbers * self.spread + self.centre


def network(inputs: int, width: int, rng: np.random.Generator) -> nn.Sequential:
    """The article's network, where ``inputs`` is 1 and ``width`` is 4.

    >>> import numpy as np
    >>> sum(p.size for p in network(1, 4, np.random.default_rng(0)).parameters())
    33
    """
    return nn.Sequential(
        nn.Linear(inputs, width, dtype=np.float64, rng=rng),
        nn.ReLU(),
        nn.Linear(width, width, dtype=np.float64, rng=rng),
        nn.ReLU(),
        nn.Linear(width, 1, dtype=np.float64, rng=rng),
    )


@no_grad()
def spread(net: nn.Sequential, x: np.ndarray, rng: np.random.Generator) -> None:
    """Have the units of each hidden layer switch on at different places in the data, and the output start at 0.

    A unit keeps the direction it was drawn with. Its weights are scaled so that its input has standard
    deviation 1 over the rows of ``x``, and its bias is such that it is 0 on a share of the rows: none of them
    for the first unit, then 1/width, 2/width and so on, in random order. Every unit is alive.
    """
    *hidden, last = (layer for layer in net if isinstance(layer, nn.Linear))
    for layer in hidden:
        weight, bias = layer.parameters()
        weight.data /= Scale(x @ weight.data.T).spread[:, None]
        shares = rng.permutation(len(bias)) / len(bias)
        bias.data[...] = -np.quantile(x @ weight.data.T, shares, axis=0).diagonal()
        x = relu(layer(x)).data
    for parameter in last.parameters():
        nn.init.zeros_(parameter)


def train(net: nn.Module, x: np.ndarray, y: np.ndarray, epochs: int, lr: float) -> Iterator[float]:
    """Train on all rows at once, and give the loss of each epoch as it comes."""
    optimizer = optim.Adam(net.parameters(), betas=(0.9, 0.99))
    for epoch in range(epochs):
        optimizer.lr = lr * pace((epoch + 0.5) / epochs)
        loss = mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def pace(done: float) -> float:
    """The share of the learning rate when ``done`` of the way is behind: up for a fifth, then down a cosine to 0.

    >>> pace(0.1), pace(0.2), round(pace(0.6), 3), pace(1.0)
    (0.5, 1.0, 0.5, 0.0)
    """
    return done / 0.2 if done < 0.2 else 0.5 * (1 + math.cos(math.pi * (done - 0.2) / 0.8))
