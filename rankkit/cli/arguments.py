"""What a word on the command line means: numbers, sizes, frequencies, files to read and files to write, gates."""

from __future__ import annotations

import argparse
import json
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rankkit.audits.gates import Gate

__all__ = [
    "ENDINGS", "FREQUENCIES", "PICTURES", "certificates", "data_file", "drawing", "folder", "frequencies", "gate",
    "ledger", "non_negative", "npz", "number", "parameters", "positive", "positive_int", "seconds", "share", "size",
    "strengths", "tolerance", "words", "writable",
]  # fmt: skip

# what matplotlib writes, so that a wrong ending is refused without loading it
PICTURES = (
    "png", "svg", "pdf", "eps", "jpg", "jpeg", "pgf", "ps", "raw", "rgba", "svgz", "tif", "tiff", "webp",
)  # fmt: skip
OTHERS = ("html", "npz", "npy", "parquet", "xlsx", "safetensors")  # written by other options, or only from Python
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
# powers of 1000, and with an I in the middle powers of 1024 (IEC 80000-13)
BYTES = {"B": 1} | {
    f"{letter}{binary}B": base**power
    for power, letter in enumerate("KMGT", start=1)
    for binary, base in (("", 1000), ("I", 1024))
}
THOUSANDS = {"K": 10**3, "M": 10**6, "B": 10**9}  # as models' sizes are written: 8B is eight thousand million
POINTS = 50  # frequencies of FIRST:LAST
# for helps and messages
FREQUENCIES = f"1,10,100 or FIRST:LAST[:COUNT][:log], where COUNT is {POINTS} if left out"
ENDINGS = ".png, .svg, .pdf, .jpg or another that matplotlib writes"


def positive_int(text: str) -> int:
    """Return an integer >= 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected an integer >= 1, got {text!r}")
    return int(text)


def number(text: str) -> float:
    """Return a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"expected a finite number, got {text!r}")
    return value


def non_negative(text: str) -> float:
    """Return a finite number >= 0."""
    value = number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"expected a number >= 0, got {text!r}")
    return value


def positive(text: str) -> float:
    """Return a finite number > 0."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"expected a number > 0, got {text!r}")
    return value


def strengths(text: str) -> list[float]:
    """Return the numbers other than 0 of a list with commas between them."""
    numbers = [number(part) for part in text.split(",")]
    if 0 in numbers:
        raise argparse.ArgumentTypeError(f"expected numbers other than 0, got {text!r}; leave such an adapter out")
    return numbers


def tolerance(text: str) -> float:
    """Return a number in [0, 1): above it no singular value would count."""
    value = number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a number in [0, 1), got {text!r}")
    return value


def share(text: str) -> float:
    """Return a number in (0, 1]."""
    value = number(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number in (0, 1], got {text!r}")
    return value


def seconds(text: str) -> float:
    """Return the seconds of "60", "60s", "2m" or "1h"."""
    scale = SECONDS.get(text[-1:], 0.0)
    value = number(text[:-1]) * scale if scale else number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"expected a time above 0, got {text!r}")
    return value


def size(text: str) -> int:
    """Return the bytes of "4GB", "512MB", "1.5GiB" or "4000000000".

    Parameters
    ----------
    text : str
        The word on the command line.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is no size of at least one byte.

    Examples
    --------
    >>> size("4GB"), size("0.5MiB"), size("100")
    (4000000000, 524288, 100)
    """
    digits = text.upper().rstrip("KMGTIB")
    unit = BYTES.get(text.upper()[len(digits) :] or "B", 0)
    try:
        value = int(number(digits) * unit)
    except argparse.ArgumentTypeError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a size such as 4GB, 512MB or a number of bytes, got {text!r}")
    return value


def parameters(text: str) -> int:
    """Return the number of parameters of "4000000", "4e6" or "4M".

    Parameters
    ----------
    text : str
        The word on the command line.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is no number of at least one.

    Examples
    --------
    >>> parameters("4e6"), parameters("1.5M"), parameters("20k")
    (4000000, 1500000, 20000)
    """
    scale = THOUSANDS.get(text[-1:].upper(), 1)
    try:
        value = number(text if scale == 1 else text[:-1]) * scale
    except argparse.ArgumentTypeError:
        value = 0.0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number of parameters such as 4e6 or 4M, got {text!r}")
    return int(value)


def words(text: str) -> list[str]:
    """Return the names of a list with commas between them."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, got {text!r}")
    return _once(names, text)


def frequencies(text: str) -> list[float]:
    """Return the numbers of "1,10,100", "FIRST:LAST:COUNT" or "FIRST:LAST:COUNT:log"."""
    if ":" not in text:
        return _once([_frequency(part, text) for part in text.split(",")], text)
    parts = text.split(":")
    log = parts[-1] == "log"
    numbers = parts[:-1] if log else parts
    if len(numbers) not in (2, 3):
        raise argparse.ArgumentTypeError(f"expected {FREQUENCIES}; got {text!r}")
    first, last = _frequency(numbers[0], text), _frequency(numbers[1], text)
    count = positive_int(numbers[2]) if len(numbers) == 3 else POINTS
    if not first < last:
        raise argparse.ArgumentTypeError(f"a range must end above its beginning, got {text!r}")
    if count < 2:
        raise argparse.ArgumentTypeError(f"a range needs at least 2 frequencies, got {text!r}")
    if log and first == 0:
        raise argparse.ArgumentTypeError(f"a log range must begin and end above 0, got {text!r}")
    import numpy as np

    return (np.geomspace if log else np.linspace)(first, last, count).tolist()


def _frequency(part: str, text: str) -> float:
    """Return one number of a list of frequencies."""
    try:
        return non_negative(part)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"expected numbers >= 0, such as 1,10,100 or 1:100:20:log, got {text!r}"
        ) from None


def writable(text: str) -> str:
    """Return a file's name if a file can be written there."""
    file = Path(text)
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {file.parent} does not exist; make it first")
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"expected a file that can be written, got {text!r}")
    return text


def data_file(text: str) -> str:
    """Return the name of a file that can be written; one whose ending promises what no --format writes is refused."""
    if Path(text).suffix.removeprefix(".") in (*PICTURES, *OTHERS):
        raise argparse.ArgumentTypeError(
            f"writes text, CSV, JSON or Markdown, got {text!r}; name a .txt, .csv, .json or .md file"
        )
    return writable(text)


def drawing(text: str) -> str:
    """Return the name of a picture that can be written; without an ending it will be a PNG."""
    if Path(text).suffix.removeprefix(".") not in ("", *PICTURES):
        raise argparse.ArgumentTypeError(
            f"cannot write {Path(text).suffix} files, got {text!r}; name a file that ends in .{', .'.join(PICTURES)}"
        )
    return writable(text)


def npz(text: str) -> str:
    """Return the name of a .npz file that can be written."""
    if Path(text).suffix != ".npz":
        raise argparse.ArgumentTypeError(f"expected a file that ends in .npz, got {text!r}")
    return writable(text)


def folder(text: str) -> Path:
    """Return a folder, there or to be made."""
    if Path(text).exists() and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"expected a folder, got the file {text!r}")
    return Path(text)


def ledger(text: str) -> list[dict[str, Any]]:
    """Return the records of a ledger that `rankkit verify --format json` wrote."""
    return _records(text, "a ledger written by `rankkit verify --format json`", ("id", "verdict"))


def certificates(text: str) -> list[dict[str, Any]]:
    """Return the records of a file that `rankkit verify --certificates` wrote, with the questions beside it."""
    from rankkit.claims.proofs.stored import folder_beside, questions_in

    records = _records(text, "a file written by `rankkit verify --certificates`", ("claim",))
    for record in records:
        if str(record.get("file", "")).endswith(".smt2"):
            beside = folder_beside(text) / Path(str(record["file"])).name
            try:
                record["questions"] = questions_in(beside.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise argparse.ArgumentTypeError(
                    f"the questions of a proof in {text!r} cannot be read: {error}"
                ) from None
    return records


def gate(text: str) -> Gate:
    """Return a condition on an audit."""
    from rankkit.audits.gates import Gate

    try:
        return Gate(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _once(values: list[Any], text: str) -> list[Any]:
    """Return the values if none stands there twice."""
    for value in values:
        if values.count(value) > 1:
            raise argparse.ArgumentTypeError(f"{value} stands twice in {text!r}; name it once")
    return values


def _records(text: str, expected: str, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the records of a JSON file if it is a list of objects that have these keys."""
    try:
        found: Any = json.loads(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be read ({error}); name {expected}") from None
    records: list[dict[str, Any]] = [{}]  # which has none of the keys
    with suppress(TypeError, KeyError, IndexError):  # an object has them beside the version of their form
        found = found["records"]
    with suppress(TypeError, ValueError):  # it is no list of objects
        records = [{}] if isinstance(found, dict) else [dict(record) for record in found]
    if not all(record.keys() >= {*keys} for record in records):
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}; name one")
    return records
