"""Relations between sentences: counts and lists, one setting in two places, what was run and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rankkit.checks import integer
from rankkit.reported.printed import Quantity
from rankkit.reported.recorder import Recorder
from rankkit.reported.words import Said, listed

__all__ = ["Sentences"]


@dataclass(eq=False, repr=False)
class Sentences(Recorder):
    """What the text says in one place, against what it says or tabulates in another."""

    def announced(self, words: Said, count: int, items: Sequence[str], what: str, *, partial: bool = False) -> None:
        """Check that as many things follow as a sentence announces.

        Parameters
        ----------
        words : Said
            The sentence, and its defence.
        count : int
            How many it announces.
        items : sequence of str
            What follows.
        what : str
            What is counted.
        partial : bool
            Whether the text leaves open that it announces only the main ones: a difference is UNCLEAR then.

        Raises
        ------
        ValueError
            If the count is no integer of at least 1.
        """
        integer("count", count)
        verdict = "CONSISTENT" if count == len(items) else "UNCLEAR" if partial else "INCONSISTENT"
        self._say(words, what, verdict, f"{count} announced; {len(items)}: {listed(items)}")

    def held(
        self, words: Said, described: Sequence[str], there: Sequence[str], what: str, *, partial: bool = False
    ) -> None:
        """Check that a table or section holds what the text says of it.

        Parameters
        ----------
        words : Said
            The sentence, and its defence.
        described : sequence of str
            What should be there.
        there : sequence of str
            What is.
        what : str
            The place and its contents.
        partial : bool
            Whether the text leaves open that it is all printed: what is missing is UNCLEAR then.
        """
        missing = [name for name in described if name not in there]
        verdict = "CONSISTENT" if not missing else "UNCLEAR" if partial else "INCONSISTENT"
        self._say(words, what, verdict, f"not there: {listed(missing)}; there are {listed(there)}")

    def listed(
        self, words: Said, first: Sequence[str], second: Sequence[str], what: str, *, partial: bool = False
    ) -> None:
        """Check that two lists of one thing have the same items, in any order.

        Parameters
        ----------
        words : Said
            Where they stand, and their defence.
        first, second : sequence of str
            The lists.
        what : str
            What they list.
        partial : bool
            Whether the text leaves open that its list is not whole ("including"): a difference is UNCLEAR then.
        """
        less = [name for name in second if name not in first]
        more = [name for name in first if name not in second]
        verdict = "CONSISTENT" if not less and not more else "UNCLEAR" if partial else "INCONSISTENT"
        text = f"{len(first)} and {len(second)}; only in the first: {listed(more)}; only in the second: {listed(less)}"
        self._say(words, what, verdict, text)

    def setting(
        self, words: Said, values: Sequence[str], what: str, *, undecided: bool = False, measured: bool = True
    ) -> None:
        """Check one setting, or one statement, that stands in several places.

        Parameters
        ----------
        words : Said
            The places, and their defence.
        values : sequence of str
            What each place says, in the order of the quotations.
        what : str
            The setting.
        undecided : bool
            Whether the text leaves open that the places speak of one thing: a difference is UNCLEAR then.
        measured : bool
            Whether a difference is a contradiction; False: one place only says more than the other (OVERSTATED).
        """
        one = len(set(values)) == 1
        apart = "UNCLEAR" if undecided else "INCONSISTENT" if measured else "OVERSTATED"
        self._say(words, what, "CONSISTENT" if one else apart, " against ".join(values))

    def across(self, words: Said, needed: int, named: Sequence[str], what: str) -> None:
        """Check that a statement about several things rests on as many.

        Parameters
        ----------
        words : Said
            The statement and where its evidence is described, and their defence.
        needed : int
            How many things it takes at least; 2 for "across models".
        named : sequence of str
            On which the paper shows evidence.
        what : str
            The statement.

        Raises
        ------
        ValueError
            If the number needed is no integer of at least 1.
        """
        integer("needed", needed)
        verdict = "CONSISTENT" if len(named) >= needed else "OVERSTATED"
        self._say(words, what, verdict, f"it takes {needed} or more; shown on {len(named)}: {listed(named)}")

    def runs(self, words: Said, seeds: int, spreads: Sequence[Quantity], what: str) -> None:
        """Check that no spread is printed for results that are said to be of a single run.

        Parameters
        ----------
        words : Said
            The sentence on the runs, and its defence.
        seeds : int
            How many runs it says.
        spreads : sequence of Quantity
            The printed standard deviations.
        what : str
            Which results.

        Raises
        ------
        ValueError
            If the number of runs is no integer of at least 1.
        """
        integer("seeds", seeds)
        given = [spread for spread in spreads if spread.value]
        verdict = "INCONSISTENT" if seeds < 2 and given else "CONSISTENT"
        first = listed([f"± {spread.text}" for spread in given[:4]])
        self._say(words, what, verdict, f"{seeds} run{'s' if seeds > 1 else ''}; {len(given)} spreads printed: {first}")

    def _say(self, words: Said, what: str, verdict: str, text: str) -> None:
        self._record(words.place, what, {"verdict": verdict, "arithmetic": text}, basis="words", words=words)
