"""A Kalman filter: the noise of a motion and of its measurement, by maximum likelihood, from the measurements alone.

python examples/kalman_filter.py
"""

import numpy as np

from calligrad import grad, hessian

DT = 0.1
MOVE = np.array([[1.0, DT], [0.0, 1.0]])  # position and speed, a step later
SHAKE = np.array([[DT**3 / 3, DT**2 / 2], [DT**2 / 2, DT]])  # covariance of what a random push does in a step


def kalman(p, y):
    """Positions as the filter sees them, and minus the log likelihood of ``y``; ``p`` holds logs of push and noise."""
    push, noise = np.exp(2 * p)
    state, cov = np.zeros(2), 10.0 * np.eye(2)
    seen, surprise = [], 0.0
    for measured in y:
        state = MOVE @ state
        cov = MOVE @ cov @ MOVE.T + push * SHAKE
        variance = cov[0, 0] + noise
        off = measured - state[0]
        gain = cov[:, 0] / variance
        state = state + gain * off
        cov = cov - np.outer(gain, cov[0])
        surprise = surprise + 0.5 * (off**2 / variance + np.log(2 * np.pi * variance))
        seen.append(state[0])
    return seen, surprise


def surprise(p, y):
    """The negative log likelihood of the measurements."""
    return kalman(p, y)[1]


def fit(p, y, steps):
    """Newton's method."""
    for _ in range(steps):
        p = p - np.linalg.solve(hessian(surprise)(p, y), grad(surprise)(p, y))
    return p


def simulate(push, noise, steps, rng):
    """A position that is pushed at random, and what an instrument makes of it."""
    shakes = rng.standard_normal((steps, 2)) @ np.linalg.cholesky(push**2 * SHAKE).T
    state, path = np.zeros(2), []
    for shake in shakes:
        state = MOVE @ state + shake
        path.append(state[0])
    path = np.array(path)
    return path, path + noise * rng.standard_normal(steps)


def main(measurements=300, steps=5):
    """Simulate a motion, and find its noise and its path again."""
    truth = 0.8, 0.3
    path, y = simulate(*truth, measurements, np.random.default_rng(1))
    start = np.log([0.5, 0.5])

    direction = np.array([0.6, -0.8])
    along = grad(surprise)(start, y) @ direction
    differences = (surprise(start + 1e-5 * direction, y) - surprise(start - 1e-5 * direction, y)) / 2e-5
    print(f"slope by calligrad {along:.8f}, by differences {differences:.8f}")

    p = fit(start, y, steps)
    errors = np.sqrt(np.diag(np.linalg.inv(hessian(surprise)(p, y))))
    for name, value, error, true in zip(("push", "noise"), np.exp(p), errors, truth):
        print(f"{name} {value:.3f} +- {value * error:.3f} (truth: {true})")
    for name, seen in (("measured", y), ("filtered before", kalman(start, y)[0]), ("filtered after", kalman(p, y)[0])):
        print(f"position as {name}: off by {np.sqrt(np.mean((seen - path) ** 2)):.3f}")
    return {"along": along, "differences": differences, "push": np.exp(p[0]), "noise": np.exp(p[1])}


if __name__ == "__main__":
    main()
