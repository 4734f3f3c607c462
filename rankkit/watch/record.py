"""Watched: what a training's measurements found, as one table over steps, with pictures and alarms."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankkit.audits.record import Audit
from rankkit.columns import Tabled, frame, gathered
from rankkit.factors import Array
from rankkit.files import Writers
from rankkit.report.inline import counted, html_summary, source_name, text_summary
from rankkit.report.sketch import Line, sketch
from rankkit.report.watched_page import page
from rankkit.watch.alarms import Alarm, Limits, alarms_of
from rankkit.watch.kept import Kept, is_store, latest
from rankkit.watch.learned import learned_rows
from rankkit.watch.measurement import Measurement
from rankkit.watch.runs import checkpoints, measured_checkpoints

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Watched"]


@dataclass(frozen=True, eq=False)
class Watched(Tabled):
    """What was measured while an adapter was trained.

    Attributes
    ----------
    measurements : tuple of Measurement
        In the order of the steps.
    limits : Limits
        Where an alarm begins.
    """

    measurements: tuple[Measurement, ...]
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, measurements: Sequence[Measurement], *, limits: Limits | None = None) -> Watched:
        """Return measurements as one result.

        Parameters
        ----------
        measurements : sequence of Measurement
            In the order of the steps.
        limits : Limits, optional
            Where an alarm begins; None: the default.
        """
        return cls(tuple(measurements), limits or Limits())

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, limits: Limits | None = None) -> Watched:
        """Return what a store holds so far, or what the checkpoints of a run folder are.

        Parameters
        ----------
        folder : path
            The store of a `Watch`, or a folder with the folders checkpoint-STEP that a Trainer writes.
        limits : Limits, optional
            Where an alarm begins; None: the default.

        Raises
        ------
        ValueError
            If the folder is neither, or none of its checkpoints can be read.
        """
        if is_store(folder):
            return cls.of(latest(Kept.open(folder).measurements()), limits=limits)
        if not Path(folder).exists():
            raise ValueError(f"{folder} does not exist; name the store of a watched training or a training's folder.")
        if not checkpoints(folder):
            raise ValueError(
                f"{folder} is no store of a watched training, and has no folder checkpoint-STEP; name one of these, or "
                f"measure a single adapter with `rankkit audit {folder}`."
            )
        return cls.of(measured_checkpoints(folder), limits=limits)

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The table's columns: step, and those of an audit that were kept; `rankkit.report.columns` defines them."""
        return gathered(
            {"step": one.step, **dict(zip(one.columns, row, strict=True))}
            for one in self.measurements
            for row in zip(*one.columns.values(), strict=True)
        )

    @property
    def table(self) -> pd.DataFrame:
        """One row for each step and module."""
        return frame("Watched", self.columns)

    @property
    def steps(self) -> list[int]:
        """The steps that were measured."""
        return [one.step for one in self.measurements]

    @property
    def alarms(self) -> list[Alarm]:
        """What went wrong with modules, in the order of the steps."""
        return alarms_of(self.measurements, self.limits)

    def audit(self, step: int | None = None) -> Audit:
        """Return one measurement as an audit, with the columns that were kept.

        Parameters
        ----------
        step : int, optional
            One of `steps`; None: the last.

        Raises
        ------
        ValueError
            If nothing was measured there.
        """
        if not self.measurements:
            raise ValueError("nothing was measured yet; train some steps first.")
        found = [one for one in self.measurements if step is None or one.step == step]
        if not found:
            raise ValueError(f"step {step} was not measured; there are {', '.join(map(str, self.steps[:8]))}.")
        return found[-1].audit

    @property
    def last_audit(self) -> Audit:
        """The last measurement as an audit: `suggest_ranks` and others that take an audit take a `Watched` for it."""
        return self.audit()

    def summary_columns(self) -> dict[str, list[Any]]:
        """Return one row for each step: what a training's log has."""
        rows = [{"step": one.step, **one.logged()} for one in self.measurements]
        names = list(dict.fromkeys(name for row in rows for name in row))
        return gathered({name: row.get(name, float("nan")) for name in names} for row in rows)

    def spectra(self, module: str) -> dict[int, Array]:
        """Return a module's singular values, by step.

        Parameters
        ----------
        module : str
            Its path.

        Raises
        ------
        ValueError
            If it was never measured.
        """
        found = {one.step: one.spectra[module] for one in self.measurements if module in one.spectra}
        if not found:
            raise ValueError(f"{module!r} has no measured update; there are {', '.join(self._measured()[:4])}.")
        return found

    def _measured(self) -> list[str]:
        return list(dict.fromkeys(name for one in self.measurements for name in one.spectra))

    def plot(self, axes: Any = None, *, by: str = "kind") -> Any:
        """Draw the stable rank over the steps, a line a module, and modules by steps beside it; return the two axes.

        Parameters
        ----------
        axes : array of Axes, optional
            Where to draw, two of them; None: a new figure.
        by : {"kind", "layer"}
            What the colours of the lines tell.
        """
        from rankkit.plots import training_overview

        return training_overview(self.table, by=by, axes=axes)

    def plot_spectra(self, module: str, ax: Any = None) -> Any:
        """Draw the singular values of one module over the steps as a fan; return the axes.

        Parameters
        ----------
        module : str
            Its path.
        ax : Axes, optional
            Where to draw; None: a new figure.
        """
        from rankkit.plots import spectrum_fan

        ax = spectrum_fan(self.spectra(module), ax=ax)
        ax.set_title(module)
        return ax

    def plot_functions(self, modules: Sequence[str] | None = None) -> Any:
        """Draw the functions phi that modules learn, from the first step to the last; return the axes.

        Parameters
        ----------
        modules : sequence of str, optional
            Their paths; None: the first four that learn one.

        Raises
        ------
        ValueError
            If none of them learns one.
        """
        from rankkit.plots import learned_functions

        return learned_functions(self.learned_columns("phi"), modules=modules)

    def plot_frequencies(self, ax: Any = None) -> Any:
        """Draw the learned frequencies omega over the steps; return the axes.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; None: a new figure.

        Raises
        ------
        ValueError
            If no module learns them.
        """
        from rankkit.plots import learned_frequencies

        return learned_frequencies(self.learned_columns("omega"), ax=ax)

    def learned_columns(self, what: str) -> pd.DataFrame:
        """Return what modules learn besides B and A: step, module, and x and phi, or index and omega.

        Parameters
        ----------
        what : {"phi", "omega"}

        Raises
        ------
        ValueError
            If no module learns it.
        """
        import pandas as pd

        return pd.DataFrame(learned_rows(((one.step, one.learned) for one in self.measurements), what))

    def to_html(self) -> str:
        """Return one self-contained page: pictures, alarms, and a slider over the steps with the modules' numbers."""
        return page(self)

    def _writers(self) -> Writers:
        return {".html": lambda out: out.write(self.to_html().encode())}

    @property
    def name(self) -> str:
        """What was watched."""
        return source_name(self.measurements[-1].source) if self.measurements else "nothing yet"

    def __repr__(self) -> str:
        return text_summary(self._title(), self._lines(), self.summary_columns())

    def _repr_html_(self) -> str:
        summary = self.summary_columns()
        lines = [
            Line(name.removeprefix("rank/"), tuple(summary["step"]), tuple(values))
            for name, values in summary.items()
            if "stable" in name
        ]
        picture = sketch(lines, across="step", up="median stable rank") if lines else ""
        return html_summary(self._title(), self._lines(), summary, picture=picture)

    def _title(self) -> str:
        modules = len(self.measurements[-1].columns["module"]) if self.measurements else 0
        return f"Watched {self.name}: {counted(len(self.measurements), 'measurement')} of {counted(modules, 'module')}"

    def _lines(self) -> list[str]:
        alarms = self.alarms
        told = [f"{alarm.module}, step {alarm.step}: {alarm.text}" for alarm in alarms[:2]]
        return [
            *([f"steps {self.steps[0]} to {self.steps[-1]}"] if self.measurements else []),
            *([f"{counted(len(alarms), 'alarm')}: {'; '.join(told)}"] if alarms else ["no alarm"]),
            ".table has one row for each step and module; .plot() draws them; .audit(step) is one measurement; "
            '.save("watched.html") writes a page',
        ]
