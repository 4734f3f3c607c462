"""A printed number as what it can have been: an exact interval, and the arithmetic that made it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["Quantity", "exact", "mean", "parse", "total"]

_SCALE = {"": 1, "%": 1, "x": 1, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<digits>\d+(?:\.\d*)?|\.\d+)(?P<power>e[+-]?\d+)?\s*(?P<unit>kB|MB|GB|[kKMBx%]?)"
)
_MARKS = re.compile(r"\\textbf|\\mathbf|[*†‡§{}$↑↓⇑⇓_\\]")
_Ends = tuple[Fraction, Fraction]
_MISSING = {"", "-", "–", "—", "/", "n/a", "N/A"}


@dataclass(frozen=True, eq=False, repr=False)
class Quantity:
    """What a printed number, or arithmetic on printed numbers, can have been.

    Quantities are added, subtracted, multiplied and divided with one another and with integers and Fractions; the
    interval and the text follow.

    Attributes
    ----------
    text : str
        As printed, or the arithmetic with the printed numbers in it.
    value : Fraction
        Of the numbers as printed.
    low, high : Fraction
        Exact ends of what the unrounded numbers allow.
    doubt : str
        Why it cannot be relied on: damaged or missing; empty: it can.
    slope : mapping
        Cell -> derivative of the value by that cell's.
    unit : Fraction
        Of the last printed digit; 0 for arithmetic and exact numbers.
    rounded : pair of Fraction
        As low and high, where no digits were cut: half a unit on either side.

    Examples
    --------
    >>> parse("70.1") - parse("58.3")
    70.1 - 58.3 = 11.8, between 11.65 and 11.95
    """

    text: str
    value: Fraction
    low: Fraction
    high: Fraction
    doubt: str = ""
    slope: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])
    unit: Fraction = Fraction(0)
    rounded: tuple[Fraction, Fraction] = ()  # pyright: ignore[reportAssignmentType] - as low and high if not given

    def __post_init__(self) -> None:
        if not self.rounded:
            object.__setattr__(self, "rounded", (self.low, self.high))

    def __repr__(self) -> str:
        value, low, high = (f"{float(x):.6g}" for x in (self.value, self.low, self.high))
        shown = self.text if self.text == value else f"{self.text} = {value}"
        return f"{shown}, between {low} and {high}" + (f"; {self.doubt}" if self.doubt else "")

    def __add__(self, other: Quantity | int | Fraction) -> Quantity:
        b = _of(other)
        slope = _joined(self, b, Fraction(1), Fraction(1))
        return _made(f"{self.text} + {b.text}", self.value + b.value, _sum, (self, b), slope)

    def __sub__(self, other: Quantity | int | Fraction) -> Quantity:
        b = _of(other)
        text = f"{self.text} - {_grouped(b.text)}"
        slope = _joined(self, b, Fraction(1), Fraction(-1))
        return _made(text, self.value - b.value, _difference, (self, b), slope)

    def __mul__(self, other: Quantity | int | Fraction) -> Quantity:
        b = _of(other)
        text = f"{_grouped(self.text)} * {_grouped(b.text)}"
        return _made(text, self.value * b.value, _product, (self, b), _joined(self, b, b.value, self.value))

    def __truediv__(self, other: Quantity | int | Fraction) -> Quantity:
        b = _of(other)
        if b.low <= 0 <= b.high:
            if b.doubt:
                return _made(f"{_grouped(self.text)} / {b.text}", self.value, _first, (self, b), {})
            raise ValueError(f"cannot divide by {b.text}: it may be 0; leave this relation out.")
        text = f"{_grouped(self.text)} / {_grouped(b.text)}"
        slope = _joined(self, b, 1 / b.value, -self.value / b.value**2)
        return _made(text, self.value / b.value, _ratio, (self, b), slope)


def parse(text: str, *, cell: str = "", truncated: bool = True) -> Quantity:
    """Return what a printed number can have been.

    Parameters
    ----------
    text : str
        As printed: signs, percent, k/M/B, kB/MB/GB, ``+-`` and what follows it, arrows, bold and footnote marks. A
        trailing ``?`` marks a damaged cell; a dash, a slash or nothing a missing one.
    cell : str
        Its name, in messages and slopes.
    truncated : bool
        Allow digits that were cut instead of rounded: a whole unit of the last digit away from 0, half towards 0.

    Returns
    -------
    Quantity
        Percent stay percent; k, M, B and bytes are multiplied out.

    Raises
    ------
    ValueError
        If there is no number in the text.

    Examples
    --------
    >>> parse("85.6")
    85.6, between 85.55 and 85.7
    >>> parse("1.2M", truncated=False)
    1.2M = 1.2e+06, between 1.15e+06 and 1.25e+06
    """
    plain = _MARKS.sub("", text.replace("−", "-").replace(",", "")).strip()
    if plain in _MISSING:
        zero, slope = Fraction(0), {cell: Fraction(1)} if cell else {}
        return Quantity("missing", zero, zero, zero, doubt=f"{cell or 'a cell'} is missing", slope=slope)
    doubt = f"{cell or 'a cell'} is damaged" if "?" in plain else ""
    plain = re.split(r"±|\+-|\+/-|\(", plain.replace("?", "").lstrip("~≈<>≤≥"))[0].strip()
    found = _NUMBER.fullmatch(plain)
    if found is None:
        raise ValueError(f"{cell or 'a printed number'} must be a number, got {text!r}; mark damage with a ?.")
    scale = Fraction(10) ** int((found["power"] or "e0")[1:]) * _SCALE[found["unit"]]
    decimals = len(found["digits"].partition(".")[2])
    unit = scale / 10**decimals
    sign = -1 if found["sign"] == "-" else 1
    value = sign * Fraction(found["digits"]) * scale
    away, towards = (unit if truncated else unit / 2), unit / 2
    ends = (value - towards, value + away) if value > 0 else (value - away, value + towards)
    if not value and truncated:
        ends = (-unit, unit)
    slope = {cell: Fraction(1)} if cell else {}
    return Quantity(
        plain, value, *ends, doubt=doubt, slope=slope, unit=unit, rounded=(value - towards, value + towards)
    )


def exact(value: int | Fraction, text: str = "") -> Quantity:
    """Return a number that was never rounded.

    Parameters
    ----------
    value : int or Fraction
        The number.
    text : str
        How it is written in arithmetic; without it, as Python does.

    Examples
    --------
    >>> exact(3) / 4
    3 / 4 = 0.75, between 0.75 and 0.75
    """
    number = Fraction(value)
    return Quantity(text or str(value), number, number, number)


def total(cells: Iterable[Quantity]) -> Quantity:
    """Return the sum of some quantities.

    Parameters
    ----------
    cells : iterable of Quantity
        At least one.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> total([parse("1.5"), parse("2.5")])
    1.5 + 2.5 = 4, between 3.9 and 4.2
    """
    parts = list(cells)
    if not parts:
        raise ValueError("cells must hold at least one number, got none; check the column names.")
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result


def mean(cells: Iterable[Quantity]) -> Quantity:
    """Return the unweighted mean of some quantities.

    Parameters
    ----------
    cells : iterable of Quantity
        At least one.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> mean([parse("66.31"), parse("90.15")])
    (66.31 + 90.15) / 2 = 78.23, between 78.225 and 78.24
    """
    parts = list(cells)
    return total(parts) / len(parts)


def _of(value: Quantity | int | Fraction) -> Quantity:
    return value if isinstance(value, Quantity) else exact(value)


def _grouped(text: str) -> str:
    return f"({text})" if " + " in text or " - " in text or " / " in text else text


def _joined(a: Quantity, b: Quantity, by_a: Fraction, by_b: Fraction) -> dict[str, Fraction]:
    slope = {name: by_a * part for name, part in a.slope.items()}
    for name, part in b.slope.items():
        slope[name] = slope.get(name, Fraction(0)) + by_b * part
    return slope


def _sum(a: _Ends, b: _Ends) -> _Ends:
    return a[0] + b[0], a[1] + b[1]


def _difference(a: _Ends, b: _Ends) -> _Ends:
    return a[0] - b[1], a[1] - b[0]


def _product(a: _Ends, b: _Ends) -> _Ends:
    ends = [p * q for p in a for q in b]
    return min(ends), max(ends)


def _ratio(a: _Ends, b: _Ends) -> _Ends:
    return _product(a, (1 / b[1], 1 / b[0]))


def _first(a: _Ends, b: _Ends) -> _Ends:
    return a


def _made(
    text: str,
    value: Fraction,
    combined: Callable[[_Ends, _Ends], _Ends],
    parts: tuple[Quantity, Quantity],
    slope: Mapping[str, Fraction],
) -> Quantity:
    a, b = parts
    doubt = "; ".join(dict.fromkeys(part.doubt for part in parts if part.doubt))
    ends = combined((a.low, a.high), (b.low, b.high))
    return Quantity(text, value, *ends, doubt=doubt, slope=slope, rounded=combined(a.rounded, b.rounded))
