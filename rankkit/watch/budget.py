"""Budget: how often a training may be measured, so that measuring takes no more than a share of its time."""

from __future__ import annotations

import time
from collections.abc import Callable

from rankkit.checks import finite

__all__ = ["Budget"]


class Budget:
    """A share of the training's wall time that may be spent on measuring.

    The first measurement and the one at the end are always made. Between them one is made where there is time left for
    it and for the last, each taken to cost as much as the dearest so far. A training so short that these two are more
    than the share is the one case in which it is exceeded.

    Parameters
    ----------
    share : float
        Of the time since `begin`, in (0, 1].
    clock : callable
        Returns seconds.

    Attributes
    ----------
    spent : float
        Seconds that measurements took so far.

    Raises
    ------
    ValueError
        If the share is out of its range.

    Examples
    --------
    >>> now = [0.0]
    >>> budget = Budget(0.01, clock=lambda: now[0])
    >>> budget.begin()
    >>> budget.add(1.0)
    >>> budget.allows()
    False
    >>> now[0] = 300.0  # room for the first, this one, and the last
    >>> budget.allows()
    True
    """

    def __init__(self, share: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.share = finite("budget", share, least=0, strict=True, advice="use for instance 0.01")
        if self.share > 1:
            raise ValueError(f"budget must be at most 1, got {share!r}; 0.01 is one per cent of the training's time.")
        self.spent, self._dearest = 0.0, 0.0
        self._clock = clock
        self._start: float | None = None

    def begin(self) -> None:
        """Start the clock, unless it runs."""
        if self._start is None:
            self._start = self._clock()

    @property
    def elapsed(self) -> float:
        """Seconds since `begin`."""
        return 0.0 if self._start is None else self._clock() - self._start

    def allows(self) -> bool:
        """Return whether there is time for a measurement now and for the last one."""
        return self.spent == 0 or self.spent + 2 * self._dearest <= self.share * self.elapsed

    def add(self, seconds: float) -> None:
        """Note what a measurement took.

        Parameters
        ----------
        seconds : float
        """
        self.spent += seconds
        self._dearest = max(self._dearest, seconds)

    def __repr__(self) -> str:
        return f"<Budget: {self.spent:.3g} s of {self.elapsed:.3g} s measuring, at most {self.share:.3g} of it>"
