"""What a rod is made of: its conductivity along the length, from the temperatures of a few sensors on it.

python examples/heat.py
"""

import numpy as np

from calligrad import value_and_grad

CELLS = 40
SENSORS = np.arange(2, CELLS, 4)


def temperatures(conductivity, u, steps):
    """What the sensors measure on an insulated rod of length 1, by explicit finite differences; rows are times."""
    dx = 1 / CELLS
    dt = 0.3 * dx**2
    history = []
    for _ in range(steps):
        flow = -conductivity * np.diff(u) / dx  # between neighbours
        u = u - dt / dx * np.diff(np.pad(flow, 1))
        history.append(u[SENSORS])
    return np.vstack(history)


def misfit(p, measured, start, noise, stiffness=20.0):
    """Of sensors and model, with a preference for smooth rods; ``p`` is the log of the conductivity."""
    off = (temperatures(np.exp(p), start, len(measured)) - measured) / noise
    return 0.5 * np.sum(off**2) + stiffness * np.sum(np.diff(p) ** 2)


def minimise(f, x, steps):
    """The method of Broyden, Fletcher, Goldfarb and Shanno."""
    value, g = value_and_grad(f)(x)
    inverse = np.eye(len(x)) / np.linalg.norm(g)
    for _ in range(steps):
        direction, size = -inverse @ g, 1.0
        while size > 1e-8:
            moved = x + size * direction
            if f(moved) < value + 1e-4 * size * (g @ direction):
                break
            size /= 2
        new_value, new_g = value_and_grad(f)(moved)
        s, y = moved - x, new_g - g
        if s @ y > 0:
            shift = np.eye(len(x)) - np.outer(s, y) / (s @ y)
            inverse = shift @ inverse @ shift.T + np.outer(s, s) / (s @ y)
        x, value, g = moved, new_value, new_g
    return x


def main(steps=300, iterations=60):
    """Measure a rod that is known, and find it again."""
    rng = np.random.default_rng(0)
    where = np.arange(1, CELLS) / CELLS
    truth = 1 - 0.6 * np.exp(-(((where - 0.35) / 0.08) ** 2)) + 0.3 * where
    start, noise = np.cos(3 * np.pi * (np.arange(CELLS) + 0.5) / CELLS), 0.01  # hot and cold stripes
    exact = temperatures(truth, start, steps)
    measured = exact + noise * rng.standard_normal(exact.shape)

    def f(p):
        return misfit(p, measured, start, noise)

    p = np.zeros(CELLS - 1)
    direction = rng.standard_normal(len(p))
    along = value_and_grad(f)(p)[1] @ direction
    differences = (f(p + 1e-6 * direction) - f(p - 1e-6 * direction)) / 2e-6
    print(f"slope by calligrad {along:.6f}, by differences {differences:.6f}")

    found = np.exp(minimise(f, p, iterations))
    for i in range(1, CELLS, 4):
        print(f"at {where[i]:.2f}: {found[i]:.3f} (truth: {truth[i]:.3f}) {'#' * round(40 * found[i])}")
    off = np.sqrt(np.mean((found / truth - 1) ** 2))
    print(f"conductivity off by {off:.1%}, at the start by {np.sqrt(np.mean((1 / truth - 1) ** 2)):.1%}")
    return {"along": along, "differences": differences, "off": off}


if __name__ == "__main__":
    main()
