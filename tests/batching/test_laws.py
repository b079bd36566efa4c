"""Every case of the table under vmap: equal to a loop over three draws, and so are its gradients."""

import re
import warnings
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from calligrad import Value, grad, gradients, jacobian, transforms, vjp, vmap
from calligrad.batching import BatchingWarning, loop
from calligrad.nests import leaves, like
from tests.cases import CASES, Case
from tests.test_laws import weights

OF_PYTHON_NUMBERS = {  # they want numbers of Python, not arrays; or their result has a shape that the numbers decide
    "np.fromiter",
    "np.fromfunction",
    "np.arange",
    "setitem into a constant",
    "calligrad.scipy.special.multigammaln",
}
NO_GRADIENT_WITHIN = {  # with a gradient inside of vmap they ask for numbers; refused
    "np.piecewise",
    "np.polyfit",
    "np.pad linear_ramp end_values= a Value",
    "np.pad linear_ramp end_values= a row for each axis",
    "np.lib.scimath.arctanh",
    "np.lib.scimath.logn",
}


def among(case: Case, names: set[str]) -> bool:
    return case.name in names or case.covers in names


BATCHED = [case for case in CASES.values() if not among(case, OF_PYTHON_NUMBERS)]
every_case = pytest.mark.parametrize("case", BATCHED, ids=lambda case: case.name)
every_case_with_gradient = pytest.mark.parametrize(
    "case", [case for case in BATCHED if not among(case, NO_GRADIENT_WITHIN)], ids=lambda case: case.name
)

pytestmark = pytest.mark.filterwarnings("ignore::calligrad.batching.BatchingWarning")


def examples(case: Case) -> list[list[np.ndarray]]:
    """Three draws of the inputs."""
    rngs = [np.random.default_rng(crc32(case.name.encode()) + i) for i in range(3)]
    return [[np.asarray(draw(rng), x.dtype) for draw, x in zip(case.draws, case.xs, strict=True)] for rng in rngs]


def stacked(columns) -> list[np.ndarray]:
    return [np.stack(column) for column in zip(*columns, strict=True)]


def run(case: Case, xs: list) -> list:
    return leaves(case.f(*xs))


def pulled(case: Case):
    """The gradients of the inputs, from a gradient that is ``scale`` times the same for every example."""

    def gradients_of(scale, *xs):
        y, pull = vjp(case.f, *xs)
        return pull(like(y, iter([(scale * weights(part)).astype(part.dtype) for part in leaves(y)])))

    return gradients_of


SCALES = np.array([1.0, 2.0, 3.0])


def gradients_of_the_loop(case: Case, drawn: list) -> list[np.ndarray]:
    return stacked([leaves(pulled(case)(n, *[x.copy() for x in xs])) for n, xs in zip(SCALES, drawn, strict=True)])


def assert_close(got, expected) -> None:
    got = [y.data if isinstance(y, Value) else y for y in leaves(got)]
    assert [(y.shape, y.dtype) for y in got] == [(y.shape, y.dtype) for y in expected]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


@every_case
def test_it_equals_the_loop_in_value_shape_and_dtype(case):
    drawn = examples(case)
    assert_close(vmap(case.f)(*stacked(drawn)), stacked([run(case, [x.copy() for x in xs]) for xs in drawn]))


@every_case
def test_the_gradient_of_it_equals_that_of_the_loop(case):
    """grad(vmap(f)): Batched over Values."""
    drawn = examples(case)
    vs = [Value(x) for x in stacked(drawn)]
    expected = stacked([run(case, [x.copy() for x in xs]) for xs in drawn])
    ys = leaves(vmap(case.f)(*vs))
    if vs and any(isinstance(y, Value) and y.requires_grad for y in ys):
        seeds = [np.stack([n * weights(part) for n, part in zip(SCALES, y, strict=True)]) for y in expected]
        seeds = [seed.astype(y.dtype) for seed, y in zip(seeds, expected, strict=True)]
        pairs = [(y, seed) for y, seed in zip(ys, seeds, strict=True) if isinstance(y, Value) and y.requires_grad]
        got = gradients([y for y, _ in pairs], vs, [seed for _, seed in pairs])
        assert_close(got, gradients_of_the_loop(case, drawn))


@every_case_with_gradient
def test_it_maps_the_gradient_as_the_loop_does(case):
    """vmap(grad(f)): Values over Batched."""
    drawn = examples(case)
    got = vmap(pulled(case))(SCALES, *stacked(drawn))
    assert_close(got, gradients_of_the_loop(case, drawn))


@pytest.mark.parametrize("case", {c.covers: c for c in BATCHED if c.xs}.values(), ids=lambda case: case.name)
def test_the_rows_of_a_jacobian_at_once_are_those_one_by_one(case, monkeypatch):
    """vmap over the gradient that a backward is given, while what it kept is the same for all rows."""
    of_all = jacobian(case.f, tuple(range(len(case.xs))))
    monkeypatch.setattr(transforms, "FEW_ROWS", 10**9)
    try:
        expected = leaves(of_all(*case.xs))
    except TypeError:  # not holomorphic
        return
    monkeypatch.setattr(transforms, "FEW_ROWS", 1)
    monkeypatch.setattr(transforms, "Leaving", ZeroDivisionError)  # no falling back
    assert_close(of_all(*case.xs), expected)


DEEP = (
    "np.multiply of a matrix and a row",
    "np.power of equal shapes",
    "np.maximum of equal shapes",
    "np.sum axis=(0, 2)",
    "np.prod axis=1",
    "np.var axis=(0, 2)",
    "np.linalg.norm axis=1",
    "np.matmul of a stack and a matrix",
    "np.matmul of vectors",
    "np.einsum ii,ij->ij of [(3, 3), (3, 2)]",
    "np.tensordot 1 of (2, 3), (3, 4)",
    "np.concatenate axis=1",
    "np.split multiplied together",
    "np.pad",
    "np.sort",
    "np.diag",
    "np.take_along_axis",
    "getitem array with repeats",
    "getitem (array, slice)",
    "setitem (array, slice)",
    "np.linalg.solve",
    "np.linalg.det",
    "np.fft.fft",
    "calligrad.logsumexp axis=(0, 2)",
    "calligrad.softmax axis=-1",
    "calligrad.gelu",
    "functional.linear of three axes",
    "functional.cross_entropy mean",
)


@pytest.mark.parametrize("name", [name for name in DEEP if name in CASES])
def test_vmap_of_vmap_and_of_a_gradient_in_it(name):
    case = CASES[name]
    drawn = stacked(examples(case))
    for f, xs in ((case.f, drawn), (pulled(case), [SCALES, *drawn])):
        once = leaves(vmap(f)(*xs))
        twice = [np.stack([x, x[::-1]], axis=1) for x in xs]
        assert_close(vmap(vmap(f), in_axes=1, out_axes=1)(*twice), [np.stack([y, y[::-1]], axis=1) for y in once])


@pytest.mark.parametrize("name", [name for name in DEEP if name in CASES])
def test_the_gradient_of_gradients_of_examples(name):
    """grad(vmap(grad(f))): Values over Batched over Values."""
    case = CASES[name]
    xs = stacked(examples(case))

    def total(gs):
        return sum(np.sum(np.real(g * weights(g))) for g in leaves(gs))

    def of_loop(*xs):
        columns = zip(*(leaves(pulled(case)(SCALES[i], *[x[i] for x in xs])) for i in range(3)), strict=True)
        return total([np.stack(column) for column in columns])

    every = tuple(range(len(xs)))
    got = grad(lambda *xs: total(vmap(pulled(case))(SCALES, *xs)), every)(*xs)
    assert_close(got, grad(of_loop, every)(*xs))


def listed() -> tuple[set[str], set[str]]:
    """The functions that docs/vmap.md says to go one by one, and those that do so inside of a gradient."""
    page = (Path(__file__).parents[2] / "docs" / "vmap.md").read_text(encoding="utf-8")
    section = page.partition("## Functions without a rule")[2].partition("The same holds")[0]
    plain, _, within = section.partition("A gradient inside")
    return set(re.findall(r"`(np\.[\w.]+)`", plain)), set(re.findall(r"`(np\.[\w.]+)`", within))


def warns(f, *xs) -> bool:
    """Whether something goes one by one."""
    loop._told.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vmap(f)(*xs)
    return any(w.category is BatchingWarning for w in caught)


def test_the_functions_that_go_one_by_one_are_those_that_the_documentation_names(monkeypatch):
    """All others have a rule for their plainest call, the first of their cases."""
    first: dict[str, Case] = {}
    for case in BATCHED:
        if case.covers.startswith("np."):
            first.setdefault(case.covers, case)
    monkeypatch.setattr(loop, "_told", set())
    plain, within = listed()
    slow = {name for name, case in first.items() if warns(case.f, *stacked(examples(case)))}
    assert slow == plain & first.keys()
    rest = {name: case for name, case in first.items() if name not in slow and not among(case, NO_GRADIENT_WITHIN)}
    assert {name for name, case in rest.items() if warns(pulled(case), SCALES, *stacked(examples(case)))} == within
