"""Trainer: the training loop."""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import numpy as np

from calligrad import random
from calligrad.dtypes import default_dtype
from calligrad.nn.module import Module
from calligrad.optim import clip_grad_norm_
from calligrad.progress import Hidden, progress
from calligrad.train import batches, optimizers, settings, state
from calligrad.train.best import Best
from calligrad.train.checkpoint import load
from calligrad.train.evaluation import as_arrays, evaluating, joined
from calligrad.train.folder import RunFolder
from calligrad.train.interruption import Interruption
from calligrad.train.metrics import Metric
from calligrad.train.scores import Scores, as_floats, by_name
from calligrad.value import Value

QUICK = 1.0  # seconds: epochs that are shorter do not each wait for the disk


class Trainer:
    """Trains ``model`` so that ``loss(model(x), y)`` becomes small.

    - ``metrics`` are measured on all batches, in training and in validation; a dict gives them names of its own.
    - ``schedule.step()`` is called after each epoch, or with ``schedule_per="step"`` after each step of the optimizer.
    - ``clip_norm`` bounds the norm of all gradients together; ``accumulate`` is the number of batches whose mean
      gradient makes one step.
    - ``monitor`` names the number that tells which epoch is the best one: ``"validation_loss"`` where there is
      validation, otherwise ``"loss"``. After ``patience`` epochs in which it did not improve by more than ``min_delta``
      the run ends. With ``patience`` the model is, at the end, what it was in its best epoch.
    - ``run_folder`` is where the run is kept: see ``RunFolder``. If there is a run in it already, that one goes on, and
      ends as if it had never been stopped, bit for bit. A checkpoint is written after every epoch (unless one was
      written in the last second), after every ``save_seconds`` seconds, and after every ``save_steps`` steps.
    - ``seed`` is what the shared generator is started from when a run begins; None leaves it as it is.
    - ``log_steps=n`` adds every n-th step to the history's file; ``show=False`` hides how far the run has come.

    For anything else than ``loss(model(x), y)`` write ``step`` in a subclass.

    >>> import numpy as np
    >>> from calligrad import nn, optim
    >>> from calligrad.nn.functional import mse_loss
    >>> from calligrad.train import Trainer
    >>> model = nn.Linear(1, 1)
    >>> trainer = Trainer(model, mse_loss, optim.SGD(model.parameters(), lr=0.1), show=False)
    >>> x = np.array([[-1.0], [0.0], [1.0]])
    >>> history = trainer.fit([(x, 3 * x + 1)], epochs=100)
    >>> len(history), history[-1]["loss"] < 1e-4
    (100, True)
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[..., Any] | None,
        optimizer: Any,
        *,
        metrics: Metric | Iterable[Metric] | Mapping[str, Metric] = (),
        schedule: Any = None,
        schedule_per: str = "epoch",
        clip_norm: float | None = None,
        accumulate: int = 1,
        monitor: str | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
        callbacks: Iterable[Any] = (),
        run_folder: Any = None,
        save_steps: int | None = None,
        save_seconds: float = 60.0,
        log_steps: int | None = None,
        seed: int | None = 0,
        show: bool = True,
    ) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"a Trainer trains a Module, not a {type(model).__name__}")
        self.model, self.loss, self.optimizer, self.schedule = model, loss, optimizer, schedule
        self.metrics, self.callbacks = by_name(metrics), list(callbacks)
        self.schedule_per, self.clip_norm, self.accumulate = schedule_per, clip_norm, accumulate
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta
        self.save_steps, self.save_seconds, self.log_steps = save_steps, save_seconds, log_steps
        self.seed, self.show = seed, show
        settings.check(self)
        self.folder = None if run_folder is None else RunFolder(run_folder)

        self.epoch = 0  # how many are done
        self.batch = 0  # how many are done in this epoch
        self.steps = 0  # how many the optimizer has taken
        self.stop = False  # set by a callback: the run ends after this epoch
        self.history: list[dict[str, Any]] = []  # one record for each epoch
        self.best = Best(monitor or "loss", False, min_delta)
        self.settings: dict[str, Any] = {}
        self.before_epoch: dict[str, Any] | None = None  # the shared generator, as it stood when the epoch began
        self.scores = self._measured = Scores(self.metrics)
        self.loaders: dict[str, Any] = {}
        self._begun = self._told_of_nan = False
        self._last: Any = None  # the model after the last step, while it is what it was in its best epoch
        self._saved_at = -math.inf

    # ---- to be written in a subclass for other models

    def step(self, batch: Any) -> Any:
        """The loss of a batch ``(x, y)`` or ``{"x": …, "y": …}``, in training and in evaluation.

        A subclass may return a dict of numbers, which are averaged over the epoch; its ``"loss"`` is minimised. One
        that calls ``minimise`` for its losses, as a GAN does, returns them as plain floats. ``measure(output, y)`` is
        for the metrics. In training ``self.model.training`` is true.
        """
        if self.loss is None:
            raise TypeError("a Trainer needs a loss, unless its class has a step(batch) of its own")
        args, named, y = batches.split(batch)
        output = self.model(*args, **named)
        self.measure(output, y)
        return self.loss(output, y)

    def measure(self, output: Any, target: Any) -> None:
        """Have the metrics look at one output."""
        self._measured.measure(output, target)

    def minimise(self, loss: Value, optimizer: Any) -> None:
        """One step of ``optimizer``, for a ``step`` that takes several."""
        optimizer.zero_grad()
        loss.backward()
        self._clip(optimizer.params)
        optimizer.step()

    # ---- what it is for

    def fit(self, train_loader: Any, validation_loader: Any = None, epochs: int = 1) -> list[dict[str, Any]]:
        """Train until ``epochs`` epochs are done, those before a resumption included; returns the history.

        A loader is a ``DataLoader``, a list of batches, or anything else that gives the batches of an epoch each time
        it is gone through. Ctrl-C finishes the step, writes a checkpoint and ends the program with status 130; a second
        one ends it at once.
        """
        batches.check_loader(train_loader, "train_loader")
        if validation_loader is not None:
            batches.check_loader(validation_loader, "validation_loader")
        if not isinstance(epochs, int) or epochs < 0:
            raise ValueError(f"epochs is a whole number, not {epochs!r}")
        with self.folder.held() if self.folder else nullcontext():
            self._fit(train_loader, validation_loader, epochs)
        return self.history

    def _fit(self, train_loader: Any, validation_loader: Any, epochs: int) -> None:
        self._begin(train_loader, validation_loader, epochs)
        each = batches.count(train_loader)
        done = self.epoch * each + self.batch if each else 0
        shown = progress("training", each and each * epochs, done, pause=30.0) if self.show else Hidden()
        try:
            with Interruption() as ctrl_c, shown:
                self._call("on_fit_start")
                while self.epoch < epochs and not self._is_over():
                    start = time.perf_counter(), self.batch
                    self._train_epoch(train_loader, epochs, shown, ctrl_c)
                    self._end_epoch(validation_loader, epochs, shown, *start)
                    if ctrl_c.asked:
                        raise _Stopped
                self._call("on_fit_end")
        except _Stopped:
            self._save()
            print(self._how_to_go_on(), file=sys.stderr)
            if not hasattr(sys, "ps1"):  # a program, not a notebook
                raise SystemExit(130) from None
        else:
            self._end()

    def evaluate(self, loader: Any) -> dict[str, float]:
        """The loss and the metrics on the batches of ``loader``, with the model in evaluation mode."""
        batches.check_loader(loader, "the loader")
        scores, measured = Scores(self.metrics), self._measured
        self._measured = scores
        try:
            with evaluating(self.model):
                for batch in batches.batches_of(loader, 0):
                    self._scored(batches.as_dtype(batch, self._dtype()), scores)
        finally:
            self._measured = measured
        if not scores.sums:
            raise ValueError("there is nothing to evaluate: the loader gave no batch")
        return scores.result()

    def predict(self, loader: Any) -> Any:
        """The model's outputs for the batches of ``loader``, joined, as arrays; a target in a batch is left out."""
        batches.check_loader(loader, "the loader")
        outputs = []
        with evaluating(self.model):
            for batch in batches.batches_of(loader, 0):
                args, named = batches.inputs(batches.as_dtype(batch, self._dtype()))
                outputs.append(as_arrays(self.model(*args, **named)))
        if not outputs:
            raise ValueError("there is nothing to predict: the loader gave no batch")
        return joined(outputs)

    def load_best(self) -> None:
        """Bring the model back to what it was in its best epoch."""
        if self.best.model is None and self.folder and self.folder.best.exists():
            self.best.model = load(self.folder.best)["model"]
        if self.best.model is None:
            raise ValueError("there is no best epoch: none has ended with a finite number for the monitor")
        self.model.load_state_dict(self.best.model)

    # ---- one epoch

    def _train_epoch(self, loader: Any, epochs: int, shown: Any, ctrl_c: Interruption) -> None:
        if self.batch == 0:
            self.scores.reset()
            self._call("on_epoch_start")
            self.before_epoch = random.state()
        dtype, parameters, scores = self._dtype(), self._parameters(), self.scores

        def note() -> str:
            return f"epoch {self.epoch + 1}/{epochs}  {_told(scores.averages())}"

        source = batches.batches_of(loader, self.epoch, self.batch, self.before_epoch)
        group = 0  # batches since the last step
        try:
            for batch in source:
                if not group:
                    for p in parameters:
                        p.grad = None
                loss = self._scored(batches.as_dtype(batch, dtype), scores)
                if loss is not None:
                    loss.backward()
                self.batch += 1
                group += 1
                if group == self.accumulate:
                    self._update(parameters, group, loss is not None)
                    group = 0
                    self._after_step(ctrl_c)
                shown.step(note)
            if group:
                self._update(parameters, group, loss is not None)
                self._after_step(ctrl_c)
        finally:
            if hasattr(source, "close"):
                source.close()  # its workers
        if not self.batch:
            raise ValueError("there is nothing to learn from: the loader gave no batch")

    def _scored(self, batch: Any, scores: Scores) -> Value | None:
        """The loss of a batch, if it is one to minimise; its numbers go to ``scores``."""
        result = self.step(batch)
        given = dict(result) if isinstance(result, Mapping) else {"loss": result}
        numbers, loss = as_floats(given), given.get("loss")
        scores.add(numbers, batches.rows(batch))
        if self.model.training and not self._told_of_nan and not math.isfinite(numbers.get("loss", 0.0)):
            self._told_of_nan = True
            warnings.warn(
                f"the loss is {numbers['loss']} in batch {self.batch + 1} of epoch {self.epoch + 1}", stacklevel=4
            )
        if isinstance(loss, Value) and loss.requires_grad:
            return loss
        if self.model.training and (type(self).step is Trainer.step or isinstance(loss, Value)):
            raise ValueError("the loss has no gradient: no parameter requires one, or none was used")
        if loss is None and (named := [name for name, x in given.items() if isinstance(x, Value) and x.requires_grad]):
            raise ValueError(f'step(batch) gave {", ".join(named)} and no "loss", which is what is minimised')
        return None

    def _update(self, parameters: list[Value], group: int, minimised: bool) -> None:
        """The optimizer's step, from the mean gradient of ``group`` batches."""
        if not minimised:
            return
        if group > 1:
            for p in parameters:
                if p.grad is not None:
                    p.grad = p.grad / group
        self._clip(parameters)
        for optimizer in optimizers.named("optimizer", self.optimizer).values():
            optimizer.step()

    def _clip(self, parameters: list[Value]) -> None:
        if self.clip_norm is not None:
            clip_grad_norm_(parameters, self.clip_norm)

    def _after_step(self, ctrl_c: Interruption) -> None:
        self.steps += 1
        if self.log_steps and self.folder and self.steps % self.log_steps == 0:
            record = {"step": self.steps, "epoch": self.epoch + 1, "batch": self.batch}
            self.folder.append(record | self.scores.last() | optimizers.rates(self.optimizer))
        if self.schedule_per == "step":
            optimizers.advance(self.schedule, None)
        self._call("on_step_end")
        if self.folder:
            due = self.save_steps and self.steps % self.save_steps == 0
            if due or time.monotonic() - self._saved_at >= self.save_seconds:
                self._save()
        if ctrl_c.asked:
            raise _Stopped

    def _end_epoch(self, validation_loader: Any, epochs: int, shown: Any, began: float, first: int) -> None:
        record: dict[str, Any] = {"epoch": self.epoch + 1, "step": self.steps, **self.scores.result()}
        seconds = time.perf_counter() - began
        if validation_loader is not None:
            record |= {f"validation_{name}": x for name, x in self.evaluate(validation_loader).items()}
        record |= (rates := optimizers.rates(self.optimizer))
        tracked = self.best.monitor in record or self.monitor or self.patience or optimizers.watch(self.schedule)
        best = tracked and self.best.see(record, self.model)
        chosen = self.folder or self.patience or validation_loader is not None  # else nothing comes of it
        self.history.append(record)
        if self.folder:
            self.folder.append(record)
            rate = round((self.batch - first) / max(seconds, 1e-9), 3)
            when = datetime.now().astimezone().isoformat(timespec="seconds")
            self.folder.note_time(
                {"epoch": self.epoch + 1, "seconds": round(seconds, 3), "batches_per_second": rate, "ended": when}
            )
        told = _told({name: x for name, x in record.items() if name not in ("epoch", "step", *rates)})
        shown.line(f"epoch {self.epoch + 1}/{epochs}  {told}  {seconds:.1f} s{'  (best)' if best and chosen else ''}")
        if self.schedule_per == "epoch":
            optimizers.advance(self.schedule, record.get(self.best.monitor))
        try:
            self._call("on_epoch_end")
        finally:  # this epoch has its record, whatever a callback raises
            self.epoch, self.batch = self.epoch + 1, 0
        if self.folder and time.monotonic() - self._saved_at >= QUICK:
            self._save()

    # ---- begin, go on, end

    def _begin(self, train_loader: Any, validation_loader: Any, epochs: int) -> None:
        """Begin a run, or find the place where it goes on."""
        if not self.model.training:
            self.model.train()
        optimizers.check(self.optimizer, self._parameters())
        self.loaders = {"train_loader": train_loader, "validation_loader": validation_loader}
        if self._begun:
            if self._last is not None:
                self.model.load_state_dict(self._last)
                self._last = None
            return
        known = type(self).step is Trainer.step  # otherwise the end of an epoch shows which numbers there are
        self.best = Best.of(self.monitor, self.metrics, validation_loader is not None, known, self.min_delta)
        self.settings = settings.of(self, train_loader, validation_loader)
        found = self.folder.newest() if self.folder else None
        if found is None:
            if self.seed is not None:
                random.seed(self.seed)
            self._save()
        elif self.folder:
            state.restore(self, found, self.folder.path)
            self.history = [record for record in self.folder.rewind(found["history"]) if "batch" not in record]
            if self.show:
                place = f"goes on at epoch {self.epoch + 1}, batch {self.batch + 1}"
                done = f"has its {epochs} epochs: nothing is left to do"
                print(f"{self.folder.path} {place if self.epoch < epochs else done}", file=sys.stderr)
        if self.folder:
            self.folder.write_settings(self.settings | {"epochs": epochs})
        self._saved_at = time.monotonic()
        self._begun = True

    def _save(self) -> None:
        if self.folder:
            best = None if self.best.saved else {"epoch": self.best.epoch, "model": self.best.model}
            self.folder.keep(state.capture(self), self.steps, best)
            self.best.saved = True
            self._saved_at = time.monotonic()

    def _is_over(self) -> bool:
        return self.stop or (self.patience is not None and self.best.waited >= self.patience)

    def _end(self) -> None:
        self._save()
        if self.folder:
            from calligrad.train.pictures import draw

            draw(self.history, self.folder.path)
        if self.patience is not None and self.best.epoch:
            self._last = self.model.state_dict()
            self.load_best()

    def _how_to_go_on(self) -> str:
        if not self.folder:
            return f"stopped after {self.steps} steps; without a run_folder nothing is saved"
        return f"stopped after {self.steps} steps, saved in {self.folder.path}; run the same program again to go on"

    def _parameters(self) -> list[Value]:
        learned = list(self.model.parameters())
        return learned + list(self.loss.parameters()) if isinstance(self.loss, Module) else learned

    def _dtype(self) -> np.dtype:
        return next((p.dtype for p in self.model.parameters()), default_dtype())

    def _call(self, moment: str) -> None:
        for callback in self.callbacks:
            getattr(callback, moment)(self)


class _Stopped(Exception):
    """Ctrl-C was pressed, and the step is finished."""


def _told(numbers: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {x:.4g}" for name, x in numbers.items())
