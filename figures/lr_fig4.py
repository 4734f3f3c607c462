"""LR-LoRA, figure 4: normalised spectra of trained updates, plain and under a sine."""

import numpy as np

import rankkit as rk
from rankkit.checkpoints import open_adapter
from rankkit.data import sample_adapter

TITLE = "Spectra of trained updates (LR-LoRA, figure 4)"
SHOWS = (
    "Singular values of one trained module of the sample adapter, divided by the largest, for three updates: B A "
    "itself, sin(omega B A) with omega such that the largest entry of omega B A is pi, and a Sinter of amplitude 0.1 "
    "with the same omega."
)
COMPARED = (
    "The paper finds that the singular values decay more slowly after phi. The same is seen here: B A has 4 nonzero "
    "singular values, and both nonlinear updates have about 300 above 1e-13 times the largest. Smaller values are "
    "not counted, because they come from rounding. The height of the additional values depends on the nonlinearity."
)
ARGUMENTS = {"module": 0}


def data(module):
    """Return normalised singular values, one row a value."""
    layer = open_adapter(sample_adapter()).layers[module]
    factors = layer.product()
    reach = float(np.abs(factors.B @ factors.A).max())
    rules = {"none": None, "sine": rk.rules.Sine(np.pi / reach), "Sinter": rk.rules.Sinter(0.1, np.pi / reach)}
    out = {"phi": [], "index": [], "value": []}
    for name, rule in rules.items():
        sigma = rk.spectrum_of(factors if rule is None else rule(factors)).values
        kept = sigma[sigma > 1e-15 * sigma[0]]
        out["phi"] += [name] * len(kept)
        out["index"] += range(1, len(kept) + 1)
        out["value"] += list(kept / kept[0])
    return out


def draw(table):
    """Draw one line a rule."""
    (panel,) = rk.plots.panels_for(None, 1, (4.2, 3.0))
    for color, width, (name, line) in zip(
        rk.plots.PALETTE, (3, 1.2, 1.2), table.groupby("phi", sort=False), strict=False
    ):
        panel.plot(line["index"], line["value"], color=color, label=name, linewidth=width)
    panel.set(xlabel="index of the singular value", ylabel="σ / σ₁", xscale="log", yscale="log", ylim=(1e-12, 3))
    panel.legend(fontsize=7, loc="lower left", title="φ", title_fontsize=7)
    return panel.figure
