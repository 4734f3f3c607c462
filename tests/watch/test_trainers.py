"""The callbacks: transformers' Trainer and Lightning report, keep and stop as their users expect."""

import logging
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset
from transformers import Trainer, TrainerCallback, TrainingArguments

from rankkit.watch import LightningRanks, Limits, RankCallback, Watched
from tests.watch.runs import adapted, data


class Learner(torch.nn.Module):
    """A model as the Trainer wants it: it returns its loss."""

    def __init__(self):
        super().__init__()
        self.model = adapted()
        self.peft_config = self.model.peft_config

    @property
    def active_adapter(self):
        return self.model.active_adapter

    def forward(self, x, labels):
        return {"loss": ((self.model(x) - labels) ** 2).mean()}


class Reporter(TrainerCallback):
    """What TensorBoard, W&B and the others are to the Trainer: a callback that is told every log."""

    def __init__(self):
        self.logs = []

    def on_log(self, args, state, control, logs: Any = None, **kwargs):
        self.logs.append((state.global_step, dict(logs)))


def trained(folder, steps=8, *, callback=None, logging_steps=2, **more):
    x, y = data()
    examples = [{"x": a, "labels": b} for a, b in zip(x, y, strict=True)]
    arguments = TrainingArguments(
        output_dir=str(folder), max_steps=steps, per_device_train_batch_size=16, logging_steps=logging_steps,
        report_to=[], save_strategy="no", disable_tqdm=True, use_cpu=True, seed=0, learning_rate=1e-2, **more,
    )  # fmt: skip
    reporter = Reporter()
    trainer = Trainer(Learner(), arguments, train_dataset=examples, callbacks=[reporter])
    if callback is not None:
        trainer.add_callback(callback(trainer))
    trainer.train()
    return trainer, reporter.logs


def losses(logs):
    return [(step, log["loss"]) for step, log in logs if "loss" in log]


def test_the_trainer_trains_as_without_it_and_its_reporters_are_told(tmp_path):
    _, plain = trained(tmp_path / "a")
    made = []

    def callback(trainer):
        made.append(RankCallback(every=2, store=tmp_path / "ranks", budget=None, log=trainer.log))
        return made[0]

    trainer, logs = trained(tmp_path / "b", callback=callback)
    assert losses(logs) == losses(plain)  # bit for bit, and none is lost
    told = [(step, log) for step, log in logs if "rank/dead" in log]
    assert [step for step, _ in told] == [0, 2, 4, 6, 8]
    assert set(told[-1][1]) >= {"rank/median_stable", "rank/stable_attention", "rank/stable_mlp", "rank/alarms"}
    assert "rank/median_stable" not in told[0][1]  # nothing is known of updates of zero
    assert any("rank/dead" in entry for entry in trainer.state.log_history)
    assert Watched.load(tmp_path / "ranks").steps == made[0].watch.watched.steps == [0, 2, 4, 6, 8]


def test_a_gate_stops_the_trainer(tmp_path):
    def callback(trainer):
        return RankCallback(every=2, budget=None, fail_on="ok_modules > 0", limits=Limits(dead_after=4))

    trainer, _ = trained(tmp_path, callback=callback)
    assert trainer.state.global_step == 4


def test_the_end_is_measured(tmp_path):
    made = []

    def callback(trainer):
        made.append(RankCallback(every=3, budget=None))
        return made[0]

    trained(tmp_path, 5, callback=callback)
    assert made[0].watch.watched.steps == [0, 3, 5]


def test_lightning_reports_and_stops(tmp_path):
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    import pytorch_lightning as lightning
    from pytorch_lightning.loggers import CSVLogger

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = adapted()
            self.losses = []

        def training_step(self, batch, index):
            x, y = batch
            loss = ((self.model(x) - y) ** 2).mean()
            self.losses.append(float(loss.detach()))
            return loss

        def configure_optimizers(self):
            return torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=1e-2)

    def fit(*callbacks, name="none"):
        lightning.seed_everything(0, verbose=False)
        logger = CSVLogger(tmp_path, name=name, flush_logs_every_n_steps=1)
        module, examples = Module(), TensorDataset(*data())
        trainer = lightning.Trainer(
            max_steps=8, logger=logger, callbacks=list(callbacks), accelerator="cpu", enable_progress_bar=False,
            enable_model_summary=False, enable_checkpointing=False, accumulate_grad_batches=2,
        )  # fmt: skip
        trainer.fit(module, DataLoader(examples, batch_size=16))
        return module.losses, trainer, logger

    plain, _, _ = fit()
    callback = LightningRanks(every=2, budget=None)
    watched, _, _ = fit(callback, name="ranks")
    assert watched == plain
    assert callback.watch is not None
    assert callback.watch.watched.steps == [0, 2, 4, 6, 8]
    assert "rank/median_stable" in (tmp_path / "ranks" / "version_0" / "metrics.csv").read_text()
    stopping = LightningRanks(every=2, budget=None, fail_on="ok_modules > 0", limits=Limits(dead_after=4))
    _, trainer, _ = fit(stopping, name="stop")
    assert trainer.global_step == 4


def test_a_name_that_is_not_there_is_told():
    import rankkit.watch

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rankkit.watch.nothing
