"""The script of "手写深度学习框架", as such an article has it: only its class definitions have become an import.

Its engine's gradients were wrong everywhere but in the last layer (Relu and Transpose returned an array
that the sweep took for a list of gradients, and generations were never set), so this holds ours against
gradients worked out by hand, layer by layer, in plain NumPy.
"""

import numpy as np
import pytest

from calligrad import Function, Linear, Module, Value, add, as_array, as_value, matmul, relu, transpose

# ---------------------------------------------------------------- the article's script

# 定义一个函数 / a Function of one's own, in the article's form


class Square(Function):
    def forward(self, x):
        return x**2

    def backward(self, gy):
        x = self.inputs[0].data
        gx = 2 * x * gy
        return gx  # noqa: RET504


def square(x):
    return Square()(x)


class Exp(Function):
    def forward(self, x):
        self.y = np.exp(x)
        return self.y

    def backward(self, gy):
        return gy * self.y


class Mul(Function):
    def forward(self, x0, x1):
        return x0 * x1

    def backward(self, gy):
        x0, x1 = self.inputs[0].data, self.inputs[1].data
        return gy * x1, gy * x0


# 定义模型 / the model: 1-4-4-1


class Model(Module):
    def __init__(self):
        super().__init__()
        self.l1 = Linear(1, 4)
        self.l2 = Linear(4, 4)
        self.l3 = Linear(4, 1)

    def forward(self, x):
        x = relu(self.l1(x))
        x = relu(self.l2(x))
        return self.l3(x)


# 准备数据 / the data: y = x² + 2x + 1


def data():
    X = np.linspace(1, 10, 100).reshape(-1, 1)
    Y = X**2 + 2 * X + 1
    return X, Y


# 训练 / training


def train(model, X, Y, lr, epochs):
    losses = []
    for _ in range(epochs):
        Y_pred = model(Value(X))
        loss = np.mean((Y_pred.data - Y) ** 2)
        losses.append(loss)
        g = 2 * (Y_pred.data - Y) / len(X)  # 手写的均方误差梯度 / the gradient of the mean squared error, by hand

        model.zero_grad()
        Y_pred.grad = g
        Y_pred.backward()
        for p in model.parameters():
            p.data -= lr * p.grad
    return losses


# ---------------------------------------------------------------- what must come of it


def by_hand(weights, X, g):
    """Gradients of the three layers, in order, worked out on paper."""
    w1, b1, w2, b2, w3, _ = weights
    a1 = X @ w1.T + b1
    h1 = np.maximum(a1, 0)
    a2 = h1 @ w2.T + b2
    h2 = np.maximum(a2, 0)
    g2 = (g @ w3) * (a2 > 0)
    g1 = (g2 @ w2) * (a1 > 0)
    return [g1.T @ X, g1.sum(0), g2.T @ h1, g2.sum(0), g.T @ h2, g.sum(0)]


@pytest.fixture
def model():
    """In float64, and with every ReLU alive."""
    rng = np.random.default_rng(0)
    model = Model()
    for p in model.parameters():
        p.data = np.abs(rng.standard_normal(p.shape)) * 0.3
    model.l1.bias.data[0] = -2.0  # so that some of the data fall on the flat side
    model.l2.weight.data[1] *= -1
    model.l2.bias.data[1] = 1.0
    return model


def test_gradients_of_every_layer_equal_those_worked_out_by_hand(model):
    X, Y = data()
    Y_pred = model(Value(X))
    g = 2 * (Y_pred.data - Y) / len(X)
    Y_pred.grad = g
    Y_pred.backward()
    expected = by_hand([p.data for p in model.parameters()], X, g)
    for p, gradient in zip(model.parameters(), expected, strict=True):
        assert p.grad.shape == p.data.shape
        np.testing.assert_allclose(p.grad, gradient, rtol=1e-12, atol=1e-12)
        assert np.any(gradient != 0)


def test_training_follows_gradient_descent_by_hand(model):
    X, Y = data()
    weights = [p.data.copy() for p in model.parameters()]
    losses = train(model, X, Y, lr=1e-5, epochs=50)
    for loss in losses:
        w1, b1, w2, b2, w3, b3 = weights
        prediction = np.maximum(np.maximum(X @ w1.T + b1, 0) @ w2.T + b2, 0) @ w3.T + b3
        np.testing.assert_allclose(loss, np.mean((prediction - Y) ** 2), rtol=1e-10)
        for w, g in zip(weights, by_hand(weights, X, 2 * (prediction - Y) / len(X)), strict=True):
            w -= 1e-5 * g
    for p, w in zip(model.parameters(), weights, strict=True):
        np.testing.assert_allclose(p.data, w, rtol=1e-10, atol=1e-12)
    assert losses[-1] < losses[0]


def test_training_in_float32_as_the_article_starts():
    X, Y = data()
    losses = train(Model(), X, Y, lr=1e-5, epochs=30)
    assert losses[-1] < losses[0]
    assert np.isfinite(losses).all()


def test_zero_grad_is_needed_because_gradients_accumulate(model):
    X, _ = data()
    for times in (1, 2):
        y = model(Value(X))
        y.backward()
        if times == 1:
            once = [p.grad.copy() for p in model.parameters()]
    for p, g in zip(model.parameters(), once, strict=True):
        np.testing.assert_allclose(p.grad, 2 * g)
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_the_layer_spelled_out():
    """`a @ b.T + c` with Values, as the article's Linear computes."""
    X = np.linspace(1, 10, 12).reshape(3, 4)
    a, b, c = Value(X).T, Value(np.ones((2, 3))), Value(np.zeros(2))
    y = a @ b.T + c
    assert y.shape == (4, 2)
    g = np.arange(8.0).reshape(4, 2)
    y.grad = g
    y.backward()
    np.testing.assert_array_equal(b.grad, g.T @ X.T)
    np.testing.assert_array_equal(c.grad, g.sum(0))
    assert a.created_by is not None

    x = Value(X)
    y = add(matmul(transpose(x), transpose(b)), c)
    np.testing.assert_array_equal(y.data, X.T @ np.ones((3, 2)))
    y.grad = g
    y.backward()
    np.testing.assert_array_equal(x.grad, (g @ b.data).T)


def test_functions_in_the_articles_form():
    x = Value(np.array([1.0, 2.0, 3.0]))
    y = square(Exp()(square(x)))
    y.backward()
    np.testing.assert_allclose(x.grad, 4 * x.data * np.exp(2 * x.data**2))

    a, b = Value(np.array(3.0)), Value(np.array(4.0))
    y = Mul()(a, b)
    y.backward()
    assert (a.grad, b.grad) == (4.0, 3.0)
    np.testing.assert_array_equal(y.data, 12.0)


def test_the_articles_diamond():
    """x is used twice on the way to y: what a sweep without generations gets wrong."""
    x = Value(np.array(2.0))
    a = square(x)
    y = add(square(a), square(a))
    y.backward()
    assert y.data == 32.0
    assert x.grad == 64.0


def test_the_graph_can_be_read_as_the_article_reads_it():
    x = Value(np.array(2.0))
    y = square(x)
    f = y.created_by
    assert isinstance(f, Square)
    assert f.inputs[0] is x
    assert f.outputs[0].data == 4.0
    assert (x.generation, f.generation, y.generation) == (0, 0, 1)
    assert square(y).created_by.generation == 1


def test_as_array_and_as_value():
    assert type(as_array(2.0)) is np.ndarray
    assert isinstance(as_value(np.ones(2)), Value)
    x = Value(np.ones(2))
    assert as_value(x) is x


def test_without_a_gradient_backward_starts_from_ones():
    """Not from zeros, as the article's does."""
    x = Value(np.array([1.0, 2.0]))
    square(x).backward()
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_a_layer_without_bias():
    layer = Linear(3, 2, bias=False)
    assert layer.bias is None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    layer(np.ones((5, 3), np.float32)).backward()
    np.testing.assert_array_equal(layer.weight.grad, np.full((2, 3), 5))


def test_broadcasting_is_undone_whichever_way_it_went():
    for shapes in (((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2, 3)), ((2, 3), (2, 1))):
        a, b = Value(np.ones(shapes[0])), Value(np.ones(shapes[1]))
        add(a, b).backward()
        total = np.broadcast_shapes(*shapes)
        for v in (a, b):
            assert v.grad.shape == v.shape
            np.testing.assert_array_equal(v.grad, np.full(v.shape, np.prod(total) / max(1, v.size)))
