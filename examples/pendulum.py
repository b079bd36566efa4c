"""A pendulum's length and damping from a noisy film of its swing: the differential equation fitted through its solver.

python examples/pendulum.py
"""

import numpy as np

from calligrad import grad, hessian

GRAVITY = 9.81


def acceleration(angle, speed, length, damping):
    """Gravity along the circle, and friction."""
    return -GRAVITY / length * np.sin(angle) - damping * speed


def simulate(p, times, substeps=4):
    """Angles at ``times``, by the method of Störmer and Verlet; ``p``: length, damping, first angle and speed."""
    length, damping, angle, speed = p
    angles = [angle]
    for dt in np.diff(times) / substeps:
        for _ in range(substeps):
            speed = speed + dt / 2 * acceleration(angle, speed, length, damping)
            angle = angle + dt * speed
            speed = speed + dt / 2 * acceleration(angle, speed, length, damping)
        angles.append(angle)
    return angles


def misfit(p, times, angles):
    """Half the sum of squares of what the film and the equation disagree by."""
    return 0.5 * sum((seen - angle) ** 2 for seen, angle in zip(angles, simulate(p, times)))


def fit(p, times, angles, steps):
    """Newton's method, held back by Levenberg's damping while it does not go downhill."""
    level, held = misfit(p, times, angles), 1.0
    for _ in range(steps):
        g, H = grad(misfit)(p, times, angles), hessian(misfit)(p, times, angles)
        while held < 1e9:
            new = p - np.linalg.solve(H + held * np.eye(len(p)), g)
            if new[0] > 0 and (reached := misfit(new, times, angles)) <= level:
                p, level, held = new, reached, held / 10
                break
            held *= 4
    return p


def main(frames=60, steps=8):
    """Film a pendulum that is known, and find it again."""
    rng = np.random.default_rng(0)
    truth = np.array([0.7, 0.25, 1.2, 0.0])
    times, noise = np.linspace(0, 4, frames), 0.05
    angles = simulate(truth, times) + noise * rng.standard_normal(frames)
    start = np.array([0.9, 0.0, angles[0], 0.0])

    direction = np.array([0.5, -0.5, 0.5, 0.5])
    along = grad(misfit)(start, times, angles) @ direction
    above, below = (misfit(start + h * direction, times, angles) for h in (1e-5, -1e-5))
    print(f"slope by calligrad {along:.8f}, by differences {(above - below) / 2e-5:.8f}")

    p = fit(start, times, angles, steps)
    errors = noise * np.sqrt(np.diag(np.linalg.inv(hessian(misfit)(p, times, angles))))
    for name, value, error, true in zip(("length", "damping", "angle", "speed"), p, errors, truth):
        print(f"{name} {value:.4f} +- {error:.4f} (truth: {true})")
    off = np.sqrt(2 * misfit(p, times, angles) / frames)
    print(f"film and equation disagree by {off:.4f} (noise of the film: {noise})")
    return {"along": along, "differences": (above - below) / 2e-5, "p": p, "errors": errors}


if __name__ == "__main__":
    main()
