"""Measurement: what one look at an adapter found, and how it is kept in a file."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankkit.audits.audit import audit
from rankkit.audits.record import Audit
from rankkit.checkpoints.assumptions import surest
from rankkit.checkpoints.layer import MEASURED
from rankkit.checks import integer
from rankkit.factors import Array
from rankkit.report.columns import DEFINITIONS
from rankkit.watch.learned import Learned, learned_functions

__all__ = ["KEPT", "Measurement", "kept_columns", "measure"]

# what a row has whatever metrics are chosen: which module it is, what is needed to choose its rank, and its state
KEPT = (
    "module", "layer", "kind", "m", "n", "r", "scale", "rule", "status", "note", "assumed", "regime", "stable_rank",
    "spectral_norm",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Measurement:
    """One look at all modules of an adapter.

    Attributes
    ----------
    step : int
        Of the training.
    session : int
        The process that measured, counted from 1: a training that is resumed has several.
    begin : int
        The first step that this process was told of.
    seconds : float
        What the measurement took.
    columns : dict of str to list
        Those of an `Audit`, or the chosen ones of them.
    spectra : dict of str to array
        Singular values of every measured module, descending.
    learned : dict of str to Learned
        The function and the frequencies of every module that learns them.
    source : str
        What was measured.
    use_rslora : bool
        As in `Audit`.
    """

    step: int
    session: int
    begin: int
    seconds: float
    columns: dict[str, list[Any]]
    spectra: dict[str, Array]
    learned: dict[str, Learned]
    source: str
    use_rslora: bool

    @property
    def audit(self) -> Audit:
        """The measurement as an audit, with the columns that were kept."""
        return Audit(self.source, self.columns, self.spectra, (), use_rslora=self.use_rslora)

    def logged(self) -> dict[str, float]:
        """Return the few numbers of a training's log.

        rank/median_stable and rank/stable_KIND are medians over the measured modules, all of them and those of one
        kind; rank/dead and rank/nonfinite count modules. A median is left out where no module was measured.
        """
        status, kinds = self.columns["status"], self.columns["kind"]
        measured = [place for place, word in enumerate(status) if word in MEASURED]
        groups = {"median_stable": measured}
        groups |= {f"stable_{kind}": [i for i in measured if kinds[i] == kind] for kind in sorted(set(kinds))}
        numbers = {f"rank/{name}": self._median(members) for name, members in groups.items() if members}
        return numbers | {"rank/dead": float(status.count("zero")), "rank/nonfinite": float(status.count("nonfinite"))}

    def _median(self, places: Sequence[int]) -> float:
        """Return the median stable rank of the modules in these places, of those alone that rest on no assumption."""
        values, unknown = ([self.columns[name][place] for place in places] for name in ("stable_rank", "assumed"))
        return float(np.median(surest("stable_rank", values, unknown)))

    def arrays(self) -> dict[str, Array]:
        """Return everything as arrays for one .npz file; numbers come back bit for bit."""
        about = {
            "step": self.step, "session": self.session, "begin": self.begin, "seconds": self.seconds,
            "source": self.source, "use_rslora": self.use_rslora, "columns": self.columns,
            "spectra": {module: len(values) for module, values in self.spectra.items()},
            "learned": {module: list(one.sizes) for module, one in self.learned.items()},
        }  # fmt: skip
        parts = [array for one in self.learned.values() for array in one.arrays]
        return {
            "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
            "spectra": _joined(list(self.spectra.values())),
            "learned": _joined(parts),
        }

    @classmethod
    def read(cls, arrays: Mapping[str, Array]) -> Measurement:
        """Return what `arrays` made.

        Parameters
        ----------
        arrays : mapping of str to array
            Read from a file.

        Raises
        ------
        ValueError
            If they are no measurement.
        """
        try:
            about = json.loads(arrays["about"].tobytes())
            spectra = _parted(arrays["spectra"], list(about["spectra"].values()))
            sizes = [size for one in about["learned"].values() for size in one]
            parts = iter(_parted(arrays["learned"], sizes))
            return cls(
                about["step"], about["session"], about["begin"], about["seconds"], about["columns"],
                dict(zip(about["spectra"], spectra, strict=True)),
                {module: Learned(next(parts), next(parts), next(parts)) for module in about["learned"]},
                about["source"], about["use_rslora"],
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            raise ValueError(
                f"this is no measurement of rankkit.watch ({error}); name the folder of a store."
            ) from None


def measure(
    source: Any,
    step: int,
    *,
    session: tuple[int, int] = (1, 0),
    metrics: Sequence[str] | None = None,
    modules: str | Sequence[str] | None = None,
) -> tuple[Measurement, Audit]:
    """Return what an adapter applies now, as a measurement and as the whole audit that it was taken from.

    Parameters
    ----------
    source : path, mapping or live model
        As for `rankkit.audit`.
    step : int
        Of the training.
    session : (int, int)
        The number of the process, and the first step that it was told of.
    metrics : sequence of str, optional
        Columns of numbers to keep; None: all.
    modules : str or sequence of str, optional
        Which modules to measure, as for `rankkit.audit`; None: all.

    Raises
    ------
    ValueError
        If the source cannot be audited, or none of the modules is there.
    """
    integer("step", step, least=0)
    start = time.perf_counter()
    report = audit(source, modules=modules, progress=False)
    learned = learned_functions(source, report)
    kept = kept_columns(metrics)
    columns = {name: values for name, values in report.columns.items() if kept is None or name in kept}
    seconds = time.perf_counter() - start
    return Measurement(
        int(step), *session, seconds, columns, report.spectra, learned, report.source, report.use_rslora
    ), report


def kept_columns(metrics: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the columns that are kept where some metrics are chosen; None where all are.

    Parameters
    ----------
    metrics : sequence of str or None
        Names of columns of an audit.

    Raises
    ------
    TypeError
        If they are one text.
    ValueError
        If an audit has no such column.
    """
    if metrics is None:
        return None
    if isinstance(metrics, str):
        raise TypeError(f"metrics must be a list of columns of an audit, got {metrics!r}; pass [{metrics!r}].")
    if unknown := [name for name in metrics if name not in DEFINITIONS]:
        raise ValueError(
            f"metrics must be columns of an audit, got {unknown[0]!r}; there are {', '.join(DEFINITIONS)}."
        )
    return tuple(dict.fromkeys((*KEPT, *metrics)))


def _joined(parts: list[Array]) -> Array:
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]) if parts else np.empty(0)


def _parted(values: Array, sizes: list[int]) -> list[Array]:
    """Return an array cut into parts of these sizes."""
    if sum(sizes) != len(values):
        raise ValueError(f"{len(values)} values in place of {sum(sizes)}")
    return list(np.split(values, np.cumsum(sizes)[:-1])) if sizes else []
