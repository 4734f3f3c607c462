"""What the pages on the text experiment and the captions of its figures have to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.grid.statistics import LEVEL, mean_interval
from experiments.said.phrases import Said, bears_out, say, word
from experiments.said.tables import every, idle, row, seconds, table
from experiments.text.methods import OMEGA0

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["of_frequencies", "of_methods", "of_ranks", "of_stable_ranks", "of_text_methods", "of_two_texts"]

TEXT, FREQUENCY = "text/ranks", "text/frequency"
RANKS = (1, 4, 8)
PRINTED = ("lr_lora_sinc", "lr_lora_gaussian", "lr_lora_bspline")  # LR-LoRA, started as printed
SINC = PRINTED[0]
ROUNDING = 1e-5  # of the norm of B: beyond it the factor has left its start
FAILED = 0.3  # accuracy: the frequent class alone is less than that; every other training is far above


def of_rank(name: str, rank: int) -> pd.DataFrame:
    """Return a table that there is for every rank."""
    return table(TEXT, f"{name}_rank{rank}")


def gap(rank: int, method: str, against: str = "lora") -> list[str]:
    """Return the difference in accuracy of two methods in points: mean, low, high."""
    found = row(of_rank("differences", rank), method=method, against=against)
    return [f"{100 * found[name]:+.1f}" for name in ("mean", "low", "high")]


def gaps(method: str, against: str = "lora") -> list[str]:
    """Return the differences at all ranks, one after the other."""
    return [value for rank in RANKS for value in gap(rank, method, against)]


def told(rank: int) -> set[tuple[str, str]]:
    """Return the comparisons at a rank that are not 0 after the correction."""
    found = of_rank("differences", rank)
    return {(one["method"], one["against"]) for one in found[found["p_holm"] < LEVEL].to_dict("records")}


def seen() -> list[float]:
    """Return what the design sees at each rank, in points: the median of the comparisons."""
    return [100 * float(of_rank("differences", rank)["detectable"].median()) for rank in RANKS]


def spread(rank: int, method: str, of: str = "update") -> list[Any]:
    """Return the spread of a method's stable ranks, LoRA's, their difference with its interval, and its p-value."""
    found = row(of_rank("spreads", rank), method=method, of=of)
    return [f"{found[name]:.2f}" for name in ("spread", "lora_spread", "difference", "low", "high")] + [found["p_holm"]]


def standing(rank: int, method: str, column: str) -> float:
    """Return where a method's trained modules stand."""
    return row(of_rank("standing", rank), method=method)[column]


def trained(method: str, **settings: Any) -> pd.DataFrame:
    """Return the runs of a method under AdamW."""
    runs = table(TEXT, "runs")
    for name, value in {"method": method, "optimizer": "adamw", **settings}.items():
        runs = runs[runs[name] == value]
    return runs


def comparisons(name: str = "differences") -> int:
    """Return how many comparisons were corrected together."""
    return sum(len(of_rank(name, rank)) for rank in RANKS)


def sinter() -> float:
    """Return how far Sinter is from LoRA at most, in points."""
    return max(abs(float(gap(rank, "loran_sinter")[0])) for rank in RANKS)


def failed() -> int:
    """Return how many trainings of LR-LoRA with Gaussians end at the most frequent class."""
    return int((trained("lr_lora_gaussian")["test"] < FAILED).sum())


def phase(rank: int) -> float:
    """Return the median over sine-LoRA's trained modules and runs of the rms phase."""
    rows, runs = table(TEXT, "trajectory"), trained("sine_lora", rank=rank)
    mine = rows["run"].isin(runs["run"]) & (rows["step"] == runs["steps"].iloc[0])
    return float(rows[mine]["rms_phase"].median())


def start(optimizer: str) -> Any:
    """Return the largest norm of an LR-LoRA's B by step, of the starts as printed."""
    rows, runs = table(TEXT, "trajectory"), table(TEXT, "runs")
    mine = runs[runs["method"].isin(PRINTED) & (runs["optimizer"] == optimizer)]["run"]
    return rows[rows["run"].isin(mine)].groupby("step")["b_norm"].max()


def omegas(method: str) -> list[str]:
    """Return the accuracies of a method in %, by frequency."""
    rows = table(FREQUENCY, "omega_rank4")
    return [f"{100 * value:.1f}" for value in rows[rows["method"] == method].sort_values("omega")["accuracy"]]


def of_methods() -> list[Said]:
    """Return what the page "Five methods, one task" has to say."""
    plan, against = every(TEXT), ("lora", "lora_at_sine_scale")
    neither = not any(("sine_lora", other) in told(rank) for rank in RANKS for other in against)
    bears_out(neither, "it can be told from neither at any rank")
    stars = {(rank, method) for rank in RANKS for method, _ in told(rank)}
    named = {(rank, method) for rank in (4, 8) for method in (SINC, "lr_lora_bspline")}
    named |= {(4, "adalora"), (8, "adasine"), (8, "rslora")}
    bears_out(
        stars == named, "those of both at ranks 4 and 8, AdaLoRA's at rank 4, and AdaSine's and rsLoRA's at rank 8"
    )
    zero, descent = start("adamw"), start("sgd")
    bears_out(zero[4] < ROUNDING < zero[16], "zero but for rounding for the first four steps")
    bears_out(descent.max() < ROUNDING, "under plain gradient descent to the last one")
    wide = {rank: spread(rank, SINC) for rank in (4, 8)}
    edges = [row(of_rank("accuracy", 8), method=method)["rate_at_edge"] for method in ("adasine", "rslora")]
    bears_out(all(edges), "which both ran at the smallest rate that they tried")
    bears_out(min(wide[rank][5] for rank in wide) > LEVEL, "which is not told from zero after a correction")
    seeds = [word(trained("lora", rank=rank)["seed"].nunique()) for rank in RANKS]
    bears_out(len(set(seeds)) == 1, "With so many seeds")
    return [
        say("at ranks {}, {} and {}, to tell", *RANKS),
        say("Every training has {} steps on {} glosses", plan["steps"], plan["glosses"]),
        say("on {} validation glosses", plan["validation_glosses"]),
        say(
            "With {} seeds the plan sees differences of {:.1f}, {:.1f} and {:.1f} points at the three ranks "
            "four times in five", seeds[0], *seen(),
        ),
        say("Sine-LoRA less LoRA is {} points ({} to {}), {} ({} to {}) and {} ({} to {})", *gaps("sine_lora")),
        say(
            "less its linear twin, LoRA at the sine's scale of ω / √m, it is {} ({} to {}), {} ({} to {}) and {} ({} "
            "to {})", *gaps("sine_lora", "lora_at_sine_scale"),
        ),
        say("Sinter at the paper's amplitude is at most {:.1f} points from LoRA", sinter()),
        say("{} of the {} differences are not zero", word(sum(len(told(rank)) for rank in RANKS)), comparisons()),
        say(
            "LR-LoRA as it is printed is {}, {} and {} points from LoRA with sincs, and {}, {} and {} with B-splines",
            *gaps(SINC)[::3], *gaps("lr_lora_bspline")[::3],
        ),
        say("those of both at ranks 4 and 8, AdaLoRA's at rank 4, and AdaSine's and rsLoRA's at rank 8"),
        say(
            "With Gaussians {} of {} trainings end at the most frequent class", word(failed()),
            len(trained("lr_lora_gaussian")),
        ),
        say(
            "{:.0f}, {:.0f} and {:.0f} % of the update's squared norm are one constant",
            *(100 * standing(rank, SINC, "constant_share") for rank in RANKS),
        ),
        say("|z| reaches {:.2f} of a grid to 3", max(standing(rank, SINC, "largest_z") for rank in RANKS)),
        say("at rms phases of {:.2f}, {:.2f} and {:.2f} radians", *map(phase, RANKS)),
        say(
            "{:.0f} % of its update's squared norm at rank 4 are no multiple of B A",
            100 * standing(4, "sine_lora", "rest_share"),
        ),
        say(
            "(standard deviation {} against {} at rank 4, difference {}, {} to {}, and {} against {} at rank 8, {}, {} "
            "to {})", *wide[4][:5], *wide[8][:5],
        ),
        say("(p = {:.2g} and {:.2g})", wide[4][5], wide[8][5]),
    ]  # fmt: skip


def of_ranks() -> list[Said]:
    """Return what the page "The five methods by rank" has to say."""
    rows = table(FREQUENCY, "omega_rank4")
    words = rows[rows["method"] == "sine_lora"].set_index("omega")["predicted"].to_dict()
    law = {5: "linear", 20: "growing", 50: "growing", 200: "saturated", 800: "saturated"}
    bears_out(words == law, "linear at 5, growing at 20 and 50, saturated from 200 on")
    lora = seconds(TEXT).query("method == 'lora' and of == 'runs'")["seconds"].min()
    product = {rank: spread(rank, SINC, "product") for rank in (4, 8)}
    others = omegas("loran_sinter")
    bears_out(len(set(others)) == 1, "throughout")
    return [
        say("{} runs and {} tuning runs", len(table(TEXT, "runs")), len(table(TEXT, "tuning"))),
        say("{:.0f} minutes of workers' time", table(TEXT, "platform")["seconds"].sum() / 60),
        say("The fastest run with LoRA took {:.0f} seconds", lora),
        say("the plan would take {:.0f} minutes on two cores", idle(TEXT) / 2),
        say("corrected for all {} comparisons", comparisons()),
        say("for all {} comparisons of this table and of the updates without their mean", comparisons("spreads")),
        say(
            "{} and {} at ranks 4 and 8 (LoRA: {} and {})", *(product[rank][0] for rank in (4, 8)),
            *(product[rank][1] for rank in (4, 8)),
        ),
        say("A product of rank 1 has stable rank 1"),
        say("Sine-LoRA at ω = 5, 20, 50, 200 and 800 has {}, {}, {}, {} and {} %", *omegas("sine_lora")),
        say("its linear twin at the same scales {}, {}, {}, {} and {} %", *omegas("lora_at_sine_scale")),
        say("Sinter at ω = 10² to 10⁵ {} % throughout", others[0]),
        say("linear at 5, growing at 20 and 50, saturated from 200 on"),
        say("smaller than the {:.1f} points", seen()[1]),
    ]  # fmt: skip


def of_text_methods() -> list[Said]:
    """Return what the caption of the figure text_methods has to say."""
    plan = every(TEXT)
    return [
        say("on its query and value modules, at ranks {}, {} and {}", *RANKS), say("{} steps", plan["steps"]),
        say("the accuracy on {} test glosses", plan["test_glosses"]),
        say("The seeds see differences of {:.1f}, {:.1f} and {:.1f} points", *seen()),
        say("Sinter is at most {:.1f} points from LoRA", sinter()),
        say("At rank 4 AdaSine is {} points from LoRA ({} to {})", *gap(4, "adasine")),
        say("and LR-LoRA with sincs {} ({} to {})", *gap(4, SINC)),
        say("The triangles are {} trainings of LR-LoRA with Gaussians", word(failed())),
    ]  # fmt: skip


def of_stable_ranks() -> list[Said]:
    """Return what the caption of the figure lr_table4 has to say."""
    wide, product = ({rank: spread(rank, SINC, of) for rank in (4, 8)} for of in ("update", "product"))
    return [
        say("at ranks {}, {} and {}", *RANKS), say("at r = 32 after a whole training"),
        say("after {} steps", every(TEXT)["steps"]), say("near 1 and spread less than LoRA's"),
        say("rank 1, where a product has no spread"),
        say("{} against {} at rank 4 (difference {}, 95 % interval {} to {})", *wide[4][:5]),
        say("{} against {} at rank 8 ({}, {} to {})", *wide[8][:5]),
        say("p = {:.2g} and {:.2g} after Holm's correction", wide[4][5], wide[8][5]),
        say("spread by {} and {}", product[4][0], product[8][0]),
    ]  # fmt: skip


def of_frequencies() -> list[Said]:
    """Return what the caption of the figure adasine_fig11_trained has to say."""
    rows, steps = table(TEXT, "frequencies"), every(TEXT)["steps"]
    mine = rows[rows["run"].isin(trained("adasine", rank=4)["run"])]
    share = 100 * (mine["std"] / mine["mean"]).groupby(mine["step"]).median()
    return [
        say("of the tokens of 32 glosses"), say("at r = 4 and omega_0 = {:.0f}", OMEGA0), say("a bar from 5 to 95 %"),
        say("after {} steps", steps), say("their standard deviation is {:.0f} % of their mean", share[0]),
        say("After the training it is {:.0f} %", share[steps]),
    ]  # fmt: skip


def of_two_texts() -> list[Said]:
    """Return what the caption of the figure adasine_fig12_trained has to say."""
    steps = every(TEXT)["steps"]
    gaps, stds = {}, {}
    for step, then in table(TEXT, "two_texts_means").groupby("step"):
        by_text = then.pivot(index="seed", columns="text", values="mean")
        gaps[step] = [f"{value:+.1f}" for value in mean_interval(list(by_text["examples"] - by_text["glosses"]))]
        stds[step] = then.groupby("text")["std"].mean()
    widths = [stds[step][text] for text in ("glosses", "examples") for step in (0, steps)]
    return [
        say("400 glosses"), say("400 of WordNet's example sentences"), say("at r = 4 and omega_0 = {:.0f}", OMEGA0),
        say("after {} steps", steps),
        say("the mean on example sentences less that on glosses is {} ({} to {}) before the training", *gaps[0]),
        say("and {} ({} to {}) after it", *gaps[steps]),
        say("standard deviation over tokens grows from {:.0f} to {:.0f} on glosses", *widths[:2]),
        say("from {:.0f} to {:.0f} on the others", *widths[2:]),
    ]  # fmt: skip
