"""A spectrum that falls fast: its whole content from a random sample of the range, with a bound on what is left.

With Q an orthonormal basis of S Omega, Omega Gaussian, S = Q (Q^T S) + rest, and the rest is formed and measured
(Halko, Martinsson and Tropp 2011). It stands at right angles to Q, so S^T S is that of Q^T S plus rest^T rest: by Weyl
every sigma^2 lies at most ||rest||_F^2 above its counterpart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import device

from rankkit.factors import Array, host, namespace
from rankkit.solvers.solution import EPS, Solution

__all__ = ["sample_size", "sampled"]

CORNER = 256  # largest submatrix looked at
BELOW = 1 / 10  # of the threshold: the rest should be that small
SPARE = 8


def sample_size(S: Array, threshold: Any) -> Any:
    """Return how many samples of the range of S, shape (batch, m, n), may show all above the threshold; 0: too many.

    A guess from an evenly spaced submatrix, whose singular values fall as those of S do where S is the sampled kernel
    of a smooth function. The guess costs time if it is wrong, never truth.

    Parameters
    ----------
    S : array
    threshold : numpy array, shape (batch,)
        Relative to sigma_1.
    """
    m, n = S.shape[-2:]
    size = min(min(m, n) // 4, CORNER)
    if size < 8:
        return np.zeros(S.shape[0], dtype=np.int64)
    corner = host(S[:, :: m // size, :: n // size][:, :size, :size])
    # 1 / sum q^2 with q = sigma^2 / sum sigma^2, about how many values are large: for free, and mostly too many
    square = np.swapaxes(corner, -1, -2) @ corner
    with np.errstate(divide="ignore", invalid="ignore"):
        large = np.trace(square, axis1=-2, axis2=-1) ** 2 / np.sum(square**2, axis=(-2, -1))
    if np.all(large > size / 4):
        return np.zeros(S.shape[0], dtype=np.int64)
    sigma = np.linalg.svd(corner, compute_uv=False)
    samples = SPARE + np.sum(sigma > BELOW * threshold[:, None] * sigma[:, :1], axis=-1)
    return np.where(samples <= 3 * size // 4, samples, 0)


def sampled(S: Array, k: int) -> Solution:
    """Return all singular values of S, shape (batch, m, n), from k samples of its range: k values, the others zero."""
    xp = namespace(S)
    m, n = S.shape[-2:]
    omega = xp.asarray(np.random.default_rng(0).standard_normal((n, k)), device=device(S))
    Q = xp.linalg.qr(S @ omega)[0]
    inside = xp.matrix_transpose(Q) @ S
    rest = host(xp.linalg.matrix_norm(S - Q @ inside))
    values = host(xp.linalg.svdvals(xp.linalg.qr(xp.matrix_transpose(inside))[1]))
    norm = host(xp.linalg.matrix_norm(S))
    # of the two products, the subtraction, and of Q's columns being orthonormal to rounding only
    rounding = 4 * EPS * (max(m, n) + k) * np.sqrt(k) * norm
    values = np.concatenate([values, np.zeros((*values.shape[:-1], min(m, n) - k))], axis=-1)
    t = (rest + rounding)[:, None]  # the rest before it was rounded is at most this
    with np.errstate(divide="ignore", over="ignore"):
        error = np.minimum(t, t**2 / values) + rounding[:, None]  # sqrt(s^2 + t^2) - s <= min(t, t^2 / s)
    return Solution(values, error, np.full(rest.shape[:1], np.inf))
