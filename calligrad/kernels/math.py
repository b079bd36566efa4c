"""exp, log, tanh, erf, sin and their kin for kernels: by hand, without a branch, so that loops of them become vectors.

They write the instructions for a ``Number``: one float32 or float64, or a vector of either. They are within 2 units in
the last place (ulp) of the true value in float32 and within 4 in float64, for all numbers; NaN, infinities, signed
zeros and subnormal numbers go the way they go in NumPy. The bits are the same on any processor, in any vector.

Each goes in three steps. The argument is brought into a small interval by an identity, such as exp(n ln 2 + r) =
2^n exp(r); there a polynomial (``series.py``) follows the function; and the float is put together from its bits. What
is rounded on the way is carried along where it would show: a constant or a number then has two parts, high and low.

Muller, "Elementary Functions", 3rd edition, 2016, tells of all that is done here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction

from calligrad.kernels import series
from calligrad.kernels.number import (
    Number,
    copysign,
    fma,
    polynomial,
    power_of_two,
    rint,
    two_product,
    two_sum,
    where,
)
from calligrad.kernels.series import LN2, LN10
from calligrad.kernels.turns import quarter_turns


def _sum(term: Callable[[int], Fraction], x: Number, low: float, high: float) -> Number:
    """The sum of ``term(k) * x**k``, for x between two numbers."""
    return polynomial(x, series.coefficients(term, low, high, x.double))


def _parts(like: Number, x: Fraction, short: bool = False) -> list[float]:
    """A constant as two floats; if it is short, the first times a whole number that is not too large is exact."""
    digits, few = (53, 40) if like.double else (24, 15)
    return series.in_parts(x, few if short else digits, digits)


def _between(x: Number, low: float, high: float) -> Number:
    """The nearest to x of the numbers between two others; NaN stays NaN."""
    return where(x > high, high, where(x < low, low, x))


# ---------------------------------------------------------------- powers of e


def _without_powers(x: Number) -> tuple[Number, Number]:
    """n and r, so that x = n ln 2 + r, n is whole and r at most ln(2) / 2."""
    bound = 1000.0 if x.double else 150.0  # beyond, exp is infinite or 0, even halved
    x = _between(x, -bound, bound)
    n = rint(x * float(1 / LN2))
    high, low = _parts(x, LN2, short=True)
    return n, fma(n, -low, fma(n, -high, x))


def _exp_less_one(r: Number) -> Number:
    """exp(r) - 1 for abs(r) <= ln(2) / 2."""
    return fma(r * r, _sum(series.exp_term, r, -0.35, 0.35), r)


def _near_exp(x: Number) -> Number:
    """exp(x), where it is neither too large nor too small for a float."""
    n, r = _without_powers(x)
    power = power_of_two(n.to_int())
    return fma(_exp_less_one(r), power, power)


def _scaled(p: Number, n: Number) -> Number:
    """p * 2**n, in two steps, for 2**n may be too large or too small for a float where the product is not."""
    half = n >> 1
    return p * power_of_two(half) * power_of_two(n - half)


def exp(x: Number) -> Number:
    """The exponential function."""
    n, r = _without_powers(x)
    return _scaled(_exp_less_one(r) + 1.0, n.to_int())


def exp2(x: Number) -> Number:
    """Two to the power of x."""
    bound = 1400.0 if x.double else 200.0
    x = _between(x, -bound, bound)
    n = rint(x)
    return _scaled(_exp_less_one((x - n) * float(LN2)) + 1.0, n.to_int())


def expm1(x: Number) -> Number:
    """exp(x) - 1, exact for small x too."""
    n, r = _without_powers(x)
    n = n.to_int()
    half = n >> 1
    first, second = power_of_two(half), power_of_two(n - half)  # as in _scaled
    return copysign(fma(_exp_less_one(r), first, first - power_of_two(half - n)) * second, x)


def tanh(x: Number) -> Number:
    """The hyperbolic tangent."""
    size = abs(x)
    small = _between(size, 0.0, 0.6)
    z = small * small
    near = fma(small * z, _sum(series.tanh_term, z, 0.0, 0.37), small)
    far = 1.0 - 2.0 / (_near_exp(_between(size, 0.6, 25.0) * 2.0) + 1.0)
    return copysign(where(size > 0.6, far, near), x)


def _half_exp(x: Number) -> Number:
    """exp(x) / 2, which may be finite where exp(x) is not."""
    n, r = _without_powers(x)
    return _scaled(_exp_less_one(r) + 1.0, n.to_int() - 1)


def sinh(x: Number) -> Number:
    """The hyperbolic sine."""
    size = abs(x)
    small = _between(size, 0.0, 1.5)
    z = small * small
    near = fma(small * z, _sum(series.sinh_term, z, 0.0, 2.25), small)
    half = _half_exp(size)
    return copysign(where(size > 1.5, half - 0.25 / half, near), x)


def cosh(x: Number) -> Number:
    """The hyperbolic cosine."""
    half = _half_exp(abs(x))
    return half + 0.25 / half


def sigmoid(x: Number) -> Number:
    """1 / (1 + exp(-x)), even where exp(-x) is infinite."""
    n, r = _without_powers(-x)
    n = n.to_int()
    large = n > 0  # then all is taken times 2**-n, for exp(-x) may be infinite
    down = where(large, -n, n)
    least = -1022 if x.double else -126  # too small to count
    power = power_of_two(where(down < least, least, down))
    late = where(large, x.like(1.0), 0.0)  # 1 is added where that costs fewest digits
    below = fma(where(large, 1.0, power), _exp_less_one(r), power + (1.0 - late)) + late
    return _scaled(1.0 / below, where(large, -n, 0))


# ---------------------------------------------------------------- logarithms


def _as_power(x: Number) -> tuple[Number, Number]:
    """k (an int) and m, so that x = 2**k m and m lies between the square roots of 1/2 and 2; for x > 0."""
    double = x.double
    mantissa, smallest = (52, 2.0**-1022) if double else (23, 2.0**-126)
    tiny = x < smallest  # whose bits hold no exponent
    x = where(tiny, x * 2.0 ** (mantissa + 1), x)
    (root,) = struct.unpack("q" if double else "i", struct.pack("d" if double else "f", math.sqrt(0.5)))
    k = (x.bits() - root) >> mantissa
    m = (x.bits() - (k << mantissa)).from_bits()
    return where(tiny, k - (mantissa + 1), k), m


def _log_rest(f: Number, half: Number) -> Number:
    """log(1 + f) - (f - half), where half is f**2 / 2; with s = f / (2 + f), 1 + f is (1 + s) / (1 - s)."""
    s = f / (f + 2.0)
    z = s * s
    return s * fma(z, _sum(series.log_term, z, 0.0, 0.0295), half)


def _log_of(f: Number, k: Number) -> Number:
    """log(1 + f) + k log(2), for 1 + f between the square roots of 1/2 and 2."""
    half = f * f * 0.5
    k = k.to_float()
    high, low = _parts(f, LN2, short=True)
    return fma(k, high, f - (half - fma(k, low, _log_rest(f, half))))


def _at_the_ends(x: Number, log: Number) -> Number:
    """The logarithm of x, also where x is 0, negative, infinite or NaN."""
    log = where(x.equals(0.0), -math.inf, where(x < 0.0, math.nan, log))
    return where(x < math.inf, log, x)  # NaN too


def log(x: Number) -> Number:
    """The natural logarithm."""
    k, m = _as_power(x)
    return _at_the_ends(x, _log_of(m - 1.0, k))


def log1p(x: Number) -> Number:
    """log(1 + x), exact for small x too."""
    whole = x + 1.0
    k, m = _as_power(whole)
    lost = where(abs(x) < 1.0, x - (whole - 1.0), 1.0 - (whole - x))
    bound = 1000 if x.double else 100
    f = fma(lost, power_of_two(-where(k > bound, bound, k)), m - 1.0)
    return where(x.equals(0.0), x, _at_the_ends(whole, _log_of(f, k)))


def _long_log(x: Number) -> tuple[Number, Number]:
    """The natural logarithm of a positive float64 as the sum of two, to some 66 binary digits."""
    k, m = _as_power(x)
    f = m - 1.0
    below = f + 2.0
    s = f / below
    s_low = (fma(-s, below, f) - s * (f - (below - 2.0))) / below
    z, z_low = two_product(s, s)
    z_low = fma(s * 2.0, s_low, z_low)
    third, third_low = series.in_parts(Fraction(1, 3), 53, 53)
    # log = 2s (1 + z (1/3 + z (1/5 + ...)))
    t, t_low = two_sum(x.like(third), z * _sum(series.late_log_term, z, 0.0, 0.0295))
    t_low = t_low + third_low
    q, q_low = two_product(z, t)
    q_low = fma(z, t_low, fma(z_low, t, q_low))
    p, p_low = two_product(s, q)
    p_low = fma(s, q_low, fma(s_low, q, p_low))
    total, lost = two_sum(s, p)
    lost = lost + (s_low + p_low)
    ln2, ln2_low = series.in_parts(LN2, 40, 53)
    k = k.to_float()
    high, low = two_sum(k * ln2, total * 2.0)
    low = fma(k, ln2_low, fma(lost, 2.0, low))
    total = high + low
    return total, low - (total - high)


def _log_to_base(x: Number, unit: Fraction) -> Number:
    """log(x) * unit, to almost half an ulp: the logarithm of the mantissa is known in two parts."""
    k, m = _as_power(x)
    f = m - 1.0
    half = f * f * 0.5
    high = f - half
    low = (f - high - half) + _log_rest(f, half)
    (one, one_low), (two, two_low) = _parts(x, unit), _parts(x, unit * LN2, short=True)
    product, lost = two_product(high, one)
    k = k.to_float()
    whole = k * two
    total = whole + product
    lost = lost + (whole - total + product) + fma(k, two_low, fma(high, one_low, low * one))
    return _at_the_ends(x, total + lost)


def log2(x: Number) -> Number:
    """The logarithm to base 2."""
    return _log_to_base(x, 1 / LN2)


def log10(x: Number) -> Number:
    """The logarithm to base 10."""
    return _log_to_base(x, 1 / LN10)


def power(x: Number, y: Number) -> Number:
    """x to the power of y."""
    size = abs(x)
    if x.double:
        high, low = _long_log(size)
        product, lost = two_product(y, _at_the_ends(size, high))
        lost = where(abs(product) < 800.0, fma(y, low, lost), 0.0)
        n, r = _without_powers(product)
        result = _scaled(_exp_less_one(r + lost) + 1.0, n.to_int())
    else:
        result = exp(y.wide() * log(size.wide())).narrow()
    whole = rint(y).equals(y)
    odd = whole & rint(y * 0.5).differs(y * 0.5)
    result = where(odd, copysign(result, x), result)
    result = where((x < 0.0) & (x > -math.inf) & rint(y).differs(y), math.nan, result)
    return where(y.equals(0.0) | x.equals(1.0) | (x.equals(-1.0) & abs(y).equals(math.inf)), 1.0, result)


# ---------------------------------------------------------------- the error function


def erf(x: Number) -> Number:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x."""
    size, far = abs(x), 6.0 if x.double else 4.0  # where it is 1
    small = _between(size, 0.0, 1.0)
    near = fma(small, _sum(series.erf_term, small * small, 0.0, 1.0), small)
    exponent = polynomial(_between(size, 1.0, far) - 1.0, series.log_erfc(far - 1.0, 24 if x.double else 8))
    beyond = 1.0 - _near_exp(exponent)
    return copysign(where(size > 1.0, beyond, near), x)


# ---------------------------------------------------------------- sine and cosine


def _sine(x: Number, quarters: int) -> Number:
    """sin(x + quarters * pi / 2)."""
    n, r = quarter_turns(x)
    n = n + quarters
    z = r * r
    sine = fma(r * z, _sum(series.sin_term, z, 0.0, 0.62), r)
    cosine = fma(z, fma(z, _sum(series.cos_term, z, 0.0, 0.62), -0.5), 1.0)
    value = where((n & 1).equals(0), sine, cosine)
    value = where((n & 2).equals(0), value, -value)
    value = where(abs(x) < math.inf, value, math.nan)
    return value if quarters else where(abs(x) < (2.0**-27 if x.double else 2.0**-13), x, value)


def sin(x: Number) -> Number:
    """The sine of x radians, of any size."""
    return _sine(x, 0)


def cos(x: Number) -> Number:
    """The cosine of x radians, of any size."""
    return _sine(x, 1)
