"""Parametrizations: registered, set, removed, refused."""

import copy
import pickle

import numpy as np
import pytest

from calligrad import nn
from calligrad.nn import parametrizations
from calligrad.nn.parametrize import is_parametrized, register_parametrization, remove_parametrizations

X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


class Symmetric(nn.Module):
    def forward(self, x):
        return np.triu(x) + np.triu(x, 1).T

    def right_inverse(self, x):
        return np.triu(x)


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x

    def right_inverse(self, x):
        return x / 2


class Cut(nn.Module):
    def forward(self, x):
        return x[1:]


def test_weight_norm_changes_nothing_at_first_and_can_be_removed():
    layer = nn.Linear(3, 2)
    before, state = layer(X).data, layer.state_dict()
    assert parametrizations.weight_norm(layer) is layer
    assert isinstance(layer, nn.Linear)
    assert is_parametrized(layer)
    assert not is_parametrized(layer, "bias")
    np.testing.assert_allclose(layer(X).data, before, rtol=1e-6)
    assert remove_parametrizations(layer, "weight") is layer
    assert type(layer) is nn.Linear
    assert list(layer.state_dict()) == ["bias", "weight"]
    np.testing.assert_allclose(layer.weight.data, state["weight"], rtol=1e-6)


def test_a_parametrized_parameter_is_set_through_right_inverse():
    layer = register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    layer.weight = np.ones((3, 3))
    np.testing.assert_array_equal(layer.weight.data, np.ones((3, 3)))
    np.testing.assert_array_equal(layer.parametrizations["weight"].original.data, np.triu(np.ones((3, 3))))
    with pytest.raises(ValueError, match="right_inverse"):
        layer.weight = np.ones((2, 2))


def test_several_follow_one_another():
    layer = nn.Linear(3, 3)
    original = layer.weight
    register_parametrization(layer, "weight", Symmetric())
    before = layer.weight.data
    register_parametrization(layer, "weight", Doubled())
    register_parametrization(layer, "bias", Doubled())
    np.testing.assert_allclose(layer.weight.data, before)
    assert layer.parametrizations["weight"].original is original
    assert [name for name, _ in layer.named_parameters()] == [
        "parametrizations.weight.original",
        "parametrizations.bias.original",
    ]
    remove_parametrizations(layer, "weight", leave_parametrized=False)
    np.testing.assert_allclose(layer.weight.data, np.triu(before) / 2)
    assert is_parametrized(layer, "bias")
    remove_parametrizations(layer, "bias")
    assert type(layer) is nn.Linear


def test_a_copy_stands_by_itself():
    layer = parametrizations.spectral_norm(nn.Linear(3, 2)).eval()
    twin = copy.deepcopy(layer)
    np.testing.assert_array_equal(twin(X).data, layer(X).data)
    twin.parametrizations["weight"].original.data[...] = 0.5
    assert np.any(twin(X).data != layer(X).data)
    again = parametrizations.spectral_norm(nn.Linear(3, 2)).eval()
    again.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(again(X).data, layer(X).data)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_is_parametrized_by_itself(copied):
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    expected = layer(X).data
    twin = copied(layer)
    np.testing.assert_array_equal(twin(X).data, expected)
    assert list(twin.state_dict()) == list(layer.state_dict())
    remove_parametrizations(twin, "weight")
    assert type(twin) is nn.Linear
    assert is_parametrized(layer)
    np.testing.assert_array_equal(layer(X).data, expected)
    parametrizations.weight_norm(layer, "bias", None)
    assert not is_parametrized(twin)
    again = copied(layer)
    again.bias = np.array([1.0, 2.0], np.float32)
    np.testing.assert_allclose(again.bias.data, [1, 2], rtol=1e-6)


def test_spectral_norm_approaches_the_largest_singular_value():
    layer = parametrizations.spectral_norm(nn.Linear(30, 20, rng=np.random.default_rng(0)), n_power_iterations=50)
    weight = layer.weight.data
    np.testing.assert_allclose(np.linalg.norm(weight, 2), 1, rtol=1e-3)
    before = layer.state_dict()
    layer.eval()(np.ones((1, 30), np.float32))
    assert all(np.array_equal(x, before[path]) for path, x in layer.state_dict().items())


def test_what_is_refused():
    layer = nn.Linear(3, 2)
    with pytest.raises(ValueError, match="Linear has no parameter 'wait'"):
        register_parametrization(layer, "wait", Doubled())
    with pytest.raises(ValueError, match=r"float32 of shape \(1, 3\) of weight, which is float32 of shape \(2, 3\)"):
        register_parametrization(layer, "weight", Cut())
    assert type(layer) is nn.Linear
    assert register_parametrization(layer, "weight", Cut(), unsafe=True).weight.shape == (1, 3)
    with pytest.raises(NotImplementedError, match="no right_inverse"):
        layer.weight = np.ones((1, 3))
    with pytest.raises(ValueError, match="'bias' of ParametrizedLinear is not parametrized"):
        remove_parametrizations(layer, "bias")
    with pytest.raises(ValueError, match="leave_parametrized must be true"):
        remove_parametrizations(parametrizations.weight_norm(nn.Linear(3, 2)), "weight", False)
    with pytest.raises(ValueError, match="n_power_iterations"):
        parametrizations.spectral_norm(nn.Linear(3, 2), n_power_iterations=0)
    with pytest.raises(ValueError, match="no axis 2"):
        parametrizations.spectral_norm(nn.Linear(3, 2), axis=2)
