"""How alike two updates of one module are: their cosine, sizes, and the spaces of their rows and columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rankkit.audits.coordinates import Placed
from rankkit.factors import Array

__all__ = ["MEASURED", "Spaces", "alike", "share"]

EPS = 2.0**-52  # float64's
MEASURED = (
    "cosine", "relative_distance", "norm_ratio", "sum_ratio", "column_overlap", "row_overlap", "column_angle",
    "row_angle", "column_energy_first", "column_energy_second", "row_energy_first", "row_energy_second",
    "stable_rank_first", "stable_rank_second",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Spaces:
    """An update with its column and row space, as orthonormal bases of the directions that count.

    Attributes
    ----------
    matrix : array, shape (k, l)
        The update in common coordinates.
    norm : float
        Its Frobenius norm, above 0.
    columns, rows : array, shape (k, rank) and (l, rank)
    stable_rank : float
    """

    matrix: Array
    norm: float
    columns: Array
    rows: Array
    stable_rank: float

    @classmethod
    def of(cls, update: Placed, rtol: float) -> Spaces:
        """Return the spaces of the singular directions above rtol * sigma_1, and above rounding.

        Parameters
        ----------
        update : Placed
            One that is there.
        rtol : float
            Relative tolerance.
        """
        Q, left = np.linalg.qr(update.left)
        P, right = np.linalg.qr(update.right)
        U, sigma, Vt = np.linalg.svd(left @ right.T, full_matrices=False)
        most = max(len(update.left), len(update.right))
        kept = int(np.sum(sigma > max(rtol, most * EPS) * sigma[0]))
        matrix = update.matrix
        energy = float(np.sum((sigma / sigma[0]) ** 2))
        return cls(matrix, float(np.linalg.norm(matrix)), Q @ U[:, :kept], P @ Vt[:kept].T, energy)


def alike(one: Spaces, two: Spaces) -> dict[str, float]:
    """Return the measures of two updates; their names are `MEASURED`, and `Comparison` says what they are.

    Parameters
    ----------
    one, two : Spaces
        In common coordinates.
    """
    return {
        "cosine": cosine(one, two),
        "relative_distance": float(np.linalg.norm(two.matrix - one.matrix) / one.norm),
        "norm_ratio": two.norm / one.norm,
        "sum_ratio": float(np.linalg.norm(one.matrix + two.matrix) / np.hypot(one.norm, two.norm)),
        "column_overlap": _overlap(one.columns, two.columns),
        "row_overlap": _overlap(one.rows, two.rows),
        "column_angle": _largest_angle(one.columns, two.columns),
        "row_angle": _largest_angle(one.rows, two.rows),
        "column_energy_first": share(one.matrix, two.columns, one.norm),
        "column_energy_second": share(two.matrix, one.columns, two.norm),
        "row_energy_first": share(one.matrix.T, two.rows, one.norm),
        "row_energy_second": share(two.matrix.T, one.rows, two.norm),
        "stable_rank_first": one.stable_rank,
        "stable_rank_second": two.stable_rank,
    }


def cosine(one: Spaces, two: Spaces) -> float:
    """Return the cosine of the angle between two updates as vectors of entries."""
    return float(np.sum((one.matrix / one.norm) * (two.matrix / two.norm)))


def share(matrix: Array, space: Array, norm: float) -> float:
    """Return the share of a matrix's energy ||M||_F^2 whose columns lie in a space, given by an orthonormal basis.

    Parameters
    ----------
    matrix : array, shape (k, l)
    space : array, shape (k, rank)
    norm : float
        The matrix's Frobenius norm, above 0.
    """
    return min(1.0, float(np.linalg.norm(space.T @ (matrix / norm))) ** 2)


def _overlap(first: Array, second: Array) -> float:
    """Return the mean squared cosine of the principal angles between two spaces, given by orthonormal bases."""
    cosines = np.linalg.svd(first.T @ second, compute_uv=False)
    return float(np.mean(np.minimum(cosines, 1) ** 2))


def _largest_angle(first: Array, second: Array) -> float:
    """Return the largest principal angle in degrees; its sine resolves small angles (Bjorck and Golub 1973)."""
    small, large = sorted((first, second), key=lambda basis: basis.shape[1])
    cosine = np.linalg.svd(large.T @ small, compute_uv=False)[-1]
    sine = np.linalg.svd(small - large @ (large.T @ small), compute_uv=False)[0]
    return float(np.degrees(np.arctan2(sine, cosine)))
