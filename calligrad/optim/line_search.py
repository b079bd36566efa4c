"""A step length along a line, by the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

ENOUGH = 1e-4  # of the slope's promise, by which the loss must have fallen
FLAT = 0.9  # of the slope at the start, below which the slope must be
EDGE = 0.1  # of a bracket: a guess as near to its end is a poor one


class Point(NamedTuple):
    """A place on the line: how far, the loss there, the gradient and the slope along the line."""

    t: float
    loss: float
    gradient: Any
    slope: float


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, length: float, tolerance: float, calls: int
) -> tuple[Point, int]:
    """A point where the loss is low enough and flat enough, and how often ``at`` was called.

    ``at(t)`` is the point at ``t``, ``start`` that at 0 and ``t`` the first guess; ``length`` is the largest number of
    the direction, and a bracket of less than ``tolerance`` / ``length`` ends the search, as ``calls`` calls do.

    Nocedal and Wright, "Numerical optimization", 2nd edition, algorithms 3.5 and 3.6, with the safeguards of
    Schmidt's minFunc; the same points as PyTorch's.
    """

    def is_high(point: Point) -> bool:
        return point.loss > start.loss + ENOUGH * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -FLAT * start.slope

    before, point, used = start, at(t), 0
    while used < calls:  # widen until there is a minimum in between
        if is_high(point) or (used > 1 and point.loss >= before.loss):
            break
        if is_flat(point):
            return point, used + 1
        if point.slope >= 0:
            break
        guess = cubic_minimum(before, point, (point.t + 0.01 * (point.t - before.t), point.t * 10))
        before, point, used = point, at(guess), used + 1
    else:
        before = start
    low, high = (before, point) if before.loss <= point.loss else (point, before)

    is_stuck = False
    while used < calls and high.t != low.t and abs(high.t - low.t) * length >= tolerance:  # narrow
        left, right = sorted((low.t, high.t))
        t = cubic_minimum(low, high, (left, right))
        edge = EDGE * (right - left)
        if min(right - t, t - left) >= edge:
            is_stuck = False
        elif is_stuck or not left < t < right:
            t = right - edge if abs(t - right) < abs(t - left) else left + edge
            is_stuck = False
        else:
            is_stuck = True
        new, used = at(t), used + 1
        if is_high(new) or new.loss >= low.loss:
            high = new
            if high.loss < low.loss:
                low, high = high, low
        else:
            if is_flat(new):
                return new, used + 1
            if new.slope * (high.t - low.t) >= 0:
                high = low
            low = new
    return low, used + 1


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """Where the cubic through two points with these slopes is lowest, within ``bounds``; else their middle."""
    if a.t > b.t:
        a, b = b, a
    if a.t == b.t:  # the search has shrunk to a point
        return a.t
    middle = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    under = middle * middle - a.slope * b.slope
    if not under >= 0:
        return (bounds[0] + bounds[1]) / 2
    root = math.sqrt(under)
    lowest = b.t - (b.t - a.t) * ((b.slope + root - middle) / (b.slope - a.slope + 2 * root))
    return min(max(lowest, bounds[0]), bounds[1])
