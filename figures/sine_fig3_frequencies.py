"""Sine-LoRA, figure 3 right: singular values of sin(omega U V^T) as omega varies."""

import rankkit as rk

TITLE = "Spectra over the frequency (Sine-LoRA, figure 3, right)"
SHOWS = (
    "Singular values of sin(omega U V^T), divided by the largest, for omega from 1 to 2000. The matrices are 256 x "
    "256, and U and V have k = 5 columns."
)
COMPARED = (
    "As the paper says, a larger omega raises the singular values relative to the largest. From omega = 100 on, all "
    "but the smallest singular values agree with those of a full-rank matrix, so that a larger omega hardly changes "
    "them."
)
ARGUMENTS = {"d": 256, "k": 5, "frequencies": [1, 10, 30, 100, 300, 2000], "seed": 0}


def data(d, k, frequencies, seed):
    """Return normalised singular values, one row a value."""
    draw = rk.initializers.KaimingUniform()
    factors = draw(d, d, k, seed=seed)
    spectra = {f"ω = {omega}": rk.spectrum_of(rk.rules.Sine(float(omega))(factors)).values for omega in frequencies}
    spectra["full rank"] = rk.spectrum_of(draw(d, d, d, seed=seed).A).values
    rows = [(name, i + 1, s / sigma[0]) for name, sigma in spectra.items() for i, s in enumerate(sigma)
            if s > 1e-14 * sigma[0]]  # fmt: skip
    return dict(zip(("matrix", "index", "value"), zip(*rows, strict=True), strict=True))


def draw(table):
    """Draw one line a frequency."""
    (panel,) = rk.plots.panels_for(None, 1, (4.2, 3.0))
    for color, (name, line) in zip(rk.plots.PALETTE, table.groupby("matrix", sort=False), strict=True):
        panel.plot(line["index"], line["value"], color=color, label=name, linewidth=1.2)
    panel.set(xlabel="index of the singular value", ylabel="σ / σ₁", yscale="log", ylim=(1e-8, 2))
    panel.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    return panel.figure
