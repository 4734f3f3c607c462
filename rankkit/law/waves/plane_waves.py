"""phi(t) between -T and T as a sum of plane waves, a_k cos(omega_k t) + b_k sin(omega_k t)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rankkit.factors import Array

__all__ = ["PlaneWaves", "plane_waves"]

# their overloads leave the types open
transform_of: Callable[..., Array] = np.fft.rfft

SAMPLES = 2**16  # of the period, 4 T
# phi is taken to zero between T and 2 T by erfc of this steepness: at T it is off by 1e-14, and the transform of the
# step falls below 1e-12 within 71 waves
STEEPNESS = 10.8
CHECKED = 257  # places between samples at which the sum must be phi
HEARD = 1e-5  # of the largest wave: that sum ends at the last one that is larger
MET = 0.02  # of the root mean square of phi there


@dataclass(frozen=True, eq=False)
class PlaneWaves:
    """Plane waves of rising frequencies.

    Attributes
    ----------
    frequencies : float array, shape (waves,)
        Radians per unit of t.
    cosines, sines : float arrays, shape (waves,)
        a_k and b_k.
    """

    frequencies: Array
    cosines: Array
    sines: Array

    @property
    def sizes(self) -> Array:
        """|a_k| + |b_k|."""
        return np.abs(self.cosines) + np.abs(self.sines)

    def slowest(self, count: int) -> PlaneWaves:
        """Return the first so many waves."""
        return PlaneWaves(self.frequencies[:count], self.cosines[:count], self.sines[:count])


def plane_waves(phi: Callable[[Array], Array], farthest: float) -> PlaneWaves:
    """Return the plane waves of phi between -farthest and farthest.

    Beyond, phi is taken to zero smoothly, so that the waves of an analytic phi fall like those of a Gaussian function.

    Parameters
    ----------
    phi : callable
        t -> phi(t), float arrays of one shape.
    farthest : float
        T.

    Raises
    ------
    ValueError
        If phi is not finite there, or changes too fast for SAMPLES values.
    """
    from scipy.special import erfc

    step = 4 * farthest / SAMPLES
    t = step * (np.arange(SAMPLES) - SAMPLES // 2)
    inside = np.asarray(phi(t), dtype=np.float64)
    if not np.all(np.isfinite(inside)):
        raise ValueError(f"rule must be finite for entries of B A up to {2 * farthest:.4g}, where it is not.")
    found: Array = transform_of(inside * 0.5 * erfc(STEEPNESS * (np.abs(t) / farthest - 1.5))) / SAMPLES
    # the samples begin at -2 T; the last wave has half the period of two samples and stands alone
    found = 2 * found[:-1] * (-1.0) ** np.arange(SAMPLES // 2)
    found[0] /= 2
    frequencies: Array = np.pi / (2 * farthest) * np.arange(SAMPLES // 2)
    waves = PlaneWaves(frequencies, found.real, -found.imag)
    _check(waves, phi, farthest)
    return waves


def _check(waves: PlaneWaves, phi: Callable[[Array], Array], farthest: float) -> None:
    """Raise a ValueError where the sum is not phi between the samples, which a phi that turns too fast passes by."""
    t: Array = farthest * np.cos(np.pi * np.arange(1, CHECKED + 1) / (CHECKED + 2**0.5))
    wanted = np.asarray(phi(t), dtype=np.float64)
    silent = int(np.argmax(waves.sizes[::-1] > HEARD * np.max(waves.sizes)))
    heard = waves.slowest(waves.sizes.size - silent)
    phases: Array = t[:, None] * heard.frequencies
    found = np.cos(phases) @ heard.cosines + np.sin(phases) @ heard.sines
    if float(np.linalg.norm(found - wanted)) > MET * float(np.linalg.norm(wanted)):
        raise ValueError(
            "omega must be smaller: the rule changes too fast between the entries of B A for a prediction; draw "
            "factors and measure them."
        )
