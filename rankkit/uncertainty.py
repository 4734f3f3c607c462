"""How far a metric may be off, given how far its singular values may be off.

An entropy moves by at most T ln(q - 1) + h(T) when the shares of q values move by T in total variation, with
h(T) = -T ln T - (1 - T) ln(1 - T) (Audenaert 2007, which sharpens Fannes). The bounds of all other metrics follow value
by value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rankkit.factors import Array
from rankkit.metrics import (
    effective_rank,
    effective_rank_energy,
    energy_rank,
    participation_ratio,
    remaining,
    stable_rank,
)  # fmt: skip
from rankkit.solvers.solution import ROUNDOFF
from rankkit.spectrum import Spectrum

__all__ = ["ERRORS", "energy_rank_bounds"]

MOST = 1 - 1e-9  # a share of 1 would put a zero into a denominator or a logarithm


def _spectral_norm(spectrum: Spectrum) -> Array:
    return spectrum.error[..., 0]


def _stable_rank(spectrum: Spectrum) -> Array:
    value = stable_rank(spectrum)
    if not spectrum.complete:
        # the energy is a sum of m n squares
        rounding = ROUNDOFF * math.prod(spectrum.shape)
        share = _share(spectrum.error[..., 0], spectrum.values[..., 0])
        return value * ((1 + rounding) / (1 - share) ** 2 - 1)
    # 1 + sum of the others / sigma_1^2: all of them may be off, and in the other direction than sigma_1
    least, _, most = _squares(spectrum)
    highest = 1 + np.sum(most[..., 1:], axis=-1) / np.maximum(least[..., 0], (1 - MOST) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        lowest = 1 + np.sum(least[..., 1:], axis=-1) / most[..., 0]
    return np.where(value > 0, np.maximum(highest - value, value - lowest), np.nan)[()]


def _participation_ratio(spectrum: Spectrum) -> Array:
    least, _, most = _squares(spectrum)
    with np.errstate(divide="ignore", invalid="ignore"):
        highest = np.sum(most, axis=-1) ** 2 / np.sum(least**2, axis=-1)
        lowest = np.sum(least, axis=-1) ** 2 / np.sum(most**2, axis=-1)
    value = participation_ratio(spectrum)
    return np.where(value > 0, np.maximum(highest - value, value - lowest), np.nan)[()]


def _effective_rank(spectrum: Spectrum) -> Array:
    moved = _share(np.sum(spectrum.error, axis=-1), np.sum(spectrum.values, axis=-1))
    return _of_entropy(effective_rank(spectrum), moved, spectrum.values.shape[-1])


def _effective_rank_energy(spectrum: Spectrum) -> Array:
    squares = _squares(spectrum)
    moved = _share(np.sum(squares.most - squares.computed, axis=-1), np.sum(squares.computed, axis=-1))
    return _of_entropy(effective_rank_energy(spectrum), moved, spectrum.values.shape[-1])


def energy_rank_bounds(spectrum: Spectrum, fraction: float) -> tuple[Array, Array]:
    """Return the least and the largest value that `metrics.energy_rank` can have, given the errors of the values.

    Parameters
    ----------
    spectrum : Spectrum
        All singular values.
    fraction : float
        Share of the energy, 0 < fraction <= 1.

    Returns
    -------
    least, most : array, shape (*batch,)

    Raises
    ------
    ValueError
        If fraction is out of its range.

    Examples
    --------
    >>> some = Spectrum([2.0, 1.0, 1.0], shape=(3, 3), complete=True, energy=6.0, noise_floor=1e-3)
    >>> [int(k) for k in energy_rank_bounds(some, 0.8)]
    [2, 2]
    """
    squares, known = _squares(spectrum), ~np.isnan(energy_rank(spectrum, fraction))
    least = _first_enough(squares.most, squares.least, fraction)
    most = _first_enough(squares.least, squares.most, fraction)
    return np.where(known, least, np.nan)[()], np.where(known, most, np.nan)[()]


def _first_enough(ahead: Array, behind: Array, fraction: float) -> Array:
    """Return the smallest k for which the squares behind k are within their share of those up to k.

    sum_{i > k} behind_i <= (1 - fraction) / fraction * sum_{i <= k} ahead_i.
    """
    enough = fraction * remaining(behind) <= (1 - fraction) * np.cumsum(ahead, axis=-1)
    return np.argmax(enough, axis=-1) + 1.0


class _Squares(NamedTuple):
    """Every sigma^2 over the computed sigma_1^2: the least it can be, as computed, and the most it can be."""

    least: Array
    computed: Array
    most: Array


def _squares(spectrum: Spectrum) -> _Squares:
    top = np.where(spectrum.values[..., :1] > 0, spectrum.values[..., :1], 1.0)
    values, error = spectrum.values / top, spectrum.error / top
    return _Squares(np.maximum(values - error, 0) ** 2, values**2, (values + error) ** 2)


def _share(part: Array, whole: Array) -> Array:
    """Return part / whole, at most MOST; NaN where the whole is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, np.minimum(part / whole, MOST), np.nan)[()]


def _of_entropy(value: Array, moved: Array, count: int) -> Array:
    """Return the largest error of exp(entropy) when the shares of `count` values move by `moved`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        binary = -np.where(moved > 0, moved * np.log(moved), 0.0) - (1 - moved) * np.log1p(-moved)
    worst = np.minimum(moved * np.log(max(count - 1, 1)) + binary, np.log(max(count, 1)))
    return value * np.expm1(worst)


# metric -> what maps a spectrum to a bound on the metric's error, shape (*batch,)
ERRORS: dict[str, Callable[[Spectrum], Any]] = {
    "spectral_norm": _spectral_norm,
    "stable_rank": _stable_rank,
    "effective_rank": _effective_rank,
    "effective_rank_energy": _effective_rank_energy,
    "participation_ratio": _participation_ratio,
}
