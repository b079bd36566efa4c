"""A Gaussian process: the hyper-parameters that make the data most likely, with error bars, and a prediction.

python examples/gaussian_process.py
"""

import numpy as np

from calligrad import grad, hessian

JITTER = 1e-10


def kernel(a, b, amplitude, length):
    """The covariance of a smooth function at ``a`` and ``b``."""
    return amplitude**2 * np.exp(-0.5 * ((a[:, None] - b[None, :]) / length) ** 2)


def factor(p, x):
    """The Cholesky factor of the covariance of the data; ``p`` holds logs of amplitude, length and noise."""
    amplitude, length, noise = np.exp(p)
    return np.linalg.cholesky(kernel(x, x, amplitude, length) + (noise**2 + JITTER) * np.eye(len(x)))


def surprise(p, x, y):
    """The negative log of the marginal likelihood."""
    L = factor(p, x)
    white = np.linalg.solve(L, y)
    return 0.5 * white @ white + np.sum(np.log(np.diag(L))) + 0.5 * len(x) * np.log(2 * np.pi)


def predict(p, x, y, new):
    """Mean and standard deviation of the function at ``new``."""
    amplitude, length, _ = np.exp(p)
    L = factor(p, x)
    across = np.linalg.solve(L, kernel(x, new, amplitude, length))
    return across.T @ np.linalg.solve(L, y), np.sqrt(amplitude**2 - np.sum(across**2, axis=0))


def fit(p, x, y, steps):
    """Newton's method, downhill: along each axis of the Hessian by the size of its curvature, one unit at most."""
    for _ in range(steps):
        curvatures, axes = np.linalg.eigh(hessian(surprise)(p, x, y))
        step = axes @ ((axes.T @ grad(surprise)(p, x, y)) / np.abs(curvatures))
        p = p - step / max(1.0, np.linalg.norm(step))
    return p


def main(points=80, steps=12):
    """Fit a function that is known, and tell by how much the prediction is off."""
    rng = np.random.default_rng(0)

    def truth(x):
        return np.sin(x) + 0.5 * np.sin(2.3 * x + 1)

    x = np.sort(rng.uniform(0, 10, points))
    y = truth(x) + 0.2 * rng.standard_normal(points)
    start = np.log([0.5, 0.5, 0.5])

    direction = np.array([0.3, -0.5, 0.8])
    along = grad(surprise)(start, x, y) @ direction
    differences = (surprise(start + 1e-5 * direction, x, y) - surprise(start - 1e-5 * direction, x, y)) / 2e-5
    print(f"slope by calligrad {along:.8f}, by differences {differences:.8f}")

    p = fit(start, x, y, steps)
    errors = np.sqrt(np.diag(np.linalg.inv(hessian(surprise)(p, x, y))))
    print(f"log likelihood {-surprise(start, x, y):.2f} before, {-surprise(p, x, y):.2f} after")
    for name, value, error in zip(("amplitude", "length", "noise (truth: 0.2)"), np.exp(p), errors):
        print(f"{name} {value:.3f} +- {value * error:.3f}")

    new = np.linspace(0.5, 9.5, 200)
    mean, deviation = predict(p, x, y, new)
    off = np.abs(mean - truth(new))
    print(
        f"prediction off by {np.sqrt(np.mean(off**2)):.3f}, within two deviations at {np.mean(off < 2 * deviation):.0%}"
    )
    return {"along": along, "differences": differences, "noise": np.exp(p[2]), "off": np.sqrt(np.mean(off**2))}


if __name__ == "__main__":
    main()
