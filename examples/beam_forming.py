"""A beam of sixteen antennas: towards one listener, past two others, and with little to the sides.

python examples/beam_forming.py
"""

import numpy as np

from calligrad import value_and_grad

ANTENNAS = np.arange(16) / 2  # half a wavelength apart
LISTENER, SPARED, WIDTH = 20.0, np.array([-35.0, 48.0]), 12.0  # degrees


def field(weights, degrees):
    """The complex amplitudes far away, in the given directions, of antennas driven with complex ``weights``."""
    delays = np.outer(np.sin(np.radians(degrees)), ANTENNAS)
    return np.exp(-2j * np.pi * delays) @ weights


def power(weights, degrees):
    """What arrives, as a share of what one direction could get at the most."""
    return np.abs(field(weights, degrees)) ** 2 / (len(ANTENNAS) * np.sum(np.abs(weights) ** 2))


def sides():
    """Directions off the beam."""
    degrees = np.linspace(-90, 90, 361)
    return degrees[np.abs(degrees - LISTENER) > WIDTH]


def cost(weights, sharpness=16):
    """Power to the sides, the strongest counting most, and to those to be spared, against power to the listener."""
    lobes = np.mean(power(weights, sides()) ** sharpness) ** (1 / sharpness)
    spared = np.sum(power(weights, SPARED))
    return np.log(lobes + 100 * spared) - np.log(power(weights, np.array([LISTENER]))[0])


def minimise(f, x, steps, rate=0.02):
    """Adam, on complex numbers: downhill is against the gradient, as for real ones."""
    mean, square = 0.0, 0.0
    for i in range(1, steps + 1):
        _, g = value_and_grad(f)(x)
        mean = 0.9 * mean + 0.1 * g
        square = 0.999 * square + 0.001 * np.abs(g) ** 2
        x = x - rate * (1 - i / steps) * mean / (1 - 0.9**i) / np.sqrt(square / (1 - 0.999**i))
    return x


def decibels(share):
    """A ratio of powers as engineers say it."""
    return 10 * np.log10(share)


def main(steps=400):
    """Form the beam, and show it."""
    rng = np.random.default_rng(0)
    start = np.exp(2j * np.pi * np.sin(np.radians(LISTENER)) * ANTENNAS) / 4  # all in step for the listener
    direction = rng.standard_normal(16) + 1j * rng.standard_normal(16)
    along = np.real(np.vdot(value_and_grad(cost)(start)[1], direction))
    differences = (cost(start + 1e-6 * direction) - cost(start - 1e-6 * direction)) / 2e-6
    print(f"slope by calligrad {along:.8f}, by differences {differences:.8f}")

    found = minimise(cost, start, steps)
    for name, weights in ("in step", start), ("optimised", found):
        beam, side = power(weights, np.array([LISTENER]))[0], np.max(power(weights, sides()))
        spared = ", ".join(f"{decibels(share / beam):.1f} dB" for share in power(weights, SPARED))
        print(f"{name}: {decibels(beam):.1f} dB to the listener, {decibels(side / beam):.1f} dB to the sides; {spared}")

    for degrees in range(-80, 90, 10):
        height = decibels(power(found, np.array([degrees]))[0])
        print(f"{degrees:4} degrees {'#' * max(0, round(60 + height))}")
    return {"along": along, "differences": differences, "side": decibels(side / beam), "beam": decibels(beam)}


if __name__ == "__main__":
    main()
