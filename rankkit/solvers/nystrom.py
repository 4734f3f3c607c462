"""All singular values above a threshold from a low-rank copy of the Gram matrix G, where few of them lie above it.

For an Omega of k columns of random signs and Y = (G + nu I) Omega, Nystroem's approximation of G is F F^T, where
F = Y L^-T and L L^T = Omega^T Y (Tropp, Yurtsever, Udell and Cevher 2017). All that follows is true of any F, whatever
it comes from: the rest R = G - F F^T is formed and measured. No eigenvalue of G is further than ||R||_F from that of
F F^T (Weyl), and these are the k eigenvalues of F^T F, and zeros. sigma_1 comes with them, as sharp as they are.

Rounding: an entry of R is a sum of k products and an entry of G, and so off by at most (k + 1) u (|G| + |F||F|^T). The
Frobenius norm of that is at most (k + 1) u (||S||_F^2 + ||F||_F^2) to first order. F^T F sums over p rows, as G does.
"""

from __future__ import annotations

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array
from rankkit.solvers import lapack
from rankkit.solvers.gram import ROOM, Gram
from rankkit.solvers.solution import EPS, ROUNDOFF
from rankkit.solvers.stack import Stack
from rankkit.solvers.tolerance import Bounds

__all__ = ["few_directions", "low_rank"]

# how many columns are wanted: what pays, and costs time and never truth
BEYOND = 2.8  # times the leading rows that are definite: 1.6 times the count, of which these rows are about 0.55
SPARE = 16
SHARE = 0.3  # of p: with more columns the inertia at both edges is as quick


def few_directions(work: Stack) -> Array:
    """Return whether few enough leading rows are definite that a low-rank copy is worth a try, shape (batch,).

    It works matrix by matrix, and so on the host alone.
    """
    return np.full(work.definite.shape, is_numpy_array(work.S)) & (_columns(work.definite) <= SHARE * work.p)


def low_rank(work: Stack) -> Bounds:
    """Return bounds on the counts; 0 and p where no low-rank copy was found."""
    G, size = work.gram, work.S.shape[0]
    lower, upper = np.zeros(size, dtype=np.int64), np.full(size, work.p)
    for i, k in enumerate(_columns(work.definite).tolist()):
        one = np.array([i])
        F = _factor(G.at(one), k)
        if F is not None:
            low, high = _values(G.at(one), F)
            bounds = work.threshold.at(one).count_bounds((low + high) / 2, (high - low) / 2)
            lower[i], upper[i] = bounds.lower[0], bounds.upper[0]
    return Bounds(lower, upper)


def _columns(definite: Array) -> Array:
    return np.ceil(BEYOND * definite).astype(np.int64) + SPARE


def _factor(G: Gram, k: int) -> Array | None:
    """Return F, shape (p, k), of Nystroem's approximation of one G; None where it breaks down."""
    matrix, shift = G.matrix[0], float(G.error[0])  # a shift as large as G's own rounding keeps the triangle definite
    signs = np.random.default_rng(0).integers(0, 2, (matrix.shape[0], k), dtype=np.int8)
    omega = 2.0 * signs - 1.0
    F = lapack.symmetric_product(matrix, omega) + shift * omega
    triangle = omega.T @ F
    if lapack.cholesky(triangle, k) < k:
        return None
    lapack.solve(triangle, k, F)
    return F if np.all(np.isfinite(F)) else None


def _values(G: Gram, F: Array) -> tuple[Array, Array]:
    """Return lower and upper bounds on the singular values of one matrix, each of shape (1, p) and descending."""
    p, k = F.shape
    rest = lapack.outer_subtracted(G.matrix[0], F) / G.energy  # whose squares neither vanish nor overflow
    both = 2 * float(np.sum(rest**2)) - float(np.sum(np.diagonal(rest) ** 2))  # the upper half is zero
    # a sum of at most p^2 squares is off by a part p^2 u of itself
    measured = G.energy * np.sqrt(both * (1 + EPS * p * p))
    inside = lapack.product(F)
    energy = float(np.trace(inside))
    values = np.zeros((1, p))
    values[0, :k] = np.linalg.eigvalsh(inside)[::-1]
    rounding = ROUNDOFF * ((k + ROOM) * (G.energy + energy) + (p + ROOM) * energy) + EPS * k * np.abs(values[:, 0])
    error = (measured + rounding + G.error)[:, None]
    return np.sqrt(np.maximum(values - error, 0)), np.sqrt(np.maximum(values, 0) + error)
