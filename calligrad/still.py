"""Constants hold still: what a gradient needs of an array is what the array was when it was used.

NumPy code writes into its own arrays: a mask that grows, a buffer that is filled again. In a function that is being
differentiated a Function therefore keeps copies of small constants. Of large ones it keeps a fingerprint, and
refuses to give a gradient if it is another by then.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SMALL = 1 << 20  # bytes; to copy as many takes a third of the time that two fingerprints take


def still(x: np.ndarray) -> tuple[np.ndarray, Any]:
    """An array to keep in place of ``x``, which is not small, and its fingerprint if it is ``x`` itself."""
    if x.flags.forc:
        return x, fingerprint(x)
    return (x, None) if 0 in x.strides else (x.copy(), None)  # a broadcast array is small in memory


def fingerprint(x: np.ndarray) -> tuple[int, bytes]:
    """The sum of all bits, and every so many bytes as they are: what hardly any change leaves as it was."""
    raw = x.reshape(-1, order="A").view(np.uint8)
    words = raw[: raw.size // 8 * 8].view(np.uint64)
    return int(np.add.reduce(words)), raw[:: raw.size // 4096 | 1].tobytes()
