"""Sine-LoRA, figure 3 left: singular values of phi(omega U V^T) for several phi."""

import rankkit as rk

TITLE = "Spectra under nonlinearities (Sine-LoRA, figure 3, left)"
SHOWS = (
    "Singular values of phi(omega U V^T), divided by the largest, for several functions phi, and those of a "
    "full-rank Kaiming matrix. The matrices are 256 x 256, and U and V have k = 5 columns."
)
COMPARED = (
    "The paper says that the singular values of the sine fall most slowly. At omega = 300 they do, and they agree "
    "with those of the full-rank matrix. At omega = 3 the singular values of ReLU are far larger than those of the "
    "sine. So it depends on omega which function is best."
)
ARGUMENTS = {"d": 256, "k": 5, "frequencies": [3, 300], "seed": 0}
ACTIVATIONS = ("sine", "relu", "sigmoid", "tanh")


def data(d, k, frequencies, seed):
    """Return normalised singular values, one row a value."""
    draw = rk.initializers.KaimingUniform()
    factors = draw(d, d, k, seed=seed)
    full = rk.spectrum_of(draw(d, d, d, seed=seed).A).values
    out = {"omega": [], "function": [], "index": [], "value": []}
    for omega in frequencies:
        spectra = {"full rank": full, "none": rk.spectrum_of(factors).values}
        for name in ACTIVATIONS:
            rule = rk.rules.Sine(float(omega), gain=1.0) if name == "sine" else rk.rules.Activation(name, float(omega))
            spectra[name] = rk.spectrum_of(rule(factors)).values
        for name, sigma in spectra.items():
            kept = sigma[sigma > 1e-14 * sigma[0]]
            out["omega"] += [omega] * len(kept)
            out["function"] += [name] * len(kept)
            out["index"] += range(1, len(kept) + 1)
            out["value"] += list(kept / kept[0])
    return out


def draw(table):
    """Draw one panel a frequency, one line a function."""
    panels = rk.plots.panels_for(None, table["omega"].nunique(), (3.6, 2.8))
    for panel, (omega, rows) in zip(panels, table.groupby("omega"), strict=True):
        for color, (name, line) in zip(rk.plots.PALETTE, rows.groupby("function", sort=False), strict=False):
            panel.plot(line["index"], line["value"], color=color, label=name, linewidth=1.2)
        panel.set(xlabel="index of the singular value", yscale="log", ylim=(1e-6, 2), title=f"ω = {omega}")
    panels[-1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    panels[0].set_ylabel("σ / σ₁")
    return panels[0].figure
