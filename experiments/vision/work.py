"""One run of the vision experiment: a small vision transformer learns to tell images apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from experiments.grid.kept import Yield
from experiments.layers import Layers, look
from experiments.training import fit, parameters, seeded
from experiments.vision.images import Images, images
from experiments.vision.vit import VisionTransformer

__all__ = ["learn", "work"]

AT_ONCE = 500  # images that are told apart together


def work(settings: Mapping[str, Any]) -> Yield:
    """Do one run on the set of images that the settings name."""
    return learn(images(settings["data"]), settings)


def learn(held: Images, settings: Mapping[str, Any]) -> Yield:
    """Return what one run yields.

    Parameters
    ----------
    held : Images
    settings : mapping
        kind, rank, omega, seed, rate, steps, batch, train, validation, patch, width, blocks, heads. The seed draws the
        parts, the start of the model and the order of the images, the same for all kinds of layers.
    """
    parts = held.parts(settings["seed"], train=settings["train"], validation=settings["validation"])
    pixels, labels = torch.from_numpy(held.pixels), torch.from_numpy(held.labels)
    with seeded(settings["seed"]):
        model = VisionTransformer(
            Layers(settings["kind"], settings["rank"], settings["omega"]), side=held.pixels.shape[1],
            patch=settings["patch"], width=settings["width"], blocks=settings["blocks"], heads=settings["heads"],
        )  # fmt: skip
        rows = look(model, model.compressed(), "start")
        order = _order(parts.train, settings)

        def loss_of(step: int) -> Tensor:
            return nn.functional.cross_entropy(model(pixels[order[step]]), labels[order[step]])

        loss = fit(model, loss_of, steps=len(order), rate=settings["rate"])
        scores = {
            "accuracy": _accuracy(model, pixels, labels, parts.test),
            "validation": _accuracy(model, pixels, labels, parts.validation),
            "loss": loss, "parameters": float(parameters(model)),
        }  # fmt: skip
    return Yield(scores, {"layers": rows + look(model, model.compressed(), "end")})


def _order(train: np.ndarray, settings: Mapping[str, Any]) -> list[np.ndarray]:
    """Return the images of every step: all of them once an epoch, but for those that fill no batch."""
    drawn, batch, steps = np.random.default_rng(settings["seed"]), settings["batch"], settings["steps"]
    if batch > len(train):
        raise ValueError(f"batch must be at most train = {len(train)}, got {batch}; use a smaller one.")
    whole = len(train) // batch
    epochs = [drawn.permutation(train)[: whole * batch].reshape(whole, batch) for _ in range(-(-steps // whole))]
    return list(np.concatenate(epochs)[:steps])


def _accuracy(model: nn.Module, pixels: Tensor, labels: Tensor, part: np.ndarray) -> float:
    with torch.no_grad():
        hits = [(model(pixels[some]).argmax(1) == labels[some]).sum() for some in torch.from_numpy(part).split(AT_ONCE)]
    return float(sum(hits)) / len(part)
