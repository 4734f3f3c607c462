"""A comparison of adapters as one HTML page that needs no other file: K x K matrices, figures, and their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Protocol

from rankkit.report.columns import Audited, summary_table
from rankkit.report.picture import inline_svg
from rankkit.report.template import filled, table

__all__ = ["DEFINITIONS", "Compared", "page"]

DEFINITIONS: dict[str, str] = {
    "cosine": "The cosine of the two updates as vectors of entries: 1 for multiples of each other, 0 where they are "
    "orthogonal, -1 for opposite ones.",
    "column_energy": "The share of an update's energy (its squared Frobenius norm) that lies in the column space of "
    "another one. The row of the matrix has the space, and its column has the energy.",
    "row_energy": "The same for the row spaces.",
    "sum_ratio": "The Frobenius norm of the sum of two updates over the root of the summed squares of their norms. It "
    "is 1 where the two do not meet, at most the square root of 2, and 0 where they cancel.",
    "relative_distance": "The Frobenius norm of the difference of two updates over the norm of the first.",
    "norm_ratio": "The Frobenius norm of the second update over that of the first.",
    "column_overlap": "The mean squared cosine of the principal angles between the two column spaces: 1 for the same "
    "space.",
    "row_overlap": "The same for the row spaces.",
    "column_angle": "The largest principal angle between the column spaces, in degrees.",
    "row_angle": "The same for the row spaces.",
}
SHOWN = (
    "module", "first", "second", "cosine", "sum_ratio", "norm_ratio", "relative_distance", "column_overlap",
    "row_overlap", "column_energy_first", "column_energy_second", "row_energy_first", "row_energy_second",
    "column_angle", "row_angle", "status", "note",
)  # fmt: skip


class Compared(Protocol):
    """What the page needs of a comparison: `rankkit.Comparison` is one."""

    @property
    def columns(self) -> Mapping[str, list[Any]]:
        """One list a column, one entry for each pair of adapters and module."""
        ...

    @property
    def sources(self) -> Sequence[str]:
        """What was compared."""
        ...

    @property
    def labels(self) -> Sequence[str]:
        """What the adapters are called."""
        ...

    @property
    def strengths(self) -> Sequence[float]:
        """By which their updates were multiplied."""
        ...

    @property
    def total(self) -> Any:
        """The matrices of all modules together; None without any."""
        ...

    @property
    def sum(self) -> Audited | None:
        """The audit of the sum."""
        ...

    @property
    def coverage(self) -> str:
        """One sentence on what was compared."""
        ...

    def norm_columns(self) -> Mapping[str, list[Any]]:
        """Return the norms of the updates and of their sum."""
        ...

    def plot(self) -> Any:
        """Draw the pairs by depth."""
        ...

    def heatmap(self) -> Any:
        """Draw the matrices."""
        ...


def page(found: Compared) -> str:
    """Return an HTML document that loads nothing; the same comparison gives the same bytes.

    Parameters
    ----------
    found : Compared
        `rankkit.Comparison` is one.
    """
    named = [f"{label} at strength {strength:g}" for label, strength in zip(found.labels, found.strengths, strict=True)]
    shown = [name for name in SHOWN if name != "note" or any(found.columns["note"])]
    pairs = {name.replace("_", " "): found.columns[name] for name in shown}
    return filled(
        "compared.html",
        title=escape(f"How {len(found.labels)} adapters meet"),
        source=escape(", ".join(named)),
        coverage=escape(found.coverage),
        figures=_figures(found),
        matrices=_matrices(found),
        norms=table({name.replace("_", " "): values for name, values in found.norm_columns().items()}),
        sum=_sum(found.sum),
        pairs=table(pairs, sortable=True) if pairs["module"] else "",
        definitions="".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in DEFINITIONS.items()),
    )


def _figures(found: Compared) -> str:
    if found.total is None:
        return "<p>No module has a known update of every adapter, so there is nothing to draw.</p>"
    drawn = [
        (found.heatmap, "All modules together; the adapter of the row first, that of the column second."),
        (found.plot, "Pairs of adapters by depth."),
    ]
    return "".join(
        f"<figure>{inline_svg(draw(), place)}<figcaption>{escape(caption)}</figcaption></figure>"
        for place, (draw, caption) in enumerate(drawn)
    )


def _matrices(found: Compared) -> str:
    if found.total is None:
        return ""
    parts: list[str] = []
    for name in ("cosine", "column_energy", "row_energy", "sum_ratio"):
        values = getattr(found.total, name)
        columns = {label: [float(row[j]) for row in values] for j, label in enumerate(found.labels)}
        heading = f"<h3>{escape(name.replace('_', ' '))}</h3>"
        parts.append(f'{heading}<div class="wide">{table({" ": list(found.labels), **columns})}</div>')
    return "".join(parts)


def _sum(summed: Audited | None) -> str:
    """Return the summary of the sum's audit."""
    if summed is None:
        return ""
    heads = table(summary_table(summed))
    what = f"<p>The update that is the sum {escape(summed.source)}: {escape(summed.coverage)}</p>"
    return f'<h2>The sum\'s ranks</h2>{what}<div class="wide">{heads}</div>'
