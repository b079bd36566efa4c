"""Optimizers."""

from calligrad.optim.adam import Adam
from calligrad.optim.optimizer import Optimizer
from calligrad.optim.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
