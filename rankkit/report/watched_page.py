"""A watched training as one HTML page that needs no other file: pictures, and a slider over the measured steps."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Protocol

import numpy as np

from rankkit.report.columns import DEFINITIONS, HEADS
from rankkit.report.picture import inline_svg
from rankkit.report.template import filled

__all__ = ["AlarmTold", "MeasuredOnce", "WatchedTraining", "page"]

COLUMNS = ("stable_rank", "effective_rank", "numerical_rank", "spectral_norm", "frobenius_norm", "utilization")
MEASURED = ("ok", "assumed")  # the statuses of modules with numbers
MOST_STEPS = 200  # of the slider: with 224 modules about 5 MB
MOST_VALUES = 32  # of a spectrum that the page keeps
DIGITS = 5  # significant, of a number that the page keeps
DECADES = 6  # below the largest singular value, which the picture of the spectra shows


class MeasuredOnce(Protocol):
    """What the page needs of a measurement."""

    @property
    def step(self) -> int:
        """Of the training."""
        ...

    @property
    def columns(self) -> Mapping[str, list[Any]]:
        """Those of an audit."""
        ...

    @property
    def spectra(self) -> Mapping[str, Any]:
        """Singular values by module, descending."""
        ...

    @property
    def learned(self) -> Mapping[str, Any]:
        """What modules learn besides B and A."""
        ...

    def logged(self) -> Mapping[str, float]:
        """Return the few numbers of a training's log."""
        ...


class AlarmTold(Protocol):
    """What the page needs of an alarm."""

    @property
    def step(self) -> int:
        """At which it was seen first."""
        ...

    @property
    def module(self) -> str:
        """Which module it is about."""
        ...

    @property
    def text(self) -> str:
        """What was measured."""
        ...

    @property
    def advice(self) -> str:
        """What can be done."""
        ...


class WatchedTraining(Protocol):
    """What the page needs of a training: `rankkit.Watched` is one."""

    @property
    def measurements(self) -> Sequence[MeasuredOnce]:
        """In the order of the steps."""
        ...

    @property
    def alarms(self) -> Sequence[AlarmTold]:
        """What went wrong."""
        ...

    @property
    def name(self) -> str:
        """What was watched."""
        ...

    @property
    def table(self) -> Any:
        """One row for each step and module."""
        ...

    def learned_columns(self, what: str) -> Any:
        """Return what modules learn besides B and A."""
        ...


def page(watched: WatchedTraining) -> str:
    """Return an HTML document that loads nothing; the same training gives the same bytes.

    Parameters
    ----------
    watched : WatchedTraining
        `rankkit.Watched` is one.

    Raises
    ------
    ValueError
        If nothing was measured.
    """
    measurements = watched.measurements
    if not measurements:
        raise ValueError("nothing was measured yet, so that there is no page to write; train some steps first.")
    shown = _thinned(measurements)
    modules = list(dict.fromkeys(name for one in measurements for name in one.columns["module"]))
    columns = [name for name in COLUMNS if name in measurements[-1].columns]
    few = f"The slider has {len(shown)} of the {len(measurements)} measured steps."
    return filled(
        "watched.html",
        scripts=("sort.js", "slider.js"),
        title=escape(f"The rank of {watched.name} while it was learned"),
        source=escape(f"{len(measurements)} measurements, steps {measurements[0].step} to {measurements[-1].step}"),
        tiles=_tiles(watched),
        alarms=_alarms(watched.alarms),
        figures=_figures(watched),
        most=str(len(shown) - 1),
        thinned=escape(few) if len(shown) < len(measurements) else "",
        table=_table(modules, columns),
        definitions="".join(f"<dt>{escape(c)}</dt><dd>{escape(DEFINITIONS[c])}</dd>" for c in columns),
        data=_data(shown, modules, columns),
    )


def _thinned(measurements: Sequence[MeasuredOnce]) -> list[MeasuredOnce]:
    """Return the measurements that the slider has: all, or some of them evenly spaced, the first and the last among."""
    places = np.unique(np.linspace(0, len(measurements) - 1, MOST_STEPS).round().astype(int))
    return [measurements[place] for place in places]


def _tiles(watched: WatchedTraining) -> str:
    last = watched.measurements[-1].logged()
    median = last.get("rank/median_stable")
    tiles = {
        "median stable rank at the end": "-" if median is None else f"{median:.4g}",
        "dead modules at the end": f"{last['rank/dead']:g}",
        "alarms": f"{len(watched.alarms)}",
        "measurements": f"{len(watched.measurements)}",
    }
    return "".join(f"<div><strong>{escape(v)}</strong><span>{escape(k)}</span></div>" for k, v in tiles.items())


def _alarms(alarms: Sequence[AlarmTold]) -> str:
    if not alarms:
        return "<p>None.</p>"
    items = (
        f"<li>step {a.step}, <code>{escape(a.module)}</code>: {escape(a.text)}. What to do: {escape(a.advice)}.</li>"
        for a in alarms
    )
    return f"<ul>{''.join(items)}</ul>"


def _figures(watched: WatchedTraining) -> str:
    from rankkit import plots

    table = watched.table
    learned = [one for last in watched.measurements for one in last.learned.values()]
    drawn: list[tuple[Any, str]] = []
    if table["status"].isin(MEASURED).any():
        lines = "The stable rank over the steps: one thin line for each module, and the median of each kind."
        drawn.append((plots.ranks_over_steps(table), lines))
        drawn.append((plots.step_heatmap(table), "The stable rank by module and step. Grey: dead or unsupported."))
    if any(len(one.x) for one in learned):
        functions = "The functions that the first modules learn, dark at the first step and light at the last."
        drawn.append((plots.learned_functions(watched.learned_columns("phi")), functions))
    if any(len(one.omega) for one in learned):
        frequencies = plots.learned_frequencies(watched.learned_columns("omega"))
        drawn.append((frequencies, "The frequencies that modules learn."))
    if not drawn:
        return "<p>No module could be measured, so there is nothing to draw.</p>"
    return "".join(
        f"<figure>{inline_svg(axes, place)}<figcaption>{escape(caption)}</figcaption></figure>"
        for place, (axes, caption) in enumerate(drawn)
    )


def _table(modules: Sequence[str], columns: Sequence[str]) -> str:
    """Return the table that the slider fills: a row for each module."""
    heads = "".join(
        f'<th class="number" title="{escape(DEFINITIONS[name])}"><button>'
        f"{escape(HEADS.get(name, name.replace('_', ' ')))}</button></th>"
        for name in columns
    )
    cells = '<td class="number"></td>' * len(columns)
    rows = "".join(f"<tr><td>{escape(module)}</td>{cells}<td></td></tr>" for module in modules)
    head = f"<tr><th><button>module</button></th>{heads}<th><button>status</button></th></tr>"
    return f'<table id="modules" class="sortable"><thead>{head}</thead><tbody>{rows}</tbody></table>'


def _data(shown: Sequence[MeasuredOnce], modules: Sequence[str], columns: Sequence[str]) -> str:
    """Return what the slider chooses from, as JSON that may stand in HTML."""
    measured: list[dict[str, Any]] = []
    for one in shown:
        row = {name: i for i, name in enumerate(one.columns["module"])}
        places = [row.get(module) for module in modules]
        measured.append(
            {
                "step": one.step,
                "status": [None if i is None else one.columns["status"][i] for i in places],
                "values": [[None if i is None else _short(one.columns[c][i]) for i in places] for c in columns],
                "spectra": [[_short(v) or 0 for v in values[:MOST_VALUES]] for values in one.spectra.values()],
            }
        )
    longest = max((len(values) for one in measured for values in one["spectra"]), default=1)
    about = {"columns": columns, "measured": measured, "longest": longest, "decades": DECADES}
    return json.dumps(about, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _short(value: Any) -> float | None:
    """Return a number with few digits; None where it is not known."""
    return float(f"{float(value):.{DIGITS}g}") if value is not None and math.isfinite(value) else None
