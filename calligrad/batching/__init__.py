"""vmap, and what it does with each function: importing this package fills the table of batching rules.

It knows all that calligrad can do, and so stands above it; ``batched.py`` is what the engine knows of it.
"""

from calligrad.batching import assign, compositions, contract, functions, index, shape, table, ufuncs  # noqa: F401
from calligrad.batching.loop import BatchingWarning
from calligrad.batching.mapping import vmap

__all__ = ["BatchingWarning", "vmap"]
