"""AdaSine, figure 10 (a): singular values of a low-rank product under several nonlinearities."""

import rankkit as rk

TITLE = "Nonlinearities: spectra (AdaSine, figure 10 (a))"
SHOWS = (
    "Singular values of phi(400 B A), divided by the largest, for several nonlinearities phi. The matrix is 512 x "
    "512 with r = 2 and Kaiming factors."
)
COMPARED = (
    "The paper calls the sine uniquely effective. The singular values of the sine are far larger than those of the "
    "other functions here. Sigmoid, tanh, GELU and ReLU raise the rank above 2 as well."
)
ARGUMENTS = {"d": 512, "r": 2, "omega": 400, "functions": ["sine", "relu", "gelu", "sigmoid", "tanh"], "seed": 0}
QUICK = {"d": 128}


def data(d, r, omega, functions, seed):
    """Return normalised singular values, one row a value."""
    factors = rk.initializers.KaimingUniform()(d, d, r, seed=seed)
    out = {"function": [], "index": [], "value": []}
    for name in functions:
        rule = rk.rules.Sine(float(omega), gain=1.0) if name == "sine" else rk.rules.Activation(name, float(omega))
        sigma = rk.spectrum_of(rule(factors)).values
        out["function"] += [name] * len(sigma)
        out["index"] += range(1, len(sigma) + 1)
        out["value"] += list(sigma / sigma[0])
    return out


def draw(table):
    """Draw one line a function."""
    (panel,) = rk.plots.panels_for(None, 1, (4.2, 3.0))
    for color, (name, line) in zip(rk.plots.PALETTE, table.groupby("function", sort=False), strict=False):
        panel.plot(line["index"], line["value"], color=color, label=name, linewidth=1.2)
    panel.set(xlabel="index of the singular value", ylabel="σ / σ₁", yscale="log", ylim=(1e-8, 2))
    panel.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    return panel.figure
