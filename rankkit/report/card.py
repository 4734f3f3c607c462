"""An audit as a section of a model card: Markdown with the summary open and the modules folded away."""

from __future__ import annotations

from rankkit.report.columns import DEFINITIONS, HEADS, Audited, headed, shown, summary_table
from rankkit.report.inline import counted
from rankkit.report.tables import as_markdown, harmless
from rankkit.version import __version__

__all__ = ["card"]

EXPLAINED = ("stable_rank", "effective_rank", "energy_rank_90", "utilization", "numerical_rank")


def card(report: Audited) -> str:
    """Return the section in Markdown; its headings begin at the third level, as a card's sections do.

    Parameters
    ----------
    report : Audited
        `rankkit.Audit` is one.
    """
    modules = as_markdown(headed(report.columns, shown(report.columns)))
    meanings = [
        *(f"* {HEADS[name]}: {DEFINITIONS[name]}" for name in EXPLAINED),
        "* r, stable, effective, 90% energy and stable/r: These are medians over the modules that are ok.",
        "* least, most: These are the smallest and the largest stable/r.",
    ]
    parts = [
        "### How much of its rank the adapter uses",
        harmless(report.coverage),
        as_markdown(summary_table(report)),
        "\n".join(meanings),
        f"<details><summary>{counted(len(report.columns['module']), 'module')}</summary>\n\n{modules}\n\n</details>",
        f"These numbers were computed in float64 with rankkit {__version__}.",
    ]
    return "\n\n".join(parts)
