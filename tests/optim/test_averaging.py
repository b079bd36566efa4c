"""Averages of models."""

import numpy as np
import pytest

from calligrad import nn, optim

RNG = np.random.default_rng(0)


def set_weights(model, path):
    """Four models on a way, and after each a call of ``update``."""
    for weights in path:
        for p, w in zip(model.parameters(), weights, strict=True):
            p.data[...] = w
        yield


def walk(model, count=4):
    return [[RNG.standard_normal(p.shape) for p in model.parameters()] for _ in range(count)]


def test_an_exponential_average():
    model = nn.Linear(3, 2, dtype=np.float64)
    ema, path = optim.EMA(model, decay=0.7), walk(model)
    expected = path[0]
    for _, weights in zip(set_weights(model, path), path, strict=True):
        ema.update()
        expected = [0.7 * a + 0.3 * w for a, w in zip(expected, weights, strict=True)]
    with ema.applied():
        for p, e in zip(model.parameters(), expected, strict=True):
            np.testing.assert_allclose(p.data, e, rtol=1e-14)


def test_a_plain_average():
    model = nn.Linear(3, 2, dtype=np.float64)
    swa, path = optim.SWA(model), walk(model)
    for _ in set_weights(model, path):
        swa.update()
    swa.copy_to_model()
    for i, p in enumerate(model.parameters()):
        np.testing.assert_allclose(p.data, np.mean([weights[i] for weights in path], axis=0), rtol=1e-14)


def test_the_model_gets_its_own_arrays_back():
    model = nn.Linear(3, 2)
    ema = optim.EMA(model)
    model.weight.data += 1
    array, before = model.weight.data, model.weight.data.copy()
    with ema.applied():
        assert not np.array_equal(model.weight.data, before)
    np.testing.assert_array_equal(array, before)
    with pytest.raises(ZeroDivisionError), ema.applied():
        raise ZeroDivisionError
    assert model.weight.data is array
    np.testing.assert_array_equal(array, before)


def test_not_within_itself():
    ema = optim.EMA(nn.Linear(1, 1))
    with ema.applied():
        for call in ema.update, ema.copy_to_model, ema.applied().__enter__:
            with pytest.raises(RuntimeError, match="the averages are in the model"):
                call()
    ema.update()


def test_buffers_are_averaged_when_asked():
    model = nn.BatchNorm1d(2, dtype=np.float64)
    plain, full = optim.SWA(model), optim.SWA(model, use_buffers=True)
    for mean, count in (1.0, 10), (3.0, 20):
        model.running_mean.data[...], model.num_batches_tracked.data[...] = mean, count
        plain.update()
        full.update()
    with plain.applied():
        assert np.all(model.running_mean.data == 3)
    with full.applied():
        assert np.all(model.running_mean.data == 2)
        assert model.num_batches_tracked.data == 20
    assert np.all(model.running_mean.data == 3)


def test_a_saved_state_goes_on_bit_for_bit(tmp_path):
    model = nn.Linear(3, 2)
    first, again, path = optim.EMA(model, 0.9), optim.EMA(model, 0.9), walk(model, 6)
    for i, _ in enumerate(set_weights(model, path)):
        first.update()
        if i == 2:
            np.savez(tmp_path / "state.npz", **first.state_dict())
            with np.load(tmp_path / "state.npz") as file:
                again.load_state_dict(file)
        elif i > 2:
            again.update()
    ours, theirs = first.state_dict(), again.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)


def test_a_state_or_a_model_that_does_not_fit():
    model = nn.Linear(3, 2)
    ema = optim.EMA(model)
    with pytest.raises(ValueError, match=r"missing: averages.bias \(2,\)\n  shape: averages.weight is \(2, 3\)"):
        ema.load_state_dict(optim.EMA(nn.Linear(2, 2, bias=False)).state_dict())
    model.bias = None
    with pytest.raises(RuntimeError, match="bias differ"):
        ema.update()
    with pytest.raises(TypeError, match="of a Module"):
        optim.EMA(model.parameters())
    with pytest.raises(ValueError, match="decay must be"):
        optim.EMA(model, decay=1.5)


def test_statistics_of_batch_norm_anew():
    model = nn.Sequential(nn.BatchNorm1d(2, dtype=np.float64), nn.Linear(2, 1)).eval()
    batches = [RNG.standard_normal((5, 2)) for _ in range(3)]
    model[0].train()
    optim.update_bn([(x, None) for x in batches], model)
    np.testing.assert_allclose(model[0].running_mean.data, np.mean([x.mean(0) for x in batches], 0))
    np.testing.assert_allclose(model[0].running_var.data, np.mean([x.var(0, ddof=1) for x in batches], 0))
    assert model[0].num_batches_tracked.data == 3
    assert model[0].momentum == 0.1
    assert [module.training for module in model.modules()] == [False, True, False]
    optim.update_bn(iter(()), nn.Linear(2, 1))
