"""Pictures: every function takes a table or an array and returns axes. None of them computes, shows or saves."""

from __future__ import annotations

from rankkit.plots.curves import frequency_curve, frequency_curves, law_curves, probe_curves, rank_to_full
from rankkit.plots.learned import learned_frequencies, learned_functions
from rankkit.plots.matrices import cosine_heatmap, grid_heatmaps, matrix_panels, spectra
from rankkit.plots.modules import audit_overview, comparison, depth_profile, layer_heatmap, spectra_grid
from rankkit.plots.reported import printed_table
from rankkit.plots.style import LABELS, PALETTE, label_lines, panels_for
from rankkit.plots.training import (
    ranks_over_steps,
    spectrum_fan,
    step_heatmap,
    training_overview,
)

__all__ = [
    "LABELS",
    "PALETTE",
    "audit_overview",
    "comparison",
    "cosine_heatmap",
    "depth_profile",
    "frequency_curve",
    "frequency_curves",
    "grid_heatmaps",
    "label_lines",
    "law_curves",
    "layer_heatmap",
    "learned_frequencies",
    "learned_functions",
    "matrix_panels",
    "panels_for",
    "printed_table",
    "probe_curves",
    "rank_to_full",
    "ranks_over_steps",
    "spectra",
    "spectra_grid",
    "spectrum_fan",
    "step_heatmap",
    "training_overview",
]
