"""Burgers' equation solved by a neural network whose loss holds its own first and second derivatives.

    python examples/pinn.py

A wave, -sin(πx) at first and still at both ends, runs into itself and steepens into a shock at x = 0. The network is
told nothing but the equation u_t + u u_x = ν u_xx, at thousands of points. The solution is known (Cole and Hopf); it is
used only to measure by how much the network is off.

Raissi, Perdikaris and Karniadakis, "Physics-informed neural networks", Journal of Computational Physics 378, 2019;
how the wave begins and ends is built in, as in Lagaris, Likas and Fotiadis, arXiv:physics/9705023.
"""

import argparse
import time
from itertools import pairwise

import numpy as np

import calligrad
from calligrad import Value, gradients, nn, optim

VISCOSITY = 0.01 / np.pi


class Wave(nn.Module):
    """u(x, t), of arrays of places and times. Whatever the layers say, it is -sin(πx) at t = 0 and 0 at x = ±1."""

    def __init__(self, depth=4, width=20):
        layers = []
        for n, m in pairwise([2] + depth * [width]):
            layers += [nn.Linear(n, m, dtype=np.float64), nn.Tanh()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1, dtype=np.float64))

    def forward(self, x, t):
        return -np.sin(np.pi * x) + t * (1 - x**2) * self.layers(np.stack([x, t], axis=1))[:, 0]


def residual(u, x, t):
    """By how much ``u`` misses the equation at each point."""
    x, t = Value(x), Value(t)
    height = u(x, t)  # at a point it depends on no other point: so the gradients below are each point's own
    u_x, u_t = gradients(height, [x, t], create_graph=True)
    u_xx = gradients(u_x, x, create_graph=True)
    return u_t + height * u_x - VISCOSITY * u_xx


def exact(x, t):
    """The solution, by the formula of Cole and Hopf, whose integrals are Gauss-Hermite sums."""
    node, weight = np.polynomial.hermite.hermgauss(100)
    y = x[..., None] - node * np.sqrt(4 * VISCOSITY * t[..., None])
    share = weight * np.exp(-np.cos(np.pi * y) / (2 * np.pi * VISCOSITY))
    return -np.sum(share * np.sin(np.pi * y), axis=-1) / np.sum(share, axis=-1)


def off(u, places=201, times=101):
    """The relative error on a grid: the norm of the difference by the norm of the solution."""
    t, x = (part.ravel() for part in np.meshgrid(np.linspace(0, 1, times), np.linspace(-1, 1, places)))
    with calligrad.no_grad():
        return float(np.linalg.norm(u(x, t) - exact(x, t)) / np.linalg.norm(exact(x, t)))


def draw(u, path):
    """The network everywhere, and beside the solution at three times."""
    from matplotlib.figure import Figure

    figure = Figure((9, 3.4), dpi=150, layout="constrained")
    whole, *slices = figure.subplots(1, 4, width_ratios=[1.7, 1, 1, 1])
    x = np.linspace(-1, 1, 401)
    t = np.linspace(0, 1, 201)
    with calligrad.no_grad():
        heights = np.stack([u(x, np.full_like(x, now)) for now in t], axis=1).data
    image = whole.imshow(heights, extent=(0, 1, -1, 1), origin="lower", aspect="auto", cmap="RdBu_r")
    figure.colorbar(image, ax=whole)
    whole.set(xlabel="t", ylabel="x", title="u(x, t) of the network")
    for axes, i in zip(slices, (50, 100, 150)):
        whole.axvline(t[i], color="black", lw=0.5, ls=":")
        axes.plot(x, exact(x, np.full_like(x, t[i])), color="#0072B2", lw=3, label="solution")
        axes.plot(x, heights[:, i], color="#D55E00", ls="--", label="network")
        axes.set(xlabel="x", title=f"t = {t[i]:.2f}", ylim=(-1.1, 1.1))
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower right", ncols=2, frameon=False)
    figure.savefig(path)
    print(f"drawn in {path}")


def main(points=8000, adam=300, lbfgs=3000, width=20, picture="pinn.png"):
    """Solve the equation: first by Adam, which finds the way, then by L-BFGS, which goes it to its end."""
    calligrad.random.seed(0)
    rng = np.random.default_rng(0)
    x, t = rng.uniform(-1, 1, points), rng.uniform(0, 1, points)
    u = Wave(width=width)
    evaluations, began = 0, time.perf_counter()

    def closure():
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        loss = np.mean(residual(u, x, t) ** 2)
        loss.backward()
        return loss

    def tell(name):
        loss, seconds = float(closure()), time.perf_counter() - began
        print(f"{name}: {evaluations} evaluations, loss {loss:.1e}, off by {off(u):.2%}, {seconds:.0f} s", flush=True)

    optimizer = optim.Adam(u.parameters(), lr=3e-3)
    tell("at the start")
    for _ in range(adam):
        closure()
        optimizer.step()
    tell("Adam")
    optimizer = optim.LBFGS(
        u.parameters(),
        max_iter=max(lbfgs // 6, 1),
        history_size=50,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )
    for _ in range(6):
        optimizer.step(closure)
        tell("L-BFGS")
    if picture:
        draw(u, picture)
    return {"off": off(u), "wave": u}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=8000)
    parser.add_argument("--picture", default="pinn.png", help="where the picture is saved")
    args = parser.parse_args()
    main(args.points, picture=args.picture)
