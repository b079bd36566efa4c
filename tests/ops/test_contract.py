"""Contractions: random einsum specs, matrix products of random shapes, tensordots over random axes."""

import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import BroadcastableShapes, mutually_broadcastable_shapes

from calligrad import Value
from calligrad.testing import check_gradients


def numbers(shape, offset=0):
    return np.cos(np.arange(math.prod(shape)) * 1.3 + offset).reshape(shape)


def agree(f, *xs, order=1):
    """Values give what arrays give, and the gradients are right."""
    np.testing.assert_allclose(f(*map(Value, xs)).data, f(*xs), rtol=1e-12, atol=1e-12)
    assert f(*map(Value, xs)).shape == np.shape(f(*xs))
    check_gradients(f, *xs, order=order, rtol=1e-5, atol=1e-5)


@st.composite
def einsums(draw):
    """A spec and shapes: letters that repeat within and between inputs, axes of 1, ellipses, implicit outputs."""
    sizes = {letter: draw(st.integers(1, 3)) for letter in "abcdZ"}
    count = draw(st.integers(1, 3))
    terms = [draw(st.text("abcdZ", max_size=3)) for _ in range(count)]
    dots = draw(st.booleans())
    extra = draw(st.lists(st.integers(1, 3), max_size=2)) if dots else []
    shapes, ins = [], []
    for term in terms:
        shape = [sizes[letter] for letter in term]
        spec = term
        if dots and draw(st.booleans()):
            at = draw(st.integers(0, len(term)))
            own = extra[draw(st.integers(0, len(extra))) :]
            own = [1 if draw(st.booleans()) else n for n in own]
            shape[at:at] = own
            spec = term[:at] + "..." + term[at:]
        shapes.append(tuple(shape))
        ins.append(spec)
    used = sorted(set("".join(terms)))
    if draw(st.booleans()):
        spec = ",".join(ins)
    else:
        out = draw(st.lists(st.sampled_from(used), unique=True)) if used else []
        out = "".join(out)
        if any("..." in term for term in ins):
            at = draw(st.integers(0, len(out)))
            out = out[:at] + "..." + out[at:]
        spec = f"{','.join(ins)}->{out}"
    return spec, shapes


@given(einsums(), st.booleans())
def test_einsum_of_any_spec(einsum, optimize):
    spec, shapes = einsum
    xs = [numbers(shape, i) for i, shape in enumerate(shapes)]
    agree(lambda *xs: np.einsum(spec, *xs, optimize=optimize), *xs, order=2)


@given(einsums(), st.data())
def test_einsum_with_axes_of_1_that_meet_longer_ones(einsum, data):
    spec, shapes = einsum
    terms = spec.split("->")[0].split(",")
    assume("..." not in spec)
    xs = []
    for i, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        own = tuple(
            1 if term.count(letter) == 1 and data.draw(st.booleans()) else n
            for letter, n in zip(term, shape, strict=True)
        )
        xs.append(numbers(own, i))
    try:
        np.einsum(spec, *xs)
    except ValueError:  # NumPy does not take this one
        return
    agree(lambda *xs: np.einsum(spec, *xs), *xs)


@given(st.data())
def test_einsum_of_lists(data):
    labels = data.draw(st.lists(st.integers(0, 51), min_size=1, max_size=3))
    sizes = {label: data.draw(st.integers(1, 3)) for label in labels}
    x = numbers([sizes[label] for label in labels])
    agree(lambda x: np.einsum(x, labels), x)
    out = data.draw(st.permutations(sorted(set(labels))))
    agree(lambda x: np.einsum(x, labels, list(out)), x)


@given(mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_matmul_of_any_shapes(shapes: BroadcastableShapes):
    agree(np.matmul, *(numbers(shape, i) for i, shape in enumerate(shapes.input_shapes)))


@given(mutually_broadcastable_shapes(signature="(n,k),(k,m)->(n,m)", min_side=0, max_dims=2, max_side=2))
def test_matmul_of_any_shapes_with_nothing_among_them(shapes):
    agree(np.matmul, *(numbers(shape, i) for i, shape in enumerate(shapes.input_shapes)))


@given(st.data())
def test_tensordot_over_any_axes(data):
    common = data.draw(st.lists(st.integers(1, 3), max_size=2))
    places = []
    shapes = []
    for _ in range(2):
        free = data.draw(st.lists(st.integers(1, 3), max_size=2))
        order = data.draw(st.permutations(range(len(free) + len(common))))
        shapes.append(tuple((free + common)[i] for i in order))
        axes = [order.index(len(free) + i) for i in range(len(common))]
        places.append([a - len(order) if data.draw(st.booleans()) else a for a in axes])
    agree(lambda a, b: np.tensordot(a, b, places), numbers(shapes[0]), numbers(shapes[1], 1))


@given(st.data())
def test_dot_of_any_shapes(data):
    k = data.draw(st.integers(1, 3))
    a = (*data.draw(st.lists(st.integers(1, 3), max_size=2)), k)
    lead = data.draw(st.lists(st.integers(1, 3), max_size=2))
    b = (*lead[:-1], k, lead[-1]) if lead else (k,)
    agree(np.dot, numbers(a), numbers(b, 1))
    np.testing.assert_array_equal(
        np.dot(Value(numbers(a)), Value(numbers(b, 1))).data, np.dot(numbers(a), numbers(b, 1))
    )


def test_the_gradient_of_a_weight_comes_in_the_weights_layout():
    """Otherwise every optimizer step that mixes the two is slow."""
    import calligrad as cg

    x, w = np.ones((8, 5)), Value(np.ones((3, 5)))
    cg.nn.functional.linear(x, w).backward()
    assert w.grad.flags.c_contiguous


def test_constants_are_not_differentiated():
    a, b = Value(np.ones((2, 3))), np.ones((3, 2))
    y = a @ b
    assert [origin is None for origin, *_ in y.created_by.edges] == [False, True]
    y.backward()
    np.testing.assert_array_equal(a.grad, np.full((2, 3), 2))
