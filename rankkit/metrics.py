"""One number per spectrum: every metric maps a Spectrum to an array (*batch,).

sigma_1 >= sigma_2 >= ... are the singular values, p_i = sigma_i / sum sigma and
q_i = sigma_i^2 / sum sigma^2. A ratio of a zero update is NaN; a count that the values' own
error leaves open is NaN too, with `numerical_rank_bounds` telling between which integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rankkit.solvers.threshold import default_rtol, threshold_for
from rankkit.spectrum import Spectrum

__all__ = [
    "METRICS",
    "Metric",
    "condition_number",
    "default_rtol",
    "effective_rank",
    "effective_rank_energy",
    "energy_rank",
    "frobenius_norm",
    "nuclear_norm",
    "numerical_rank",
    "numerical_rank_bounds",
    "participation_ratio",
    "spectral_norm",
    "stable_rank",
]


def _whole(spectrum: Spectrum, what: str) -> Any:
    if not spectrum.complete:
        raise ValueError(
            f"{what} needs all singular values, got only the leading {spectrum.values.shape[-1]} of "
            f"{min(spectrum.shape)}; call spectrum_of(update) without top."
        )
    return spectrum.values


def _ratio(numerator: Any, denominator: Any) -> Any:
    """Divide, with NaN for a zero update; [()] makes a scalar of a result without batch axes."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)[()]


def spectral_norm(spectrum: Spectrum) -> Any:
    """Return sigma_1, the largest stretch."""
    return spectrum.values[..., 0]


def frobenius_norm(spectrum: Spectrum) -> Any:
    """Return sqrt(sum sigma_i^2)."""
    return np.sqrt(spectrum.energy)[()]


def nuclear_norm(spectrum: Spectrum) -> Any:
    """Return sum sigma_i."""
    return np.sum(_whole(spectrum, "nuclear_norm"), axis=-1)


def stable_rank(spectrum: Spectrum) -> Any:
    """Return ||delta||_F^2 / sigma_1^2, between 1 and the rank (Rudelson and Vershynin 2007)."""
    top = spectrum.values[..., 0]
    return _ratio(np.sqrt(spectrum.energy), top) ** 2


def numerical_rank_bounds(
    spectrum: Spectrum, *, rtol: float | None = None, atol: float | None = None
) -> tuple[Any, Any]:
    """Return integers (lower, upper) between which the number of sigma_i > threshold surely lies.

    By Weyl's inequality no singular value is further from the computed one than its error bound; only
    values that close to the threshold leave lower < upper.

    Parameters
    ----------
    spectrum : Spectrum
    rtol, atol : float, optional
        Threshold rtol * sigma_1 or atol; neither: rtol = max(m, n) eps(float32).
    """
    threshold = threshold_for(spectrum.shape, rtol, atol, np.zeros(spectrum.batch_shape))
    lower, upper = threshold.count_bounds(spectrum.values, spectrum.error)
    if not spectrum.complete and np.any(upper == spectrum.values.shape[-1]):
        _whole(spectrum, "numerical_rank at a threshold below the last of them")
    return lower[()], upper[()]


def numerical_rank(spectrum: Spectrum, *, rtol: float | None = None, atol: float | None = None) -> Any:
    """Return how many sigma_i exceed the threshold; NaN where the values' error leaves that open.

    Parameters
    ----------
    spectrum : Spectrum
    rtol, atol : float, optional
        Threshold rtol * sigma_1 or atol; neither: rtol = max(m, n) eps(float32), which is what
        torch.linalg.matrix_rank applies to float32 matrices.

    Examples
    --------
    >>> from rankkit.spectrum import spectrum_of
    >>> float(numerical_rank(spectrum_of(np.diag([1.0, 0.1, 1e-9])), rtol=1e-3))
    2.0
    """
    lower, upper = numerical_rank_bounds(spectrum, rtol=rtol, atol=atol)
    return np.where(lower == upper, np.asarray(lower, dtype=np.float64), np.nan)[()]


def effective_rank(spectrum: Spectrum) -> Any:
    """Return exp(-sum p_i ln p_i) with p = sigma / sum sigma (Roy and Vetterli 2007)."""
    return _exp_entropy(_whole(spectrum, "effective_rank"))


def effective_rank_energy(spectrum: Spectrum) -> Any:
    """Return exp(-sum q_i ln q_i) with q = sigma^2 / sum sigma^2."""
    return _exp_entropy(_relative(_whole(spectrum, "effective_rank_energy")) ** 2)


def participation_ratio(spectrum: Spectrum) -> Any:
    """Return (sum sigma_i^2)^2 / sum sigma_i^4 = ||delta||_F^4 / ||delta delta^T||_F^2."""
    square = _relative(_whole(spectrum, "participation_ratio")) ** 2
    return _ratio(np.sum(square, axis=-1) ** 2, np.sum(square**2, axis=-1))


def energy_rank(spectrum: Spectrum, fraction: float) -> Any:
    """Return the smallest k whose leading k values hold `fraction` of the energy sum sigma_i^2.

    Parameters
    ----------
    spectrum : Spectrum
    fraction : float
        Share of the energy, 0 < fraction <= 1.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must lie in (0, 1], got {fraction!r}; use for instance 0.9.")
    square = _relative(spectrum.values) ** 2
    top = np.where(spectrum.values[..., 0] > 0, spectrum.values[..., 0], 1.0)
    if spectrum.complete:
        # summed from the small end, so that what remains behind k is known to full relative accuracy
        behind = np.cumsum(square[..., ::-1], axis=-1)[..., ::-1]
        total, behind = behind[..., 0], np.concatenate([behind[..., 1:], 0 * behind[..., :1]], axis=-1)
    else:
        total = (np.sqrt(spectrum.energy) / top) ** 2
        behind = total[..., None] - np.cumsum(square, axis=-1)
    enough = behind <= (1 - fraction) * total[..., None]
    if not np.all(enough[..., -1]):
        _whole(spectrum, f"energy_rank({fraction:g})")
    first = np.argmax(enough, axis=-1) + 1.0
    return np.where(spectrum.values[..., 0] > 0, first, np.nan)[()]


def condition_number(spectrum: Spectrum) -> Any:
    """Return sigma_1 / sigma_min(m, n): inf where the last is exactly zero, NaN where it is below its error."""
    values, error = _whole(spectrum, "condition_number"), spectrum.error
    if values.shape[-1] < min(spectrum.shape):
        return np.where(values[..., 0] > 0, np.inf, np.nan)[()]
    known = values[..., -1] > error[..., -1]
    return np.where(known, _ratio(values[..., 0], values[..., -1]), np.nan)[()]


def _relative(values: Any) -> Any:
    """Return sigma / sigma_1 (zero for a zero update), so that squares neither overflow nor vanish."""
    top = values[..., :1]
    return values / np.where(top > 0, top, 1.0)


def _exp_entropy(weights: Any) -> Any:
    weights = _relative(weights)
    total = np.sum(weights, axis=-1, keepdims=True)
    p = weights / np.where(total > 0, total, 1.0)
    entropy = -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=-1)
    return np.where(total[..., 0] > 0, np.exp(entropy), np.nan)[()]


class Metric(NamedTuple):
    """A metric as tables use it: `of(spectrum)`, and whether it needs more than sigma_1 and the energy."""

    of: Callable[[Spectrum], Any]
    needs_tail: bool


METRICS: dict[str, Metric] = {
    "spectral_norm": Metric(spectral_norm, needs_tail=False),
    "frobenius_norm": Metric(frobenius_norm, needs_tail=False),
    "nuclear_norm": Metric(nuclear_norm, needs_tail=True),
    "stable_rank": Metric(stable_rank, needs_tail=False),
    "numerical_rank": Metric(numerical_rank, needs_tail=True),
    "effective_rank": Metric(effective_rank, needs_tail=True),
    "effective_rank_energy": Metric(effective_rank_energy, needs_tail=True),
    "participation_ratio": Metric(participation_ratio, needs_tail=True),
    "energy_rank_90": Metric(lambda s: energy_rank(s, 0.90), needs_tail=True),
    "energy_rank_95": Metric(lambda s: energy_rank(s, 0.95), needs_tail=True),
    "energy_rank_99": Metric(lambda s: energy_rank(s, 0.99), needs_tail=True),
    "condition_number": Metric(condition_number, needs_tail=True),
}
