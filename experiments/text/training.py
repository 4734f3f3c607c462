"""One run: an adapter and a head, trained on a seed's glosses, measured on the way and at the end."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from experiments.grid.kept import Row, Yield
from experiments.text.glosses import BATCH, CLASSES, Glosses, Task, task
from experiments.text.methods import adapted, parameter_groups

__all__ = ["trained"]

RIDGE = 1e-3  # of the head that is solved: without it the convex problem has its minimum far out
ITERATIONS = 200  # of L-BFGS, which the head needs at most
WITHOUT_ADAPTER = ("frozen", "head")
ORTHOGONALITY = 0.5  # AdaLoRA's weight of its penalty, as PEFT has it for models that return a loss


def trained(settings: Mapping[str, Any]) -> Yield:
    """Return what one run of the plan yields.

    The head is solved on the untouched encoder first, the same for all methods of a seed; then the adapter and the head
    are trained together, the head at one rate for all. `method` "frozen" stays at the solved head, "head" trains it on.
    """
    import torch

    from experiments.text.measures import frequencies, measured_at_end, trajectory

    with _one_thread():
        data = task(settings["task"], settings["tokens"])
        glosses = data.training(settings["glosses"], settings["seed"])
        head = _solved_head(settings["task"], settings["tokens"], settings["glosses"], settings["seed"])
        head = copy.deepcopy(head)
        encoder = copy.deepcopy(data.encoder)
        torch.manual_seed(settings["seed"])  # here: only the first run of a seed in a process solves the head
        model = encoder if settings["method"] in WITHOUT_ADAPTER else adapted(encoder, settings)
        rows: list[Row] = []
        diverged, omegas = False, list[Row]()
        if settings["method"] != "frozen":
            looks = settings["looks"].split() if settings["part"] == "test" and model is not encoder else []
            omegas = frequencies(model, data.test, 0) if looks else []
            after = {int(look): lambda step: rows.extend(trajectory(model, step)) for look in looks}
            diverged = not _fit(model, head, glosses, settings, after)
        if diverged:
            return Yield(_about(model) | {settings["part"]: math.nan, "loss": math.nan})
        return _yield(settings, data, model, head, {"trajectory": rows, "frequencies": omegas}, measured_at_end)


def _about(model: Any) -> dict[str, float]:
    return {"adapter_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad)}


def _yield(
    settings: Mapping[str, Any], data: Task, model: Any, head: Any, tables: dict[str, list[Row]], measure: Any
) -> Yield:
    """Return the scores on the part that the run is for, and of a final run the spectra too."""
    part = settings["part"]
    glosses = getattr(data, part).taken(slice(settings[f"{part}_glosses"]))
    hits, loss = _evaluated(model, head, glosses)
    scores = _about(model) | {part: float(hits.mean()), "loss": loss}
    if part != "test":
        return Yield(scores)
    arrays = {"hits": np.packbits(hits)}
    if settings["method"] not in WITHOUT_ADAPTER:
        found, more = measure(model, glosses, settings["steps"])
        for name, rows in found.items():
            tables[name] = tables.get(name, []) + rows
        arrays |= more
    return Yield(scores, {name: table for name, table in tables.items() if table}, arrays)


@contextmanager
def _one_thread() -> Generator[None, None, None]:
    """Compute with one thread, so that the bits do not depend on the number of cores."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _embedded(encoder: Any, inputs: Mapping[str, Any]) -> Any:
    """Return the mean over the token states of each gloss."""
    states = encoder(**inputs).last_hidden_state
    mask = inputs["attention_mask"][..., None]
    return (states * mask).sum(1) / mask.sum(1)


@lru_cache(maxsize=4)  # a plan does the runs of one seed together
def _solved_head(name: str, tokens: int, count: int, seed: int) -> Any:
    """Return the linear head that is best on the untouched encoder's features of a seed's training set."""
    import torch

    data = task(name, tokens)
    with torch.no_grad():
        parts = [(_embedded(data.encoder, x), y) for x, y, _ in data.training(count, seed).batches(BATCH)]
    features, labels = (torch.cat(column) for column in zip(*parts, strict=True))
    head = torch.nn.Linear(features.shape[1], CLASSES)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Any:
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(head(features), labels) + RIDGE * head.weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return head


def _fit(model: Any, head: Any, glosses: Glosses, settings: Mapping[str, Any], after: Mapping[int, Any]) -> bool:
    """Train for so many steps, with rates that fall linearly to zero; return whether all stayed finite."""
    import torch

    groups = parameter_groups(model, head, settings)
    kind = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[settings["optimizer"]]
    optimizer = kind([group for group in groups if group["params"]], weight_decay=0.0)
    steps = settings["steps"]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    batches = _endless(glosses, settings["batch"], settings["seed"])
    model.train()
    _switch_off_dropout(model)
    _look(after, 0)
    for step in range(1, steps + 1):
        inputs, labels, _ = next(batches)
        try:
            loss = torch.nn.functional.cross_entropy(head(_embedded(model, inputs)), labels) + _penalty(model)
        except ValueError as error:  # rankkit's layers say so where factors are no longer finite
            if "diverged" not in str(error):
                raise
            return False
        if not loss.isfinite():
            return False
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if settings["method"] == "adalora":
            model.base_model.update_and_allocate(step)
        _look(after, step)
    return True


def _look(after: Mapping[int, Any], step: int) -> None:
    if step in after:
        after[step](step)


def _endless(glosses: Glosses, size: int, seed: int) -> Any:
    epoch = 0
    while True:
        yield from glosses.batches(size, seed=1000 * seed + epoch)
        epoch += 1


def _switch_off_dropout(model: Any) -> None:
    """Switch the encoder's own dropout off: it would only add noise to a training this short."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def _penalty(model: Any) -> Any:
    """Return AdaLoRA's penalty on factors that are not orthogonal (its eq. 4); 0 for every other method."""
    import torch

    parts: list[Any] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and "lora_E" not in name and hasattr(model, "peft_config"):
            if type(model.peft_config["default"]).__name__ != "AdaLoraConfig":
                return 0.0
            gram = parameter @ parameter.T if "lora_A" in name else parameter.T @ parameter
            parts.append(torch.linalg.matrix_norm(gram - torch.eye(len(gram))))
    return ORTHOGONALITY * sum(parts) / len(parts) if parts else 0.0


def _evaluated(model: Any, head: Any, glosses: Glosses) -> tuple[Any, float]:
    """Return which glosses are classified rightly, and the mean cross entropy."""
    import torch

    model.eval()
    hits, losses = np.zeros(len(glosses), bool), 0.0
    with torch.no_grad():
        for inputs, labels, indices in glosses.batches(BATCH):
            logits = head(_embedded(model, inputs))
            hits[indices] = (logits.argmax(1) == labels).numpy()
            losses += float(torch.nn.functional.cross_entropy(logits, labels, reduction="sum"))
    return hits, losses / len(glosses)
