"""A few curves as a small SVG for a notebook: plain text made without matplotlib, readable on light and dark."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeVar

from rankkit.report.cells import printable, shortened

__all__ = ["Line", "medians", "sketch"]

WIDTH, HEIGHT = 460, 170  # of the picture, in pixels
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 24, 34  # margins around the axes, in pixels
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")  # Okabe and Ito's, as in rankkit.plots
MOST_LINES = 60
MOST_POINTS = 3000  # of all lines together: about 30 kB
DOTTED = 300  # points of all lines together, up to which each is marked, and the lines are thick
NAME = 24  # characters of a name in the legend

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Line:
    """One curve of a sketch.

    Attributes
    ----------
    name : str
        What the legend calls it; lines of one name have one colour.
    x, y : tuple of float
        Its points, in the order in which they are joined.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


def medians(names: Iterable[str], places: Iterable[float | None], values: Iterable[float]) -> list[Line]:
    """Return one line for each name, in the order in which the names come: the medians at its places, left to right.

    Parameters
    ----------
    names : iterable of str
        Which line each value belongs to.
    places : iterable of float or None
        Where it stands; a value without a place is left out.
    values : iterable of float
        A value that is not finite is left out.

    Examples
    --------
    >>> medians(["mlp", "mlp", "mlp"], [0, 0, 1], [1.0, 3.0, 5.0])
    [Line(name='mlp', x=(0.0, 1.0), y=(2.0, 5.0))]
    """
    points: dict[str, dict[float, list[float]]] = {}
    for name, place, value in zip(names, places, values, strict=True):
        if place is not None and math.isfinite(value):
            points.setdefault(name, {}).setdefault(float(place), []).append(value)
    return [
        Line(name, tuple(sorted(at)), tuple(float(statistics.median(at[place])) for place in sorted(at)))
        for name, at in points.items()
    ]


def sketch(lines: Sequence[Line], *, across: str, up: str, logarithmic: bool = False) -> str:
    """Return the lines as an SVG element, or no text where there is nothing to draw.

    Parameters
    ----------
    lines : sequence of Line
        Of more than `MOST_LINES` lines, or `MOST_POINTS` points, an even choice is drawn.
    across, up : str
        What the axes show.
    logarithmic : bool
        Whether both axes are; points that are not above zero are then left out.
    """
    lines = _even(lines, MOST_LINES)
    each = MOST_POINTS // max(1, len(lines))
    curves = [curve for line in lines if (curve := _points(line, each, logarithmic))[1]]
    if not curves:
        return ""
    width = _Axis.of([x for _, points in curves for x, _ in points], LEFT, WIDTH - RIGHT, logarithmic)
    height = _Axis.of([y for _, points in curves for _, y in points], HEIGHT - BOTTOM, TOP, logarithmic)
    names = list(dict.fromkeys(name for name, _ in curves))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    few = sum(len(points) for _, points in curves) <= DOTTED
    drawn = "".join(
        _curve([(width.pixel(x), height.pixel(y)) for x, y in points], colours[name], few) for name, points in curves
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(f"{up} against {across}")}" '
        f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" fill="currentColor" '
        f'style="max-width:100%;font:11px sans-serif">'
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="currentColor" opacity="0.5"/>'
        f"{_labels(width, height, across, up)}{_legend(colours)}{drawn}</svg>"
    )


@dataclass(frozen=True)
class _Axis:
    """One axis: its data from `low` to `high` (their logarithms where it is logarithmic), and the pixels of both."""

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool

    @classmethod
    def of(cls, values: Sequence[float], start: float, stop: float, logarithmic: bool) -> _Axis:
        """Return the axis that holds all values; one value alone stands in the middle."""
        low, high = min(values), max(values)
        same = 0.0 if high > low else 0.5 + abs(low) / 2
        return cls(low - same, high + same, start, stop, logarithmic)

    def pixel(self, value: float) -> float:
        """Return where a value stands."""
        return self.start + (self.stop - self.start) * (value - self.low) / (self.high - self.low)

    def ends(self) -> tuple[str, str]:
        """Return what the two ends of the axis are called."""
        low, high = (10**value if self.logarithmic else value for value in (self.low, self.high))
        return f"{low:.3g}", f"{high:.3g}"


def _even(items: Sequence[_Item], most: int) -> Sequence[_Item]:
    """Return at most so many of the items, evenly spaced."""
    return items[:: max(1, math.ceil(len(items) / most))]


def _points(line: Line, most: int, logarithmic: bool) -> tuple[str, list[tuple[float, float]]]:
    """Return a line's name and the points to draw, as their logarithms where the axes are logarithmic."""
    known = [(x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if logarithmic:
        known = [(math.log10(x), math.log10(y)) for x, y in known if x > 0 and y > 0]
    return line.name, list(_even(known, most))


def _curve(pixels: Sequence[tuple[float, float]], colour: str, few: bool) -> str:
    path = " ".join(f"{x:.0f},{y:.1f}" for x, y in pixels)
    thickness = "1.5" if few else '0.8" opacity="0.7'
    dots = "".join(f'<circle cx="{x:.0f}" cy="{y:.1f}" r="2.2" fill="{colour}"/>' for x, y in pixels) if few else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{thickness}"/>{dots}'


def _labels(width: _Axis, height: _Axis, across: str, up: str) -> str:
    (left, right), (bottom, top) = width.ends(), height.ends()
    below, middle = HEIGHT - BOTTOM + 14, (LEFT + WIDTH - RIGHT) / 2
    at = (
        (LEFT, below, "middle", left), (WIDTH - RIGHT, below, "end", right), (middle, below + 12, "middle", across),
        (LEFT - 5, HEIGHT - BOTTOM, "end", bottom), (LEFT - 5, TOP + 4, "end", top),
    )  # fmt: skip
    texts = "".join(f'<text x="{x:g}" y="{y:g}" text-anchor="{side}">{escape(text)}</text>' for x, y, side, text in at)
    halfway = (TOP + HEIGHT - BOTTOM) / 2
    return texts + (f'<text transform="translate(12 {halfway:g}) rotate(-90)" text-anchor="middle">{escape(up)}</text>')


def _legend(colours: Mapping[str, str]) -> str:
    shown = list(colours.items())[: len(COLOURS)]
    names = shortened([printable(name) for name, _ in shown], NAME)
    marks = (
        f'<tspan fill="{colour}">●</tspan> {escape(name)}\u2003' for name, (_, colour) in zip(names, shown, strict=True)
    )
    return f'<text x="{LEFT}" y="12">{"".join(marks)}</text>'
