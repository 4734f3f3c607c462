"""LR-LoRA, figure 2: stable rank of trained updates over depth, by module."""

import rankkit as rk
from rankkit.data import sample_adapter

TITLE = "Stable rank over depth (LR-LoRA, figure 2)"
SHOWS = (
    "Stable rank of every trained update of the sample adapter (plain LoRA, r = 4, six layers), a line a kind of "
    "module."
)
COMPARED = (
    "The paper shows profiles of a 24-layer model with phi; here, without any phi, kinds of modules differ and "
    "depth matters too, so that this much belongs to LoRA itself."
)
ARGUMENTS = {}


def data():
    """Return the audit's rows."""
    return rk.audit(sample_adapter(), progress=False).table[["module", "layer", "kind", "r", "stable_rank", "status"]]


def draw(table):
    """Draw the audit's own picture."""
    return rk.plots.depth_profile(table).figure
