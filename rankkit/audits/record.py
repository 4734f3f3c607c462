"""Audit: what an audit found, as plain columns, with its table, summary, pictures and files."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankkit import files
from rankkit.checkpoints.layer import STATUSES, Skipped
from rankkit.report.audit_page import page
from rankkit.report.card import card

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Audit"]


@dataclass(frozen=True, eq=False)
class Audit:
    """What an adapter's update looks like, one row per module.

    Attributes
    ----------
    source : str
        What was audited.
    columns : dict of str to list
        module, layer (depth, None where the path has no number), kind (attention, mlp, other), m (outputs),
        n (inputs), r (stored rank), dtype (as stored), scale, rule, omega_std (omega times the standard deviation of
        B A; NaN for linear updates), spectral_norm, frobenius_norm (scale applied), stable_rank, numerical_rank
        (values above rtol * sigma_1), rtol, effective_rank, effective_rank_energy, participation_ratio,
        energy_rank_90, _95, _99, utilization (stable_rank / r), status, note, regime (where the update is on
        the frequency curve: linear, growing, saturated; see `applied.regime`), plain_stable_rank (of B A alone),
        numerical_rank_lower and _upper (a rank that the values' errors leave open is NaN, with these beside it),
        spectral_norm_error, stable_rank_error, effective_rank_error, effective_rank_energy_error (bounds on how far
        they may be off). Metrics are NaN for all but ok.
    spectra : dict of str to array
        Singular values of every module whose status is ok, descending.
    skipped : tuple of Skipped
        (key, shape, reason) of every tensor that belongs to no row.
    """

    source: str
    columns: dict[str, list[Any]]
    spectra: dict[str, Any]
    skipped: tuple[Skipped, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row per adapter module."""
        import pandas as pd

        return pd.DataFrame(self.columns).astype(dict.fromkeys(("layer", "m", "n", "r"), "Int64"))

    @property
    def coverage(self) -> str:
        """One sentence: how many modules were analysed, and what was not."""
        status = self.columns["status"]
        sentence = f"{status.count('ok')} of {len(status)} modules measured"
        trouble = [f"{status.count(name)} {name}" for name in [*STATUSES][1:] if status.count(name)]
        sentence += f" ({', '.join(trouble)})" if trouble else ""
        if self.skipped:
            names = ", ".join(entry.key for entry in self.skipped[:3]) + (", ..." if len(self.skipped) > 3 else "")
            reasons = "; ".join(dict.fromkeys(entry.reason for entry in self.skipped))
            count = f"{len(self.skipped)} tensor{'s' if len(self.skipped) > 1 else ''}"
            sentence += f"; {count} not analysed: {names} ({reasons})"
        return sentence + "."

    def summary_columns(self) -> dict[str, list[Any]]:
        """Return `summary`'s columns as plain lists."""
        rows: dict[str, list[Any]] = {}
        kinds = [*dict.fromkeys(sorted(self.columns["kind"])), "all"]
        for kind in kinds:
            members = [i for i, k in enumerate(self.columns["kind"]) if kind in (k, "all")]
            alive = [i for i in members if self.columns["status"][i] == "ok"]
            row: dict[str, Any] = {"kind": kind, "modules": len(members), "ok": len(alive)}
            row["dead"] = sum(self.columns["status"][i] == "zero" for i in members)
            for name in ("r", "stable_rank", "effective_rank", "energy_rank_90", "utilization"):
                values = [self.columns[name][i] for i in alive]
                row[f"{name}_median"] = float(np.median(values)) if values else math.nan
            for name in ("utilization", "frobenius_norm"):
                values = [self.columns[name][i] for i in alive]
                row[f"{name}_min"], row[f"{name}_max"] = (min(values), max(values)) if values else (math.nan, math.nan)
            for name, value in row.items():
                rows.setdefault(name, []).append(value)
        return rows

    def summary(self) -> pd.DataFrame:
        """Return medians and extremes by kind of module, and over all; dead modules counted, not averaged."""
        import pandas as pd

        return pd.DataFrame(self.summary_columns())

    def plot(self, axes: Any = None) -> Any:
        """Draw stable rank against depth by module type, and the normalised spectra; returns the two axes."""
        from rankkit.plots import audit_overview

        return audit_overview(self.table, self.spectra, axes=axes)

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Write the table to .csv; with skipped tensors and the summary to .json, .md or .html; the spectra to .npz."""
        writers: dict[str, Callable[[Any], object]] = {
            ".csv": lambda out: out.write(self.table.to_csv(index=False, lineterminator="\n").encode()),
            ".json": lambda out: out.write(json.dumps(self.record(), indent=2, allow_nan=False).encode()),
            ".md": lambda out: out.write(f"{self.to_markdown()}\n".encode()),
            ".html": lambda out: out.write(self.to_html().encode()),
            ".npz": lambda out: files.write_npz(out, self.spectra),
        }
        suffix = Path(file).suffix
        if suffix not in writers:
            raise ValueError(f"file must end in {', '.join(writers)}, got {str(file)!r}; choose one of these.")
        return files.write_atomically(file, writers[suffix])

    def to_markdown(self) -> str:
        """Return a section for a model card: coverage, medians, what the words mean, and the modules, folded."""
        return card(self)

    def to_html(self) -> str:
        """Return one self-contained page: summary, figures, a sortable table, definitions, provenance."""
        return page(self)

    def record(self) -> dict[str, Any]:
        """Return everything but the spectra as JSON-ready values; NaN becomes None."""
        names = list(self.columns)
        rows = [dict(zip(names, map(_plain, row), strict=True)) for row in zip(*self.columns.values(), strict=True)]
        summary = self.summary_columns()
        return {
            "format": 1,
            "source": self.source,
            "coverage": self.coverage,
            "modules": rows,
            "summary": [
                dict(zip(summary, map(_plain, row), strict=True)) for row in zip(*summary.values(), strict=True)
            ],
            "skipped": [{"key": s.key, "shape": list(s.shape), "reason": s.reason} for s in self.skipped],
        }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
