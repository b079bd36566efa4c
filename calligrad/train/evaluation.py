"""A model in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from calligrad.modes import no_grad
from calligrad.nests import leaves, map_leaves
from calligrad.nn.module import Module
from calligrad.value import Value


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Within this block the model is in evaluation mode and nothing is recorded; then each module is as it was."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def as_arrays(output: Any) -> Any:
    """A nest of arrays from a nest of Values."""
    return map_leaves(lambda x: x.data if isinstance(x, Value) else np.asarray(x), output)


def joined(outputs: list[Any]) -> Any:
    """One nest of long arrays from many nests of short ones.

    >>> import numpy as np
    >>> joined([{"y": np.zeros(2)}, {"y": np.ones(1)}])
    {'y': array([0., 0., 1.])}
    """
    arrays = iter([np.concatenate(parts) for parts in zip(*map(leaves, outputs))])
    return map_leaves(lambda _: next(arrays), outputs[0])
