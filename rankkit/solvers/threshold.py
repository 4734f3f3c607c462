"""The threshold a singular value must exceed to count, and what is sure of the count when both have an error."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Threshold", "default_rtol", "threshold_for"]

EPS_FLOAT32 = 2.0**-23


class Threshold(NamedTuple):
    """rtol * sigma_1 + atol, one of the two zero, for matrices that stand for others at most `error` away.

    Attributes
    ----------
    rtol, atol, error : numpy arrays, shape (*batch,)
        The error is in the 2-norm: no singular value is further off (Weyl).
    """

    rtol: Any
    atol: Any
    error: Any

    def between(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Return (above, below) from bounds on sigma_1, shape (*batch,).

        A singular value above `above` counts surely, one at `below` or under it surely not.
        """
        above = self.atol + self.rtol * (high + self.error) + self.error
        below = self.atol + self.rtol * np.maximum(low - self.error, 0) - self.error
        return above, np.maximum(below, 0)

    def count_bounds(self, values: Any, errors: Any) -> tuple[Any, Any]:
        """Return the least and the largest possible count from values, shape (*batch, k), and bounds on their errors.

        The values are in descending order, and all that are not listed are zero.
        """
        low, high = np.maximum(values - errors, 0), values + errors
        above, below = self.between(low[..., 0], high[..., 0])
        return np.sum(low > above[..., None], axis=-1), np.sum(high > below[..., None], axis=-1)

    def relative(self, sigma: Any) -> Any:
        """Return the threshold relative to sigma, shape (*batch,)."""
        return self.rtol + self.atol / np.where(sigma > 0, sigma, 1.0)

    def at(self, which: Any) -> Threshold:
        """Return the thresholds of some of the batch."""
        return Threshold(self.rtol[which], self.atol[which], self.error[which])


def default_rtol(shape: tuple[int, int]) -> float:
    """Return max(m, n) * eps(float32), the relative tolerance torch applies to float32 matrices.

    Examples
    --------
    >>> default_rtol((512, 512)) == 512 * 2.0**-23
    True
    """
    return max(shape) * EPS_FLOAT32


def threshold_for(shape: tuple[int, int], rtol: float | None, atol: float | None, error: Any) -> Threshold:
    """Return the threshold a user means; neither tolerance: default_rtol(shape).

    Raises
    ------
    ValueError
        If both are given, or one is negative or not finite.
    """
    if rtol is not None and atol is not None:
        raise ValueError("give rtol or atol, not both: the threshold is rtol * sigma_1 or atol.")
    for name, tol in (("rtol", rtol), ("atol", atol)):
        if tol is not None and not (np.isfinite(tol) and tol >= 0):
            raise ValueError(f"{name} must be finite and >= 0, got {tol!r}; the default is max(m, n) * eps(float32).")
    if atol is None:
        rtol, atol = default_rtol(shape) if rtol is None else rtol, 0.0
    error = np.asarray(error, dtype=np.float64)
    return Threshold(np.full(error.shape, float(rtol or 0.0)), np.full(error.shape, float(atol)), error)
