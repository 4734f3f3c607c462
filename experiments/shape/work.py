"""One run of the shape experiment: a network of coordinates learns which cells of a grid the mesh fills."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from experiments.grid.kept import Yield
from experiments.layers import Layers, look
from experiments.shape.mesh import bunny
from experiments.shape.occupancy import grid_points, iou, occupancy
from experiments.training import fit, parameters, seeded

__all__ = ["Coordinates", "learn", "work"]

AT_ONCE = 1 << 14  # points of the grid that are evaluated together
LOW_RANK = ("hidden.0", "hidden.1")


class Coordinates(nn.Module):
    """From x, y, z to the logit of being inside: a layer to `width`, two from width to width, and one to the logit.

    These are the counts of the sine-LoRA paper's table 13: 132.9K numbers at width 256, and 2.8K, 3.8K, 6.9K and 22.3K
    with the two square layers at rank 1, 2, 5 and 20. The activation is the Gaussian exp(-x^2 / (2 spread^2)).

    Parameters
    ----------
    layers : Layers
        What the two square layers are.
    width : int
    spread : float
        Of the Gaussian.
    """

    def __init__(self, layers: Layers, *, width: int, spread: float) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, width), nn.Linear(width, 1)
        self.hidden = nn.ModuleList([layers(width, width), layers(width, width)])
        self._sharpness = 0.5 / spread**2

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (k,) of points (k, 3)."""
        for layer in itertools.chain([self.first], self.hidden):
            x = torch.exp(-self._sharpness * layer(x).square())
        return self.last(x).squeeze(1)


def work(settings: Mapping[str, Any]) -> Yield:
    """Do one run on the bunny."""
    return learn(_bunny(settings["cells"]), settings)


@lru_cache(maxsize=2)
def _bunny(cells: int) -> NDArray[np.bool_]:
    return occupancy(bunny(), cells)


def learn(inside: NDArray[np.bool_], settings: Mapping[str, Any]) -> Yield:
    """Return what one run yields.

    Parameters
    ----------
    inside : bool array (c, c, c)
        Which cells are filled. The points that are trained on are drawn from the cells' centres, and the score is taken
        over all of them.
    settings : mapping
        kind, rank, omega, seed, rate, steps, batch, width, spread.
    """
    points, filled = torch.from_numpy(grid_points(len(inside))), torch.from_numpy(inside.reshape(-1))
    with seeded(settings["seed"]):
        layers = Layers(settings["kind"], settings["rank"], settings["omega"])
        model = Coordinates(layers, width=settings["width"], spread=settings["spread"])
        rows = look(model, LOW_RANK, "start")
        drawn = torch.Generator().manual_seed(settings["seed"] + 1)  # the same points for all kinds of layers

        def loss_of(step: int) -> Tensor:
            chosen = torch.randint(len(points), (settings["batch"],), generator=drawn)
            return nn.functional.binary_cross_entropy_with_logits(model(points[chosen]), filled[chosen].float())

        loss = fit(model, loss_of, steps=settings["steps"], rate=settings["rate"])
        with torch.no_grad():
            answer = torch.cat([model(part) > 0 for part in points.split(AT_ONCE)])
    scores = {"iou": iou(answer.numpy(), filled.numpy()), "loss": loss, "parameters": float(parameters(model))}
    return Yield(scores, {"layers": rows + look(model, LOW_RANK, "end")})
