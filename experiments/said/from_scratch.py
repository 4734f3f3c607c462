"""What the page "Low rank from scratch" and the captions of its figures have to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.grid.statistics import LEVEL
from experiments.said.phrases import Said, bears_out, say, word
from experiments.said.tables import every, row, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["of_from_scratch", "of_images_caption", "of_shape_caption"]

SHAPE, VISION = "shape/small", "vision/small"
OMEGA = {1: 200, 2: 100, 5: 50, 20: 20}  # of the paper's table 13, by rank
DIGITS = {1: 500, 5: 500, 30: 300}  # of its table 9
FEW = 0.5  # an IoU below it is a training that failed
PAPERS_RATE = 1e-3


def gap(place: str, against: str, digits: int = 3, **cell: Any) -> list[str]:
    """Return the sine's score less that of another kind: mean, low, high."""
    found = row(table(place, "differences"), **cell, sine_less=against)
    return [f"{found[name]:.{digits}f}" for name in ("difference", "low", "high")]


def shape(against: str, rank: int, digits: int = 3) -> list[str]:
    """Return the difference in IoU at a rank and its frequency."""
    return gap(SHAPE, against, digits, rank=rank, omega=OMEGA[rank])


def digits(against: str, rank: int) -> list[str]:
    """Return the difference in accuracy on the digits at a rank and its frequency."""
    return gap(VISION, against, data="digits", rank=rank, omega=DIGITS[rank])


def garments(against: str) -> list[str]:
    """Return the difference in accuracy on the garments."""
    return gap(VISION, against, data="fashion", rank=1, omega=500)


def cell(kind: str, rank: int) -> dict[Any, Any]:
    """Return the shape's cell of a kind at a rank and its frequency."""
    omega = 0 if kind in ("full", "low rank") else OMEGA[rank]
    return row(table(SHAPE, "cells"), kind=kind, rank=rank, omega=omega)


def image(data: str, kind: str, rank: int, omega: int) -> dict[Any, Any]:
    """Return a cell of the images."""
    return row(table(VISION, "cells"), data=data, kind=kind, rank=rank, omega=omega)


def half(found: dict[Any, Any], score: str) -> float:
    """Return half of the width of a score's interval."""
    return (found[f"{score}_high"] - found[f"{score}_low"]) / 2


def tuned(kind: str) -> pd.Series[float]:
    """Return the tuning runs' IoU at rank 1 by rate."""
    rows = table(SHAPE, "tuning")
    chosen = rows[(rows["kind"] == kind) & (rows["rank"] == 1) & rows["omega"].isin([0, OMEGA[1]])]
    return chosen.set_index("rate")["iou"]


def small(place: str) -> pd.DataFrame:
    """Return the comparisons that stay below 5 % after Holm's correction."""
    rows = table(place, "differences")
    return rows[rows["p_holm"] < LEVEL]


def of_from_scratch() -> list[Said]:
    """Return what the page has to say."""
    seeds = word(cell("sine", 1)["seeds"]), word(image("digits", "sine", 1, 500)["seeds"])
    return [
        say("has the best of four learning rates, 3·10⁻⁴ to 10⁻², in one"),
        say("{} seeds follow for the shape and {} for the images", seeds[0].capitalize(), seeds[1]),
        *_of_shape(), *_of_images(),
    ]  # fmt: skip


def _of_shape() -> list[Said]:
    plan, full, error = every(SHAPE), cell("full", 0), cell("sine", 2)["predicted_rank_error"]
    sine, low = tuned("sine"), tuned("low rank")
    runs = table(SHAPE, "runs")
    twins = runs[(runs["kind"] == "matched twin") & (runs["rank"] == 1) & (runs["omega"] == OMEGA[1])]["iou"]
    norms = [cell("twin", rank)["frobenius_norm_start"] / cell("sine", rank)["frobenius_norm_start"] for rank in OMEGA]
    better = [f"{-float(value):.3f}" for value in shape("frozen", 1)]
    start, end = ([cell("sine", rank)[f"numerical_rank_{when}"] for rank in OMEGA] for when in ("start", "end"))
    predicted = [cell("sine", rank)["predicted_rank"] for rank in OMEGA]
    named = {
        (20, "low rank"),
        (20, "matched twin"),
        (20, "frozen"),
        (2, "full"),
        (1, "twin"),
        (5, "twin"),
        (20, "twin"),
    }
    found = set(small(SHAPE)[["rank", "sine less"]].itertuples(index=False, name=None))
    bears_out(found == named, "and three of those from the twin stay below 5 %")
    bears_out(low.idxmax() == max(low.index), "low rank's best is the largest that was tried")
    bears_out(abs(start[1] - predicted[1]) < error, "All four lie in the law's interval")
    return [
        say("which cells of a {}³ grid the Stanford bunny fills", plan["cells"]),
        say("The network has a layer of width {}", plan["width"]),
        say("Here are {} steps of {} points", plan["steps"], plan["batch"]),
        say("The Gaussian's width, {}, is not printed", plan["spread"]),
        say(
            "The full layer has {:,} parameters and {:.3f} ± {:.3f}", full["parameters"], full["iou_mean"],
            half(full, "iou"),
        ),
        say("At rank 1 the sine is {} ({} to {}) above low rank", *shape("low rank", 1)),
        say(
            "differences at ranks 2, 5 and 20 are {} ({} to {}), {} ({} to {}) and {} ({} to {})",
            *shape("low rank", 2), *shape("low rank", 5), *shape("low rank", 20),
        ),
        say(
            "In the tuning runs at rank 1 the paper's rate gives the sine {:.3f} and low rank {:.3f}",
            sine[PAPERS_RATE], low[PAPERS_RATE],
        ),
        say("At the best of four rates it is {:.3f} and {:.3f}; low rank's best", sine.max(), low.max()),
        say(
            "from rank 5 on. There the sine is {} ({} to {}) and {} ({} to {}) above it at ranks 5 and 20.",
            *shape("matched twin", 5), *shape("matched twin", 20, 4),
        ),
        say(
            "At rank 1 the matched twin fails for {} seed of {} and reaches {:.2f} for the others",
            word(int((twins < FEW).sum())), word(len(twins)), twins[twins >= FEW].mean(),
        ),
        say("begins with weights up to {:.0f} times the sine's", max(norms)),
        say(
            "has an IoU of {:.3f} at rank 1, which is {} ({} to {}) above the trained sine",
            cell("frozen", 1)["iou_mean"], better[0], better[2], better[1],
        ),
        say("At rank 20 it is {} ({} to {}) below it", *shape("frozen", 20)),
        say("at ranks 1 and 2 the gain over low rank needs no trained factors, and from rank 5 on"),
        say("the differences at rank 20 from low rank, matched twin and frozen, that at rank 2 from the full layer"),
        say(
            "{:.1f}, {:.1f}, {:.1f} and {:.1f} at the four settings; measured are {:.1f}, {:.1f}, {:.1f} and {:.1f}",
            *predicted, *start,
        ),
        say("All four lie in the law's interval, which is {:.1f} ± {:.1f} for the second", predicted[1], error),
        say("moves the rank to {:.0f} at rank 1 and not at all at ranks 5 and 20", end[0]),
        say("One mesh at {}³", plan["cells"]),
        # of the paper, and of a trial
        say("where the paper prints 22.8K and its own percentage gives 22.3K"), say("for rank 20,"),
        say("We use frequency [200, 100, 50, 20] for ranks [1, 2, 5, 20]"),
        say("where the paper prints 0.042 to 0.114"), say("where the full layer did better at 0.05"),
        say("The paper has 512³ cells of three other meshes, 200 epochs and one learning rate of 10⁻³"),
        say("separate about 0.01 where no run fails"), say("above all for low rank at rank 1"),
    ]  # fmt: skip


def _of_images() -> list[Said]:
    plan, few = every(VISION), small(VISION)
    full = {name: image(name, "full", 0, 0) for name in ("digits", "fashion")}
    share = full["digits"]["accuracy_mean"]
    omegas = [image("digits", "sine", 1, omega)["accuracy_mean"] for omega in (10, 100, 500, 700)]
    return [
        say("A vision transformer of width {} with two blocks", plan["width"]),
        say("(1797 images of 8 × 8 pixels; {} to train on, {} to tune with", plan["train"], plan["validation"]),
        say("500 always the same to test on) in {} steps of {} images", plan["steps"], plan["batch"]),
        say("MLPs of width 256"), say("Ranks 1, 5 and 30 have the frequencies of table 9 for the smaller"),
        say("transformer: 500, 500 and 300"), say("8000 garments of Fashion-MNIST (28 × 28 pixels"),
        say("tested on its 10,000) at rank 1"), say("also in {} steps", plan["steps"]),
        say(
            "The full layers have {:.3f} ± {:.3f} on digits and {:.3f} ± {:.3f} on garments",
            *(value for found in full.values() for value in (found["accuracy_mean"], half(found, "accuracy"))),
        ),
        say("The paper has models of width 384 and 768, CIFAR-100 and ImageNet, and 200 and 300 epochs"),
        say("At width {} the same frequency makes phases 2.4 times as large", plan["width"]),
        say(
            "the root mean square of ω B A is {:.0f} radians at ω = 500",
            image("digits", "sine", 1, 500)["rms_phase_start"],
        ),
        say(
            "On the digits the sine less low rank is {} ({} to {}) at rank 1, {} ({} to {}) at rank 5 and {} ({} to {})"
            " at rank 30. On garments it is {} ({} to {}).",
            *digits("low rank", 1), *digits("low rank", 5), *digits("low rank", 30), *garments("low rank"),
        ),
        say(
            "Against its matched twin the sine has {} ({} to {}), {} ({} to {}) and {} ({} to {}) on digits, and {} ({}"
            " to {}) on garments.", *digits("matched twin", 1), *digits("matched twin", 5), *digits("matched twin", 30),
            *garments("matched twin"),
        ),
        say("{} of the {} comparisons", word(len(few)).capitalize(), len(table(VISION, "differences"))),
        say("the difference is {} ({} to {}) on digits at rank 1", *digits("frozen", 1)),
        say("From ω = 10 to 700 the sine at rank 1 has {:.3f}, {:.3f}, {:.3f} and {:.3f}", *omegas),
        say("in a row did not fail at rank 1"), say("Rank 1 is as good as full layers"),
        say("On garments {} steps are not two epochs", plan["steps"]),
        say("one draw of 500 digits, whose own standard error is {:.3f}", (share * (1 - share) / 500) ** 0.5),
    ]  # fmt: skip


def of_shape_caption() -> list[Said]:
    """Return what the caption of the figure sine_table13_trained has to say."""
    seeds = word(cell("sine", 1)["seeds"])
    return [
        say("which of {}^3 cells the Stanford bunny fills", every(SHAPE)["cells"]),
        say("at the paper's ranks 1, 2, 5 and 20 and frequencies 200, 100, 50 and 20"),
        say("Means of {} seeds with", seeds), say("what lies below 0.86 is in the data alone"),
        say("rank 1 at other frequencies, one seed each but at 200"), say("The paper has 512^3 cells of other meshes"),
        say("the sine's gain over low rank at rank 1 is {} ({} to {})", *shape("low rank", 1)),
        say("where the paper prints 0.042 to 0.114"), say("does better at ranks 1 and 2, and worse at 5 and 20"),
        say("At rank 1 the linear twin fails for one of {} seeds", seeds),
    ]  # fmt: skip


def of_images_caption() -> list[Said]:
    """Return what the caption of the figure sine_fig4_trained has to say."""
    kinds = (("low rank", 1, 0), ("sine", 1, 500), ("full", 0, 0))
    means = [image("digits", *kind)["accuracy_mean"] for kind in kinds]
    return [
        say("small vision transformers (width {}, two blocks)", every(VISION)["width"]),
        say("with the frequencies 500, 500 and 300 of the paper's table 9"), say("the digits at rank 1 against"),
        say("Fashion-MNIST at rank 1, omega = 500"),
        say("Means of {} seeds with", word(image("digits", "sine", 1, 500)["seeds"])),
        say("Here rank 1 is enough for the digits:"),
        say("low rank has {:.3f}, the sine {:.3f} and the full layer {:.3f}", *means),
        say("and the sine less low rank is {} ({} to {})", *digits("low rank", 1)),
        say("{} of the {} comparisons", word(len(small(VISION))).capitalize(), len(table(VISION, "differences"))),
    ]  # fmt: skip
