"""How far a metric may be off, from how far its singular values may be.

Entropies move by at most T ln(q - 1) + h(T) when the shares of q values move by T in total variation (Audenaert 2007,
which sharpens Fannes), h(T) = -T ln T - (1 - T) ln(1 - T); everything else follows value by value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rankkit.metrics import effective_rank, effective_rank_energy, energy_rank, participation_ratio, stable_rank
from rankkit.spectrum import Spectrum

__all__ = ["ERRORS", "energy_rank_bounds"]


def _spectral_norm(spectrum: Spectrum) -> Any:
    return spectrum.error[..., 0]


def _stable_rank(spectrum: Spectrum) -> Any:
    part = _share(spectrum.error[..., 0], spectrum.values[..., 0])
    return stable_rank(spectrum) * (1 / (1 - part) ** 2 - 1)


def _participation_ratio(spectrum: Spectrum) -> Any:
    low, _, high = _squares(spectrum)
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.sum(high, axis=-1) ** 2 / np.sum(low**2, axis=-1)
        least = np.sum(low, axis=-1) ** 2 / np.sum(high**2, axis=-1)
    value = participation_ratio(spectrum)
    return np.where(value > 0, np.maximum(most - value, value - least), np.nan)[()]


def _effective_rank(spectrum: Spectrum) -> Any:
    moved = _share(np.sum(spectrum.error, axis=-1), np.sum(spectrum.values, axis=-1))
    return _of_entropy(effective_rank(spectrum), moved, spectrum.values.shape[-1])


def _effective_rank_energy(spectrum: Spectrum) -> Any:
    _, square, high = _squares(spectrum)
    moved = _share(np.sum(high - square, axis=-1), np.sum(square, axis=-1))
    return _of_entropy(effective_rank_energy(spectrum), moved, square.shape[-1])


def energy_rank_bounds(spectrum: Spectrum, fraction: float) -> tuple[Any, Any]:
    """Return (least, most) that `metrics.energy_rank` of a complete spectrum can be, given its values' errors.

    Examples
    --------
    >>> some = Spectrum([2.0, 1.0, 1.0], shape=(3, 3), complete=True, energy=6.0, noise_floor=1e-3)
    >>> [int(k) for k in energy_rank_bounds(some, 0.8)]
    [2, 2]
    """
    low, _, high = _squares(spectrum)
    value = energy_rank(spectrum, fraction)
    bounds = []
    for behind, ahead in ((low, high), (high, low)):
        # k suffices if what is left, at its smallest or largest, is at most the share of what stands before it
        left = np.cumsum(behind[..., ::-1], axis=-1)[..., ::-1]
        left = np.concatenate([left[..., 1:], 0 * left[..., :1]], axis=-1)
        enough = fraction * left <= (1 - fraction) * np.cumsum(ahead, axis=-1)
        bounds.append(np.where(np.isnan(value), np.nan, np.argmax(enough, axis=-1) + 1.0)[()])
    return bounds[0], bounds[1]


def _squares(spectrum: Spectrum) -> tuple[Any, Any, Any]:
    """Return every sigma^2 between its bounds, sigma_1 scaled to 1."""
    top = np.where(spectrum.values[..., :1] > 0, spectrum.values[..., :1], 1.0)
    values, error = spectrum.values / top, spectrum.error / top
    return np.maximum(values - error, 0) ** 2, values**2, (values + error) ** 2


def _share(part: Any, whole: Any) -> Any:
    """Return part / whole, at most a little under 1; NaN where there is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, np.minimum(part / whole, 1 - 1e-9), np.nan)[()]


def _of_entropy(value: Any, moved: Any, count: int) -> Any:
    """Return the largest error of exp(entropy) when the shares of `count` values move by `moved`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        binary = -np.where(moved > 0, moved * np.log(moved), 0.0) - (1 - moved) * np.log1p(-moved)
    worst = np.minimum(moved * np.log(max(count - 1, 1)) + binary, np.log(max(count, 1)))
    return value * np.expm1(worst)


# metric -> bound on its error
ERRORS: dict[str, Callable[[Spectrum], Any]] = {
    "spectral_norm": _spectral_norm,
    "stable_rank": _stable_rank,
    "effective_rank": _effective_rank,
    "effective_rank_energy": _effective_rank_energy,
    "participation_ratio": _participation_ratio,
}
