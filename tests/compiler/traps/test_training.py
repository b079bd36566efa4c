"""Training: what may change between calls, and within."""

import functools

import numpy as np
import pytest

import calligrad
from calligrad import optim
from calligrad.nn import functional as F
from tests.compiler.traps.checks import Training, X, Y, check_training, compiled, refused, same


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad])
def test_step_of_optimizer_is_one_program(make):
    check_training(make=make, programs=1)


def test_eval_and_train_between_calls():
    check_training(lambda t, i: t.model.train(i % 2 == 0), dropout=0.5, calls=8, programs=2)


def test_dropout_draws_as_eager_does():
    check_training(dropout=0.5)
    check_training(lambda t, i: calligrad.random.seed(i // 2), dropout=0.5)


def test_own_generator_in_closure_attribute_and_argument():
    class Noise:
        def __init__(self):
            self.rng = np.random.default_rng(1)

        def __call__(self, x):
            return x + self.rng.normal(size=3)

    noise = Noise()
    a, b = noise.rng.bit_generator.state, compiled(noise)
    got = [b(np.zeros(3)) for _ in range(4)]
    noise.rng.bit_generator.state = a
    assert same(got, [noise(np.zeros(3)) for _ in range(4)])
    noise.rng = np.random.default_rng(5)  # another one
    assert same(b(np.zeros(3)), np.random.default_rng(5).normal(size=3))

    rng = np.random.default_rng(2)
    f = compiled(lambda x: x * rng.random(3))
    assert same([f(np.ones(3)) for _ in range(4)], [np.random.default_rng(2).random((4, 3))[i] for i in range(4)])

    g = compiled(lambda x, rng: x * rng.random(3))
    for seed in 0, 1, 2, 2:
        assert same(g(np.ones(3), np.random.default_rng(seed)), np.random.default_rng(seed).random(3))


def test_load_state_dict_between_calls():
    start = Training().model.state_dict()
    check_training(lambda t, i: i == 3 and t.model.load_state_dict(start))


def test_optimizer_loads_its_state():
    start = Training(make=optim.Adam).optimizer.state_dict()
    check_training(lambda t, i: i == 3 and t.optimizer.load_state_dict(start), make=optim.Adam)


def test_parameter_is_given_another_array():
    def rebind(t, i):
        for p in t.model.parameters():
            p.data = p.data * 0.5

    check_training(rebind, programs=1)

    def write(t, i):
        for p in t.model.parameters():
            p.data[...] = p.data * 0.5

    check_training(write, programs=1)


def test_parameter_in_another_layout_or_dtype():
    def change(t, i):
        w = t.model[0].weight
        if i == 3:
            w.data = np.asfortranarray(w.data)
        if i == 5:
            t.model.astype(np.float64)

    check_training(change, calls=8)


def test_requires_grad_between_calls():
    check_training(lambda t, i: t.model[0].requires_grad_(i not in (2, 3)), calls=7)


@pytest.mark.parametrize("make", [optim.Adam, optim.AdamW])
def test_settings_of_optimizer_are_read_anew(make):
    def change(t, i):
        t.optimizer.lr = 0.1 / (i + 1)
        t.optimizer.param_groups[0]["weight_decay"] = 0.01 * (i + 1)
        t.optimizer.param_groups[0]["betas"] = (0.9 - 0.01 * i, 0.99)

    check_training(change, make=make, programs=1)


def test_weight_decay_that_begins():
    check_training(lambda t, i: t.optimizer.param_groups[0].update(weight_decay=0.1 * (i > 2)), programs=2)


def test_added_param_group():
    class Two(Training):
        def __init__(self):
            super().__init__()
            self.optimizer = optim.Adam(self.model[0].parameters(), lr=0.1)

    runs = []
    for wrap in (lambda f: f), compiled:
        t = Two()
        step = wrap(t.step)
        for i in range(6):
            if i == 3:
                t.optimizer.add_param_group({"params": list(t.model[3].parameters()), "lr": 0.01})
            step(X, Y)
        runs.append(t.state())
    for a, b in zip(*runs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)


def scheduled(t, x, y):
    loss = t.step(x, y)
    t.schedule.step()
    return loss


class Scheduled(Training):
    def __init__(self):
        super().__init__()
        self.schedule = optim.StepLR(self.optimizer, step_size=2, gamma=0.5)


@pytest.mark.parametrize("inside", [True, False])
def test_schedule_inside_and_outside(inside):
    a, b = Scheduled(), Scheduled()
    step = compiled(functools.partial(scheduled, b) if inside else b.step)
    for _ in range(7):
        scheduled(a, X, Y)
        step(X, Y)
        if not inside:
            b.schedule.step()
        assert a.optimizer.lr == b.optimizer.lr
    for p, q in zip(a.state(), b.state(), strict=True):
        np.testing.assert_allclose(p, q, rtol=2e-6)
    assert len(step.runs) == 1


def test_schedule_ahead_of_the_optimizer_is_refused():
    t = Scheduled()

    def wrong(x, y):
        t.schedule.step()
        return t.step(x, y)

    before = t.state()
    assert "after optimizer.step()" in refused(wrong, X, Y, match=r"\w+\.py:\d+")
    assert same(t.state(), before)
    assert t.optimizer.lr == 0.1


def test_two_optimizer_steps_in_one_function():
    def twice(t, x, y):
        t.step(x, y)
        return t.step(x, y)

    check_training(step=twice, make=optim.Adam, programs=1)


def accumulate(t, x, y):
    loss = F.cross_entropy(t.model(x), y)
    loss.backward()
    return loss


def test_gradients_add_up_over_calls():
    run = check_training(step=accumulate)
    assert len(run.runs) == 2  # without a gradient, and with one
    check_training(lambda t, i: i % 3 == 0 and t.optimizer.zero_grad(), step=accumulate, calls=8)


def test_gradient_is_not_overwritten_by_the_next_call():
    t = Training()
    step, kept, copies = compiled(t.step), [], []
    for _ in range(5):
        step(X, Y)
        kept.append(t.model[0].weight.grad)
        copies.append(kept[-1].copy())
    assert same(kept, copies)
    assert len(set(map(id, kept))) == 5


def test_zero_grad_needs_no_capture_more():
    check_training(programs=1)

    def forget(t, x, y):
        t.model.zero_grad()
        return accumulate(t, x, y)

    check_training(step=forget, programs=1)
    check_training(lambda t, i: t.model.zero_grad(), step=forget, programs=1)


def test_gradient_that_is_read():
    def clipped(t, x, y):
        loss = F.cross_entropy(t.model(x), y)
        loss.backward()
        for p in t.model.parameters():
            p.grad = np.clip(p.grad, -0.1, 0.1)
        t.optimizer.step()
        return loss

    check_training(step=clipped)
