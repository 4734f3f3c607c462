"""What a module's numbers may rest on that is not known, and which of its numbers those are.

Such a module is still measured: with the value that its note names, under the status "assumed".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "BASE", "FREQUENCY", "INNER_SCALE", "MAGNITUDE", "METHOD", "OF_THE_RULE", "ORDER", "ORIENTATION", "SCALE", "START",
    "UNKNOWN", "WIDTH", "joined", "named", "rests", "surest",
]  # fmt: skip

SCALE, INNER_SCALE, FREQUENCY, WIDTH = "scale", "inner scale", "frequency", "width"
BASE, MAGNITUDE = "base weight", "magnitude"
ORDER, ORIENTATION, START, METHOD = "order", "orientation", "initial factors", "method"

# what is not known -> what that means for the row
UNKNOWN: dict[str, str] = {
    SCALE: "The factor in front of the update is not stored where it could be found.",
    INNER_SCALE: "The factor in front of B A is not stored, and DoRA's update is no multiple of B A.",
    FREQUENCY: "The frequency of the function of B A is not stored.",
    WIDTH: "The file does not tell how many rows or columns the module's weight has.",
    BASE: "The update needs the weight of the base model, so the row has the part that needs none.",
    MAGNITUDE: "The update needs DoRA's magnitudes, which are not in the file.",
    ORDER: "The file does not tell in which order its parts, such as the experts', are packed.",
    ORIENTATION: "The shapes do not tell rows from columns.",
    START: "The factors hold a part of the base weight, so the update needs the factors from before the training.",
    METHOD: "A tensor of the module, or a field of the configuration, is not understood.",
}

OF_THE_RULE = (SCALE, FREQUENCY, BASE, MAGNITUDE)  # without meaning once another rule is put in its place
SCALED = frozenset({
    "scale", "spectral_norm", "frobenius_norm", "spectral_norm_error", "relative_spectral", "relative_frobenius",
    "intruders", "norm_ratio", "relative_distance", "sum_ratio",
})  # the columns that a factor in front of the update changes  # fmt: skip
SEPARATOR = ", "
STORED = frozenset({"r"})  # what the header says


def joined(unknown: Iterable[str]) -> str:
    """Return names of `UNKNOWN` as one cell of a table holds them; `named` and `rests` take them apart."""
    return SEPARATOR.join(dict.fromkeys(unknown))


def named(cells: Iterable[str]) -> str:
    """Return what several such cells name, each once, as a sentence says it.

    Examples
    --------
    >>> named(["scale", "", "scale, width"])
    'scale or width'
    """
    return " or ".join(dict.fromkeys(name for cell in cells if cell for name in cell.split(SEPARATOR)))


def rests(column: str, cell: str) -> bool:
    """Return whether a column's value rests on what is not known.

    Parameters
    ----------
    column : str
        A column of numbers of an audit or of a comparison.
    cell : str
        What is not known of its row, as `joined` writes it.

    Examples
    --------
    >>> rests("frobenius_norm", "scale"), rests("stable_rank", "scale"), rests("stable_rank", "width"), rests("m", "")
    (True, False, True, False)
    """
    unknown = cell.split(SEPARATOR) if cell else []
    return any(column in SCALED if name == SCALE else column not in STORED for name in unknown)


def surest(column: str, values: Sequence[Any], cells: Sequence[str]) -> list[Any]:
    """Return the values of a column that may be averaged: those that rest on nothing unknown, else those that do.

    Parameters
    ----------
    column : str
    values : sequence
        One for each row.
    cells : sequence of str
        What is not known of each row, as `joined` writes it.

    Examples
    --------
    >>> surest("spectral_norm", [1.0, 2.0], ["", "scale"]), surest("spectral_norm", [1.0, 2.0], ["scale", "scale"])
    ([1.0], [1.0, 2.0])
    """
    known = [value for value, cell in zip(values, cells, strict=True) if not rests(column, cell)]
    return known or list(values)
