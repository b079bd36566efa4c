"""Making arrays of Values."""

import numpy as np

from tests.cases.table import case, complexes, positive, real

case("np.full_like", lambda x: np.full_like(x, x[0, 1]), real(2, 3))
case("np.full_like with a row", lambda x: np.full_like(x, x[1]), real(2, 3))
case("np.full_like of another shape", lambda x: np.full_like(x, x[1], shape=(4, 3)), real(2, 3))
case("np.full_like dtype=", lambda x: np.full_like(x, x[1], np.float64, "F", True, (4, 3)), real(2, 3), own_dtype=True)
case("np.full", lambda x: np.full((2, 3), x[0], like=x), real(1))
case("np.full with a row", lambda x: np.full((2, 3), x, like=x), real(3))
case("np.full with a matrix of one row", lambda x: np.full(3, x, like=x), real(1, 3))
case("np.full dtype=", lambda x: np.full((3, 2), x, np.float64, "F", like=x), real(2), own_dtype=True)
case("np.full nothing", lambda x: np.full((0, 3), x, like=x), real(3))

case("np.array", lambda x: np.array(x, like=x), real(2, 3))
case("np.array ndmin=", lambda x: np.array(x, ndmin=3, like=x), real(3))
case("np.array of numbers", lambda x: np.array([x[0], x[1] * x[0]], like=x), real(2))
case("np.array of lists", lambda x: np.array([[x[0], 2.0], [1, x[1]]], x.dtype, ndmin=3, like=x), real(2))
case("np.array of rows", lambda x: np.array([x[1], x[0], np.zeros(2, x.dtype)], like=x), real(2, 2))
case("np.array dtype=", lambda x: np.array((x, x), dtype=np.float64, like=x), real(2), own_dtype=True)
case("np.asarray", lambda x: np.asarray([[x, 2 * x]], like=x), real(2))
case("np.asarray dtype=", lambda x: 2 * np.asarray(x, np.float64, like=x), real(2), own_dtype=True)
case("np.asanyarray", lambda a: np.asanyarray([a[0], a[0]], like=a), real(1))
case("np.ascontiguousarray", lambda x: np.ascontiguousarray(x.T, like=x), real(2, 3))
case("np.asfortranarray", lambda x: np.asfortranarray(x, like=x), real(2, 3))
case("np.require", lambda x: np.require(x, None, ["F"], like=x), real(2, 3))
case("np.require dtype=", lambda x: 2 * np.require(x, np.float64, like=x), real(2, 3), own_dtype=True)
case("np.fromiter", lambda x: np.fromiter((x[i] for i in (0, 1, 0)), float, like=x), real(2), own_dtype=True)
case("np.fromfunction", lambda x: np.fromfunction(lambda i, j: x[i] * x[j], (3, 3), dtype=int, like=x), real(3))
case("np.arange", lambda x: np.arange(x[0], 9, x[1], like=x), positive(2), own_dtype=True)

case("np.linspace", np.linspace, real(), real())
case("np.linspace num=", lambda a, b: np.linspace(a, b, 5), real(2), real(2))
case("np.linspace endpoint=False", lambda a, b: np.linspace(a, b, 4, endpoint=False), real(), real(3))
case("np.linspace axis=-1", lambda a, b: np.linspace(a, b, 4, axis=-1), real(2, 1), real(3))
case("np.linspace retstep=", lambda a, b: np.linspace(a, b, 4, retstep=True), real(2), real(2))
case("np.linspace from a number", lambda b: np.linspace(0.5, b, 3), real())
case("np.linspace of one", lambda a, b: np.linspace(a, b, 1), real(), real())
case("np.linspace of none", lambda a, b: np.linspace(a, b, 0), real(2), real(2))
case("np.linspace dtype=", lambda a, b: np.linspace(a, b, 3, dtype=np.float64), real(), real(), own_dtype=True)
case("np.linspace of complex numbers", lambda a, b: np.linspace(a, b, 3), complexes(2), complexes(2))
case("np.logspace", lambda a, b: np.logspace(a, b, 4), real(), real())
case("np.logspace base=", lambda a, b, c: np.logspace(a, b, 4, base=c), real(), real(), positive())
case(
    "np.logspace of several bases", lambda a, b, c: np.logspace(a, b, 3, base=c, axis=-1), real(), real(2), positive(2)
)
case("np.logspace dtype=", lambda a, b: np.logspace(a, b, 3, False, 2, np.float64), real(), real(), own_dtype=True)
case("np.geomspace", lambda a, b: np.geomspace(a, b, 5), positive(), positive(), own_dtype=True)
case("np.geomspace axis=1", lambda a, b: np.geomspace(a, b, 4, axis=1), positive(2, 1), positive(3), own_dtype=True)
case(
    "np.geomspace endpoint=False", lambda a, b: np.geomspace(-a, -b, 4, False), positive(2), positive(2), own_dtype=True
)
case("np.geomspace of complex numbers", lambda a, b: np.geomspace(a, b, 3), complexes(), complexes(), own_dtype=True)
