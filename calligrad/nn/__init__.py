"""Layers, losses and initialisers."""

from calligrad.nn import functional, init
from calligrad.nn.activations import GELU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from calligrad.nn.buffer import Buffer
from calligrad.nn.containers import Sequential
from calligrad.nn.linear import Linear
from calligrad.nn.losses import CrossEntropyLoss, MSELoss
from calligrad.nn.module import Module

__all__ = [
    "GELU",
    "Buffer",
    "CrossEntropyLoss",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "init",
]
