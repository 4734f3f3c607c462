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
from rankkit.law.self_consistent import Potential, within_sector

__all__ = ["Part", "Radial", "harmonics", "lengths", "sine_radial"]

# their overloads leave the type open
inverse_of: Callable[..., Array] = np.linalg.inv
eigenvalues_of: Callable[..., Array] = np.linalg.eigvals

SMALL = 1e-2  # of the smallest square that is asked for: what is below it only adds up
UNSEEN = 1e-8  # of the scale at which the staircase would fill the matrix
MOST_DEGREE = 111  # of the harmonics
MOST_ON_A_LINE = 401  # for r = 1, where all degrees are in one part
NODES = 40
BEYOND = 6.5  # lengths are taken up to sqrt(r) + BEYOND: less than 1e-9 of the points lie further out


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
    p : float array, shape (nodes,)
        Probability of each node.
    parts : sequence of Part
    rest : float array, shape (nodes,)
        E phi(b . a)^2 given |b|, less what the parts hold: values so small that they only add up.
    """

    m: int
    n: int
    r: int
    p: Array
    parts: Sequence[Part]
    rest: Array

    @property
    def limit(self) -> int:
        """min(m, n)."""
        return min(self.m, self.n)

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
        row, column = self.rest * np.sum(self.p * v) / z, self.rest * np.sum(self.p * w) / z
        for part in self.parts:
            B, D = _gram(part.U, self.p * w), _gram(part.V, self.p * v)
            C = part.x[:, None] * D * part.x
            inverse = inverse_of(B @ C + z * np.eye(part.x.size))
            row = row + part.multiplicity * _diagonal(part.U, C @ inverse)
            column = column + part.multiplicity * _diagonal(part.V * part.x, inverse @ B)
        return -np.concatenate([np.log1p(row / self.m), np.log1p(column / self.n)])

    def potential(self, unknowns: Array, z: complex) -> Potential:
        """Return F and sum s^2 / (s^2 + z)."""
        w, v = np.split(np.exp(unknowns), 2)
        at, bt = np.split(unknowns, 2)
        value: Any = np.sum(self.p * w * self.rest) * np.sum(self.p * v) / z
        effective: Any = value
        square: Any = 0j
        for part in self.parts:
            M = _gram(part.U, self.p * w) @ (part.x[:, None] * _gram(part.V, self.p * v) * part.x)
            values = eigenvalues_of(M)
            value += part.multiplicity * np.sum(np.log1p(values / z))
            share = values / (values + z)
            effective += part.multiplicity * np.sum(share)
            square += part.multiplicity * np.sum(share**2)
        crossings = 0j
        for size, weight, log in ((self.m, w, at), (self.n, v, bt)):
            value += size * np.sum(self.p * (weight - 1 - log))
            if self.r > 1:  # on a line the outermost points have shares that the series of crossings does not fit
                mean_power = complex(np.sum(self.p * (1 - weight) ** POWER))
                crossings += crossing_term(size, self.r, complex(square / effective), mean_power)
        return Potential(complex(value), complex(effective), crossings)


def lengths(r: int, nodes: int) -> tuple[Array, Array]:
    """Return lengths of a standard normal vector in r dimensions and their probabilities, by Gauss and Legendre."""
    from scipy.special import gammaln

    at, weight = np.polynomial.legendre.leggauss(nodes)
    half = 0.5 * (math.sqrt(r) + BEYOND)
    rho = half * (at + 1)
    log = (r - 1) * np.log(rho) - rho**2 / 2 - (r / 2 - 1) * math.log(2) - float(gammaln(r / 2))
    p = weight * half * np.exp(log)
    return rho, p / np.sum(p)


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
    degree = _last_degree(first, q, r, min(m, n), least)
    nodes = int(NODES + 1.2 * degree)
    rho, p = lengths(r, nodes)
    density = p / (0.5 * (math.sqrt(r) + BEYOND) * np.polynomial.legendre.leggauss(nodes)[1])
    scale = math.sqrt(root / 2)  # y = sqrt(scale) rho makes the singular functions Laguerre's
    spread = np.sqrt(scale / density)
    parts: list[Part] = []
    rest: Array = -np.expm1(-2 * c * c * rho**2) / 2
    for here in range(1, degree + 1, 2) if r > 1 else (1,):
        U = spread[:, None] * _laguerre((scale * rho) ** 2, here + r / 2 - 1, (degree - here) // 2 + 1)
        power = here + 2 * np.arange(float(U.shape[1]))
        x = np.exp(0.5 * first + power * math.log(q))
        part = Part(harmonics(r, here), U, x, U * (-1.0) ** np.arange(U.shape[1]))
        rest = rest - part.multiplicity * U**2 @ x**2
        parts.append(part)
    return Radial(m, n, r, p, parts, np.maximum(rest, 0.0))


def _last_degree(first: float, q: float, r: int, limit: int, least: float) -> int:
    """Return the total degree beyond which values are so small that they only add up."""
    from scipy.special import gammaln

    degree = np.arange(1, MOST_ON_A_LINE if r == 1 else MOST_DEGREE, 2, dtype=np.float64)
    square = first + 2 * degree * math.log(q)
    log_many = gammaln(degree + r) - gammaln(degree + 1) - gammaln(r)
    low, high = -100.0, 10.0
    for _ in range(60):  # log y with sum lambda^2 / (lambda^2 + y) = limit
        middle = 0.5 * (low + high)
        full = np.sum(np.exp(np.minimum(log_many - np.logaddexp(0.0, middle - square), 700.0))) > limit
        low, high = (middle, high) if full else (low, middle)
    return int(max(np.sum(square > max(math.log(UNSEEN) + low, math.log(SMALL * least))) * 2 - 1, 1))


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
    return (functions * weight[:, None]).T @ functions


def _diagonal(functions: Array, middle: Array) -> Array:
    return np.sum((functions @ middle) * functions, axis=1)
