"""An audit as a section of a model card: Markdown with the summary open and the modules folded away."""

from __future__ import annotations

from rankkit.audit import Audit
from rankkit.definitions import DEFINITIONS, HEADS, SUMMARY_HEADS, shown
from rankkit.report import as_markdown

__all__ = ["card"]

EXPLAINED = ("stable_rank", "effective_rank", "energy_rank_90", "utilization", "numerical_rank")


def card(report: Audit) -> str:
    """Return the section; its headings begin at the third level, as a card's sections do."""
    from rankkit import __version__

    summary = {head: report.summary_columns()[name] for name, head in SUMMARY_HEADS.items()}
    names = shown(report.columns)
    modules = {HEADS.get(name, name): report.columns[name] for name in names}
    words = [f"* {HEADS.get(name, name)}: {DEFINITIONS[name][0].lower()}{DEFINITIONS[name][1:]}" for name in EXPLAINED]
    parts = [
        "### How much of its rank the adapter uses",
        report.coverage,
        as_markdown(summary),
        "\n".join([*words, "* r: median stored rank; least and most are of stable/r"]),
        f"<details><summary>{len(report.columns['module'])} modules</summary>\n\n{as_markdown(modules)}\n\n</details>",
        f"Measured in float64 with rankkit {__version__}.",
    ]
    return "\n\n".join(parts)
