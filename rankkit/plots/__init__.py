"""Pictures: every function takes a table or an array and returns axes; none computes, shows or saves."""

from __future__ import annotations

from rankkit.plots.curves import frequency_curve, frequency_curves, law_curves, probe_curves
from rankkit.plots.matrices import cosine_heatmap, spectra
from rankkit.plots.modules import audit_overview, comparison, depth_profile, layer_heatmap, spectra_grid
from rankkit.plots.style import PALETTE

__all__ = [
    "PALETTE",
    "audit_overview",
    "comparison",
    "cosine_heatmap",
    "depth_profile",
    "frequency_curve",
    "frequency_curves",
    "law_curves",
    "layer_heatmap",
    "probe_curves",
    "spectra",
    "spectra_grid",
]
