"""SGD, Adam and Lion against their papers, written out; and what every optimizer does around its rule."""

import numpy as np
import pytest

from calligrad import Value, optim
from calligrad.optim.optimizer import TILE

RNG = np.random.default_rng(0)
GRADIENTS = RNG.standard_normal((20, 5))


def sgd(p, gradients, lr, momentum=0.0):
    velocity = None
    for g in gradients:
        velocity = g if velocity is None else momentum * velocity + g
        p = p - lr * velocity
    return p


def adam(p, gradients, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m = v = 0
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        p = p - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return p


def lion(p, gradients, lr, beta1=0.9, beta2=0.99, weight_decay=0.0):
    m = 0
    for g in gradients:
        p = p - lr * (np.sign(beta1 * m + (1 - beta1) * g) + weight_decay * p)
        m = beta2 * m + (1 - beta2) * g
    return p


def stepped(make, gradients, start, dtype=np.float64):
    p = Value(np.array(start, dtype))
    optimizer = make([p])
    for g in gradients:
        p.grad = g
        optimizer.step()
    return p


@pytest.mark.parametrize(
    ("make", "by_hand"),
    [
        (lambda ps: optim.SGD(ps, lr=0.1), lambda p, gs: sgd(p, gs, 0.1)),
        (lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9), lambda p, gs: sgd(p, gs, 0.1, 0.9)),
        (lambda ps: optim.Adam(ps, lr=0.1), lambda p, gs: adam(p, gs, 0.1)),
        (
            lambda ps: optim.Adam(ps, lr=0.01, betas=(0.5, 0.6), eps=1e-3),
            lambda p, gs: adam(p, gs, 0.01, 0.5, 0.6, 1e-3),
        ),
        (lambda ps: optim.Adam(ps, betas=(0, 0)), lambda p, gs: adam(p, gs, 1e-3, 0, 0)),
        (lambda ps: optim.Lion(ps), lambda p, gs: lion(p, gs, 1e-4)),
        (lambda ps: optim.Lion(ps, 0.1, (0.8, 0.5), 0.3), lambda p, gs: lion(p, gs, 0.1, 0.8, 0.5, 0.3)),
        (lambda ps: optim.Lion(ps, 0.1, maximize=True), lambda p, gs: lion(p, -gs, 0.1)),
    ],
)
def test_steps_equal_the_formula(make, by_hand):
    start = np.arange(5.0)
    np.testing.assert_allclose(stepped(make, GRADIENTS, start).data, by_hand(start, GRADIENTS), rtol=1e-13, atol=1e-15)
    close = stepped(make, GRADIENTS, start, np.float32)
    assert close.dtype == np.float32
    np.testing.assert_allclose(close.data, by_hand(start, GRADIENTS), rtol=1e-4, atol=1e-5)


def test_adams_first_step_is_lr_whatever_the_scale():
    for scale in (1e-6, 1.0, 1e6):
        p = stepped(lambda ps: optim.Adam(ps, lr=0.1, eps=0.0), [np.array([scale, -scale])], [0.0, 0.0])
        np.testing.assert_allclose(p.data, [-0.1, 0.1])


def test_a_parameter_that_comes_late_starts_from_its_own_beginning():
    """Adam corrects each parameter's means by its own number of steps, as the paper's and PyTorch's does."""
    early, late = Value(np.zeros(5)), Value(np.zeros(5))
    optimizer = optim.Adam([early, late], lr=0.1)
    for i, g in enumerate(GRADIENTS):
        early.grad = g
        late.grad = g if i >= 15 else None
        optimizer.step()
    np.testing.assert_allclose(early.data, adam(0, GRADIENTS, 0.1), rtol=1e-12)
    np.testing.assert_allclose(late.data, adam(0, GRADIENTS[15:], 0.1), rtol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda ps: optim.SGD(ps, 0.1, momentum=0.9),
        lambda ps: optim.Adam(ps, 0.1),
        lambda ps: optim.NAdam(ps, 0.1),  # which has a number as state
        lambda ps: optim.ASGD(ps, 0.1, lambd=0.0),
    ],
    ids=["SGD", "Adam", "NAdam", "ASGD"],
)
class TestAroundTheRule:
    def test_parameters_change_in_place(self, make):
        array = np.zeros(3)
        p = Value(array)
        optimizer = make([p])
        p.grad = np.ones(3)
        optimizer.step()
        assert p.data is array
        assert np.all(array < 0)

    def test_a_parameter_without_a_gradient_stays(self, make):
        a, b = Value(np.zeros(3)), Value(np.ones(3))
        optimizer = make([a, b])
        a.grad = np.ones(3)
        optimizer.step()
        np.testing.assert_array_equal(b.data, np.ones(3))
        assert np.all(a.data < 0)

    def test_gradients_are_left_alone_and_forgotten_when_asked(self, make):
        p = Value(np.zeros(3))
        optimizer = make([p])
        p.grad = np.array([1.0, 2.0, 3.0])
        optimizer.step()
        np.testing.assert_array_equal(p.grad, [1, 2, 3])
        optimizer.zero_grad()
        assert p.grad is None

    def test_a_gradient_of_zero_moves_nothing_at_first(self, make):
        p = Value(np.ones(3))
        optimizer = make([p])
        p.grad = np.zeros(3)
        optimizer.step()
        np.testing.assert_array_equal(p.data, np.ones(3))

    @pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (2, 3, 4)])
    def test_every_shape(self, make, shape):
        p = Value(np.ones(shape))
        optimizer = make([p])
        for _ in range(3):
            p.grad = np.ones(shape)
            optimizer.step()
        assert p.shape == shape
        assert np.all(p.data < 1)

    @pytest.mark.parametrize(
        "lay",
        [
            lambda x: x,
            np.asfortranarray,
            lambda x: np.repeat(x, 2, axis=1)[:, ::2],
            lambda x: x[::-1, ::-1],
            lambda x: x[:, :0],
        ],
    )
    def test_a_parameter_of_several_tiles_equals_its_parts(self, make, lay):
        """Large parameters are changed tile by tile, whatever their layout in memory."""
        shape = (3, TILE // 2)
        data, g = RNG.standard_normal(shape), RNG.standard_normal(shape)
        whole = Value(lay(data.copy()))
        parts = [Value(row.copy()) for row in lay(data.copy())]
        for gradient_lay in (lay, lambda g: lay(g.T.copy().T)):
            optimizers = [make([whole]), make(parts)]
            for _ in range(2):
                whole.grad = gradient_lay(g)
                for part, row in zip(parts, lay(g), strict=True):
                    part.grad = row.copy()
                for optimizer in optimizers:
                    optimizer.step()
            np.testing.assert_array_equal(whole.data, np.reshape([p.data for p in parts], whole.shape))

    def test_a_long_vector_with_gaps(self, make):
        data, g = RNG.standard_normal(TILE + 5), RNG.standard_normal(TILE + 5)
        gapped, plain = Value(np.repeat(data, 2)[::2]), Value(data.copy())
        for p in (gapped, plain):
            optimizer = make([p])
            p.grad = g
            optimizer.step()
        np.testing.assert_array_equal(gapped.data, plain.data)

    def test_lr_may_change_on_the_way(self, make):
        p = Value(np.zeros(1))
        optimizer = make([p])
        p.grad = np.ones(1)
        optimizer.lr = 0.0
        optimizer.step()
        assert p.data == 0

    def test_a_generator_of_parameters(self, make):
        ps = [Value(np.zeros(1)), Value(np.zeros(2))]
        assert make(p for p in ps).params == ps

    def test_a_frozen_parameter_stays_even_with_a_gradient(self, make):
        p = Value(np.zeros(2))
        optimizer = make([p])
        p.grad = np.ones(2)
        p.requires_grad = False
        optimizer.step()
        np.testing.assert_array_equal(p.data, np.zeros(2))

    def test_a_closure_computes_the_gradients_and_its_loss_comes_back(self, make):
        p = Value(np.ones(2))
        optimizer = make([p])

        def closure():
            optimizer.zero_grad()
            loss = np.sum(p * p)
            loss.backward()
            return loss

        assert optimizer.step(closure) == 2
        assert np.all(p.data < 1)

    def test_after_load_state_the_optimizer_still_moves_the_model(self, make):
        from calligrad.nn import Linear

        layer = Linear(2, 1)
        optimizer = make(layer.parameters())
        layer.load_state_dict({"weight": np.ones((1, 2)), "bias": np.ones(1)})
        np.sum(layer(np.ones((1, 2), np.float32))).backward()
        optimizer.step()
        assert np.all(layer.weight.data < 1)

    def test_data_swapped_on_the_way(self, make):
        p = Value(np.zeros(2))
        optimizer = make([p])
        p.data = np.full(2, 5.0)
        p.grad = np.ones(2)
        optimizer.step()
        assert np.all(p.data < 5)


def test_looks():
    p = Value(np.zeros(1))
    settings = "momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False"
    assert repr(optim.SGD([p], lr=0.5)) == f"SGD(lr=0.5, {settings})"
    groups = [{"params": [p], "lr": 1}, {"params": [Value(1.0)]}]
    assert repr(optim.SGD(groups, lr=2)) == f"SGD(\n  group 0: lr=1.0, {settings}\n  group 1: lr=2.0, {settings}\n)"
    assert "betas=(0.9, 0.999)" in repr(optim.Adam([p]))


def test_an_optimizer_of_ones_own_is_a_rule():
    class Signs(optim.Optimizer):
        """Ever smaller steps against the sign of the running sum."""

        state_names = ("total",)

        def rule(self, step, p, g, total, *, lr):
            total = total + g
            return p - lr * np.sign(total) / step, total

    p = stepped(lambda ps: Signs(ps, lr=0.5), [np.array([3.0]), np.array([-1.0]), np.array([-5.0])], [0.0])
    np.testing.assert_allclose(p.data, [-0.5 - 0.5 / 2 + 0.5 / 3])


def test_training_reaches_the_minimum_of_a_bowl():
    target = np.array([1.0, -2.0, 3.0])
    for make in (lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9), lambda ps: optim.Adam(ps, lr=0.1)):
        p = Value(np.zeros(3))
        optimizer = make([p])
        for _ in range(500):
            optimizer.zero_grad()
            np.sum((p - target) ** 2).backward()
            optimizer.step()
        np.testing.assert_allclose(p.data, target, atol=1e-3)


def test_a_line_search_that_shrinks_to_a_point_ends():
    x = Value(np.concatenate([[-1.2], np.ones(99)]))
    optimizer = optim.LBFGS([x], max_iter=1000, tolerance_grad=1e-8, tolerance_change=0, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
        loss.backward()
        return loss

    optimizer.step(closure)
    closure()
    assert np.max(np.abs(x.grad)) < 1e-5  # a minimum, if not the lowest
