"""What trainings of ours measured of the papers' statements on trained adapters and layers.

The numbers are in measured.csv. `python -m experiments.evidence` makes it from the committed results of experiments/.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rankkit.claims import Claim, Measured

MEASURED = Path(__file__).with_name("measured.csv")
RANKS = (1, 4, 8)


def text(rank: int = 4) -> str:
    """Return the design of the text experiment at one rank."""
    return (
        f"MiniLM-L6, rank {rank} on query and value, 60 steps of AdamW on 1920 short glosses of WordNet, at the best "
        "of four learning rates; the paper has larger models and longer trainings, which this says nothing of."
    )


TEXT = text()
SHAPE = (
    "The Stanford bunny on 64^3 cells, two hidden layers of 256, 800 steps of Adam at the best of four learning rates, "
    "where the paper has other meshes, 512^3 cells, 200 epochs and one rate."
)
IMAGES = (
    "A transformer of width 64 with two blocks, 300 steps of Adam at the best of four learning rates; the paper has "
    "widths of 384 and 768, CIFAR-100 and ImageNet, and hundreds of epochs."
)


def trained(name: str, statement: str, paper: str, location: str, reading: str, argument: str = "") -> Claim:
    """Return a claim whose measurement is the row of measured.csv with its id."""
    return Claim(
        name, statement, paper, location, "trained", reading=reading, argument=argument,
        measure=partial(Measured.read, MEASURED, name),
    )  # fmt: skip


def by_rank(
    name: str, statement: str, paper: str, location: str, reading: str, argument: str = "",
    ranks: tuple[int, ...] = RANKS,
) -> list[Claim]:  # fmt: skip
    """Return the claim at rank 4, and at other ranks, which the name then ends with."""
    return [
        trained(
            name if rank == 4 else f"{name}.rank{rank}", f"{statement}, r = {rank}", paper, location,
            f"{reading} {text(rank)}".strip(), argument,
        )
        for rank in ranks
    ]  # fmt: skip


def shape(rank: int, omega: int) -> Claim:
    """Return the claim of table 13 at one rank."""
    return trained(
        f"sine.trained.shape.{rank}",
        f"a sine of low-rank layers fits a shape better than low rank, k = {rank}: the difference in IoU",
        "sine_lora", "table 13", f"omega = {omega}. {SHAPE}",
    )  # fmt: skip


def images(data: str, rank: int, omega: int) -> Claim:
    """Return the claim of figure 4 at one rank."""
    return trained(
        f"sine.trained.{data}.{rank}",
        f"sine low-rank MLPs classify {data} better than low rank, k = {rank}: the difference in accuracy",
        "sine_lora", "section 4.2, figure 4", f"omega = {omega}. {IMAGES}",
        "Rank 1 is about as good as full layers here, so that there is little for a sine to gain.",
    )  # fmt: skip


# fmt: off
CLAIMS = [
    *by_rank(
        "sine.trained.lora", "sine-LoRA is more accurate than LoRA of its rank: the difference in accuracy",
        "sine_lora", "section 4.1, tables 1 and 2", "omega = 200.",
    ),
    *by_rank(
        "sine.trained.twin", "sine-LoRA is more accurate than LoRA at its scale: the difference in accuracy",
        "sine_lora", "section 4.1, tables 1 and 2",
        "Ours. LoRA with the scale omega / m^(1/2), which sine-LoRA equals while omega B A is small.",
        "What the sine adds to its scale; the papers' tables compare with LoRA's own scale alone.",
    ),
    trained(
        "sine.trained.phase", "where trained sine modules stand: the root mean square of omega B A, in radians",
        "sine_lora", "section 3.2.2", f"Ours. Kaiming factors 384 x 384 of rank 4 would be at 20. omega = 200. {TEXT}",
        "A trained B begins at 0 and its module on the line sin z = z; how far it goes is set by rate and steps.",
    ),
    *(shape(rank, omega) for rank, omega in ((1, 200), (2, 100), (5, 50), (20, 20))),
    trained(
        "sine.trained.shape.frozen", "training a sine's factors improves the fit, k = 1: the difference in IoU",
        "sine_lora", "table 13", f"Ours. Against a sine whose factors stay as they were drawn. omega = 200. {SHAPE}",
    ),
    *(images("digits", rank, omega) for rank, omega in ((1, 500), (5, 500), (30, 300))),
    images("garments", 1, 500),
    trained(
        "ada.trained.fig11", "omega(x) differs between tokens after a training: standard deviation over mean",
        "adasine_lora", "appendix A.3.4, figure 11", f"Over the tokens of 32 glosses. {TEXT}",
        "It differs before the training already (ada.trained.fig11.start), since W_omega is drawn at random.",
    ),
    trained(
        "ada.trained.fig11.start", "omega(x) differs between tokens before a training: standard deviation over mean",
        "adasine_lora", "appendix A.3.4, figure 11", f"Ours: what of figure 11 is there without any training. {TEXT}",
    ),
    trained(
        "ada.trained.fig12", "omega(x) is higher on one kind of text than on another after a training: relative "
        "difference of the means", "adasine_lora", "appendix A.3.4, figure 12",
        f"WordNet's example sentences against its glosses, 400 each; the paper has two benchmarks. {TEXT}",
        "ada.trained.fig12.start has the same before the training. The paper's two tasks differ more than these texts.",
    ),
    trained(
        "ada.trained.fig12.start", "omega(x) is higher on one kind of text than on another before a training: relative "
        "difference of the means", "adasine_lora", "appendix A.3.4, figure 12",
        f"Ours: what of figure 12 is there without any training. {TEXT}",
    ),
    *by_rank(
        "lr.trained.lora", "LR-LoRA is more accurate than LoRA of its rank: the difference in accuracy",
        "lr_lora", "section 4.2, table 1", "The sinc basis, started as printed.",
        "In 60 steps phi and the factors leave their start late. A start around the identity is another row of "
        "docs/results/five-methods.md.",
    ),
    *by_rank(
        "lr.trained.spread", "LR-LoRA's stable ranks spread more over the modules than LoRA's: the difference of the "
        "standard deviations", "lr_lora", "section 4.4, table 4",
        "Of the update as applied. 12 modules against r = 32 and 24 layers.",
        "The updates are nearly one constant here (lr.trained.constant), and a constant matrix has stable rank 1.",
        ranks=(4, 8),
    ),
    *by_rank(
        "lr.trained.spread.product", "the products B A inside LR-LoRA spread more in stable rank than LoRA's: the "
        "difference of the standard deviations", "lr_lora", "section 4.4, table 4",
        "Ours: whether a spread is phi's doing or the factors'.", ranks=(4, 8),
    ),
    *by_rank(
        "lr.trained.spread.sine", "sine-LoRA's stable ranks spread about as much as LoRA's: the difference of the "
        "standard deviations", "lr_lora", "section 4.4, table 4", "omega = 200.", ranks=(4, 8),
    ),
    trained(
        "lr.trained.constant", "how much of LR-LoRA's trained update is one constant: share of its squared norm",
        "lr_lora", "appendix E.1", f"Ours. In the least-squares fit of phi(z) by a constant and z = B A. {TEXT}",
        "At the printed start B A is 0 but for rounding, and phi(0) is the first thing that a step changes.",
    ),
    trained(
        "loran.trained.rest", "how much of Sinter's trained update is not a line in B A: share of its squared norm",
        "loran", "section III.C", f"Ours. At the paper's amplitude, 5e-5. {TEXT}",
        "Sinter(z) - z is at most 5e-5 |z|, so that the share is 2.5e-9 at most, whatever is learned.",
    ),
]
# fmt: on
