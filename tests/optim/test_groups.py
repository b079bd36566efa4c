"""Parameter groups, the names of parameters, and what a saved state must have."""

import numpy as np
import pytest

from calligrad import Value, nn, optim


def parameters(count=3):
    return [Value(np.ones(2)) for _ in range(count)]


def stepped(optimizer):
    for p in optimizer.params:
        p.grad = np.ones(p.shape)
    optimizer.step()
    return [p.data[0] for p in optimizer.params]


def test_groups_have_settings_of_their_own():
    a, b, c = parameters()
    optimizer = optim.SGD([{"params": [a, b], "lr": 0.5}, {"params": c, "weight_decay": 1.0}], lr=0.1)
    assert stepped(optimizer) == [0.5, 0.5, 1 - 0.1 * 2]
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1]
    optimizer.param_groups[0]["lr"] = 0.0
    assert stepped(optimizer)[:2] == [0.5, 0.5]


def test_one_rate_for_all_groups():
    a, b, _ = parameters()
    optimizer = optim.SGD([{"params": [a], "lr": 0.5}, {"params": [b]}], lr=0.1)
    with pytest.raises(ValueError, match=r"different rates, \[0.1, 0.5\]"):
        _ = optimizer.lr
    optimizer.lr = 0.2
    assert optimizer.lr == 0.2
    assert stepped(optimizer) == [0.8, 0.8]
    with pytest.raises(ValueError, match="lr must be"):
        optimizer.lr = np.nan


def test_a_group_may_come_later():
    a, b, c = parameters()
    optimizer = optim.Adam([a], lr=0.1)
    optimizer.add_param_group({"params": [b, c], "lr": 0.2})
    assert optimizer.params == [a, b, c]
    assert optimizer.param_groups[1]["param_names"] == ["1", "2"]
    np.testing.assert_allclose(stepped(optimizer), [0.9, 0.8, 0.8])


def test_parameters_are_called_by_their_path():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1, bias=False))
    optimizer = optim.Adam(model.named_parameters())
    stepped(optimizer)
    own = [key for key in optimizer.state_dict() if not key.startswith("param_groups")]
    assert own == [
        f"{path}.{name}" for path in ("0.weight", "0.bias", "1.weight") for name in ("step", "mean", "square")
    ]
    groups = [{"params": model[0].named_parameters("body")}, {"params": model[1].named_parameters("head"), "lr": 1}]
    paths = [path for group in optim.SGD(groups).param_groups for path in group["param_names"]]
    assert paths == ["body.weight", "body.bias", "head.weight"]


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        (lambda a, b: [{"params": [a]}, {"params": [b, a]}], ValueError, "twice, as 0 and as 2"),
        (lambda a, b: [("x", a), ("x", b)], ValueError, "two parameters are called x"),
        (lambda a, b: [a, {"params": [b]}], TypeError, "not both"),
        (lambda a, b: [{"lr": 0.1}], ValueError, "'params'"),
        (lambda a, b: [{"params": [a], "rate": 0.1}], TypeError, "no setting 'rate'; it has lr, momentum"),
        (lambda a, b: [{"params": [a], "lr": -1}], ValueError, "lr must be"),
        (lambda a, b: [{"params": "ab"}], TypeError, "not a str"),
        (lambda a, b: {"params": [a]}, TypeError, "not a dict"),
        (lambda a, b: [("path", np.ones(2))], TypeError, "parameter path is ndarray"),
        (lambda a, b: [Value(1j)], ValueError, "not a leaf with floating data"),
    ],
)
def test_bad_groups(params, error, match):
    with pytest.raises(error, match=match):
        optim.SGD(params(*parameters(2)))


def test_a_bad_group_is_not_added():
    a, b, _ = parameters()
    optimizer = optim.Muon([Value(np.ones((2, 2)))])
    with pytest.raises(ValueError, match="parameter 1 has shape"):
        optimizer.add_param_group({"params": [a]})
    assert len(optimizer.param_groups) == 1
    with pytest.raises(ValueError, match="one group"):
        optim.LBFGS([{"params": [a]}, {"params": [b]}])


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda ps: optim.SGD(ps, nesterov=True), "nesterov needs a momentum"),
        (lambda ps: optim.SGD(ps, momentum=0.9, dampening=0.1, nesterov=True), "nesterov needs"),
        (lambda ps: optim.SGD(ps, maximize=1), "maximize is True or False, not 1"),
        (lambda ps: optim.AdamW(ps, weight_decay=-0.1), "weight_decay must be"),
        (lambda ps: optim.Adam(ps, betas=(0.9, np.nan)), "betas are two numbers"),
        (lambda ps: optim.Adadelta(ps, rho=1.5), "rho must be a number from 0 to 1"),
        (lambda ps: optim.Rprop(ps, etas=(1.2, 0.5)), "etas are a factor"),
        (lambda ps: optim.Rprop(ps, step_sizes=(2, 1)), "step_sizes are the smallest"),
        (lambda ps: optim.Adafactor(ps, eps=1e-8), "eps are two numbers"),
        (lambda ps: optim.Adafactor(ps, beta2_decay=0.8), "beta2_decay must be"),
        (lambda ps: optim.Adafactor(ps, d=0.5), "d must be"),
        (lambda ps: optim.Muon(ps, ns_coefficients=(1, 2)), "ns_coefficients are 3"),
        (lambda ps: optim.Muon(ps, ns_steps=0), "ns_steps must be an integer"),
        (lambda ps: optim.Muon(ps, adjust_lr_fn="more"), "adjust_lr_fn is 'original'"),
        (lambda ps: optim.LBFGS(ps, line_search_fn="wolfe"), "line_search_fn is 'strong_wolfe'"),
        (lambda ps: optim.LBFGS(ps, max_iter=0), "max_iter must be"),
    ],
)
def test_bad_settings(make, match):
    with pytest.raises((ValueError, TypeError), match=match):
        make([Value(np.ones((2, 2)))])


def test_lbfgs_needs_a_closure():
    with pytest.raises(TypeError, match="needs a closure"):
        optim.LBFGS(parameters()).step()


@pytest.mark.parametrize("shape", [(0, 2), (2, 0)])
@pytest.mark.parametrize("kind", optim.Optimizer.__subclasses__())
def test_empty_parameters(kind, shape):
    if kind.__module__.startswith("calligrad"):
        p = Value(np.ones(shape))
        p.grad = np.ones(shape)
        kind([p]).step(lambda: 0.0)
        assert p.shape == shape


class TestState:
    def adam(self, **settings):
        optimizer = optim.Adam([("w", Value(np.ones((2, 3)))), ("b", Value(np.ones(3)))], **settings)
        stepped(optimizer)
        return optimizer

    def test_what_does_not_fit_is_told_at_once_and_nothing_changes(self):
        optimizer = self.adam()
        before = optimizer.state_dict()
        state = self.adam(lr=0.5).state_dict()
        del state["w.mean"], state["param_groups.0.eps"]
        state |= {"b.square": np.ones(4), "c.step": np.array(1), "b.mean": np.array(["a"] * 3)}
        with pytest.raises(ValueError, match="does not fit Adam") as caught:
            optimizer.load_state_dict(state)
        assert str(caught.value).split("\n  ")[1:] == [
            "missing: w.mean (2, 3)",
            "missing: param_groups.0.eps ()",
            "dtype: b.mean is <U1, not numbers",
            "shape: b.square is (3,) here and (4,) in the state",
            "unexpected: c.step ()",
        ]
        after = optimizer.state_dict()
        assert all(np.array_equal(after[key], x) for key, x in before.items())

    def test_bad_settings_are_refused(self):
        optimizer = self.adam()
        with pytest.raises(ValueError, match="lr must be"):
            optimizer.load_state_dict(optimizer.state_dict() | {"param_groups.0.lr": np.array(np.nan)})
        assert optimizer.lr == 1e-3

    def test_another_count_of_groups_does_not_fit(self):
        one, two = parameters(2)
        first = optim.SGD([one, two])
        second = optim.SGD([{"params": [one]}, {"params": [two]}])
        with pytest.raises(ValueError, match=r"unexpected: param_groups\.1\.lr"):
            first.load_state_dict(second.state_dict())
        with pytest.raises(ValueError, match=r"missing: param_groups\.1\.lr"):
            second.load_state_dict(first.state_dict())

    def test_the_settings_are_part_of_it(self):
        other = self.adam(lr=1.0)
        other.load_state_dict(self.adam(lr=0.5, betas=(0.1, 0.2), amsgrad=True).state_dict())
        group = other.param_groups[0]
        assert (group["lr"], group["betas"], group["amsgrad"]) == (0.5, (0.1, 0.2), True)
        assert set(other.state["w"]) == {"mean", "square", "largest"}

    def test_it_is_a_copy_both_ways(self):
        optimizer = self.adam()
        state = optimizer.state_dict()
        state["w.mean"][...] = 7
        assert np.all(optimizer.state["w"]["mean"] != 7)
        optimizer.load_state_dict(state)
        state["w.mean"][...] = 8
        assert np.all(optimizer.state["w"]["mean"] == 7)

    def test_a_parameter_that_made_no_step_has_no_state(self):
        a, b = parameters(2)
        optimizer, other = optim.Adam([a, b]), optim.Adam(parameters(2))
        a.grad = np.ones(2)
        optimizer.step()
        state = optimizer.state_dict()
        assert (state["0.step"], state["1.step"], "1.mean" in state) == (1, 0, False)
        stepped(other)
        other.load_state_dict(state)
        assert other.state_dict().keys() == state.keys()

    def test_only_dicts(self):
        with pytest.raises(TypeError, match="dict of arrays"):
            self.adam().load_state_dict([1])
