"""Spectral analysis and theory verification for low-rank adaptation, delta = phi(B A).

The public names below follow the pipeline: factors become an update, the update a
spectrum, the spectrum a number, the numbers a table, the table a picture. Importing
rankkit loads none of torch, scipy, pandas or matplotlib; they come with the first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rankkit import initializers, metrics, rules
from rankkit.audit import Audit, audit, audit_full
from rankkit.compare import Comparison, compare
from rankkit.factors import Factors
from rankkit.probe import Probe, probe_frequencies
from rankkit.similarity import Similarity, cosine_similarity
from rankkit.solvers import Count, count_above
from rankkit.spectrum import Spectrum, spectrum_of
from rankkit.sweep import Sweep, sweep_frequency
from rankkit.truncate import Ranks, suggest_ranks, truncate

if TYPE_CHECKING:
    from rankkit import claims, plots
    from rankkit.claims import verify
    from rankkit.law import (
        frequency_for_rank,
        leading_spectrum,
        predict_curve,
        predict_rank,
        predict_spectrum,
        predict_stable_rank,
        rank_bounds,
    )

__version__ = "0.1.0"

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
    "Comparison",
    "compare",
    "Ranks",
    "suggest_ranks",
    "truncate",
    "Probe",
    "probe_frequencies",
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


# loaded with their first use: matplotlib and seaborn take longer than all the rest, and few need claims or the law
_LATER = {"plots": "rankkit.plots", "claims": "rankkit.claims", "verify": "rankkit.claims"} | dict.fromkeys(
    (
        "predict_spectrum",
        "predict_rank",
        "predict_stable_rank",
        "predict_curve",
        "frequency_for_rank",
        "rank_bounds",
        "leading_spectrum",
    ),
    "rankkit.law",
)


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        module = import_module(_LATER[name])
        return module if _LATER[name] == f"rankkit.{name}" else getattr(module, name)
    raise AttributeError(f"module 'rankkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
