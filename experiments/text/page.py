"""The tables of the pages "Five methods, one task" and "The five methods by rank", in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from experiments.grid.statistics import LEVEL
from experiments.text.standing import REFERENCE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pages"]

Row = Mapping[Any, Any]
Tables = Mapping[int, Mapping[str, "pd.DataFrame"]]  # rank -> name -> table
OF = ("update", "product")


def pages(tables: Tables) -> dict[str, str]:
    """Return the name of each Markdown table, and the table; * marks what is not 0 at 5 % after Holm's correction.

    `accuracy` has one row a method, the best first: its accuracy at each rank and how far it is from LoRA's. `settings`
    has the counts of parameters and the rates, `spreads` how stable ranks spread over the modules.

    Parameters
    ----------
    tables : mapping
        Rank -> name -> table, as `experiments.text.summary` makes them. Without any there are no pages.
    """
    if not tables:
        return {}
    names = _methods(tables)
    spread = [row for name in names for row in _spread_rows(name, tables)]
    return {
        "accuracy": _table(tables, ["method"], [(_shown(name), _accuracy(name)) for name in names]),
        "settings": _table(tables, ["method"], [(_shown(name), _setting(name)) for name in names]),
        "spreads": _table(tables, ["method", "stable rank of"], spread),
    }


def _table(tables: Tables, head: list[str], rows: list[tuple[str, Callable[[Mapping[str, Any]], str]]]) -> str:
    """Return rows whose last cells are what a function says of each rank's tables."""
    names = [*head, *(f"rank {rank}" for rank in tables)]
    lines = [f"| {' | '.join(names)} |", f"|{':--|' * len(head)}{'--:|' * len(tables)}"]
    lines += [f"| {first} | {' | '.join(cell(own) for own in tables.values())} |" for first, cell in rows]
    return "\n".join(lines) + "\n"


def _methods(tables: Tables) -> list[str]:
    """Return the methods, the best first by the mean of their accuracies over the ranks."""
    import pandas as pd

    everything = pd.concat([own["accuracy"] for own in tables.values()])
    means = everything.groupby("method", sort=False)["accuracy"].mean()
    return [str(name) for name in means.sort_values(ascending=False, kind="stable").index]


def _accuracy(method: str) -> Callable[[Mapping[str, Any]], str]:
    def cell(tables: Mapping[str, Any]) -> str:
        own, gap = (
            _find(tables["accuracy"], method=method),
            _find(tables["differences"], method=method, against=REFERENCE),
        )
        if own is None:
            return ""
        return f"{100 * own['accuracy']:.1f}" + ("" if gap is None else f"; {_interval(gap, 'mean', 100, 1)}")

    return cell


def _setting(method: str) -> Callable[[Mapping[str, Any]], str]:
    def cell(tables: Mapping[str, Any]) -> str:
        own = _find(tables["accuracy"], method=method)
        if own is None or not own["parameters"]:
            return ""
        return f"{own['parameters']:,} at {own['rate']:g}{' (edge)' if own['rate_at_edge'] else ''}"

    return cell


def _spread_rows(method: str, tables: Tables) -> list[tuple[str, Callable[[Mapping[str, Any]], str]]]:
    """Return the rows of a method's update, and of its B A where that is not the update."""
    if method == REFERENCE:
        return [(f"{_shown(method)} | update", lambda own: _reference(own["standing"]))]
    cells = {of: [_spread(method, of)(own) for own in tables.values()] for of in OF}
    shown = [of for of in OF if any(cells[of]) and (of == OF[0] or cells[of] != cells[OF[0]])]
    return [(f"{_shown(method)} | {of}", _spread(method, of)) for of in shown]


def _spread(method: str, of: str) -> Callable[[Mapping[str, Any]], str]:
    def cell(tables: Mapping[str, Any]) -> str:
        row = _find(tables["spreads"], method=method, of=of)
        return "" if row is None else f"{row['spread']:.2f}; {_interval(row, 'difference', 1, 2)}"

    return cell


def _reference(standing: pd.DataFrame) -> str:
    row = _find(standing, method=REFERENCE)
    return "" if row is None else f"{row['spread']:.2f}"


def _find(table: pd.DataFrame, **wanted: str) -> Row | None:
    """Return the row of a table with these values, or None."""
    rows = table.to_dict("records") if len(table) else []
    return next((row for row in rows if all(row[name] == value for name, value in wanted.items())), None)


def _shown(method: str) -> str:
    return method.replace("_", " ")


def _interval(row: Row, value: str, times: float, digits: int) -> str:
    mean, low, high = (f"{times * row[name]:+.{digits}f}" for name in (value, "low", "high"))
    return f"{mean} ({low} to {high}){' *' if row['p_holm'] < LEVEL else ''}"
