"""Functions over nests of every kind: lists, tuples, dicts and dataclasses, within one another."""

from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

from calligrad import Value, grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from calligrad.nests import aligned, is_nest, leaves, like, map_leaves
from calligrad.testing import check_gradients

X = np.array([0.5, 1.0, 2.0])


@dataclass
class Spring:
    """Arrays beside settings."""

    stiffness: np.ndarray
    length: float
    name: str = "spring"
    count: int = 2
    damped: bool = False
    law: Callable = np.sin
    note: Any = None
    parts: list = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: np.ndarray


def energy(s):
    assert s.name == "spring"
    assert s.damped is False
    return s.count * np.sum(s.law(s.stiffness) * s.length**2) + sum(np.sum(part["w"] ** 2) for part in s.parts)


# ---------------------------------------------------------------- dataclasses


def test_the_gradient_of_a_dataclass_is_one():
    s = Spring(X, 3.0, parts=[{"w": X, "of": "steel"}])
    value, g = value_and_grad(energy)(s)
    assert type(g) is Spring
    np.testing.assert_allclose(value, energy(s))
    np.testing.assert_allclose(g.stiffness, 18 * np.cos(X))
    np.testing.assert_allclose(g.length, 12 * np.sum(np.sin(X)))
    np.testing.assert_array_equal(g.parts[0]["w"], 2 * X)
    assert type(g.length) is np.float64


def test_settings_stay_as_they_are():
    s = Spring(X, 3.0, parts=[{"w": X, "of": "steel"}])
    g = grad(energy)(s)
    assert (g.name, g.count, g.damped, g.law, g.note) == ("spring", 2, False, np.sin, None)
    assert type(g.count) is int
    assert g.parts[0]["of"] == "steel"
    assert grad(energy)(replace(s, count=3)).count == 3


def test_an_integer_in_a_field_declared_float_is_one():
    s = Spring(X, 3)
    assert grad(energy)(s).length == grad(energy)(replace(s, length=3.0)).length


def test_integer_arrays_of_a_dataclass_are_settings():
    @dataclass
    class Picked:
        x: np.ndarray
        where: np.ndarray

    g = grad(lambda p: np.sum(p.x[p.where] ** 2))(Picked(X, np.array([0, 0])))
    np.testing.assert_array_equal(g.x, [2.0, 0, 0])
    np.testing.assert_array_equal(g.where, [0, 0])


def test_frozen_dataclasses_with_slots():
    p = Point(2.0, X)
    g = grad(lambda p: p.x**2 * np.sum(p.y))(p)
    assert type(g) is Point
    assert g.x == 4 * X.sum()
    np.testing.assert_array_equal(g.y, [4.0, 4, 4])
    with pytest.raises(FrozenInstanceError):
        g.x = 1.0
    assert p.y is X


def test_init_is_not_asked_for_a_gradient():
    @dataclass
    class Positive:
        x: np.ndarray

        def __post_init__(self):
            self.x = np.asarray(self.x)  # refuses a Value
            if np.any(self.x <= 0):
                raise ValueError("must be positive")

    np.testing.assert_allclose(grad(lambda p: np.sum(1 / p.x))(Positive(X)).x, -1 / X**2)


def test_a_cached_property_is_computed_anew():
    @dataclass
    class Ball:
        radius: float

        @cached_property
        def area(self):
            return 4 * np.pi * self.radius**2

    ball = Ball(2.0)
    assert ball.area > 0
    g = grad(lambda b: b.area)(ball)
    np.testing.assert_allclose(g.radius, 16 * np.pi)
    assert "area" not in vars(g)


def test_a_field_that_was_never_set_stays_so():
    @dataclass
    class Late:
        x: float
        cache: np.ndarray = field(init=False)

    g = grad(lambda p: p.x**2)(Late(3.0))
    assert g.x == 6.0
    assert not hasattr(g, "cache")


def test_a_dataclass_without_floats_passes_as_the_object_it_is():
    settings = Spring("no array", None)
    seen = []
    grad(lambda p: seen.append(p["settings"]) or p["x"])({"x": 1.0, "settings": settings})
    assert seen[0] is settings


def test_a_dataclass_class_is_no_nest():
    assert not is_nest(Point)
    assert leaves(Point) == [Point]


def test_dataclasses_within_nests_within_dataclasses():
    @dataclass
    class Pair:
        a: Any
        b: Any

    p = Pair([Point(1.0, X), 2.0], {"more": Pair("word", (3.0,))})

    def f(p):
        return p.a[0].x * np.sum(p.a[0].y) * p.a[1] * p.b["more"].b[0]

    g = grad(f)(p)
    assert g.b["more"].a == "word"
    assert g.b["more"].b == (2 * X.sum(),)
    assert g.a[1] == 3 * X.sum()
    np.testing.assert_array_equal(g.a[0].y, [6.0, 6, 6])
    check_gradients(f, p)


def test_every_transformation_takes_and_gives_dataclasses():
    def f(p):
        return Point(p.x * np.sum(p.y), p.x**2 * p.y)

    p, t = Point(2.0, X), Point(1.0, np.ones(3))
    y, pull = vjp(f, p)
    assert type(y) is Point
    np.testing.assert_array_equal(y.y, 4 * X)
    (g,) = pull(t)
    np.testing.assert_allclose([g.x, *g.y], [X.sum() + 4 * X.sum(), *(2 + np.full(3, 4.0))])
    y, dy = jvp(f, (p,), (t,))
    np.testing.assert_allclose([dy.x, *dy.y], [X.sum() + 6, *(4 * X + 4)])
    J = jacobian(f)(p)
    assert type(J.y) is Point
    np.testing.assert_array_equal(J.y.y, 4 * np.eye(3))
    np.testing.assert_array_equal(J.x.y, [2.0, 2, 2])
    H = hessian(lambda p: p.x**2 * np.sum(p.y**2))(p)
    np.testing.assert_allclose(H.y.x, 8 * X)
    (product,) = hvp(lambda p: p.x**2 * np.sum(p.y**2), (p,), (t,))
    np.testing.assert_allclose(product.y, 8 * X + 8)
    check_gradients(f, p)


def test_gradients_takes_a_dataclass_of_values():
    p = Point(Value(2.0), Value(X))
    g = gradients(p.x * np.sum(p.y), p)
    assert type(g) is Point
    assert g.x == X.sum()
    np.testing.assert_array_equal(g.y, [2.0, 2, 2])


def test_complex_and_single_precision_are_leaves():
    assert leaves(Point(1j, np.float32(1))) == [1j, np.float32(1)]
    assert grad(lambda p: np.sum(p.y) * p.x)(Point(1.0, X.astype("f4"))).y.dtype == np.float32


def test_a_gradient_of_another_form_is_refused():
    _, pull = vjp(lambda p: Point(p.x, p.y), Point(2.0, X))
    with pytest.raises(ValueError, match="a Point is needed, not a dict with keys 'x', 'y'"):
        pull({"x": 1.0, "y": X})
    with pytest.raises(ValueError, match="a dict with keys 'x' is needed, not one Point"):
        aligned(Point(1.0, X), {"x": 1.0})
    with pytest.raises(ValueError, match="an array is needed, not one Point"):
        aligned(Point(1.0, X), 1.0)


def test_settings_of_a_given_gradient_do_not_matter():
    form, given = Spring(X, 3.0, parts=[1.0, "a"]), Spring(2 * X, 1.0, name="", note=5, parts=[7.0, "b"])
    assert [np.sum(leaf) for leaf in aligned(given, form)] == [7.0, 1.0, 7.0]


# ---------------------------------------------------------------- the other containers


class Weights(NamedTuple):
    w: Any
    b: Any = 0.0


class Layers(list):
    """A list of one's own."""


@pytest.mark.parametrize(
    "nest",
    [
        Weights(X, 2.0),
        namedtuple("Pair", "first second")(X, 2.0),
        OrderedDict(b=X, a=2.0),
        defaultdict(list, b=X, a=2.0),
        Layers([X, 2.0]),
        (X, [2.0]),
        {"b": X, "a": {"deep": 2.0}},
        {("a", 1): X, 2: 2.0},
    ],
    ids=lambda nest: type(nest).__name__,
)
def test_kinds_and_orders_are_kept(nest):
    g = grad(lambda p: np.sum(leaves(p)[0] * leaves(p)[1]))(nest)
    assert type(g) is type(nest)
    if isinstance(nest, dict):
        assert list(g) == list(nest)
    np.testing.assert_array_equal(leaves(g)[0], [2.0, 2, 2])
    assert leaves(g)[1] == X.sum()


def test_a_defaultdict_keeps_its_factory():
    d = defaultdict(lambda: 5, x=1.0)
    new = map_leaves(lambda x: x + 1, d)
    assert new["missing"] == 5
    assert new["x"] == 2.0
    assert dict(d) == {"x": 1.0}


def test_like_fills_in_order():
    assert like({"a": 0, "b": [0, (0,)]}, iter([1, 2, 3])) == {"a": 1, "b": [2, (3,)]}


def test_what_is_no_nest_is_refused_as_before():
    with pytest.raises(TypeError, match="holds numbers, not None"):
        grad(lambda p: p["x"])({"x": 1.0, "bias": None})
    with pytest.raises(TypeError, match="holds numbers, not"):
        grad(lambda p: p["x"])(MappingProxyType({"x": 1.0}))
