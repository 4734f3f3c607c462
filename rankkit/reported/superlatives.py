"""Sentences that put one thing above others: consistently, the largest, at most, the same trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rankkit.reported.comparisons import Pair, shown
from rankkit.reported.printed import Quantity
from rankkit.reported.recorder import Recorder
from rankkit.reported.words import Said, listed

__all__ = ["Superlatives"]

SHOWN = 12  # of the cells that do not agree


@dataclass(eq=False, repr=False)
class Superlatives(Recorder):
    """What a sentence says of many cells at once, against the cells as they are printed; ties are consistent."""

    def every(
        self,
        words: Said,
        pairs: Mapping[str, Pair],
        what: str,
        *,
        readings: Mapping[str, Mapping[str, Pair]] | None = None,
        literal: bool = False,
    ) -> None:
        """Check a sentence that puts one thing above others, such as "consistently surpasses".

        All pairs in order: CONSISTENT. Otherwise a reading under which all are in order decides: CONSISTENT under that
        reading, or OVERSTATED where the sentence names each case. Without one: OVERSTATED where more than half of the
        pairs are in order, and INCONSISTENT where they are not.

        Parameters
        ----------
        words : Said
            The sentence, and its defence.
        pairs : mapping
            Name of a case -> (what should not be less, what it is compared with).
        what : str
            The comparison in words.
        readings : mapping, optional
            Another fair reading, for instance ``averages`` -> its pairs.
        literal : bool
            Whether the sentence says "all", "every" or "each", so that one case that is not in order is too many.
        """
        lost = [name for name, (first, second) in pairs.items() if first.value < second.value]
        kept = len(pairs) - len(lost)
        fair = [name for name, them in (readings or {}).items() if all(a.value >= b.value for a, b in them.values())]
        verdict = "OVERSTATED" if 2 * kept > len(pairs) else "INCONSISTENT"
        if not lost:
            verdict = "CONSISTENT"
        elif fair:
            verdict = "OVERSTATED" if literal else "CONSISTENT"
        text = f"{kept} of {len(pairs)} are in order"
        if lost:
            cases = [f"{name} ({pairs[name][0].text} against {pairs[name][1].text})" for name in lost[:SHOWN]]
            text += f"; not {listed(cases)}" + (f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else "")
            text += f". It holds for the {' and the '.join(fair)}" if fair else ""
        self._words(words, what, verdict, text)

    def extreme(
        self, words: Said, claimed: Quantity, others: Mapping[str, Quantity], what: str, *, low: bool = False
    ) -> None:
        """Check a superlative: no other number is beyond the one that is called the largest, or the least.

        Parameters
        ----------
        words : Said
            The sentence, and its defence.
        claimed : Quantity
            What is called the largest.
        others : mapping
            Name -> what else is of that kind.
        what : str
            Of what it is the largest.
        low : bool
            Whether it is called the least.
        """
        sign = -1 if low else 1
        beyond = {name: cell for name, cell in others.items() if sign * cell.value > sign * claimed.value}
        doubt = claimed.doubt or next((cell.doubt for cell in others.values() if cell.doubt), "")
        verdict = "UNCLEAR" if doubt else "INCONSISTENT" if beyond else "CONSISTENT"
        first = [f"{name} {shown(cell, claimed.unit)}" for name, cell in list(beyond.items())[:SHOWN]]
        text = f"{shown(claimed, claimed.unit)} of {len(others)} others; beyond it: {listed(first)}"
        self._words(words, what, verdict, text)

    def atmost(
        self, words: Said, limit: Quantity, values: Mapping[str, Quantity], what: str, *, strict: bool = False
    ) -> None:
        """Check a bound in the text: INCONSISTENT beyond what the bound rounds to, NARROW between the two.

        Parameters
        ----------
        words : Said
            The sentence, and its defence.
        limit : Quantity
            The bound, as printed.
        values : mapping
            Name -> what should not exceed it.
        what : str
            What is bounded.
        strict : bool
            Whether the text says "under" instead of "at most".
        """
        at = limit.value
        beyond = {name: cell for name, cell in values.items() if cell.value > at or (strict and cell.value == at)}
        firm = any(cell.low > limit.rounded[1] for cell in beyond.values())
        verdict = "INCONSISTENT" if firm else "NARROW" if beyond else "CONSISTENT"
        cells = [f"{name} {shown(cell, limit.unit)}" for name, cell in beyond.items()]
        text = f"the bound is {limit.text}; {'not under' if strict else 'above'} it: {listed(cells)} of {len(values)}"
        self._words(words, what, verdict, text)

    def trend(
        self, words: Said, first: Sequence[Quantity], others: Mapping[str, Sequence[Quantity]], what: str
    ) -> None:
        """Check that sequences go up and down together, as a text says of two tables.

        Parameters
        ----------
        words : Said
            The sentence, and its defence.
        first : sequence of Quantity
            The sequence that the others should go with.
        others : mapping
            Name -> a sequence of the same length.
        what : str
            The trend in words.

        Raises
        ------
        ValueError
            If a sequence has another length than the first.
        """
        against: list[str] = []
        steps = 0
        for name, cells in others.items():
            if len(cells) != len(first):
                raise ValueError(f"{name} must have {len(first)} numbers like the first sequence, got {len(cells)}.")
            for (a, b), (c, d) in zip(pairwise(first), pairwise(cells), strict=True):
                steps += 1
                if (b.value - a.value) * (d.value - c.value) < 0:
                    against.append(f"{name}: {shown(c, c.unit)} to {shown(d, d.unit)}")
        few = 2 * len(against) < steps
        verdict = "CONSISTENT" if not against else "OVERSTATED" if few else "INCONSISTENT"
        path = " to ".join(shown(cell, cell.unit) for cell in first)
        text = f"{path}; {len(against)} of {steps} steps go the other way: {listed(against)}"
        self._words(words, what, verdict, text)

    def same_order(self, words: Said, first: Sequence[Pair], second: Sequence[Pair], what: str) -> None:
        """Check that two columns have one order in two tables: INCONSISTENT where it is opposite in every row.

        Parameters
        ----------
        words : Said
            The heads of the columns, and their defence.
        first, second : sequence of (Quantity, Quantity)
            The two columns' cells, row by row, in either table.
        what : str
            The columns and tables.
        """
        rise, fall = (sum(a.value < b.value for a, b in pairs) for pairs in (first, second))
        turned = (rise == len(first) and not fall) or (not rise and fall == len(second))
        text = f"the first is less in {rise} of {len(first)} rows here, and in {fall} of {len(second)} there"
        self._words(words, what, "INCONSISTENT" if turned else "CONSISTENT", text)

    def _words(self, words: Said, what: str, verdict: str, text: str) -> None:
        record = {"verdict": verdict, "arithmetic": text}
        self._record(words.place, what, record, basis="comparison", words=words)
