"""Functions of calligrad.nn."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from calligrad.batched import Level
from calligrad.batching.makers import batching
from calligrad.nn.linear import Affine


@batching(Affine)
def affine(level: Level, function: Affine, x: Any, weight: Any, *bias: Any) -> Any:
    """The linear layer: if its parameters are the same for all examples, these are more rows."""
    parameters = [level.examples(p) for p in (weight, *bias)]
    if all(p.shape[0] == 1 for p in parameters):
        return level.wrap(copy.copy(function)(level.examples(x), *(p[0] for p in parameters)))
    y = np.matmul(x, np.matrix_transpose(weight))
    return np.add(y, bias[0]) if bias else y
