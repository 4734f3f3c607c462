"""What a picture is given, checked before a figure is made: a result or its table, names of metrics, and spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AUDIT", "COMPARISON", "CURVE", "FREQUENCIES", "FUNCTIONS", "PROBE", "SIMILARITY", "SWEEP", "WATCHED", "Source",
    "check_metrics", "got", "is_mapping", "names_of", "spectra_from", "table_from",
]  # fmt: skip

NAMED = 12  # metrics that a message names
SHOWN = 60  # characters of a text that a message repeats


class Source(NamedTuple):
    """Where the table of a picture comes from."""

    kind: str  # the class of the result, which is accepted too
    part: str  # what of the result is drawn: an attribute, or a method with its argument
    made: str  # what returns the result

    def of(self, result: Any) -> Any:
        """Return the part of a result that is drawn."""
        name, called, argument = self.part.rstrip(")").partition("(")
        part = getattr(result, name)
        return part(*([argument] if argument else [])) if called else part


SWEEP = Source("Sweep", "summary()", "rankkit.sweep_frequency")
CURVE = Source("Curve", "table", "rankkit.predict_curve")
PROBE = Source("Probe", "table", "rankkit.probe_frequencies")
AUDIT = Source("Audit", "table", "rankkit.audit")
SIMILARITY = Source("Similarity", "values", "rankkit.cosine_similarity")
COMPARISON = Source("Comparison", "table", "rankkit.compare")
WATCHED = Source("Watched", "table", "rankkit.watch.Watched.load")
FUNCTIONS = WATCHED._replace(part="learned_columns(phi)")
FREQUENCIES = WATCHED._replace(part="learned_columns(omega)")


def is_mapping(given: object) -> bool:
    """Return whether this maps names to something."""
    return isinstance(given, Mapping)


def got(given: object) -> str:
    """Return a value in the words of a message: a short text or number as it stands, else its type."""
    if given is None or isinstance(given, (str, int, float)):
        said = repr(given)
        return said if len(said) <= SHOWN else f"{said[:SHOWN]}..."
    return type(given).__name__


def table_from(given: Any, source: Source, *columns: str, name: str = "table", empty: bool = True) -> pd.DataFrame:
    """Return the table to draw, of a result or as it was given.

    Parameters
    ----------
    given : DataFrame or result
        What the user gave.
    source : Source
        Where such a table comes from.
    *columns : str
        What it must have.
    name : str
        The argument's name, for the message.
    empty : bool
        Whether a table without a row can be drawn.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If it lacks one of the columns, or has no row where one is needed.
    """
    import pandas as pd

    kind, part, made = source
    table = source.of(given) if type(given).__name__ == kind else given
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{name} must be {kind}.{part} or the {kind}, got {got(given)}; pass what {made} returns.")
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise ValueError(
            f"{name} must have the columns of {kind}.{part}, got one without {', '.join(lacking)}; pass what {made} "
            "returns."
        )
    if not (empty or len(table)):
        raise ValueError(f"{name} must have a row, got an empty table; pass what {made} returns.")
    return table


def names_of(name: str, given: Any) -> list[str]:
    """Return names as a list; one name stands for a list of one.

    Raises
    ------
    TypeError
        If they are no names.
    ValueError
        If there is none.
    """
    single = isinstance(given, str) or not np.iterable(given)
    names: list[Any] = [given] if single else [*given]
    if not all(isinstance(each, str) for each in names):
        raise TypeError(
            f"{name} must be a list of names of metrics, got {got(given)}; pass for instance ['stable_rank']."
        )
    if not names:
        raise ValueError(f"{name} must name a metric, got an empty list; pass for instance ['stable_rank'].")
    return list(names)


def check_metrics(table: pd.DataFrame, *metrics: str, name: str = "metric", endings: Sequence[str] = ("",)) -> None:
    """Check that a table has the numbers of some metrics.

    Parameters
    ----------
    table : DataFrame
        What is drawn.
    *metrics : str
        What the user asked for.
    name : str
        The argument's name, for the message.
    endings : sequence of str
        What the names of one metric's columns end in.

    Raises
    ------
    ValueError
        If one of the metrics has no such columns.
    """
    numbers = {str(column) for column in table.select_dtypes("number")}
    whole = [column.removesuffix(endings[0]) for column in map(str, table) if column.endswith(endings[0])]
    known = [stem for stem in whole if all(f"{stem}{ending}" in numbers for ending in endings)]
    for metric in metrics:
        if metric not in known:
            named = ", ".join(known[:NAMED]) + (", ..." if len(known) > NAMED else "")
            there = f"choose from {named}" if known else "it has none"
            raise ValueError(f"{name} must be one of which the table has numbers, got {got(metric)}; {there}.")


def spectra_from(given: Any, *, of: str = "Audit.spectra") -> Mapping[Any, Any]:
    """Return spectra by name, of an audit or as they were given.

    Parameters
    ----------
    given : mapping of array (k,), or Audit
        What the user gave.
    of : str
        What returns such spectra, for the message.

    Raises
    ------
    TypeError
        If they are no mapping.
    ValueError
        If one of them is not a row of numbers.
    """
    spectra: Any = given.spectra if type(given).__name__ == AUDIT.kind else given
    if not is_mapping(spectra):
        raise TypeError(
            f"values must map names to singular values, as {of} does, got {got(given)}; pass that, or for instance "
            "{'update': rankkit.spectrum_of(update).values}."
        )
    for name, sigma in spectra.items():
        try:
            fine = np.ndim(sigma) == 1 and len(sigma) > 0 and np.asarray(sigma).dtype.kind in "fiu"
        except (TypeError, ValueError):  # numpy makes no array of it
            fine = False
        if not fine:
            raise ValueError(
                f"values must map names to singular values, descending, got {got(sigma)} for {got(name)}; pass for "
                "instance rankkit.spectrum_of(update).values."
            )
    return spectra
