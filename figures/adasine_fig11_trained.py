"""AdaSine, figure 11, in small: the frequencies omega(x) of tokens, layer by layer, before and after a training."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Learned frequencies by layer (AdaSine, figure 11, in small)"
SHOWS = (
    "AdaSine's frequencies omega(x) of the tokens of 32 glosses, by layer, in the query and value modules of "
    "MiniLM-L6 at r = 4 and omega_0 = 400: the median, and a bar from 5 to 95 % of the tokens, before the training "
    "and after 60 steps."
)
COMPARED = (
    "The paper shows single tokens of a large model. Here, over five seeds, the frequencies differ between tokens "
    "before any training, since W_omega is drawn at random: their standard deviation is 14 % of their mean (median of "
    "the modules). After the training it is 39 %, and most medians are lower."
)
INPUTS = ["stored/text_ranks_frequencies.csv", "stored/text_ranks_runs.csv"]
ARGUMENTS = {"kinds": ["query", "value"], "rank": 4}
QUICK = {"kinds": ["query", "value"]}


def data(kinds, rank):
    """Return the quantiles of omega(x) over the tokens, by step, kind of module and layer: means over the runs."""
    stored, runs = (pd.read_csv(Path(__file__).parent / name) for name in INPUTS)
    stored = stored[stored["run"].isin(runs.loc[runs["rank"] == rank, "run"])].copy()
    stored["kind"] = stored["module"].str.rpartition(".")[2]
    chosen = stored[stored["kind"].isin(kinds)]
    return chosen.groupby(["step", "kind", "layer"])[["q05", "q50", "q95"]].mean().reset_index()


def draw(table):
    """Draw one panel a kind of module: a bar from 5 to 95 % of the tokens a layer, and a point at the median."""
    groups = list(table.groupby("kind", sort=False))
    panels = rk.plots.panels_for(None, len(groups), (3.4, 2.8))
    for panel, (kind, rows) in zip(panels, groups, strict=True):
        for at, (step, those) in enumerate(rows.groupby("step")):
            reach = [those["q50"] - those["q05"], those["q95"] - those["q50"]]
            panel.errorbar(
                those["layer"] + 0.2 * at - 0.1, those["q50"], yerr=reach, fmt="o", color=rk.plots.PALETTE[at],
                markersize=3, linewidth=1, label=f"step {step}",
            )  # fmt: skip
        panel.set(xlabel="layer", ylabel="ω(x)  [rad per unit of BAx]", title=kind, ylim=(0, 400))
    panels[0].legend(fontsize=7, loc="upper center", ncols=2)
    return panels[0].figure
