"""Black boxes with a rule, and solutions of equations."""

import numpy as np

from calligrad import custom, implicit
from tests.cases.table import case, complexes, positive, real

product = custom(lambda a, b: a * b, lambda g, a, b: (lambda: g * b, lambda: g * a))
halves = custom(
    lambda x: (x[:1] * 2, [np.exp(x[1:])]), lambda g, x, *, y: np.concatenate([2 * g[0], g[1][0] * y[1][0]])
)
cube_root = implicit.root(lambda x, a: x**3 - a, np.cbrt)
ratio = implicit.root(lambda x, a, b: x * b - a, np.divide)

case("custom", custom(np.sin, lambda g, x: g * np.cos(x)), real(3, 4), expected=np.sin)
case("custom of two arguments", product, real(3, 4), real(3, 4), expected=np.multiply)
case("custom of numbers", product, real(), real(), expected=np.multiply)
case("custom of nothing", product, real(0, 3), real(0, 3), expected=np.multiply)
case("custom with several outputs", halves, real(3, 2), expected=lambda x: (x[:1] * 2, [np.exp(x[1:])]))
case("implicit.root", cube_root, positive(3), expected=np.cbrt)
case("implicit.root of a number", cube_root, positive(), expected=np.cbrt)
case("implicit.root of nothing", cube_root, positive(0), expected=np.cbrt)
case("implicit.root of two arguments", ratio, real(4), positive(4), expected=np.divide)
case("custom of complex numbers", custom(np.sin, lambda g, x: g * np.conj(np.cos(x))), complexes(3), expected=np.sin)
case("implicit.root of complex numbers", implicit.root(lambda x, a: x**2 - a, np.sqrt), complexes(3), expected=np.sqrt)
