"""The table of the page "Five methods, one task", in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["markdown"]

HEAD = "| method | parameters | seeds | accuracy, % | less LoRA's, points | stable rank of update | of B A |"
RULE = "|:--|--:|--:|--:|--:|--:|--:|"


def markdown(accuracy: pd.DataFrame, differences: pd.DataFrame, standing: pd.DataFrame) -> str:
    """Return one row a method, the best first; * marks a difference that is not 0 at 5 % after Holm's correction.

    Parameters
    ----------
    accuracy, differences, standing : DataFrame
        As `experiments.text.summary` and `experiments.text.standing` make them.
    """
    from_lora = {row["method"]: row for row in differences.to_dict("records") if row["against"] == "lora"}
    ranks = {row["method"]: row for row in standing.to_dict("records")}
    lines = [HEAD, RULE]
    for row in accuracy.sort_values("accuracy", ascending=False).to_dict("records"):
        name = str(row["method"])
        gap, where = from_lora.get(name), ranks.get(name)
        cells = [
            name.replace("_", " "), f"{row['parameters']:,}", str(row["seeds"]), f"{100 * row['accuracy']:.1f}",
            "" if gap is None else _interval(gap),
            *("" if where is None or where[key] != where[key] else f"{where[key]:.2f}" for key in _RANKS),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


_RANKS = ("stable_rank", "plain_stable_rank")


def _interval(gap: Mapping[Any, Any]) -> str:
    mean, low, high = (f"{100 * gap[name]:+.1f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high}){' *' if gap['p_holm'] < 0.05 else ''}"
