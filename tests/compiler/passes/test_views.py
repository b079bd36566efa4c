"""Which lines give views: whoever takes a view for an array of its own writes over what is still needed."""

import operator

import numpy as np
import pytest

from calligrad.compiler.operations import only
from calligrad.compiler.passes.views import is_view, takes_all
from calligrad.compiler.program import Line, Var

X = np.arange(24.0).reshape(2, 3, 4)
SQUARE = X[0, :, :3]
CALLS = {
    "x[0]": (operator.getitem, X, 0),
    "x[1:, ::2]": (operator.getitem, X, (slice(1, None), slice(None, None, 2))),
    "x[:, None]": (operator.getitem, X, (slice(None), None)),
    "x[array(1)]": (operator.getitem, X, np.array(1)),
    "x[[0, 1]]": (operator.getitem, X, [0, 1]),
    "x[[True, False]]": (operator.getitem, X, np.array([True, False])),
    "transpose": (np.transpose, X),
    "reshape": (np.reshape, X, (6, 4)),
    "ravel": (np.ravel, X),
    "moveaxis": (np.moveaxis, X, 0, 1),
    "split": (np.split, X, 3, 1),
    "only": (only, np.split, X, 1),
    "only of an array of its own": (only, np.linalg.slogdet, SQUARE),
    "squeeze": (np.squeeze, X[:1]),
    "diag of a matrix": (np.diag, SQUARE),
    "diagonal": (np.diagonal, X),
    "rot90": (np.rot90, SQUARE),
    "roll": (np.roll, X, 1),
    "real": (np.real, X),
    "imag": (np.imag, X * 1j),
    "einsum of one array": (np.einsum, "ijk->kij", X),
    "einsum, a diagonal": (np.einsum, "ii->i", SQUARE),
    "broadcast_to": (np.broadcast_to, X, (5, 2, 3, 4)),
    "broadcast_arrays": (np.broadcast_arrays, X, X[0]),
    "atleast_3d": (np.atleast_3d, SQUARE),
    "windows": (np.lib.stride_tricks.sliding_window_view, X, 2, 1),
    "asfortranarray": (np.asfortranarray, X.T),
    "sum": (np.sum, X, 0),
    "copy": (np.copy, X),
    "concatenate": (np.concatenate, [X]),
    "take": (np.take, X, 0),
    "tril": (np.tril, SQUARE),
    "real_if_close": (np.real_if_close, X),
}


@pytest.mark.parametrize("name", CALLS)
def test_nothing_that_shares_memory_is_missed(name):
    op, *args = CALLS[name]
    result = op(*args) if name != "only of an array of its own" else np.linalg.det(SQUARE)
    parts = result if isinstance(result, (tuple, list)) else [result]
    shares = any(np.shares_memory(part, x) for part in parts for x in args if isinstance(x, np.ndarray))
    inner = tuple(Var.of(x) if isinstance(x, np.ndarray) else x for x in args)
    line = Line(op, inner, {}, tuple(map(Var.of, parts)))
    assert is_view(line) or not shares


def test_arrays_of_their_own():
    x = Var.of(X)
    for op in (np.exp, np.sum, np.copy, np.roll, np.take, np.concatenate):
        assert not is_view(Line(op, (x,), {}, (x,)))
    assert not is_view(Line(operator.getitem, (x, Var((2,), int)), {}, (x,)))
    assert not is_view(Line(np.einsum, ("ij,jk->ik", x, Var.of(X)), {}, (x,)))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (..., True),
        (slice(None), True),
        ((slice(0, 2), ..., slice(0, 4, 1)), True),
        ((None, slice(None)), True),
        ((), True),
        (slice(0, 1), False),
        ((..., slice(None, None, -1)), False),
        (0, False),
        ((slice(None), [0, 1, 2]), False),
    ],
)
def test_keys_that_take_all(key, expected):
    assert takes_all(Var.of(X), key) == expected
