"""Sets: arrays of distinct numbers. The numbers carry gradients; where they stood and how often are constants.

>>> import numpy as np
>>> from calligrad import grad
>>> grad(lambda x: np.sum(np.unique(x) ** 2))(np.array([3.0, 1.0, 3.0]))
array([3., 2., 3.])
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from calligrad.function import Function, constant
from calligrad.ops.index import spread
from calligrad.rules import implements, numpy_name
from calligrad.value import unwrap


class Distinct(Function):
    """``np.unique`` and its kin; a number's gradient is shared evenly among all that are equal to it (a subgradient).

    Among equal numbers of all inputs, that is: each of the two that ``np.intersect1d`` has found gets half.
    """

    func: Callable
    keywords: dict[str, Any]

    def forward(self, *arrays):
        found = self.func(*arrays, **self.keywords)
        values, *self.constants = found if isinstance(found, tuple) else (found,)
        return values

    def backward(self, g, *arrays, y):
        if self.keywords.get("axis") is not None and y.ndim > 1:
            return self._to_rows(g, unwrap(arrays[0]))
        numbers = [np.ravel(unwrap(a)) for a in arrays]
        values, origin, counts = np.unique(np.concatenate(numbers), return_inverse=True, return_counts=True)
        shares = spread(g, np.searchsorted(values, unwrap(y)), values.shape) * (1 / counts).astype(g.dtype)
        ends = accumulate((a.size for a in numbers), initial=0)
        return tuple(
            np.reshape(np.take(shares, origin[start:end]), shape)
            for (start, end), shape in zip(pairwise(ends), self.shapes)
        )

    def _to_rows(self, g: Any, a: Any) -> Any:
        axis = self.keywords["axis"]
        _, origin, counts = np.unique(a, return_inverse=True, return_counts=True, **self._of_rows())
        shares = np.moveaxis(g, axis, -1) * (1 / counts).astype(g.dtype)
        return np.moveaxis(np.take(shares, origin.reshape(-1), -1), -1, axis)

    def _of_rows(self) -> dict[str, Any]:
        return {name: x for name, x in self.keywords.items() if not name.startswith("return_")}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({numpy_name(self.func)}, {self.keywords})"


def _rule(func: Callable, inputs: int) -> Callable:
    def rule(*args: Any, **kwargs: Any) -> Any:
        parameters = signature(func)
        keywords = parameters.bind(*args, **kwargs).arguments
        arrays = [keywords.pop(name) for name in list(parameters.parameters)[:inputs]]
        function = Distinct(func, keywords)
        values = function(*arrays)
        if not function.constants:
            return values
        found = values, *function.constants
        kind = type(func(*[np.zeros(1)] * inputs))  # a tuple with names, for some
        return kind(*found) if issubclass(kind, tuple) else found

    return rule


_INPUTS: dict[Callable, int] = {
    **dict.fromkeys((np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values), 1),
    **dict.fromkeys((np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d), 2),
}
for _func, _n in _INPUTS.items():
    implements(_func)(_rule(_func, _n))
if in1d := getattr(np, "in1d", None):  # np.isin, in older versions
    constant(in1d)
