"""Linear algebra: the chapter ``numpy.linalg``."""

import numpy as np

from calligrad.function import constant
from calligrad.ops.linalg import determinants, equations, factorings, norms, products, spectra

__all__ = ["determinants", "equations", "factorings", "norms", "products", "spectra"]

constant(np.linalg.matrix_rank)
