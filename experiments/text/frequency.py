"""Accuracy against omega, with the regime that the law predicts for untrained factors at each omega."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.grid.carry_out import Progress

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["SETTING", "against_omega", "draw", "predicted_regime"]

SETTING = "omega"  # runs that set it are a question of their own: no other table has them
WIDTH = 384  # of MiniLM-L6's modules, which are square
SMALL = 1e-3  # a frequency at which a sine of Kaiming factors is a line
LAW = ("sine_lora",)  # methods whose update is sin(omega B A): what the law is about


def against_omega(progress: Progress) -> pd.DataFrame:
    """Return one row a run that sets omega: its accuracy, where its modules stand, and what the law predicts.

    `predicted` is the regime of Kaiming factors at this omega, before any training; `rms_phase` is the mean over the
    trained modules. Both are missing for a method whose update is no sine of B A.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for outcome in progress.runs:
        settings = outcome.run.settings
        if SETTING not in settings:
            continue
        method, omega = settings["method"], float(settings[SETTING])
        last = [row for row in outcome.tables.get("trajectory", []) if row["step"] == settings["steps"]]
        phase = float(np.mean([row["rms_phase"] for row in last])) if last and method in LAW else float("nan")
        rows.append({
            "rank": settings["rank"], "method": method, "omega": omega, "seed": settings["seed"],
            "rate": settings["rate"], "accuracy": outcome.scores["test"], "rms_phase": phase,
            "predicted": predicted_regime(omega, settings["rank"]) if method in LAW else "",
        })  # fmt: skip
    return pd.DataFrame(rows)


@lru_cache
def predicted_regime(omega: float, rank: int) -> str:
    """Return linear, growing or saturated: the law's word for sin(omega B A) of Kaiming factors of the encoder's width.

    Parameters
    ----------
    omega : float
        In radians per unit of B A.
    rank : int
        Of B A.
    """
    import rankkit as rk
    from rankkit.regime import regime_of

    there, plain = (float(rk.predict_stable_rank(at, d=WIDTH, r=rank)) for at in (omega, SMALL))
    return regime_of(there, plain, (WIDTH, WIDTH))


def draw(table: pd.DataFrame) -> Axes:
    """Return a picture of one rank: a line a method, and above the axis the regime that the law predicts.

    Parameters
    ----------
    table : DataFrame
        As `against_omega` returns it.
    """
    import rankkit as rk

    (panel,) = rk.plots.panels_for(None, 1, (4.8, 3.2))
    for at, (method, rows) in enumerate(table.groupby("method", sort=False)):
        middle = rows.groupby("omega")["accuracy"].mean()
        panel.plot(rows["omega"], rows["accuracy"], ".", color=rk.plots.PALETTE[at], markersize=4)
        panel.plot(middle.index, middle, color=rk.plots.PALETTE[at], label=str(method).replace("_", " "))
    panel.set(xscale="log", xlabel="frequency ω", ylabel="accuracy")
    known = table[table["predicted"] != ""].drop_duplicates("omega")
    for omega, word in zip(known["omega"], known["predicted"], strict=True):
        panel.text(omega, 1.01, word, rotation=45, fontsize=7, transform=panel.get_xaxis_transform())
    panel.legend(fontsize=7)
    return panel
