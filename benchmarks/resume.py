"""Training runs that are killed at random moments and started again: do they end as if nothing had happened?

python -m benchmarks.resume 100                 kill, start again, compare, for all models and kinds of workers
python -m benchmarks.resume MODEL KIND FOLDER   one run, as it is killed: MODEL of MODELS, KIND of KINDS
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice, product
from pathlib import Path

import numpy as np

import calligrad
from calligrad import nn, optim
from calligrad.data import ArrayDataset, DataLoader
from calligrad.nn.functional import cross_entropy, mse_loss
from calligrad.train import AUC, F1, Accuracy, Callback, Trainer

KINDS = ("none", "threads", "processes")
ROOT = Path(__file__).parents[1]


class Slowly(Callback):
    """Steps that take a while, so that there is something to interrupt; and a word when it begins."""

    def on_fit_start(self, trainer):
        print("ready", flush=True)

    def on_step_end(self, trainer):
        time.sleep(0.005)


class Noise(nn.Module):
    """Noise in training, from a generator that the module keeps."""

    def __init__(self):
        self.rng = np.random.default_rng(5)

    def forward(self, x):
        return x + 0.1 * self.rng.standard_normal(x.shape, dtype=np.float32) if self.training else x


class Averaging(Callback):
    """An average of the parameters, kept as a part of the run."""

    def __init__(self, average):
        self.average = average
        self.state_dict, self.load_state_dict = average.state_dict, average.load_state_dict

    def on_step_end(self, trainer):
        self.average.update()


class Adversaries(Trainer):
    """One model makes points out of noise, the other tells them from real ones."""

    def step(self, batch):
        maker, judge = self.model
        real, _ = batch
        made = maker(calligrad.random.generator().standard_normal((len(real), 4)).astype(real.dtype))
        yes, no = np.ones((len(real), 1), real.dtype), np.zeros((len(real), 1), real.dtype)
        told = mse_loss(judge(real), yes) + mse_loss(judge(made.data), no)
        if self.model.training:
            self.minimise(told, self.optimizer["judge"])
        fooled = mse_loss(judge(made), yes)
        if self.model.training:
            self.minimise(fooled, self.optimizer["maker"])
        return {"told": told.item(), "fooled": fooled.item()}


def mlp(train, validation, **options):
    """Dropout from the shared generator, noise from the model's own, momentum, steps of two batches, early stopping."""
    model = nn.Sequential(Noise(), nn.Linear(8, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 2))
    trainer = Trainer(
        model,
        cross_entropy,
        optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        metrics=[Accuracy(), AUC()],
        accumulate=2,
        clip_norm=1.0,
        monitor="validation_accuracy",
        patience=3,
        save_steps=3,
        log_steps=2,
        callbacks=[Slowly()],
        **options,
    )
    trainer.fit(train, validation, epochs=8)


def cnn(train, validation, **options):
    """Convolutions, running statistics, dropout, Adam, a schedule of each step, an average of the parameters."""
    model = nn.Sequential(
        lambda x: x.reshape(-1, 1, 2, 4),
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        lambda x: x.reshape(-1, 8),
        nn.Linear(8, 2),
    )
    optimizer = optim.Adam(model.named_parameters(), lr=0.01)
    trainer = Trainer(
        model,
        cross_entropy,
        optimizer,
        schedule=optim.OneCycleLR(optimizer, 0.02, total_steps=49),
        schedule_per="step",
        metrics=F1("binary"),
        save_steps=5,
        callbacks=[Slowly(), Averaging(optim.EMA(model, 0.9))],
        **options,
    )
    trainer.fit(train, validation, epochs=4)


def adversaries(train, validation, **options):
    """Two optimizers, noise from the shared generator, a schedule that watches the epochs, checkpoints by the clock."""
    maker, judge = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8)), nn.Linear(8, 1)
    optimizers = {"maker": optim.AdamW(maker.parameters(), 0.01), "judge": optim.RMSprop(judge.parameters(), 0.01)}
    trainer = Adversaries(
        nn.Sequential(maker, judge),
        None,
        optimizers,
        schedule=optim.ReduceLROnPlateau(optimizers["judge"], patience=0),
        monitor="validation_told",
        save_seconds=0.03,
        callbacks=[Slowly()],
        **options,
    )
    trainer.fit(train, validation, epochs=4)


MODELS = {"mlp": mlp, "cnn": cnn, "adversaries": adversaries}


def data(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((90, 8))
    return ArrayDataset(x, (x.sum(axis=1) > 0).astype(np.int64))


def run(model, kind, folder):
    """One run, to its end."""
    calligrad.random.seed(1)
    workers = {} if kind == "none" else {"workers": 2, "worker_kind": kind}
    train = DataLoader(data(0), batch_size=8, shuffle=True, **workers)
    MODELS[model](train, DataLoader(data(1), batch_size=30), run_folder=folder, show=False)


# ---------------------------------------------------------------- killing


def start(model, kind, folder, **options):
    """A process in which the run has just begun, or goes on, or is over."""
    command = [sys.executable, "-W", "error", "-m", "benchmarks.resume", model, kind, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)
    process.stdout.readline()
    return process


def finish(process):
    with process:
        process.stdout.read()
    if process.returncode:
        raise SystemExit(f"the run ended with {process.returncode}")


def whole_run(model, kind, folder):
    """Run without interruption; returns the seconds it took."""
    process = start(model, kind, folder)
    begun = time.monotonic()
    finish(process)
    return time.monotonic() - begun


def killed_run(model, kind, folder, seconds, draw):
    """Run with one to three kills at random moments of the ``seconds`` it takes; returns how many there were."""
    wanted, kills = draw.randint(1, 3), 0
    while kills < wanted:
        process = start(model, kind, folder)
        try:
            process.wait(draw.random() * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            kills += 1
        with process:
            pass
        if process.returncode == 0:  # it was over before
            if kills:
                return kills
            shutil.rmtree(folder)
    finish(start(model, kind, folder))
    return kills


def outcome(folder):
    """All that must be the same: history, best epoch, parameters and the whole state at the end."""
    checkpoint = max(folder.glob("checkpoint-*.npz"))
    files = [folder / "history.jsonl", folder / "best.npz", checkpoint]
    return checkpoint.name, [file.read_bytes() for file in files]


def compare(runs, models=tuple(MODELS), kinds=KINDS, seed=None, told=print):
    """Whether all of so many killed runs end as the one that was not."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder, wholes = Path(name) / "run", {}
        same = kills = 0
        for model, kind in islice(cycle(product(models, kinds)), runs):
            if (model, kind) not in wholes:
                whole = Path(name) / f"{model}-{kind}"
                wholes[model, kind] = whole_run(model, kind, whole), outcome(whole)
            seconds, expected = wholes[model, kind]
            found = killed_run(model, kind, folder, seconds, draw)
            kills += found
            equal = outcome(folder) == expected
            same += equal
            told(f"{model}, workers: {kind}: killed {found} times, {'identical' if equal else 'DIFFERENT'}")
            shutil.rmtree(folder)
        told(f"{same} of {runs} identical, after {kills} kills")
    return same == runs


if __name__ == "__main__":
    if len(sys.argv) == 4:
        run(*sys.argv[1:])
    else:
        sys.exit(not compare(int(sys.argv[2]) if len(sys.argv) > 2 else 100))
