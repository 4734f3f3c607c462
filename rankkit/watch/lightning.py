"""A callback for Lightning, under either of its names."""

# Lightning's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from rankkit.watch.watch import TO_COME, Seen, Watch

__all__ = ["LightningRanks"]

Callback: Any = import_module("lightning.pytorch" if find_spec("lightning") else "pytorch_lightning").Callback


class LightningRanks(Callback):
    """Watches the adapter in a LightningModule; the few numbers of a measurement go to the trainer's loggers.

    Parameters
    ----------
    **watch
        The arguments of `rankkit.watch.Watch` besides the model.

    Attributes
    ----------
    watch : Watch or None
        Made when the training begins.
    """

    def __init__(self, **watch: Any) -> None:
        super().__init__()
        unkept: dict[str, Any] = {**watch, "store": None}
        Watch(TO_COME, **unkept)  # what is wrong with an argument is said before the training begins
        self._arguments = watch
        self.watch: Watch | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to watch, in one process of several."""
        if trainer.is_global_zero:
            self.watch = Watch(_adapted(pl_module), **self._arguments)
            self._tell(self.watch.step(trainer.global_step), trainer)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Measure where a measurement is due."""
        if self.watch is not None:
            self._tell(self.watch.step(trainer.global_step), trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Measure the end."""
        if self.watch is not None:
            self._tell(self.watch.finish(trainer.global_step), trainer)

    @staticmethod
    def _tell(seen: Seen | None, trainer: Any) -> None:
        if seen is None:
            return
        for logger in trainer.loggers:
            logger.log_metrics(seen.logged, step=seen.measurement.step)
        if seen.stop:
            trainer.should_stop = True


def _adapted(module: Any) -> Any:
    """Return the part of a module that carries adapters, as PEFT marks it; the module itself where none does."""
    return next((part for part in module.modules() if hasattr(part, "peft_config")), module)
