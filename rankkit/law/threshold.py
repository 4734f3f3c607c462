"""check_threshold, check_gain: a tolerance or a divisor that nothing would use is refused, as the command line does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rankkit.rules import Rule

__all__ = ["check_gain", "check_threshold"]


def check_threshold(
    measures: Sequence[str], *, rtol: float | None, atol: float | None, gain: float | None,
    rule: Callable[[float], Rule] | None,
) -> None:  # fmt: skip
    """Check that every argument of a threshold has something to change.

    Parameters
    ----------
    measures : sequence of str
        What is asked for; numerical_rank alone has a threshold.
    rtol, atol : float, optional
        What the user gave.
    gain : float, optional
        Divisor of the sine: it scales an absolute threshold, and changes no relative one.
    rule : callable, optional
        Another rule than the sine, with a scale of its own.

    Raises
    ------
    ValueError
        If one has not; the message says what to leave out.
    """
    given = {name: x for name, x in (("rtol", rtol), ("atol", atol), ("gain", gain)) if x is not None}
    if given and "numerical_rank" not in measures:
        raise ValueError(
            f"{' and '.join(given)} must be left out for {', '.join(measures)}: only numerical_rank has a threshold."
        )
    check_gain(gain, rule)
    if gain is not None and atol is None:
        raise ValueError(
            "gain must be left out unless atol is given: a threshold relative to sigma_1 is the same for every gain."
        )


def check_gain(gain: float | None, rule: Callable[[float], Rule] | None) -> None:
    """Check that a divisor of the sine is not given with another rule.

    Raises
    ------
    ValueError
        If it is.
    """
    if gain is not None and rule is not None:
        raise ValueError("gain must be left out with rule: the rule holds its own scale.")
