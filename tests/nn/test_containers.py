"""Containers with the methods of lists and dicts, and what they refuse."""

import numpy as np
import pytest

import calligrad as cg
from calligrad.nn import Flatten, Identity, Linear, ModuleDict, ModuleList, ReLU, Sequential, Tanh, Unflatten

X = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])


def test_sequential():
    net = Sequential(Linear(3, 4, dtype="f8"), np.tanh, Linear(4, 1, dtype="f8"))
    assert len(net) == 3
    assert net[1] is np.tanh
    assert net[-1] is list(net)[2]
    np.testing.assert_array_equal(net(X).data, net[2](np.tanh(net[0](X))).data)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert Sequential()(X) is X
    assert Sequential()


@pytest.mark.parametrize("kind", [ModuleList, lambda parts: Sequential(*parts)])
def test_lists_of_modules_change_as_lists_do(kind):
    a, b, c, d = Linear(1, 1), Linear(2, 2), Linear(3, 3), ReLU()
    net, plain = kind([a, b]), [a, b]
    for change in (
        lambda x: x.append(c),
        lambda x: x.insert(0, d),
        lambda x: x.insert(-1, d),
        lambda x: x.extend([b, np.tanh]),
        lambda x: x.__setitem__(1, c),
        lambda x: x.__setitem__(-1, a),
        lambda x: x.__delitem__(0),
        lambda x: x.__delitem__(slice(1, 3)),
        lambda x: x.pop(),
        lambda x: x.__iadd__([d, d]),
    ):
        change(net)
        change(plain)
        assert list(net) == plain
        assert [name for name, part in vars(net).items() if callable(part)] == [str(i) for i in range(len(plain))]
    assert list(net + kind([c])) == [*plain, c]
    assert list(net[::-1]) == plain[::-1]
    assert type(net[1:]) is type(net)
    with pytest.raises(IndexError):
        net[17]


def test_a_list_tells_training_from_its_parts():
    net = ModuleList([Linear(1, 1)])
    net.eval()
    assert len(net) == 1
    assert not net[0].training


def test_sequential_of_names():
    net = Sequential({"encoder": Linear(3, 2), "act": Tanh(), "0": Linear(2, 1)})
    assert [name for name, _ in net.named_parameters()] == ["encoder.weight", "encoder.bias", "0.weight", "0.bias"]
    assert net.encoder is net[0]
    assert list(net[1:].state_dict()) == ["0.weight", "0.bias"]
    assert repr(net).startswith("Sequential(\n  (encoder): Linear(")


def test_module_dict_changes_as_a_dict_does():
    a, b, c = Linear(1, 1), ReLU(), Tanh()
    parts, plain = ModuleDict({"a": a}), {"a": a}
    for change in (
        lambda x: x.update({"b": b, "a": c}),
        lambda x: x.__setitem__("c", a),
        lambda x: x.pop("a"),
        lambda x: x.__setitem__("a", b),
        lambda x: x.__delitem__("b"),
    ):
        change(parts)
        change(plain)
        assert dict(parts.items()) == plain
        assert (list(parts), list(parts.keys()), list(parts.values())) == (list(plain), [*plain], [*plain.values()])
    assert "c" in parts
    assert "b" not in parts
    assert [name for name, _ in parts.named_parameters()] == ["c.weight", "c.bias"]
    parts.clear()
    assert len(parts) == 0
    assert list(ModuleDict([("x", b)])) == ["x"]


def test_shapes():
    x = cg.Value(np.arange(24.0).reshape(2, 3, 4))
    assert Flatten()(x).shape == (2, 12)
    assert Flatten(0)(np.float64(3)).shape == (1,)
    assert Flatten()(np.zeros((0, 3, 4))).shape == (0, 12)
    assert Unflatten(2, (2, -1))(x).shape == (2, 3, 2, 2)
    assert Unflatten(0, (0, 3))(np.zeros((0, 2))).shape == (0, 3, 2)
    assert Identity("anything", at=0)(x) is x


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Sequential(ReLU(), 3), TypeError, "number 1 is 3"),
        (lambda: ModuleList([None]), TypeError, "number 0 is None"),
        (lambda: Sequential({"forward": ReLU()}), ValueError, "'forward'"),
        (lambda: Sequential({"a.b": ReLU()}), ValueError, "'a.b'"),
        (lambda: ModuleDict({"keys": ReLU()}), ValueError, "'keys'"),
        (lambda: ModuleDict({1: ReLU()}), TypeError, "not 1"),
        (lambda: ModuleDict({"a": 2}), TypeError, "'a' is 2"),
        (lambda: ModuleDict({"a": ReLU()})["b"], KeyError, "b"),
        (lambda: ModuleList([ReLU()])(X), NotImplementedError, "ModuleList"),
        (lambda: Flatten(2)(X), ValueError, r"axis 2 in shape \(2, 3\)"),
        (lambda: Flatten(1, 0)(X), ValueError, "after"),
        (lambda: Unflatten(1, (2, 2))(X), ValueError, r"\(2, 3\).*\(2, 2\)"),
        (lambda: Unflatten(1, (2, -1))(X), ValueError, r"\(2, -1\)"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_class_where_a_module_belongs_is_refused_at_once():
    with pytest.raises(TypeError, match=r"Sequential: number 1 is the class ReLU, not a module; write ReLU\(…\)"):
        Sequential(Linear(1, 2), ReLU)
