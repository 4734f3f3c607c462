"""What the sine-LoRA paper says in one place, against what it says or tabulates in another."""

from itertools import product

import numpy as np
from scipy.interpolate import Akima1DInterpolator

from rankkit.reported import MODELS, Paper, exact, lora_parameters, mean, mlp_parameters, parse, said

PAPER = Paper("sine_lora", __file__)
GLUE = ("CoLA", "MRPC", "STSB", "SST2", "RTE", "QNLI", "MNLI", "QQP")
RANKS = (1, 5, 10, 30, 60)

# the sections

PAPER.announced(
    said(
        "4 | we examine its performance in three distinct contemporary applications",
        "4 | fine-tuning of large language models ... the pretraining of ViT ... using NeRF ... and 3D shape modeling",
        defence="NeRF and 3D shape modelling may be counted as one.",
        fails="The sentence that begins with 'Specifically' names four, and each has a section of its own, 4.1 to 4.4.",
        changes="four applications instead of three",
    ),
    3,
    ["language models (4.1)", "vision transformers (4.2)", "NeRF (4.3)", "3D shapes (4.4)"],
    "applications that are examined",
)
PAPER.listed(
    said(
        "4.1 | GLUE benchmark ... including CoLA ... MRPC ... QQP, STS-B ... MNLI ... QNLI ... and RTE",
        "Table 4 | SST-2",
        left_open="whether 'including' is meant as a whole list",
    ),
    ["CoLA", "MRPC", "QQP", "STS-B", "MNLI", "QNLI", "RTE"],
    ["CoLA", "SST-2", "MRPC", "QQP", "STS-B", "MNLI", "QNLI", "RTE"],
    "tasks of GLUE: seven are listed, eight are tabulated",
    partial=True,
)
PAPER.setting(
    said(
        "1 | resulting in improved accuracy while maintaining computational and parameter efficiency",
        "A.2.1 | roughly 6 hours using LoRA, 7 hours using Sine LoRA",
        "Table 6 | Training memory (GB) cost",
        defence="A sixth more time and a third more memory may count as maintained, and the count of parameters is.",
        fails="Table 6 has 72.0 GB against 54.9 GB; of computation, every figure printed is higher with the sine.",
        changes="computational efficiency is traded: 17 % more time, 31 % more memory",
        weight="conclusion",
    ),
    ["computational efficiency is maintained", "7 hours instead of 6, and 72.0 GB instead of 54.9 GB at rank 8"],
    "cost of the sine",
    measured=False,
)
PAPER.setting(
    said(
        "5 | while these matrices can reach rank levels comparable to their full-rank counterparts ... their accuracy "
        "falls short",
        "Figure 4 | even enables improvement relative to the Full Rank model",
        "A.2.3 | even outperforms the baseline full-rank method (ConvNext-Tiny)",
        defence="The limitation may be meant for most settings, such as NeRF.",
        fails="It is said of these matrices without a restriction, and two experiments report the opposite.",
        changes="the limitation holds for NeRF and 3D shapes, and not for two image classifiers",
        weight="conclusion",
    ),
    ["accuracy falls short of full rank", "accuracy above full rank"],
    "accuracy against full-rank counterparts",
    measured=False,
)

# the theory, in words

PAPER.setting(
    said(
        "3.2.2, Theorem 1 | uniform distribution ... where N > k",
        "A.1 | From the assumption of the theorem 1 we have that N >> k",
        defence="In practice N is far larger than k.",
        fails="The proof takes its assumption from the theorem, which asks for N > k alone.",
        changes="theorem 1 needs N >> k among its hypotheses, or another proof",
        weight="conclusion",
    ),
    ["N > k", "N >> k"],
    "the assumption of theorem 1",
)
PAPER.setting(
    said(
        r"3.2.2, equation 5 | \left( \frac{A_{\min}^{0}}{\left| \left| \sqrt{|\mathbf{A}|} \right| \right|_{op}} "
        r"\right)^{2}",
        "A.1, equation 29 | Now observe that from proposition 1 in section 3.2 from the main paper we have that",
        defence="A square may have been lost in typesetting.",
        fails="Equations 29 and 30 both stand without it, and equation 28 has it; the two bounds differ by a factor.",
        changes="equations 29 and 30 need the square of proposition 1",
        weight="conclusion",
    ),
    ["omega (A_min / op)^2", "omega A_min / op"],
    "the bound of proposition 1",
)
PAPER.setting(
    said(
        r"3.2.2, equation 6 | Rank(\sin(\omega \cdot \mathbf{U}\mathbf{V}^T)) > Rank(\mathbf{U}\mathbf{V}^T)",
        r"A.1, equation 30 | \ge k \ge Rank(\mathbf{A})",
        defence="The last step of the proof could be made strict by a larger frequency.",
        fails="The frequency is bounded by pi N^2 / 3 there, and the chain ends in >= k >= rank.",
        changes="the proof shows that the rank does not fall, and not that it grows",
        weight="conclusion",
    ),
    ["rank of the sine > rank", "rank of the sine >= k >= rank"],
    "what theorem 1 states, and what its proof ends in",
)
PAPER.setting(
    said(
        r"A.1, equation 26 | A_{\min}^{0} = \frac{C}{N^2}",
        "A.1 | We can rewrite this last condition to say that equation 29 holds if",
        defence="The constant C may be taken to be 1 there.",
        fails="C stands in equations 26 and 28, and pi / (3 A_min) with A_min = C / N^2 is pi N^2 / (3 C).",
        changes="the range of omega in the proof depends on C",
        weight="conclusion",
    ),
    ["A_min = C / N^2, so omega <= pi N^2 / (3 C)", "omega <= pi N^2 / 3"],
    "the range of omega in the proof of theorem 1",
)
PAPER.setting(
    said(
        r"A.1, Lemma 1 | ||sin(\omega \mathbf{A})||_F^2 \ge \omega^2(A_{\min}^0)",
        "A.1, Lemma 1 | Substituting the lower bound in equation 15 into equation 11 we obtain the proposition.",
        defence="A constant factor matters little.",
        fails="Half of omega A_min, squared, is a quarter of its square; the lemma has neither the quarter nor "
        "the square.",
        changes="lemma 1 bounds by omega^2 A_min^2 / 4",
        weight="conclusion",
    ),
    ["(omega A_min / 2)^2", "omega^2 A_min"],
    "what equations 11 and 15 give, and what lemma 1 states",
)
PAPER.setting(
    said(
        "3.2.2, Theorem 1 | Then there exists an",
        r"3.2.2, Theorem 1 | provided $\omega \geq \omega_0$",
        "A.1 | we find that there exists",
        defence="The rank could stay once it has grown.",
        fails="The proof ends at one frequency omega_0 within 0 to pi N^2 / 3, and proposition 1 says nothing "
        "above it.",
        changes="the proof is of one frequency, and not of every frequency from omega_0 on",
        weight="conclusion",
    ),
    ["for every omega >= omega_0", "at omega_0"],
    "for which frequencies theorem 1 is stated, and for which it is proved",
)
PAPER.setting(
    said(
        r"3.2.1 | is an optimal choice to increase the rank of",
        "A.1, Remark 1 | give the main reasons why we chose a sine function",
        defence="'An optimal choice' may mean a good one, and Figure 3 compares others.",
        fails="The sentence promises it of the theoretical work, and no statement of it is about another function.",
        changes="the theory gives a lower bound for the sine, and no comparison",
        weight="conclusion",
    ),
    ["the theory shows that the sine is optimal", "the theory bounds the rank of a sine from below"],
    "what the theory shows of other functions",
    measured=False,
)
PAPER.setting(
    said(
        "3.1.1 | is a dense weight matrix",
        "A.2 | was the number of rows of the weight matrix",
        left_open="n may be defined anew in A.2; W has m rows and n columns in 3.1.1",
    ),
    ["W is m x n: m rows", "n is the number of rows"],
    "rows of the weight matrix, in the gain g",
    undecided=True,
)

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
            fails="The cells of both rows have two decimals, and their averages differ by 0.42 with an error of 0.01.",
            changes="the gain at rank 8 is 0.42 instead of 0.49",
            weight="number",
        ),
    )  # fmt: skip
ARC = said(
    "Table 2 | 63.91",
    "Table 7 | ARC-e",
    defence="Another method may order two tasks otherwise.",
    fails="In all 8 rows of Table 2 ARC-e is the harder, by 9.5 to 16.0 points, and in all 6 of Table 7 the easier, by "
    "10.1 to 11.3, for one model and one benchmark; with two heads exchanged the tables have one order.",
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
    defence="'Its parameters' may mean those of the replaced layers alone, or be a round number.",
    fails="By the paper's own 66 % and the shapes, 61 % of the model is left, and 41 % of the replaced layers.",
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
        "A.2 | there is no principled way to set",
        "6 | We have fully justified this approach from theoretical first principles",
        left_open="the justification may be of the sine, and not of its frequency",
    ),
    ["no principled way to set the frequency", "fully justified from first principles"],
    "how far the theory goes",
    undecided=True,
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
