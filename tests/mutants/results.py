"""What became of the mutants, as one line and as the table that is committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tests.mutants.equivalent import reason_of
from tests.mutants.planted import Mutant

__all__ = ["FLOOR", "Result", "Share", "share", "table"]

FLOOR = 0.85  # of the mutants made by rule have to be killed, those aside that change no result
ENDS = ("killed", "hung", "broken", "equivalent", "survived")


class Result(NamedTuple):
    """A mutant and how its tests ended."""

    mutant: Mutant
    found: str

    @property
    def end(self) -> str:
        """How its tests ended; "equivalent" where none could notice it."""
        return "equivalent" if self.found != "killed" and reason_of(self.mutant) else self.found


class Share(NamedTuple):
    """How many mutants were killed, of those that change a result."""

    killed: int
    of: int

    @property
    def of_one(self) -> float:
        return self.killed / self.of if self.of else 1.0

    def __str__(self) -> str:
        return f"{self.killed} of {self.of} killed ({100 * self.of_one:.0f} %)"


def share(results: Sequence[Result]) -> Share:
    """Return how many of the mutants were killed, of those that are not equivalent."""
    ends = Counter(result.end for result in results)
    return Share(ends["killed"], len(results) - ends["equivalent"])


def table(results: Sequence[Result], planted: Sequence[Mutant], possible: int) -> str:
    """Return the results as Markdown: a row for every file, then what survived and what is equivalent, with reasons."""
    by_hand = [result for result in results if result.mutant in planted]
    by_rule = [result for result in results if result.mutant not in planted]
    lines = [
        "# Mutants",
        "",
        f"Faults planted by hand: {share(by_hand)}; there are {len(planted)}. Faults made by rule: {share(by_rule)}, equivalent "
        f"ones aside; {len(by_rule)} were drawn of {possible:,}, from all files evenly. "
        "`python -m tests.mutants --table` writes this page.",
        "",
        f"| file | {' | '.join(ENDS)} |",
        f"|:--|{'--:|' * len(ENDS)}",
    ]
    for file in sorted({result.mutant.file for result in results}):
        ends = Counter(result.end for result in results if result.mutant.file == file)
        lines.append(f"| {file.removeprefix('rankkit/')} | {' | '.join(str(ends[end] or '') for end in ENDS)} |")
    for end, says in (("survived", "Survived"), ("hung", "Hung"), ("equivalent", "Equivalent")):
        found = [result.mutant for result in results if result.end == end]
        if found:
            lines += ["", f"## {says}", ""]
            lines += [f"* {m.file.removeprefix('rankkit/')}: `{m.what}`{_because(m)}" for m in found]
    return "\n".join(lines) + "\n"


def _because(mutant: Mutant) -> str:
    reason = reason_of(mutant)
    return f": {reason}" if reason else ""
