"""Module: what it finds in itself, what it saves, where it says an error came from."""

import copy
import pickle

import numpy as np
import pytest

from calligrad import Value, no_grad
from calligrad.nn import GELU, Buffer, Linear, Module, ReLU, Sequential, Softmax, Tanh


class Scale(Module):
    def __init__(self, n):
        self.n = n
        self.factor = Value(np.ones(n), "factor")

    def forward(self, x):
        return x * self.factor


class Tree(Module):
    """Parameters everywhere, and things that are none."""

    def __init__(self):
        self.first = Linear(3, 4)
        self.blocks = [Scale(4), (Linear(4, 4, bias=False), ReLU())]
        self.by_name = {"a": Scale(4), "list": [Value(np.zeros(2))]}
        self.shared = self.first.weight
        self.also = self.blocks[0]
        self.table = Value(np.arange(3))  # integers: no parameter
        self.array = np.ones(3)
        self.frozen = Value(np.ones(2), requires_grad=False)
        self.words = "words"

    def forward(self, x):
        return self.also(self.first(x))


NAMES = [
    "first.weight",
    "first.bias",
    "blocks.0.factor",
    "blocks.1.0.weight",
    "by_name.a.factor",
    "by_name.list.0",
    "frozen",
]


def test_named_parameters_each_once_under_its_first_path():
    assert [name for name, _ in Tree().named_parameters()] == NAMES
    assert [name for name, _ in Tree().named_parameters("model")] == [f"model.{name}" for name in NAMES]
    assert len(list(Tree().parameters())) == len(NAMES)


def test_named_modules_each_once():
    tree = Tree()
    named = dict(tree.named_modules())
    assert list(named) == ["", "first", "blocks.0", "blocks.1.0", "blocks.1.1", "by_name.a"]
    assert named[""] is tree
    assert list(tree.modules()) == list(named.values())


def test_no_super_init_is_needed_and_it_does_no_harm():
    class With(Module):
        def __init__(self):
            super().__init__()
            self.w = Value(1.0)

    assert [name for name, _ in With().named_parameters()] == ["w"]


def test_computed_values_are_no_parameters():
    module = Scale(2)
    module.last = module.factor * 2
    assert [name for name, _ in module.named_parameters()] == ["factor"]


def test_a_module_that_knows_its_parent():
    parent, child = Scale(1), Scale(2)
    parent.child, child.parent = child, parent
    assert [name for name, _ in parent.named_parameters()] == ["factor", "child.factor"]
    assert parent.train(False) is parent
    parent.load_state_dict(parent.state_dict())
    assert "Scale" in repr(parent)


# ---------------------------------------------------------------- state


def test_state_dict_holds_copies_under_every_path():
    tree = Tree()
    state = tree.state_dict()
    assert set(state) == {*NAMES, "shared", "also.factor"}
    state["first.weight"][...] = 7.0
    assert not np.any(tree.first.weight.data == 7.0)
    assert all(type(array) is np.ndarray for array in state.values())


def test_load_state_dict_restores_in_place():
    tree, other = Tree(), Tree()
    arrays = {name: p.data for name, p in tree.named_parameters()}
    other_state = {name: array + 1 for name, array in other.state_dict().items()}
    tree.load_state_dict(other_state)
    for name, p in tree.named_parameters():
        assert p.data is arrays[name]
        np.testing.assert_array_equal(p.data, other_state[name])


def test_load_state_dict_takes_values_lists_and_other_precisions():
    scale = Scale(2)
    scale.load_state_dict({"factor": Value(np.array([1.0, 2.0]))})
    np.testing.assert_array_equal(scale.factor.data, [1, 2])
    scale.load_state_dict({"factor": [3, 4]})
    np.testing.assert_array_equal(scale.factor.data, np.array([3.0, 4.0]), strict=True)
    layer = Linear(2, 1)
    layer.load_state_dict({"weight": np.ones((1, 2)), "bias": np.zeros(1)})
    assert layer.weight.dtype == np.float32


def test_load_state_dict_lists_all_that_is_wrong_and_changes_nothing():
    tree = Tree()
    before, state = tree.state_dict(), tree.state_dict()
    state["first.bias"] += 1
    del state["blocks.0.factor"], state["frozen"]
    state["first.weight"] = np.zeros((4, 5))
    state["unknown"] = np.zeros(3)
    with pytest.raises(ValueError, match="does not fit Tree") as caught:
        tree.load_state_dict(state)
    lines = str(caught.value).splitlines()[1:]
    for words in (
        ("missing", "blocks.0.factor", "(4,)"),
        ("missing", "frozen", "(2,)"),
        ("unexpected", "unknown", "(3,)"),
        ("first.weight", "(4, 3)", "(4, 5)"),
    ):
        assert any(all(word in line for word in words) for line in lines), words
    after = tree.state_dict()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)


def test_zero_grad():
    tree = Tree()
    np.sum(tree(np.ones((2, 3), np.float32))).backward()
    assert tree.first.weight.grad is not None
    tree.zero_grad()
    assert all(p.grad is None for p in tree.parameters())


def test_train_and_eval_reach_every_module():
    tree = Tree()
    assert all(module.training for module in tree.modules())
    assert tree.eval() is tree
    assert not any(module.training for module in tree.modules())
    assert tree.train() is tree
    assert all(module.training for module in tree.modules())
    assert Module.training is True


def test_a_module_can_be_copied_and_pickled():
    tree = Tree()
    for twin in (copy.deepcopy(tree), pickle.loads(pickle.dumps(Sequential(Linear(2, 3), ReLU())))):
        assert all(not isinstance(p.created_by, object) or p.created_by is None for p in twin.parameters())
    twin = copy.deepcopy(tree)
    assert twin.shared is twin.first.weight
    twin.first.weight.data[...] = 0
    assert np.any(tree.first.weight.data != 0)


# ---------------------------------------------------------------- looks


def test_repr_is_a_tree():
    class Net(Module):
        def __init__(self):
            self.body = Sequential(Linear(2, 3), ReLU())
            self.heads = [Linear(3, 1, bias=False)]

    assert repr(Net()) == (
        "Net(\n"
        "  (body): Sequential(\n"
        "    (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "    (1): ReLU()\n"
        "  )\n"
        "  (heads.0): Linear(in_features=3, out_features=1, bias=False)\n"
        ")"
    )
    assert repr(GELU("tanh")) == "GELU(approximate='tanh')"
    assert repr(Softmax(0)) == "Softmax(axis=0)"
    assert repr(Tanh()) == "Tanh()"
    assert repr(Scale(3)) == "Scale(n=3)"
    assert repr(Sequential()) == "Sequential()"


# ---------------------------------------------------------------- where an error came from


def notes_of(f):
    with pytest.raises(ValueError, match="fit") as caught:
        f()
    return [note for note in caught.value.__notes__ if note.startswith("in module")]


def test_an_error_names_the_path_to_the_innermost_module():
    inner = Linear(3, 2)
    wrong = np.ones((1, 5), np.float32)
    assert notes_of(lambda: inner(wrong)) == ["in module Linear(in_features=3, out_features=2, bias=True)"]
    net = Sequential(ReLU(), Sequential(inner))
    assert notes_of(lambda: net(wrong)) == ["in module 1.0: Linear(in_features=3, out_features=2, bias=True)"]
    assert notes_of(lambda: Sequential(net)(wrong)) == [
        "in module 0.1.0: Linear(in_features=3, out_features=2, bias=True)"
    ]


def test_an_error_within_a_list_and_a_dict():
    class Holder(Module):
        def __init__(self):
            self.parts = {"a": [Linear(3, 2)]}

        def forward(self, x):
            return self.parts["a"][0](x)

    (note,) = notes_of(lambda: Holder()(np.ones(5)))
    assert note.startswith("in module parts.a.0: Linear(")


def test_an_error_raised_again_later_is_located_anew():
    """The notes of one failure do not grow with the next."""
    net = Sequential(Linear(3, 2))
    for _ in range(2):
        assert len(notes_of(lambda: net(np.ones(5)))) == 1


def test_a_module_made_on_the_way_is_named_by_its_class():
    class Fresh(Module):
        def forward(self, x):
            return Linear(3, 2)(x)

    (note,) = notes_of(lambda: Fresh()(np.ones(5)))
    assert note.startswith("in module Linear: Linear(")


def test_errors_that_are_caught_within_leave_no_trace():
    class Tolerant(Module):
        def __init__(self):
            self.inner = Linear(3, 2)

        def forward(self, x):
            try:
                return self.inner(x)
            except ValueError:
                return None

    assert Tolerant()(np.ones(5)) is None


def test_forward_takes_keywords():
    class Two(Module):
        def forward(self, x, *, scale=1):
            return x * scale

    assert Two()(3.0, scale=2) == 6.0


# ---------------------------------------------------------------- buffers


class Counting(Module):
    def __init__(self):
        self.scale = Scale(2)
        self.register_buffer("mean", np.zeros(2, np.float32))
        self.steps = Buffer(np.zeros((), np.int64), persistent=False)

    def forward(self, x):
        with no_grad():
            self.mean[...] = np.mean(x, axis=0)
            self.steps += 1
        return self.scale(x - self.mean)


def test_buffers_are_saved_and_not_learned():
    module = Counting()
    assert [name for name, _ in module.named_parameters()] == ["scale.factor"]
    assert [name for name, _ in module.named_buffers()] == ["mean", "steps"]
    assert list(module.state_dict()) == ["scale.factor", "mean"]
    array = module.mean.data
    np.sum(module(Value(np.array([[1.0, 2.0], [3.0, 4.0]])))).backward()
    assert module.mean.data is array
    np.testing.assert_array_equal(array, [2, 3])
    assert module.mean.dtype == np.float32
    assert (int(module.steps), module.steps.dtype) == (1, np.int64)
    other = Counting()
    other.load_state_dict(module.state_dict())
    np.testing.assert_array_equal(other.mean.data, [2, 3])
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert list(twin.state_dict()) == list(module.state_dict())
        assert isinstance(twin.steps, Buffer)
        twin.mean[...] = 0
        np.testing.assert_array_equal(array, [2, 3])


def test_a_buffer_carries_no_gradient_and_says_so():
    buffer = Buffer(np.zeros(2))
    with pytest.raises(RuntimeError, match="write to it under no_grad"):
        buffer[...] = 2 * Value(np.ones(2))
    np.testing.assert_array_equal(buffer.data, 0)


def test_a_buffer_does_not_share_the_array_it_was_given():
    start = np.zeros(2)
    Buffer(start)[...] = 1
    np.testing.assert_array_equal(start, 0)


# ---------------------------------------------------------------- freezing, precision, hooks


def test_frozen_modules_get_no_gradient():
    net = Sequential(Linear(2, 3), Linear(3, 1))
    np.sum(net(np.ones((4, 2), np.float32))).backward()
    assert net[0].requires_grad_(False) is net[0]
    assert [p.grad is None for p in net.parameters()] == [True, True, False, False]
    np.sum(net(np.ones((4, 2), np.float32))).backward()
    assert [p.grad is None for p in net.parameters()] == [True, True, False, False]
    net.requires_grad_()
    assert all(p.requires_grad for p in net.parameters())


def test_astype_reaches_parameters_and_floating_buffers():
    module = Counting().astype("f2")
    assert {name: x.dtype for name, x in module.state_dict().items()} == {"scale.factor": "f2", "mean": "f2"}
    assert module.steps.dtype == np.int64
    with pytest.raises(TypeError, match="floating dtype, not int64"):
        module.astype(int)


def test_children_and_apply():
    net = Sequential(Linear(2, 3), Sequential(Tanh()))
    assert [name for name, _ in net.named_children()] == ["0", "1"]
    assert list(net.children()) == list(net)
    seen = []
    assert net.apply(seen.append) is net
    assert seen == [net[1][0], net[1], net[0], net]


def test_hooks_run_in_order_and_may_change_what_goes_in_and_out():
    scale = Scale(2)
    seen = []
    first = scale.register_forward_pre_hook(lambda module, args: seen.append(("before", module is scale)))
    second = scale.register_forward_pre_hook(lambda module, args: args[0] + 1)
    third = scale.register_forward_hook(lambda module, args, output: seen.append(("after", float(args[0][0]))))
    with scale.register_forward_hook(lambda module, args, output: -output):
        np.testing.assert_array_equal(scale(np.ones(2)).data, [-2, -2])
    assert seen == [("before", True), ("after", 2.0)]
    np.testing.assert_array_equal(scale(np.ones(2)).data, [2, 2])
    for hook in (first, second, third, third):
        hook.remove()
    np.testing.assert_array_equal(scale(np.ones(2)).data, [1, 1])
    with pytest.raises(TypeError, match="a hook is a function, not 3"):
        scale.register_forward_hook(3)


def test_a_function_that_is_registered_twice_is_removed_once():
    scale, seen = Scale(2), []

    def note(module, args):
        seen.append(note)

    first = scale.register_forward_pre_hook(note)
    scale.register_forward_pre_hook(lambda module, args: seen.append("between"))
    second = scale.register_forward_pre_hook(note)
    second.remove()
    scale(np.ones(2))
    assert seen == [note, "between"]
    first.remove()
    scale(np.ones(2))
    assert seen == [note, "between", "between"]


def test_an_error_in_a_hook_is_located():
    net = Sequential(Scale(2))

    def fail(module, args):
        raise ValueError("no")

    net[0].register_forward_pre_hook(fail)
    with pytest.raises(ValueError, match="no") as caught:
        net(np.ones(2))
    assert caught.value.__notes__ == ["in module 0: Scale(n=2)"]


def test_an_error_in_a_module_that_calls_itself_is_located_once():
    class Countdown(Module):
        def forward(self, n):
            if n == 0:
                raise ValueError("no")
            return self(n - 1)

    with pytest.raises(ValueError, match="no") as caught:
        Sequential(Countdown())(3)
    assert caught.value.__notes__ == ["in module 0: Countdown()"]


def test_the_mode_of_training_is_true_or_false():
    with pytest.raises(TypeError, match="mode is True or False, not 'eval'"):
        Scale(2).train("eval")


def test_without_strict_a_state_may_have_more_and_less():
    net = Sequential(Linear(2, 2), Linear(2, 2))
    net.load_state_dict({"0.bias": np.array([5.0, 6.0]), "elsewhere": np.ones(3)}, strict=False)
    np.testing.assert_array_equal(net[0].bias.data, [5, 6])
    with pytest.raises(ValueError, match=r"shape: 0\.bias"):
        net.load_state_dict({"0.bias": np.ones(3)}, strict=False)


# ---------------------------------------------------------------- summary


def test_summary_counts_a_shared_parameter_once_and_leaves_the_module_as_it_was():
    module = Counting()
    module.eval()
    module.scale.train()
    before = module.state_dict()
    table = module.summary(np.ones((4, 2), np.float32))
    assert [(row.path, row.output, row.parameters) for row in table.rows] == [
        ("Counting", "(4, 2)", 0),
        ("scale", "(4, 2)", 2),
    ]
    assert (module.training, module.scale.training) == (False, True)
    assert before.keys() == module.state_dict().keys()
    tied = Tree()
    assert tied.summary().parameters == sum(p.size for p in tied.parameters())
    assert sum(row.parameters for row in tied.summary().rows) == tied.summary().parameters


def test_summary_needs_no_inputs_and_tells_what_is_frozen_and_what_is_buffered():
    module = Counting().requires_grad_(False)
    assert str(module.summary()).splitlines()[0].split() == ["module", "kind", "parameters", "bytes"]
    assert str(module.summary()).splitlines()[-1] == (
        "2 parameters, 0 of them trainable; 3 numbers in buffers; 32 bytes"
    )


def test_what_was_computed_without_a_gradient_is_no_parameter():
    class Remembers(Module):
        def __init__(self):
            self.scale = Scale(2)
            self.start = np.zeros_like(self.scale.factor)

        def forward(self, x):
            self.last = self.scale(x)
            self.cut = self.last.detach()
            return self.last

    module = Remembers()
    with no_grad():
        module(np.ones(2))
    module(np.ones(2))
    assert [name for name, _ in module.named_parameters()] == ["scale.factor"]
    assert list(module.state_dict()) == ["scale.factor"]
    module.cut.requires_grad = True
    assert "cut" in dict(module.named_parameters())
