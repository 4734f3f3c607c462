"""The moment at which the check of a claim has to end, made once and handed to every part of it."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

__all__ = ["NEVER", "Deadline", "TimeIsUp"]

P = ParamSpec("P")
R = TypeVar("R")

# seconds that the first import may take: three to five times what was measured on two cores with a local disk
LOADING = {"hypothesis": 0.5, "torch": 3.0}


class TimeIsUp(BaseException):
    """Raised where a computation is asked for after its deadline.

    It is no `Exception`, so that neither Hypothesis nor a margin of the user's takes it for a fault of the claim.
    """


@dataclass(frozen=True)
class Deadline:
    """A moment on a clock that never goes back.

    Parameters
    ----------
    at : float
        The clock's reading at which the time is up, in seconds; infinite: never.
    clock : callable
        () -> seconds. A test hands in its own.

    Examples
    --------
    >>> hour = Deadline.after(3600)
    >>> hour.passed, hour.share(0.5).at < hour.at
    (False, True)
    """

    at: float = math.inf
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """Return the deadline that lies so many seconds ahead.

        Parameters
        ----------
        seconds : float
            From now on.
        clock : callable
            () -> seconds, never going back.
        """
        return cls(clock() + seconds, clock)

    @property
    def left(self) -> float:
        """Seconds until it; negative once it has passed."""
        return self.at - self.clock()

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return self.left <= 0

    def share(self, part: float) -> Deadline:
        """Return the deadline after a part of the time that is left.

        Parameters
        ----------
        part : float
            Between 0 and 1.
        """
        return Deadline(self.clock() + part * self.left, self.clock)

    def within(self, seconds: float) -> Deadline:
        """Return the earlier one of this deadline and the one that lies some seconds ahead.

        Parameters
        ----------
        seconds : float
            From now on.
        """
        return Deadline(min(self.at, self.clock() + seconds), self.clock)

    def affords(self, library: str) -> bool:
        """Return whether a library is loaded, or can be loaded in the time that is left.

        Parameters
        ----------
        library : str
            "hypothesis" or "torch".
        """
        return library in sys.modules or self.left > LOADING[library]

    def check(self) -> None:
        """Raise `TimeIsUp` if the deadline has passed."""
        if self.passed:
            raise TimeIsUp

    def guard(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return the function, which now raises `TimeIsUp` instead of beginning after the deadline.

        Parameters
        ----------
        function : callable
            Any.
        """

        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            self.check()
            return function(*args, **kwargs)

        return timed


NEVER = Deadline()
