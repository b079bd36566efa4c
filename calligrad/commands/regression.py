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

import numpy as np

from calligrad import nn, no_grad, optim
from calligrad.nn.functional import mse_loss, relu

STARTS = 5


class Regression:
    """A network in the units of its data, and how its training went.

    ``losses`` has one list for each start: the mean squared error of every epoch. ``best`` is the number
    of the start that was kept.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 20)
    >>> model = Regression(x[:, None], np.abs(x), width=4, epochs=300, lr=0.1, seed=0)
    >>> bool(abs(model(np.array([[0.5]]))[0] - 0.5) < 0.05)
    True
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        *,
        width: int,
        epochs: int,
        lr: float,
        seed: int,
        step: Callable[[str], None] = lambda note: None,
    ) -> None:
        self._x, self._y = Scale(x), Scale(y)
        rng = np.random.default_rng(seed)
        unit = self._y.spread.item() ** 2  # the loss is counted in the units of y, squared
        self.losses: list[list[float]] = []
        nets = []
        for _ in range(STARTS):
            nets.append(network(x.shape[1], width, rng))
            spread(nets[-1], self._x(x), rng)
            self.losses.append([])
            for loss in train(nets[-1], self._x(x), self._y(y)[:, None], epochs, lr):
                self.losses[-1].append(loss * unit)
                step(f"loss {loss * unit:.4g}")
        ends = [losses[-1] if math.isfinite(losses[-1]) else math.inf for losses in self.losses]
        self.best = ends.index(min(ends))
        self.net = nets[self.best]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The predictions for rows of inputs."""
        with no_grad():
            return self._y.back(self.net(self._x(x)).data[:, 0])


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
        z = x @ layer.weight.data.T
        scale = Scale(z).spread
        shares = rng.permutation(len(scale)) / len(scale)
        layer.weight.data /= scale[:, None]
        layer.bias.data[...] = -np.quantile(z / scale, shares, axis=0).diagonal()
        x = relu(layer(x)).data
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)


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
