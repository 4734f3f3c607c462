"""Singular values of B A from its factors: two thin QRs and an r x r core, in float64.

Forming the core R_B R_A^T and handing it to an ordinary SVD would cost everything below
eps ||B|| ||A||. Here each factor's own condition is the price instead (Drmac 1998, "Accurate
computation of the product-induced singular value decomposition"): R_B with unit columns
stays as it is, the other triangle is made rank-revealing by a pivoted QR, so that their
product is a well-conditioned matrix times a diagonal, and one-sided Jacobi reads such a
product to high relative accuracy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import is_numpy_array

from rankkit.factors import Array, Factors, host, namespace
from rankkit.solvers.solution import EPS, Solution

__all__ = ["factored"]

WORKSPACE = 1 << 22  # numbers: LAPACK would like 64 columns, which a rank of millions makes gigabytes


def factored(factors: Factors) -> Solution:
    """Return the min(m, n, r) singular values of B A that may be non-zero; the others are exactly zero.

    With kappa the condition number of a factor with its columns (B) or rows (A) scaled to unit
    length, every value is off by at most max(m, n) eps (kappa(B) + kappa(A)) relative to itself, and
    by max(m, n) eps times the norms of the scaled factors in any case.
    """
    left = _triangles(factors.B)
    right = _triangles(factors.namespace.matrix_transpose(factors.A))
    batch = factors.batch_shape
    keep = min(factors.m, factors.n, factors.r)
    values = np.empty((*batch, keep))
    noise_floor, relative_error = np.empty(batch), np.empty(batch)
    for i in np.ndindex(*batch):
        values[i], size, condition = _core(left[i], right[i], keep)
        noise_floor[i] = EPS * max(factors.m, factors.n) * size
        relative_error[i] = EPS * max(factors.m, factors.n) * condition
    return Solution(values, noise_floor, relative_error)


def _triangles(x: Array) -> Any:
    """Return R of the thin QR of x (*batch, rows, r), on the host: columnwise backward stable."""
    if not is_numpy_array(x):
        xp = namespace(x)
        return host(xp.linalg.qr(xp.astype(x, xp.float64), mode="reduced")[1])
    from scipy.linalg.lapack import dgeqrf

    rows, r = x.shape[-2:]
    R = np.empty((*x.shape[:-2], min(rows, r), r))
    for i in np.ndindex(*x.shape[:-2]):
        # numpy's qr takes three times as long here: it copies to and fro and does not block
        columns = np.array(x[i], dtype=np.float64, order="F")
        packed, _, _, info = dgeqrf(columns, lwork=max(r, min(64 * r, WORKSPACE)), overwrite_a=True)
        assert info == 0
        R[i] = np.triu(packed[: min(rows, r)])
    return R


def _core(R_B: Any, R_A: Any, keep: int) -> tuple[Any, float, float]:
    """Return the singular values of R_B R_A^T, the size of its scaled factors, and their conditions' sum."""
    from scipy.linalg import qr
    from scipy.linalg.lapack import dgejsv

    lengths = _lengths(R_B)
    unit, other = R_B / lengths, R_A * lengths
    graded, order = qr(other, mode="r", pivoting=True)
    # columns of this product shrink as the rows of `graded` do: a scaled, well-conditioned matrix
    core = unit[:, order] @ graded.T
    spare = max(0, core.shape[1] - core.shape[0])
    tall = np.vstack([core, np.zeros((spare, core.shape[1]))])
    scaled, _, _, work, _, info = dgejsv(tall, joba=0, jobu=3, jobv=3, jobr=0, jobt=1)
    if info != 0:
        raise ArithmeticError("the Jacobi SVD of an r x r core did not converge; please report the factors.")
    # dgejsv hands its values back divided by work[0] / work[1], which guards against overflow
    values = np.sort(scaled * (work[0] / work[1]))[::-1][:keep]
    size = float(np.linalg.norm(unit) * np.linalg.norm(other))
    return values, size, _condition(unit) + _condition(R_A / _lengths(R_A))


def _lengths(R: Any) -> Any:
    """Return the columns' lengths, with 1 for a zero column."""
    lengths = np.linalg.norm(R, axis=0)
    return np.where(lengths == 0, 1.0, lengths)


def _condition(R: Any) -> float:
    sigma = np.linalg.svd(R, compute_uv=False)
    independent = R.shape[0] >= R.shape[1] and sigma[-1] > EPS * sigma[0] * sigma.size
    return float(sigma[0] / sigma[-1]) if independent else float("inf")
