"""Rearranging an array."""

import numpy as np

from tests.cases.table import apart, case, real

SHAPES = {
    "np.reshape": (lambda x: np.reshape(x, (3, 2)), real(2, 3)),
    "np.reshape -1": (lambda x: np.reshape(x, -1), real(2, 3)),
    "np.reshape to an axis more": (lambda x: np.reshape(x, (1, -1, 3)), real(2, 3)),
    "np.reshape order=F": (lambda x: np.reshape(x, (3, 2), order="F"), real(2, 3)),
    "np.reshape of nothing": (lambda x: np.reshape(x, (3, 0)), real(0, 2)),
    "np.reshape to 0-d": (lambda x: np.reshape(x, ()), real(1, 1)),
    "np.reshape of a 0-d array": (lambda x: np.reshape(x, (1, 1)), real()),
    "np.ravel": (np.ravel, real(2, 3)),
    "np.ravel order=F": (lambda x: np.ravel(x, "F"), real(2, 3)),
    "np.ravel of a 0-d array": (np.ravel, real()),
    "np.ravel of nothing": (np.ravel, real(0, 3)),
    "np.transpose": (np.transpose, real(2, 3, 4)),
    "np.transpose axes": (lambda x: np.transpose(x, (2, 0, 1)), real(2, 3, 4)),
    "np.transpose negative axes": (lambda x: np.transpose(x, (-1, 0, -2)), real(2, 3, 4)),
    "np.transpose a list of axes": (lambda x: np.transpose(x, axes=[1, 0]), real(2, 3)),
    "np.transpose of a vector": (np.transpose, real(3)),
    "np.transpose of a 0-d array": (np.transpose, real()),
    "np.transpose of nothing": (np.transpose, real(0, 3)),
    "np.swapaxes": (lambda x: np.swapaxes(x, 0, -1), real(2, 3, 4)),
    "np.swapaxes of one axis": (lambda x: np.swapaxes(x, 1, 1), real(2, 3)),
    "np.matrix_transpose": (np.matrix_transpose, real(2, 3, 4)),
    "np.moveaxis": (lambda x: np.moveaxis(x, 0, -1), real(2, 3, 4)),
    "np.moveaxis of two": (lambda x: np.moveaxis(x, (0, 1), (-1, 0)), real(2, 3, 4)),
    "np.expand_dims": (lambda x: np.expand_dims(x, 1), real(2, 3)),
    "np.expand_dims axis=-1": (lambda x: np.expand_dims(x, axis=-1), real(2, 3)),
    "np.expand_dims of two": (lambda x: np.expand_dims(x, (0, -1)), real(2, 3)),
    "np.expand_dims of a 0-d array": (lambda x: np.expand_dims(x, 0), real()),
    "np.squeeze": (np.squeeze, real(1, 3, 1)),
    "np.squeeze axis=0": (lambda x: np.squeeze(x, 0), real(1, 3, 1)),
    "np.squeeze axis=(0, -1)": (lambda x: np.squeeze(x, axis=(0, -1)), real(1, 3, 1)),
    "np.squeeze to 0-d": (np.squeeze, real(1, 1)),
    "np.broadcast_to": (lambda x: np.broadcast_to(x, (2, 3)), real(3)),
    "np.broadcast_to of ones within": (lambda x: np.broadcast_to(x, (4, 2, 5, 3)), real(2, 1, 3)),
    "np.broadcast_to of a 0-d array": (lambda x: np.broadcast_to(x, (2, 3)), real()),
    "np.broadcast_to of its own shape": (lambda x: np.broadcast_to(x, (2, 3)), real(2, 3)),
    "np.broadcast_to of one to nothing": (lambda x: np.broadcast_to(x, (0, 3)), real(1, 3)),
    "np.broadcast_to a whole number": (lambda x: np.broadcast_to(x, 3), real(1)),
    "np.flip": (np.flip, real(2, 3)),
    "np.flip axis=1": (lambda x: np.flip(x, 1), real(2, 3)),
    "np.flip axis=(0, -1)": (lambda x: np.flip(x, axis=(0, -1)), real(2, 3, 2)),
    "np.copy": (np.copy, real(2, 3)),
    "np.copy order=F": (lambda x: np.copy(x, order="F"), real(2, 3)),
    "np.copy of a 0-d array": (np.copy, real()),
    "np.atleast_1d of a 0-d array": (np.atleast_1d, real()),
    "np.atleast_1d of several": (lambda a, b: [2 * x for x in np.atleast_1d(a, b)], real(), real(2)),
    "x.T": (lambda x: x.T, real(2, 3)),
    "x.mT": (lambda x: x.mT, real(2, 3, 4)),
    "x.reshape": (lambda x: x.reshape(3, 2), real(2, 3)),
    "x.reshape a tuple": (lambda x: x.reshape((3, -1)), real(2, 3)),
    "x.reshape order=F": (lambda x: x.reshape(3, 2, order="F"), real(2, 3)),
    "x.ravel": (lambda x: x.ravel(), real(2, 3)),
    "x.flatten": (lambda x: x.flatten(), real(2, 3)),
    "x.flatten order=F": (lambda x: x.flatten("F"), real(2, 3)),
    "x.flat": (lambda x: [2 * n for n in x.flat], real(2, 2)),
    "x.transpose": (lambda x: x.transpose(), real(2, 3)),
    "x.transpose axes": (lambda x: x.transpose(1, 2, 0), real(2, 3, 4)),
    "x.transpose a tuple": (lambda x: x.transpose((1, 2, 0)), real(2, 3, 4)),
    "x.transpose None": (lambda x: x.transpose(None), real(2, 3)),
    "x.transpose np.int64": (lambda x: x.transpose(np.int64(1), np.int64(0)), real(2, 3)),
    "x.transpose of one axis": (lambda x: x.transpose(np.int64(0)), real(2)),
    "x.swapaxes": (lambda x: x.swapaxes(0, 1), real(2, 3)),
    "x.squeeze": (lambda x: x.squeeze(1), real(2, 1)),
    "x.copy": (lambda x: x.copy(), real(2, 3)),
    "x.clip": (lambda x: x.clip(-1, 1), apart(4)),
    "x.dot": (lambda x: x.dot(np.arange(3, dtype=x.dtype)), real(2, 3)),
}  # fmt: skip
for name, (f, *draws) in SHAPES.items():
    case(name, f, *draws)
case("np.astype", lambda x: np.astype(x, np.float64), real(2, 3), own_dtype=True)
case(
    "np.astype there and back",
    lambda x: x.astype(np.float32).astype(np.float64) * 0 + x.astype(np.float64),
    real(3),
    own_dtype=True,
)
case("x.astype", lambda x: x.astype("f8"), real(2), own_dtype=True)

case("np.full_like", lambda x: np.full_like(x, x[0, 1]), real(2, 3))
case("np.full_like with a row", lambda x: np.full_like(x, x[1]), real(2, 3))
case("np.full_like of another shape", lambda x: np.full_like(x, x[1], shape=(4, 3)), real(2, 3))
