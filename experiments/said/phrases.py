"""What a page or a caption has to say: phrases whose numbers come from the committed tables.

A page is written by hand. Beside it stand phrases such as "sees differences of {:.1f} points" with the values that
belong into them. `unsaid` tells which phrases a page lacks, and which of its numbers stand in no phrase; `mended` puts
the numbers of the tables into the phrases that are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

__all__ = ["Said", "bears_out", "mended", "say", "unsaid", "word"]

# what is no result: names, confidence levels, and places in the papers
NAMES = re.compile(
    r"MiniLM-L6|Fashion-MNIST|CIFAR-100|Qwen2-0\.5B|95 %|5 %|"
    r"(?:tables?|figures?|sections?|equations?|eq\.) [\d.]+(?:, \d+| and \d+)*",
    re.IGNORECASE,
)
# a line break within a text of a script, or any other space
SPACE = r'(?:\s*"\n\s*"\s*|\s+)'
HOLE = re.compile(r"\{[^{}]*\}")
FILLED = r"([-−+]?\w[\w.,]*\w|[-−+]?\w)"
WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
LEFT_OUT = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|^\|.*?$|<[^>]*>", re.DOTALL | re.MULTILINE)
AROUND = 40  # characters of a page that are shown with a number


@dataclass(frozen=True)
class Said:
    """A phrase with a hole for each number, and the numbers.

    Attributes
    ----------
    phrase : str
        For str.format.
    numbers : tuple
    """

    phrase: str
    numbers: tuple[object, ...] = ()

    def filled(self) -> list[str]:
        """Return the numbers as they stand in the phrase."""
        return [hole.format(number) for hole, number in zip(HOLE.findall(self.phrase), self.numbers, strict=True)]

    def __str__(self) -> str:
        return _plain(self.phrase.format(*self.numbers))


def say(phrase: str, *numbers: object) -> Said:
    """Return a phrase with its numbers."""
    return Said(phrase, numbers)


def word(count: int) -> str:
    """Return a small number in letters."""
    return WORDS[count] if count < len(WORDS) else str(count)


def bears_out(true: object, words: str) -> None:
    """Raise where tables no longer bear out words of a page that no number can mend.

    Raises
    ------
    ValueError
        If it is not true.
    """
    if not true:
        raise ValueError(f"the tables do not bear out the words {words!r} any more; write the sentence anew.")


def _plain(text: str) -> str:
    """Return a text without line breaks, and with a hyphen for every minus sign."""
    return " ".join(text.replace("−", "-").split())


def unsaid(text: str, phrases: Iterable[Said]) -> list[str]:
    """Return what is wrong with a text: phrases that are not in it, and numbers that are in none of them."""
    told = _plain(LEFT_OUT.sub(" ", text))
    wanted = [str(phrase) for phrase in phrases]
    covered = [match.span() for match in NAMES.finditer(told)]
    covered += [match.span() for phrase in wanted for match in re.finditer(re.escape(phrase), told)]
    alone = [
        match for match in NUMBER.finditer(told)
        if not any(start <= match.start() and match.end() <= end for start, end in covered)
    ]  # fmt: skip
    missing = [f"the tables say: {phrase}" for phrase in wanted if phrase not in told]
    return missing + [
        f"no phrase has the number {match[0]}: ...{told[max(0, match.start() - AROUND) : match.end() + AROUND]}..."
        for match in alone
    ]


def mended(text: str, phrases: Iterable[Said]) -> str:
    """Return a text with the tables' numbers in those phrases whose words it has.

    Parameters
    ----------
    text : str
        Of a page, or of a figure's script.
    phrases : iterable of Said
    """
    for phrase in phrases:
        pieces = [re.sub(r"(?:\\ )+", lambda _: SPACE, re.escape(piece)) for piece in HOLE.split(phrase.phrase)]
        pattern = FILLED.join(piece.replace(r"\-", "[-−]") for piece in pieces)
        text = re.sub(pattern, partial(_filled, numbers=phrase.filled()), text)
    return text


def _filled(found: re.Match[str], numbers: list[str]) -> str:
    """Return what was found with other numbers in its groups; a minus sign stays one."""
    text, at = "", found.start()
    for group, number in enumerate(numbers, 1):
        text += found.string[at : found.start(group)]
        text += number.replace("-", "−") if "−" in found.string else number
        at = found.end(group)
    return text + found.string[at : found.end()]
