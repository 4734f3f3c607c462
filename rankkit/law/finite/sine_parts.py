"""The parts of a sine with Gaussian entries: Laguerre's functions of the length, degree by degree of the harmonics.

exp(i c b . a) maps each product of a harmonic and a Laguerre function to itself (Mehler's expansion), and the sine is
its part of odd degrees. Which degrees and lengths are taken follows from the size of the matrix and from the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rankkit.factors import Array
from rankkit.law.finite.parts import Part
from rankkit.law.finite.phase_space import lengths, phase_space_cells, spacing, span
from rankkit.law.finite.radial import Radial, harmonics

__all__ = ["sine_radial"]

solution_of: Callable[..., Array] = np.linalg.solve  # its overloads leave the type open

SMALL = 1e-2  # of the smallest square that is asked for: what is below it only adds up
HALVINGS = 32  # of the range of log y, to 1e-7
UNSEEN = 1e-8  # of the scale at which the staircase would fill the matrix
MOST_DEGREE = 401  # of the harmonics
MOST_ON_A_LINE = 501  # for r = 1, where all degrees are in one part
# times the degree that fills the matrix, by r (from 3 on the same): where the parts end, and where they begin to fall.
# Ends further out change counts by less than 0.35 % of d for r <= 4
REACH = (0.0, 2.1, 2.1, 3.0)
START_FALL = 0.4  # of that end
# of more odd degrees, so many nodes in (l + SHIFT last)^2 stand for all where the last is up to LARGE and beyond, and
# MORE where the smallest square is below DEEP of the largest
DEGREES, MORE, LARGE, DEEP, SHIFT = (28, 20), 2, 100, 1e-9, 0.2
# of the draft from which weights are solved for r = 2: F is stationary in them. For r = 3, where there are few degrees,
# it would change counts by up to 0.17 % of d. With all this, counts of six curves with r = 2 are within 0.053 % of d of
# all degrees for both, and those of random settings within 0.015 %
DRAFT = (20, 12)
GONE = 1e-10  # of a function's norm: lengths that hold less of all functions of a degree are left out
# of the lengths, for products of two functions: on the whole range, and for each degree where the functions are, on a
# line and else; twice as many change counts by 0.02 and 0.05 % of d
NODES, NODES_A_DEGREE = 28, (0.7, 0.5)
TOGETHER = 8  # numbers of nodes are multiples of it: frequencies nearby share a quadrature


@dataclass(frozen=True)
class Ends:
    """Up to which total degree functions are listed.

    A sharp end would couple rows that lie far apart, so that parts fall smoothly where their values still count.

    Attributes
    ----------
    last : int
        The last degree.
    end : float
        Where the fall ends, at least `last`.
    """

    last: int
    end: float

    def kept(self, degree: Array) -> Array:
        """Return the share of a singular value of total degree `degree` that is kept."""
        return np.where(degree < self.last + 1, self._fall(degree), 0.0)

    def kept_between(self, degree: Array) -> Array:
        """Return that share of functions whose degrees go on by twos from any number, so that none appears at once."""
        return self._fall(degree) * np.sqrt(np.clip(1 - (degree - self.last) / 2, 0.0, 1.0))

    def _fall(self, degree: Array) -> Array:
        t = np.clip((degree / self.end - START_FALL) / (1 - START_FALL), 0.0, 1.0)
        return 1 - t**3 * (10 - 15 * t + 6 * t**2)


def sine_radial(c: float, r: int, *, m: int, n: int, least: float) -> Radial:
    """Return the equations of sin(c b . a) with standard normal b and a.

    The singular functions are Laguerre's, with the values mu_0^(r-1) mu_(l + 2k) of Mehler's expansion.

    Parameters
    ----------
    c : float
        Frequency, radians.
    r, m, n : int
    least : float
        The smallest s^2 that is asked for.
    """
    root = math.sqrt(1 + 4 * c * c)
    q = 2 * c / (1 + root)
    first = r * math.log(2 / (1 + root))  # log mu_0^(2 r)
    ends = _ends(first, q, r, min(m, n), least)
    scale = math.sqrt(root / 2)  # y = scale rho makes the singular functions Laguerre's
    nodes = _nodes(scale, r, ends.last)
    rho, p = lengths(r, nodes)
    y, spread = scale * rho, np.sqrt(scale * spacing(r, nodes) / p)

    def parts(count: int) -> list[Part]:
        degrees, multiplicities = _degrees(r, ends.last, count)
        found: list[Part] = []
        functions = _laguerre(y**2, np.array(degrees) + r / 2 - 1, ends.last // 2 + 1)
        for here, many, every in zip(degrees, multiplicities, functions, strict=True):
            power = np.arange(here, ends.last + 2, 2)
            x = ends.kept_between(power) * np.exp(0.5 * first + power * math.log(q))
            shown = spread[:, None] * every[: x.size].T
            reached = np.flatnonzero(np.max(np.sqrt(p)[:, None] * np.abs(shown), axis=1) > GONE)
            found.append(Part(many, shown[: 1 + reached[-1]], np.resize([1.0, -1.0], x.size) * x))
        return found

    # a function of degree l lies in phase space where y^2 + y'^2 = 2 l + r
    beyond = 1 - ends.kept((np.add.outer(y**2, y**2) - r) / 2) ** 2
    cells = phase_space_cells(rho, p, c, r, beyond, _left(first, q, r, ends))
    large, deep = ends.last > LARGE, math.log(least / DEEP) < first + 2 * math.log(q)
    draft = Radial(m, n, r, rho, p, parts(DRAFT[large]), cells) if r == 2 and ends.last > 2 * DRAFT[large] else None
    return Radial(m, n, r, rho, p, parts(DEGREES[large] + MORE * deep), cells, draft)


def _nodes(scale: float, r: int, last: int) -> int:
    """Return how many nodes resolve the functions of degree `last`, which end at y^2 = 2 last + r."""
    low, half = span(r)
    taken = min(1.0, (math.sqrt(2 * last + r) / scale - low) / (2 * half))  # of the range
    return -(-int(NODES + NODES_A_DEGREE[r > 1] * last / taken) // TOGETHER) * TOGETHER


def _left(first: float, q: float, r: int, ends: Ends) -> float:
    """Return sum lambda^2 over what the parts do not keep."""
    degree = 1.0 + 2.0 * np.arange(ends.last + 40 / -math.log(q))
    return float(np.sum((1 - ends.kept(degree) ** 2) * np.exp(first + 2 * degree * math.log(q) + _log_many(degree, r))))


def _degrees(r: int, last: int, count: int) -> tuple[list[float], list[float]]:
    """Return `count` degrees of harmonics or all, and how many functions of the sphere each of them stands for.

    Parts change smoothly with the degree l, also between whole numbers, so that a sum over many degrees is taken by
    Gauss's rule of that sum. Its nodes lie near to each other at both ends; a square as the variable spares those at
    the low end, where the parts are largest.
    """
    if r == 1:
        return [1.0], [1.0]
    every = np.arange(1.0, last + 1, 2)
    many = np.array([harmonics(r, int(degree)) for degree in every])
    if every.size <= count:
        return every.tolist(), many.tolist()
    nodes, weights = _gauss((every + SHIFT * last) ** 2, many, count)
    return (np.sqrt(nodes) - SHIFT * last).tolist(), weights.tolist()


def _gauss(at: Array, weight: Array, count: int) -> tuple[Array, Array]:
    """Return `count` nodes and weights with which sums weight @ f(at) are exact for polynomials f of low degree.

    The nodes are eigenvalues of Jacobi's matrix of the polynomials that are orthogonal under the weights (Golub and
    Welsch 1969).
    """
    total = float(np.sum(weight))
    before, here = np.zeros(at.size), np.sqrt(weight / total)
    jacobi = np.zeros((count, count))
    for k in range(count):
        after = at * here
        jacobi[k, k] = here @ after
        after -= jacobi[k, k] * here + (jacobi[k, k - 1] if k else 0.0) * before
        if k + 1 < count:
            jacobi[k, k + 1] = jacobi[k + 1, k] = np.linalg.norm(after)
            before, here = here, after / jacobi[k, k + 1]
    nodes, vectors = np.linalg.eigh(jacobi)
    return nodes, total * vectors[0] ** 2


def _ends(first: float, q: float, r: int, limit: int, least: float) -> Ends:
    """Return up to which degree functions are listed, and from where on their parts fall."""
    degree = np.arange(1, MOST_ON_A_LINE if r == 1 else MOST_DEGREE, 2, dtype=np.float64)
    square = first + 2 * degree * math.log(q)
    log_many = _log_many(degree, r)
    low, high = -100.0, 10.0
    for _ in range(HALVINGS):  # log y with sum lambda^2 / (lambda^2 + y) = limit
        middle = 0.5 * (low + high)
        full = np.sum(np.exp(np.minimum(log_many - np.logaddexp(0.0, middle - square), 700.0))) > limit
        low, high = (middle, high) if full else (low, middle)
    seen = np.sum(square > max(math.log(UNSEEN) + low, math.log(SMALL * least)))
    filled = np.sum(np.cumsum(np.exp(np.minimum(log_many, 700.0))) < limit)
    end = REACH[min(r, 3)] * (2 * float(filled) + 1)
    last = min(float(degree[max(seen, 1) - 1]), end)
    return Ends(int(last - 1) // 2 * 2 + 1, end)


def _log_many(degree: Array, r: int) -> Array:
    """Return the log of how many functions there are of each total degree l, C(l + r - 1, r - 1)."""
    log = np.zeros(degree.size)
    for k in range(1, r):
        log += np.log1p(degree / k)
    return log


def _laguerre(u: Array, alpha: Array, count: int) -> Array:
    """Return Laguerre functions of y = sqrt(u), orthonormal in y^2 / u^(1/2), shape (alpha, count, nodes)."""
    alpha = alpha[:, None]
    found = np.empty((count, alpha.size, u.size))
    scale = np.array([math.lgamma(one + 1) / 2 for one in alpha.flat])[:, None]
    found[0] = math.sqrt(2) * np.exp((alpha / 2 + 0.25) * np.log(u) - u / 2 - scale)
    before = np.zeros(u.size)
    for k in range(count - 1):
        grown = (2 * k + 1 + alpha - u) * found[k] - np.sqrt(k * (k + alpha)) * before
        before = found[k]
        found[k + 1] = grown / np.sqrt((k + 1) * (k + 1 + alpha))
    return np.moveaxis(found, 1, 0)
