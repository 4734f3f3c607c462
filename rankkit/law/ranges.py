"""The sizes, scales and frequencies that the sums of the law bear in float64."""

from __future__ import annotations

import numpy as np

from rankkit.factors import Factors
from rankkit.law.limit.entries import Entries
from rankkit.rules import Rule

__all__ = ["LARGEST", "MOST_RANK", "SCALES", "check_entries", "check_phi", "check_turn"]

LARGEST = 10**12  # rows or columns
# ranks up to which sums over coordinates that are alike were seen to be floats; for uniform entries, which have the
# largest, a count beyond 1000 may still fail, and says so; 171! is no float
MOST_RANK, MOST_GAUSSIAN, MOST_ALIKE = 4096, 640, 170
SCALES = 1e-100, 1e100  # standard deviation of B A: its square is a float
TURNS = 1e-30, 1e30  # standard deviation of omega B A, radians: so is the fourth power of values 1e-14 times as large

SIZES = 1e-40, 1e40  # of phi: so is the fourth power of values 1e-14 times as large
FAR, SEEN = 50.0, 64  # standard deviations of B A up to which phi is looked at, and at how many sizes, with both signs


def check_entries(entries: Entries, alike: int | None = None) -> None:
    """Check the rank and the scale of random factors.

    Parameters
    ----------
    entries : Entries
    alike : int, optional
        How many columns have one law that is neither uniform nor Gaussian; None: the entries are either.

    Raises
    ------
    ValueError
        If one is beyond.
    """
    r, most = entries.r, MOST_GAUSSIAN if entries.gaussian else MOST_RANK
    if alike is not None:
        r, most = alike, MOST_ALIKE
    if r > most:
        raise ValueError(
            f"r must be at most {most} for these entries, got {r}: sums over more coordinates are no floats; draw "
            "factors and measure them, spectrum_of(Sine(omega)(factors))."
        )
    if not SCALES[0] <= entries.std <= SCALES[1]:
        raise ValueError(
            f"the entries of B A must have a standard deviation between {SCALES[0]:g} and {SCALES[1]:g}, got "
            f"{entries.std:.3g}; change the scale of the initializer, the entries or the covariance."
        )


def check_turn(omega: float, std: float) -> None:
    """Check a frequency for entries of B A of this standard deviation.

    Raises
    ------
    ValueError
        If their products are beyond.
    """
    if not TURNS[0] <= omega * std <= TURNS[1]:
        raise ValueError(
            f"omega must lie between {TURNS[0] / std:.3g} and {TURNS[1] / std:.3g} where entries of B A have standard "
            f"deviation {std:.3g}, got {omega:.3g}: a sine of less is its argument, and of more it is noise."
        )


def check_phi(rule: Rule, std: float) -> None:
    """Check the numbers of an elementwise rule, for entries of B A of this standard deviation.

    Raises
    ------
    ValueError
        If some are beyond, or all are zero.
    """
    sizes = std * np.geomspace(1 / FAR, FAR, SEEN)
    phi = np.asarray(rule(Factors(np.concatenate([-sizes, sizes])[:, None], np.ones((1, 1)))))
    largest = float(np.max(np.abs(phi)))
    if not SIZES[0] <= largest <= SIZES[1]:
        raise ValueError(
            f"rule must give numbers between {SIZES[0]:g} and {SIZES[1]:g} for entries of B A up to {sizes[-1]:.3g}, "
            f"got {largest:.3g} as the largest; mend the rule, or scale it."
        )
