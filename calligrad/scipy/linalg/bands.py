"""Linear equations whose matrix is given by its diagonals: banded, Hermitian and banded, Toeplitz."""

from __future__ import annotations

from typing import Any

import numpy as np

from calligrad.function import Function
from calligrad.scipy.offer import native, offer
from calligrad.scipy.originals import linalg
from calligrad.value import conj


def rows_of(n: int, upper: int, count: int) -> tuple[Any, Any, Any]:
    """For each place in a matrix of diagonals its row in the whole matrix, its column, and whether it is read."""
    column = np.arange(n)
    row = np.arange(count)[:, None] - upper + column
    return row % max(1, n), np.broadcast_to(column, row.shape), (row >= 0) & (row < n)


def outer(x: Any, y: Any, rows: Any, columns: Any, read: Any) -> Any:
    """What stands at these rows and columns of ``x @ y.T``, and 0 at places that are not read."""
    products = x[rows] * y[columns]
    return np.where(read, products if products.ndim == 2 else np.sum(products, axis=-1), 0)


def of_one_matrix(x: Any, b: Any) -> Any:
    """The solution ``x``, which is refused where SciPy made it of a stack of matrices or right-hand sides."""
    if x.ndim > min(2, np.ndim(b)):
        raise NotImplementedError(
            "calligrad's solvers of banded and of Toeplitz matrices take one matrix, not a stack; solve one after the"
            " other, and np.stack the solutions"
        )
    return x


class SolveBanded(Function):
    """``scipy.linalg.solve_banded``."""

    l_and_u: tuple[int, int]
    check_finite: bool = True

    def forward(self, ab, b):
        return linalg.solve_banded(self.l_and_u, native(ab), native(b), check_finite=self.check_finite)

    def backward(self, g, ab, _b, *, y):
        below, above = self.l_and_u
        rows, columns, read = rows_of(ab.shape[1], above, below + above + 1)
        back = (above - np.arange(below + above + 1))[:, None] + columns  # the diagonals, begun at the other end
        mirrored = ab[np.arange(below + above, -1, -1)[:, None], back[::-1] % max(1, ab.shape[1])]
        gb = SolveBanded((above, below), False)(mirrored, g)
        return lambda: -outer(gb, y, rows, columns, read), gb


@offer(linalg.solve_banded)
def solve_banded(
    l_and_u: Any, ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """``scipy.linalg.solve_banded``: the x with ``a @ x = b``, where ``ab[u + i - j, j] == a[i, j]``.

    >>> import numpy as np
    >>> from calligrad import grad
    >>> from calligrad.scipy.linalg import solve_banded
    >>> spring = np.array([[0.0, -1.0, -1.0], [2.0, 2.0, 2.0], [-1.0, -1.0, 0.0]])
    >>> print(grad(lambda load: solve_banded((1, 1), spring, load)[1])(np.ones(3)))
    [0.5 1.  0.5]
    """
    below, above = l_and_u
    return of_one_matrix(SolveBanded((int(below), int(above)), check_finite)(ab, b), b)


class SolvehBanded(Function):
    """``scipy.linalg.solveh_banded``; a diagonal that is given stands for its mirror image, too."""

    lower: bool = False
    check_finite: bool = True

    def forward(self, ab, b):
        return linalg.solveh_banded(native(ab), native(b), lower=self.lower, check_finite=self.check_finite)

    def backward(self, g, ab, _b, *, y):
        count, n = ab.shape
        rows, columns, read = rows_of(n, 0 if self.lower else count - 1, count)
        gb = conj(SolvehBanded(self.lower, False)(ab, conj(g)))

        def of_ab():
            given, image = outer(gb, y, rows, columns, read), outer(gb, y, columns, rows, read & (rows != columns))
            return -(given + conj(image))

        return of_ab, gb


@offer(linalg.solveh_banded)
def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    """``scipy.linalg.solveh_banded``: the x with ``a @ x = b`` for a positive definite banded matrix."""
    return of_one_matrix(SolvehBanded(lower, check_finite)(ab, b), b)


class SolveToeplitz(Function):
    """``scipy.linalg.solve_toeplitz``, by the first column, the first row and the right-hand side."""

    check_finite: bool = True

    def forward(self, c, r, b):
        b = np.copy(native(b))  # older versions want to write into it
        return linalg.solve_toeplitz((native(c), native(r)), b, check_finite=self.check_finite)

    def backward(self, g, c, r, _b, *, y):
        n = c.shape[0]
        first = np.concatenate([c[:1], r[1:]])  # c[0] is what stands on the diagonal; r[0] is not read
        gb = SolveToeplitz(False)(first, c, g)

        def along(x, y):
            """The sums along the diagonals of ``-x @ y.T``, from the main one downwards."""
            columns = [(x, y)] if x.ndim == 1 else zip(x.mT, y.mT)
            return -sum((np.correlate(x, conj(y), "full")[n - 1 :] for x, y in columns if n), np.zeros(n, c.dtype))

        return lambda: along(gb, y), lambda: along(y, gb) * np.greater(np.arange(n), 0), gb


@offer(linalg.solve_toeplitz)
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """``scipy.linalg.solve_toeplitz``: the x with ``toeplitz(c, r) @ x = b``, by Levinson's recursion."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, np.conjugate(c_or_cr))
    return of_one_matrix(SolveToeplitz(check_finite)(c, r, b), b)
