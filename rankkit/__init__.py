"""Spectral analysis and theory verification for low-rank adaptation, delta = phi(B A).

The public names below follow the pipeline: factors become an update, the update a
spectrum, the spectrum a number, the numbers a table. Every name is loaded on first
use, so ``import rankkit`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rankkit import initializers, metrics, plots, rules
    from rankkit.audit import Audit, audit
    from rankkit.factors import Factors
    from rankkit.similarity import Similarity, cosine_similarity
    from rankkit.spectrum import Spectrum, spectrum_of
    from rankkit.sweep import Sweep, sweep_frequency

# name -> where it lives ("" for a submodule of rankkit itself), in pipeline order
_PUBLIC = {
    "Factors": "factors",
    "initializers": "",
    "rules": "",
    "Spectrum": "spectrum",
    "spectrum_of": "spectrum",
    "metrics": "",
    "Similarity": "similarity",
    "cosine_similarity": "similarity",
    "Sweep": "sweep",
    "sweep_frequency": "sweep",
    "Audit": "audit",
    "audit": "audit",
    "plots": "",
}

__all__ = [  # noqa: RUF022 - pipeline order, not the alphabet
    "Factors",
    "initializers",
    "rules",
    "Spectrum",
    "spectrum_of",
    "metrics",
    "Similarity",
    "cosine_similarity",
    "Sweep",
    "sweep_frequency",
    "Audit",
    "audit",
    "plots",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'rankkit' has no attribute {name!r}")
    home = _PUBLIC[name]
    value = getattr(import_module(f"rankkit.{home}"), name) if home else import_module(f"rankkit.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
