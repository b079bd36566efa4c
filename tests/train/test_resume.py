"""A run that is killed, or stopped with Ctrl-C, and started again ends as one that was not."""

import signal
import subprocess
import sys
import time

import pytest

from benchmarks import resume

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")


ENDLESS = """
import time
from calligrad import nn, optim, train
class Endless(train.Callback):
    def on_step_end(self, trainer):
        print("ready", flush=True)
        time.sleep(60)
model = nn.Linear(1, 1)
loss = nn.functional.mse_loss
trainer = train.Trainer(model, loss, optim.SGD(model.parameters()), callbacks=[Endless()])
trainer.fit([(model.bias.data[None],) * 2])
"""


@pytest.mark.parametrize("model", resume.MODELS)
def test_killed_at_random_moments(model):
    assert resume.compare(1, [model], ["none"])


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_killed_with_workers(kind):
    assert resume.compare(1, ["mlp"], [kind])


@pytest.mark.parametrize("kind", ["none", "processes"])
def test_ctrl_c_saves_and_exits(tmp_path, kind):
    folder = tmp_path / "run"
    process = resume.start("mlp", kind, folder, stderr=subprocess.PIPE)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.startswith("stopped after")
    assert err.endswith("run the same program again to go on\n")
    assert len(err.splitlines()) == 1
    resume.finish(resume.start("mlp", kind, folder))
    resume.whole_run("mlp", "none", tmp_path / "whole")
    assert resume.outcome(folder) == resume.outcome(tmp_path / "whole")


def test_a_second_ctrl_c_exits_at_once():
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    for _ in range(2):
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert err.splitlines()[-1] == "KeyboardInterrupt"
    assert process.returncode == -signal.SIGINT
