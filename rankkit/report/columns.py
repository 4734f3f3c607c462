"""What every column of an audit means: one sentence each, for reports, schemas and readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["DEFINITIONS", "HEADS", "NOTES", "Audited", "NotAnalysed", "headed", "shown", "summary_table"]


class NotAnalysed(Protocol):
    """A tensor that belongs to no module: its key, its shape, and the reason."""

    @property
    def key(self) -> str:
        """Name of the tensor."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        ...

    @property
    def reason(self) -> str:
        """Why it was not analysed."""
        ...


class Audited(Protocol):
    """What a report needs of an audit: `rankkit.Audit` is one."""

    @property
    def source(self) -> str:
        """What was audited."""
        ...

    @property
    def columns(self) -> Mapping[str, list[Any]]:
        """One list a column, one entry a module."""
        ...

    @property
    def spectra(self) -> Mapping[str, Any]:
        """Singular values by module, descending."""
        ...

    @property
    def skipped(self) -> Sequence[NotAnalysed]:
        """Tensors that belong to no row."""
        ...

    @property
    def table(self) -> Any:
        """The columns as a DataFrame."""
        ...

    @property
    def coverage(self) -> str:
        """One sentence on what was measured."""
        ...

    def summary_columns(self) -> Mapping[str, list[Any]]:
        """Medians and extremes by kind, as columns."""
        ...


# the columns that a page shows at first, in this order
FIRST = (
    "module", "m", "n", "r", "scale", "rule", "omega_std", "regime", "plain_stable_rank", "stable_rank",
    "numerical_rank", "effective_rank", "energy_rank_90", "utilization", "relative_spectral", "relative_frobenius",
    "intruders", "status", "note", "base_note",
)  # fmt: skip
CURVED = ("rule", "omega_std", "regime", "plain_stable_rank")  # these only where some rule is not linear
NOTES = ("note", "base_note")  # these only where there is something to say

# what stands above a column where there is little room; above any other column stands its name
HEADS = {
    "omega_std": "omega std", "plain_stable_rank": "stable, B A", "stable_rank": "stable",
    "numerical_rank": "numerical", "effective_rank": "effective", "energy_rank_90": "90% energy",
    "utilization": "stable/r", "relative_spectral": "rel. spectral", "relative_frobenius": "rel. Frobenius",
    "base_note": "base",
}  # fmt: skip
SUMMARY_HEADS = {
    "kind": "kind", "modules": "modules", "ok": "ok", "dead": "dead", "r_median": "r", "stable_rank_median": "stable",
    "effective_rank_median": "effective", "energy_rank_90_median": "90% energy", "utilization_median": "stable/r",
    "utilization_min": "least", "utilization_max": "most",
}  # fmt: skip

DEFINITIONS: dict[str, str] = {
    "module": "This is the path of the adapted module in the base model.",
    "layer": "This is the module's depth: the first number in its path, or its place along a U-Net.",
    "kind": "This is what the module does, by its name: attention, mlp or other.",
    "m": "The update has this many rows, one for every output of the module.",
    "n": "The update has this many columns: one for every input of the module, or, in a convolution, one for every "
    "input channel and place of the kernel.",
    "r": "This is the stored rank, which is the most rank that the product B A can have.",
    "dtype": "The factors are stored in this type. Stored values count as exact; everything is computed in float64.",
    "scale": "The product B A, or the non-linear function of it, is multiplied by this factor: alpha / r, or "
    "alpha / sqrt(r) for rsLoRA.",
    "rule": "This rule makes the update from the product B A: linear, sine, sinter and so on.",
    "omega_std": "This is the rule's frequency times the standard deviation of the entries of B A, in radians.",
    "spectral_norm": "This is sigma_1, the largest singular value of the update, and the most by which the update "
    "stretches an input.",
    "frobenius_norm": "This is the root of the sum of the squares of the update's entries, or, which is the same, of "
    "its singular values.",
    "stable_rank": "The stable rank is frobenius_norm^2 / spectral_norm^2. It lies between 1 and the rank, and it is "
    "small where a few singular values are much larger than the others.",
    "numerical_rank": "This many singular values exceed rtol * sigma_1. The field is empty where rounding leaves their "
    "number open.",
    "rtol": "This is the tolerance of numerical_rank, by default max(m, n) times float32's 2^-23.",
    "effective_rank": "The effective rank is exp of the entropy of the shares sigma / sum(sigma). It is k where k "
    "singular values are equal and the others are zero.",
    "effective_rank_energy": "This is exp of the entropy of the shares sigma^2 / sum(sigma^2).",
    "participation_ratio": "The participation ratio is (sum sigma^2)^2 / sum sigma^4. It is k where k singular values "
    "are equal and the others are zero.",
    "energy_rank_90": "This many of the largest singular values are needed to hold 90 % of sum(sigma^2). The field is "
    "empty where rounding leaves their number open.",
    "energy_rank_95": "This many of the largest singular values are needed to hold 95 % of sum(sigma^2).",
    "energy_rank_99": "This many of the largest singular values are needed to hold 99 % of sum(sigma^2).",
    "utilization": "This is stable_rank / r, the share of the stored rank that the update really uses.",
    "status": "The status is ok, zero (the update is zero: never trained), nonfinite (NaN or infinity), unpaired (a "
    "factor is missing) or unsupported (the note says why).",
    "note": "The note says what had to be assumed, or why the status is not ok.",
    "regime": "Where the update is on the frequency curve: linear (stable rank within 10 % of that of B A), growing, "
    "or saturated (a sine within 10 % of a random matrix's, m n / (sqrt m + sqrt n)^2).",
    "plain_stable_rank": "This is the stable rank of B A alone, which a linear reading of the adapter would report.",
    "numerical_rank_lower": "The numerical rank is at least this number, whatever rounding did.",
    "numerical_rank_upper": "The numerical rank is at most this number, whatever rounding did.",
    "spectral_norm_error": "The spectral norm is off by at most this much.",
    "stable_rank_error": "The stable rank is off by at most this much.",
    "effective_rank_error": "The effective rank is off by at most this much.",
    "effective_rank_energy_error": "The column effective_rank_energy is off by at most this much.",
    "weight_spectral_norm": "This is sigma_1 of the base model's weight, known to one part in a million.",
    "weight_frobenius_norm": "This is the Frobenius norm of the base model's weight.",
    "relative_spectral": "This is spectral_norm / weight_spectral_norm, the size of the update beside its weight.",
    "relative_frobenius": "This is frobenius_norm / weight_frobenius_norm, the size of the update beside its weight.",
    "intruders": "Of the adapted weight's leading left singular vectors, this many have no cosine of 0.5 or more with "
    "any of the base's (arXiv 2410.21228).",
    "base_note": "This says why there is no weight of the base model to compare the update with.",
}


def shown(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return the names of the columns that a page shows at first: those that tell something about this adapter.

    Parameters
    ----------
    columns : mapping of str to sequence
        An audit's.

    Examples
    --------
    >>> shown({"module": ["q"], "rule": ["linear"], "stable_rank": [1.5], "note": [""]})
    ['module', 'stable_rank']
    """
    left_out = {name for name in NOTES if not any(columns.get(name, []))}
    if set(columns["rule"]) == {"linear"}:
        left_out |= set(CURVED)
    return [name for name in FIRST if name in columns and name not in left_out]


def headed(columns: Mapping[str, list[Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """Return some of an audit's columns under their short heads.

    Parameters
    ----------
    columns : mapping of str to list
        An audit's.
    names : sequence of str
        Which of them, in the order in which they are to stand.

    Examples
    --------
    >>> headed({"module": ["q"], "r": [4], "stable_rank": [1.5]}, ["module", "stable_rank"])
    {'module': ['q'], 'stable': [1.5]}
    """
    return {HEADS.get(name, name): columns[name] for name in names}


def summary_table(report: Audited) -> dict[str, list[Any]]:
    """Return an audit's summary by kind of module under its short heads.

    Parameters
    ----------
    report : Audited
        `rankkit.Audit` is one.
    """
    columns = report.summary_columns()
    return {head: columns[name] for name, head in SUMMARY_HEADS.items()}
