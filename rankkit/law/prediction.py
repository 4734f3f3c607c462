"""Prediction and Curve: what the law says, as numbers that show themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rankkit.columns import Tabled, frame
from rankkit.report.inline import html_summary, text_summary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Curve", "Prediction"]


@dataclass(frozen=True, repr=False)
class Prediction:
    """A predicted mean over draws, usable as a float.

    Attributes
    ----------
    value : float
    error : float
        Half the width of the interval that holds the mean of a few draws for 95 % of settings (benchmarks/README.md),
        in the units of the value; no bound.
    regime : str
        Where on the frequency curve the update is: "linear", "growing" or "saturated", as an audit says it.
    about : str
        What was predicted, and of what.
    """

    value: float
    error: float
    regime: str
    about: str = ""

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
