"""Signs that programs can do without."""

import numpy as np
import pytest

from calligrad.compiler.passes.dead import without_dead_code
from calligrad.compiler.passes.signs import with_fewer_signs
from tests.compiler.passes.captured import captured, ops, run, same_bits

X = np.array([[0.0, -0.0, 1.5], [-np.inf, np.inf, -7.25]])
Y = np.array([[-0.0, 0.0, -2.5], [np.inf, np.inf, 0.1]])


def kept(f, *arrays):
    with np.errstate(all="ignore"):
        before = captured(f, *arrays)
        after = without_dead_code(with_fewer_signs(before))
        assert same_bits(np.nan_to_num(run(before, *arrays)), np.nan_to_num(run(after, *arrays)))
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


def test_integers_keep_theirs():
    x, y = np.int8([[-128, 127, 0]]), np.int64([[-128, -1, 1]])
    assert kept(lambda x, y: y - -x, x, y) == ["np.negative", "np.subtract"]
    assert kept(lambda x, y: -x / -y, x, y) == ["np.negative", "np.negative", "np.divide"]


def test_arrays_that_lie_otherwise_keep_theirs():
    assert kept(lambda x, y: x + -y, X, np.asfortranarray(Y)) == ["np.subtract"]
    assert kept(lambda x, y: x + -y[:, ::2], X[:, :2].copy(), Y)[-2:] == ["np.negative", "np.add"]


def test_what_is_handed_out_is_an_array_of_its_own():
    program = with_fewer_signs(captured(lambda x: np.negative(-x), X))
    assert run(program, X) is not X
