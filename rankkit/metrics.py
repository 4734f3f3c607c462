"""Metrics: each one maps a Spectrum to one number per update, as an array of shape (*batch,).

sigma_1 >= sigma_2 >= ... are the singular values, p_i = sigma_i / sum sigma and q_i = sigma_i^2 / sum sigma^2. A ratio
of a zero update is NaN. A count that the errors of the values leave open is NaN too, and `numerical_rank_bounds` tells
between which integers it lies. A metric that needs all singular values raises ValueError for a truncated spectrum.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from rankkit.factors import Array
from rankkit.solvers.tolerance import Bounds, default_rtol, threshold_for
from rankkit.spectrum import Spectrum, checked

__all__ = [
    "METRICS", "Metric", "condition_number", "default_rtol", "effective_rank", "effective_rank_energy", "energy_rank",
    "frobenius_norm", "nuclear_norm", "numerical_rank", "numerical_rank_bounds", "participation_ratio",
    "spectral_norm", "stable_rank",
]  # fmt: skip


def _whole(spectrum: Spectrum, what: str) -> Array:
    """Return all singular values, or say in one sentence that `what` needs them."""
    if not checked(spectrum).complete:
        raise ValueError(
            f"{what} needs all singular values, got only the leading {spectrum.values.shape[-1]} of "
            f"{min(spectrum.shape)}; call spectrum_of(update) without top."
        )
    return spectrum.values


def _ratio(numerator: Any, denominator: Array) -> Array:
    """Return numerator / denominator, with NaN for a zero update."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)[()]  # [()]: a number where there is no batch


def spectral_norm(spectrum: Spectrum) -> Array:
    """Return sigma_1, the largest factor by which the update stretches a vector.

    Parameters
    ----------
    spectrum : Spectrum
        Of an update or of a batch.
    """
    return checked(spectrum).values[..., 0]


def frobenius_norm(spectrum: Spectrum) -> Array:
    """Return sqrt(sum sigma_i^2).

    Parameters
    ----------
    spectrum : Spectrum
        Of an update or of a batch.
    """
    return np.sqrt(checked(spectrum).energy)[()]


def nuclear_norm(spectrum: Spectrum) -> Array:
    """Return sum sigma_i.

    Parameters
    ----------
    spectrum : Spectrum
        All singular values.

    Raises
    ------
    ValueError
        If the spectrum is truncated.
    """
    return np.sum(_whole(spectrum, "nuclear_norm"), axis=-1)


def stable_rank(spectrum: Spectrum) -> Array:
    """Return ||delta||_F^2 / sigma_1^2, which lies between 1 and the rank (Rudelson and Vershynin 2007).

    Parameters
    ----------
    spectrum : Spectrum
        Of an update or of a batch.
    """
    top = checked(spectrum).values[..., 0]
    return _ratio(np.sqrt(spectrum.energy), top) ** 2


def numerical_rank_bounds(spectrum: Spectrum, *, rtol: float | None = None, atol: float | None = None) -> Bounds:
    """Return integers (lower, upper) between which the number of sigma_i above the threshold surely lies.

    By Weyl's inequality no singular value is further from the computed one than its error bound. Only a value that is
    so close to the threshold leaves lower < upper.

    Parameters
    ----------
    spectrum : Spectrum
        Of an update or of a batch.
    rtol, atol : float, optional
        The threshold is rtol * sigma_1 or atol; neither: rtol = max(m, n) eps(float32).

    Raises
    ------
    ValueError
        If both tolerances are given, one is negative, or a truncated spectrum ends above the threshold.
    """
    threshold = threshold_for(checked(spectrum).shape, rtol, atol, np.zeros(spectrum.batch_shape))
    lower, upper = threshold.count_bounds(spectrum.values, spectrum.error)
    if not spectrum.complete and np.any(upper == spectrum.values.shape[-1]):
        _whole(spectrum, "numerical_rank at a threshold below the last of them")
    return Bounds(lower[()], upper[()])


def numerical_rank(spectrum: Spectrum, *, rtol: float | None = None, atol: float | None = None) -> Array:
    """Return how many sigma_i exceed the threshold; NaN where the errors of the values leave that open.

    Parameters
    ----------
    spectrum : Spectrum
        Of an update or of a batch.
    rtol, atol : float, optional
        The threshold is rtol * sigma_1 or atol; neither: rtol = max(m, n) eps(float32), which is what
        torch.linalg.matrix_rank applies to float32 matrices.

    Raises
    ------
    ValueError
        If both tolerances are given, one is negative, or a truncated spectrum ends above the threshold.

    Examples
    --------
    >>> from rankkit.spectrum import spectrum_of
    >>> float(numerical_rank(spectrum_of(np.diag([1.0, 0.1, 1e-9])), rtol=1e-3))
    2.0
    """
    return numerical_rank_bounds(spectrum, rtol=rtol, atol=atol).known


def effective_rank(spectrum: Spectrum) -> Array:
    """Return exp(-sum p_i ln p_i) with p = sigma / sum sigma (Roy and Vetterli 2007).

    Parameters
    ----------
    spectrum : Spectrum
        All singular values.

    Raises
    ------
    ValueError
        If the spectrum is truncated.
    """
    return _exp_entropy(_whole(spectrum, "effective_rank"))


def effective_rank_energy(spectrum: Spectrum) -> Array:
    """Return exp(-sum q_i ln q_i) with q = sigma^2 / sum sigma^2.

    Parameters
    ----------
    spectrum : Spectrum
        All singular values.

    Raises
    ------
    ValueError
        If the spectrum is truncated.
    """
    return _exp_entropy(_relative(_whole(spectrum, "effective_rank_energy")) ** 2)


def participation_ratio(spectrum: Spectrum) -> Array:
    """Return (sum sigma_i^2)^2 / sum sigma_i^4 = ||delta||_F^4 / ||delta delta^T||_F^2.

    Parameters
    ----------
    spectrum : Spectrum
        All singular values.

    Raises
    ------
    ValueError
        If the spectrum is truncated.
    """
    square = _relative(_whole(spectrum, "participation_ratio")) ** 2
    return _ratio(np.sum(square, axis=-1) ** 2, np.sum(square**2, axis=-1))


def energy_rank(spectrum: Spectrum, fraction: float) -> Array:
    """Return the smallest k whose leading k values hold `fraction` of the energy sum sigma_i^2.

    Parameters
    ----------
    spectrum : Spectrum
        All singular values, or enough leading ones to hold the share.
    fraction : float
        Share of the energy, 0 < fraction <= 1.

    Raises
    ------
    ValueError
        If fraction is out of its range, or a truncated spectrum does not hold the share.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must lie in (0, 1], got {fraction!r}; use for instance 0.9.")
    total, behind = _energies(checked(spectrum))
    enough = behind <= (1 - fraction) * total[..., None]
    if not np.all(enough[..., -1]):
        _whole(spectrum, f"energy_rank({fraction:g})")
    first = np.argmax(enough, axis=-1) + 1.0
    return np.where(spectrum.values[..., 0] > 0, first, np.nan)[()]


def _energies(spectrum: Spectrum) -> tuple[Array, Array]:
    """Return the whole energy and the energy behind the leading 1, 2, ..., k values, both over sigma_1^2."""
    square = _relative(spectrum.values) ** 2
    if spectrum.complete:
        behind = remaining(square)
        return behind[..., 0] + square[..., 0], behind
    top = np.where(spectrum.values[..., 0] > 0, spectrum.values[..., 0], 1.0)
    total = (np.sqrt(spectrum.energy) / top) ** 2
    return total, total[..., None] - np.cumsum(square, axis=-1)


def remaining(squares: Array) -> Array:
    """Return the sums of all but the leading 1, 2, ..., k of descending squares, shape (*batch, k)."""
    # from the small end, so that each sum is known to full relative accuracy
    from_here = np.cumsum(squares[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([from_here[..., 1:], 0 * from_here[..., :1]], axis=-1)


def condition_number(spectrum: Spectrum) -> Array:
    """Return sigma_1 / sigma_min(m, n): inf where the last value is exactly zero, NaN where it is below its error.

    Parameters
    ----------
    spectrum : Spectrum
        All singular values.

    Raises
    ------
    ValueError
        If the spectrum is truncated.
    """
    values, error = _whole(spectrum, "condition_number"), spectrum.error
    if values.shape[-1] < min(spectrum.shape):
        return np.where(values[..., 0] > 0, np.inf, np.nan)[()]
    known = values[..., -1] > error[..., -1]
    return np.where(known, _ratio(values[..., 0], values[..., -1]), np.nan)[()]


def _relative(values: Array) -> Array:
    """Return sigma / sigma_1 (zero for a zero update), so that squares neither overflow nor vanish."""
    top = values[..., :1]
    return values / np.where(top > 0, top, 1.0)


def _exp_entropy(weights: Array) -> Array:
    """Return exp(-sum p ln p) with p the weights, shape (*batch, k), over their sum; NaN where all are zero."""
    relative = _relative(weights)
    total = np.sum(relative, axis=-1, keepdims=True)
    p = relative / np.where(total > 0, total, 1.0)
    entropy = -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=-1)
    return np.where(total[..., 0] > 0, np.exp(entropy), np.nan)[()]


class Metric(NamedTuple):
    """A metric as tables use it.

    Attributes
    ----------
    of : callable
        Maps a Spectrum to an array (*batch,).
    needs_tail : bool
        Whether it needs more than sigma_1 and the energy.
    """

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
    "energy_rank_90": Metric(partial(energy_rank, fraction=0.90), needs_tail=True),
    "energy_rank_95": Metric(partial(energy_rank, fraction=0.95), needs_tail=True),
    "energy_rank_99": Metric(partial(energy_rank, fraction=0.99), needs_tail=True),
    "condition_number": Metric(condition_number, needs_tail=True),
}
