"""The threshold a singular value must exceed to count, and what is sure of the count when both have an error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rankkit.checks import tolerance
from rankkit.factors import Array

__all__ = ["Bounds", "Edges", "Threshold", "default_rtol", "threshold_for"]

EPS_FLOAT32 = 2.0**-23


class Bounds(NamedTuple):
    """Integers between which a count surely lies.

    Attributes
    ----------
    lower, upper : numpy integer arrays, shape (*batch,)
    """

    lower: Array
    upper: Array

    @property
    def known(self) -> Array:
        """The count as float64, shape (*batch,); NaN where the bounds differ."""
        return np.where(self.lower == self.upper, np.asarray(self.lower, dtype=np.float64), np.nan)[()]


class Edges(NamedTuple):
    """A threshold that is known to an error.

    Attributes
    ----------
    above : numpy array, shape (*batch,)
        A singular value above it surely exceeds the threshold.
    below : numpy array, shape (*batch,)
        A singular value of at most this surely does not.
    """

    above: Array
    below: Array


class Threshold(NamedTuple):
    """The threshold rtol * sigma_1 + atol, of which one term is zero.

    Attributes
    ----------
    rtol, atol : numpy arrays, shape (*batch,)
    error : numpy array, shape (*batch,)
        The matrices at hand stand for others that are at most so far away in the 2-norm. No singular value is further
        off (Weyl).
    """

    rtol: Array
    atol: Array
    error: Array

    def between(self, low: Array, high: Array) -> Edges:
        """Return the edges of the threshold, given low <= sigma_1 <= high, shape (*batch,)."""
        above = self.atol + self.rtol * (high + self.error) + self.error
        below = self.atol + self.rtol * np.maximum(low - self.error, 0) - self.error
        return Edges(above, np.maximum(below, 0))

    def count_bounds(self, values: Array, errors: Array) -> Bounds:
        """Return the least and the largest possible count.

        Parameters
        ----------
        values : array, shape (*batch, k)
            Singular values in descending order. All that are not listed are zero.
        errors : array, shape (*batch, k)
            Bounds on their errors.

        Returns
        -------
        Bounds
        """
        low, high = np.maximum(values - errors, 0), values + errors
        edges = self.between(low[..., 0], high[..., 0])
        return Bounds(np.sum(low > edges.above[..., None], axis=-1), np.sum(high > edges.below[..., None], axis=-1))

    def relative(self, sigma: Array) -> Array:
        """Return the threshold relative to sigma, shape (*batch,)."""
        return self.rtol + self.atol / np.where(sigma > 0, sigma, 1.0)

    def at(self, which: Array | slice) -> Threshold:
        """Return the thresholds of some matrices of the batch."""
        return Threshold(self.rtol[which], self.atol[which], self.error[which])


def default_rtol(shape: tuple[int, int]) -> float:
    """Return max(m, n) * eps(float32), the relative tolerance that torch applies to float32 matrices.

    Parameters
    ----------
    shape : tuple of int
        (m, n).

    Returns
    -------
    float

    Examples
    --------
    >>> default_rtol((512, 512)) == 512 * 2.0**-23
    True
    """
    return max(shape) * EPS_FLOAT32


def threshold_for(shape: tuple[int, int], rtol: float | None, atol: float | None, error: Array) -> Threshold:
    """Return the threshold that a user's tolerances mean.

    Parameters
    ----------
    shape : tuple of int
        (m, n).
    rtol, atol : float or None
        One of them, or neither for default_rtol(shape).
    error : array, shape (*batch,)
        How far the matrices at hand are from those that are meant, in the 2-norm.

    Returns
    -------
    Threshold

    Raises
    ------
    ValueError
        If both tolerances are given, or one is negative or not finite.
    """
    relative, absolute = tolerance(rtol, atol, default=default_rtol(shape))
    error = np.asarray(error, dtype=np.float64)
    return Threshold(np.full(error.shape, relative), np.full(error.shape, absolute), error)
