"""Metrics: numbers that say how good a model is, gathered batch by batch."""

from calligrad.train.metrics.auc import AUC
from calligrad.train.metrics.classes import F1, Accuracy, TopK
from calligrad.train.metrics.errors import MAE, R2, RMSE
from calligrad.train.metrics.means import Average, Perplexity
from calligrad.train.metrics.metric import Metric

__all__ = ["AUC", "F1", "MAE", "R2", "RMSE", "Accuracy", "Average", "Metric", "Perplexity", "TopK"]
