"""NumPy by its own chapters: importing this package fills the table of rules."""

from calligrad.ops import (
    alias,
    constants,
    contract,
    elementwise,
    index,
    join,
    reduce,
    refused,
    shape,
    softmax,
    sort,
    special,
)

__all__ = [
    "alias",
    "constants",
    "contract",
    "elementwise",
    "index",
    "join",
    "reduce",
    "refused",
    "shape",
    "softmax",
    "sort",
    "special",
]
