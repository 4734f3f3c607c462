"""How far nearly equal values split by sampling, against as many independent features.

Of singular functions psi_k with values lambda_k, m rows show the Gram matrix 1 + X / sqrt(m), E X_kl^2 =
E psi_k^2 phi_l^2 - delta_kl. To first order the values near the top split as the eigenvalues of X do (Kato 1966,
chapter II). With weights g_k = lambda_k^2 / (t - lambda_k^2), the leverage D(b) = sum_k g_k psi_k(b)^2 of a row and
K = (sum g)^2 / sum g^2 functions that matter, the mean square of X, without the shift that all values share, is

    (sum g^2) (1 - 1 / K) (K + Var D / sum g^2),

and (sum g^2) (1 - 1 / K) (K + 2) where the psi_k are independent Gaussian features. Functions whose squares add up to
nearly the same at every row, as on a plateau of a uniform law, split less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from rankkit.factors import Array
from rankkit.law.limit.coordinate import Coordinate, legendre_nodes

__all__ = ["Leverage", "columns_leverage", "gaussian_leverage", "product_leverage", "radial_leverage"]

ONE_BY_ONE = 8  # powers that are summed one by one; of later ones blocks of twice the length, by Gauss's rule
NODES = 4  # of each block
LAST = 9.0  # powers are summed until they fall below exp(-LAST)


class Leverage(NamedTuple):
    """sum g, sum g^2 and Var D of the functions near the top."""

    total: float
    squares: float
    variance: float

    def with_columns(self, columns: Leverage, m: int, n: int) -> Leverage:
        """Return the leverage of m rows (this one) and n columns together: X has the variance of both."""
        variance = (self.variance / m + columns.variance / n) / (1 / m + 1 / n)
        return self._replace(variance=variance)

    @property
    def splitting(self) -> float:
        """The distance of the largest value from the middle, over that of independent features."""
        many = self.total**2 / self.squares
        return math.sqrt((many + self.variance / self.squares) / (many + 2))


class _Powers(NamedTuple):
    """D_p(b) = sum_n mu_n^2p psi_n(b)^2 of one coordinate over the largest term, its even and its odd part.

    Attributes
    ----------
    even, odd : float arrays, shape (powers,)
        E of either part.
    pairs : (ee, eo, oo)
        E of the product at two powers, (powers, powers).
    """

    even: Array
    odd: Array
    pairs: tuple[Array, Array, Array]


Powers = Callable[[Array], _Powers]  # of one coordinate, at powers p


def radial_leverage(parts: Iterable[tuple[float, Array, Array]], p: Array, t: float) -> Leverage:
    """Return the leverage at t, above all squares, of parts of a rotation invariant operator.

    Parameters
    ----------
    parts : iterable of (multiplicity, U, x)
        Singular functions (nodes, k), orthonormal under p, and values.
    p : float array, shape (nodes,)
        Probabilities of the nodes.
    t : float
    """
    leverages, squares = np.zeros(p.size), 0.0
    for many, U, x in parts:
        g = x**2 / (t - x**2)
        leverages += many * (U**2 @ g)
        squares += many * float(np.sum(g**2))
    total = float(np.sum(p * leverages))
    return Leverage(total, squares, float(np.sum(p * (leverages - total) ** 2)))


def gaussian_leverage(c: float, r: int, t: float) -> Leverage | None:
    """Return the leverage of sin(c b . a) with standard normal entries at t; None where t is no larger than lambda_1^2.

    sum_n s^n psi_n(x)^2 is a Gaussian function (Mehler's formula), so that every mean is a root.
    """
    root = math.sqrt(1 + 4 * c * c)
    log_s = 2 * math.log(2 * c / (1 + root))
    log_first = math.log(2 / (1 + root))

    def powers(p: Array) -> _Powers:
        s = np.exp(p * log_s)
        alone = -np.expm1(2 * p * log_s)  # 1 - s^2
        a, over = (1 + s**2) / alone, 2 / alone
        scale = math.sqrt(root) / np.sqrt(np.outer(alone, alone))
        ee, eo, oo = _means(np.add.outer(a, a) - 1 / root, s[:, None] * over[:, None], s * over)
        # odd parts over s, their largest term
        return _Powers(1 / alone, 1 / alone, (scale * ee, scale * eo * over, scale * oo * np.outer(over, over)))

    return _leverage([powers], [r], math.log(t) - r * log_first - log_s, 2 * log_s)


def product_leverage(problem: Coordinate, r: int, t: float) -> Leverage | None:
    """Return the leverage of products of one-coordinate functions at t; None where t is no larger than lambda_1^2."""
    return columns_leverage([(problem.p, [(U, mu) for U, mu, _ in problem.parts])], [r], t)


def columns_leverage(
    columns: Sequence[tuple[Array, Sequence[tuple[Array, Array]]]], many: Sequence[int], t: float
) -> Leverage | None:
    """Return the leverage of products of functions of different columns; None where t is no larger than lambda_1^2.

    Parameters
    ----------
    columns : sequence of (p, parts)
        Probabilities of the nodes, and (U, mu) of the even and of the odd functions, U (nodes, k) orthonormal under p.
    many : sequence of int
        How many coordinates each column stands for.
    t : float
    """
    firsts = [(float(even[1][0]), float(odd[1][0])) for _, (even, odd) in columns]
    ratio = max(odd / even for even, odd in firsts)
    first = 2 * sum(k * math.log(even) for k, (even, _) in zip(many, firsts, strict=True)) + 2 * math.log(ratio)

    def powers_of(p: Array, parts: Sequence[tuple[Array, Array]], scales: tuple[float, float]) -> Powers:
        def powers(power: Array) -> _Powers:
            shares = [np.exp(2 * power[:, None] * np.log(mu / x)) for (_, mu), x in zip(parts, scales, strict=True)]
            even, odd = (share @ (U**2 / (p @ U**2)).T for share, (U, _) in zip(shares, parts, strict=True))
            pairs = (even * p) @ even.T, (even * p) @ odd.T, (odd * p) @ odd.T
            return _Powers(np.sum(shares[0], axis=1), np.sum(shares[1], axis=1), pairs)

        return powers

    every = [powers_of(p, parts, (even, even * ratio)) for (p, parts), (even, _) in zip(columns, firsts, strict=True)]
    return _leverage(every, many, math.log(t) - first, 4 * math.log(ratio))


def _means(alpha: Array, b: Array, d: Array) -> tuple[Array, Array, Array]:
    """Return the means of cosh(b u) cosh(d u), cosh(b u) sinh(d u) / d and sinh(b u) sinh(d u) / (b d).

    Here u = y^2, and y has the weight exp(-alpha y^2) / sqrt(pi). They are sums and differences of
    1 / sqrt(alpha +- b +- d), written so that nothing cancels.
    """
    near, far = np.sqrt(alpha - b - d), np.sqrt(alpha + b + d)
    left, right = np.sqrt(alpha - b + d), np.sqrt(alpha + b - d)
    ee = (1 / near + 1 / far + 1 / left + 1 / right) / 4
    eo = (_slope(near, left) + _slope(right, far)) / 2
    # 1 / D and 1 / E are the slopes in b at alpha - d and alpha + d
    high, R, T = alpha + d, near * right, left * far
    D, E = R * (near + right), T * (left + far)
    apart = 4 * alpha * (high + T) + R**2 * (1 + 2 * alpha / (R + T)) * 2
    return ee, eo, apart / (D * E * (D + E))


def _slope(low: Array, high: Array) -> Array:
    """Return (1 / low - 1 / high) / (high^2 - low^2)."""
    return 1 / (low * high * (low + high))


def _leverage(columns: Sequence[Powers], many: Sequence[int], gap: float, pair: float) -> Leverage | None:
    """Return the sums over functions of all coordinates with an odd total index.

    g = sum_p (lambda^2 / t)^p makes everything powers of one-coordinate means.

    Parameters
    ----------
    columns : sequence of callables
    many : sequence of int
        How many coordinates each stands for.
    gap : float
        log(t / lambda_1^2).
    pair : float
        log of the square of (mu_1 / mu_0)^2, what two more odd coordinates cost at power one.
    """
    if gap <= 0:
        return None
    p, weight = _nodes(gap)
    cost = np.exp(pair * p)
    rows = cost[:, None]  # a parity costs where it becomes even again
    mean = [np.ones(p.size), np.zeros(p.size)]  # by the parity so far
    square = (p.size, p.size)
    even, mixed, odd = np.ones(square), np.zeros(square), np.zeros(square)  # mixed: even at the row's power
    for one in (one for column, k in zip(columns, many, strict=True) for one in [column(p)] * k):
        ee, eo, oo = one.pairs
        mean = [mean[0] * one.even + mean[1] * one.odd * cost, mean[1] * one.even + mean[0] * one.odd]
        crossed = mixed * eo * cost
        even, mixed, odd = (
            even * ee + crossed + crossed.T + odd * oo * rows * cost,
            mixed * ee + even * eo + (odd * eo.T + mixed.T * oo) * rows,
            odd * ee + mixed.T * eo + mixed * eo.T + even * oo,
        )
    x = weight * np.exp(-gap * p)
    total = float(x @ mean[1])
    return Leverage(total, float((x * (p - 1)) @ mean[1]), float(x @ odd @ x) - total**2)


def _nodes(gap: float) -> tuple[Array, Array]:
    """Return powers p and weights with which a sum over p = 1, 2, ... of terms that fall like exp(-gap p) is taken."""
    at, weight = legendre_nodes(NODES)
    powers, weights = [np.arange(1.0, ONE_BY_ONE + 1)], [np.ones(ONE_BY_ONE)]
    last = float(ONE_BY_ONE)
    while last * gap < LAST:
        powers.append(last + 0.5 + last * (at + 1) / 2)
        weights.append(weight * last / 2)
        last *= 2
    return np.concatenate(powers), np.concatenate(weights)
