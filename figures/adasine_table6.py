"""AdaSine, table 6: memory and time of three forms of the update against size, measured."""

import time
import tracemalloc

import numpy as np

import rankkit as rk

TITLE = "Memory and time of three forms (AdaSine, table 6)"
SHOWS = (
    "Three forms of the update process a batch of 16 tokens x with r = 8 on one core: sin(w B A) x with the mean w "
    "of all w(x), sin(w(x) B A) x, and sin(w(x) B A x). The left panel shows the largest memory that each form "
    "holds, and the right panel shows its time, both against d."
)
COMPARED = (
    "As table 6 of the paper says, the second form needs most, because it makes one d x d matrix per token. At d = "
    "1024 it holds 268 MB, which are 16 matrices in a list and the same matrices stacked in one array. The third "
    "form makes no d x d matrix and holds 0.3 MB. For the measured times see the timing table, "
    "adasine_table6_timing.csv."
)
ARGUMENTS = {"sizes": [64, 128, 256, 512, 1024], "r": 8, "tokens": 16, "seed": 0}
QUICK = {"sizes": [64, 128, 256]}
FORMS = ("sin(w BA) x", "sin(w(x) BA) x", "sin(w(x) BA x)")


def forward(form, B, A, x, w):
    """Return the output of one form for tokens x (n, t) and their frequencies w (t,)."""
    if form == FORMS[0]:
        return np.sin(w.mean() * (B @ A)) @ x
    if form == FORMS[1]:
        return np.stack([np.sin(w_t * M) for w_t, M in zip(w, [B @ A] * len(w), strict=True)]) @ x.T[:, :, None]
    return np.sin(w * (B @ (A @ x)))


def drawn(d, r, tokens, seed):
    """Return factors, tokens and frequencies."""
    factors, rng = rk.initializers.KaimingUniform()(d, d, r, seed=seed), np.random.default_rng(seed)
    return factors.B, factors.A, rng.standard_normal((d, tokens)), rng.uniform(0, 400, tokens)


def data(sizes, r, tokens, seed):
    """Return the peak of numpy's memory above its inputs, one row a form and size, in kilobytes of 1000."""
    out = {"form": [], "d": [], "kilobytes": []}
    for d in sizes:
        parts = drawn(d, r, tokens, seed)
        for form in FORMS:
            tracemalloc.start()
            forward(form, *parts)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            out["form"].append(form)
            out["d"].append(d)
            out["kilobytes"].append(round(peak / 1000))
    return out


def timing(sizes, r, tokens, seed):
    """Return the least of five times, in milliseconds."""
    out = {"form": [], "d": [], "milliseconds": []}
    for d in sizes:
        parts = drawn(d, r, tokens, seed)
        for form in FORMS:
            times = []
            for _ in range(5):
                start = time.perf_counter()
                forward(form, *parts)
                times.append(time.perf_counter() - start)
            out["form"].append(form)
            out["d"].append(d)
            out["milliseconds"].append(1e3 * min(times))
    return out


def draw(table, timing):
    """Draw memory left and time right against d, one line a form."""
    panels = rk.plots.panels_for(None, 2, (3.7, 2.9))
    for panel, rows, column in zip(panels, (table, timing), ("kilobytes", "milliseconds"), strict=True):
        for color, (form, line) in zip(rk.plots.PALETTE, rows.groupby("form", sort=False), strict=False):
            panel.plot(line["d"], line[column], color=color, marker="o", markersize=3, label=form, linewidth=1.2)
        panel.set(xscale="log", yscale="log", xlabel="d")
        panel.set_xticks(sorted(set(rows["d"])), [str(d) for d in sorted(set(rows["d"]))])
        panel.minorticks_off()
    panels[0].set_ylabel("peak memory  [kB]")
    panels[1].set_ylabel("time, least of five  [ms]")
    panels[0].legend(fontsize=7, loc="upper left")
    return panels[0].figure
