"""What a prediction is of: an initializer, laws of entries, covariances, or given factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from rankkit.checks import integer, shown, warn_full_rank
from rankkit.factors import Array, Factors
from rankkit.initializers import Initializer
from rankkit.law.any_phi import frequency_of
from rankkit.law.finite.self_consistent import Path
from rankkit.law.given.measured import one_pair
from rankkit.law.given.trained import FactorsLaw
from rankkit.law.limit.columns import Column
from rankkit.law.limit.covariances import scales_of
from rankkit.law.limit.entries import Entries, entries_of
from rankkit.law.limit.entry_laws import EntryLaw
from rankkit.law.measures import LIMIT_C, Frequency
from rankkit.law.product_law import FILLED, ProductLaw
from rankkit.law.ranges import LARGEST, MOST_RANK, SCALES, check_entries
from rankkit.law.waves.frequency import RuleLaw
from rankkit.rules import Rule, Sine
from rankkit.rules.rule import check_maker

__all__ = ["Asked", "Drawn", "Laws", "Source"]

Laws = EntryLaw | tuple[EntryLaw, EntryLaw]
EQUAL = 1e-9  # of the largest: columns whose frequencies differ by less are alike


class Source(Protocol):
    """What a law knows of factors."""

    @property
    def entries(self) -> Entries:
        """Sizes and scale."""
        ...

    def frequency(self, omega: float, path: Path) -> Frequency:
        """Return what it says of one frequency."""
        ...


class Drawn(Source, Protocol):
    """What a law knows of random factors."""

    @property
    def span(self) -> tuple[float, float]:
        """The frequencies between which a target is looked for: up to where nothing changes, or where the law ends."""
        ...

    @property
    def ends(self) -> bool:
        """Whether the law ends there, so that larger frequencies may reach what these do not."""
        ...

    @property
    def of_sine(self) -> bool:
        """Whether phi is the sine."""
        ...

    @property
    def tries(self) -> int:
        """Frequencies between these two at which a target is looked for first; fewer where one takes longer."""
        ...


@dataclass(frozen=True)
class _Initialised:
    """Factors of an initializer."""

    entries: Entries
    rule: Callable[[float], Rule] | None

    @property
    def span(self) -> tuple[float, float]:
        entries = self.entries
        return LIMIT_C / entries.unit, FILLED * entries.filling / entries.unit

    @property
    def ends(self) -> bool:
        return False

    @property
    def of_sine(self) -> bool:
        return self.rule is None

    @property
    def tries(self) -> int:
        return 40 if self.of_sine else 12  # a frequency of another rule costs ten of the sine

    def frequency(self, omega: float, path: Path) -> Frequency:
        return frequency_of(self.entries, omega, self.rule, path)


@dataclass(frozen=True, eq=False)
class Asked:
    """What a public function is asked to predict of: its arguments, checked together.

    Attributes
    ----------
    d, r, n : int, optional
        Rows of the update, rank of the factors and columns; None for n: d.
    initializer : Initializer, optional
        None: Kaiming uniform with a = 0.
    rule : callable, optional
        omega -> Rule; None: the sine.
    entries : EntryLaw or pair of EntryLaw, optional
    covariance : pair of float arrays, shape (r, r), optional
    factors : Factors, optional
        Given ones, in place of all but `rule`.

    Raises
    ------
    TypeError
        If factors are not one pair, or rule makes no rule.
    ValueError
        If arguments exclude each other, or a size is missing or not a positive integer.
    """

    d: int | None
    r: int | None
    n: int | None
    initializer: Initializer | None
    rule: Callable[[float], Rule] | None
    entries: Laws | None
    covariance: Sequence[Array] | None
    factors: Factors | None

    def __post_init__(self) -> None:
        laws = (self.entries, self.covariance)
        if self.factors is not None:
            if any(x is not None for x in (self.d, self.r, self.n, self.initializer, *laws)):
                raise ValueError(
                    "give factors alone, or d, r, n, initializer, entries and covariance, not both: factors have their "
                    "own sizes and entries."
                )
            one_pair(self.factors, largest=SCALES[1])
        elif self.d is None or self.r is None:
            raise ValueError("d and r must be given, for instance d=512, r=2; or pass factors=.")
        if self.phi is not None:
            check_maker(self.rule)
        if self.initializer is not None and any(x is not None for x in laws):
            raise ValueError(
                "give initializer, or entries and covariance, not both: either says how the factors are distributed."
            )
        if self.factors is None:
            m, r, n = self.sizes
            warn_full_rank(r, m, n, stacklevel=5)  # the caller of the function that makes this record

    @cached_property
    def sizes(self) -> tuple[int, int, int]:
        """m, r and n of random factors."""
        columns, advice = self.d if self.n is None else self.n, "for instance d=512, r=2"
        m, n = (integer(name, size, most=LARGEST, advice=advice) for name, size in (("d", self.d), ("n", columns)))
        return m, integer("r", self.r, most=MOST_RANK, advice=advice), n

    @property
    def phi(self) -> Callable[[float], Rule] | None:
        """What makes a rule from omega, or None where that is the sine."""
        return None if self.rule is Sine else self.rule

    def source(self) -> Source:
        """Return what is known of the factors, random or given.

        Raises
        ------
        TypeError
            As for `drawn`.
        ValueError
            If another rule than the sine is asked for with factors; otherwise as for `drawn`.
        """
        if self.factors is None:
            return self.drawn()
        if self.phi is not None:
            raise ValueError(
                "rule must be left out with factors, of which only the sine is predicted: frequency_for_rank measures "
                "them under any rule, and spectrum_of(rule(omega)(factors)) at one frequency."
            )
        return FactorsLaw.of(self.factors)

    def drawn(self) -> Drawn:
        """Return what is known of random factors.

        Raises
        ------
        TypeError
            If the initializer or entries are no law that is known, or covariance is no pair of matrices.
        ValueError
            If a covariance is none, or the rank or the scale of the entries is too large.
        """
        found = self._described()
        many = max(column.many for column in found.columns) if isinstance(found, ProductLaw) else None
        check_entries(found.entries, many)
        return found

    def _described(self) -> Drawn:
        m, r, n = self.sizes
        if self.entries is None and self.covariance is None:
            found = entries_of(m, r, n, self.initializer)
            if self.phi is None or found.gaussian:
                return _Initialised(found, self.phi)
            uniform = EntryLaw.named("uniform")
            return self._law([Column(uniform, uniform, found.unit / 3, r)], uniform.label)
        scales, about = np.ones(r), ""
        if self.covariance is not None:
            scales, about = scales_of(self.covariance, r, gaussian=self.entries is None)
            if self.entries is None and np.ptp(scales) <= EQUAL * scales[0] and scales.size == r:
                return _Initialised(Entries(m, n, r, True, float(scales[0])), self.phi)
        rows, columns = _both(EntryLaw.named("normal") if self.entries is None else self.entries)
        if self.covariance is None:
            about = rows.label if rows is columns else f"{rows.label} and {columns.label}"
            return self._law([Column(rows, columns, 1.0, r)], about)
        alike = np.split(scales, 1 + np.flatnonzero(np.diff(scales) < -EQUAL * scales[0]))
        found = [Column(rows, columns, float(same[0]) / (rows.std * columns.std), same.size) for same in alike]
        return self._law(found, about)

    def _law(self, columns: Sequence[Column], about: str) -> Drawn:
        m, _, n = self.sizes
        return ProductLaw(m, n, columns, about) if self.phi is None else RuleLaw(m, n, columns, about, self.phi)


def _both(entries: Laws | None) -> tuple[EntryLaw, EntryLaw]:
    """Return the laws of B and of A."""
    pair: Any = entries if isinstance(entries, (tuple, list)) else (entries, entries)
    if len(pair) != 2 or not all(isinstance(law, EntryLaw) for law in pair):
        raise TypeError(
            f"entries must be a law.EntryLaw or a pair of them, for B and for A, got {shown(entries)}; for instance "
            'EntryLaw.named("laplace") or EntryLaw.of_samples(values).'
        )
    rows: EntryLaw = pair[0]
    columns: EntryLaw = pair[1]
    return rows, columns
