"""What every column of an audit means, in whole sentences, for reports, schemas and readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = [
    "DEFINITIONS", "HEADS", "NOTES", "SUMMARISED", "SUMMARY_HEADS", "SWEPT", "Audited", "NotAnalysed", "headed",
    "in_short", "shown", "summary_table",
]  # fmt: skip


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
    "module", "adapter", "m", "n", "r", "scale", "rule", "omega_std", "regime", "plain_stable_rank", "stable_rank",
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
    "kind": "kind", "modules": "modules", "ok": "ok", "assumed": "assumed", "dead": "dead", "r_median": "r",
    "stable_rank_median": "stable", "effective_rank_median": "effective", "energy_rank_90_median": "90% energy",
    "utilization_median": "stable/r", "utilization_min": "least", "utilization_max": "most",
}  # fmt: skip

DEFINITIONS: dict[str, str] = {
    "module": "The path of the adapted module in the base model.",
    "adapter": "Which adapter the row is of, where several were measured: a subfolder of the audited folder, in which "
    "a dot is the folder itself, or an adapter of a live model, or the sum of those that are active.",
    "layer": "The layer of the module, which is the first number in its path. In a U-Net it is the number of the "
    "module's block, counted from the input to the output.",
    "kind": "What the module does, guessed from its name: attention, mlp or other.",
    "m": "The update has m rows, one for every output of the module.",
    "n": "The update has n columns: one for every input of the module, or, in a convolution, one for every input "
    "channel and place of the kernel.",
    "r": "The stored rank, which is the number of columns of B and of rows of A. The rank of the product B A cannot "
    "be larger.",
    "dtype": "The number type in which the file stores the factors, for instance float16. The stored values count as "
    "exact, and everything is computed in float64.",
    "scale": "The factor by which B A, or the non-linear function of B A, is multiplied. It is alpha / r for plain "
    "LoRA and alpha / sqrt(r) for rsLoRA, and 1 where nothing is known about it.",
    "rule": "How the update is computed from the product B A: linear is a multiple of B A, sine takes sin(omega x) "
    "of every entry x, and sinter takes x + a x sin(omega x), with an amplitude a.",
    "omega_std": "The frequency of the rule times the standard deviation of the entries of B A, in radians. The "
    "field is empty where the rule has no frequency.",
    "spectral_norm": "The largest singular value of the update, sigma_1. The update stretches an input by at most "
    "this factor.",
    "frobenius_norm": "The square root of the sum of the squared entries of the update. The squared singular values "
    "have the same sum.",
    "stable_rank": "The stable rank is frobenius_norm^2 / spectral_norm^2. It lies between 1 and the rank, and it is "
    "small where a few singular values are much larger than the others.",
    "numerical_rank": "The number of singular values that exceed rtol * sigma_1. The field is empty where rounding "
    "makes this number uncertain.",
    "rtol": "The tolerance of numerical_rank. By default it is max(m, n) times 2^-23, the machine epsilon of float32.",
    "effective_rank": "The effective rank is exp(-sum p ln p) with the shares p = sigma / sum(sigma). It is k where "
    "k singular values are equal and the others are zero.",
    "effective_rank_energy": "The effective rank of the energy is exp(-sum p ln p) with the shares p = sigma^2 / "
    "sum(sigma^2).",
    "participation_ratio": "The participation ratio is (sum sigma^2)^2 / sum sigma^4. It is k where k singular "
    "values are equal and the others are zero.",
    "energy_rank_90": "The number of largest singular values that are needed to hold 90 % of sum(sigma^2). The field "
    "is empty where rounding makes this number uncertain.",
    "energy_rank_95": "The number of largest singular values that are needed to hold 95 % of sum(sigma^2). The field "
    "is empty where rounding makes this number uncertain.",
    "energy_rank_99": "The number of largest singular values that are needed to hold 99 % of sum(sigma^2). The field "
    "is empty where rounding makes this number uncertain.",
    "utilization": "The stable rank divided by r. It is at most 1 for a linear rule, and it may be larger for a "
    "non-linear rule such as a sine.",
    "status": "The status is ok, assumed (the module was measured, but its numbers rest on something that is not "
    "known), zero (a factor was never trained or is empty, or the product is too small for float64), nonfinite (NaN, "
    "infinity, or too large for float64), unpaired (a tensor of the module is missing) or unsupported (the "
    "note says why).",
    "note": "What had to be assumed, or why the status is not ok.",
    "assumed": "What the numbers of the row rest on that is not known, such as the scale. The field is empty unless "
    "the status is assumed. An unknown scale leaves the ranks as they are and changes only scale, the norms and the "
    "sizes relative to the base; anything else may change every number.",
    "regime": "The part of the frequency curve: linear if the stable rank is within 10 % of that of B A; saturated "
    "if a sine's stable rank is at least 90 % of m n / (sqrt m + sqrt n)^2, the value of a random matrix; growing "
    "otherwise. The field is empty for non-linear rules that do not oscillate, and where there is no B A to compare "
    "with.",
    "plain_stable_rank": "The stable rank of B A, before a non-linear rule is applied to its entries.",
    "numerical_rank_lower": "The least possible numerical rank, given the rounding errors of the singular values.",
    "numerical_rank_upper": "The largest possible numerical rank, given the rounding errors of the singular values.",
    "spectral_norm_error": "A bound on the error of spectral_norm.",
    "stable_rank_error": "A bound on the error of stable_rank.",
    "effective_rank_error": "A bound on the error of effective_rank.",
    "effective_rank_energy_error": "A bound on the error of effective_rank_energy.",
    "weight_spectral_norm": "The largest singular value of the base model's weight, known to one part in a million.",
    "weight_frobenius_norm": "The Frobenius norm of the base model's weight.",
    "relative_spectral": "The size of the update relative to the base weight, which is spectral_norm / "
    "weight_spectral_norm.",
    "relative_frobenius": "The size of the update relative to the base weight, which is frobenius_norm / "
    "weight_frobenius_norm.",
    "intruders": "The number of intruder dimensions (arXiv 2410.21228): among the leading left singular vectors of "
    "the adapted weight W + delta, those whose |cosine| with every left singular vector of the base weight W is "
    "below 0.5.",
    "base_note": "Why the update could not be compared with a weight of the base model, or what "
    "the base calls the module, where a loader that compares names strictly would miss it.",
}

# of the summary by kind of module, which has medians of the columns above beside these
SUMMARISED: dict[str, str] = {
    "dead": "The number of modules whose status is zero.",
    "utilization_min": "The smallest utilization of a module.",
    "utilization_max": "The largest utilization of a module.",
}
# of a sweep's table
SWEPT: dict[str, str] = {
    "c": "The frequency omega times the bounds of the entries of B and of A; of a distribution without bounds, times "
    "both standard deviations.",
    "omega_std": DEFINITIONS["omega_std"],
}


def in_short(definitions: Mapping[str, str], heads: Mapping[str, str]) -> dict[str, str]:
    """Return what stands above a column -> its name and the first sentence of its definition.

    Parameters
    ----------
    definitions : mapping of str to str
        Column -> what it means.
    heads : mapping of str to str
        Column -> what stands above it.

    Examples
    --------
    >>> in_short(DEFINITIONS, {"utilization": "stable/r"})
    {'stable/r': 'utilization. The stable rank divided by r.'}
    """
    sentences = {name: definitions[name].partition(". ")[0].rstrip(".") for name in heads if name in definitions}
    return {heads[name]: f"{'' if heads[name] == name else f'{name}. '}{text}." for name, text in sentences.items()}


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
    """Return an audit's summary by kind of module under its short heads; the assumed ones only where there are some.

    Parameters
    ----------
    report : Audited
        `rankkit.Audit` is one.
    """
    columns = report.summary_columns()
    return {head: columns[name] for name, head in SUMMARY_HEADS.items() if name != "assumed" or any(columns[name])}
