"""Random programs, in every nesting of vmap and derivatives, against the same with loops."""

import numpy as np
import pytest

import calligrad as cg
from calligrad import grad, hessian, jacobian, jvp, vmap

N = 4
MATRIX = np.random.default_rng(5).standard_normal((N, N))

OF_ONE = [
    np.sin,
    np.tanh,
    np.sort,
    np.cumsum,
    cg.softmax,
    cg.gelu,
    lambda a: a[::-1],
    lambda a: MATRIX @ a,
    lambda a: a @ MATRIX,
    lambda a: np.roll(a, 1),
    lambda a: np.where(a > 0, a, 0.3 * a),
    lambda a: a - np.mean(a),
    lambda a: a[np.array([0, 0, 3, 2])],
    lambda a: a[np.argmax(a)] * a,
    lambda a: a * np.linalg.norm(a),
    lambda a: cg.logsumexp(a) * a,
    lambda a: np.prod(a) + a,
    lambda a: np.sum(np.stack([a, 2 * a]), 0),
    lambda a: np.sum(np.tril(np.outer(a, a)), 1),
    lambda a: np.pad(np.diff(a), (0, 1)),
    lambda a: np.repeat(np.split(a, 2)[1], 2),
    lambda a: np.einsum("i,ij->j", a, MATRIX),
    lambda a: np.fft.irfft(np.fft.rfft(a), n=N),
    lambda a: np.linalg.solve(3 * np.eye(N) + np.outer(a, a), a),
    lambda a: np.take_along_axis(a, np.argsort(a), 0),
]
OF_TWO = [
    np.add,
    np.multiply,
    np.maximum,
    np.arctan2,
    lambda a, b: np.dot(a, b) * a,
    lambda a, b: np.outer(a, b) @ a,
    lambda a, b: np.where(a > b, a, b),
    lambda a, b: np.convolve(a, b, "same"),
    lambda a, b: np.tensordot(a, np.outer(b, b), 1),
    lambda a, b: np.concatenate([a[:2], b[2:]]),
]


def program(rng):
    """A function of two vectors: a few steps, each on what one of the last gave."""
    steps = []
    for _ in range(rng.integers(2, 6)):
        steps.append((OF_ONE, rng.integers(len(OF_ONE))) if rng.random() < 0.5 else (OF_TWO, rng.integers(len(OF_TWO))))
    others = rng.integers(0, 10, len(steps))

    def f(x, w):
        made = [x, w]
        for (kind, n), other in zip(steps, others, strict=True):
            made.append(kind[n](*([made[-1]] if kind is OF_ONE else [made[-1], made[other % len(made)]])))
        return 0.3 * made[-1]

    return f


def stacked(parts):
    return np.stack(list(parts))


NESTINGS = {
    "vmap": (
        lambda f, s, xs, ws: vmap(f)(xs, ws),
        lambda f, s, xs, ws: stacked(f(x, w) for x, w in zip(xs, ws, strict=True)),
    ),
    "vmap of grad, one argument for all": (
        lambda f, s, xs, ws: vmap(grad(s), in_axes=(None, 0))(ws[0], xs),
        lambda f, s, xs, ws: stacked(grad(s)(ws[0], x) for x in xs),
    ),
    "grad of vmap": (
        lambda f, s, xs, ws: grad(lambda w: np.sum(vmap(s, in_axes=(0, None))(xs, w) ** 2))(ws[0]),
        lambda f, s, xs, ws: grad(lambda w: np.sum(stacked(s(x, w) for x in xs) ** 2))(ws[0]),
    ),
    "grad of vmap of grad": (
        lambda f, s, xs, ws: grad(lambda w: np.sum(vmap(grad(s), in_axes=(0, None))(xs, w) ** 2))(ws[0]),
        lambda f, s, xs, ws: grad(lambda w: np.sum(stacked(grad(s)(x, w) for x in xs) ** 2))(ws[0]),
    ),
    "the same with what is outside in a closure": (
        lambda f, s, xs, ws: grad(lambda w: np.sum(vmap(grad(lambda z: s(z, w) * s(w, z)))(xs) * xs))(ws[0]),
        lambda f, s, xs, ws: grad(lambda w: np.sum(stacked(grad(lambda z: s(z, w) * s(w, z))(x) for x in xs) * xs))(
            ws[0]
        ),
    ),
    "vmap of grad of vmap": (
        lambda f, s, xs, ws: vmap(grad(lambda w: np.sum(vmap(s, in_axes=(0, None))(xs, w) ** 2)))(ws),
        lambda f, s, xs, ws: stacked(grad(lambda w: np.sum(stacked(s(x, w) for x in xs) ** 2))(w) for w in ws),
    ),
    "vmap of vmap": (
        lambda f, s, xs, ws: vmap(vmap(f, in_axes=(0, None)), in_axes=(None, 0))(xs, ws),
        lambda f, s, xs, ws: stacked(stacked(f(x, w) for x in xs) for w in ws),
    ),
    "vmap of hessian": (
        lambda f, s, xs, ws: vmap(hessian(s, 1), in_axes=(0, None))(xs, ws[0]),
        lambda f, s, xs, ws: stacked(hessian(s, 1)(x, ws[0]) for x in xs),
    ),
    "jacobian of vmap": (
        lambda f, s, xs, ws: jacobian(lambda w: vmap(f, in_axes=(0, None))(xs, w))(ws[0]),
        lambda f, s, xs, ws: jacobian(lambda w: stacked(f(x, w) for x in xs))(ws[0]),
    ),
    "vmap of jvp": (
        lambda f, s, xs, ws: vmap(lambda x: jvp(lambda x: f(x, ws[0]), (x,), (x,))[1])(xs),
        lambda f, s, xs, ws: stacked(jvp(lambda x: f(x, ws[0]), (x,), (x,))[1] for x in xs),
    ),
}


@pytest.mark.parametrize("nesting", NESTINGS)
@pytest.mark.parametrize("seed", range(12))
def test_nested_transformations_of_a_random_program_equal_loops(seed, nesting):
    rng = np.random.default_rng(seed)
    f = program(rng)
    xs, ws = rng.standard_normal((2, 3, N))
    with_vmap, with_loops = NESTINGS[nesting]

    def s(x, w):
        return np.sum(np.sin(f(x, w)))

    expected = with_loops(f, s, xs, ws)
    scale = max(1.0, np.max(np.abs(expected)))
    np.testing.assert_allclose(with_vmap(f, s, xs, ws), expected, rtol=1e-7, atol=1e-9 * scale)
