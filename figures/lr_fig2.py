"""LR-LoRA, figure 2: stable rank of trained updates over depth, by module."""

import rankkit as rk
from rankkit.data import sample_adapter

TITLE = "Stable rank over depth (LR-LoRA, figure 2)"
SHOWS = (
    "Stable rank of every trained update of the sample adapter, which is a plain LoRA adapter with r = 4 on six "
    "layers. There is one line per kind of module."
)
COMPARED = (
    "The paper shows such lines for a 24-layer model with phi. In the sample adapter, which has no phi, the stable "
    "rank also depends on the kind of module and on the depth. So LoRA without phi already shows such differences."
)
ARGUMENTS = {}


def data():
    """Return the audit's rows."""
    return rk.audit(sample_adapter(), progress=False).table[["module", "layer", "kind", "r", "stable_rank", "status"]]


def draw(table):
    """Draw the audit's own picture."""
    return rk.plots.depth_profile(table).figure
