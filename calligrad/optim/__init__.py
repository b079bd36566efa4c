"""Optimizers, schedules of the learning rate, clipping and averaging."""

from calligrad.optim.adadelta import Adadelta
from calligrad.optim.adafactor import Adafactor
from calligrad.optim.adagrad import Adagrad
from calligrad.optim.adam import Adam, AdamW
from calligrad.optim.adamax import Adamax
from calligrad.optim.asgd import ASGD
from calligrad.optim.averaging import EMA, SWA, update_bn
from calligrad.optim.clipping import clip_grad_norm_, clip_grad_value_, get_total_norm
from calligrad.optim.combined import ChainedScheduler, SequentialLR
from calligrad.optim.cycles import CyclicLR, OneCycleLR
from calligrad.optim.lbfgs import LBFGS
from calligrad.optim.lion import Lion
from calligrad.optim.muon import Muon
from calligrad.optim.nadam import NAdam
from calligrad.optim.optimizer import Optimizer
from calligrad.optim.plateau import ReduceLROnPlateau
from calligrad.optim.radam import RAdam
from calligrad.optim.rmsprop import RMSprop
from calligrad.optim.rprop import Rprop
from calligrad.optim.schedule import Schedule
from calligrad.optim.schedules import (
    SWALR,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from calligrad.optim.sgd import SGD

__all__ = [
    "ASGD",
    "EMA",
    "LBFGS",
    "SGD",
    "SWA",
    "SWALR",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "Lion",
    "MultiStepLR",
    "MultiplicativeLR",
    "Muon",
    "NAdam",
    "OneCycleLR",
    "Optimizer",
    "PolynomialLR",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rprop",
    "Schedule",
    "SequentialLR",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "update_bn",
]
