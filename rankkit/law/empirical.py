"""Measures of sin(omega B A) for given factors: what their own entries say, where no law of entries is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from rankkit.factors import Factors, host
from rankkit.metrics import default_rtol

__all__ = ["measure_of"]

ROWS = 1024  # rows that stand for all of them in a participation ratio


def measure_of(
    factors: Factors, omega: float, measure: str, *, rtol: float | None = None, atol: float | None = None
) -> float:
    """Return one measure of sin(omega B A), no gain.

    numerical_rank takes all singular values. stable_rank takes the largest one by Lanczos' method, to 1e-6.
    participation_ratio needs neither: its sums over pairs of rows are taken over ROWS evenly spaced rows where there
    are more, the sum over a row with itself and over two different ones scaled apart.
    """
    B, A = host(factors.B), host(factors.A)
    if measure == "participation_ratio":
        return _participation(B if B.shape[0] <= A.shape[1] else A.T, A if B.shape[0] <= A.shape[1] else B.T, omega)
    S = np.sin(omega * (B @ A))
    if measure == "numerical_rank":
        values = np.linalg.svd(S, compute_uv=False)
        bound = atol if atol is not None else (default_rtol(S.shape) if rtol is None else rtol) * values[0]
        return float(np.sum(values > bound))
    return float(np.sum(S * S)) / _largest(S) ** 2


def _largest(S: Any) -> float:
    if min(S.shape) <= 64:
        return float(np.linalg.svd(S, compute_uv=False)[0])
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(0).standard_normal(min(S.shape))
    return float(svds(S, k=1, tol=1e-6, v0=start, return_singular_vectors=False)[0])


def _participation(B: Any, A: Any, omega: float) -> float:
    m = B.shape[0]
    rows = np.unique(np.linspace(0, m - 1, min(m, ROWS)).round().astype(int))
    S = np.sin(omega * (B[rows] @ A))
    gram = S @ S.T
    norms = np.diag(gram)
    q = rows.size
    pairs = float(np.sum(gram * gram) - np.sum(norms**2)) * (m * (m - 1) / (q * (q - 1)) if q > 1 else 0.0)
    return (float(np.sum(norms)) * m / q) ** 2 / (pairs + float(np.sum(norms**2)) * m / q)
