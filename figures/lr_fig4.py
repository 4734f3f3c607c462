"""LR-LoRA, figure 4, in small: normalised spectra of trained updates, method by method."""

import numpy as np

import rankkit as rk
from rankkit.data import sample_adapter

TITLE = "Spectra of trained updates (LR-LoRA, figure 4, in small)"
SHOWS = (
    "Singular values of trained updates of rank 4, divided by the largest: for each method the median over the 12 "
    "query and value modules of its sample adapter. Values below 1e-13 times the largest are left out, because they "
    "come from rounding."
)
COMPARED = (
    "The paper has Qwen2-0.5B and r = 32, and finds that the singular values decay more slowly after phi. The samples "
    "are of MiniLM-L6, one seed and 60 steps a method. The sine's decay slowly. Sinter's tail begins at 8e-6, about "
    "its amplitude of 5e-5 spread over all directions. LR-LoRA's updates are nearly one constant after so few steps, "
    "and their second value is 1e-5 of the first."
)
ARGUMENTS = {"samples": ["rslora", "sine", "loran", "lr-lora"]}
QUICK = {"samples": ["rslora", "sine"]}
NAMES = {"rslora": "LoRA (rsLoRA)", "sine": "sine-LoRA", "loran": "LoRAN (Sinter)", "lr-lora": "LR-LoRA (sinc)"}
FLOOR = 1e-13  # times the largest, about 384 eps: below it there is rounding alone


def data(samples):
    """Return the median over the modules of sigma_i / sigma_1, one row a sample and index."""
    out = {"method": [], "index": [], "value": []}
    for sample in samples:
        spectra = rk.audit(sample_adapter(sample), progress=False).spectra.values()
        longest = max(map(len, spectra))
        shares = np.zeros((len(spectra), longest))
        for row, values in zip(shares, spectra, strict=True):
            row[: len(values)] = values / values[0]
        middle = np.median(shares, axis=0)
        kept = middle[middle > FLOOR]
        out["method"] += [NAMES[sample]] * len(kept)
        out["index"] += range(1, len(kept) + 1)
        out["value"] += list(kept)
    return out


def draw(table):
    """Draw one line a method."""
    (panel,) = rk.plots.panels_for(None, 1, (4.2, 3.2))
    for color, width, (name, line) in zip(
        rk.plots.PALETTE, (3, 1.4, 1.4, 1.4), table.groupby("method", sort=False), strict=False
    ):
        panel.plot(line["index"], line["value"], color=color, label=name, linewidth=width)
    panel.set(xlabel="index of the singular value", ylabel="σ / σ₁", xscale="log", yscale="log", ylim=(FLOOR, 3))
    panel.legend(fontsize=7, loc="upper right")
    return panel.figure
