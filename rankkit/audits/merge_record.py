"""Merged: what became of each module of an adapter in a merged model, with its table, summary and exit status."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rankkit.checkpoints.layer import Skipped
from rankkit.checkpoints.matching import missed_by_strict
from rankkit.columns import Tabled, frame
from rankkit.report.inline import counted, html_summary, noted, source_name, text_summary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VERDICTS", "Merged"]

# verdict -> what it means
VERDICTS: dict[str, str] = {
    "applied": "The merged weight is the base's with the update at strength 1, up to rounding.",
    "applied at another strength": "Another strength explains the merged weight up to rounding, and 1 does not.",
    "not applied": "The merged weight is the base's, up to rounding, and the update would be seen.",
    "applied to something else": "No strength of this update explains the merged weight.",
    "could not check": "A weight or the update is not known, or rounding hides the update: the note says which.",
}
WRONG = ("applied at another strength", "not applied", "applied to something else")
SHOWN = ("module", "verdict", "strength", "strength_lower", "strength_upper", "unexplained")
NAMED = 3  # modules that a sentence names
NEAR = 0.01  # a strength that is so far off is said where rounding hides it


@dataclass(frozen=True, eq=False)
class Merged(Tabled):
    """Whether a merged model holds an adapter's updates, one row for each module.

    Attributes
    ----------
    source, base, adapter : str
        The merged model, the model before, and the adapter.
    columns : dict of str to list
        module, layer, kind, m, n, dtype (of the merged weight), verdict (one of `VERDICTS`), strength (least squares,
        within the interval), strength_lower and strength_upper (the strengths that rounding allows; NaN where it
        allows none), unexplained (Frobenius norm of what neither the update nor rounding explains, over that of the
        update), arithmetic (what had to be allowed for beside one rounding of the sum), note.
        `rankkit.columns.COLUMN_TYPES` has their types.
    skipped : tuple of Skipped
        Every tensor of the adapter that is part of no module, and so was not looked for.
    """

    source: str
    base: str
    adapter: str
    columns: dict[str, list[Any]]
    skipped: tuple[Skipped, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """One row for each module."""
        return frame("Merged", self.columns)

    def summary_columns(self) -> dict[str, list[Any]]:
        """Return `summary`'s columns as plain lists."""
        counts = Counter(self.columns["verdict"])
        present = [verdict for verdict in VERDICTS if counts[verdict]]
        return {"verdict": present, "modules": [counts[verdict] for verdict in present]}

    def summary(self) -> pd.DataFrame:
        """Return how many modules have each verdict."""
        import pandas as pd

        return pd.DataFrame(self.summary_columns())

    @property
    def exit_status(self) -> int:
        """0: all modules are applied; 3: one is not, or at another strength; 4: none is wrong, but one is unknown."""
        verdicts = set(self.columns["verdict"])
        return 3 if verdicts & {*WRONG} else 4 if verdicts - {"applied"} else 0

    @property
    def coverage(self) -> str:
        """One sentence: how many modules are applied, and which are not."""
        verdicts = self.columns["verdict"]
        sentence = f"{verdicts.count('applied')} of {counted(len(verdicts), 'module')} applied at strength 1"
        if blurred := sum(self._blurred):
            sentence += f" (in {blurred} of them rounding allows {1 - NEAR:g} or {1 + NEAR:g} as well)"
        for verdict in list(VERDICTS)[1:]:
            modules = [name for name, said in zip(self.columns["module"], verdicts, strict=True) if said == verdict]
            if modules:
                more = ", ..." if len(modules) > NAMED else ""
                sentence += f"; {len(modules)} {verdict}: {', '.join(modules[:NAMED])}{more}"
        if self.skipped:
            sentence += f"; {counted(len(self.skipped), 'tensor')} of the adapter not looked for"
        return f"{sentence}{missed_by_strict(self.columns['note'], 'the merged model')}."

    @property
    def _blurred(self) -> list[bool]:
        """Whether each module is applied, with another strength near 1 that rounding allows as well."""
        columns = (self.columns[name] for name in ("verdict", "strength_lower", "strength_upper"))
        return [
            verdict == "applied" and (lower <= 1 - NEAR or upper >= 1 + NEAR)
            for verdict, lower, upper in zip(*columns, strict=True)
        ]

    def __repr__(self) -> str:
        return text_summary(self._title(), self._lines(), self._shown())

    def _repr_html_(self) -> str:
        return html_summary(self._title(), self._lines(), self._shown(), summary=self.summary_columns())

    def _title(self) -> str:
        return f"{source_name(self.adapter)} in {source_name(self.source)}"

    def _lines(self) -> list[str]:
        return [
            self.coverage,
            '.table has one row for each module; .summary() counts the verdicts; .save("merged.csv") writes the table',
        ]

    def _shown(self) -> dict[str, list[Any]]:
        """Return the modules that are not applied first, under the columns that matter."""
        verdicts = self.columns["verdict"]
        order = sorted(range(len(verdicts)), key=lambda i: verdicts[i] == "applied")
        return {name: [self.columns[name][i] for i in order] for name in noted(SHOWN, self.columns)}
