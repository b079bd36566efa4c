"""Power series cut short: the polynomials of ``math.py``, and its constants, from exact fractions.

A table of coefficients that somebody once computed is hard to trust. Here each comes from the definition of its
function, for the precision that is asked for, in a few milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache

# ---------------------------------------------------------------- constants


def _atan_of_inverse(n: int, digits: int) -> int:
    """The arc tangent of 1 / n, times 2**digits."""
    term = total = (1 << digits) // n
    k = 1
    while term:
        term //= -n * n
        k += 2
        total += term // k
    return total


@cache
def pi(digits: int) -> Fraction:
    """So many binary digits of pi, by Machin's formula.

    >>> float(pi(60))
    3.141592653589793
    """
    more = digits + 32
    return Fraction(16 * _atan_of_inverse(5, more) - 4 * _atan_of_inverse(239, more), 1 << more)


def _log_of_ratio(n: int) -> Fraction:
    """The logarithm of (n + 1) / (n - 1)."""
    return sum((Fraction(2, (2 * k + 1) * n ** (2 * k + 1)) for k in range(70)), Fraction(0))


LN2 = _log_of_ratio(3)
LN10 = 3 * LN2 + _log_of_ratio(9)  # 10 = 8 * 5/4
TWO_OVER_ROOT_PI = Fraction(math.isqrt(int(4 / pi(400) * 4**200)), 2**200)


def in_parts(x: Fraction, *digits: int) -> list[float]:
    """Floats of so many binary digits each, whose sum is x: each is the nearest to what the ones before leave.

    >>> from fractions import Fraction
    >>> in_parts(Fraction(1, 3), 3, 3)
    [0.3125, 0.01953125]
    """
    parts = []
    for count in digits:
        unit = Fraction(2) ** (math.frexp(x)[1] - count)
        parts.append(float(round(x / unit) * unit))
        x -= Fraction(parts[-1])
    return parts


# ---------------------------------------------------------------- polynomials


def economised(series: Sequence[Fraction], low: Fraction, high: Fraction, error: float) -> list[Fraction]:
    """A short polynomial this near to another one (its coefficients, the constant first) between two numbers.

    The last coefficient goes as long as it may: the Chebyshev polynomial of that degree, so scaled that it has the same
    last coefficient, is taken away, which nowhere changes the value by more than its height.

    Lanczos, "Applied Analysis", 1956, chapter VII.

    >>> from fractions import Fraction
    >>> [float(c) for c in economised([Fraction(1), Fraction(0), Fraction(1, 2)], Fraction(-1), Fraction(1), 0.25)]
    [1.25]
    """
    centre, half = (low + high) / 2, (high - low) / 2
    waves = [[Fraction(1)], [-centre / half, 1 / half]]
    while len(waves) < len(series):
        doubled = _times([-2 * centre / half, 2 / half], waves[-1])
        waves.append([a - b for a, b in zip(doubled, [*waves[-2], Fraction(0), Fraction(0)])])
    kept, left = list(series), Fraction(error)
    while True:
        wave = waves[len(kept) - 1]
        height = kept[-1] / wave[-1]
        left -= abs(height)
        if left < 0:
            return kept
        kept = [a - height * b for a, b in zip(kept, wave)][:-1]


def _times(a: Sequence[Fraction], b: Sequence[Fraction]) -> list[Fraction]:
    product = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[i + j] += x * y
    return product


@cache
def coefficients(term: Callable[[int], Fraction], low: float, high: float, double: bool) -> tuple[float, ...]:
    """Of a polynomial that is the sum of ``term(k) * x**k`` for x between two numbers, to float64 or float32."""
    error, reach = 2.0**-57 if double else 2.0**-28, max(-low, high)
    exact: list[Fraction] = []
    while not exact or abs(exact[-1]) * Fraction(reach) ** len(exact) > error / 1000:
        exact.append(Fraction(round(term(len(exact)) * 2**140), 2**140))  # short fractions are fast
    return tuple(map(float, economised(exact, Fraction(low), Fraction(high), error)))


def exp_term(k: int) -> Fraction:
    """exp(x) = 1 + x + x**2 times the sum."""
    return Fraction(1, math.factorial(k + 2))


def log_term(k: int) -> Fraction:
    """log((1 + x) / (1 - x)) = 2 x + x**3 times the sum, in x**2."""
    return Fraction(2, 2 * k + 3)


def late_log_term(k: int) -> Fraction:
    """log((1 + x) / (1 - x)) = 2 x (1 + x**2 / 3 + x**4 times the sum, in x**2)."""
    return Fraction(1, 2 * k + 5)


def sinh_term(k: int) -> Fraction:
    """sinh(x) = x + x**3 times the sum, in x**2."""
    return Fraction(1, math.factorial(2 * k + 3))


def sin_term(k: int) -> Fraction:
    """sin(x) = x + x**3 times the sum, in x**2."""
    return (-1) ** (k + 1) * sinh_term(k)


def cos_term(k: int) -> Fraction:
    """cos(x) = 1 - x**2 / 2 + x**4 times the sum, in x**2."""
    return Fraction((-1) ** k, math.factorial(2 * k + 4))


@cache
def tanh_term(k: int) -> Fraction:
    """tanh(x) = x + x**3 times the sum, in x**2; from tanh' = 1 - tanh**2."""
    earlier = [Fraction(1), *map(tanh_term, range(k))]
    return -sum((a * b for a, b in zip(earlier, reversed(earlier))), Fraction(0)) / (2 * k + 3)


def erf_term(k: int) -> Fraction:
    """erf(x) = x + x times the sum, in x**2."""
    return TWO_OVER_ROOT_PI * Fraction((-1) ** k, math.factorial(k) * (2 * k + 1)) - (k == 0)


def erfc(x: Decimal) -> Decimal:
    """1 - erf(x), by the power series of erf, in Decimal's precision; the sum loses some 16 digits at x = 6."""
    term = x * TWO_OVER_ROOT_PI.numerator / TWO_OVER_ROOT_PI.denominator
    total, k = Decimal(1), 0
    while abs(term) > Decimal(10) ** -60:
        total -= term / (2 * k + 1)
        k += 1
        term *= -x * x / k
    return total


@cache
def log_erfc(reach: float, degree: int) -> tuple[float, ...]:
    """Coefficients of a polynomial that is log(1 - erf(1 + x)) for x from 0 to ``reach``.

    It goes through the values at Chebyshev's points: divided differences give it in Newton's form, which is multiplied
    out. All of this takes more digits than floats have.
    """
    with localcontext() as context:
        context.prec = 70
        angles = (math.pi * (j + 0.5) / (degree + 1) for j in range(degree + 1))
        cosines = (Decimal(round(math.cos(angle), 9)) for angle in angles)  # the same with any mathematics library
        points = [Decimal(reach) / 2 * (1 - cosine) for cosine in cosines]
        values = [erfc(1 + point).ln() for point in points]
        for order in range(1, degree + 1):
            for j in range(degree, order - 1, -1):
                values[j] = (values[j] - values[j - 1]) / (points[j] - points[j - order])
        polynomial: list[Decimal] = []
        for value, point in zip(reversed(values), reversed(points)):  # polynomial * (x - point) + value
            zero = Decimal(0)
            polynomial = [a - point * b for a, b in zip([zero, *polynomial], [*polynomial, zero])]
            polynomial[0] += value
        return tuple(map(float, polynomial))
