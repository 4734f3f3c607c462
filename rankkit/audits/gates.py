"""Gates: one condition on an audit, for use in continuous integration."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.audits.record import STATUSES, Audit

__all__ = ["Gate"]

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_STATISTICS: dict[str, Callable[[Any], Any]] = {"min": np.min, "max": np.max, "mean": np.mean, "median": np.median}
_COUNTS = {"dead_modules": "zero", **{f"{status}_modules": status for status in [*STATUSES][1:]}, "ok_modules": "ok"}
_NUMERIC = (
    "stable_rank", "numerical_rank", "effective_rank", "effective_rank_energy", "participation_ratio", "energy_rank_90",
    "energy_rank_95", "energy_rank_99", "utilization", "spectral_norm", "frobenius_norm", "scale", "r",
)  # fmt: skip
_FORM = re.compile(r"\s*(?:(min|max|mean|median)\(\s*(\w+)\s*\)|(\w+))\s*(<=|>=|==|!=|<|>)\s*([-+.\deE]+)\s*")


@dataclass(frozen=True)
class Gate:
    """A condition such as "dead_modules > 0" or "min(utilization) < 0.1".

    Parameters
    ----------
    text : str
        NAME OP NUMBER. NAME is modules, skipped_tensors, dead_modules (or zero_, nonfinite_, unpaired_,
        unsupported_, ok_modules), or min, max, mean, median of a numeric column over the modules that are ok.

    Raises
    ------
    ValueError
        If the text is not of that form.
    """

    text: str

    def __post_init__(self) -> None:
        self._parse()

    def _parse(self) -> tuple[str | None, str, str, float]:
        match = _FORM.fullmatch(self.text)
        if match is not None:
            statistic, column, name, op, number = match.groups()
            known = column in _NUMERIC if statistic else name in (*_COUNTS, "modules", "skipped_tensors")
            try:
                if known:
                    return statistic, column or name, op, float(number)
            except ValueError:
                pass
        raise ValueError(
            f"a gate reads like 'dead_modules > 0' or 'min(utilization) < 0.1', got {self.text!r}; names are modules, "
            f"skipped_tensors, {', '.join(_COUNTS)}, or min, max, mean, median of {', '.join(_NUMERIC)}."
        )

    def value(self, report: Audit) -> float:
        """Return the number the gate compares; NaN where no module is ok."""
        statistic, name, _, _ = self._parse()
        status = report.columns["status"]
        if statistic:
            values = [v for v, s in zip(report.columns[name], status, strict=True) if s == "ok"]
            return float(_STATISTICS[statistic](values)) if values else float("nan")
        if name in _COUNTS:
            return float(status.count(_COUNTS[name]))
        return float(len(status) if name == "modules" else len(report.skipped))

    def trips(self, report: Audit) -> bool:
        """Return whether the condition holds, so that the run should fail; a value that is not known trips it."""
        _, _, op, bound = self._parse()
        value = self.value(report)
        return value != value or _OPERATORS[op](value, bound)
