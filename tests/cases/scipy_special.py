"""The ufuncs of scipy.special, which reach calligrad as NumPy's do."""

from inspect import signature

import numpy as np
from scipy import special

from calligrad.scipy import special as offered
from tests.cases.table import apart, case, complexes, positive, real


def between(lo, hi):
    """How to draw numbers from ``lo`` to ``hi``."""
    return lambda *shape: lambda rng: rng.uniform(lo, hi, shape)


def has(*names):
    """Whether the installed SciPy has all of them."""
    return all(hasattr(special, name) for name in names)


unit = between(0.15, 0.85)

# SciPy computes float16 in float32, and some functions always in double: the results have dtypes of their own.

ONE_INPUT = {
    "cbrt": positive,
    "cosdg": real,
    "cosm1": real,
    "cotdg": between(20, 70),
    "dawsn": real,
    "ellipe": between(-0.7, 0.7),
    "ellipk": between(-0.7, 0.7),
    "ellipkm1": unit,
    "entr": positive,
    "erf": real,
    "erfc": real,
    "erfcinv": between(0.3, 1.7),
    "erfcx": real,
    "erfi": real,
    "erfinv": between(-0.7, 0.7),
    "exp1": positive,
    "exp10": between(-1, 1),
    "exp2": real,
    "expi": positive,
    "expit": real,
    "expm1": real,
    "exprel": real,
    "gamma": positive,
    "gammaln": positive,
    "i0": real,
    "i0e": apart,
    "i1": real,
    "i1e": apart,
    "j0": real,
    "j1": real,
    "k0": positive,
    "k0e": positive,
    "k1": positive,
    "k1e": positive,
    "log1p": positive,
    "log_expit": real,
    "log_ndtr": real,
    "loggamma": positive,
    "logit": unit,
    "ndtr": real,
    "ndtri": unit,
    "ndtri_exp": between(-2, -0.3),
    "psi": positive,
    "rgamma": positive,
    "sindg": real,
    "spence": positive,
    "tandg": between(-40, 40),
    "wofz": real,
    "wrightomega": real,
    "y0": positive,
    "y1": positive,
}
for name, draw in ONE_INPUT.items():
    case(f"scipy.special.{name}", getattr(special, name), draw(2, 3), own_dtype=True)
for name in ("erf", "gammaln", "expit"):
    case(f"scipy.special.{name} of a 0-d array", getattr(special, name), positive(), own_dtype=True)
    case(f"scipy.special.{name} of nothing", getattr(special, name), positive(0, 3), own_dtype=True)

OF_COMPLEX = ("dawsn", "erf", "erfc", "erfcx", "erfi", "exp1", "expm1", "log1p", "spence", "wofz", "wrightomega")
for name in OF_COMPLEX:  # the gamma family is in tests/scipy/, as SciPy has its second derivative for real numbers only
    case(f"scipy.special.{name} of complex numbers", getattr(special, name), complexes(3), own_dtype=True)

TWO_INPUTS = {
    "agm": (positive, positive),
    "beta": (positive, positive),
    "betaln": (positive, positive),
    "binom": (between(2.1, 4.9), between(0.2, 1.8)),
    "boxcox": (positive, real),
    "boxcox1p": (positive, real),
    "huber": (between(0.5, 0.9), lambda *shape: lambda rng: rng.choice((0.2, 1.5, -0.3, -2.0), shape)),
    "inv_boxcox": (positive, positive),
    "inv_boxcox1p": (positive, positive),
    "kl_div": (positive, positive),
    "owens_t": (real, real),
    "poch": (positive, positive),
    "powm1": (positive, real),
    "pseudo_huber": (positive, real),
    "rel_entr": (positive, positive),
    "xlog1py": (positive, positive),
    "xlogy": (positive, positive),
}
for name, (left, right) in TWO_INPUTS.items():
    f = getattr(special, name)
    case(f"scipy.special.{name}", f, left(2, 3), right(2, 3), own_dtype=True)
    case(f"scipy.special.{name} broadcast", f, left(2, 1), right(3), own_dtype=True)
case("scipy.special.xlogy of a number", lambda b: special.xlogy(2.0, b), positive(3), own_dtype=True)
case("scipy.special.radian", special.radian, real(3), real(2, 1), real(), own_dtype=True)
case("scipy.special.voigt_profile", special.voigt_profile, real(3), positive(3), positive(3), own_dtype=True)

# With arguments that must be constants: how the others come last.
LAST = {
    "chdtr": ((3.0,), positive),
    "chdtrc": ((3.0,), positive),
    "expn": ((np.array([0, 1, 2]),), positive),
    "chdtri": ((3.0,), unit),
    "eval_chebyc": ((np.array([0, 1, 4]),), real),
    "eval_chebys": ((np.array([0, 1, 4]),), real),
    "eval_sh_chebyt": ((np.array([0, 1, 4]),), real),
    "eval_sh_chebyu": ((np.array([0, 1, 4]),), real),
    "eval_sh_legendre": ((np.array([0, 1, 4]),), real),
    "fdtri": ((3.0, 5.0), unit),
    "gdtrix": ((0.5, 1.5), unit),
    "pdtri": ((2.0,), unit),
    "eval_chebyt": ((np.array([0, 1, 4]),), real),
    "eval_chebyu": ((np.array([0, 1, 4]),), real),
    "eval_gegenbauer": ((np.array([0, 1, 4]), 1.5), real),
    "eval_genlaguerre": ((np.array([0, 1, 4]), 0.5), real),
    "eval_hermite": ((np.array([0, 1, 4]),), real),
    "eval_hermitenorm": ((np.array([0, 1, 4]),), real),
    "eval_jacobi": ((np.array([0, 1, 4]), 0.5, 1.5), real),
    "eval_laguerre": ((np.array([0, 1, 4]),), real),
    "eval_legendre": ((np.array([0, 1, 4]),), real),
    "fdtr": ((3.0, 5.0), positive),
    "fdtrc": ((3.0, 5.0), positive),
    "betainc": ((2.0, 1.5), unit),
    "betaincc": ((2.0, 1.5), unit),
    "betainccinv": ((2.0, 1.5), unit),
    "betaincinv": ((2.0, 1.5), unit),
    "gammainc": ((2.5,), positive),
    "gammaincc": ((2.5,), positive),
    "gammainccinv": ((2.5,), unit),
    "gammaincinv": ((2.5,), unit),
    "hankel1": ((0.5,), positive),
    "hankel1e": ((0.5,), positive),
    "hankel2": ((0.5,), positive),
    "hankel2e": ((0.5,), positive),
    "hyp0f1": ((1.5,), real),
    "hyp1f1": ((0.5, 1.5), real),
    "hyp2f1": ((0.5, 1.5, 2.0), between(-0.7, 0.7)),
    "hyperu": ((0.5, 1.5), positive),
    "iv": ((np.array([0, 1, 2.5]),), positive),
    "ive": ((np.array([0, 1, 2.5]),), positive),
    "jv": ((np.array([0, 1, 2.5]),), positive),
    "jve": ((np.array([0, 1, 2.5]),), positive),
    "kn": ((np.array([0, 1, 2]),), positive),
    "kv": ((np.array([0, 1, 2.5]),), positive),
    "kve": ((np.array([0, 1, 2.5]),), positive),
    "modstruve": ((1.5,), positive),
    "pdtr": ((2.0,), positive),
    "pdtrc": ((2.0,), positive),
    "stdtr": ((4.0,), real),
    "stdtrit": ((4.0,), unit),
    "struve": ((1.5,), positive),
    "wright_bessel": ((1.5, 2.0), positive),
    "yn": ((np.array([0, 1, 2]),), positive),
    "yv": ((np.array([0, 1, 2.5]),), positive),
    "yve": ((np.array([0, 1, 2.5]),), positive),
    "zeta": ((2.5,), positive),
}
for name, (constants, draw) in LAST.items():
    if has(name):
        f = getattr(special, name)
        case(f"scipy.special.{name}", lambda x, f=f, c=constants: f(*c, x), draw(2, 3), own_dtype=True)
for name in ("hankel1", "hankel2e", "iv", "jv", "kve", "yv"):
    f = getattr(special, name)
    case(f"scipy.special.{name} of complex numbers", lambda x, f=f: f(1.5, x), complexes(3), own_dtype=True)
case("scipy.special.gdtr", lambda a, x: special.gdtr(a, 1.5, x), positive(3), positive(2, 1), own_dtype=True)
case("scipy.special.gdtrc", lambda a, x: special.gdtrc(a, 1.5, x), positive(3), positive(2, 1), own_dtype=True)
case("scipy.special.ellipeinc", lambda phi: special.ellipeinc(phi, 0.5), real(3), own_dtype=True)
case("scipy.special.ellipkinc", lambda phi: special.ellipkinc(phi, 0.5), real(3), own_dtype=True)
case("scipy.special.ellipj", lambda u: special.ellipj(u, 0.5), real(3), own_dtype=True)
case("scipy.special.lambertw", special.lambertw, positive(3), own_dtype=True)
case("scipy.special.lambertw k=-1", lambda z: special.lambertw(z, -1), complexes(3), own_dtype=True)

for name, draw in {"airy": real, "fresnel": real, "shichi": positive, "sici": positive}.items():
    case(f"scipy.special.{name}", getattr(special, name), draw(2, 3), own_dtype=True)
    f = getattr(special, name)
    case(f"scipy.special.{name} in part", lambda x, f=f: f(x)[1] * x, draw(3), own_dtype=True)

# ---------------------------------------------------------------- offered by calligrad, as SciPy's take arrays only

OFFERED = {
    "logsumexp": ({}, real(2, 3)),
    "logsumexp axis=(0, 2)": ({"axis": (0, 2)}, real(2, 3, 2)),
    "logsumexp axis=-1 keepdims=True": ({"axis": -1, "keepdims": True}, real(2, 3)),
    "logsumexp of a 0-d array": ({}, real()),
    "softmax": ({}, real(2, 3)),
    "softmax axis=0": ({"axis": 0}, real(2, 3)),
    "log_softmax axis=(0, 2)": ({"axis": (0, 2)}, real(2, 3, 2)),
    "multigammaln": ({"d": 3}, lambda rng: rng.uniform(1.5, 3, (2, 3))),
    "factorial": ({}, positive(3)),
}
if "extend" in signature(special.factorial).parameters:  # since SciPy 1.15
    OFFERED["factorial extend=complex"] = ({"extend": "complex"}, positive(3))
for words, (settings, draw) in OFFERED.items():
    f = getattr(offered, words.split()[0])
    case(f"calligrad.scipy.special.{words}", lambda x, f=f, s=settings: f(x, **s), draw, own_dtype=True)

case(
    "calligrad.scipy.special.logsumexp b=",
    lambda a, b: offered.logsumexp(a, axis=1, b=b),
    real(2, 3),
    positive(3),
    own_dtype=True,
)
case("calligrad.scipy.special.logsumexp b= of a number", lambda a: offered.logsumexp(a, b=2.0), real(3), own_dtype=True)
case(
    "calligrad.scipy.special.logsumexp b= return_sign=True",
    lambda a, b: offered.logsumexp(a, None, b, keepdims=True, return_sign=True)[0],
    real(3),
    real(2, 1),
    own_dtype=True,
)
case("calligrad.scipy.special.comb", lambda n: offered.comb(n + 3, np.arange(3)), positive(3), own_dtype=True)
case(
    "calligrad.scipy.special.comb repetition=True",
    lambda n: offered.comb(n + 3, np.arange(3), repetition=True),
    positive(3),
    own_dtype=True,
)
case("calligrad.scipy.special.perm", lambda n: offered.perm(n + 3, np.arange(3)), positive(3), own_dtype=True)
ORDERS = np.array([0, 1, 4])
case("calligrad.scipy.special.polygamma", lambda x: offered.polygamma(ORDERS, x), positive(2, 3), own_dtype=True)
for kind in "jyik":
    f = getattr(offered, f"spherical_{kind}n")
    case(f"calligrad.scipy.special.spherical_{kind}n", lambda z, f=f: f(ORDERS, z), positive(2, 3), own_dtype=True)
    case(
        f"calligrad.scipy.special.spherical_{kind}n derivative=True of complex numbers",
        lambda z, f=f: f(ORDERS, z, derivative=True),
        complexes(3),
        own_dtype=True,
    )
