"""A callback for transformers' Trainer, and for TRL's trainers, which take the same."""

# transformers' own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from rankkit.watch.watch import TO_COME, Seen, Watch

__all__ = ["RankCallback"]


class RankCallback(TrainerCallback):
    """Watches the adapter that a Trainer trains.

    Parameters
    ----------
    log : callable, optional
        Where the few numbers of a measurement go: `trainer.log`, which hands them to TensorBoard, W&B, MLflow and
        whatever else the Trainer reports to. None: into the store alone.
    **watch
        The arguments of `rankkit.watch.Watch` besides the model.

    Attributes
    ----------
    watch : Watch or None
        Made when the training begins.

    Examples
    --------
    ::

        trainer.add_callback(RankCallback(every=50, store="run/ranks", log=trainer.log))
    """

    def __init__(self, *, log: Callable[[dict[str, float]], None] | None = None, **watch: Any) -> None:
        unkept: dict[str, Any] = {**watch, "store": None}
        Watch(TO_COME, **unkept)  # what is wrong with an argument is said before the training begins
        self._log, self._arguments = log, watch
        self.watch: Watch | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Begin to watch, in one process of several."""
        if state.is_world_process_zero:
            self.watch = Watch(model, **self._arguments)
            self._tell(self.watch.step(state.global_step), control)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Measure where a measurement is due."""
        if self.watch is not None:
            self._tell(self.watch.step(state.global_step), control)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Measure the end."""
        if self.watch is not None:
            self._tell(self.watch.finish(state.global_step), control)

    def _tell(self, seen: Seen | None, control: TrainerControl) -> None:
        if seen is None:
            return
        if self._log is not None:
            due = control.should_log  # which every log resets, so that the loss's own would be lost
            self._log(seen.logged)
            control.should_log = due
        if seen.stop:
            control.should_training_stop = True
