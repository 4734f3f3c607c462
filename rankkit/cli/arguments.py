"""What a word on the command line means: numbers, ranges of frequencies, files that can be written, gates."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

__all__ = ["frequencies", "gate", "non_negative", "number", "positive_int", "seconds", "share", "writable"]


def writable(text: str) -> str:
    """Return a file's name if its folder exists."""
    if not Path(text).parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {Path(text).parent} does not exist; make it first")
    return text


def positive_int(text: str) -> int:
    """Return an integer >= 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected an integer >= 1, got {text!r}")
    return int(text)


def non_negative(text: str) -> float:
    """Return a finite number >= 0."""
    value = number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"expected a number >= 0, got {text!r}")
    return value


def share(text: str) -> float:
    """Return a number in (0, 1]."""
    value = number(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number in (0, 1], got {text!r}")
    return value


def number(text: str) -> float:
    """Return a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"expected a finite number, got {text!r}")
    return value


def seconds(text: str) -> float:
    """Return the seconds of "60", "60s", "2m" or "1h"."""
    scale = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:], 0.0)
    value = number(text[:-1]) * scale if scale else number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"expected a time above 0, got {text!r}")
    return value


def frequencies(text: str) -> list[float]:
    """Return the numbers of "1,10,100", "FIRST:LAST:COUNT" or "FIRST:LAST:COUNT:log"."""
    if ":" not in text:
        return [non_negative(part) for part in text.split(",") if part]
    import numpy as np

    parts = text.split(":")
    log = parts[-1] == "log"
    numbers = parts[:-1] if log else parts
    if len(numbers) not in (2, 3):
        raise argparse.ArgumentTypeError(f"expected FIRST:LAST:COUNT or FIRST:LAST:COUNT:log, got {text!r}")
    first, last = non_negative(numbers[0]), non_negative(numbers[1])
    count = positive_int(numbers[2]) if len(numbers) == 3 else 50
    if log and not (first > 0 and last > 0):
        raise argparse.ArgumentTypeError(f"a log range must begin and end above 0, got {text!r}")
    return (np.geomspace if log else np.linspace)(first, last, count).tolist()


def gate(text: str) -> Any:
    """Return a condition on an audit."""
    from rankkit.audits.gates import Gate

    try:
        return Gate(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
