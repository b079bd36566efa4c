"""Copies that nobody can tell from the original."""

import numpy as np

from calligrad.compiler.passes.copies import without_copies
from tests.compiler.passes.captured import captured, ops, run, same_bits

X = np.arange(6.0).reshape(2, 3)


def kept(f):
    before = captured(f, X)
    after = without_copies(before)
    assert same_bits(run(before, X), run(after, X))
    return ops(after)


def test_a_copy_inside_is_the_original():
    assert kept(lambda x: np.exp(np.copy(np.sin(x)))) == ["np.sin", "np.exp"]


def test_a_cast_to_the_same_dtype_is_the_original():
    assert kept(lambda x: np.exp(np.astype(np.sin(x), np.float64))) == ["np.sin", "np.exp"]


def test_a_cast_to_another_dtype_stays():
    assert "np.astype" in kept(lambda x: np.exp(np.astype(np.sin(x), np.float32)))


def test_a_copy_in_another_layout_stays():
    assert "np.copy" in kept(lambda x: np.sum(np.copy(np.sin(x), order="F"), axis=0))


def test_outputs_are_arrays_of_their_own():
    def f(x):
        y = np.sin(x)
        return y, np.copy(y)

    assert kept(f) == ["np.sin", "np.copy"]
    assert kept(lambda x: np.copy(x)) == ["np.copy"]
    assert kept(lambda x: np.copy(np.sin(x))) == ["np.sin"]


def test_a_copy_of_a_view_that_is_handed_out_stays():
    def f(x):
        y = np.sin(x)
        return y[0], np.copy(y)

    assert "np.copy" in kept(f)


def test_writing_all_of_an_array_is_what_is_written():
    def f(x):
        y = np.zeros_like(x)
        y[:, :] = np.sin(x)
        return np.exp(y)

    assert "setitem" not in kept(f)


def test_a_column_laid_into_a_matrix_of_one_column_is_a_shape():
    def f(x):
        y = np.zeros_like(x, shape=(6, 1))
        y[:, 0] = np.sin(np.reshape(x, 6))
        return np.exp(y)

    assert kept(f)[-2:] == ["np.reshape", "np.exp"]


def test_writing_a_part_stays():
    def f(x):
        y = np.sin(x)
        y[0] = 1.0
        return np.exp(y)

    assert "setitem" in kept(f)
