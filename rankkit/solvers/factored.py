"""Singular values of B A from its factors: two thin QRs and an r x r core, in float64.

An ordinary SVD of the core R_B R_A^T would lose every value below eps ||B|| ||A||. Here the price is the condition
number of each factor instead (Drmac 1998, "Accurate computation of the product-induced singular value decomposition").
R_B with its columns scaled to unit length stays as it is. The other triangle takes the scale and is made rank-revealing
by a pivoted QR. Their product is a well-conditioned matrix times a diagonal one, whose values one-sided Jacobi finds to
high relative accuracy. A large core that an ordinary SVD shows to be well conditioned needs none of that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, Factors, host, namespace
from rankkit.solvers.lapack import wrappers
from rankkit.solvers.solution import EPS, Solution

__all__ = ["factored"]

LARGE = 192  # ranks above it: an ordinary SVD is then so much faster than Jacobi's that to try it costs little
EVEN = 1e4  # condition of a core up to which an ordinary SVD is believed: its errors are then far below 1e-10
PANEL = 64  # columns of a block, for which LAPACK wants workspace
WORKSPACE = 1 << 22  # numbers at most: 32 MiB, where PANEL columns of a rank of millions would take gigabytes

# LAPACK's dgejsv, as scipy counts its options: full relative accuracy for a matrix with scaled columns (C), no singular
# vectors, no restriction of the range, and transposition where that is faster
JACOBI = {"joba": 0, "jobu": 3, "jobv": 3, "jobr": 0, "jobt": 1}


def factored(factors: Factors) -> Solution:
    """Return the min(m, n, r) singular values of B A that may be non-zero. All others are exactly zero.

    Let kappa be the condition number of a factor whose columns (B) or rows (A) are scaled to unit length. Every value
    is off by at most max(m, n) eps (kappa(B) + kappa(A)) relative to itself. In any case it is off by at most
    max(m, n) eps times the product of the norms of the scaled factors. Where this alone shows all values of a large
    core to some digits, it is the bound, and no condition number is computed.

    Parameters
    ----------
    factors : Factors

    Returns
    -------
    Solution

    Raises
    ------
    ArithmeticError
        If the Jacobi SVD does not converge, which is not known to happen.
    """
    left = _triangles(factors.B)
    right = _triangles(factors.namespace.matrix_transpose(factors.A))
    batch = factors.batch_shape
    keep = min(factors.m, factors.n, factors.r)
    values = np.empty((*batch, keep))
    noise_floor, relative_error = np.empty(batch), np.empty(batch)
    for i in np.ndindex(*batch):
        core = _core(left[i], right[i])
        values[i] = core.values[:keep]
        noise_floor[i] = EPS * max(factors.m, factors.n) * core.size
        relative_error[i] = EPS * max(factors.m, factors.n) * core.condition
    return Solution(values, noise_floor, relative_error)


def _triangles(x: Array) -> Array:
    """Return R of the thin QR of x (*batch, rows, r), on the host: backward stable column by column."""
    if not is_numpy_array(x):
        xp = namespace(x)
        return host(xp.linalg.qr(xp.astype(x, xp.float64), mode="reduced")[1])
    dgeqrf = wrappers().dgeqrf
    rows, r = x.shape[-2:]
    R = np.empty((*x.shape[:-2], min(rows, r), r))
    for i in np.ndindex(*x.shape[:-2]):
        # numpy's qr takes three times as long here: it copies to and fro and does not work in blocks
        columns = np.array(x[i], dtype=np.float64, order="F")
        packed, _, _, info = dgeqrf(columns, lwork=max(r, min(PANEL * r, WORKSPACE)), overwrite_a=True)
        assert info == 0
        R[i] = np.triu(packed[: min(rows, r)])
    return R


class _Core(NamedTuple):
    """What one pair of triangles gives.

    Attributes
    ----------
    values : numpy array
        Singular values of R_B R_A^T, descending.
    size : float
        Product of the norms of the scaled factors.
    condition : float
        Sum of the condition numbers of the scaled factors, or a bound on what takes its place.
    """

    values: Array
    size: float
    condition: float


def _core(R_B: Array, R_A: Array) -> _Core:
    lengths = _lengths(R_B)
    unit, other = R_B / lengths, R_A * lengths
    size = float(np.linalg.norm(unit) * np.linalg.norm(other))
    if (even := _even(unit, other)) is not None:
        return _Core(even[0], size, even[1])
    packed, places, _, _, info = wrappers().dgeqp3(other)
    assert info == 0
    # the columns of this product shrink as the rows of R do: a well-conditioned matrix times a diagonal one
    values = _jacobi(unit[:, places - 1] @ np.triu(packed).T)
    return _Core(values, size, _condition(unit) + _condition(R_A / _lengths(R_A)))


def _even(unit: Array, other: Array) -> tuple[Array, float] | None:
    """Return the singular values of a large core by an ordinary SVD, and their condition; None where it is graded.

    QR changes every column of a factor by a small part of its length, and so the core, and each of its singular values,
    by that part of ||unit|| ||other||. Over the least value this is a condition that holds for all values.
    """
    lengths = np.linalg.norm(other, axis=0)
    if unit.shape[1] <= LARGE or not lengths.min() * EVEN > lengths.max():  # the values are graded at least as much
        return None
    values = np.linalg.svd(unit @ other.T, compute_uv=False)
    condition = _norm_bound(unit) * _norm_bound(other) / values[-1] if values[-1] > 0 else np.inf
    return (values, 2 * condition) if condition <= EVEN else None


def _norm_bound(x: Array) -> float:
    """Return the fourth root of the sum of the fourth powers of the singular values, which bounds the largest."""
    gram = x.T @ x
    return float(np.sqrt(np.linalg.norm(gram)))


def _jacobi(core: Array) -> Array:
    """Return the singular values of a matrix by one-sided Jacobi, descending."""
    spare = max(0, core.shape[1] - core.shape[0])  # the routine wants no fewer rows than columns
    tall = np.vstack([core, np.zeros((spare, core.shape[1]))])
    scaled, _, _, work, _, info = wrappers().dgejsv(tall, **JACOBI)
    if info != 0:
        raise ArithmeticError("the Jacobi SVD of an r x r core did not converge; please report the factors.")
    # the routine guards against overflow: its values are to be multiplied by work[0] / work[1]
    return np.sort(scaled * (work[0] / work[1]))[::-1]


def _lengths(R: Array) -> Array:
    """Return the lengths of the columns, with 1 for a zero column."""
    lengths = np.linalg.norm(R, axis=0)
    return np.where(lengths == 0, 1.0, lengths)


def _condition(R: Array) -> float:
    """Return the condition number of R; inf where its columns are dependent to rounding."""
    sigma = np.linalg.svd(R, compute_uv=False)
    independent = R.shape[0] >= R.shape[1] and sigma[-1] > EPS * sigma[0] * sigma.size
    return float(sigma[0] / sigma[-1]) if independent else float("inf")
