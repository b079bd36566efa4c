"""The training loop: a Trainer, metrics, checkpoints, and runs that go on where they were stopped."""

from calligrad.train.callbacks import Callback
from calligrad.train.checkpoint import CheckpointError, DamagedCheckpoint, load, save
from calligrad.train.folder import RunFolder
from calligrad.train.metrics import AUC, F1, MAE, R2, RMSE, Accuracy, Average, Metric, Perplexity, TopK
from calligrad.train.trainer import Trainer

__all__ = [
    "AUC",
    "F1",
    "MAE",
    "R2",
    "RMSE",
    "Accuracy",
    "Average",
    "Callback",
    "CheckpointError",
    "DamagedCheckpoint",
    "Metric",
    "Perplexity",
    "RunFolder",
    "TopK",
    "Trainer",
    "load",
    "save",
]
