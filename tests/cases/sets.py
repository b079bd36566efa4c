"""Sets: the values carry gradients."""

import numpy as np

from tests.cases.table import apart, case, complexes

case("np.unique", np.unique, apart(2, 3))
case("np.unique of repeated numbers", lambda x: np.unique(np.concatenate([x, x[:2], x[:1]])), apart(4))
case("np.unique with positions", lambda x: np.unique(x, True, return_inverse=True, return_counts=True)[0], apart(4))
case("np.unique axis=0", lambda x: np.unique(x[[0, 1, 0]], axis=0), apart(2, 3))
case("np.unique axis=-1", lambda x: np.unique(x[..., [0, 1, 0]], axis=-1, equal_nan=False), apart(2, 2, 3))
case("np.unique of nothing", np.unique, apart(0))
case("np.unique of complex numbers", np.unique, complexes(4))
case("np.unique_values", np.unique_values, apart(4))
case("np.unique_all", lambda x: np.unique_all(x).values, apart(2, 3))
case("np.unique_counts", lambda x: np.unique_counts(x)[0], apart(4))
case("np.unique_inverse", lambda x: np.unique_inverse(x)[0], apart(4))
case("np.union1d", lambda x: np.union1d(x[:4], x[2:]), apart(6))
case("np.union1d of shapes that differ", lambda x: np.union1d(x[0], x[1, 1:]), apart(2, 3, 2))
case("np.intersect1d", lambda x: np.intersect1d(x[:4], x[2:]), apart(6))
case("np.intersect1d with positions", lambda x: np.intersect1d(x, x[[4, 0]], return_indices=True)[0], apart(5))
case("np.setdiff1d", lambda x: np.setdiff1d(x[:4], x[2:]), apart(6))
case("np.setdiff1d assume_unique=True", lambda x: np.setdiff1d(x[:4], x[2:], True), apart(6))
case("np.setxor1d", lambda x: np.setxor1d(x[:4], x[2:], assume_unique=True), apart(6))
