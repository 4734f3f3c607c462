"""Two coupled fixed-point equations of a sampled staircase, solved by Newton's method just above the real axis.

The unknowns are d (for the m rows) and e (for the n columns). With leverages g of mean one, U(d) = mean of
g d / (1 + g d), alpha(d) = U(d) / d and N(y) = sum lambda^2 / (lambda^2 + y), they solve

    m U(d) = n U(e) = N(y),    y = z / (alpha(d) alpha(e)),    z = -tau^2 + 0 i.

Equal leverages g = 1 give d = U / (1 - U) and z = y (1 - N / m) (1 - N / n). The solution is followed from far above
the real axis, where it is known, down to BLUR tau^2 above it. The unknowns are log d and log e, and where U is near one
the equations are written in 1 - U: where the matrix is saturated, d or e is huge and still has its relative accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rankkit.factors import Array

__all__ = ["Sampled", "Solution", "solve"]

where: Callable[..., Array] = np.where  # its many overloads leave the type open

BLUR = 1e-5  # imaginary part of z at the end, relative to its size
FAR = 30.0  # imaginary part of z at the start, relative to the edge of the spectrum
FALL = 0.05  # what the imaginary part falls to in one stage; where Newton's method fails, its root, from the start on
SLOWEST = 0.95  # where even stages as small as this fail, there is no answer
LOOSE, TIGHT = 0.1, 1e-7  # of log d and log e, the last Newton step on the way and at the end (where it converges)
NEWTON = 25  # steps of a stage
STAGES = 5000  # far more than any threshold above 1e-14 sigma_1 takes
REACH = 1.5  # longest step of log d or log e


@dataclass(frozen=True, eq=False)
class Sampled:
    """The staircase lambda^2 = x with multiplicities w, and the sizes it is sampled at.

    Attributes
    ----------
    x, w : float arrays, shape (steps,)
        Squared values, descending, and their multiplicities.
    tail : float
        sum lambda^2 of values far below all that is asked for.
    m, n : int
        Rows and columns.
    """

    x: Array
    w: Array
    tail: float
    m: int
    n: int

    @property
    def energy(self) -> float:
        """Sum of all lambda^2."""
        return float(np.sum(self.w * self.x)) + self.tail

    def count(self, y: Array) -> tuple[Array, Array]:
        """Return N(y) and -y dN/dy, each (k,)."""
        part = 1.0 / (self.x[:, None] + y)
        weighted = (self.w * self.x)[:, None] * part
        return np.sum(weighted, axis=0) + self.tail / y, y * np.sum(weighted * part, axis=0) + self.tail / y


@dataclass(frozen=True, eq=False)
class Solution:
    """The equations' solution at thresholds tau (k,).

    Attributes
    ----------
    d, e, y : complex arrays, shape (k,)
    """

    d: Array
    e: Array
    y: Array


@dataclass(frozen=True, eq=False)
class _Averages:
    """Means over the leverages: alpha = g / (1 + g d), rest = 1 / (1 + g d) = 1 - U, slope = dU / dlog d."""

    alpha: Array
    rest: Array
    slope: Array

    @classmethod
    def of(cls, d: Array, g: Array) -> _Averages:
        """Return the averages at d (k,) for leverages g (count, k)."""
        part = 1.0 / (1.0 + g * d)
        weighted = g * part
        return cls(np.mean(weighted, axis=0), np.mean(part, axis=0), d * np.mean(weighted * part, axis=0))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # a NaN does not converge
def solve(sampled: Sampled, squares: Array, g: Array) -> Solution:
    """Return (d, e, y) at z = -squares + 0 i.

    Parameters
    ----------
    sampled : Sampled
    squares : float array, shape (k,)
        tau^2 > 0. Each is solved for by itself: the others change nothing.
    g : float array, shape (count, k)
        Leverages of mean one.

    Raises
    ------
    ArithmeticError
        If Newton's method does not converge however small the stages are: better no number than a wrong one.
    """
    if sampled.m < sampled.n:  # the equations are symmetric, and in this order 1 - U(e) keeps its accuracy
        turned = solve(Sampled(sampled.x, sampled.w, sampled.tail, sampled.n, sampled.m), squares, g)
        return Solution(turned.e, turned.d, turned.y)
    energy, m, n = sampled.energy, sampled.m, sampled.n
    last = BLUR * squares
    far = FAR * (float(sampled.x[0]) + energy * (1 / m + 1 / n)) + squares
    start = np.log(energy / m / (-squares + 1j * far))
    at, u, v = far.copy(), start.copy(), start + math.log(m / n)
    fall = np.full(squares.size, FALL)
    left = np.arange(int(squares.size))  # the thresholds that are still on their way
    for _ in range(STAGES):
        eta = np.maximum(at[left], last[left])
        final = eta <= last[left]
        found = _newton(sampled, -squares[left] + 1j * eta, u[left], v[left], g[:, left], where(final, TIGHT, LOOSE))
        good, bad = left[found.good], left[~found.good]
        u[good], v[good], at[good] = found.u[found.good], found.v[found.good], fall[good] * eta[found.good]
        fall[bad] = np.sqrt(fall[bad])
        if np.any(fall[bad] > SLOWEST):
            left = bad[fall[bad] > SLOWEST]
            break
        u[bad], v[bad], at[bad] = start[bad], start[bad] + math.log(m / n), far[bad]
        left = left[~(found.good & final)]
        if not left.size:
            d, e = np.exp(u), np.exp(v)
            return Solution(d, e, (-squares + 1j * last) / (_Averages.of(d, g).alpha * _Averages.of(e, g).alpha))
    first = float(np.sqrt(squares[left[0]] / sampled.x[0]))
    raise ArithmeticError(
        f"the predicted spectrum of a {m} x {n} update did not converge at {left.size} of {squares.size} thresholds, "
        f"the first {first:.3g} of the largest value; change omega a little."
    )


@dataclass(frozen=True, eq=False)
class _Reached:
    """Where Newton's method came to, and where it converged."""

    u: Array
    v: Array
    good: Array


def _newton(sampled: Sampled, z: Array, u: Array, v: Array, g: Array, tolerance: Array) -> _Reached:
    """Return log d and log e at z (k,) from a start near them; each stops once a full step is within its tolerance."""
    u, v, open_ = u.copy(), v.copy(), np.arange(int(z.size))
    for _ in range(NEWTON):
        here_u, here_v = u[open_], v[open_]
        step_u, step_v = _step(sampled, z[open_], here_u, here_v, g[:, open_])
        size = np.maximum(np.abs(step_u), np.abs(step_v))
        share = REACH / np.maximum(size, REACH)
        u[open_] = _inside(here_u, here_u - share * step_u, z[open_])
        v[open_] = _inside(here_v, here_v - share * step_v, z[open_])
        open_ = open_[~(size <= tolerance[open_])]  # a NaN is not within it
        if not open_.size:
            break
    good = np.ones(z.size, dtype=bool)
    good[open_] = False
    return _Reached(u, v, good)


def _step(sampled: Sampled, z: Array, u: Array, v: Array, g: Array) -> tuple[Array, Array]:
    """Return the Newton step (to be subtracted) of log d and log e for m U(d) = n U(e) and n U(e) = N(y)."""
    m, n = sampled.m, sampled.n
    d, e = np.exp(u), np.exp(v)
    rows, columns = _Averages.of(d, g), _Averages.of(e, g)
    U, V = d * rows.alpha, e * columns.alpha
    N, fall = sampled.count(z / (rows.alpha * columns.alpha))
    between = where(np.abs(U) > 0.5, (m - n) - (m * rows.rest - n * columns.rest), m * U - n * V)
    miss = n * V - N
    # d log alpha / d log d = slope / U - 1, which moves y and so N
    by_u, by_v = -(rows.slope / U - 1) * fall, n * columns.slope - (columns.slope / V - 1) * fall
    det = m * rows.slope * by_v + n * columns.slope * by_u
    return (between * by_v + miss * n * columns.slope) / det, (m * rows.slope * miss - by_u * between) / det


def _inside(at: Array, to: Array, z: Array) -> Array:
    """Return log d after a step, with -arg z < arg d < 0: an argument beyond it stops half way to the boundary.

    d is the integral of 1 / (t + z) over a measure of t >= 0, up to a factor, and so lies there; beyond it lie other
    solutions. The argument alone is held back: it may be far smaller than the rounding error of a step, which must not
    stop the modulus.
    """
    least = -np.angle(z)
    low, high = 0.5 * (at.imag + least), 0.5 * at.imag
    return to.real + 1j * where(to.imag >= 0, high, where(to.imag <= least, low, to.imag))
