"""Schedules around their numbers: together with others, with changes by hand, resumed, and with bad arguments."""

import math

import numpy as np
import pytest

from calligrad import Value, optim


def sgd(lr=1.0, count=1, **settings):
    return optim.SGD([{"params": [Value(0.0)]} for _ in range(count)], lr=lr, **settings)


def run(schedule, epochs):
    rates = [schedule.get_last_lr()[0]]
    for _ in range(epochs):
        schedule.step()
        rates.append(schedule.get_last_lr()[0])
    return rates


def test_two_schedules_of_one_optimizer_multiply_as_in_pytorch():
    optimizer = sgd()
    halves, tenths = optim.ExponentialLR(optimizer, 0.5), optim.ConstantLR(optimizer, 0.1, 2)
    rates = []
    for _ in range(4):
        rates.append(optimizer.lr)
        tenths.step()
        halves.step()
    np.testing.assert_allclose(rates, [0.1, 0.05, 0.25, 0.125], rtol=1e-15)


def test_a_change_by_hand_stays():
    optimizer = sgd()
    schedule = optim.StepLR(optimizer, 2, 0.5)
    schedule.step()
    optimizer.lr = 0.25
    np.testing.assert_allclose(run(schedule, 3)[1:], [0.125, 0.125, 0.0625])


def test_warm_up_and_then_a_plateau():
    optimizer = sgd()
    warmup = optim.LinearLR(optimizer, 0.5, total_iters=2)
    plateau = optim.ReduceLROnPlateau(optimizer, patience=0)
    rates = []
    for loss in 3, 2, 2, 1, 1:
        warmup.step()
        plateau.step(loss)
        rates.append(optimizer.lr)
    np.testing.assert_allclose(rates, [0.75, 1.0, 0.1, 0.1, 0.01])


def test_warm_restarts_go_to_a_moment_within_an_epoch():
    optimizer = sgd()
    schedule = optim.CosineAnnealingWarmRestarts(optimizer, T_0=4, T_mult=2)
    schedule.step(1.5)
    assert optimizer.lr == 0.5 * (1 + math.cos(math.pi * 1.5 / 4))
    schedule.step()
    assert optimizer.lr == 0.5
    schedule.step(8)
    assert optimizer.lr == 0.5


def test_an_average_begins_at_the_rate_that_another_schedule_left():
    optimizer = sgd()
    first, last = optim.ExponentialLR(optimizer, 0.5), optim.SWALR(optimizer, 0.0, 2, "linear")
    first.step()
    np.testing.assert_allclose([*run(last, 3)[1:]], [0.25, 0.0, 0.0])


def test_a_schedule_may_begin_later():
    optimizer = sgd()
    whole = run(optim.ExponentialLR(optimizer, 0.5), 5)
    again = sgd()
    with pytest.raises(ValueError, match="load the optimizer's state first"):
        optim.ExponentialLR(again, 0.5, last_epoch=4)
    again.load_state_dict(optimizer.state_dict())
    assert run(optim.ExponentialLR(again, 0.5, last_epoch=5), 0) == [whole[-1] / 2]


def test_a_schedule_of_ones_own_is_a_formula():
    class InverseRoot(optim.Schedule):
        """base / √(1 + epoch)."""

        def rate(self, epoch, base):
            return base / math.sqrt(1 + epoch)

    assert run(InverseRoot(sgd()), 3) == [1.0, 1 / math.sqrt(2), 1 / math.sqrt(3), 0.5]


def test_a_state_that_does_not_fit():
    one, two = (optim.StepLR(sgd(count=count), 2) for count in (1, 2))
    with pytest.raises(ValueError, match="shape: base_lrs"):
        one.load_state_dict(two.state_dict())
    with pytest.raises(ValueError, match="missing: last_epoch"):
        one.load_state_dict({})
    with pytest.raises(ValueError, match="unexpected: best"):
        one.load_state_dict(optim.ReduceLROnPlateau(sgd()).state_dict())


@pytest.mark.parametrize(
    "make",
    [
        lambda o: optim.SequentialLR(o, [optim.LinearLR(o, 0.5), optim.ExponentialLR(o, 0.5)], [3]),
        lambda o: optim.ChainedScheduler([optim.LinearLR(o, 0.5), optim.StepLR(o, 2)]),
        lambda o: optim.ChainedScheduler(
            [optim.SequentialLR(o, [optim.ConstantLR(o, 0.5), optim.StepLR(o, 2)], [3]), optim.LinearLR(o, 0.5)]
        ),
    ],
)
def test_schedules_of_schedules_go_on_where_others_were(make):
    one, two = sgd(lr=1.0), sgd(lr=7.0)
    first, second = make(one), make(two)
    run(first, 2)
    two.load_state_dict(one.state_dict())
    second.load_state_dict(first.state_dict())
    np.testing.assert_array_equal(run(first, 6), run(second, 6))


def test_a_group_that_comes_late():
    optimizer = sgd()
    schedules = [optim.StepLR(optimizer, 2), optim.ReduceLROnPlateau(optimizer)]
    optimizer.add_param_group({"params": [Value(1.0)]})
    with pytest.raises(RuntimeError, match="has 2 groups, and had 1"):
        schedules[0].step()
    with pytest.raises(RuntimeError, match="other groups"):
        schedules[1].step(1.0)


def test_one_cycle_ends():
    schedule = optim.OneCycleLR(sgd(momentum=0.5), 0.1, 3)
    run(schedule, 3)
    with pytest.raises(ValueError, match="has 3 steps"):
        schedule.step()


OTHER = sgd()


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda o: optim.StepLR(None, 2), "takes an optimizer"),
        (lambda o: optim.ReduceLROnPlateau(None), "takes an optimizer"),
        (lambda o: optim.StepLR(o, 0), "step_size must be an integer"),
        (lambda o: optim.ExponentialLR(o, np.nan), "gamma must be"),
        (lambda o: optim.ConstantLR(o, 2.0), "factor must be a number from 0 to 1"),
        (lambda o: optim.LinearLR(o, 0.0), "start_factor must be above 0"),
        (lambda o: optim.LinearLR(o, total_iters=0), "total_iters must be"),
        (lambda o: optim.CosineAnnealingLR(o, 0.5), "T_max must be"),
        (lambda o: optim.LambdaLR(o, [lambda i: 1] * 2), "lr_lambda has 2 entries, but the optimizer has 1 groups"),
        (lambda o: optim.LambdaLR(o, 0.5), "lr_lambda is a function"),
        (lambda o: optim.SWALR(o, 0.1, anneal_strategy="sin"), "anneal_strategy is 'cos'"),
        (lambda o: optim.CyclicLR(o, 0.1, 0.2, mode="square"), "mode is one of 'triangular'"),
        (lambda o: optim.CyclicLR(o, 0.1, 0.2, scale_mode="all"), "scale_mode is"),
        (lambda o: optim.CyclicLR(optim.Adagrad([Value(1.0)]), 0.1, 0.2), "Adagrad has no momentum to cycle"),
        (lambda o: optim.OneCycleLR(o, 0.1), "give total_steps"),
        (lambda o: optim.OneCycleLR(o, 0.1, 10, pct_start=2.0), "pct_start must be"),
        (lambda o: optim.OneCycleLR(o, 0.1, 10, div_factor=0), "div_factor must be"),
        (lambda o: optim.ReduceLROnPlateau(o, "least"), "mode is 'min'"),
        (lambda o: optim.ReduceLROnPlateau(o, factor=1.0), "factor must be"),
        (lambda o: optim.ReduceLROnPlateau(o, threshold_mode="abc"), "threshold_mode is"),
        (lambda o: optim.SequentialLR(o, [], []), "no schedule"),
        (lambda o: optim.SequentialLR(o, [optim.StepLR(o, 2)], [3]), "1 schedules need 0 milestones"),
        (lambda o: optim.ChainedScheduler([optim.ReduceLROnPlateau(o)]), "cannot be combined"),
        (lambda o: optim.ChainedScheduler([optim.StepLR(OTHER, 2)], o), "another optimizer"),
    ],
)
def test_bad_arguments(make, match):
    optimizer = sgd()
    with pytest.raises((TypeError, ValueError), match=match):
        make(optimizer)
    assert optimizer.lr == 1.0
