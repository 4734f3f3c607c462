"""A spectrum that falls fast: all of it from a random sample of the range, with a bound on what is left.

With Q an orthonormal basis of S Omega, Omega Gaussian, S = Q (Q^T S) + rest, and the rest is formed and measured
(Halko, Martinsson and Tropp 2011). The rest is orthogonal to Q, so that S^T S is the Gram matrix of Q^T S plus
rest^T rest. By Weyl every sigma^2 lies at most ||rest||_F^2 above its counterpart.
"""

from __future__ import annotations

import numpy as np

from rankkit.factors import Array, device_of, host, namespace
from rankkit.solvers.solution import EPS, Solution

__all__ = ["sample_size", "sampled"]

# the guess of how many samples suffice
CORNER = 256  # rows and columns of the largest submatrix that is looked at
SHARE = 1 / 4  # of min(m, n): the submatrix is no larger
GLANCE = 64  # rows and columns of a smaller one that is looked at first
CROWD = 1 / 8  # of its size: as many large values are too many
LEAST = 8  # rows of a submatrix from which a guess is worth anything
BELOW = 1 / 10  # of the threshold: samples reach this far down, so that the rest is small beside the threshold
SPARE = 8  # more samples than values, as Halko, Martinsson and Tropp advise (5 to 10)
MOST = 3 / 4  # of the submatrix's size: with more samples the QR costs as much as the SVD

ROUNDED = 4  # products and differences that round: S Omega's QR, Q^T S, Q (Q^T S), S minus that


def sample_size(S: Array, threshold: Array) -> Array:
    """Return how many samples of the range may show all singular values above a threshold.

    This is a guess from an evenly spaced submatrix. Its singular values fall as those of S do where S is the sampled
    kernel of a smooth function. A wrong guess costs time and never truth.

    Parameters
    ----------
    S : array, shape (batch, m, n)
    threshold : numpy array, shape (batch,)
        Relative to sigma_1.

    Returns
    -------
    numpy array of int, shape (batch,)
        0 where too many would be needed.
    """
    m, n = S.shape[-2:]
    none = np.zeros(S.shape[0], dtype=np.int64)
    size = min(int(SHARE * min(m, n)), CORNER)
    if size < LEAST:
        return none
    few = min(size, GLANCE)
    if np.all(_many(_corner(S, few)) > CROWD * few):
        return none
    sigma = np.linalg.svd(_corner(S, size), compute_uv=False)
    samples = SPARE + np.sum(sigma > BELOW * threshold[:, None] * sigma[:, :1], axis=-1)
    return np.where(samples <= MOST * size, samples, 0)


def _corner(S: Array, size: int) -> Array:
    """Return evenly spaced rows and columns of every matrix, on the host and in one piece."""
    m, n = S.shape[-2:]
    return np.ascontiguousarray(host(S[:, :: m // size, :: n // size][:, :size, :size]))  # else its product is slow


def _many(corner: Array) -> Array:
    """Return about how many singular values are large, without an SVD: 1 / sum q^2 with q = sigma^2 / sum sigma^2."""
    square = np.swapaxes(corner, -1, -2) @ corner
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.trace(square, axis1=-2, axis2=-1) ** 2 / np.sum(square**2, axis=(-2, -1))


def sampled(S: Array, k: int) -> Solution:
    """Return all singular values of a matrix from k samples of its range: k values, the others zero.

    Parameters
    ----------
    S : array, shape (batch, m, n)
    k : int
        How many samples, 1 <= k <= min(m, n).

    Returns
    -------
    Solution
        With a bound for every value, shape (batch, min(m, n)).
    """
    xp = namespace(S)
    m, n = S.shape[-2:]
    omega = xp.asarray(np.random.default_rng(0).standard_normal((n, k)), device=device_of(S))
    Q = xp.linalg.qr(S @ omega)[0]
    inside = xp.matrix_transpose(Q) @ S
    rest = host(xp.linalg.matrix_norm(S - Q @ inside))
    values = host(xp.linalg.svdvals(xp.linalg.qr(xp.matrix_transpose(inside))[1]))
    norm = host(xp.linalg.matrix_norm(S))
    # this also covers that the columns of Q are orthonormal to rounding only
    rounding = ROUNDED * EPS * (max(m, n) + k) * np.sqrt(k) * norm
    values = np.concatenate([values, np.zeros((*values.shape[:-1], min(m, n) - k))], axis=-1)
    largest = (rest + rounding)[:, None]  # the rest before it was rounded is at most this
    with np.errstate(divide="ignore", over="ignore"):
        # sqrt(sigma^2 + t^2) - sigma <= min(t, t^2 / sigma)
        error = np.minimum(largest, largest**2 / values) + rounding[:, None]
    return Solution(values, error, np.full(rest.shape[:1], np.inf))
