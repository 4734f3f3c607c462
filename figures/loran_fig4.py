"""LoRAN, figure 4: Sinter over amplitude and frequency."""

import numpy as np

import rankkit as rk

TITLE = "Sinter (LoRAN, figure 4)"
SHOWS = (
    "The left panel shows Sinter(x) = x + A x sin(omega x) for three pairs of amplitude A and frequency omega. The "
    "right panel shows the slope of Sinter for the paper's values A = 5e-5 and omega = 1e4, over the range of "
    "trained entries."
)
COMPARED = (
    "As the paper says, the amplitude sets the height of the wave, and omega sets how fast the wave oscillates. At "
    "the paper's own values the graph of the function cannot be distinguished from that of x by eye, but at |x| = "
    "0.05 its slope already varies by 2.5 %."
)
ARGUMENTS = {"settings": [[0.3, 5.0], [0.3, 20.0], [0.1, 20.0]], "points": 801, "small": 0.05}


def data(settings, points, small):
    """Return the functions on [-2, 2], and the paper's slope on [-small, small]."""
    x = np.linspace(-2, 2, points)
    out = {"x": x}
    for amplitude, omega in settings:
        out[f"A = {amplitude:g}, ω = {omega:g}"] = x + amplitude * x * np.sin(omega * x)
    t = np.linspace(-small, small, points)
    out["t"] = t
    out["slope"] = 1 + 5e-5 * (np.sin(1e4 * t) + 1e4 * t * np.cos(1e4 * t))
    return out


def draw(table):
    """Draw the functions left, the slope right."""
    left, right = rk.plots.panels_for(None, 2, (3.6, 2.8))
    for color, name in zip(rk.plots.PALETTE, [c for c in table if c.startswith("A =")], strict=False):
        left.plot(table["x"], table[name], color=color, label=name, linewidth=1.1)
    left.set(xlabel="x", ylabel="Sinter(x)")
    left.legend(fontsize=7)
    right.plot(table["t"], table["slope"], color=rk.plots.PALETTE[0], linewidth=0.6)
    right.set(xlabel="x", ylabel="slope of Sinter", title="A = 5e-5, ω = 1e4")
    return left.figure
