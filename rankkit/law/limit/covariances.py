"""scales_of: two covariances as the frequencies of independent columns.

B M and M^-1 A have the product of B and A, and there is an M that makes both covariances diagonal and equal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rankkit.checks import shown
from rankkit.factors import Array
from rankkit.law.limit.entry_laws import real_numbers

__all__ = ["scales_of"]

UNEVEN = 1e-9  # of the largest variance: how far from symmetric or positive rounding may make a covariance


def scales_of(covariance: Sequence[Array], r: int, *, gaussian: bool) -> tuple[Array, str]:
    """Return the frequencies of the independent columns, descending, and what they are, in words.

    Parameters
    ----------
    covariance : pair of float arrays, shape (r, r)
        Of the rows of B and of the columns of A.
    r : int
    gaussian : bool
        Whether the entries are; otherwise both matrices must be diagonal.

    Returns
    -------
    scales : float array, shape (at most r,)
        Those above rounding; the roots of the eigenvalues of C_B C_A.
    about : str

    Raises
    ------
    TypeError
        If it is no pair of matrices of numbers.
    ValueError
        If one is no covariance, or leaves B A nothing.
    """
    length = len(covariance) if hasattr(covariance, "__len__") else 1
    if length != 2:
        got = shown(covariance)
        raise TypeError(f"covariance must be a pair of matrices, for B and for A, got {got}; pass (C_B, C_A).")
    C_B, C_A = (_checked(name, C, r) for name, C in zip(("C_B", "C_A"), covariance, strict=True))
    if gaussian:
        scales = np.linalg.svd(_root(C_B) @ _root(C_A), compute_uv=False)
        about = "Gaussian entries with covariances"
    elif np.array_equal(C_B, np.diag(np.diag(C_B))) and np.array_equal(C_A, np.diag(np.diag(C_A))):
        scales = np.sort(np.sqrt(np.diag(C_B) * np.diag(C_A)))[::-1]
        about = "entries with variances"
    else:
        raise ValueError(
            "covariance must be diagonal where entries are given: correlated columns are predicted for Gaussian "
            "entries alone; leave entries out, or draw factors and pass factors=."
        )
    scales = scales[scales > UNEVEN * scales[0]]
    if scales.size == 0:
        raise ValueError("covariance must leave B A some entries that are not zero; pass variances > 0.")
    return scales, about


def _checked(name: str, given: Array, r: int) -> Array:
    C = real_numbers(given)
    if C is None:
        raise TypeError(
            f"covariance must be a pair of matrices of numbers, got {shown(given)} for {name}; pass (C_B, C_A)."
        )
    if C.shape != (r, r):
        raise ValueError(
            f"covariance must be two matrices of shape ({r}, {r}), got {C.shape} for {name}; pass (C_B, C_A)."
        )
    if not np.all(np.isfinite(C)):
        raise ValueError(f"covariance must be two finite matrices, got NaN or infinite entries for {name}; mend them.")
    values = np.linalg.eigvalsh((C + C.T) / 2)
    if float(np.max(np.abs(C - C.T))) > UNEVEN * values[-1] or values[0] < -UNEVEN * values[-1]:
        raise ValueError(
            f"covariance must be symmetric and positive, got a matrix for {name} that is not; for instance X.T @ X is."
        )
    return (C + C.T) / 2


def _root(C: Array) -> Array:
    values, vectors = np.linalg.eigh(C)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
