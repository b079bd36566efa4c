"""Padding as kernels."""

import numpy as np
import pytest

from calligrad.nn import functional as F

pytest.importorskip("numba")

from tests.compiler.backends.kernels import assert_same

X = np.arange(48.0, dtype=np.float32).reshape(2, 2, 3, 4)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("widths", [(1, 2, 2, 0), (0, 1)])
def test_a_border_is_what_numpy_puts_there(mode, widths):
    assert_same(lambda x: F.pad(x, widths, mode) + 1, X if len(widths) == 4 else X[0])


def test_numbers_are_put_around():
    assert_same(lambda x: F.pad(x, (1, 1), value=7.0), X)
    assert_same(lambda x: np.pad(x, 1), X)
    assert_same(lambda x: np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 3)), constant_values=-1), X)
