"""What every column of an audit means: one sentence each, for reports, schemas and readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["DEFINITIONS", "HEADS", "NOTES", "SUMMARY_HEADS", "Audited", "NotAnalysed", "shown"]


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


# what most want to see, in this order; of interest only where a rule is not linear; only where there is something
FIRST = (
    "module", "m", "n", "r", "scale", "rule", "omega_std", "regime", "plain_stable_rank", "stable_rank",
    "numerical_rank", "effective_rank", "energy_rank_90", "utilization", "relative_spectral", "relative_frobenius",
    "intruders", "status", "note", "base_note",
)  # fmt: skip
CURVED = ("rule", "omega_std", "regime", "plain_stable_rank")
NOTES = ("note", "base_note")

# what heads a column where there is little room; other columns are headed by their names
HEADS = {
    "scale": "scale", "omega_std": "omega std", "plain_stable_rank": "stable, B A", "stable_rank": "stable",
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
    "module": "Path of the adapted module in the base model.",
    "layer": "Depth: the first number in the module's path, or its place along a U-Net.",
    "kind": "attention, mlp or other, by the module's name.",
    "m": "Outputs: rows of the update.",
    "n": "Inputs: columns of the update; of a convolution, input channels times kernel.",
    "r": "Stored rank: the most rank B A can have.",
    "dtype": "How the factors are stored. Stored values count as exact; everything is computed in float64.",
    "scale": "The factor in front of B A, or of the non-linearity: alpha / r, alpha / sqrt(r) for rsLoRA.",
    "rule": "How B A becomes the update: linear, sine, sinter and so on.",
    "omega_std": "The rule's frequency times the standard deviation of the entries of B A, in radians.",
    "spectral_norm": "sigma_1, the largest singular value of the update: the largest stretch.",
    "frobenius_norm": "Root of the sum of squares of the update's entries, and of its singular values.",
    "stable_rank": "frobenius_norm^2 / spectral_norm^2, between 1 and the rank.",
    "numerical_rank": "How many singular values exceed rtol * sigma_1; empty where their errors leave it open.",
    "rtol": "The tolerance of numerical_rank; by default max(m, n) times float32's 2^-23.",
    "effective_rank": "exp of the entropy of sigma / sum(sigma).",
    "effective_rank_energy": "exp of the entropy of sigma^2 / sum(sigma^2).",
    "participation_ratio": "(sum sigma^2)^2 / sum sigma^4.",
    "energy_rank_90": "Least number of singular values that hold 90 % of sum(sigma^2); empty where it is open.",
    "energy_rank_95": "The same for 95 %.",
    "energy_rank_99": "The same for 99 %.",
    "utilization": "stable_rank / r: how much of the stored rank is really used.",
    "status": "ok; zero (never trained); nonfinite; unpaired (a factor is missing); unsupported (see the note).",
    "note": "What had to be assumed, or why the status is not ok.",
    "regime": "Where the update is on the frequency curve: linear (stable rank within 10 % of that of B A), growing, "
    "or saturated (a sine within 10 % of a random matrix's, m n / (sqrt m + sqrt n)^2).",
    "plain_stable_rank": "Stable rank of B A alone, which a linear reading would report.",
    "numerical_rank_lower": "The numerical rank is at least this.",
    "numerical_rank_upper": "The numerical rank is at most this.",
    "spectral_norm_error": "Bound on how far spectral_norm is off.",
    "stable_rank_error": "Bound on how far stable_rank is off.",
    "effective_rank_error": "Bound on how far effective_rank is off.",
    "effective_rank_energy_error": "Bound on how far effective_rank_energy is off.",
    "weight_spectral_norm": "sigma_1 of the base's weight, to one part in a million.",
    "weight_frobenius_norm": "Frobenius norm of the base's weight.",
    "relative_spectral": "spectral_norm / weight_spectral_norm.",
    "relative_frobenius": "frobenius_norm / weight_frobenius_norm.",
    "intruders": "Of the adapted weight's leading left singular vectors, how many have no cosine of 0.5 or more with "
    "any of the base's (arXiv 2410.21228).",
    "base_note": "Why a row has no weight to stand against.",
}


def shown(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return which of an audit's columns fit a page: what tells something about this adapter.

    Examples
    --------
    >>> shown({"module": ["q"], "rule": ["linear"], "stable_rank": [1.5], "note": [""]})
    ['module', 'stable_rank']
    """
    left_out = {name for name in NOTES if not any(columns.get(name, []))}
    if set(columns["rule"]) == {"linear"}:
        left_out |= set(CURVED)
    return [name for name in FIRST if name in columns and name not in left_out]
