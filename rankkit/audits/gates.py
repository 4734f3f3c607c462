"""Gates: one condition on an audit, for use in continuous integration."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np

from rankkit.audits.record import Audit
from rankkit.checkpoints.assumptions import rests
from rankkit.checkpoints.layer import MEASURED, STATUSES
from rankkit.report.inline import html_summary

__all__ = ["Gate"]

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
# numpy's, because a value that is not known makes the statistic unknown
_STATISTICS: dict[str, Callable[..., Any]] = {"min": np.min, "max": np.max, "mean": np.mean, "median": np.median}
_COUNTS = {"dead_modules": "zero", **{f"{status}_modules": status for status in [*STATUSES][1:]}, "ok_modules": "ok"}
_TOTALS = ("modules", "skipped_tensors")
_COLUMNS = (
    "stable_rank", "numerical_rank", "effective_rank", "effective_rank_energy", "participation_ratio", "energy_rank_90",
    "energy_rank_95", "energy_rank_99", "utilization", "spectral_norm", "frobenius_norm", "scale", "r",
)  # fmt: skip
_FORM = re.compile(
    r"\s*(?:(?P<statistic>min|max|mean|median)\(\s*(?P<column>\w+)\s*\)|(?P<count>\w+))"
    r"\s*(?P<comparison><=|>=|==|!=|<|>)\s*(?P<bound>[-+.\deE]+)\s*"
)
# what a text that is no condition was meant to be made of
_PARTS = re.compile(r"\s*(?:(?P<statistic>\w+)\s*\(\s*(?P<column>\w*)\s*\)?|(?P<count>\w*))(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class _Condition:
    """A gate's text, read.

    `statistic` is of the column `name`; where it is empty, `name` is a count of modules or tensors.
    """

    statistic: str
    name: str
    comparison: str
    bound: float

    @classmethod
    def read(cls, text: str) -> _Condition | None:
        """Return the condition that a text states, or None where it states none."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        statistic, name = match["statistic"] or "", match["column"] or match["count"]
        try:
            bound = float(match["bound"])
        except ValueError:
            return None
        known = _COLUMNS if statistic else (*_COUNTS, *_TOTALS)
        return cls(statistic, name, match["comparison"], bound) if name in known else None


def _advice(text: str) -> str:
    """Return what is wrong in a text that is no condition, and what to write there."""
    match = _PARTS.fullmatch(text)
    assert match is not None  # it takes any text
    statistic, name, counts = match["statistic"], match["column"] or match["count"] or "", (*_TOTALS, *_COUNTS)
    if statistic and statistic not in _STATISTICS:
        return f"{statistic} is none of {', '.join(_STATISTICS)}"
    if statistic and name in counts:
        return f"{name} is one number, so write it without {statistic}"
    if not statistic and name in _STATISTICS:
        return f"{name} takes a column in parentheses, as in {name}(stable_rank)"
    if not statistic and name in _COLUMNS:
        return f"{name} has one value for each module, so write min({name}), max, mean or median of it"
    known = _COLUMNS if statistic else counts
    if name in known:
        return f"behind {name} comes one of {' '.join(_OPERATORS)} and a number, all in quotes for a shell"
    near = get_close_matches(name, known if statistic else (*counts, *_COLUMNS), 1)
    meant = f"did you mean {near[0]}" if near else f"only {', '.join(known)}"
    return f"there is no {'column' if statistic else 'name'} {name!r}, {meant}"


@dataclass(frozen=True)
class Gate:
    """A condition such as "dead_modules > 0" or "min(utilization) < 0.1".

    Parameters
    ----------
    text : str
        NAME OP NUMBER. NAME is modules, skipped_tensors, dead_modules (or zero_, assumed_, nonfinite_, unpaired_,
        unsupported_, ok_modules), or min, max, mean, median of a numeric column over the modules that were measured.
        A value that rests on something that is not known counts as not known.

    Raises
    ------
    ValueError
        If the text is not of that form.
    """

    text: str

    def __post_init__(self) -> None:
        if _Condition.read(self.text) is None:
            raise ValueError(
                f"a condition reads like 'dead_modules > 0' or 'min(utilization) < 0.1', got {self.text!r}; "
                f"{_advice(self.text)}."
            )

    @cached_property
    def _condition(self) -> _Condition:
        condition = _Condition.read(self.text)
        assert condition is not None  # checked above
        return condition

    def value(self, report: Audit) -> float:
        """Return the number that the gate compares; NaN where it is not known, or no module was measured.

        Parameters
        ----------
        report : Audit
            The audit to judge.
        """
        statistic, name, status = self._condition.statistic, self._condition.name, report.columns["status"]
        if statistic:
            rows = zip(report.columns[name], status, report.columns["assumed"], strict=True)
            values = [math.nan if rests(name, unknown) else value for value, s, unknown in rows if s in MEASURED]
            return float(_STATISTICS[statistic](values)) if values else float("nan")
        if name in _COUNTS:
            return float(status.count(_COUNTS[name]))
        return float(len(status) if name == "modules" else len(report.skipped))

    def trips(self, report: Audit) -> bool:
        """Return whether the condition holds, so that the run should fail; a value that is not known trips it.

        Parameters
        ----------
        report : Audit
            The audit to judge.
        """
        value = self.value(report)
        return value != value or _OPERATORS[self._condition.comparison](value, self._condition.bound)

    def _repr_html_(self) -> str:
        return html_summary(
            f"Gate: {self.text}", [".trips(report) tells whether it holds; .value(report) is the number"]
        )
