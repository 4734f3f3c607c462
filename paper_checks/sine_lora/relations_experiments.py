"""What the sine-LoRA paper says of its experiments, in words, against its tables."""

from itertools import product

import numpy as np
from scipy.interpolate import Akima1DInterpolator

from rankkit.reported import MODELS, Paper, exact, lora_parameters, mean, mlp_parameters, parse, said

PAPER = Paper("sine_lora", __file__)
GLUE = ("CoLA", "MRPC", "STSB", "SST2", "RTE", "QNLI", "MNLI", "QQP")
RANKS = (1, 5, 10, 30, 60)

# language models

t1, t2, t7 = (PAPER.table(f"table{n}", key="method rank") for n in (1, 2, 7))
CELLS = {
    f"{column} at {r}, Table {n}": (table[f"SineLoRA {r}", column], table[f"LoRA {r}", column])
    for n, table, ranks, columns in ((1, t1, (1, 2, 4, 8), GLUE), (2, t2, (4, 8, 16, 32), t2.columns[3:11]))
    for r in ranks
    for column in columns
}
MEANS = {
    f"average at {r}, Table {n}": (table[f"SineLoRA {r}", "avg"], table[f"LoRA {r}", "avg"])
    for n, table, ranks in ((1, t1, (1, 2, 4, 8)), (2, t2, (4, 8, 16, 32)))
    for r in ranks
}
PAPER.every(
    said("4.1 | sistently surpasses the performance of the standard LoRA at different rank levels"),
    CELLS,
    "SineLoRA is not below LoRA",
    readings={"averages at every rank": MEANS},
)
PAPER.every(
    said("A.2.1 | achieve state-of-the-art results while utilizing only 25% of the parameters required by"),
    {f"average against {row}": (t7["SineDoRA 8", "avg"], t7[row, "avg"]) for row in t7.where(method="DoRA*")},
    "SineDoRA at 8 is not below the reported DoRA",
)
for r, delta in ((2, "0.45"), (4, "0.73"), (8, "0.49")):
    PAPER.states(
        "Table 1", delta, mean(t1.cells(f"SineLoRA {r}", GLUE)) - mean(t1.cells(f"LoRA {r}", GLUE)),
        f"difference of the averages of the printed cells at rank {r}",
        words=said(
            f"Table 1 | {delta}",
            defence="The printed difference may be of unrounded averages over more digits or runs.",
            fails="The cells of both rows have two decimals, and their averages differ by 0.42 with an error of "
            "0.015; at ranks 2 and 4 the printed difference agrees with the cells.",
            changes="the gain at rank 8 is 0.42 instead of 0.49",
            weight="number",
        ),
    )  # fmt: skip
ARC = said(
    "Table 2 | 63.91",
    "Table 7 | ARC-e",
    "4.1 | (WG) (Sakaguchi et al., 2021), ARC-c, ARC-e (Clark et al., 2018) and OBQA",
    defence="Another method, or other data, may order two tasks otherwise; no sentence says which is harder.",
    fails="In all 8 rows of Table 2 ARC-e is the harder, by 9.5 to 16.0 points, and in all 6 of Table 7 the easier, by "
    "10.1 to 11.3, for one model and one benchmark. Section 4.1 lists ARC-c before ARC-e; in that order the columns of "
    "Table 2 agree with Table 7.",
    left_open="which of the two tables has the heads exchanged, if one has",
    changes="the columns ARC-e and ARC-c of one table change places",
    weight="number",
)
in_t2, in_t7 = ([(table[row, "ARC-e"], table[row, "ARC-c"]) for row in table.rows] for table in (t2, t7))
PAPER.same_order(ARC, in_t2, in_t7, "ARC-e against ARC-c in Tables 2 and 7")
LLAMA, FIVE = "Llama-3-8B", ("q", "k", "v", "up", "down")
inputs = sum(n for module, (_, n) in MODELS[LLAMA][1].items() if module in FIVE) * MODELS[LLAMA][0]
for r in (8,):
    row = next(row for row in t7.where(rank=str(r)) if row.startswith("DoRA"))
    count = exact(lora_parameters(LLAMA, FIVE, r) + inputs, f"{lora_parameters(LLAMA, FIVE, r)} + {inputs}") / 10**6
    PAPER.setting(
        said(
            "A.2.1 | normalized by the column vector-wise norm",
            f"Table 7 | {t7.rows[row]['params_M']}M",
            left_open="whether n is meant for the outputs there; with one magnitude an output Table 7 is met exactly",
        ),
        [f"{float(count.value):.1f}M with a magnitude of 1 x n, one an input", f"{t7.rows[row]['params_M']}M"],
        f"parameters of DoRA at {r}",
        undecided=True,
    )

# images

layers, modules = MODELS["ViT-B"]
full = sum(m * n for m, n in modules.values()) * layers
low = full - 2 * layers * 768 * 3072 + lora_parameters("ViT-B", ("up", "down"), 250)
HALF = said(
    "4.2 | even when operating at a rank of 250 with only 50% of its parameters in comparison to the baseline",
    "4.2 | contribute to nearly 66% of the total model parameter count",
    defence="'Its parameters' may mean those of the replaced layers alone, or 50 % be a round number.",
    fails="By the paper's own 66 % and its widths of 768 and 3072, 61 % of the model is left, and 41 % of the replaced "
    "layers; neither rounds to 50 %.",
    changes="61 % of the parameters instead of 50 %",
    weight="conclusion",
)
PAPER.states("4.2", "50%", exact(100 * low, f"100 * {low}") / full, "share of the parameters of ViT-Base at k = 250",
             words=HALF)  # fmt: skip
blocks = exact(8) * 100 / 12
PAPER.covers("4.2, nearly 66%, blocks alone", "65", "67", [blocks], "feed-forward share, 8 of 12 d^2 a block")
t10 = PAPER.table("table10", key="row_label")
PAPER.held(
    said(
        "Table 10 | Top-1 Accuracy of ViT-Small",
        "Table 10 | PSNR",
        defence="The label may be left over from the NeRF tables.",
        fails="It is what stands in the table: a caption of accuracies over a row of PSNR.",
        changes="the row of Table 10 is accuracy",
    ),
    ["accuracy"],
    list(t10.rows),
    "the quantity of Table 10's caption among its rows",
)
t11 = PAPER.table("table11", key="method rank")
PAPER.every(
    said(
        "A.2.3 | even outperforms the baseline full-rank method (ConvNext-Tiny) with approximately 50% fewer parameters"
    ),
    {f"k = {r}": (t11[f"SineLR-ConvNeXt-Tiny {r}", "acc"], t11["ConvNeXt-Tiny", "acc"]) for r in (1, 5, 20)},
    "accuracy not below the full-rank model's",
    readings={"one rank, k = 20": {"20": (t11["SineLR-ConvNeXt-Tiny 20", "acc"], t11["ConvNeXt-Tiny", "acc"])}},
)
PAPER.atmost(
    said("A.2.3 | The majority of parameters (50%) in ConvNeXt are used in the last stage", "Table 11 | 49.5"),
    parse("50"),
    {f"k = {r}": exact(100) - t11[f"LR-ConvNeXt-Tiny {r}", "compression_pct"] for r in (1, 5, 20)},
    "percent of the parameters that a change in the last stage alone can remove",
)

# scenes and shapes

t3 = PAPER.table("table3", key="method rank")
PAPER.linear(
    said(
        "Table 3 | 1.3%",
        "Table 3 | 48.6%",
        "4.3 | we substitute each fully dense layer with low-rank decomposition",
    ),
    {r: t3[f"LowRank {r}", "compression_pct"] for r in RANKS[1:]},
    "compression rates from k = 5 on grow linearly with k",
    offset=True,
)
steps = [t3["LowRank 5", "compression_pct"] - t3["LowRank 1", "compression_pct"],
         t3["LowRank 60", "compression_pct"] - t3["LowRank 5", "compression_pct"]]  # fmt: skip
slopes = steps[0] / 4, steps[1] / 55
PAPER.setting(
    said(
        "Table 3 | 4.7%",
        "3.1.2 | Low-rank multiplication then reduces the learnable parameter count and memory footprint",
        left_open="layers narrower than k, such as the last ones, would bend the line",
    ),
    [f"{float(slope.low):.3f} to {float(slope.high):.3f} a rank" for slope in slopes],
    "slope of the compression rates from k = 1 to 5, and from 5 to 60, where k (m + n) is linear",
    undecided=True,
)
PAPER.setting(
    said(
        "4.4 | includes two hidden layers, each with a width of 256 neurons",
        "Table 13 | 132K",
        left_open="whether 'two hidden layers' are the two square ones, so that the network has three of width 256",
    ),
    [f"{mlp_parameters((3, 256, 256, 1))} with two layers of 256 neurons",
     f"{mlp_parameters((3, 256, 256, 256, 1))} with three"],
    "parameters of the occupancy network: Table 13 has 132K",
    undecided=True,
)  # fmt: skip


def bjontegaard(rates):
    """Return BD-rate in percent and BD-PSNR in dB of Table 3, by Akima interpolation as in section 4.3."""
    logs = np.log10(rates)
    plain, sine = (np.array([float(t3[f"{m} {r}", "avg"].value) for r in RANKS]) for m in ("LowRank", "SineLowRank"))
    psnr = np.linspace(max(plain[0], sine[0]), min(plain[-1], sine[-1]), 2000)
    rate = np.linspace(logs[0], logs[-1], 2000)
    saved = np.mean(Akima1DInterpolator(sine, logs)(psnr) - Akima1DInterpolator(plain, logs)(psnr))
    gain = np.mean(Akima1DInterpolator(logs, sine)(rate) - Akima1DInterpolator(logs, plain)(rate))
    return 100 * (10**saved - 1), gain


PRINTED = [t3[f"LowRank {r}", "compression_pct"] for r in RANKS]
corners = [bjontegaard([float(end) for end in ends]) for ends in product(*(cell.rounded for cell in PRINTED))]
for name, printed, at in (("BD-rate", "-64.72", 0), ("BD-PSNR", "2.72", 1)):
    least, most = min(corner[at] for corner in corners), max(corner[at] for corner in corners)
    PAPER.covers("4.3", f"{least:.3f}", f"{most:.3f}", [parse(printed)], f"{name} of Table 3, for any rounding")
last = 3 * 2 * 768 * 3072
for r in (1, 5, 20):
    count = t11["ConvNeXt-Tiny", "params_M"] - exact(last - 3 * 2 * r * (768 + 3072)) / 10**6
    PAPER.same("Table 11", f"parameters with the last stage's linear layers of rank {r}",
               t11[f"LR-ConvNeXt-Tiny {r}", "params_M"], count)  # fmt: skip
PAPER.setting(
    said(
        "1 | a novel technique that enhances the representational capacity of low-rank methods",
        "6 | as it improves approximation without adding capacity",
        left_open="capacity may mean what a model can represent, or how many parameters it has",
    ),
    ["enhances capacity", "adds no capacity"],
    "capacity of a sine-activated matrix",
    undecided=True,
)
PAPER.setting(
    said(
        "6 | We have fully justified this approach from theoretical first principles",
        "A.1, Remark 3 | we hypothesize that high-rank weight matrices within a neural model provide additional "
        "degrees of freedom",
        "A.2 | there is no principled way to set",
        defence="The justification may be of the rank, and not of the accuracy or of the frequency.",
        fails="The approach is to gain accuracy by rank: by remark 3 that a rank brings accuracy is a hypothesis, and "
        "by A.2 the frequency has no principle.",
        changes="the theory is on the rank; that it brings accuracy is a hypothesis",
        weight="conclusion",
    ),
    ["fully justified from first principles", "accuracy by rank is a hypothesis, the frequency a hyperparameter"],
    "how far the theory goes",
    measured=False,
)
PAPER.setting(
    said(
        "A.1, proof of proposition 1 | it suffices to prove the lower bound on",
        "3.2.2, equation 5 | Rank(\\sin(\\omega \\cdot \\mathbf{A}))",
        "A.1, proof of proposition 1 | of proposition 3.1 from section 3.2 of main paper",
        defence="It is a slip: lemmas 1 and 2 are about sin(omega A).",
        fails="As printed the proof bounds the stable rank of A, and it is headed by a proposition 3.1, where the "
        "paper has a proposition 1.",
        changes="SR(sin(omega A)), and proposition 1",
    ),
    ["the stable rank of A, for proposition 3.1", "the rank of sin(omega A), in proposition 1"],
    "what the proof of proposition 1 bounds",
)
NARROWEST = {"NeRF": (256, 60), "ViT-Base": (768, 250)}
bounds = [f"{name}: N = {(width / 6) ** 0.5:.1f} at most, k up to {rank}" for name, (width, rank) in NARROWEST.items()]
PAPER.setting(
    said(
        "3.2.2 | ensuring that the condition specified in theorem 1—that N > k—is always met",
        "3.2.2 | most common initialization schemes such as Kaiming (He et al., 2015) and Xavier (Glorot & Bengio, "
        "2010) satisfy the requirements",
        "A.2.4 | We use 8 fully connected layers—each with 256 neurons",
        "A.2.4 | different ranks [1, 5, 10, 30, 60]",
        defence="N may be meant in the order of m and n, which are far larger than k.",
        fails="The entries of Kaiming's and Xavier's scheme are bounded by a root of the width: by Kaiming's 1 / N is "
        "sqrt(6 / width), so that N is far below k in the paper's own settings.",
        left_open="Kaiming's bound is not printed; it is of the paper that is cited for it",
        changes="N > k is an assumption; common initial values do not meet it at the larger ranks",
        weight="conclusion",
    ),
    ["N > k always", *bounds],
    "whether common initial values meet N > k",
)
PAPER.setting(
    said(
        r"3.2.1 | \frac{\phi(\omega \cdot \mathbf{U}\mathbf{V}^T)}{a}",
        "3.2.1 | is a non-learnable parameter to control the gain of the transformation",
        left_open="a letter may be misread in the text at hand",
    ),
    ["a", "g"],
    "the letter of the gain in equation 3 and in the text",
    undecided=True,
)
