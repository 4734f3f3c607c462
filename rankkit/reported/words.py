"""What a paper says, in its own words and at their place, and how the words can be defended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["WEIGHTS", "Quote", "Said", "said"]

LONGEST = 25  # words of a quotation: enough as evidence, and no more than is needed
WEIGHTS = ("conclusion", "number", "wording")  # what would change in the paper, the most consequential first


@dataclass(frozen=True)
class Quote:
    """A short quotation and its place.

    Attributes
    ----------
    place : str
        The section, table or figure.
    words : str
        As the paper has them, at most 25; ``...`` stands for words that are left out.

    Raises
    ------
    ValueError
        If there are no words, or more than 25.

    Examples
    --------
    >>> Quote("section 4", "in three distinct applications").words
    'in three distinct applications'
    """

    place: str
    words: str

    def __post_init__(self) -> None:
        count = len(self.words.split())
        if not 1 <= count <= LONGEST:
            raise ValueError(f"words must hold 1 to {LONGEST} words, got {count}: {self.words!r}; quote less.")


@dataclass(frozen=True)
class Said:
    """Words of a paper that a check rests on, with the best defence of them.

    Attributes
    ----------
    quotes : tuple of Quote
        What is compared with one another, or with a table.
    defence : str
        What the paper's authors could answer.
    fails : str
        Why that does not make the sentence true. Empty: not known.
    left_open : str
        What the text says nothing of, for instance the batch size of one of two measurements.
    changes : str
        What would change in the paper.
    weight : str
        What that is: a ``conclusion``, a ``number``, or the ``wording``.

    Raises
    ------
    ValueError
        If the weight is none of these.
    """

    quotes: tuple[Quote, ...] = ()
    defence: str = ""
    fails: str = ""
    left_open: str = ""
    changes: str = ""
    weight: str = "wording"

    def __post_init__(self) -> None:
        if self.weight not in WEIGHTS:
            raise ValueError(f"weight must be one of {', '.join(WEIGHTS)}, got {self.weight!r}.")

    @property
    def place(self) -> str:
        """The places of the quotations."""
        return ", ".join(dict.fromkeys(quote.place for quote in self.quotes))


def said(
    *quotes: str, defence: str = "", fails: str = "", left_open: str = "", changes: str = "", weight: str = "wording"
) -> Said:
    """Return a paper's words for a relation.

    Parameters
    ----------
    *quotes : str
        Each ``place | words``.
    defence, fails, left_open, changes, weight : str
        As in `Said`.

    Raises
    ------
    ValueError
        If a quotation has no place or more than 25 words.

    Examples
    --------
    >>> said("abstract | the best on every task", "Table 2 | ours 70.1").place
    'abstract, Table 2'
    """
    return Said(tuple(map(_quote, quotes)), defence, fails, left_open, changes, weight)


def _quote(text: str) -> Quote:
    place, bar, words = text.partition("|")
    if not bar:
        raise ValueError(f"a quotation must be 'place | words', got {text!r}.")
    return Quote(place.strip(), words.strip())


def listed(items: Sequence[str]) -> str:
    """Return some items as one line.

    Parameters
    ----------
    items : sequence of str
        Any number of them.
    """
    return ", ".join(items) or "none"
