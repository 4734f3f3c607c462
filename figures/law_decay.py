"""Ours: how singular values fall, for a sine, an analytic function, a kink and a jump, with the derived slopes."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd

import rankkit as rk
from rankkit.law import decay_power, strip_rate

TITLE = "Why a sine raises what a ReLU does not"
SHOWS = (
    "Singular values of phi(omega B A) over their index, divided by the largest, for Kaiming factors at 512 x 512 and "
    "a standard deviation of omega B A of 5 rad. The index at a height is the number of values above that threshold. "
    "The thick lines are geometric means over seeds. The thin black lines have the derived slopes, which stand "
    "above each panel. Nothing in them is fitted: each goes through one measured value, the second one of tanh and the "
    "24th one of ReLU and of the sign. The vertical line is the number of large values that the volume of phase space "
    "gives for the sine, (2 c / pi)^r / 2. At the right end the values fall faster, because the matrix has only 512 "
    "rows. At r = 2 two rows have the same signs, or opposite ones, if no column is orthogonal to a direction between "
    "theirs; so the sign has only about 256 values there."
)
COMPARED = (
    "The papers compare nonlinearities by experiment. The values of the sine are about equal up to the dotted line, "
    "which moves to the right with omega, and then fall faster than any exponential. Those of tanh fall exponentially "
    "at r = 1, where ReLU has only two values and the sign one. For r > 1 the values of ReLU and of the sign fall like "
    "a power of the index almost from the first on, whatever omega is. At r = 4 and this size, ReLU is still steeper "
    "than its power, which holds for large matrices."
)
ARGUMENTS = {"d": 512, "ranks": [1, 2, 4], "std": 5.0, "seeds": 5}
QUICK = {"d": 128, "seeds": 2}
# name -> phi of omega x, and which derivative jumps at zero (None: none does)
KINDS = {
    "sine": (lambda omega: rk.rules.Sine(omega, gain=1.0), None),
    "tanh": (lambda omega: rk.rules.Activation("tanh", omega=omega), None),
    "ReLU": (lambda omega: rk.rules.Activation("relu", omega=omega), 1),
    "sign": (lambda omega: rk.rules.Elementwise(np.sign, lipschitz=0.0), 0),  # rounding moves no entry but zero
}
STYLES = dict(zip(KINDS, ("-", "--", "-.", (0, (1, 1))), strict=True))
LEAST = 1e-12  # of the largest value: what is smaller is rounding
SECOND, LATER = 2, 24  # where the lines meet the measured values
SHOWN = 1e-6  # of the largest value, for r > 1
POINTS = 120


def data(d, ranks, std, seeds):
    """Return measured values and the lines with derived slopes, one row an index, function and r."""
    return pd.concat([_kind(name, d, r, std, seeds) for r in ranks for name in KINDS])


def _kind(name, d, r, std, seeds):
    rule, jumps = KINDS[name]
    law = rk.initializers.KaimingUniform()
    omega = std * d**0.5 / 2  # of Kaiming factors, B A has the standard deviation 2 / sqrt(d)
    drawn = [rk.spectrum_of(rule(omega)(law(d, d, r, seed=seed))).values for seed in range(seeds)]
    values = np.exp(np.mean([np.log(np.maximum(one / one[0], 1e-300)) for one in drawn], axis=0))
    index = np.unique(np.geomspace(1, d, POINTS).round())
    c = omega * math.sqrt(6 / r) * math.sqrt(6 / d)
    slope, line = np.nan, np.full(index.size, np.nan)
    if name == "tanh" and r == 1:
        slope = strip_rate(math.pi / 2, c)
        line = values[SECOND - 1] * np.exp(-slope * (index - SECOND))
    elif jumps is not None and r > 1:
        slope = decay_power(jumps, r)
        line = values[LATER - 1] * (index / LATER) ** -slope
    columns = {"phi": name, "r": r, "c": c, "index": index, "value": values[index.astype(int) - 1]}
    rows = pd.DataFrame(columns | {"slope": slope, "line": line})
    return rows[rows["value"] > LEAST]


def draw(table):
    """Draw one panel for each r, the first with a linear axis."""
    ranks = table["r"].unique()
    panels = rk.plots.panels_for(None, len(ranks), (1.9, 2.6))
    for panel, r in zip(panels, ranks, strict=True):
        rows = table[table["r"] == r]
        slopes = []
        for color, (name, style) in zip(rk.plots.PALETTE, STYLES.items(), strict=False):
            one = rows[rows["phi"] == name]
            few = "o" if len(one) < SECOND + 1 else None
            panel.plot(
                one["index"], one["value"], color=color, linestyle=style, linewidth=1.6, label=name, marker=few, ms=4
            )
            panel.plot(one["index"], one["line"], color="#000000", linewidth=0.8)
            if (slope := one["slope"].iloc[0]) > 0:
                power = Fraction(slope).limit_denominator(10)
                slopes.append(f"$e^{{-{slope:.2f}k}}$ ({name})" if r == 1 else f"$k^{{-{power}}}$ ({name})")
        panel.axvline((2 * rows["c"].iloc[0] / math.pi) ** r / 2, color="#888888", linewidth=1.0, linestyle=":")
        panel.set(yscale="log", xscale="linear" if r == 1 else "log", xlabel="index k")
        panel.set_title(f"r = {r}\n{', '.join(slopes)}", fontsize=8)
        if r > 1:
            panel.set_ylim(SHOWN, 2.0)
    panels[0].set_ylabel("σₖ / σ₁")
    panels[0].legend(fontsize=7, loc="upper right")
    return panels[0].figure
