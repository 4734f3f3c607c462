"""Watch: measures an adapter while it is trained."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rankkit.audits.chosen import Chosen
from rankkit.audits.gates import Gate
from rankkit.checkpoints import check_adapted, is_model, open_adapter
from rankkit.checks import integer
from rankkit.report.inline import counted, text_summary
from rankkit.watch.alarms import Alarm, Limits, Watcher
from rankkit.watch.budget import Budget
from rankkit.watch.kept import Kept, latest
from rankkit.watch.measurement import Measurement, kept_columns, measure
from rankkit.watch.record import Watched

__all__ = ["TO_COME", "Seen", "Watch"]

TO_COME = object()  # in place of a model that a trainer brings later: the other arguments are checked already


@dataclass(frozen=True)
class Seen:
    """What one step of a watch brought.

    Attributes
    ----------
    measurement : Measurement
        What was measured.
    alarms : tuple of Alarm
        Those that begin here.
    tripped : tuple of str
        The conditions of `fail_on` that hold.
    """

    measurement: Measurement
    alarms: tuple[Alarm, ...] = field(default=())
    tripped: tuple[str, ...] = field(default=())

    @property
    def stop(self) -> bool:
        """Whether the training should stop."""
        return bool(self.tripped)

    @property
    def logged(self) -> dict[str, float]:
        """The few numbers of a training's log."""
        return self.measurement.logged() | {"rank/alarms": float(len(self.alarms))}


class Watch:
    """Measures the update that a live adapter applies, every so many steps of its training.

    Nothing of the training is disturbed: the weights are copied to the host, and the random state, hooks, gradients and
    training mode stay as they are.

    Parameters
    ----------
    model : live model, path or state dict
        What `rankkit.audit` takes. It is opened here, and no tensor is read before the first measurement.
    every : int
        Measure when the step is a multiple of it.
    metrics : sequence of str, optional
        Columns of an audit to keep beside those that the pictures and alarms need; None: all.
    modules : str or sequence of str, optional
        Measure these modules alone, as for `rankkit.audit`: a regular expression for whole paths, or ends of paths;
        None: all.
    store : path, optional
        Folder in which every measurement is kept as soon as it is made. A training that is resumed goes on in it.
        None: in memory alone.
    budget : float, optional
        Share of the training's wall time that measuring may take; `rankkit.watch.Budget` has the rule. None: no limit.
    fail_on : str, Gate or sequence of them
        Conditions on a measurement, as for `rankkit audit --fail-on`. They are judged from the step
        `limits.dead_after` on, because a training begins with updates of zero.
    limits : Limits, optional
        Where alarms begin.

    Raises
    ------
    TypeError
        If the model, `limits` or `fail_on` is of another kind.
    ValueError
        If an argument is out of its range, the model has no adapter or none of the modules, or the store is another
        one's.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"up.lora_A.weight": np.eye(2, 4), "up.lora_B.weight": np.eye(3, 2)}
    >>> watch = Watch(state, every=10, budget=None)  # the default leaves measurements out that take too long
    >>> [watch.step(n) is not None for n in range(12)].count(True)
    2
    >>> [round(value, 12) for value in watch.watched.columns["stable_rank"]]
    [2.0, 2.0]
    """

    def __init__(
        self,
        model: Any,
        *,
        every: int = 100,
        metrics: Sequence[str] | None = None,
        modules: str | Sequence[str] | None = None,
        store: str | os.PathLike[str] | None = None,
        budget: float | None = 0.01,
        fail_on: str | Gate | Sequence[str | Gate] = (),
        limits: Limits | None = None,
    ) -> None:
        self.every = integer("every", every, advice="it is the number of steps between two measurements")
        kept_columns(metrics)
        chosen = None if modules is None else Chosen(modules)  # what cannot be read is said before the training begins
        self._model, self._metrics, self._modules = model, metrics, modules
        if not isinstance(limits, (Limits, type(None))):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"limits must be a rankkit.watch.Limits, got {limits!r}; leave it out for the usual ones.")
        self.limits = limits or Limits()
        self.gates = _gates(fail_on)
        self.budget = None if budget is None else Budget(budget)
        if model is not TO_COME:
            _check_model(model, chosen)
        self._kept = None if store is None else Kept.begin(store, metrics=metrics, modules=modules)
        self._measurements = [] if self._kept is None else self._kept.measurements()
        self.session = 1 + max((one.session for one in self._measurements), default=0)
        self._watcher = Watcher(self.limits)
        self._begin: int | None = None
        self._last: int | None = None
        self.alarms: list[Alarm] = []
        self.skipped = 0

    def step(self, n: int) -> Seen | None:
        """Measure where a measurement is due; return what it found, or None.

        Parameters
        ----------
        n : int
            Steps of the training that are done.
        """
        self._begin = n if self._begin is None else self._begin
        if self.budget is not None:
            self.budget.begin()
        if n % self.every or n == self._last:  # a step of several small batches is told several times
            return None
        if self.budget is not None and not self.budget.allows():
            self._skip()
            return None
        return self.measure(n)

    def measure(self, n: int) -> Seen:
        """Measure now, whatever the interval and the budget say, and return what was found.

        Parameters
        ----------
        n : int
            Steps of the training that are done.

        Raises
        ------
        ValueError
            If the model cannot be measured.
        """
        start = time.perf_counter()
        self._begin = n if self._begin is None else self._begin
        measurement, report = measure(
            self._model, n, session=(self.session, self._begin), metrics=self._metrics, modules=self._modules
        )
        if self._kept is not None:
            self._kept.write(measurement)
        self._measurements.append(measurement)
        self._last = measurement.step
        alarms = tuple(self._watcher.see(measurement))
        self.alarms += alarms
        settled = n >= self.limits.dead_after
        tripped = tuple(gate.text for gate in self.gates if settled and gate.trips(report))
        if self.budget is not None:
            self.budget.begin()
            self.budget.add(time.perf_counter() - start)
        return Seen(measurement, alarms, tripped)

    def finish(self, n: int) -> Seen | None:
        """Measure the end of the training and return what was found; None where this step was measured already.

        Parameters
        ----------
        n : int
            Steps of the training that are done.
        """
        return None if n == self._last else self.measure(n)

    @property
    def watched(self) -> Watched:
        """All that was measured so far, also by earlier processes with the same store."""
        return Watched.of(latest(self._measurements), limits=self.limits)

    def _skip(self) -> None:
        """Note that a measurement was left out, and say so the first time."""
        assert self.budget is not None
        self.skipped += 1
        if self.skipped == 1:
            warnings.warn(
                f"measuring takes {self.budget.spent:.2g} s, more than {self.budget.share:.3g} of the training's time "
                f"every {counted(self.every, 'step')}: some measurements are left out; budget=None makes all of them.",
                stacklevel=3,
            )

    def __repr__(self) -> str:
        lines = [
            f"measured {counted(len(self._measurements), 'time')}, every {counted(self.every, 'step')}; "
            f"{self.skipped} left out to keep the budget",
            f"{counted(len(self.alarms), 'alarm')}; .watched has the numbers",
        ]
        return text_summary(f"Watch of a {type(self._model).__name__}", lines)


def _gates(conditions: Any) -> tuple[Gate, ...]:
    """Return conditions as gates.

    Raises
    ------
    TypeError
        If they are none.
    """
    single = isinstance(conditions, str) or not isinstance(conditions, Iterable)
    several: list[Any] = [conditions] if single else [*conditions]
    if not all(isinstance(one, (str, Gate)) for one in several):
        raise TypeError(
            f"fail_on must be conditions such as 'dead_modules > 0', got {conditions!r}; write them as text."
        )
    return tuple(one if isinstance(one, Gate) else Gate(one) for one in several)


def _check_model(model: Any, chosen: Chosen | None) -> None:
    """Raise unless a model has an adapter that can be measured, and in it some of the chosen modules."""
    if is_model(model):
        check_adapted(model)
    if chosen is None and is_model(model):
        return
    try:
        layers = open_adapter(model).layers
    except TypeError as error:
        raise TypeError(str(error).replace("source", "model", 1)) from None
    if chosen is not None:
        chosen.of(layers)
