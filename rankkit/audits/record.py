"""Audit: what an audit found, as plain columns, with its table, summary, pictures and files."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import files
from rankkit.checkpoints.assumptions import named, surest
from rankkit.checkpoints.layer import MEASURED, STATUSES, Skipped
from rankkit.checkpoints.matching import missed_by_strict
from rankkit.checkpoints.module_names import parameter_of
from rankkit.columns import Tabled, frame, gathered, records
from rankkit.report.audit_page import page
from rankkit.report.card import card
from rankkit.report.columns import headed, shown, summary_table
from rankkit.report.inline import counted, html_summary, source_name, text_summary
from rankkit.report.sketch import medians, sketch

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Audit"]

NAMED = 3  # skipped tensors, and reasons, that the coverage sentence names
MEDIANS = ("r", "stable_rank", "effective_rank", "energy_rank_90", "utilization")
EXTREMES = ("utilization", "frobenius_norm")


@dataclass(frozen=True, eq=False)
class Audit(Tabled):
    """What an adapter's updates look like, one row for each module.

    Attributes
    ----------
    source : str
        What was audited.
    columns : dict of str to list
        module, adapter (only where several were measured),
        layer (depth, None where the path has no number), kind (attention, mlp, other), m (outputs),
        n (inputs), r (stored rank), dtype (as stored), scale, rule, omega_std (omega times the standard deviation of
        B A; NaN for linear updates), spectral_norm, frobenius_norm (scale applied), stable_rank, numerical_rank
        (values above rtol * sigma_1), rtol, effective_rank, effective_rank_energy, participation_ratio,
        energy_rank_90, _95, _99, utilization (stable_rank / r), status, note, assumed (what the numbers rest on that is
        not known, "" unless the status is assumed), regime (where the update is on
        the frequency curve; see `rankkit.audits.row.regime`), plain_stable_rank (of B A alone), numerical_rank_lower
        and _upper (a rank that the values' errors leave open is NaN, with these beside it), spectral_norm_error,
        stable_rank_error, effective_rank_error, effective_rank_energy_error (bounds on how far they may be off).
        Metrics are NaN for all modules but those whose status is ok or assumed. `rankkit.report.columns.DEFINITIONS`
        says what each column means, and `rankkit.columns.COLUMN_TYPES` which type it has.
    spectra : dict of str to array
        Singular values of every module whose status is ok or assumed, descending; where there are several adapters, of
        module[adapter].
    skipped : tuple of Skipped
        (key, shape, reason) of every tensor that belongs to no row.
    use_rslora : bool
        Whether the adapter's configuration asks for rsLoRA: scales are alpha / sqrt(r) in place of alpha / r.
    beside : tuple of str
        Adapters in subfolders of the audited folder, which were not measured; `audit(each=True)` measures them all.
    """

    source: str
    columns: dict[str, list[Any]]
    spectra: dict[str, Any]
    skipped: tuple[Skipped, ...]
    use_rslora: bool = False
    beside: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row for each module of the adapter."""
        return frame("Audit", self.columns)

    @property
    def coverage(self) -> str:
        """One sentence: how many modules were measured, and which tensors were not analysed."""
        status = self.columns["status"]
        sentence = f"{sum(map(status.count, MEASURED))} of {counted(len(status), 'module')} measured"
        if assumed := status.count("assumed"):
            sentence += f", {assumed} of them with an unknown {named(self.columns['assumed'])}"
        trouble = [f"{status.count(name)} {name}" for name in STATUSES if name in status and name not in MEASURED]
        sentence += f" ({', '.join(trouble)})" if trouble else ""
        if self.skipped:
            keys = _few([entry.key for entry in self.skipped], ", ")
            reasons = _few(list(dict.fromkeys(entry.reason for entry in self.skipped)), "; ")
            sentence += f"; {counted(len(self.skipped), 'tensor')} not analysed: {keys} ({reasons})"
        sentence += missed_by_strict(self.columns.get("base_note", ()), "the base")
        if self.beside:
            sentence += f"; more adapters in the folder, not measured: {_few(self.beside, ', ')} (--all measures all)"
        return sentence + "."

    def summary_columns(self) -> dict[str, list[Any]]:
        """Return `summary`'s columns as plain lists."""
        kinds, everywhere = self.columns["kind"], range(len(self.columns["kind"]))
        members = {kind: [i for i in everywhere if kinds[i] == kind] for kind in sorted(set(kinds))}
        for i, name in enumerate(map(parameter_of, self.columns["module"])):
            if name:  # the experts of one parameter, of all blocks
                members.setdefault(name, []).append(i)
        return gathered(self._summary_row(kind, at) for kind, at in [*members.items(), ("all", everywhere)])

    def _summary_row(self, kind: str, members: Sequence[int]) -> dict[str, Any]:
        """Return the summary of the modules in these places."""
        status = [self.columns["status"][i] for i in members]
        row: dict[str, Any] = {"kind": kind, "modules": len(members), "ok": status.count("ok")}
        row |= {"assumed": status.count("assumed"), "dead": status.count("zero")}
        for name in MEDIANS:
            values = self._values(name, members)
            row[f"{name}_median"] = _median(values) if values else math.nan
        for name in EXTREMES:
            values = self._values(name, members)
            row[f"{name}_min"], row[f"{name}_max"] = (min(values), max(values)) if values else (math.nan, math.nan)
        return row

    def _values(self, name: str, members: Sequence[int]) -> list[Any]:
        """Return a column's values that may be averaged: those that rest on nothing unknown, else those that do."""
        alive = [i for i in members if self.columns["status"][i] in MEASURED]
        return surest(name, [self.columns[name][i] for i in alive], [self.columns["assumed"][i] for i in alive])

    def summary(self) -> pd.DataFrame:
        """Return medians and extremes by kind of module, and over all; dead modules counted, not averaged.

        The experts of a parameter have a row of their own beside that of their kind. A value that rests on something
        that is not known is left out beside values that do not. Where there are no others, it is used, and the counts
        under "ok" and "assumed" tell so.
        """
        import pandas as pd

        return pd.DataFrame(self.summary_columns())

    def plot(self, axes: Any = None) -> Any:
        """Draw stable rank against depth by module type, and the normalised spectra; returns the two axes.

        Parameters
        ----------
        axes : array of Axes, optional
            Where to draw, two of them; None: a new figure.
        """
        from rankkit.plots import audit_overview

        return audit_overview(self.table, self.spectra, axes=axes)

    def _writers(self) -> files.Writers:
        return {
            ".json": lambda out: out.write(json.dumps(self.record(), indent=2, allow_nan=False).encode()),
            ".md": lambda out: out.write(f"{self.to_markdown()}\n".encode()),
            ".html": lambda out: out.write(self.to_html().encode()),
            ".npz": lambda out: files.write_npz(out, self.spectra),
        }

    def to_markdown(self) -> str:
        """Return a section for a model card: coverage, medians, what the words mean, and the modules, folded."""
        return card(self)

    def to_html(self) -> str:
        """Return one self-contained page: summary, figures, a sortable table, definitions, provenance."""
        return page(self)

    def record(self) -> dict[str, Any]:
        """Return everything but the spectra as JSON-ready values; NaN becomes None."""
        return {
            "format": 1,
            "source": self.source,
            "coverage": self.coverage,
            "modules": records(self.columns),
            "summary": records(self.summary_columns()),
            "skipped": [{"key": s.key, "shape": list(s.shape), "reason": s.reason} for s in self.skipped],
        }

    def __repr__(self) -> str:
        return text_summary(self._title(), self._lines(), summary_table(self))

    def _repr_html_(self) -> str:
        columns = self.columns
        picture = sketch(
            medians(columns["kind"], columns["layer"], columns["stable_rank"]), across="layer", up="median stable rank"
        )
        modules = headed(columns, shown(columns))
        return html_summary(self._title(), self._lines(), modules, picture=picture, summary=summary_table(self))

    def _title(self) -> str:
        return f"Audit of {source_name(self.source)}: {counted(len(self.columns['module']), 'module')}"

    def _lines(self) -> list[str]:
        whole = {name: values[-1] for name, values in self.summary_columns().items()}
        medians_of_all = (
            f"median stable rank {whole['stable_rank_median']:.4g}, which is {whole['utilization_median']:.3g} of the "
            f"stored rank; median effective rank {whole['effective_rank_median']:.4g}"
        )
        return [
            self.coverage,
            medians_of_all if self.spectra else "no module has an update whose rank could be measured",
            ".table has one row for each module; .summary() has the medians by kind; .plot() draws both; "
            '.save("audit.html") writes a page',
        ]


def _few(texts: Sequence[str], between: str) -> str:
    """Return the first texts, and dots where there are more."""
    return between.join([*texts[:NAMED], *(["..."] if len(texts) > NAMED else [])])


def _median(values: Sequence[float]) -> float:
    """Return the median, NaN where a value is NaN. numpy's own imports numpy.ma, a thirtieth of an audit's time."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    return math.nan if np.isnan(ordered[-1]) else float(np.mean(middle))
