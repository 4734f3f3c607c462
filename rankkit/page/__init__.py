"""An audit as one HTML page that needs nothing else: figures, a table to sort, definitions, where it all came from."""

from __future__ import annotations

import hashlib
import io
import math
import platform
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from rankkit.audit import Audit
from rankkit.definitions import DEFINITIONS, HEADS, NOTES, SUMMARY_HEADS, shown
from rankkit.report import cells

__all__ = ["page"]

BROAD = 8  # inches: a figure that is scrolled on a narrow screen, not shrunk
FEW = 20  # tensors that are listed at once
READ = 1 << 20  # bytes of a file hashed at once


def page(report: Audit) -> str:
    """Return an HTML document, self-contained and without network access; the same audit gives the same bytes.

    Figures are inline SVG. Every word from the adapter is escaped, and the page's own policy forbids all loading.
    """
    name = _file(report).parent.name if _file(report).is_file() else report.source
    columns = [column for column in report.columns if column in DEFINITIONS]
    return Template(_beside("template.html")).substitute(
        style=_beside("style.css"),
        script=_beside("sort.js"),
        title=escape(f"{name}: how much of its rank an adapter uses"),
        source=escape(_short(report)),
        coverage=escape(report.coverage),
        tiles=_tiles(report),
        summary=_summary(report),
        figures=_figures(report),
        table=_table(report, columns),
        skipped=_skipped(report),
        definitions="".join(f"<dt>{escape(c)}</dt><dd>{escape(DEFINITIONS[c])}</dd>" for c in columns),
        provenance="".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in _provenance(report).items()),
    )


def _tiles(report: Audit) -> str:
    """Return the four numbers that most are after."""
    whole = {name: values[-1] for name, values in report.summary_columns().items()}
    tiles = {
        "median stable rank": f"{whole['stable_rank_median']:.4g}",
        "median of stable rank / r": f"{whole['utilization_median']:.3g}",
        "median effective rank": f"{whole['effective_rank_median']:.4g}",
        "dead modules": f"{whole['dead']} of {whole['modules']}",
    }
    return "".join(f"<div><strong>{escape(v)}</strong><span>{escape(k)}</span></div>" for k, v in tiles.items())


def _summary(report: Audit) -> str:
    columns = report.summary_columns()
    rows, words = cells({head: columns[name] for name, head in SUMMARY_HEADS.items()})
    head = "".join(f"<th{_set(word)}>{escape(h)}</th>" for h, word in zip(SUMMARY_HEADS.values(), words, strict=True))
    body = ("".join(map(_cell, row, words)) for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in body)}</tbody></table>"


def _figures(report: Audit) -> str:
    """Return the figures of an audit that has a module to show."""
    if not report.spectra:
        return "<p>No module could be measured: there is nothing to draw.</p>"
    from rankkit import plots

    table, figures = report.table, []
    if table["layer"].notna().any():
        figures = [
            (plots.depth_profile(table), "Stable rank by depth, one line a module type."),
            (plots.layer_heatmap(table, "utilization"), "Stable rank over stored rank; grey: dead or not read."),
        ]
    figures.append(
        (
            plots.spectra_grid(table, report.spectra),
            "Singular values over the largest, a panel a type, dark to light with depth.",
        )
    )
    captions = [f"<figcaption>{escape(words)}</figcaption>" for _, words in figures]
    drawn = [_svg(axes, place) for place, (axes, _) in enumerate(figures)]
    return "".join(f"<figure>{svg}{caption}</figure>" for svg, caption in zip(drawn, captions, strict=True))


def _svg(axes: Any, place: int) -> str:
    """Return a figure as an SVG element with text as text; closes it."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    figure = np.atleast_1d(axes).flat[0].figure
    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"rankkit-{place}"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = out.getvalue()
    broad = ' class="broad"' if figure.get_figwidth() > BROAD else ""
    return text[text.index("<svg") :].replace("<svg ", f'<svg role="img"{broad} ', 1)


def _table(report: Audit, columns: Sequence[str]) -> str:
    """Return the sortable table: what most need at once, the rest on request."""
    first = shown(report.columns)
    order = [*first, *(c for c in columns if c not in first and (c not in NOTES or any(report.columns[c])))]
    more = ["" if c in first else "more" for c in order]
    rows, words = cells({c: report.columns[c] for c in order})
    head = "".join(
        f'<th{_set(word, m)} title="{escape(DEFINITIONS[c])}"><button>{escape(_head(c))}</button></th>'
        for c, word, m in zip(order, words, more, strict=True)
    )
    body = []
    for i, (row, status) in enumerate(zip(rows, report.columns["status"], strict=True)):
        exact = [None if word else report.columns[c][i] for c, word in zip(order, words, strict=True)]
        body.append(f'<tr class="{escape(status)}">{"".join(map(_cell, row, words, exact, more))}</tr>')
    return f'<table id="modules" class="sortable"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'


def _cell(text: str, word: bool, exact: float | None = None, more: str = "") -> str:
    """Return a cell; a number's own value, which its text rounds, is what the table sorts by."""
    known = "" if exact is None or exact != exact else f' data-v="{float(exact)!r}"'
    return f"<td{_set(word, more)}{known}>{escape(text)}</td>"


def _set(word: bool, more: str = "") -> str:
    """Return a cell's class: numbers stand right, what few need is shown on request."""
    return f' class="{" ".join(filter(None, ("" if word else "number", more)))}"' if more or not word else ""


def _head(column: str) -> str:
    return HEADS.get(column, column.replace("_", " "))


def _skipped(report: Audit) -> str:
    if not report.skipped:
        return "<p>Every tensor belongs to a module above.</p>"
    items = (f"<li><code>{escape(s.key)}</code> {s.shape}: {escape(s.reason)}</li>" for s in report.skipped)
    few = " open" if len(report.skipped) <= FEW else ""
    return f"<details{few}><summary>{len(report.skipped)} tensors</summary><ul>{''.join(items)}</ul></details>"


def _provenance(report: Audit) -> Mapping[str, str]:
    """Return what made the page, so that another can make it again."""
    from rankkit import __version__

    file = _file(report)
    tolerances = {t for t in report.columns["rtol"] if math.isfinite(t)}
    rule = f"{tolerances.pop():.4g}" if len(tolerances) == 1 else "max(m, n) * 2^-23 of each module"
    made = {"file": _short(report)}
    if file.is_file():
        made |= {"SHA-256": _digest(file), "bytes": f"{file.stat().st_size:,}"}
    return made | {
        "tolerance of numerical rank": f"{rule}, relative to sigma_1",
        "arithmetic": "float64; every bound on an error is a column of the table",
        "versions": f"rankkit {__version__}, numpy {np.__version__}, Python {platform.python_version()}",
    }


def _file(report: Audit) -> Path:
    return Path(report.source)


def _short(report: Audit) -> str:
    """Return the end of the source's path: a page travels, and the rest is the machine's business."""
    return "/".join(_file(report).parts[-2:])


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(READ):
            digest.update(block)
    return digest.hexdigest()


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
