"""Complex numbers."""

import numpy as np

from tests.cases.table import case, complexes, positive, real

ONE_INPUT = """absolute arccos arccosh arcsin arcsinh arctan arctanh conjugate cos cosh exp exp2 expm1 log log10 log1p
    log2 negative positive reciprocal sign sin sinh sqrt square tan tanh"""
for name in ONE_INPUT.split():
    f = getattr(np, name)
    case(f"np.{name} of complex numbers", f, complexes(3, 2))
    case(f"np.{name} of a complex number", f, complexes())
for name in ("add", "subtract", "multiply", "divide", "power"):
    f = getattr(np, name)
    case(f"np.{name} of complex numbers", f, complexes(2, 3), complexes(3))
    case(f"np.{name} of complex and real numbers", f, complexes(2, 3), positive(3))
    case(f"np.{name} of real and complex numbers", f, positive(3), complexes(2, 3))
    case(f"np.{name} of a real array and i", lambda a, f=f: f(a, 1j), positive(3))
case("operator **2 of complex numbers", lambda z: z**2, complexes(3))
case("operator **3 of complex numbers", lambda z: z**3, complexes(3))
for name in ("real", "imag", "angle"):
    f = getattr(np, name)
    case(f"np.{name}", f, complexes(2, 3))
    case(f"np.{name} of a complex number", f, complexes())
    case(f"np.{name} of nothing", f, complexes(0, 2))
case("np.angle deg=", lambda z: np.angle(z, deg=True), complexes(3))
case("np.real of real numbers", lambda x: np.real(x) * 2, real(3))
case("np.imag of real numbers", lambda x: x + np.imag(x), real(3))
case("np.real_if_close", lambda z: np.real_if_close(z * np.conj(z)), complexes(3))
case("np.nan_to_num of complex numbers", np.nan_to_num, complexes(3))
case("x.real", lambda z: z.real * z.imag, complexes(3))
case("x.conj", lambda z: z.conj() * z + z.conjugate(), complexes(3))
case("np.abs squared", lambda z: np.abs(z) ** 2, complexes(3))
case("np.sum of complex numbers", lambda z: np.sum(z, axis=0), complexes(2, 3))
case("np.mean of complex numbers", lambda z: np.mean(z, axis=0), complexes(2, 3))
case("np.prod of complex numbers", lambda z: np.prod(z, axis=0), complexes(2, 3))
case("np.reshape of complex numbers", lambda z: np.reshape(z, 6), complexes(2, 3))
case("np.where of complex and real numbers", lambda z, x: np.where(x > 1, z, x), complexes(3), positive(3))
case("np.concatenate of complex and real numbers", lambda z, x: np.concatenate([z, x]), complexes(3), real(2))
case("np.matmul of complex matrices", np.matmul, complexes(2, 3), complexes(3, 2))
case("np.matmul of a complex and a real matrix", np.matmul, complexes(2, 3), real(4, 3, 2))
case("np.einsum ij,jk,ik->k of complex numbers", lambda a, b, c: np.einsum("ij,jk,ik->k", a, b, c),
     complexes(2, 3), complexes(3, 2), real(2, 2))  # fmt: skip
case("np.tensordot of complex numbers", lambda a, b: np.tensordot(a, b, 1), complexes(2, 3), complexes(3, 2))
case("getitem of complex numbers", lambda z: z[np.array([0, 0, 1])], complexes(2, 3))
case("np.astype to complex numbers", lambda x: np.astype(x, np.complex128), real(3), own_dtype=True)
