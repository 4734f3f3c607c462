"""Relations of proportion: what must grow linearly, and memory against the numbers that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from rankkit.reported.finding import decimal
from rankkit.reported.printed import Quantity
from rankkit.reported.recorder import Recorder
from rankkit.reported.words import Said

__all__ = ["Scaling"]

# bytes of one number: from half a byte (4 bits) to double precision
LEAST_BYTES, MOST_BYTES = Fraction(1, 2), Fraction(8)


@dataclass(eq=False, repr=False)
class Scaling(Recorder):
    """Numbers that must be in proportion, whatever the unrounded ones are."""

    def linear(self, words: Said, points: Mapping[int, Quantity], what: str, *, offset: bool = False) -> None:
        """Check that numbers are proportional to a size, such as parameters to the rank.

        Parameters
        ----------
        words : Said
            The numbers' places, and their defence.
        points : mapping
            Size -> number; at least two sizes, three with an offset.
        what : str
            What is proportional to what.
        offset : bool
            Whether a constant may be added, so that the differences are proportional.

        Raises
        ------
        ValueError
            If there are too few points to compare.
        """
        fewest = 3 if offset else 2
        if len(points) < fewest:
            raise ValueError(f"points must hold at least {fewest} sizes, got {len(points)}.")
        steps: list[tuple[str, Quantity]] = []
        pairs = combinations(points.items(), 2) if offset else (((0, None), point) for point in points.items())
        for (size, at), (other, there) in pairs:
            rise = there if at is None else there - at
            steps.append((f"{rise.text} / {other - size}", rise / (other - size)))
        low = max(steps, key=lambda step: step[1].low)
        high = min(steps, key=lambda step: step[1].high)
        doubt = next((step.doubt for _, step in steps if step.doubt), "")
        verdict = "UNCLEAR" if doubt else "INCONSISTENT" if low[1].low > high[1].high else "CONSISTENT"
        unit = max((abs(low[1].value) / 1000), Fraction(1, 10**9))
        text = f"{low[0]} = {decimal(low[1].value, unit)}, and {high[0]} = {decimal(high[1].value, unit)}"
        self._record(words.place, what, {"verdict": verdict, "arithmetic": text}, basis="reading", words=words)

    def memory(
        self,
        words: Said,
        count: Quantity,
        stored: Quantity,
        what: str,
        *,
        least: Fraction | int = LEAST_BYTES,
        most: Fraction | int = MOST_BYTES,
    ) -> None:
        """Check that a memory can hold a count of numbers, and is not far more than they need.

        Parameters
        ----------
        words : Said
            The two places, and their defence.
        count : Quantity
            How many numbers are stored.
        stored : Quantity
            In how many bytes.
        what : str
            Which numbers.
        least, most : Fraction or int
            Bytes of one number; without them from 4 bits to double precision.
        """
        each = stored / count
        outside = each.high < least or each.low > most
        verdict = "UNCLEAR" if each.doubt else "INCONSISTENT" if outside else "CONSISTENT"
        size = decimal(each.value, Fraction(1, 100))
        text = f"{stored.text} for {count.text} numbers is {size} bytes each, where a number takes {least} to {most}"
        self._record(words.place, what, {"verdict": verdict, "arithmetic": text}, basis="reading", words=words)
