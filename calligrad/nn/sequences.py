"""Sequences of unequal lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calligrad.value import as_arraylike


def pad_sequence(sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0) -> Any:
    """``sequences``, each (its length, …), side by side in one array, with ``padding_value`` behind their ends.

    The result is (longest length, N, …), with ``batch_first`` (N, longest length, …). A recurrent layer takes it with
    the lengths.

    >>> import numpy as np
    >>> from calligrad.nn import LSTM
    >>> from calligrad.nn.functional import pad_sequence
    >>> sequences = [np.ones((3, 2), np.float32), np.ones((1, 2), np.float32)]
    >>> outputs, (h, c) = LSTM(2, 4)(pad_sequence(sequences), lengths=[len(x) for x in sequences])
    >>> outputs.shape
    (3, 2, 4)
    """
    arrays = [as_arraylike(x) for x in sequences]
    shapes = [x.shape for x in arrays]
    if not arrays or not shapes[0] or any(shape[1:] != shapes[0][1:] for shape in shapes):
        raise ValueError(
            f"pad_sequence takes sequences (length, …) that differ in length alone, not of shapes {shapes}"
        )
    longest = max(map(len, arrays))
    rest = [(0, 0)] * (arrays[0].ndim - 1)
    padded = [np.pad(x, [(0, longest - len(x)), *rest], constant_values=padding_value) for x in arrays]
    return np.stack(padded, axis=0 if batch_first else 1)
