"""A ledger: records with a verdict each, counted, compared with committed ones, and written."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from rankkit.report.inline import html_summary, text_summary
from rankkit.report.ledger_page import ledger_page
from rankkit.verdict import WORDS, agree

__all__ = ["VerdictLedger", "escaped", "table_row", "tally"]

Record = dict[str, Any]


class VerdictLedger(ABC):
    """Records that each have an id, a location, a verdict and evidence."""

    THINGS: ClassVar[tuple[str, str]]  # what one record is, and several are, for the summary
    TITLE: ClassVar[str]  # of the page
    ORDER: ClassVar[Sequence[str]] = tuple(WORDS)  # of the words in the summary

    @property
    @abstractmethod
    def records(self) -> list[Record]:
        """One JSON-ready record for each statement or check."""

    @abstractmethod
    def to_markdown(self) -> str:
        """Return the ledger as a Markdown document."""

    @property
    def columns(self) -> dict[str, list[str]]:
        """What fits a terminal, column by column: id, location, verdict, evidence."""
        records = self._listed(self.records)
        return {name: [str(r[name]) for r in records] for name in ("id", "location", "verdict", "evidence")}

    @property
    def summary(self) -> str:
        """One sentence: how many records there are, and how many have which verdict."""
        words = [record["verdict"] for record in self.records]
        one, several = self.THINGS
        return f"{len(words)} {one if len(words) == 1 else several}: {tally(words, self.ORDER) or 'none'}."

    def changed(self, committed: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return one sentence for every verdict that is not the committed one, or that has none.

        Parameters
        ----------
        committed : sequence of mapping
            Records with an id and a verdict, as `to_json` wrote them.

        Raises
        ------
        ValueError
            If what was committed are no such records.
        """
        try:
            before = {record["id"]: (record["verdict"], record.get("proved")) for record in committed}
        except (AttributeError, KeyError, TypeError, IndexError):
            raise ValueError(
                "committed must be a list of records with an id and a verdict, as --format json writes."
            ) from None
        sentences: list[str] = []
        for name, now, proved in ((r["id"], r["verdict"], r.get("proved")) for r in self.records):
            was, was_proved = before.get(name, ("", None))
            if name not in before:
                sentences.append(f"{name} is {now} and does not stand in the committed ledger")
            elif not agree(was, now):
                sentences.append(f"{name} was {was} and is now {now}")
            elif None not in (was_proved, proved) and was_proved != proved:
                sentences.append(f"{name} was {'proved and is not now' if was_proved else 'not proved and is now'}")
        return sentences

    def to_json(self) -> str:
        """Return the records as JSON."""
        return json.dumps(self.records, indent=1, ensure_ascii=False)

    def to_html(self) -> str:
        """Return a page of its own: the table to sort, then every record in full."""
        return ledger_page(self._paged(), self.summary, title=self.TITLE)

    def __repr__(self) -> str:
        return text_summary(self.summary, self._hints(), self._first_columns())

    def _repr_html_(self) -> str:
        return html_summary(self.summary, self._hints(), self._first_columns())

    def _hints(self) -> list[str]:
        """Return how to go on from here."""
        return [".records has everything, .columns what fits a terminal; .to_html(), .to_markdown(), .to_json()"]

    def _first_columns(self) -> dict[str, list[str]]:
        """Return the columns with the evidence before the location, which a narrow terminal cuts off."""
        columns = self.columns
        return {name: columns[name] for name in ("id", "verdict", "evidence", "location")}

    def _listed(self, records: list[Record]) -> list[Record]:
        """Return the records that stand in the table."""
        return records

    def _paged(self) -> list[Record]:
        """Return the records that stand on the page, in its words."""
        return self.records


def tally(words: Sequence[str], order: Iterable[str] = WORDS) -> str:
    """Return how often each verdict occurs.

    Parameters
    ----------
    words : sequence of str
        Verdicts.
    order : iterable of str
        In which they are counted; those that do not occur are left out.

    Examples
    --------
    >>> tally(["PROVED", "FAILS", "PROVED"])
    '2 PROVED, 1 FAILS'
    """
    return ", ".join(f"{words.count(word)} {word}" for word in order if word in words)


def escaped(text: str) -> str:
    """Return a text in which no bar ends a cell of a Markdown table.

    Parameters
    ----------
    text : str
        Of a cell, or of a paragraph.
    """
    return text.replace("|", "\\|")


def table_row(*cells: object) -> str:
    r"""Return a row of a Markdown table.

    Parameters
    ----------
    *cells : object
        As text.

    Examples
    --------
    >>> print(table_row("|x|", 3))
    | \|x\| | 3 |
    """
    return f"| {' | '.join(escaped(str(cell)) for cell in cells)} |"
