"""FactorsLaw: predictions from given factors, by the laws of their aligned columns and by blocks of their rows.

B M and M^-1 A have the product of B and A, and the singular value decomposition of B A gives the M whose columns are
orthogonal on both sides. The law takes these columns as independent, each with the law of its own entries. What its
counts miss of blocks of the rows and columns they miss of the whole (matched.py), and the largest singular value comes
from blocks alone: they see that the entries of a row are large together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rankkit.factors import Array, Factors
from rankkit.law.error import Error, Estimate, Z, count_error
from rankkit.law.finite.self_consistent import Counted, Path
from rankkit.law.given.blocks import Blocks, Part, Top
from rankkit.law.given.matched import Ratio, ratio
from rankkit.law.limit.columns import Column
from rankkit.law.limit.entries import Entries
from rankkit.law.limit.entry_laws import EntryLaw
from rankkit.law.measures import Cutoff
from rankkit.law.product_law import ColumnsFrequency, ProductLaw
from rankkit.metrics import stable_rank
from rankkit.regime import regime_of
from rankkit.spectrum import spectrum_of

__all__ = ["FactorsFrequency", "FactorsLaw", "aligned"]

FAINT = 1e-9  # of the largest singular value of B A: a column below adds nothing
# times how much counts of blocks of two sizes differ, in shares, that the stated error adds; chosen on 18 updates of
# real adapters, where it holds for 96 % of counts, and on the packaged adapter (benchmarks/README.md)
APART = 2.5
MEASURES = ("numerical_rank", "stable_rank")


def aligned(factors: Factors) -> tuple[Array, Array]:
    """Return B M and (M^-1 A)^T with orthogonal columns of equal lengths, (m, k) and (n, k); k is the rank of B A.

    Parameters
    ----------
    factors : Factors
        One pair of numpy arrays.
    """
    rows, left = np.linalg.qr(factors.B)
    columns, right = np.linalg.qr(factors.A.T)
    U, s, Vt = np.linalg.svd(left @ right.T)
    kept = s > FAINT * s[0]
    root = np.sqrt(s[kept])
    return rows @ U[:, kept] * root, columns @ Vt[kept].T * root


@dataclass(frozen=True, eq=False)
class FactorsLaw:
    """The empirical laws of one pair of factors.

    Attributes
    ----------
    blocks : Blocks
    columns : ProductLaw
        Of the aligned columns.
    """

    blocks: Blocks
    columns: ProductLaw

    @classmethod
    def of(cls, factors: object) -> FactorsLaw:
        """Return the laws of checked factors; errors as for `Blocks.of`."""
        blocks = Blocks.of(factors)
        pair = blocks.factors
        sides = zip(*(side.T for side in aligned(pair)), strict=True)
        found = [Column(EntryLaw.of_samples(b), EntryLaw.of_samples(a), 1.0, 1) for b, a in sides]
        return cls(blocks, ProductLaw(pair.m, pair.n, found, "the given factors"))

    @property
    def entries(self) -> Entries:
        """Sizes, and uniform entries that give B A the standard deviation of independent columns."""
        return self.columns.entries

    @cached_property
    def plain(self) -> float:
        """The stable rank of B A."""
        return float(stable_rank(spectrum_of(self.blocks.factors)))

    def frequency(self, omega: float, path: Path) -> FactorsFrequency:
        """Return what the laws say of one frequency."""
        return FactorsFrequency(self.columns.entries, omega, self.columns, self, path=path)


@dataclass(frozen=True, eq=False)
class FactorsFrequency(ColumnsFrequency):
    """What the laws say of sin(omega B A) of given factors.

    Attributes
    ----------
    given : FactorsLaw
    """

    given: FactorsLaw

    @cached_property
    def block_top(self) -> Top:
        """What the blocks say."""
        return self.given.blocks.top(self.omega)

    @property
    def energy(self) -> float:
        """Mean of sin^2 over the blocks."""
        return self.block_top.energy

    @cached_property
    def top(self) -> float:
        """sigma_1 / sqrt(m n), from the blocks."""
        return math.sqrt(self.block_top.square)

    @cached_property
    def stable_rank(self) -> float:
        """||S||_F^2 / sigma_1^2 of the one matrix."""
        return self.energy / self.top**2

    @property
    def regime(self) -> str:
        """Where on the frequency curve the stable rank is: linear, growing or saturated."""
        return regime_of(self.stable_rank, self.given.plain, (self.law.m, self.law.n))

    def measure(self, name: str, cutoff: Cutoff) -> float:
        """Return numerical_rank or stable_rank."""
        if name not in MEASURES:
            raise ValueError(
                f"measure must be one of {', '.join(MEASURES)} for given factors, got {name!r}; others are measured: "
                "spectrum_of(Sine(omega)(factors))."
            )
        return super().measure(name, cutoff)

    def _solved(self, relative: float) -> Counted:
        """Return the law's count times what blocks have of it, and how much blocks of two sizes differ."""
        found, square = super()._solved(relative), (relative * self.top) ** 2
        larger, smaller = (self._of_blocks(part, found.value, square) for part in self.block_top.parts)
        off = APART * found.value * math.hypot(Z * larger.scatter, larger.value - smaller.value)
        value = min(found.value * larger.value, float(self.limit))
        return found._replace(value=value, off=math.hypot(off, found.off))

    def _of_blocks(self, part: Part, count: float, square: float) -> Ratio:
        law = ProductLaw(part.m, part.n, self.law.columns, self.law.about)
        return ratio(law.frequency(self.omega).counter(square, Path()), count, self.limit, square, part.squares)

    def _check_tails(self) -> None:
        """Pass all: how far counts are off is known of real factors."""

    def estimate(self, measure: str, cutoff: Cutoff) -> Estimate:
        """Return a measure and its error."""
        if measure != "numerical_rank":
            value = self.measure(measure, cutoff)
            return Estimate(value, Error(self.block_top.off * value, 0.0))
        found = self.rank(cutoff)
        error = count_error(found, self.law.r, self.limit)
        of_top = found.density * self.block_top.off / 2
        return Estimate(found.value, Error(math.hypot(error.own, Z * error.scatter, of_top), 0.0))
