"""The training loop: the same numbers as by hand, and a clear word where something is wrong."""

import json
import math
import os
import warnings

import numpy as np
import pytest

import calligrad
from calligrad import Value, nn, optim
from calligrad.data import ArrayDataset, DataLoader
from calligrad.nn.functional import cross_entropy, mse_loss
from calligrad.train import MAE, Accuracy, Callback, CheckpointError, RunFolder, Trainer

RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 3))
Y = (X @ np.array([[1.0], [2.0], [-1.0]])).astype(np.float32)
BATCHES = [(X[i : i + 5], Y[i : i + 5]) for i in range(0, 20, 5)]


def linear():
    calligrad.random.seed(3)
    return nn.Linear(3, 1)


def trainer(model=None, loss=mse_loss, lr=0.1, **options):
    model = linear() if model is None else model
    return Trainer(model, loss, optim.SGD(model.parameters(), lr=lr), **{"show": False, **options})


def by_hand(epochs, batches=BATCHES, lr=0.1):
    model = linear()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for x, y in batches:
            loss = mse_loss(model(x.astype(np.float32)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += len(x) * loss.item()
        losses.append(total / sum(len(x) for x, _ in batches))
    return model, losses


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


# ---------------------------------------------------------------- the same numbers as by hand


def test_the_loop_by_hand():
    model, losses = by_hand(3)
    ours = trainer()
    history = ours.fit(BATCHES, epochs=3)
    assert [record["loss"] for record in history] == losses
    assert [(record["epoch"], record["step"]) for record in history] == [(1, 4), (2, 8), (3, 12)]
    assert equal(ours.model, model)


def test_batches_of_all_kinds():
    model, _ = by_hand(2)
    loader = DataLoader(ArrayDataset(X, Y), batch_size=5)
    dicts = [{"x": x, "y": y} for x, y in BATCHES]
    for batches in (loader, dicts, tuple(BATCHES), [list(batch) for batch in BATCHES]):
        ours = trainer()
        ours.fit(batches, epochs=2)
        assert equal(ours.model, model)


def test_a_batch_is_brought_to_the_models_dtype():
    seen = []

    def loss(output, y):
        seen.extend([output.dtype, y.dtype])
        return mse_loss(output, y)

    trainer(loss=loss).fit([(X, Y.astype(np.float64))])
    trainer(nn.Linear(3, 1, dtype=np.float64), loss).fit([(X.astype(np.float32), Y)])
    assert [str(dtype) for dtype in seen] == ["float32"] * 2 + ["float64"] * 2


def test_several_inputs():
    class Product(nn.Module):
        def __init__(self):
            self.w = Value(np.ones(1, np.float32))

        def forward(self, a, b):
            return a * b * self.w

    a, b = np.ones((2, 1)), np.full((2, 1), 3.0)
    for batch in [(a, b, a), {"b": b, "a": a, "y": a}]:
        ours = trainer(Product())
        ours.fit([batch], epochs=100)
        assert ours.model.w.item() == pytest.approx(1 / 3)
        assert ours.predict([batch]).tolist() == pytest.approx(np.ones((2, 1)), rel=1e-5)


def test_accumulated_batches_are_one_large_batch():
    large, _ = by_hand(2, [(X[:15], Y[:15]), (X[15:], Y[15:])])
    ours = trainer(accumulate=3)
    ours.fit(BATCHES, epochs=2)
    assert ours.steps == 4
    np.testing.assert_allclose(ours.model.weight.data, large.weight.data, rtol=1e-5)


def test_gradients_are_clipped():
    def move(**options):
        ours = trainer(lr=1.0, **options)
        before = ours.model.state_dict()
        ours.fit([(100 * X, Y)])
        return math.sqrt(sum(np.sum((before[name] - x) ** 2) for name, x in ours.model.state_dict().items()))

    assert move() > 100
    assert move(clip_norm=0.5) == pytest.approx(0.5, rel=1e-4)


def test_schedules():
    def rates(make, **options):
        model = linear()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        ours = Trainer(model, mse_loss, optimizer, schedule=make(optimizer), show=False, **options)
        return [record["lr"] for record in ours.fit(BATCHES, epochs=3)]

    half = lambda optimizer: optim.ExponentialLR(optimizer, 0.5)
    assert rates(half) == [0.1, 0.05, 0.025]
    assert rates(half, schedule_per="step") == [pytest.approx(0.1 * 0.5 ** (4 * i)) for i in (1, 2, 3)]
    plateau = lambda optimizer: optim.ReduceLROnPlateau(optimizer, patience=0, threshold=10, threshold_mode="abs")
    assert rates(plateau) == [0.1, 0.1, pytest.approx(0.01)]


def test_validation_and_metrics():
    ours = trainer(metrics=MAE())
    [first, last] = ours.fit(BATCHES, [(X, Y)], epochs=2)
    names = ["epoch", "step", "loss", "mae", "validation_loss", "validation_mae", "lr"]
    assert list(first) == list(last) == names
    assert last["validation_mae"] == pytest.approx(np.mean(np.abs(ours.model(X.astype("f4")).data - Y)))
    assert ours.evaluate([(X, Y)]) == {"loss": last["validation_loss"], "mae": last["validation_mae"]}


def test_an_average_weighs_the_rows():
    uneven = [(X[:18], Y[:18]), (X[18:], Y[18:])]
    assert trainer().evaluate(uneven)["loss"] == pytest.approx(trainer().evaluate([(X, Y)])["loss"])


def test_modes_are_as_they_were():
    class Modes(nn.Module):
        def __init__(self):
            self.inner, self.frozen, self.seen = nn.Linear(3, 1), nn.Identity(), set()

        def forward(self, x):
            self.seen.add((self.training, self.frozen.training))
            return self.inner(x)

    model = Modes()
    model.frozen.eval()
    trainer(model).fit(BATCHES, BATCHES)
    assert model.seen == {(True, False), (False, False)}
    assert (model.training, model.frozen.training) == (True, False)


def test_predictions_are_joined():
    ours = trainer()
    expected = ours.model(X.astype(np.float32)).data
    for batches in (BATCHES, [x for x, _ in BATCHES], [{"x": x} for x, _ in BATCHES]):
        np.testing.assert_allclose(ours.predict(batches), expected, rtol=1e-6)

    class Two(nn.Linear):
        def forward(self, x):
            return {"twice": 2 * super().forward(x), "x": x}

    calligrad.random.seed(3)
    both = trainer(Two(3, 1)).predict(BATCHES)
    np.testing.assert_allclose(both["twice"], 2 * expected, rtol=1e-6)
    assert both["x"].shape == X.shape


def test_frozen_parameters_stay():
    ours = trainer()
    ours.model.bias.requires_grad = False
    before = ours.model.bias.data.copy()
    ours.fit(BATCHES, epochs=2)
    assert np.array_equal(ours.model.bias.data, before)


# ---------------------------------------------------------------- other steps


def test_a_step_that_returns_several_numbers():
    class Penalised(Trainer):
        def step(self, batch):
            x, y = batch
            error, size = mse_loss(self.model(x), y), np.sum(self.model.weight**2)
            return {"loss": error + 0.1 * size, "error": error, "size": size}

    model = linear()
    ours = Penalised(model, None, optim.SGD(model.parameters(), lr=0.1), show=False)
    record = ours.fit(BATCHES, BATCHES, epochs=2)[-1]
    assert record["validation_loss"] == pytest.approx(record["validation_error"] + 0.1 * record["validation_size"])


def test_a_step_with_two_optimizers():
    class Adversaries(Trainer):
        def step(self, batch):
            x, y = batch
            error = mse_loss(self.model["a"](x), y)
            if self.model.training:
                self.minimise(error, self.optimizer["a"])
            other = mse_loss(self.model["b"](x), self.model["a"](x).data)
            if self.model.training:
                self.minimise(other, self.optimizer["b"])
            return {"a": error.item(), "b": other.item()}

    class Two(nn.Module):
        def __init__(self):
            self.parts = {"a": nn.Linear(3, 1), "b": nn.Linear(3, 1)}

        def __getitem__(self, name):
            return self.parts[name]

    model = Two()
    optimizers = {name: optim.SGD(model[name].parameters(), lr=lr) for name, lr in (("a", 0.1), ("b", 0.2))}
    history = Adversaries(model, None, optimizers, monitor="a", show=False).fit(BATCHES, epochs=60)
    assert history[-1]["a"] < 1e-4
    assert history[-1]["b"] < 1e-3
    assert (history[-1]["lr a"], history[-1]["lr b"]) == (0.1, 0.2)


# ---------------------------------------------------------------- the best epoch, and the end


class Scripted(Trainer):
    """A validation loss that goes as it is told."""

    script = (3.0, 1.0, 2.0, math.nan, 0.9, 5.0, 5.0, 5.0, 5.0)

    def evaluate(self, loader):
        return {"loss": self.script[self.epoch]}


def scripted(**options):
    model = linear()
    return Scripted(model, mse_loss, optim.SGD(model.parameters(), lr=0.01), show=False, **options)


def after(epochs):
    return by_hand(epochs, lr=0.01)[0]


@pytest.mark.parametrize(
    ("options", "epochs", "best"),
    [({"patience": 1}, 3, 2), ({"patience": 3}, 8, 5), ({"patience": 3, "min_delta": 0.2}, 5, 2)],
)
def test_early_stopping(options, epochs, best):
    ours = scripted(**options)
    assert len(ours.fit(BATCHES, BATCHES, epochs=9)) == epochs
    assert ours.best.epoch == best
    assert equal(ours.model, after(best))


def test_without_patience_the_last_epoch_stays_and_the_best_can_be_had():
    ours = scripted()
    ours.fit(BATCHES, BATCHES, epochs=9)
    assert equal(ours.model, after(9))
    ours.load_best()
    assert equal(ours.model, after(5))


def test_a_metric_that_is_better_when_higher():
    model = nn.Linear(3, 2)
    ours = Trainer(
        model,
        cross_entropy,
        optim.SGD(model.parameters(), lr=0.1),
        metrics={"right": Accuracy()},
        monitor="right",
        show=False,
    )
    history = ours.fit([(X, (Y[:, 0] > 0).astype(int))], epochs=20)
    assert ours.best.value == max(record["right"] for record in history)


def test_more_epochs_go_on():
    ours = trainer()
    ours.fit(BATCHES, epochs=1)
    ours.fit(BATCHES, epochs=3)
    assert equal(ours.model, by_hand(3)[0])
    stopped = scripted(patience=9)
    stopped.fit(BATCHES, BATCHES, epochs=6)
    assert equal(stopped.model, after(5))  # the best one
    stopped.fit(BATCHES, BATCHES, epochs=7)
    stopped.model.load_state_dict(stopped._last)
    assert equal(stopped.model, after(7))


# ---------------------------------------------------------------- callbacks


def test_callbacks_are_told_what_happens():
    told = []

    class Tell(Callback):
        def on_fit_start(self, trainer):
            told.append("fit")

        def on_epoch_start(self, trainer):
            told.append(f"epoch {trainer.epoch}")

        def on_step_end(self, trainer):
            told.append(trainer.steps)

        def on_epoch_end(self, trainer):
            told.append(f"end {trainer.history[-1]['epoch']}")
            trainer.stop = trainer.epoch == 1

        def on_fit_end(self, trainer):
            told.append("over")

    trainer(callbacks=[Tell()]).fit(BATCHES[:2], epochs=5)
    assert told == ["fit", "epoch 0", 1, 2, "end 1", "epoch 1", 3, 4, "end 2", "over"]


def test_a_callback_that_raises_costs_no_epoch():
    class Raises(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 1:
                raise KeyError("odd")

    ours = trainer(callbacks=[Raises()])
    with pytest.raises(KeyError):
        ours.fit(BATCHES, epochs=3)
    assert [record["epoch"] for record in ours.fit(BATCHES, epochs=3)] == [1, 2, 3]
    assert equal(ours.model, by_hand(3)[0])


def test_a_callback_that_would_never_be_called():
    with pytest.raises(TypeError, match="on_epoch_finish would never be called; there are on_fit_start"):

        class Wrong(Callback):
            def on_epoch_finish(self, trainer):
                pass


# ---------------------------------------------------------------- the run folder


def test_what_is_in_a_run_folder(tmp_path):
    calligrad.random.seed(0)
    ours = trainer(run_folder=tmp_path / "run", log_steps=3)
    history = ours.fit(BATCHES, BATCHES, epochs=2)
    lines = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert [line for line in lines if "batch" not in line] == history
    assert [line["step"] for line in lines if "batch" in line] == [3, 6]
    settings = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert (settings["loss"], settings["seed"], settings["epochs"]) == ("mse_loss", 0, 2)
    assert settings["optimizer"].startswith("SGD(lr=0.1")
    assert calligrad.train.load(tmp_path / "run" / "best.npz")["epoch"] == 2
    times = (tmp_path / "run" / "times.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in times] == [1, 2]


def test_pictures_are_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    trainer(run_folder=tmp_path, metrics=MAE()).fit(BATCHES, BATCHES, epochs=2)
    assert sorted(file.name for file in tmp_path.glob("*.png")) == ["loss.png", "mae.png"]


def test_a_run_that_is_over_is_found_again(tmp_path):
    first = scripted(run_folder=tmp_path, patience=1)
    history = first.fit(BATCHES, BATCHES, epochs=9)
    again = scripted(run_folder=tmp_path, patience=1)
    assert again.fit(BATCHES, BATCHES, epochs=9) == history
    assert equal(again.model, after(2))


def test_more_epochs_in_another_process(tmp_path):
    trainer(run_folder=tmp_path).fit(BATCHES, epochs=2)
    again = trainer(run_folder=tmp_path)
    assert len(again.fit(BATCHES, epochs=3)) == 3
    assert equal(again.model, by_hand(3)[0])


def test_another_model(tmp_path):
    trainer(run_folder=tmp_path).fit(BATCHES)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    other = nn.Linear(3, 2)
    with pytest.raises(CheckpointError, match=r"made with another model(.|\n)*shape: weight is \(2, 3\)"):
        trainer(other, run_folder=tmp_path).fit(BATCHES)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == files


def test_another_optimizer(tmp_path):
    trainer(run_folder=tmp_path).fit(BATCHES)
    model = linear()
    other = Trainer(model, mse_loss, optim.SGD([model.weight], lr=0.1), run_folder=tmp_path, show=False)
    with pytest.raises(CheckpointError, match="another optimizer"):
        other.fit(BATCHES)


def test_other_settings_are_told(tmp_path):
    trainer(run_folder=tmp_path).fit(BATCHES)
    with pytest.warns(UserWarning, match=r"goes on with other settings(.|\n)*accumulate: 1 then, 2 now"):
        trainer(run_folder=tmp_path, accumulate=2).fit(BATCHES, epochs=2)


def test_another_learning_rate_is_told_and_not_taken(tmp_path):
    trainer(run_folder=tmp_path).fit(BATCHES)
    with pytest.warns(UserWarning, match=r"keeps the optimizer's settings that it had: 'SGD\(lr=0.1.*then, 'SGD\(lr=7"):
        history = trainer(run_folder=tmp_path, lr=7.0).fit(BATCHES, epochs=2)
    assert history[1]["lr"] == 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer(run_folder=tmp_path).fit(BATCHES, epochs=3)  # with the settings that the run has had all along


@pytest.mark.parametrize("place", [10, 60, 100])
def test_a_history_that_was_cut_off(tmp_path, place):
    whole = trainer(run_folder=tmp_path).fit(BATCHES, epochs=2)
    file = tmp_path / "history.jsonl"
    lines = file.read_bytes()
    file.write_bytes(lines[:place])
    with pytest.warns(UserWarning, match="what was taken out of it is not written again"):
        history = trainer(run_folder=tmp_path).fit(BATCHES, epochs=3)
    assert history[:-1] == whole[: lines[:place].count(b"\n")]
    assert len(file.read_text().splitlines()) == len(history)


def test_a_history_that_was_changed_stays_as_it_is(tmp_path):
    trainer(run_folder=tmp_path).fit(BATCHES, epochs=2)
    file = tmp_path / "history.jsonl"
    file.write_bytes(changed := b"?" + file.read_bytes()[1:])
    with pytest.raises(CheckpointError, match="was changed and cannot be read"):
        trainer(run_folder=tmp_path).fit(BATCHES, epochs=3)
    assert file.read_bytes() == changed


def test_nan_in_a_history_is_read_as_nan(tmp_path):
    batches = [(X[:5], np.full((5, 1), np.nan))]
    with pytest.warns(UserWarning, match="the loss is nan"):
        whole = trainer(run_folder=tmp_path).fit(batches)
    np.testing.assert_equal(trainer(run_folder=tmp_path).fit(batches), whole)


def test_checkpoints_are_in_the_order_of_their_steps(tmp_path):
    folder = RunFolder(tmp_path)
    for step in (99_999_999, 100_000_000, 100_000_001):
        folder.keep({"step": step}, step)
    assert folder.newest() == {"step": 100_000_001}
    assert len(folder.checkpoints()) == 2


def test_a_full_disk_leaves_the_settings(tmp_path):
    resource = pytest.importorskip("resource")
    trainer(run_folder=tmp_path).fit(BATCHES)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(CheckpointError, match=r"settings.json could not be written"):
            trainer(run_folder=tmp_path).fit(BATCHES, epochs=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    trainer(run_folder=tmp_path).fit(BATCHES, epochs=2)


def test_a_shuffle_that_draws_from_the_shared_generator(tmp_path):
    class Shuffled:
        def __iter__(self):
            return (BATCHES[i] for i in calligrad.random.generator().permutation(4))

    class Stop(Callback):
        def on_step_end(self, trainer):
            if trainer.steps == 6:
                raise KeyboardInterrupt

    whole = trainer()
    whole.fit(Shuffled(), epochs=3)
    with pytest.raises(KeyboardInterrupt):
        trainer(run_folder=tmp_path, save_steps=1, callbacks=[Stop()]).fit(Shuffled(), epochs=3)
    again = trainer(run_folder=tmp_path)
    assert again.fit(Shuffled(), epochs=3) == whole.history
    assert equal(again.model, whole.model)


def test_seeds_that_nobody_set(tmp_path):
    """The first checkpoint is written before the first step: how a run began is not forgotten."""

    class Stop(Callback):
        def on_step_end(self, trainer):
            raise KeyboardInterrupt

    def run(seed, **options):
        calligrad.random.seed(seed)
        model = nn.Sequential(nn.Dropout(), nn.Linear(3, 1))
        optimizer = optim.Adam(model.parameters())
        ours = Trainer(model, mse_loss, optimizer, seed=None, show=False, **options)
        ours.fit(DataLoader(ArrayDataset(X, Y), batch_size=5, shuffle=True), epochs=2)
        return ours

    with pytest.raises(KeyboardInterrupt):
        run(1, run_folder=tmp_path, callbacks=[Stop()])
    again, whole = run(2, run_folder=tmp_path), run(1)
    assert again.history == whole.history
    assert equal(again.model, whole.model)


class Killed(BaseException):
    """Nothing more is done, no tidying up either."""


def killed_after(calls, patch):
    """Let so many calls pass by which something reaches the disk, is named or is removed, and none after."""

    def counted(function):
        def call(*args, **options):
            nonlocal calls
            calls -= 1
            if calls < 0:
                raise Killed
            return function(*args, **options)

        return call

    for name in ("fsync", "replace", "unlink", "truncate"):
        patch.setattr(os, name, counted(getattr(os, name)))


def test_killed_at_every_moment_of_writing(tmp_path, monkeypatch):
    monkeypatch.setattr("calligrad.train.pictures.draw", lambda *args: None)

    def run(folder):
        model = linear()
        optimizer = optim.Adam(model.parameters())
        ours = Trainer(model, mse_loss, optimizer, run_folder=folder, save_steps=2, log_steps=1, show=False)
        ours.fit(BATCHES, BATCHES, epochs=2)

    def outcome(folder):
        checkpoint = max(folder.glob("checkpoint-*.npz"))
        return [file.read_bytes() for file in (folder / "history.jsonl", folder / "best.npz", checkpoint)]

    run(tmp_path / "whole")
    for calls in range(1000):
        folder = tmp_path / str(calls)
        with pytest.MonkeyPatch.context() as patch:
            killed_after(calls, patch)
            try:
                run(folder)
            except Killed:
                pass
            else:
                break
        run(folder)
        assert outcome(folder) == outcome(tmp_path / "whole"), f"killed after {calls} calls"
    assert calls > 20


def test_two_programs_in_one_folder(tmp_path):
    pytest.importorskip("fcntl")

    class Second(Callback):
        def on_step_end(self, first):
            with pytest.raises(CheckpointError, match="another program is training in"):
                trainer(run_folder=tmp_path).fit(BATCHES)

    first = trainer(run_folder=tmp_path, callbacks=[Second()])
    first.fit(BATCHES)
    assert equal(first.model, by_hand(1)[0])


def test_a_history_without_a_checkpoint_is_not_written_over(tmp_path):
    (tmp_path / "history.jsonl").write_text("precious")
    with pytest.raises(CheckpointError, match="has the history of a run, but no checkpoint"):
        trainer(run_folder=tmp_path).fit(BATCHES)
    assert (tmp_path / "history.jsonl").read_text() == "precious"


def test_the_best_epoch_of_a_run_folder(tmp_path):
    scripted(run_folder=tmp_path).fit(BATCHES, BATCHES, epochs=9)
    fresh = scripted(run_folder=tmp_path)
    fresh.load_best()
    assert equal(fresh.model, after(5))
    with pytest.raises(ValueError, match="there is no best epoch"):
        scripted().load_best()


# ---------------------------------------------------------------- what is shown


def test_a_line_for_each_epoch(capsys):
    trainer(show=True).fit(BATCHES, BATCHES, epochs=2)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "validation_loss" in lines[0]
    assert lines[0].endswith("s  (best)")


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("loader", "says"),
    [
        ((X, Y), "is a tuple of arrays; it takes a DataLoader"),
        (X, "is one ndarray"),
        (iter(BATCHES), "can be gone through only once"),
        (3, "is a int"),
    ],
)
def test_what_is_no_loader(loader, says):
    ours = trainer()
    for use in (ours.fit, ours.evaluate, ours.predict, lambda loader: ours.fit(BATCHES, loader)):
        with pytest.raises(TypeError, match=says):
            use(loader)


def test_no_batches():
    ours = trainer()
    for use in (ours.fit, ours.evaluate, ours.predict):
        with pytest.raises(ValueError, match="the loader gave no batch"):
            use([])


@pytest.mark.parametrize(
    ("batch", "says"),
    [
        ((X,), "not a tuple of 1"),
        (X, "not a ndarray"),
        ({"x": X, "label": Y}, "needs its target under \"y\"; this one has 'x'"),
    ],
)
def test_what_is_no_batch(batch, says):
    with pytest.raises((TypeError, ValueError), match=says):
        trainer().fit([batch])


def test_a_loss_that_is_not_one_number():
    with pytest.raises(ValueError, match=r"the loss has the shape \(5, 1\), and must be one number"):
        trainer(loss=lambda output, y: (output - y) ** 2).fit(BATCHES)


def test_a_loss_without_a_gradient():
    with pytest.raises(ValueError, match="the loss has no gradient"):
        trainer(loss=lambda output, y: mse_loss(output.data, y)).fit(BATCHES)


def test_a_loss_that_is_nan_is_told_once():
    with pytest.warns(UserWarning, match="the loss is nan in batch 1 of epoch 1") as told:
        trainer(loss=lambda output, y: mse_loss(output, y) * math.nan).fit(BATCHES, epochs=2)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"schedule_per": "batch"}, "schedule_per is"),
        ({"accumulate": 0}, "accumulate is a whole number of at least 1, not 0"),
        ({"accumulate": None}, "accumulate is a whole number"),
        ({"patience": 1.5}, "patience is a whole number"),
        ({"clip_norm": -1}, "clip_norm is a positive number"),
        ({"save_seconds": None}, "save_seconds is a positive number, not None"),
        ({"metrics": [MAE(), MAE()]}, "two metrics have the same name"),
        ({"metrics": {"loss": MAE()}}, "cannot be called 'loss'"),
        ({"metrics": {"epoch": MAE()}}, "cannot be called 'epoch'"),
        ({"metrics": {"lr a": MAE()}}, "cannot be called 'lr a'"),
    ],
)
def test_options_that_cannot_be(options, says):
    with pytest.raises(ValueError, match=says):
        trainer(**options)


def test_types_that_cannot_be():
    with pytest.raises(TypeError, match="a metric is an object such as Accuracy"):
        trainer(metrics=[np.mean])
    assert list(trainer(metrics=iter([MAE()])).metrics) == ["mae"]
    with pytest.raises(TypeError, match=r"a metric is an object such as Accuracy\(\), not 'accuracy'"):
        trainer(metrics="accuracy")
    with pytest.raises(TypeError, match=r"a metric is an object such as Accuracy\(\), not <class"):
        trainer(metrics=Accuracy)
    with pytest.raises(TypeError, match="callbacks is a list of objects of classes like Callback"):
        trainer(callbacks=[print])
    with pytest.raises(TypeError, match="a Trainer trains a Module, not a function"):
        Trainer(lambda x: x, mse_loss, None)
    with pytest.raises(TypeError, match="the loss is None"):
        trainer(loss=lambda output, y: None).fit(BATCHES)
    with pytest.raises(TypeError, match="needs a loss"):
        trainer(loss=None).fit(BATCHES)
    for loss in (nn.MSELoss, "mse"):
        with pytest.raises(
            TypeError, match=r"the loss is a function or a module, such as nn.CrossEntropyLoss\(\), not "
        ):
            trainer(loss=loss)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (lambda loss: {"error": loss}, 'gave error and no "loss", which is what is minimised'),
        (lambda loss: {"loss": loss.detach()}, "the loss has no gradient"),
        (lambda loss: {"loss": loss, "batch": 1.0}, "cannot be called 'batch'"),
    ],
)
def test_a_step_from_which_nothing_would_be_learned(step, says):
    class Odd(Trainer):
        def step(self, batch):
            x, y = batch
            return step(mse_loss(self.model(x), y))

    model = linear()
    with pytest.raises(ValueError, match=says):
        Odd(model, None, optim.SGD(model.parameters()), show=False).fit(BATCHES)


def test_an_optimizer_of_other_parameters():
    model = linear()
    with pytest.raises(ValueError, match=r"the optimizer has 2 parameters that the model has not.* shape \(1, 3\)"):
        Trainer(model, mse_loss, optim.SGD(linear().parameters()), show=False).fit(BATCHES)
    loss = Weighted()
    Trainer(model, loss, optim.SGD([*model.parameters(), loss.weight]), show=False).fit(BATCHES)
    assert loss.weight.data != 1


def test_a_schedule_of_another_optimizer():
    with pytest.raises(ValueError, match="the schedule, a StepLR, is of another optimizer than the Trainer's"):
        trainer(schedule=optim.StepLR(optim.SGD(linear().parameters(), lr=1.0), 1))


class Weighted(nn.Module):
    def __init__(self):
        self.weight = Value(np.ones((), np.float32))

    def forward(self, output, y):
        return mse_loss(output, y) * self.weight


def test_a_plateau_without_a_number_to_watch():
    class Own(Trainer):
        def step(self, batch):
            x, y = batch
            loss = mse_loss(self.model(x), y)
            if self.model.training:
                self.minimise(loss, self.optimizer)
            return {"error": loss.item()}

    model = linear()
    optimizer = optim.SGD(model.parameters())
    with pytest.raises(ValueError, match="monitor is 'loss'; an epoch's record has epoch, step, error"):
        Own(model, None, optimizer, schedule=optim.ReduceLROnPlateau(optimizer), show=False).fit(BATCHES)


def test_a_monitor_that_is_not_there():
    with pytest.raises(ValueError, match="monitor is 'accuracy'; an epoch gives loss, mae"):
        trainer(monitor="accuracy", metrics=MAE()).fit(BATCHES)
