"""Grid: K adapters against each other, as K x K matrices of one module, or of all modules together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rankkit.audits.alike import Spaces, cosine, share
from rankkit.audits.coordinates import Placed
from rankkit.factors import Array

__all__ = ["GRIDS", "Grid", "total"]

# matrix -> what its entry (i, j) is; the diagonal of the last one is sqrt(2), which an update added to itself has
GRIDS: dict[str, str] = {
    "cosine": "The cosine of the two updates as vectors of entries.",
    "column_energy": "The share of j's energy ||D_j||_F^2 that lies in i's column space.",
    "row_energy": "The share of j's energy ||D_j||_F^2 that lies in i's row space.",
    "sum_ratio": "||D_i + D_j||_F / sqrt(||D_i||_F^2 + ||D_j||_F^2): 1 where the two do not meet, up to sqrt(2) where "
    "they reinforce each other, down to 0 where they cancel.",
}


@dataclass(frozen=True, eq=False)
class Grid:
    """K updates D_i against each other, each at its strength.

    Attributes
    ----------
    norms : array, shape (K,)
        Frobenius norms: 0 where an adapter leaves the module as it is, NaN where its update is not known.
    cosine, column_energy, row_energy : array, shape (K, K)
        As `GRIDS` says; NaN where an update is zero or not known.
    pair_norms : array, shape (K, K)
        ||D_i + D_j||_F.
    sum_norm : float
        ||D_1 + ... + D_K||_F; NaN where one of them is not known.
    """

    norms: Array
    cosine: Array
    column_energy: Array
    row_energy: Array
    pair_norms: Array
    sum_norm: float

    @property
    def sum_ratio(self) -> Array:
        """The norms of the sums of pairs against what they were if the two did not meet, shape (K, K)."""
        with np.errstate(invalid="ignore"):
            return self.pair_norms / np.hypot(self.norms[:, None], self.norms[None, :])

    @property
    def total_ratio(self) -> float:
        """||D_1 + ... + D_K||_F over the root of the summed squares of the norms: 1 where no two of them meet."""
        apart = float(np.linalg.norm(self.norms))
        return self.sum_norm / apart if apart > 0 else math.nan

    @classmethod
    def of(cls, updates: Sequence[Placed], spaces: Sequence[Spaces | None]) -> Grid:
        """Return the grid of one module.

        Parameters
        ----------
        updates : sequence of Placed
            One for each adapter, in common coordinates.
        spaces : sequence of Spaces or None
            Of those that are there.
        """
        norms = np.array([
            one.norm if one else 0.0 if update.zero else math.nan for update, one in zip(updates, spaces, strict=True)
        ])  # fmt: skip
        size = len(updates)
        angles, columns, rows = (np.full((size, size), math.nan) for _ in range(3))
        pairs = np.hypot(norms[:, None], norms[None, :])  # right where one of them is zero or not known
        for i, one in enumerate(spaces):
            for j, two in enumerate(spaces):
                if one is None or two is None:
                    continue
                angles[i, j] = 1.0 if i == j else cosine(one, two)
                columns[i, j] = share(two.matrix, one.columns, two.norm)
                rows[i, j] = share(two.matrix.T, one.rows, two.norm)
                pairs[i, j] = np.linalg.norm(one.matrix + two.matrix)
        known = [one.matrix for one in spaces if one is not None]
        whole = float(np.linalg.norm(np.sum(known, axis=0))) if known else 0.0
        return cls(norms, angles, columns, rows, pairs, math.nan if np.isnan(norms).any() else whole)

    @property
    def is_known(self) -> bool:
        """Whether every adapter's update is known here."""
        return not np.isnan(self.norms).any()


def total(grids: Iterable[Grid]) -> Grid | None:
    """Return the grid of all modules together: the adapters' updates of them as one long vector each.

    Modules in which one adapter's update is not known are left out. None where no module is left.

    Parameters
    ----------
    grids : iterable of Grid
        One for each module.
    """
    known = [grid for grid in grids if grid.is_known]
    if not known:
        return None
    most = max(float(np.max(grid.norms)) for grid in known) or 1.0  # squares of what it divides cannot overflow
    weights = np.array([grid.norms / most for grid in known])
    energy = np.sum(weights**2, axis=0)
    sizes = np.sqrt(energy)

    def summed(name: str) -> Array:
        return np.array([np.nan_to_num(getattr(grid, name)) for grid in known])

    with np.errstate(invalid="ignore", divide="ignore"):
        products = np.einsum("gij,gi,gj->ij", summed("cosine"), weights, weights)
        columns = np.einsum("gij,gj->ij", summed("column_energy"), weights**2) / energy
        rows = np.einsum("gij,gj->ij", summed("row_energy"), weights**2) / energy
        angles = products / np.outer(sizes, sizes)
    for matrix in (angles, columns, rows):
        matrix[sizes == 0, :] = matrix[:, sizes == 0] = math.nan
    pairs = most * np.linalg.norm([grid.pair_norms / most for grid in known], axis=0)
    whole = most * math.hypot(*(grid.sum_norm / most for grid in known))
    return Grid(most * sizes, angles, columns, rows, pairs, whole)
