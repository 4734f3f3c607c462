"""The equations for Gaussian entries and any phi: one radial problem a degree of the spherical harmonics.

The law of b and a is rotation invariant and phi(b . a) depends on the angle between them alone, so that the operator
splits by degree l (Funk and Hecke), each part with the multiplicity of the harmonics of degree l in r dimensions, and
the weights w and v depend on the lengths |b| and |a| alone. Each part is kept as U x V^T, its singular functions at
the nodes of a quadrature in the length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rankkit.factors import Array
from rankkit.law.crossings import POWER, crossing_term
from rankkit.law.phase_space import BEYOND, Cells, lengths, phase_space_cells
from rankkit.law.self_consistent import APART, Potential, within_sector

__all__ = ["Part", "Radial", "harmonics", "sine_radial"]

# their overloads leave the type open
inverse_of: Callable[..., Array] = np.linalg.inv
eigenvalues_of: Callable[..., Array] = np.linalg.eigvals

SMALL = 1e-2  # of the smallest square that is asked for: what is below it only adds up
UNSEEN = 1e-8  # of the scale at which the staircase would fill the matrix
MOST_DEGREE = 401  # of the harmonics
MOST_ON_A_LINE = 401  # for r = 1, where all degrees are in one part
REACH = 2.1
ALL_DEGREES = 20  # up to so many are taken one by one
FIRST_DEGREES, FAR_DEGREES = 6, 12
START_FALL = 0.4
NODES, NODES_A_DEGREE = 32, 0.8


@dataclass(frozen=True, eq=False)
class Part:
    """The operator on one degree: sum_k x_k U_k(|b|) V_k(|a|).

    Attributes
    ----------
    multiplicity : float
        How many harmonics have the degree.
    U, V : float arrays, shape (nodes, k)
        Singular functions, orthonormal under the law of the length.
    x : float array, shape (k,)
    """

    multiplicity: float
    U: Array
    x: Array
    V: Array


@dataclass(frozen=True, eq=False)
class Radial:
    """The equations of phi(B A) / sqrt(m n) with Gaussian entries; the unknowns are log w, then log v, at the nodes.

    Attributes
    ----------
    m, n, r : int
    rho, p : float arrays, shape (nodes,)
        Lengths and their probabilities.
    parts : sequence of Part
    beyond : Cells
        What the parts leave out.
    """

    m: int
    n: int
    r: int
    rho: Array
    p: Array
    parts: Sequence[Part]
    beyond: Cells

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.m, self.n)

    @property
    def places(self) -> Array:
        """The lengths of rows, then those of columns."""
        return np.concatenate([self.rho, APART + self.rho])

    @cached_property
    def mass(self) -> Array:
        """Half the probability of each node, for rows and for columns."""
        return np.concatenate([self.p, self.p]) / 2

    def inside(self, unknowns: Array, z: complex) -> Array:
        """Return the nearest unknowns at which the solution may lie."""
        return within_sector(unknowns, z)

    def start(self, z: complex) -> Array:
        """Return log w = log v = 0, where all values are far below z."""
        return np.zeros(2 * self.p.size, dtype=np.complex128)

    def improve(self, unknowns: Array, z: complex) -> Array:
        """Return log w and log v from the leverages that they imply."""
        w, v = np.split(np.exp(unknowns), 2)
        row, column = self.beyond.leverages(w, v, z)
        row, column = row / self.p, column / self.p
        for part in self.parts:
            B, D = _gram(part.U, self.p * w), _gram(part.V, self.p * v)
            C = part.x[:, None] * D * part.x
            inverse = inverse_of(B @ C + z * np.eye(part.x.size))
            row += part.multiplicity * _diagonal(part.U, C @ inverse)
            column += part.multiplicity * _diagonal(part.V * part.x, inverse @ B)
        return -np.concatenate([np.log1p(row / self.m), np.log1p(column / self.n)])

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F and sum s^2 / (s^2 + z)."""
        w, v = np.split(np.exp(unknowns), 2)
        value, effective = self.beyond.potential(w, v, z)
        seen = self.beyond.leverages(w, v, z)
        shares = [here / self.p for here in seen]  # of each row and column, and their shares squared
        squares = [here / self.p for here in self.beyond.second(w, v, z)]
        for part in self.parts:
            B, D = _gram(part.U, self.p * w), _gram(part.V, self.p * v)
            C = part.x[:, None] * D * part.x
            inverse = inverse_of(B @ C + z * np.eye(part.x.size))
            values = eigenvalues_of(B @ C)
            value += part.multiplicity * np.sum(np.log1p(values / z))
            effective += part.multiplicity * np.sum(values / (values + z))
            for at, functions, middle, gram in (
                (0, part.U, C @ inverse, B),
                (1, part.V, part.x[:, None] * (inverse @ B) * part.x, D),
            ):
                shares[at] = shares[at] + part.multiplicity * _diagonal(functions, middle)
                squares[at] = squares[at] + part.multiplicity * _diagonal(functions, middle @ gram @ middle)
        crossings = 0j
        for size, weight, log, share, square in zip(
            (self.m, self.n), (w, v), np.split(unknowns, 2), shares, squares, strict=True
        ):
            value += size * np.sum(self.p * (weight - 1 - log))
            crossings += crossing_term(size, self.r, 1.0, complex(np.sum(self.p * square / share * (1 - weight) ** POWER)))
        return Potential(complex(value), complex(effective), crossings)


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
        t = np.clip((degree / self.end - START_FALL) / (1 - START_FALL), 0.0, 1.0)
        return np.where(degree < self.last + 1, 1 - t**3 * (10 - 15 * t + 6 * t**2), 0.0)


def harmonics(r: int, degree: int) -> float:
    """Return how many independent harmonics of a degree there are in r dimensions."""
    if r == 1:
        return 1.0 if degree <= 1 else 0.0
    if degree == 0:
        return 1.0
    log = math.lgamma(degree + r - 2) - math.lgamma(degree + 1) - math.lgamma(r - 1)
    return (2 * degree + r - 2) * math.exp(log)


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
    nodes = int(NODES + NODES_A_DEGREE * ends.last)
    rho, p = lengths(r, nodes)
    density = p / (0.5 * (math.sqrt(r) + BEYOND) * np.polynomial.legendre.leggauss(nodes)[1])
    scale = math.sqrt(root / 2)  # y = scale rho makes the singular functions Laguerre's
    spread = np.sqrt(scale / density)
    parts: list[Part] = []
    for here, many in zip(*_degrees(r, ends.last), strict=True):
        U = spread[:, None] * _laguerre((scale * rho) ** 2, here + r / 2 - 1, (ends.last - here) // 2 + 1)
        power = here + 2 * np.arange(float(U.shape[1]))
        parts.append(Part(many, U, ends.kept(power) * np.exp(0.5 * first + power * math.log(q)), U * (-1.0) ** np.arange(U.shape[1])))
    # a function of degree l lies in phase space where y^2 + y'^2 = 2 l + r
    square = (scale * rho) ** 2
    beyond = 1 - ends.kept((np.add.outer(square, square) - r) / 2) ** 2
    return Radial(m, n, r, rho, p, parts, phase_space_cells(rho, p, c, r, beyond, _left(first, q, r, ends)))


def _left(first: float, q: float, r: int, ends: Ends) -> float:
    """Return sum lambda^2 over what the parts do not keep."""
    degree = 1.0 + 2.0 * np.arange(ends.last + 40 / -math.log(q))
    return float(np.sum((1 - ends.kept(degree) ** 2) * np.exp(first + 2 * degree * math.log(q) + _log_many(degree, r))))


def _degrees(r: int, last: int) -> tuple[list[int], list[float]]:
    """Return degrees of harmonics, and how many functions of the sphere each of them stands for."""
    if r == 1:
        return [1], [1.0]
    every = np.arange(1, last + 1, 2)
    many = np.array([harmonics(r, int(degree)) for degree in every])
    if every.size <= ALL_DEGREES:
        return every.tolist(), many.tolist()
    far, count = every[FIRST_DEGREES:], many[FIRST_DEGREES:]
    at = 2 * (far - far[0]) / (far[-1] - far[0]) - 1
    wanted = -np.cos(np.pi * np.arange(FAR_DEGREES) / (FAR_DEGREES - 1))
    chosen = np.unique(np.abs(at[:, None] - wanted).argmin(axis=0))
    polynomials = np.polynomial.chebyshev.chebvander(at, chosen.size - 1)
    weights = np.linalg.solve(polynomials[chosen].T, polynomials.T @ count)
    return [*every[:FIRST_DEGREES].tolist(), *far[chosen].tolist()], [*many[:FIRST_DEGREES].tolist(), *weights.tolist()]


def _ends(first: float, q: float, r: int, limit: int, least: float) -> Ends:
    """Return up to which degree functions are listed, and from where on their parts fall."""
    degree = np.arange(1, MOST_ON_A_LINE if r == 1 else MOST_DEGREE, 2, dtype=np.float64)
    square = first + 2 * degree * math.log(q)
    log_many = _log_many(degree, r)
    low, high = -100.0, 10.0
    for _ in range(60):  # log y with sum lambda^2 / (lambda^2 + y) = limit
        middle = 0.5 * (low + high)
        full = np.sum(np.exp(np.minimum(log_many - np.logaddexp(0.0, middle - square), 700.0))) > limit
        low, high = (middle, high) if full else (low, middle)
    seen = np.sum(square > max(math.log(UNSEEN) + low, math.log(SMALL * least)))
    filled = np.sum(np.cumsum(np.exp(np.minimum(log_many, 700.0))) < limit)
    end = REACH * (2 * float(filled) + 1)
    last = min(float(degree[max(seen, 1) - 1]), end)
    return Ends(int(last - 1) // 2 * 2 + 1, end)


def _log_many(degree: Array, r: int) -> Array:
    """Return the log of how many functions there are of each total degree."""
    from scipy.special import gammaln

    return gammaln(degree + r) - gammaln(degree + 1) - gammaln(r)


def _laguerre(u: Array, alpha: float, count: int) -> Array:
    """Return Laguerre functions of y = sqrt(u), orthonormal in y^2 / u^(1/2), shape (nodes, count)."""
    found = np.empty((u.size, count))
    found[:, 0] = math.sqrt(2) * np.exp((alpha / 2 + 0.25) * np.log(u) - u / 2 - math.lgamma(alpha + 1) / 2)
    before = np.zeros(u.size)
    for k in range(count - 1):
        grown = (2 * k + 1 + alpha - u) * found[:, k] - math.sqrt(k * (k + alpha)) * before
        before = found[:, k]
        found[:, k + 1] = grown / math.sqrt((k + 1) * (k + 1 + alpha))
    return found


def _gram(functions: Array, weight: Array) -> Array:
    """Return functions^T weight functions; two real products are faster than one complex one."""
    both = np.stack([weight.real, weight.imag])[:, None, :] * functions.T
    grams = both.reshape(-1, len(functions)) @ functions
    return grams[: functions.shape[1]] + 1j * grams[functions.shape[1] :]


def _diagonal(functions: Array, middle: Array) -> Array:
    """Return the diagonal of functions middle functions^T."""
    both = functions @ np.concatenate([middle.real, middle.imag], axis=1)
    count = functions.shape[1]
    real, imaginary = (np.einsum("gk,gk->g", half, functions) for half in (both[:, :count], both[:, count:]))
    return real + 1j * imaginary
