"""Angles of any size as quarter turns and a rest: what sine and cosine of large numbers depend on.

x / (pi / 2) is wanted to all digits behind the point, and of those before it only the last two. Of the digits of 2 / pi
only those matter, then, that do not give whole turns, times the last digit of x; and about three times as many of them
as x has, for x may come very near to a multiple of pi / 2.

Payne and Hanek, "Radian reduction for trigonometric functions", ACM SIGNUM Newsletter 18, 1983.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

from calligrad.kernels.number import Number, fma, power_of_two, rint, shifted, take, two_product, two_sum, where
from calligrad.kernels.series import pi


def quarter_turns(x: Number) -> tuple[Number, Number]:
    """n (an int) and r, so that x is n quarter turns and r radians, and r at most about pi / 4."""
    if x.double:
        n, part = _long(x)
        return n.to_int(), part * float(pi(60) / 2)
    n, part = _short(x)
    return n.to_int().narrow(), (part * float(pi(60) / 2)).narrow()


def _short(x: Number) -> tuple[Number, Number]:
    """A whole n and a part of at most 1/2, both float64, of a float32: (n + part) pi / 2.

    The first digits of 2 / pi are shifted out, and x gets as much smaller.
    """
    exponent = ((x.bits() >> 23) & 255) - 127
    out = where(exponent > 25, exponent - 25, 0).wide()
    digits = int(2 / pi(300) * 2**256)
    words = [out.like(digits >> 64 * j & 2**64 - 1) for j in (3, 2, 1, 0)]
    first, second, third = (where(out > 63, later, word) for word, later in pairwise(words))
    high, low = shifted(first, second, out), shifted(second, third, out)
    inverse = ((high >> 35) & 2**29 - 1).to_float() * 2.0**-29
    more = ((shifted(high, low, out.like(29)) >> 11) & 2**53 - 1).to_float() * 2.0**-82
    x = x.wide() * power_of_two(-out)
    whole = x * inverse  # exact, of 24 and 29 digits
    n = rint(fma(x, more, whole))
    return n, fma(x, more, whole - n)


@cache
def _columns() -> list[list[float]]:
    """What matters of 2 / pi for a float64, for each exponent from 0 up, in four parts."""
    digits, rows = int(2 / pi(1400) * 2**1300), []
    for exponent in range(1024):
        rest = digits % 2 ** (1302 - max(exponent - 52, 0))  # of what gives whole turns, times the last digit of x
        places = rest.bit_length() - 300
        rest >>= places
        row = []
        for _ in range(4):
            row.append(math.ldexp(float(rest), places - (800 if exponent > 500 else 1300)))
            rest -= int(float(rest))
        rows.append(row)
    return [list(column) for column in zip(*rows)]


def _long(x: Number) -> tuple[Number, Number]:
    """A whole n and a part of at most about 1/2 of a float64: (n + part) pi / 2."""
    exponent = ((x.bits() >> 52) & 2047) - 1023
    exponent = where(exponent < 0, 0, where(exponent > 1023, 1023, exponent))
    parts = [take(f"calligrad.turns.{i}", column, exponent) for i, column in enumerate(_columns())]
    x = where(exponent > 500, x * 2.0**-500, x)
    a, a_low = two_product(x, parts[0])
    b, b_low = two_product(x, parts[1])
    c, c_low = two_product(x, parts[2])
    a = fma(rint(a * 0.25), -4.0, a)
    n = rint(a + (a_low + b))
    part, lost_1 = two_sum(a - n, a_low)
    part, lost_2 = two_sum(part, b)
    low, lost_3 = two_sum(lost_1, lost_2)
    low, lost_4 = two_sum(low, b_low)
    low, lost_5 = two_sum(low, c)
    part, lost_6 = two_sum(part, low)
    return n, part + (lost_6 + (lost_3 + lost_4 + lost_5 + fma(x, parts[3], c_low)))
