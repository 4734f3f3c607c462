"""AdaSine, figure 12, in small: how the frequencies omega(x) are distributed on two kinds of text."""

from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Frequencies on two kinds of text (AdaSine, figure 12, in small)"
SHOWS = (
    "AdaSine's frequencies omega(x) of all tokens of 400 glosses, the kind of text that was trained on, and of 400 of "
    "WordNet's example sentences, in the query and value modules of MiniLM-L6 at r = 4 and omega_0 = 400: the share "
    "of tokens in each part of the range, before the training and after 60 steps. Means of five seeds."
)
COMPARED = (
    "The paper compares two benchmarks, writing code and choosing an ending, on a large model, and finds higher and "
    "more varied frequencies on the first. Here both texts are short English, and their distributions nearly agree: "
    "the mean on example sentences less that on glosses is +0.7 (+0.2 to +1.1) before the training and +1.5 (-0.5 to "
    "+3.6) after it. Training widens both. The standard deviation over tokens grows from 32 to 86 on glosses and from "
    "32 to 83 on the others. What two tasks as different as the paper's would show, this cannot tell."
)
INPUTS = ["stored/text_ranks_two_texts.csv"]
ARGUMENTS = {"texts": ["glosses", "examples"]}
QUICK = {"texts": ["glosses", "examples"]}
NAMES = {"glosses": "glosses (trained on)", "examples": "example sentences"}


def data(texts):
    """Return the share of tokens in each part of the interval from 0 to omega_0: means over the runs."""
    stored = pd.read_csv(Path(__file__).parent / INPUTS[0])
    chosen = stored[stored["text"].isin(texts)]
    return chosen.groupby(["step", "text", "omega"], sort=False)["share"].mean().reset_index()


def draw(table):
    """Draw one panel before the training and one after it; a line of steps for each kind of text."""
    groups = list(table.groupby("step"))
    panels = rk.plots.panels_for(None, len(groups), (3.4, 2.8))
    for panel, (step, those) in zip(panels, groups, strict=True):
        for color, style, (text, rows) in zip(
            rk.plots.PALETTE, ("-", "--"), those.groupby("text", sort=False), strict=False
        ):
            left, share = rows["omega"].tolist(), (100 * rows["share"]).tolist()
            edges, heights = [*left, 2 * left[-1] - left[-2]], [*share, share[-1]]
            panel.plot(
                edges, heights, color=color, linestyle=style, linewidth=1.3, drawstyle="steps-post", label=NAMES[text]
            )
        panel.set(
            xlabel="ω(x)  [rad per unit of BAx]", ylabel="share of tokens  [%]", title=f"step {step}", ylim=(0, None)
        )
    panels[-1].legend(fontsize=7)
    return panels[0].figure
