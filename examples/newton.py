"""Newton's method with Hessians, and with no more than their products, beside two methods that see gradients alone.

    python examples/newton.py

All four go down Rosenbrock's valley, which is narrow and bent, in 2 dimensions and in 120. Newton's method computes
the Hessian and solves for the step. Truncated Newton asks the method of conjugate gradients, which needs nothing but
products H @ v; ``hvp`` computes one for about the price of two gradients, and the Hessian is never there. L-BFGS
guesses the Hessian from the gradients that it has seen. Every evaluation is counted.

Nocedal and Wright, "Numerical optimization", 2nd edition, chapters 3 and 7.
"""

import argparse
import time
from collections import Counter

import numpy as np

from calligrad import Value, hessian, hvp, optim, value_and_grad

ENOUGH = 1e-8  # the largest slope at which we are at the bottom


def rosenbrock(x):
    """A sum of valleys; at its lowest, 0, all of ``x`` is 1."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


class Problem:
    """A function that counts its evaluations and remembers where its slope was asked for."""

    def __init__(self, f):
        self.f, self.counts, self.path = f, Counter(), []
        self.off = np.inf  # how far the end of the way was from the bottom

    def cost(self):
        """In gradients: a product is two, a Hessian two for each column, and a value is taken for one."""
        return self.counts["values"] + self.counts["gradients"] + 2 * self.counts["products"]

    def value(self, x):
        self.counts["values"] += 1
        return self.f(x)

    def value_and_grad(self, x):
        self.counts["gradients"] += 1
        value, g = value_and_grad(self.f)(x)
        self.path.append((self.cost(), value, x.copy()))
        return value, g

    def product(self, x, v):
        self.counts["products"] += 1
        return hvp(self.f, (x,), (v,))[0]

    def hessian(self, x):
        self.counts["products"] += len(x)
        return hessian(self.f)(x)


def descend(problem, x, direction, steps):
    """Along ``direction(problem, x, g)``, halving a step until it goes down as far as its slope lets one hope."""
    size = 1.0
    for _ in range(steps):
        value, g = problem.value_and_grad(x)
        if np.max(np.abs(g)) < ENOUGH:
            break
        way, size = direction(problem, x, g), min(1.0, 2 * size)
        while problem.value(x + size * way) > value + 1e-4 * size * (g @ way) and size > 1e-12:
            size /= 2
        x = x + size * way
    return x


def steepest(problem, x, g):
    """Gradient descent: straight down."""
    return -g


def newton(problem, x, g):
    """To where a parabola has its bottom; along an axis on which it is bent the other way, down."""
    curvatures, axes = np.linalg.eigh(problem.hessian(x))
    return -axes @ ((axes.T @ g) / np.maximum(np.abs(curvatures), 1e-8))


def truncated_newton(problem, x, g):
    """The same by conjugate gradients: the sooner ended, the farther away the bottom is."""
    close = min(0.1, np.sqrt(np.linalg.norm(g))) * np.linalg.norm(g)
    way, left = np.zeros_like(g), -g
    turn = left
    for _ in range(len(x)):
        bent = problem.product(x, turn)
        curvature = turn @ bent
        if curvature <= 1e-10 * (turn @ turn):  # bent the other way: what has been found must do
            return way if np.any(way) else -g
        size = (left @ left) / curvature
        way, new = way + size * turn, left - size * bent
        if np.linalg.norm(new) < close:
            break
        turn, left = new + (new @ new) / (left @ left) * turn, new
    return way


def lbfgs(problem, x, steps):
    """The Hessian guessed from how the last hundred steps changed the gradient."""
    x = Value(x.copy())
    settings = {"max_iter": steps, "tolerance_grad": ENOUGH, "tolerance_change": 1e-25}
    optimizer = optim.LBFGS([x], line_search_fn="strong_wolfe", **settings)

    def closure():
        value, x.grad = problem.value_and_grad(x.data)
        return value

    optimizer.step(closure)
    return x.data


METHODS = {
    "gradient descent": lambda problem, x, steps: descend(problem, x, steepest, steps),
    "L-BFGS": lbfgs,
    "Newton": lambda problem, x, steps: descend(problem, x, newton, steps),
    "truncated Newton": lambda problem, x, steps: descend(problem, x, truncated_newton, steps),
}
COLOURS = dict(zip(METHODS, ("#8C8C8C", "#0072B2", "#D55E00", "#009E73")))  # told apart with any kind of colour vision


def compare(start, steps):
    """Go down from ``start`` by each method, and print what it took."""
    header = ("values", "gradients", "products", "cost", "f", "off by", "time")
    print(f"{f'{len(start)} dimensions':22}", *(f"{name:>9}" for name in header))
    problems = {}
    for name, method in METHODS.items():
        problems[name] = p = Problem(rosenbrock)
        began = time.perf_counter()
        x = method(p, start, steps)
        p.off, seconds = np.max(np.abs(x - 1)), time.perf_counter() - began
        counts = " ".join(f"{p.counts[what]:9}" for what in header[:3])
        print(f"  {name:20} {counts} {p.cost():9} {rosenbrock(x):9.1e} {p.off:9.1e} {seconds:7.2f} s")
    return problems


def draw(two, many, path):
    """The ways down in two dimensions, and how low each method came for what it spent in both."""
    from matplotlib.figure import Figure

    figure = Figure((12, 3.8), dpi=150, layout="constrained")
    valley, *descents = figure.subplots(1, 3)
    x, y = np.meshgrid(np.linspace(-1.6, 1.4, 201), np.linspace(-0.6, 1.6, 201))
    heights = 100 * (y - x**2) ** 2 + (1 - x) ** 2
    valley.contour(x, y, heights, levels=np.geomspace(0.1, 1000, 13), colors="lightgrey", linewidths=0.7)
    for name, problem in two.items():
        points = np.array([point for _, _, point in problem.path])
        valley.plot(*points.T, ".-", ms=4, lw=1, color=COLOURS[name], label=name)
    valley.plot(1, 1, "k*", ms=9)
    valley.set(title="2 dimensions", xlabel="x₀", ylabel="x₁", xlim=(-1.6, 1.4), ylim=(-0.6, 1.6))
    for axes, problems in zip(descents, (two, many)):
        for name, problem in problems.items():
            costs, values, _ = zip(*problem.path)
            axes.loglog(costs, np.minimum.accumulate(values), color=COLOURS[name], label=name)
        axes.set(title=f"{len(problem.path[0][2])} dimensions", xlabel="cost, in gradients", ylabel="f")
        axes.set_ylim(1e-20, None)
    for axes in (valley, *descents):
        axes.spines[["top", "right"]].set_visible(False)
    descents[1].legend(frameon=False, loc="lower left")
    figure.savefig(path)
    print(f"drawn in {path}")


def main(dimensions=120, steps=10000, picture="newton.png"):
    """Compare the methods in two dimensions and in many."""
    two = compare(np.array([-1.2, 1.0]), steps)  # where everybody starts
    many = compare(np.zeros(dimensions), steps)  # from -1.2 one may end in another valley, with x₀ near -1
    if picture:
        draw(two, many, picture)
    return {"two": two, "many": many}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", type=int, default=120)
    parser.add_argument("--picture", default="newton.png", help="where the picture is saved")
    args = parser.parse_args()
    main(args.dimensions, picture=args.picture)
