"""The directive `columns`: what the columns of an audit mean, from the definitions that reports and the help print."""

from html import escape
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from rankkit.report.columns import DEFINITIONS, HEADS, SUMMARISED, SUMMARY_HEADS

__all__ = ["setup", "table"]


class Columns(SphinxDirective):
    """Show every column of an audit and of its summary."""

    def run(self) -> list[nodes.Node]:
        """Return the table as raw HTML, which Sphinx's search reads too."""
        return [nodes.raw("", table(), format="html")]


def table() -> str:
    """Return one row for each column: its name, what stands above it in printed tables, and what it means."""
    head = "<tr><th>Column</th><th>In printed tables</th><th>Meaning</th></tr>"
    heads = SUMMARY_HEADS | HEADS
    rows = (
        f"<tr><td><code>{name}</code></td><td>{escape(heads.get(name, name))}</td><td>{escape(text)}</td></tr>"
        for name, text in (DEFINITIONS | SUMMARISED).items()
    )
    return f"<table><thead>{head}</thead><tbody>\n{chr(10).join(rows)}\n</tbody></table>"


def setup(app: Any) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("columns", Columns)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
