"""Spectral analysis and theory verification for low-rank adaptation, delta = phi(B A).

The public names below follow the pipeline: factors become an update, the update a
spectrum, the spectrum a number, the numbers a table, the table a picture. Every name is
loaded with its first use, so that `import rankkit` takes next to no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rankkit.version import __version__ as __version__

if TYPE_CHECKING:
    from rankkit import claims, initializers, metrics, plots, rules, watch
    from rankkit.audits.audit import audit, audit_full
    from rankkit.audits.compare import compare
    from rankkit.audits.comparison import Comparison
    from rankkit.audits.merge_record import Merged
    from rankkit.audits.merged import audit_merged
    from rankkit.audits.probe import Probe, probe_frequencies
    from rankkit.audits.ranked import Ranks
    from rankkit.audits.ranks import suggest_ranks
    from rankkit.audits.record import Audit
    from rankkit.audits.truncate import truncate
    from rankkit.claims import verify
    from rankkit.factors import Factors
    from rankkit.law import (
        frequency_for_rank,
        leading_spectrum,
        predict_curve,
        predict_rank,
        predict_spectrum,
        predict_stable_rank,
        rank_bounds,
    )
    from rankkit.similarity import Similarity, cosine_similarity
    from rankkit.solvers import Count, count_above
    from rankkit.spectrum import Spectrum, spectrum_of
    from rankkit.sweeps.sweep import Sweep, sweep_frequency
    from rankkit.watch.record import Watched

__all__ = [  # noqa: RUF022 - pipeline order, not the alphabet
    "Factors",
    "initializers",
    "rules",
    "Spectrum",
    "spectrum_of",
    "metrics",
    "Count",
    "count_above",
    "Similarity",
    "cosine_similarity",
    "Sweep",
    "sweep_frequency",
    "Audit",
    "audit",
    "audit_full",
    "Merged",
    "audit_merged",
    "Comparison",
    "compare",
    "Ranks",
    "suggest_ranks",
    "truncate",
    "Probe",
    "probe_frequencies",
    "Watched",
    "watch",
    "predict_spectrum",
    "predict_rank",
    "predict_stable_rank",
    "predict_curve",
    "frequency_for_rank",
    "rank_bounds",
    "leading_spectrum",
    "claims",
    "verify",
    "plots",
]

# public name -> the module that defines it; a name that is a module itself is left out
_HOMES = {
    "Factors": "factors",
    "Spectrum": "spectrum",
    "spectrum_of": "spectrum",
    "Count": "solvers",
    "count_above": "solvers",
    "Similarity": "similarity",
    "cosine_similarity": "similarity",
    "Sweep": "sweeps.sweep",
    "sweep_frequency": "sweeps.sweep",
    "Audit": "audits.record",
    "audit": "audits.audit",
    "audit_full": "audits.audit",
    "Merged": "audits.merge_record",
    "audit_merged": "audits.merged",
    "Comparison": "audits.comparison",
    "compare": "audits.compare",
    "Ranks": "audits.ranked",
    "suggest_ranks": "audits.ranks",
    "truncate": "audits.truncate",
    "Probe": "audits.probe",
    "probe_frequencies": "audits.probe",
    "Watched": "watch.record",
    "predict_spectrum": "law",
    "predict_rank": "law",
    "predict_stable_rank": "law",
    "predict_curve": "law",
    "frequency_for_rank": "law",
    "rank_bounds": "law",
    "leading_spectrum": "law",
    "verify": "claims",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'rankkit' has no attribute {name!r}")
    if name not in _HOMES:
        return import_module(f"rankkit.{name}")
    value = globals()[name] = getattr(import_module(f"rankkit.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
