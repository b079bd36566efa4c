"""Signs that programs can do without."""

import numpy as np
import pytest

from calligrad.compiler.passes.dead import without_dead_code
from calligrad.compiler.passes.signs import with_fewer_signs
from tests.compiler.passes.captured import captured, ops, run, same_bits

ENDS = np.array([0.0, -0.0, 1.5, -7.25, np.inf, -np.inf, np.nan, 5e-324])
X, Y = (np.ascontiguousarray(x) for x in np.meshgrid(ENDS, ENDS))  # all pairs


def kept(f, *arrays):
    with np.errstate(all="ignore"):
        before = captured(f, *arrays)
        after = without_dead_code(with_fewer_signs(before))
        for x, y in zip(run(before, *arrays), run(after, *arrays), strict=True):
            assert same_bits(*(np.where(np.isnan(z), 1, z) for z in (x, y)))  # of a NaN the sign may be another
    return ops(after)


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x, y: np.exp(np.negative(-x)) + y, ["np.exp", "np.add"]),
        (lambda x, y: x + -y, ["np.subtract"]),
        (lambda x, y: -x + y, ["np.subtract"]),
        (lambda x, y: x - -y, ["np.add"]),
        (lambda x, y: -x * -y, ["np.multiply"]),
        (lambda x, y: -x / -y, ["np.divide"]),
        (lambda x, y: -x - y, ["np.negative", "np.subtract"]),
        (lambda x, y: -x * y, ["np.negative", "np.multiply"]),
        (lambda x, y: -x + -y, ["np.negative", "np.subtract"]),
    ],
)
def test_what_is_left(f, left):
    assert kept(f, X, Y) == left
    assert kept(f, X.astype("f"), Y.astype("f")) == left
    assert kept(f, X.astype("f"), Y)[-1] == left[-1]


def test_complex_numbers_keep_theirs_where_they_are_divided():
    x = np.stack([X, Y], axis=-1).reshape(-1, 2).view(complex)
    y = x.reshape(1, -1)
    assert kept(lambda x, y: -x / -y, x, y) == ["np.negative", "np.negative", "np.divide"]
    assert kept(lambda x, y: x - -y, x, y) == ["np.add"]


def test_lists_are_no_arrays():
    assert kept(lambda x: np.add(x, [1.0] * 8) * np.subtract([2.0] * 8, -x), X) == ["np.add"] * 2 + ["np.multiply"]


def test_integers_keep_theirs():
    x, y = np.int8([[-128, 127, 0]]), np.int64([[-128, -1, 1]])
    assert kept(lambda x, y: y - -x, x, y) == ["np.negative", "np.subtract"]
    assert kept(lambda x, y: -x / -y, x, y) == ["np.negative", "np.negative", "np.divide"]


def test_arrays_that_lie_otherwise_keep_theirs():
    assert kept(lambda x, y: x + -y, X, np.asfortranarray(Y)) == ["np.subtract"]
    assert kept(lambda x, y: x + -y[:, ::2], X[:, :4].copy(), Y)[-2:] == ["np.negative", "np.add"]


def test_what_is_handed_out_is_an_array_of_its_own():
    program = with_fewer_signs(captured(lambda x: np.negative(-x), X))
    assert run(program, X) is not X
