"""vmap, and what it does with each function: importing this package fills the table of batching rules."""

from calligrad.batching import assign, compositions, contract, functions, index, shape, table, ufuncs
from calligrad.batching.loop import BatchingWarning
from calligrad.batching.mapping import vmap

__all__ = ["BatchingWarning", "assign", "compositions", "contract", "functions", "index", "shape", "table", "ufuncs", "vmap"]
