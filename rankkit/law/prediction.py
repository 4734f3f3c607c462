"""Prediction, Target and Curve: what the law says, as numbers that show themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from rankkit.checks import finite
from rankkit.columns import Tabled, frame
from rankkit.law.error import FEW, Parts, Z
from rankkit.report.inline import html_summary, text_summary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Curve", "Prediction", "Step", "Target"]


@dataclass(frozen=True, repr=False)
class Prediction:
    """A predicted mean over draws, usable as a float.

    Attributes
    ----------
    value : float
    error : float
        Half the width of the interval that holds the mean of four draws for 95 % of settings (benchmarks/README.md),
        in the units of the value; no bound.
    regime : str
        Where on the frequency curve the update is: "linear", "growing" or "saturated", as an audit says it.
    about : str
        What was predicted, and of what.
    scatter : float
        Standard deviation of one draw, part of `error`.
    parts : Parts or None
        What the value of a numerical rank of random factors consists of. None otherwise.
    """

    value: float
    error: float
    regime: str
    about: str = ""
    scatter: float = 0.0
    parts: Parts | None = field(default=None, kw_only=True)

    def error_of(self, draws: float) -> float:
        """Return half the width of the interval that holds the mean of so many draws for 95 % of settings.

        Parameters
        ----------
        draws : float
            At least 1; math.inf for the mean over all draws, where only the law's own error is left.

        Returns
        -------
        float
            In the units of the value.

        Raises
        ------
        ValueError
            If draws is no number of at least 1.

        Examples
        --------
        >>> prediction = Prediction(64.0, 5.0, "growing", scatter=4.0)
        >>> [round(prediction.error_of(draws), 1) for draws in (1, 4, 100)]
        [8.4, 5.0, 3.2]
        """
        if not isinstance(draws, float) or draws != math.inf:
            draws = finite("draws", draws, least=1, advice="for instance 10, or math.inf")
        one = (Z * self.scatter) ** 2
        return math.sqrt(max(self.error**2 - one / FEW, 0.0) + one / draws)

    def __float__(self) -> float:
        return self.value

    def _said(self) -> tuple[str, list[str]]:
        title = f"Prediction: {self.about or 'a number'}"
        return title, [
            f"value = {self.value:.5g}, error = {self.error:.2g}, regime = {self.regime}",
            "float(prediction) is the value",
        ]

    def __repr__(self) -> str:
        return text_summary(*self._said())

    def _repr_html_(self) -> str:
        return html_summary(*self._said())


class Step(NamedTuple):
    """A frequency beside a target, and the rank there."""

    omega: float
    rank: float


@dataclass(frozen=True, repr=False)
class Target(Prediction):
    """The frequency at which a measure reaches a target, from both sides.

    Attributes
    ----------
    mean : (float, float)
        The omegas between which the mean over draws reaches the target, for 95 % of settings. 0 and inf where the
        error of the law leaves a side open. Of given factors, which have one spectrum: where that reaches it.
    draws : (float, float) or None
        The omegas between which 90 % of single draws reach the target. None for given factors.
    steps : (Step, Step) or None
        Where the rank of a sine jumps over the target: the frequencies beside the jump, and the ranks there. None
        where it climbs evenly, for measures that do not count, and for other rules.
    """

    mean: tuple[float, float] = (0.0, math.inf)
    draws: tuple[float, float] | None = None
    steps: tuple[Step, Step] | None = None

    def _said(self) -> tuple[str, list[str]]:
        title, lines = super()._said()
        sides = [f"met by the mean between omega = {self.mean[0]:.5g} and {self.mean[1]:.5g}"]
        if self.draws is not None:
            sides.append(f"met by 90 % of the draws between omega = {self.draws[0]:.5g} and {self.draws[1]:.5g}")
        if self.steps is not None:
            below, above = self.steps
            sides.append(
                f"between two steps: rank {below.rank:.4g} at omega = {below.omega:.5g}, "
                f"{above.rank:.4g} at {above.omega:.5g}"
            )
        return title, [lines[0], *sides, *lines[1:]]


@dataclass(frozen=True, eq=False, repr=False)
class Curve(Tabled):
    """Predicted measures over frequencies.

    Attributes
    ----------
    columns : dict of str to array
        omega, c, omega_std (standard deviation of omega B A, radians), regime, and one column a measure. All are
        float64, but regime, which is a string.
    """

    columns: dict[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """One row per frequency."""
        return frame("Curve", self.columns)

    def _said(self) -> tuple[str, list[str], dict[str, Any]]:
        omegas = self.columns["omega"]
        count = len(omegas)
        where = f"{count} frequencies, omega = {min(omegas):.4g} to {max(omegas):.4g}"
        return (
            f"Curve: predictions at {where if count > 1 else f'omega = {omegas[0]:.4g}'}",
            [".table is a DataFrame; .save(file) writes it as .csv or .parquet"],
            self.columns,
        )

    def __repr__(self) -> str:
        return text_summary(*self._said())

    def _repr_html_(self) -> str:
        return html_summary(*self._said())
