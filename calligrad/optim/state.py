"""What a saved state must have before anything of it is taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np


def as_arrays(state: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """A state, as of ``state_dict()`` or out of a file, as arrays."""
    if not isinstance(state, Mapping):
        raise TypeError(f"a state is a dict of arrays, as of state_dict(), not a {type(state).__name__}")
    return {key: np.asarray(x) for key, x in state.items()}


def refuse_misfits(
    owner: object,
    arrays: Mapping[str, np.ndarray],
    wanted: Mapping[str, tuple[int, ...]],
    optional: Collection[str] = (),  # numbers that may be there
) -> None:
    """Raise one ``ValueError`` for all that is missing, unexpected, of another shape than ``wanted``, or no number."""
    problems = [f"missing: {key} {wanted[key]}" for key in wanted if key not in arrays and key not in optional]
    wanted = dict.fromkeys(optional, ()) | dict(wanted)
    for key, x in arrays.items():
        if key not in wanted:
            problems.append(f"unexpected: {key} {x.shape}")
        elif x.shape != wanted[key]:
            problems.append(f"shape: {key} is {wanted[key]} here and {x.shape} in the state")
        elif x.dtype.kind not in "fiub":
            problems.append(f"dtype: {key} is {x.dtype}, not numbers")
    if problems:
        raise ValueError(f"the state does not fit {type(owner).__name__}:\n  " + "\n  ".join(problems))
