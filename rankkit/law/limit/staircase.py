"""The staircase: the products mu_(n_1) ... mu_(n_r) with n_1 + ... + n_r odd, which S / sqrt(m n) has as d grows.

exp(i omega b . a) is a product over coordinates, and sin is its odd part: an eigenfunction of degree n has the
eigenvalue i^n mu_n, so that exactly the products of odd total degree are left. They come with multiplicities, number
r!-fold and reach millions; the leading ones are listed one by one, the rest is counted in narrow bins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rankkit.factors import Array

__all__ = [
    "BIN", "CUT", "NOISE", "Staircase", "assembled", "binned", "gaussian_staircase", "noise", "odd_power_sum",
    "staircase",
]  # fmt: skip

CUT = 1e-16  # of the largest product: what is smaller counts by its energy alone
NOISE = 1e-20  # of the energy: where every lambda^2 is below, no matrix that fits a machine tells them apart
BIN = 1 / 64  # width in log lambda
MOST_LISTED = 4000  # different products that are listed one by one


@dataclass(frozen=True, eq=False)
class Staircase:
    """The values lambda_k that the singular values of S / sqrt(m n) tend to.

    Attributes
    ----------
    values, counts : float arrays, shape (steps,)
        Descending values and how often each occurs.
    listed : int
        The first so many values are exact; the others stand for a bin of relative width BIN.
    energy : float
        sum lambda^2 over all, E sin^2.
    tail : float
        sum lambda^2 over what is below the last of the values.
    """

    values: Array
    counts: Array
    listed: int
    energy: float
    tail: float

    def above(self, threshold: float) -> float:
        """Return how many lambda exceed the threshold, d being infinite."""
        return float(np.sum(self.counts[self.values > threshold]))


def odd_power_sum(mu: Array, r: int, power: int) -> float:
    """Return sum over odd n_1 + ... + n_r of (mu_(n_1) ... mu_(n_r))^power, without cancellation.

    Even and odd parts e >= o of one coordinate give ((e + o)^r - (e - o)^r) / 2, the odd binomial terms.
    """
    even, odd = (float(np.sum(mu[parity::2] ** power)) for parity in (0, 1))
    share = 2 * odd / (even + odd)
    left = math.expm1(r * math.log1p(-share)) if share < 1 else -1.0  # ((e - o) / (e + o))^r - 1
    return (even + odd) ** r * -left / 2


def staircase(mu: Array, r: int) -> Staircase:
    """Return the products of r values of mu with odd total index.

    Parameters
    ----------
    mu : float array, shape (count,)
        One coordinate's values, descending, at least two, down to CUT of the largest product.
    r : int
        Coordinates.

    Examples
    --------
    >>> law = staircase(np.array([0.9, 0.3, 0.1]), 2)  # 0.9 * 0.3 and 0.3 * 0.1, each in two orders
    >>> [f"{value:.2f} x {count:g}" for value, count in zip(law.values, law.counts)]
    ['0.27 x 2', '0.03 x 2']
    """
    energy = odd_power_sum(mu, r, 2)
    first = 2 * ((r - 1) * math.log(mu[0]) + math.log(mu[1]))  # log lambda_1^2
    if first < math.log(NOISE * energy):
        return noise(energy)
    depth = np.log(mu / mu[0])  # <= 0
    bins = binned([(-depth[0::2], -depth[1::2])], [r], int((-depth[1] - math.log(CUT)) / BIN) + 2)
    head = _listed(-depth, r, -depth[1] - math.log(CUT), bins)
    return assembled(head, bins, r * math.log(mu[0]), energy)


def assembled(head: tuple[Array, Array], bins: Array, scale: float, energy: float) -> Staircase:
    """Return the staircase of listed products and of bins that hold these and more.

    Parameters
    ----------
    head : (float array, float array)
        scale - log of the listed values, ascending, and how often each occurs.
    bins : float array
        How many products lie at each multiple of BIN below exp(scale), in -log.
    scale, energy : float
    """
    values, counts = np.exp(scale - head[0]), head[1]
    listed = values.size
    total = np.cumsum(bins)
    if total[-1] > counts.sum() + 0.5:
        # what the bins hold beyond the listed ones
        rest = np.diff(np.maximum(total - counts.sum(), 0.0), prepend=0.0)
        place = np.flatnonzero(rest > 0)
        values = np.concatenate([values, np.minimum(np.exp(scale - BIN * place), values[-1] if listed else np.inf)])
        counts = np.concatenate([counts, rest[place]])
    missing = energy - math.fsum(counts * values**2)
    return Staircase(values, counts, listed, energy, max(missing, 0.0))


def gaussian_staircase(c: float, r: int) -> Staircase:
    """Return the staircase of Gaussian entries: mu_0^(r-1) mu_l, once for each function of odd total degree l.

    Parameters
    ----------
    c : float
        omega times both standard deviations, radians.
    r : int

    Examples
    --------
    >>> law = gaussian_staircase(0.5, 2)
    >>> [f"{value:.3f} x {count:g}" for value, count in zip(law.values[:2], law.counts)]
    ['0.343 x 2', '0.059 x 4']
    """
    from scipy.special import gammaln

    root = math.sqrt(1 + 4 * c * c)
    log_q = math.log(2 * c / (1 + root))
    energy = -math.expm1(-r / 2 * math.log1p(4 * c * c)) / 2
    first = r / 2 * math.log(2 / (1 + root)) + log_q  # log of the largest
    if 2 * first < math.log(NOISE * energy):
        return noise(energy)
    together = max(1, int(BIN / (-4 * log_q)))  # odd degrees that share a step of relative width BIN / 2
    steps = 1 + int(math.log(CUT) / (2 * log_q * together))
    degree = together + 2.0 * together * np.arange(steps)
    counts = together * np.exp(gammaln(degree + r) - gammaln(degree + 1) - gammaln(r))
    values = np.exp(first + (degree - 1) * log_q)
    return Staircase(values, counts, steps, energy, max(energy - math.fsum(counts * values**2), 0.0))


def noise(energy: float) -> Staircase:
    """Return the staircase of so many values that only their energy counts."""
    return Staircase(np.full(1, math.sqrt(NOISE * energy)), np.full(1, 1 / NOISE), 0, energy, 0.0)


def binned(columns: Sequence[tuple[Array, Array]], many: Sequence[int], length: int) -> Array:
    """Return how many products with an odd number of odd factors lie at each multiple of BIN below the largest of all.

    Parameters
    ----------
    columns : sequence of (float array, float array)
        For each column the depths of its even and of its odd values: -log of the value over the largest.
    many : sequence of int
        How many coordinates each column stands for.
    length : int
        How many bins.
    """
    shares = [np.zeros(length), np.zeros(length)]  # an even and an odd number of odd factors so far
    shares[0][0] = 1.0
    for sides, k in zip(columns, many, strict=True):
        steps = [_spread_over_bins(depth, length) for depth in sides]
        for _ in range(k):
            grown = [np.zeros(length), np.zeros(length)]
            for step_parity, step in enumerate(steps):
                for place in np.flatnonzero(step):
                    for parity in (0, 1):
                        grown[parity ^ step_parity][place:] += step[place] * shares[parity][: length - place]
            shares = grown
    return shares[1]


def _spread_over_bins(depth: Array, length: int) -> Array:
    """Return values by bin, each between two bins so that the mean of their logs is kept."""
    place = depth / BIN
    place = place[place < length]
    low = place.astype(np.int64)
    part = place - low
    return (np.bincount(low, 1 - part, length + 1) + np.bincount(low + 1, part, length + 1))[:length]


def _listed(depth: Array, r: int, reach: float, bins: Array) -> tuple[Array, Array]:
    """Return (-log(product / mu_0^r), multiplicity) of the leading products, ascending.

    Built from how often each index occurs: the multiplicity of occupation numbers k_0, k_1, ... is r! / prod k_n!.
    All products within `reach` are listed, or as many as MOST_LISTED different ones allow.
    """
    # orders of r indices share a product, so that the bins hold about r! per different one
    crowd = MOST_LISTED * math.factorial(min(r, 4))
    over = int(np.searchsorted(np.cumsum(bins), crowd))
    reach = min(reach, over * BIN)
    while reach > 4 * BIN:
        found = _within(depth, r, reach)
        if found is not None:
            order = np.argsort(found[0], kind="stable")
            return found[0][order], found[1][order]
        reach *= 0.85
    return np.zeros(0), np.zeros(0)  # all the leading ones are nearly equal: there is no staircase to list


def _within(depth: Array, r: int, reach: float) -> tuple[Array, Array] | None:
    """Return depths and multiplicities of all products within reach; None if they are too many."""
    depth = depth[: np.searchsorted(depth, reach, side="right")]
    drop, left, odd, weight = np.zeros(1), np.full(1, r), np.zeros(1, dtype=np.int64), np.ones(1)
    for n in range(
        len(depth) - 1, 0, -1
    ):  # the rarest index first; what is left over takes index 0, which costs nothing
        most = min(r, int(reach / depth[n]) if depth[n] > 0 else r)
        parts: list[tuple[Array, Array, Array, Array]] = []
        for k in range(most + 1):
            keep = (left >= k) & (drop + k * depth[n] <= reach)
            choose = weight[keep] * _choose(left[keep], k)
            parts.append((drop[keep] + k * depth[n], left[keep] - k, odd[keep] ^ (n * k % 2), choose))
        drop, left, odd, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
        if drop.size > 4 * MOST_LISTED:
            return None
    chosen = odd == 1
    return drop[chosen], weight[chosen]


def _choose(n: Array, k: int) -> Array:
    """Return the binomial coefficients C(n, k) of an integer array n, as floats."""
    result = np.ones(n.shape)
    for j in range(k):
        result = result * (n - j) / (j + 1)
    return np.round(result)
