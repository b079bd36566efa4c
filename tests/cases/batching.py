"""What vmap adds: a Function of one's own, on all examples at once."""

import numpy as np

from calligrad import Function, vmap
from tests.cases.table import case, real


class Twist(Function):
    """A Function of two vectors, with settings and an output that is kept."""

    turns: int = 1

    def forward(self, a, b):
        return np.tanh(a) * np.roll(b, self.turns)

    def backward(self, g, a, b, *, y):
        return lambda: g * (np.roll(b, self.turns) - y * np.tanh(a)), lambda: np.roll(g * np.tanh(a), -self.turns)


def twist(a, b):
    return Twist(2)(a, b)


case("batching.OfAll", vmap(twist), real(2, 3), real(2, 3))
case("batching.OfAll one for all", vmap(twist, in_axes=(0, None)), real(2, 3), real(3))
