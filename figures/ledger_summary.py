"""Ours: the claims ledger in one picture."""

import json
from pathlib import Path

import pandas as pd

import rankkit as rk

TITLE = "Verdicts on what the four papers state"
SHOWS = (
    "Each bar counts the verdicts on the printed statements of one paper. Corrected forms and our own remarks are "
    "not counted."
)
COMPARED = (
    "Every FAILS has a counterexample in rational numbers, which is proved in ball arithmetic. The file "
    "paper_checks/LEDGER.md lists all statements."
)
ARGUMENTS = {}
INPUTS = ["../paper_checks/ledger.json"]
PAPERS = ("lr_lora", "loran", "adasine_lora", "sine_lora")
ORDER = ("PROVED", "UNREFUTED", "HOLDS_UNDER", "EMPIRICAL", "VACUOUS", "ILL_POSED", "FAILS")


def data():
    """Return how many printed statements of each paper have which verdict."""
    records = json.loads((Path(__file__).parent / INPUTS[0]).read_text())
    printed = [r for r in records if not r["corrects"] and not r["reading"].startswith("Ours")]
    rows = [(p, word, sum(r["paper"] == p and r["verdict"] == word for r in printed)) for p in PAPERS for word in ORDER]
    return pd.DataFrame(rows, columns=["paper", "verdict", "claims"])


def draw(table):
    """Draw one stacked bar a paper, with the counts in it."""
    (panel,) = rk.plots.panels_for(None, 1, (5.2, 2.6))
    shades = ("#0072B2", "#56B4E9", "#888888", "#009E73", "#E69F00", "#CC79A7", "#D55E00")
    colors = dict(zip(ORDER, shades, strict=True))
    papers = list(dict.fromkeys(table["paper"]))
    left = dict.fromkeys(papers, 0)
    for word in ORDER:
        counts = table[table["verdict"] == word].set_index("paper")["claims"]
        bars = panel.barh(
            papers, [counts[p] for p in papers], left=[left[p] for p in papers], color=colors[word], label=word
        )
        panel.bar_label(
            bars, [str(counts[p]) if counts[p] > 1 else "" for p in papers], label_type="center", fontsize=7
        )
        left = {p: left[p] + counts[p] for p in papers}
    panel.set(xlabel="printed statements", ylabel="paper")
    panel.grid(visible=False, axis="y")
    panel.figure.legend(loc="outside upper center", ncols=3, fontsize=7)
    return panel.figure
