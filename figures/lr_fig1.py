"""LR-LoRA, figure 1: a basis of sincs and its sum."""

import numpy as np

import rankkit as rk

TITLE = "A learned sum of sincs (LR-LoRA, figure 1)"
SHOWS = (
    "The left panel shows nine shifted sinc functions of bandwidth 1 on [-3, 3], with random amplitudes. The right "
    "panel shows their sum phi."
)
COMPARED = (
    "The function phi looks as the paper draws it: it is smooth and not periodic, and it tends to 0 outside the grid."
)
ARGUMENTS = {"count": 9, "width": 3.0, "points": 601, "seed": 1}


def data(count, width, points, seed):
    """Return the weighted functions and their sum."""
    x, grid = np.linspace(-6, 6, points), np.linspace(-width, width, count)
    alpha = np.random.default_rng(seed).normal(size=count)
    phi = rk.rules.SincBasis(alpha=alpha, omega=1.0, grid=grid)
    out = {"x": x, "phi": phi.exact(x)}
    return out | {f"{i}": alpha[i] * np.sinc(x - grid[i]) for i in range(count)}


def draw(table):
    """Draw the parts left, the sum right."""
    left, right = rk.plots.panels_for(None, 2, (3.4, 2.6))
    for name in [c for c in table if c.isdigit()]:
        left.plot(table["x"], table[name], color=rk.plots.PALETTE[4], linewidth=0.8)
    right.plot(table["x"], table["phi"], color=rk.plots.PALETTE[0], linewidth=1.3)
    left.set(xlabel="x", ylabel="αᵢ sinc(ωᵢ (x − xᵢ))", title="parts")
    right.set(xlabel="x", ylabel="φ(x)", title="sum")
    return left.figure
