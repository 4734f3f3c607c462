"""What a prediction is of: an initializer, laws of entries, covariances, or given factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rankkit.checks import integer, warn_full_rank
from rankkit.factors import Array, Factors
from rankkit.initializers import Initializer
from rankkit.law.any_phi import frequency_of
from rankkit.law.columns import Column
from rankkit.law.entries import Entries, entries_of
from rankkit.law.entry_laws import EntryLaw
from rankkit.law.measures import LIMIT_C, Frequency
from rankkit.law.product_law import FILLED, ProductLaw
from rankkit.law.self_consistent import Path
from rankkit.law.trained import FactorsLaw
from rankkit.rules import Rule, Sine
from rankkit.rules.rule import check_maker

__all__ = ["Drawn", "Laws", "Source", "check_alone", "drawn_of", "source_of"]

Laws = EntryLaw | tuple[EntryLaw, EntryLaw]
EQUAL = 1e-9  # of the largest: columns whose frequencies differ by less are alike
UNEVEN = 1e-9  # of the largest variance: how far from symmetric or positive rounding may make a covariance


class Source(Protocol):
    """What a law knows of factors."""

    def frequency(self, omega: float, path: Path) -> Frequency:
        """Return what it says of one frequency."""
        ...


class Drawn(Source, Protocol):
    """What a law knows of random factors."""

    @property
    def entries(self) -> Entries:
        """Sizes and scale."""
        ...

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


def source_of(
    d: int | None,
    r: int | None,
    n: int | None,
    initializer: Initializer | None,
    rule: Callable[[float], Rule] | None,
    entries: Laws | None,
    covariance: Sequence[Array] | None,
    factors: Factors | None,
) -> Source:
    """Return what the arguments of a prediction describe.

    Raises
    ------
    TypeError
        If entries are no law and no pair of laws, factors are not one pair, or rule makes no rule.
    ValueError
        If arguments exclude each other, a size is missing, or a covariance is none.
    """
    if factors is None:
        return drawn_of(d, r, n, initializer, rule, entries, covariance, stacklevel=5)
    check_alone(d, r, n, initializer, entries, covariance)
    if _phi(rule) is not None:
        raise ValueError(
            "rule must be left out with factors, of which only the sine is predicted: frequency_for_rank measures "
            "them under any rule, and spectrum_of(rule(omega)(factors)) at one frequency."
        )
    return FactorsLaw.of(factors)


def check_alone(*others: object) -> None:
    """Raise a ValueError if anything that factors know themselves was given beside them."""
    if any(x is not None for x in others):
        raise ValueError(
            "give factors alone, or d, r, n, initializer, entries and covariance, not both: factors have their own "
            "sizes and entries."
        )


def drawn_of(
    d: int | None,
    r: int | None,
    n: int | None,
    initializer: Initializer | None,
    rule: Callable[[float], Rule] | None,
    entries: Laws | None,
    covariance: Sequence[Array] | None,
    *,
    stacklevel: int = 4,
) -> Drawn:
    """Return what the arguments say of random factors; errors as for `source_of`."""
    if d is None or r is None:
        raise ValueError("d and r must be given, for instance d=512, r=2; or pass factors=.")
    rule = _phi(rule)
    if entries is None and covariance is None:
        found = _Initialised(entries_of(d, r, n, initializer), rule)
    elif initializer is not None:
        raise ValueError(
            "give initializer, or entries and covariance, not both: either says how the factors are distributed."
        )
    else:
        sizes = ("d", d), ("r", r), ("n", d if n is None else n)
        m, r, n = (integer(name, size, advice="for instance d=512, r=2") for name, size in sizes)
        found = _independent(m, r, n, rule, entries, covariance)
    warn_full_rank(found.entries.r, found.entries.m, found.entries.n, stacklevel=stacklevel)
    return found


def _phi(rule: Callable[[float], Rule] | None) -> Callable[[float], Rule] | None:
    """Return what makes a rule, or None where that is the sine."""
    if rule is None or rule is Sine:
        return None
    check_maker(rule)
    return rule


def _independent(
    m: int,
    r: int,
    n: int,
    rule: Callable[[float], Rule] | None,
    entries: Laws | None,
    covariance: Sequence[Array] | None,
) -> Drawn:
    """Return what laws of entries and covariances say."""
    scales, about = np.ones(r), ""
    if covariance is not None:
        scales, about = _scales(covariance, r, entries)
        if entries is None and np.ptp(scales) <= EQUAL * scales[0] and scales.size == r:
            return _Initialised(Entries(m, n, r, True, float(scales[0])), rule)
    if rule is not None:
        raise ValueError(
            "rule is predicted for Gaussian entries alone that are independent and of one size: pass "
            "initializer=Normal(std_B, std_A) in place of entries and covariance; for other entries draw factors, "
            "which frequency_for_rank(factors=) measures under any rule."
        )
    rows, columns = _both(EntryLaw.named("normal") if entries is None else entries)
    if covariance is None:
        about = rows.label if rows is columns else f"{rows.label} and {columns.label}"
        return ProductLaw(m, n, (Column(rows, columns, 1.0, r),), about)
    alike = np.split(scales, 1 + np.flatnonzero(np.diff(scales) < -EQUAL * scales[0]))
    found = [Column(rows, columns, float(same[0]) / (rows.std * columns.std), same.size) for same in alike]
    return ProductLaw(m, n, found, about)


def _both(entries: Laws | None) -> tuple[EntryLaw, EntryLaw]:
    """Return the laws of B and of A."""
    pair: Any = entries if isinstance(entries, (tuple, list)) else (entries, entries)
    if len(pair) != 2 or not all(isinstance(law, EntryLaw) for law in pair):
        raise TypeError(
            f"entries must be a law.EntryLaw or a pair of them, for B and for A, got {entries!r}; for instance "
            'EntryLaw.named("laplace") or EntryLaw.of_samples(values).'
        )
    rows: EntryLaw = pair[0]
    columns: EntryLaw = pair[1]
    return rows, columns


def _scales(covariance: Sequence[Array], r: int, entries: Laws | None) -> tuple[Array, str]:
    """Return the frequencies of the independent columns, descending, and what they are, in words."""
    length = len(covariance) if hasattr(covariance, "__len__") else 1
    if length != 2:
        got = f"a {type(covariance).__name__} of length {length}"
        raise TypeError(f"covariance must be a pair of matrices, for B and for A, got {got}; pass (C_B, C_A).")
    C_B, C_A = (_checked(name, C, r) for name, C in zip(("C_B", "C_A"), covariance, strict=True))
    if entries is None:
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
        raise ValueError("covariance must leave B A some entries that are not zero.")
    return scales, about


def _checked(name: str, given: Array, r: int) -> Array:
    try:
        C = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"covariance must be a pair of matrices of numbers, got {given!r} for {name}.") from None
    if C.shape != (r, r) or not np.all(np.isfinite(C)):
        raise ValueError(f"covariance must be two finite matrices of shape ({r}, {r}), got {C.shape} for {name}.")
    values = np.linalg.eigvalsh((C + C.T) / 2)
    if float(np.max(np.abs(C - C.T))) > UNEVEN * values[-1] or values[0] < -UNEVEN * values[-1]:
        raise ValueError(f"covariance must be symmetric and positive, got a matrix for {name} that is not.")
    return (C + C.T) / 2


def _root(C: Array) -> Array:
    values, vectors = np.linalg.eigh(C)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
