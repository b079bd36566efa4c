"""vmap, and what it does with each function: importing this package fills the table of batching rules."""

from calligrad.batching import assign, compositions, contract, functions, index, layers, shape, table, ufuncs  # noqa: F401
from calligrad.batching.loop import BatchingWarning
from calligrad.batching.mapping import vmap

__all__ = ["BatchingWarning", "vmap"]
