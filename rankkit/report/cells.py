"""Values as people read them: four digits, a dash for what is not known, and text on one line that is short enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Columns", "cells", "printable", "shortened"]

DIGITS = 4  # that a column's largest number shows
FIXED = (1e-3, 1e6)  # numbers between are written without an exponent
DECADES = 50  # a column whose largest number is this many times its smallest one shows each to four digits instead
WHOLE = 1e15  # below it a float64 holds every integer and its neighbours

Columns = Mapping[str, Sequence[Any]]


def _decimals(values: Sequence[Any]) -> int | None:
    """Return how many decimals show a column's numbers to four digits; None where one number of decimals cannot."""
    sizes = [abs(float(v)) for v in values if not isinstance(v, str) and v is not None and math.isfinite(v) and v != 0]
    if all(size == int(size) and size < WHOLE for size in sizes):
        return 0
    low, high = min(sizes), max(sizes)
    if not FIXED[0] < high < FIXED[1] or high / low >= DECADES:
        return None
    return max(0, DIGITS - 1 - math.floor(math.log10(high)))


def _cell(value: Any, decimals: int | None) -> str:
    """Return a value as people read it, on one line; a dash stands for what is not known."""
    if value is None or value != value:
        return "-"
    if isinstance(value, str):
        return printable(value)
    return f"{float(value):.{DIGITS}g}" if decimals is None or math.isinf(value) else f"{float(value):.{decimals}f}"


def printable(text: str) -> str:
    """Return a text on one line, with a space for every character that would move the cursor or colour the terminal.

    Parameters
    ----------
    text : str
        Any text, for instance a name in a stranger's file.
    """
    return "".join(letter if letter.isprintable() else " " for letter in text)


def cells(columns: Columns) -> tuple[list[list[str]], list[bool]]:
    """Return the rows as people read them, and for each column whether it holds words (set left) or numbers.

    Parameters
    ----------
    columns : mapping of str to sequence
        Numbers, None or text, column by column, all of one length.
    """
    digits = [_decimals(values) for values in columns.values()]
    shown = [[_cell(v, decimals) for v in values] for values, decimals in zip(columns.values(), digits, strict=True)]
    return [list(row) for row in zip(*shown, strict=True)], [_holds_words(values) for values in columns.values()]


def _holds_words(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) for value in values)


def shortened(texts: Sequence[str], room: int) -> list[str]:
    """Return texts of at most `room` characters: a longer one loses a part where most of them stay different.

    The part is in the middle, unless another place keeps more texts different.

    Parameters
    ----------
    texts : sequence of str
    room : int
        Characters, at least 1.

    Examples
    --------
    >>> shortened(["layers.0.self_attn.q_proj", "layers.1.self_attn.q_proj"], 15)
    ['layers.0…q_proj', 'layers.1…q_proj']
    """
    long = sorted({text for text in texts if len(text) > room})
    if not long:
        return list(texts)

    def cut(head: int) -> dict[str, str]:
        return {text: f"{text[:head]}…{text[len(text) - (room - 1 - head) :]}" for text in long}

    places = sorted(range(max(room, 1)), key=lambda head: abs(2 * head - room))
    made = max(map(cut, places), key=lambda made: len(set(made.values())))
    return [made.get(text, text) for text in texts]
