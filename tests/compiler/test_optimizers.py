"""Every optimizer of the table, schedules, clipping and averages in a compiled training step: what eager mode does."""

import numpy as np
import pytest

import calligrad
from calligrad import Value, nn, optim
from calligrad.compiler.traced import CaptureError
from tests.optim.cases import OPTIMIZERS, SCHEDULES, STARTS, loss_and_gradients

STEPS = 6
ROWS = [name for name in OPTIMIZERS if not name.startswith("LBFGS")]


def train(step_of, compiled, *, dtype=np.float64):
    """``STEPS`` steps on the problem of the table, whose gradients are the arguments; the parameters."""
    params = [Value(np.array(start, dtype)) for start in STARTS]
    step = step_of(params)
    call = calligrad.compile(step, backend="numpy") if compiled else step
    for _ in range(STEPS):
        _, gs = loss_and_gradients([p.data.astype(np.float64) for p in params])
        call(*(g.astype(dtype) for g in gs))
    return params


def assert_same(got, expected, tolerance):
    """Two states, dicts of arrays."""
    assert got.keys() == expected.keys()
    for key, x in expected.items():
        y = np.asarray(got[key])
        assert (y.shape, y.dtype) == (np.shape(x), np.asarray(x).dtype), key
        scale = np.max(np.abs(x), initial=0)
        np.testing.assert_allclose(y, x, rtol=0, atol=tolerance * scale, err_msg=key)


def compare(make, *, dtype=np.float64, tolerance=1e-13):
    """``make`` gives a step of gradients and what has the state, from parameters."""
    states = []
    for compiled in (False, True):
        owners = []

        def step_of(params, owners=owners):
            step, *found = make(params)
            owners += found
            return step

        params = train(step_of, compiled, dtype=dtype)
        state = {f"parameter {i}": p.data for i, p in enumerate(params)}
        for i, owner in enumerate(owners):
            state |= {f"{i} {key}": x for key, x in owner.state_dict().items()}
        states.append(state)
    assert_same(states[1], states[0], tolerance)


def given(params, gs):
    """Let ``gs`` be the gradients."""
    for p, g in zip(params, gs, strict=True):
        p.grad = g


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-6)])
@pytest.mark.parametrize("name", ROWS)
def test_every_optimizer(name, dtype, tolerance):
    def make(params):
        optimizer = OPTIMIZERS[name](optim, params)

        def step(*gs):
            given(params, gs)
            optimizer.step()

        return step, optimizer

    compare(make, dtype=dtype, tolerance=tolerance)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_within_the_step(name):
    def make(params):
        groups = [{"params": params[:2], "lr": 0.1}, {"params": params[2:], "lr": 0.02}]
        optimizer = optim.Adam(groups) if name.endswith("of Adam") else optim.SGD(groups, momentum=0.5)
        schedule = SCHEDULES[name](optim, optimizer)

        def step(*gs):
            given(params, gs)
            optimizer.step()
            schedule.step(*([np.sum(gs[1])] if name.startswith("ReduceLROnPlateau") else []))

        return step, optimizer, schedule

    compare(make)


@pytest.mark.parametrize("max_norm", [0.5, 1e3])
@pytest.mark.parametrize("order", [1, 2, np.inf])
def test_clipping_by_norm(max_norm, order):
    def make(params):
        optimizer = optim.SGD(params, lr=0.1)

        def step(*gs):
            given(params, gs)
            norm = optim.clip_grad_norm_(params, max_norm, order, error_if_nonfinite=True)
            optimizer.step()
            return norm

        return step, optimizer

    compare(make)
    compare(make, dtype=np.float32, tolerance=1e-6)


def test_clipping_by_value():
    def make(params):
        optimizer = optim.SGD(params, lr=0.1)

        def step(*gs):
            given(params, gs)
            optim.clip_grad_value_(params, 0.3)
            optimizer.step()

        return step, optimizer

    compare(make)


def test_a_norm_that_is_not_finite_is_refused_in_every_run():
    x = Value(np.zeros(2))

    @calligrad.compile(backend="numpy")
    def clipped(g):
        x.grad = g
        return optim.clip_grad_norm_(x, 1.0, error_if_nonfinite=True)

    for _ in range(3):
        np.testing.assert_allclose(clipped(np.array([3.0, 4.0])), 5)
        np.testing.assert_allclose(x.grad, [0.6, 0.8], rtol=1e-6)
    with pytest.raises(RuntimeError, match="norm of the gradients is inf"):
        clipped(np.array([np.inf, 0]))


@pytest.mark.parametrize("kind", [optim.EMA, optim.SWA])
def test_averages(kind):
    def make(params):
        model = nn.Module()
        for i, p in enumerate(params):
            setattr(model, f"p{i}", p)
        optimizer, average = optim.SGD(params, lr=0.1), kind(model)

        def step(*gs):
            given(params, gs)
            optimizer.step()
            average.update()

        return step, optimizer, average

    compare(make)


def test_lbfgs_names_the_way_out():
    x = Value(np.ones(2))
    optimizer = optim.LBFGS([x])

    @calligrad.compile(backend="numpy")
    def closure():
        x.grad = None
        loss = np.sum(x * x)
        loss.backward()
        return loss

    with pytest.raises(CaptureError, match="Compile the closure"):
        calligrad.compile(lambda: optimizer.step(closure.f), backend="numpy")()
    np.testing.assert_array_equal(x.data, 1)
    for _ in range(3):
        optimizer.step(closure)
    np.testing.assert_allclose(x.data, 0, atol=1e-9)
