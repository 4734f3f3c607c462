"""What a prediction is of: an initializer, laws of entries, covariances, or given factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rankkit.checks import integer
from rankkit.factors import Array, Factors
from rankkit.initializers import Initializer
from rankkit.law.any_phi import frequency_of
from rankkit.law.columns import Column
from rankkit.law.entries import Entries, entries_of
from rankkit.law.entry_laws import EntryLaw
from rankkit.law.measures import Frequency
from rankkit.law.product_law import ProductLaw
from rankkit.law.self_consistent import Path
from rankkit.law.trained import FactorsLaw
from rankkit.rules import Rule

__all__ = ["Laws", "Source", "source_of"]

Laws = EntryLaw | tuple[EntryLaw, EntryLaw]
EQUAL = 1e-9  # of the largest: columns whose frequencies differ by less are alike
UNEVEN = 1e-9  # of the largest variance: how far from symmetric or positive rounding may make a covariance


class Source(Protocol):
    """What a law knows of factors."""

    def frequency(self, omega: float, path: Path) -> Frequency:
        """Return what it says of one frequency."""
        ...


@dataclass(frozen=True)
class _Drawn:
    """Factors of an initializer."""

    entries: Entries
    rule: Callable[[float], Rule] | None

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
        If entries are no law and no pair of laws, or factors are not one pair.
    ValueError
        If arguments exclude each other, a size is missing, or a covariance is none.
    """
    if factors is not None:
        if any(x is not None for x in (d, r, n, initializer, rule, entries, covariance)):
            raise ValueError(
                "give factors alone: they have their own sizes and entries, and only sines of them are predicted."
            )
        return FactorsLaw.of(factors)
    if d is None or r is None:
        raise ValueError("d and r must be given, for instance d=512, r=2; or pass factors=.")
    if entries is None and covariance is None:
        return _Drawn(entries_of(d, r, n, initializer), rule)
    if initializer is not None or rule is not None:
        raise ValueError("leave initializer and rule out where entries or covariance are given, for sines alone.")
    sizes = ("d", d), ("r", r), ("n", d if n is None else n)
    d, r, n = (integer(name, size, advice="for instance d=512, r=2") for name, size in sizes)
    if covariance is None:
        rows, columns = _both(entries)
        about = rows.label if rows is columns else f"{rows.label} and {columns.label}"
        return ProductLaw(d, n, (Column(rows, columns, 1.0, r),), about)
    scales, about = _scales(covariance, r, entries)
    if entries is None and np.ptp(scales) <= EQUAL * scales[0] and scales.size == r:
        return _Drawn(Entries(d, n, r, True, float(scales[0])), None)
    rows, columns = _both(_normal() if entries is None else entries)
    alike = np.split(scales, 1 + np.flatnonzero(np.diff(scales) < -EQUAL * scales[0]))
    found = [Column(rows, columns, float(same[0]) / (rows.std * columns.std), same.size) for same in alike]
    return ProductLaw(d, n, found, about)


def _both(entries: Laws | None) -> tuple[EntryLaw, EntryLaw]:
    """Return the laws of B and of A."""
    pair: Any = entries if isinstance(entries, tuple) else (entries, entries)
    if len(pair) != 2 or not all(isinstance(law, EntryLaw) for law in pair):
        raise TypeError(f"entries must be a law.EntryLaw or a pair of them, for B and for A, got {entries!r}.")
    rows: EntryLaw = pair[0]
    columns: EntryLaw = pair[1]
    return rows, columns


def _scales(covariance: Sequence[Array], r: int, entries: Laws | None) -> tuple[Array, str]:
    """Return the frequencies of the independent columns, descending, and what they are, in words."""
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
    C = np.asarray(given, dtype=np.float64)
    if C.shape != (r, r) or not np.all(np.isfinite(C)):
        raise ValueError(f"covariance must be two finite matrices of shape ({r}, {r}), got {C.shape} for {name}.")
    values = np.linalg.eigvalsh((C + C.T) / 2)
    if float(np.max(np.abs(C - C.T))) > UNEVEN * values[-1] or values[0] < -UNEVEN * values[-1]:
        raise ValueError(f"covariance must be symmetric and positive, got a matrix for {name} that is not.")
    return (C + C.T) / 2


def _root(C: Array) -> Array:
    values, vectors = np.linalg.eigh(C)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _normal() -> EntryLaw:
    from scipy.special import ndtri

    return EntryLaw.of_quantile(ndtri, "Gaussian entries")
