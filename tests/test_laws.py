"""Every case of the table against every law."""

import numpy as np
import pytest

from calligrad import Value, gradients, jvp, no_grad, vjp
from calligrad.nests import leaves, like
from calligrad.sweep import ancestors
from calligrad.testing import check_gradients
from tests.cases import CASES, Case

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def run(case: Case, vs: list) -> list:
    """The outputs of a case, in a list."""
    return leaves(case.f(*vs))


def weights(y) -> np.ndarray:
    """A gradient to start from: numbers that differ, in the dtype of ``y``."""
    turns = np.arange(1.0, y.size + 1).reshape(y.shape)
    return (np.exp(1j * turns) if y.dtype.kind == "c" else np.cos(turns)).astype(y.dtype)


def pulled(case: Case, vs: list) -> list[np.ndarray]:
    """The gradients of ``vs``, in ``grad`` after a ``backward`` through the case."""
    backward(run(case, vs))
    return [v.grad for v in vs]


def inner(u, y):
    """The sum of products, for complex numbers of the real parts and of the imaginary parts."""
    return np.real(np.sum(np.conjugate(u) * y)) if y.dtype.kind == "c" else np.sum(y * u)


def backward(ys: list, **settings) -> Value:
    """Go back from all of ``ys`` at once."""
    loss = sum(inner(weights(y), y) for y in ys)
    loss.backward(**settings)
    return loss


def assert_same(got, expected) -> None:
    """Bit for bit, in value, shape and dtype."""
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True)


def assert_close(got, expected, rtol=1e-12, atol=1e-12) -> None:
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


# ---------------------------------------------------------------- the numbers


@every_case
def test_gradients_equal_central_differences_to_second_order(case):
    check_gradients(case.f, *case.xs, order=2)


THIRD_ORDER = (
    "np.add of a matrix and a row",
    "np.divide of equal shapes",
    "np.power of equal shapes",
    "np.tan",
    "np.maximum of equal shapes",
    "np.prod axis=1",
    "np.prod of two zeros",
    "np.var axis=(0, 2)",
    "np.linalg.norm axis=1",
    "np.matmul of broadcast stacks",
    "np.einsum ii,ij->ij of [(3, 3), (3, 2)]",
    "np.split multiplied together",
    "getitem array with repeats",
    "setitem (array, slice)",
    "calligrad.logsumexp axis=(0, 2)",
    "calligrad.softmax axis=-1",
    "calligrad.gelu",
    "functional.linear of three axes",
    "functional.cross_entropy mean",
)


@pytest.mark.parametrize("name", THIRD_ORDER)
def test_gradients_equal_central_differences_to_third_order(name):
    case = CASES[name]
    check_gradients(lambda *xs: [np.sin(y) for y in leaves(case.f(*xs))], *case.xs, order=3, rtol=1e-5, atol=1e-5)


@every_case
def test_forward_and_backward_agree_on_a_random_direction(case):
    """<u, J t> == <J' u, t>."""
    ts = [weights(x) for x in case.xs]
    ys, dys = jvp(case.f, case.xs, ts)
    _, pull = vjp(case.f, *case.xs)
    us = [1j * weights(y) if y.dtype.kind == "c" else np.sin(1 + weights(y)) for y in map(np.asarray, leaves(ys))]
    gxs = pull(like(ys, iter(us)))
    forwards = sum(inner(u, dy) for u, dy in zip(us, leaves(dys), strict=True))
    backwards = sum(inner(g, t) for g, t in zip(gxs, ts, strict=True))
    np.testing.assert_allclose(forwards, backwards, rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------- values


@every_case
def test_arrays_in_arrays_out(case):
    for y in run(case, case.xs):
        assert isinstance(y, (np.ndarray, np.generic))


@every_case
def test_values_give_what_arrays_give_bit_for_bit(case):
    ys = run(case, [Value(x) for x in case.xs])
    assert all(isinstance(y, Value) for y in ys)
    assert_same([y.data for y in ys], run(case, case.xs))


@every_case
def test_constants_give_what_arrays_give_and_stay_constants(case):
    ys = run(case, [Value(x, requires_grad=False) for x in case.xs])
    assert not any(y.requires_grad for y in ys)
    assert_same([y.data for y in ys], run(case, case.xs))


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.expected], ids=lambda case: case.name)
def test_functions_of_calligrad_equal_their_formula(case):
    assert_close(run(case, case.xs), leaves(case.expected(*case.xs)))


@pytest.mark.parametrize("case", [case for case in CASES.values() if not case.is_complex], ids=lambda case: case.name)
def test_integers_give_constants(case):
    """A Value of integers is a constant wherever NumPy takes integers."""
    xs = [np.round(x).astype(np.int64) + 2 for x in case.xs]
    try:
        expected = run(case, xs)
    except (TypeError, ValueError, RuntimeWarning):  # NumPy does not take them
        return
    ys = run(case, [Value(x) for x in xs])
    assert not any(y.requires_grad for y in ys)
    assert_same([y.data for y in ys], expected)


@every_case
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_precision_is_kept(case, dtype):
    """In the result and in the gradients, which are those of float64 to the last digits of ``dtype``."""
    xs = [x.astype(np.complex64 if x.dtype.kind == "c" else dtype) for x in case.xs]
    vs = [Value(x) for x in xs]
    try:
        run(case, xs)
    except TypeError as error:  # numpy.linalg does not take float16
        with pytest.raises(type(error)):
            run(case, vs)
        return
    ys = run(case, vs)
    if dtype == "float16" and (case.is_complex or any(y.dtype.kind == "c" for y in ys)):
        return  # there are no complex numbers of that precision
    if not case.own_dtype:
        assert [np.finfo(y.dtype).dtype for y in ys] == [dtype] * len(ys)
    assert_same([y.data for y in ys], run(case, xs))
    gs = gradients(ys, vs, [weights(y) for y in ys])
    assert [g.dtype for g in gs] == [x.dtype for x in xs]

    exact = [Value(x.astype(y.dtype)) for x, y in zip(xs, case.xs, strict=True)]
    tolerance = {"float32": 1e-4, "float16": 6e-2}[dtype]
    assert_close([y.data for y in ys], [y.data for y in run(case, exact)], tolerance, tolerance)
    assert_close(gs, gradients(run(case, exact), exact, [weights(y) for y in ys]), tolerance, tolerance)


# ---------------------------------------------------------------- how the inputs lie in memory

LAYOUTS = {
    "every other number": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "columns first": lambda x: x.T.copy().T,
    "backwards": lambda x: np.flip(np.flip(x).copy()),
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
}


@every_case
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_changes_nothing(case, layout):
    xs = [LAYOUTS[layout](x) for x in case.xs]
    plain, vs = [Value(x) for x in case.xs], [Value(x) for x in xs]
    assert_close([y.data for y in run(case, vs)], [y.data for y in run(case, plain)])
    assert_close(pulled(case, vs), pulled(case, plain))
    assert all(v.grad.dtype.newbyteorder("=") == x.dtype for v, x in zip(vs, case.xs, strict=True))


@every_case
def test_inputs_are_neither_written_into_nor_need_be_writable(case):
    xs = case.xs
    for x in xs:
        x.flags.writeable = False
    vs = [Value(x) for x in xs]
    pulled(case, vs)
    assert all(v.data is x for v, x in zip(vs, xs, strict=True))
    assert_same(xs, case.xs)


# ---------------------------------------------------------------- gradients as arrays


@every_case
def test_gradients_are_arrays_of_their_own(case):
    vs = [Value(x) for x in case.xs]
    gs = pulled(case, vs)
    for g, v in zip(gs, vs, strict=True):
        assert type(g) is np.ndarray
        assert (g.shape, g.dtype) == (v.shape, v.dtype)
        assert g.flags.writeable
    arrays = [*gs, *(v.data for v in vs)]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i])


@every_case
def test_gradients_of_some_inputs_are_the_same_without_the_others(case):
    all_gs = pulled(case, [Value(x) for x in case.xs])
    for i in range(len(case.xs)):
        vs = [Value(x, requires_grad=j == i) for j, x in enumerate(case.xs)]
        ys = run(case, vs)
        backward([y for y in ys if y.requires_grad])
        assert_close([vs[i].grad], [all_gs[i]])
        assert all(v.grad is None for v in vs if v is not vs[i])

        mixed = [Value(x) if j == i else x for j, x in enumerate(case.xs)]
        backward([y for y in run(case, mixed) if isinstance(y, Value) and y.requires_grad])
        assert_same([mixed[i].grad], [vs[i].grad])


@pytest.mark.parametrize(
    "case",
    [case for case in CASES.values() if len(case.xs) == 2 and case.xs[0].shape == case.xs[1].shape],
    ids=lambda case: case.name,
)
def test_the_same_input_twice_gets_both_gradients(case):
    x = case.xs[0] if case.is_complex else np.abs(case.xs[0]) + 0.1
    apart = pulled(case, [Value(x), Value(x)])
    v = Value(x)
    backward(run(case, [v, v]))
    assert_close([v.grad], [apart[0] + apart[1]])


# ---------------------------------------------------------------- recording, freeing, accumulating


@every_case
def test_no_grad_gives_constants(case):
    with no_grad():
        ys = run(case, [Value(x) for x in case.xs])
    assert not any(y.requires_grad or y.created_by for y in ys)
    assert_same([y.data for y in ys], run(case, case.xs))


@every_case
def test_a_graph_is_freed_and_says_so(case):
    vs = [Value(x) for x in case.xs]
    ys = run(case, vs)
    backward(ys)
    before = [v.grad.copy() for v in vs]
    for y in ys:
        y.grad = weights(y)
        with pytest.raises(RuntimeError, match=r"freed by an earlier backward.*retain_graph=True") as caught:
            y.backward()
        assert any(repr(function) in str(caught.value) for function in ancestors([y.created_by]))
    assert_same([v.grad for v in vs], before)


@every_case
def test_a_retained_graph_can_be_gone_through_again(case):
    vs = [Value(x) for x in case.xs]
    loss = backward(run(case, vs), retain_graph=True)
    once = [v.grad.copy() for v in vs]
    loss.backward()
    assert_same([v.grad for v in vs], [g + g for g in once])


@every_case
def test_gradients_leaves_grad_and_the_graph_alone(case):
    vs = [Value(x) for x in case.xs]
    ys = run(case, vs)
    gs = gradients(ys, vs, [weights(y) for y in ys])
    assert all(v.grad is None for v in (*vs, *ys))
    backward(ys)
    assert_close(gs, [v.grad for v in vs])
