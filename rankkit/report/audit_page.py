"""An audit as one HTML page that needs no other file: figures, a table to sort, definitions, and its provenance."""

from __future__ import annotations

import hashlib
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from rankkit.report.cells import cells
from rankkit.report.columns import DEFINITIONS, HEADS, NOTES, Audited, shown, summary_table
from rankkit.report.inline import counted, source_name
from rankkit.report.picture import inline_svg
from rankkit.report.template import css_class, filled, table
from rankkit.version import __version__

__all__ = ["page"]

FEW = 20  # skipped tensors, up to which their list is open
MEASURED = ("ok", "assumed")  # the statuses of modules with numbers
BLOCK = 1 << 20  # bytes of a file that are hashed at once


def page(report: Audited) -> str:
    """Return an HTML document that loads nothing; the same audit gives the same bytes.

    Figures are inline SVG. Every word from the adapter is escaped, and the page's own policy forbids all loading.

    Parameters
    ----------
    report : Audited
        `rankkit.Audit` is one.
    """
    name = _file(report).parent.name if _file(report).is_file() else report.source
    columns = [column for column in report.columns if column in DEFINITIONS]
    return filled(
        "audit.html",
        title=escape(f"How much of its rank the adapter {name} uses"),
        source=escape(source_name(report.source)),
        coverage=escape(report.coverage),
        tiles=_tiles(report),
        summary=table(summary_table(report)),
        figures=_figures(report),
        table=_table(report, columns),
        skipped=_skipped(report),
        definitions="".join(f"<dt>{escape(c)}</dt><dd>{escape(DEFINITIONS[c])}</dd>" for c in columns),
        provenance="".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in _provenance(report).items()),
    )


def _tiles(report: Audited) -> str:
    """Return the numbers that a reader looks for first, over all modules."""
    whole = {name: values[-1] for name, values in report.summary_columns().items()}
    tiles = {
        "median stable rank": f"{whole['stable_rank_median']:.4g}",
        "median of stable rank / r": f"{whole['utilization_median']:.3g}",
        "median effective rank": f"{whole['effective_rank_median']:.4g}",
        "dead modules": f"{whole['dead']} of {whole['modules']}",
    }
    if whole["assumed"]:
        tiles["assumed modules"] = f"{whole['assumed']} of {whole['modules']}"
    return "".join(f"<div><strong>{escape(v)}</strong><span>{escape(k)}</span></div>" for k, v in tiles.items())


def _figures(report: Audited) -> str:
    """Return the figures of an audit that has a module to show."""
    if not report.spectra:
        return "<p>No module could be measured, so there is nothing to draw.</p>"
    from rankkit import plots

    rows: Any = report.table
    drawn: list[tuple[Any, str]] = []
    some_assumed = (rows["status"] == "assumed").any()
    if rows["layer"].notna().any():
        dead = " A cross marks a dead module, whose update is zero." if (rows["status"] == "zero").any() else ""
        grey = " Grey modules are dead or unsupported." if (~rows["status"].isin(MEASURED)).any() else ""
        hollow = " A hollow mark is a value that rests on something unknown." if some_assumed else ""
        dots = " A dot marks a value that rests on something unknown." if some_assumed else ""
        depth = f"The stable rank by depth, with one line for each type of module.{dead}{hollow}"
        drawn.append((plots.depth_profile(rows), depth))
        share = f"The stable rank over the stored rank r.{grey}{dots}"
        drawn.append((plots.layer_heatmap(rows, "utilization"), share))
    spectra = (
        "The singular values over the largest one, with one panel for each type of module. "
        "Lines turn from dark to light with depth."
    )
    drawn.append((plots.spectra_grid(rows, report.spectra), spectra))
    return "".join(
        f"<figure>{inline_svg(axes, place)}<figcaption>{escape(caption)}</figcaption></figure>"
        for place, (axes, caption) in enumerate(drawn)
    )


@dataclass(frozen=True)
class _Column:
    """One column of the table of modules: what heads it, its cells, and how they are set."""

    name: str
    words: bool
    cells: Sequence[str]
    values: Sequence[Any]  # None and NaN where not known
    classes: str

    def head(self) -> str:
        """Return the cell above the column; a click on it sorts the rows."""
        title, text = escape(DEFINITIONS[self.name]), escape(HEADS.get(self.name, self.name.replace("_", " ")))
        return f'<th{self.classes} title="{title}"><button>{text}</button></th>'

    def cell(self, row: int) -> str:
        """Return a row's cell; a number's own value, which its text rounds, is what the table sorts by."""
        value = self.values[row]
        if self.words or value is None or value != value:
            return f"<td{self.classes}>{escape(self.cells[row])}</td>"
        return f'<td{self.classes} data-v="{float(value)!r}">{escape(self.cells[row])}</td>'


def _table(report: Audited, columns: Sequence[str]) -> str:
    """Return the sortable table; the columns that few readers need are shown on request."""
    columns_of_table = _columns(report, columns)
    head = "".join(column.head() for column in columns_of_table)
    body = "".join(
        f'<tr class="{escape(status)}">{"".join(column.cell(row) for column in columns_of_table)}</tr>'
        for row, status in enumerate(report.columns["status"])
    )
    return f'<table id="modules" class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _columns(report: Audited, names: Sequence[str]) -> list[_Column]:
    """Return the columns of the table: those that most readers need first, and no empty notes."""
    first = shown(report.columns)
    others = [name for name in names if name not in first and (name not in NOTES or any(report.columns[name]))]
    order = [*first, *others]
    rows, words = cells({name: report.columns[name] for name in order})
    return [
        _Column(
            name, words[i], [row[i] for row in rows], report.columns[name],
            css_class(words[i], "" if name in first else "more"),
        )
        for i, name in enumerate(order)
    ]  # fmt: skip


def _skipped(report: Audited) -> str:
    if not report.skipped:
        return "<p>Every tensor belongs to one of the modules above.</p>"
    items = (f"<li><code>{escape(s.key)}</code> {s.shape}: {escape(s.reason)}</li>" for s in report.skipped)
    few = " open" if len(report.skipped) <= FEW else ""
    return (
        f"<details{few}><summary>{counted(len(report.skipped), 'tensor')}</summary><ul>{''.join(items)}</ul></details>"
    )


def _provenance(report: Audited) -> Mapping[str, str]:
    """Return what the page was made from, so that another reader can make it again."""
    file = _file(report)
    tolerances = {t for t in report.columns["rtol"] if math.isfinite(t)}
    rule = f"{tolerances.pop():.4g}" if len(tolerances) == 1 else "max(m, n) * 2^-23 of each module"
    made = {"file": source_name(report.source)}
    if file.is_file():
        made |= {"SHA-256": _digest(file), "bytes": f"{file.stat().st_size:,}"}
    return made | {
        "tolerance of numerical rank": f"{rule}, relative to sigma_1",
        "arithmetic": "float64; the columns whose names end in _error bound how far a number may be off",
        "versions": f"rankkit {__version__}, numpy {np.__version__}, Python {platform.python_version()}",
    }


def _file(report: Audited) -> Path:
    return Path(report.source)


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
