"""detect_anomaly: the first NaN or infinity, forwards and backwards, where it was made."""

import threading

import numpy as np
import pytest

from calligrad import Function, Value, detect_anomaly, grad, nn, vmap


def caught(f):
    with pytest.raises(FloatingPointError) as info, detect_anomaly():
        f()
    return str(info.value), getattr(info.value, "__notes__", [])


class Log(nn.Module):
    def forward(self, x):
        return np.log(x)


class Root(nn.Module):
    def forward(self, x):
        return np.sqrt(x)


def test_forward_it_names_the_function_the_place_the_input_and_the_module():
    net = nn.Sequential(nn.Identity(), Log())
    message, notes = caught(lambda: net(Value(np.array([[1.0, 2.0], [3.0, 0.0]]))))
    assert message == "Log() made -inf, in 1 of 4 numbers, first at (1, 1), of 0.0"
    assert notes == ["in module 1: Log()"]


def test_backward_it_names_the_module_and_the_line():
    net = nn.Sequential(Root())
    message, notes = caught(lambda: np.sum(net(Value(np.array([1.0, 0.0])))).backward())
    assert message == "backward of Sqrt() made inf, in 1 of 2 numbers, first at (1,), where it had kept 0.0"
    assert notes[0] == "in module 0: Root()"
    assert notes[1].startswith("applied in ")
    assert notes[1].endswith("return np.sqrt(x)")


def test_within_a_transform_and_in_the_second_derivative():
    message, _ = caught(lambda: grad(lambda x: np.arcsin(x))(1.0))
    assert message == "backward of Arcsin() made inf, of 1.0" or message.startswith("backward of Arcsin() made inf")
    message, _ = caught(lambda: grad(grad(lambda x: np.power(x, 1.5)))(0.0))
    assert "made inf" in message


def test_a_nan_that_was_given_is_named():
    message, _ = caught(lambda: nn.Linear(2, 3)(np.array([[0.0, np.nan]], np.float32)))
    assert message == "Affine() was given NaN by a constant of shape (1, 2), first at (0, 1)"


def test_infinities_that_were_given_may_pass():
    scores = Value(np.array([1.0, 2.0]))
    with detect_anomaly():
        masked = np.where(np.array([True, False]), scores, -np.inf)
        np.sum(np.exp(masked)).backward()
    np.testing.assert_allclose(scores.grad, [np.e, 0])


def test_one_number():
    message, _ = caught(lambda: Value(np.array(1e300)) * 1e300)
    assert message == "Multiply() made inf, of 1e+300, 1e+300"


def test_nobody_pays_outside_of_the_block():
    plain = Function.__call__, Function.pull, nn.Module.__call__
    with detect_anomaly():
        with detect_anomaly():
            assert Function.__call__ is not plain[0]
        assert Function.__call__ is not plain[0]
    assert (Function.__call__, Function.pull, nn.Module.__call__) == plain
    with np.errstate(divide="ignore"):
        np.log(Value(np.zeros(1)))


def test_other_threads_are_not_watched():
    made = []

    def work():
        with np.errstate(divide="ignore"):
            made.append(np.log(Value(np.zeros(1))))

    with detect_anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(made) == 1


def test_within_vmap_all_examples_are_looked_at():
    message, _ = caught(lambda: vmap(grad(np.sqrt))(np.array([1.0, 0.0])))
    assert message.startswith("backward of Sqrt() made inf, in 1 of 2 numbers, first at (1,)")
    with detect_anomaly():
        assert np.array_equal(vmap(grad(np.sqrt))(np.array([1.0, 4.0])), [0.5, 0.25])
