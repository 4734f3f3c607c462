"""Where a margin touches zero: the points at which it does, and a neighbourhood on which its Taylor form keeps it up.

Let the margin be zero at x, and let its slopes there not lead down into the domain. Where its second derivatives are
positive definite on a whole neighbourhood, it is not negative there. Where they are not, its rays decide: every point
nearby is x + t d with d on the surface of a box, and along such a ray the margin is c_0 + c_1 t + ... + c_k(s) t^k with
some s in [0, t] (Taylor, Lagrange). That is not negative if c_0, ..., c_(k-1) at x and c_k near x are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, NamedTuple

from rankkit.claims.deadline import Deadline
from rankkit.claims.margins import float_margin
from rankkit.claims.proofs.boxes import BITS, Box, Case, Side, between
from rankkit.claims.proofs.rays import Rays
from rankkit.claims.proofs.terms import UndecidedError

__all__ = ["neighbourhood", "touching"]

ORDER = 8  # the highest coefficient that is looked at
RADII = tuple(Fraction(1, 2**k) for k in range(1, 10))  # of the neighbourhood, in widths of the domain
DIRECTIONS = 200  # boxes of directions of one side of a neighbourhood
POINTS = 12
NEAR = 1e-9
Point = tuple[Fraction, ...]


class Around(NamedTuple):
    """A neighbourhood of a point, with the derivatives of the margin there.

    Attributes
    ----------
    case : Case
        The claim, its integers fixed.
    point : tuple of Fraction
        Where the margin is zero.
    region : tuple of (Fraction, Fraction)
        The neighbourhood, within the domain.
    answers : list of bool
        To the margin's comparisons, which are certain on the whole region.
    slopes, seconds : list
        First derivatives at the point, and the matrices of second ones at the point and on the region.
    """

    case: Case
    point: Point
    region: Box
    answers: list[bool]
    slopes: list[Any]
    seconds: tuple[list[list[Any]], list[list[Any]]]


def touching(case: Case) -> list[Point]:
    """Return points of the domain at which the margin is exactly zero, among its corners.

    Parameters
    ----------
    case : Case
        Whose domain is a box.
    """
    assert case.claim.domain is not None
    found: list[Point] = []
    for instance in case.claim.domain.corners():
        if len(found) == POINTS:
            break
        if any(instance[name] != value for name, value in case.fixed.items()):
            continue
        point = tuple(instance[name][place] if place else instance[name] for name, place in case.names)
        try:
            near = abs(float_margin(case.claim, instance)) <= NEAR
        except (ValueError, ZeroDivisionError):  # the margin is not defined there
            continue
        if not near or point in found:
            continue
        zero = case.value(tuple((x, x) for x in point))
        if zero is not None and zero == 0:
            found.append(point)
    return found


def neighbourhood(case: Case, point: Point, limit: Deadline) -> Box | None:
    """Return a box around a point on which the margin is not negative; None where none is found.

    Parameters
    ----------
    case : Case
        Whose domain is a box.
    point : tuple of Fraction
        Where the margin is zero.
    limit : Deadline
        At which `TimeIsUp` is raised.
    """
    for radius in RADII:
        limit.check()
        region = tuple(
            (max(low, x - radius * (high - low)), min(high, x + radius * (high - low)))
            for x, (low, high) in zip(point, case.sides, strict=True)
        )
        around = _around(case, point, region)
        if around is None:
            continue
        if _convex(around) or all(_not_negative(around, faces, radius, limit) for faces in _faces(case, point)):
            return region
    return None


def _around(case: Case, point: Point, region: Box) -> Around | None:
    """Return the derivatives around a point; None where the margin has none on the region."""
    size = range(len(point))
    axes: list[Box] = [tuple((Fraction(i == k), Fraction(i == k)) for i in size) for k in size]
    answers: list[bool] = []
    if _series(case, region, axes[0], 3, answers, replay=False) is None:
        return None
    here = tuple((x, x) for x in point)
    first = [_series(case, here, axis, 3, answers) for axis in axes]
    seconds = tuple(_second(case, base, axes, answers) for base in (here, region))
    if None in first or None in seconds:
        return None
    return Around(case, point, region, answers, [found[1] for found in first if found], seconds)  # pyright: ignore


def _second(case: Case, base: Box, axes: list[Box], answers: list[bool]) -> list[list[Any]] | None:
    """Return the second derivatives over 2 on a base: by rays along every axis, and along the sum of every two."""
    size = len(axes)
    out: list[list[Any]] = [[None] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            ends = [p[0] + q[0] * (i != j) for p, q in zip(axes[i], axes[j], strict=True)]
            way = tuple((end, end) for end in ends)
            found = _series(case, base, way, 3, answers)
            if found is None:
                return None
            out[i][j] = out[j][i] = found[2]
    for i in range(size):
        for j in range(i):
            out[i][j] = out[j][i] = (out[i][j] - out[i][i] - out[j][j]) / 2
    return out


def _convex(around: Around) -> bool:
    """Return whether no slope at the point leads down into the domain, and the region is convex beyond doubt."""
    for slope, x, (low, high) in zip(around.slopes, around.point, around.case.sides, strict=True):
        if not (slope == 0 or (slope >= 0 and x == low) or (slope <= 0 and x == high)):
            return False
    left = [list(row) for row in around.seconds[1]]
    while left:  # elimination: a symmetric matrix is positive definite where every pivot is positive
        pivot, *rest = left[0]
        if not pivot > 0:
            return False
        left = [[x - row[0] * y / pivot for x, y in zip(row[1:], rest, strict=True)] for row in left[1:]]
    return True


def _faces(case: Case, point: Point) -> Iterator[Box]:
    """Yield the boxes of directions that lead into the domain: one side of the surface each."""
    widths = [high - low for low, high in case.sides]
    ways = [(-w * (x > low), w * (x < high)) for x, w, (low, high) in zip(point, widths, case.sides, strict=True)]
    for axis, (down, up) in enumerate(ways):
        for end in (down, up):
            if end:
                yield (*ways[:axis], (end, end), *ways[axis + 1 :])


def _not_negative(around: Around, directions: Box, radius: Fraction, limit: Deadline) -> bool:
    """Return whether the margin is certainly not negative along every ray of a box of directions."""
    left, done = [directions], 0
    while left:
        limit.check()
        box = left.pop()
        done += 1
        if done > DIRECTIONS:
            return False
        if _along(around, box, radius):
            continue
        widest = max(range(len(box)), key=lambda i: (box[i][1] - box[i][0]) / around.case.width(i))
        low, high = box[widest]
        if low == high:
            return False
        middle = (low + high) / 2
        left += [(*box[:widest], half, *box[widest + 1 :]) for half in ((low, middle), (middle, high))]
    return True


def _along(around: Around, directions: Box, radius: Fraction) -> bool:
    case, point = around.case, around.point
    swept = tuple(_swept(x, side, radius) for x, side in zip(point, directions, strict=True))
    answers: list[bool] = []
    there = _series(case, swept, directions, ORDER + 1, answers, replay=False)
    here = None if there is None else _series(case, tuple((x, x) for x in point), directions, ORDER + 1, answers)
    if there is None or here is None:
        return False
    with Rays.at(BITS, 1) as a:
        d = [between(a, side) for side in directions]
    first = sum((s * x for s, x in zip(around.slopes, d, strict=True)), 0 * d[0])
    second = sum((s * x * y for row, x in zip(around.seconds[0], d) for s, y in zip(row, d)), 0 * d[0])
    exact = {1: first, 2: second} if answers == around.answers else {}
    for k in range(ORDER + 1):
        if there[k] >= 0:
            return True
        if not (here[k] >= 0 or (k in exact and exact[k] >= 0)):
            return False
    return False


def _swept(x: Fraction, side: Side, radius: Fraction) -> Side:
    """Return the interval of x + t d for t in [0, radius] and d in a side."""
    return x + radius * min(side[0], Fraction(0)), x + radius * max(side[1], Fraction(0))


def _series(
    case: Case, base: Box, directions: Box, order: int, answers: list[bool], *, replay: bool = True
) -> list[Any] | None:
    """Return so many coefficients of the margin along all rays from a box in a box of directions."""
    assert case.claim.margin is not None
    with Rays.at(BITS, order, list(answers) if replay else None) as a:
        numbers = [a.ray(between(a, x), between(a, d)) for x, d in zip(base, directions, strict=True)]
        try:
            found = a.of(case.claim.margin(SimpleNamespace(**case.made(numbers)), a))
        except (UndecidedError, ValueError, ZeroDivisionError, StopIteration):
            return None
        if not replay:
            answers += a.answers
        return [found[k] for k in range(order)]
