"""What the tests of traps have in common: eager and compiled side by side."""

import copy
import functools
import os

import numpy as np
import pytest

import calligrad
from calligrad import Value, nn, optim
from calligrad.compiler.traced import CaptureError
from calligrad.nn import functional as F

BACKEND = os.environ.get("CALLIGRAD_TRAPS", "numpy")
compiled = functools.partial(calligrad.compile, backend=BACKEND)
X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
Y = np.array([0, 1, 0, 1])


def same(a, b):
    """Whether two results are the same, with NumPy bit for bit."""
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, Value):
        return type(b) is type(a) and same(a.data, b.data)
    if a is None or isinstance(a, (int, float, str)):
        return type(a) is type(b) and a == b
    a, b = np.asarray(a), np.asarray(b)
    if BACKEND != "numpy" and a.shape == b.shape and a.dtype.kind in "fc":
        return a.dtype == b.dtype and np.allclose(a, b, rtol=1e-6, atol=1e-7, equal_nan=True)
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


class Training:
    """A model, its optimizer and a step, from the same start each time."""

    def __init__(self, make=optim.SGD, dropout=0.0, **settings):
        calligrad.random.seed(0)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(dropout), nn.Linear(4, 2))
        self.optimizer = make(self.model.parameters(), **{"lr": 0.1, **settings})

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self):
        arrays = [p.data for p in self.model.parameters()]
        return arrays + [p.grad for p in self.model.parameters()] + list(self.optimizer.state_dict().values())


def check_training(change=lambda training, i: None, calls=6, step=Training.step, programs=None, **settings):
    """Train eagerly and compiled, with ``change(training, i)`` ahead of call i: all is the same after every call."""
    eager, other = Training(**settings), Training(**settings)
    run = compiled(functools.partial(step, other))
    results = []
    for training, f in ((eager, functools.partial(step, eager)), (other, run)):
        calligrad.random.seed(7)
        results.append([])
        for i in range(calls):
            change(training, i)
            result = f(X, Y)
            results[-1].append(
                [copy.deepcopy(training.state()), np.copy(result.data if isinstance(result, Value) else 0)]
            )
    for i, (a, b) in enumerate(zip(*results)):
        for p, q in zip(a[0], b[0], strict=True):
            if p is None or q is None:
                assert p is q, i
            else:
                np.testing.assert_allclose(p, q, rtol=1e-4, atol=1e-6, err_msg=f"call {i}")
        np.testing.assert_allclose(a[1], b[1], rtol=1e-4, err_msg=f"call {i}")
    assert programs is None or len(run.runs) == programs, run
    return run


def check(f, *calls, programs=None):
    """Call f eagerly and compiled with each tuple of arguments, thrice: the results are the same."""
    run = compiled(f)
    for _ in range(3):
        for args in calls:
            expected = f(*copy.deepcopy(args))
            assert same(run(*copy.deepcopy(args)), expected), args
    assert programs is None or len(run.runs) == programs, run
    return run


def refused(f, *args, match):
    """The call is refused, with a line of this file and what to do, and the next call is refused as well."""
    run = compiled(f)
    for _ in range(2):
        with pytest.raises(CaptureError, match=match) as error:
            run(*args)
        assert f.__name__.split(".")[-1] in str(error.value)
    return str(error.value)
